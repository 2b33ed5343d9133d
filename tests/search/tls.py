"""TLS to an upstream: verified against the authorities that SSL_CERT_FILE names; any other certificate is an error that says why."""

import ssl
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support import Recorded, main, must, run  # noqa: E402

CLIENT = """
import os, urllib.error, urllib.request
try:
    print(urllib.request.urlopen(urllib.request.Request(os.environ["OPENAI_BASE_URL"] + "/chat/completions", b'{"model": "m"}')).status)
except urllib.error.HTTPError as e:
    print(e.code, e.read().decode())
"""


class Tls(Recorded):
    def setUp(self):
        super().setUp()
        self.place = self.top / "certificates"
        self.place.mkdir()
        self.authority("ca")

    def openssl(self, *words):
        must(run("openssl", *words, cwd=self.place))

    def authority(self, name):
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out",
                     f"{name}.pem", "-subj", f"/CN=assay test {name}", "-days", "3650")

    def speak_tls(self, names, days="3650", authority="ca"):
        """The model server speaks TLS from here on, with a certificate for `names`."""
        (self.place / "names").write_text(f"subjectAltName={names}\n")
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "s.key", "-out", "s.csr", "-subj", "/CN=x")
        self.openssl("x509", "-req", "-in", "s.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key", "-CAcreateserial", "-extfile", "names",
                     "-days", days, "-out", "s.pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.place / "s.pem", self.place / "s.key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.base = self.base.replace("http:", "https:")

    def ask(self):
        """(what the program saw, the exchange's header)"""
        done = must(self.record(sys.executable, "-c", CLIENT, env=self.environment(SSL_CERT_FILE=str(self.place / "ca.pem"))))
        exchanges, _ = self.exchanges()
        self.assertEqual(len(exchanges), 1)
        return done.stdout.decode(), exchanges[0][0]

    def assert_refused(self, why):
        out, exchange = self.ask()
        self.assertEqual(exchange["status"], 502)
        for text in (why, self.base, "SSL_CERT_FILE"):
            self.assertIn(text, exchange["error"])
            self.assertIn(text, out)
        self.assertEqual(self.seen, [], "a request went to a server that was not verified")

    def test_verified(self):
        self.speak_tls("IP:127.0.0.1")
        out, exchange = self.ask()
        self.assertIn("200", out)
        self.assertEqual((exchange["status"], "error" in exchange), (200, False))
        self.assertEqual(len(self.seen), 1)

    def test_by_name(self):
        self.base = self.base.replace("127.0.0.1", "localhost")
        self.speak_tls("DNS:localhost")
        self.assertEqual(self.ask()[1]["status"], 200)

    def test_an_authority_that_is_not_trusted(self):
        self.authority("other")
        self.speak_tls("IP:127.0.0.1", authority="other")
        self.assert_refused("unable to get local issuer certificate")

    def test_another_hosts_certificate(self):
        self.speak_tls("IP:127.0.0.2,DNS:localhost")
        self.assert_refused("IP address mismatch")

    def test_another_name(self):
        self.base = self.base.replace("127.0.0.1", "localhost")
        self.speak_tls("IP:127.0.0.1,DNS:elsewhere.example")
        self.assert_refused("ostname mismatch")

    def test_no_tls_there(self):
        self.base = self.base.replace("http:", "https:")
        out, exchange = self.ask()
        self.assertEqual(exchange["status"], 502)
        self.assertIn("no TLS connection", exchange["error"])


if __name__ == "__main__":
    main()
