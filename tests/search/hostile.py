"""Hostile HTTP: an error each, bounded memory, and the honest client beside it is served."""

import gzip
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support import ASSAY, Recorded, assay, journal, main, must  # noqa: E402


class Hostile(Recorded):
    def setUp(self):
        super().setUp()
        planned = must(assay("record", "-o", self.run_folder, "--upstream", f"openai={self.base}")).stdout.decode()
        address = next(word for word in planned.split() if word.startswith("http://127"))
        self.url = urllib.parse.urlsplit(address)
        self.recorder = subprocess.Popen([ASSAY, "record", "-o", self.run_folder, "--", "sleep", "600"], cwd=self.work,
                                         env=self.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(self.end)
        for _ in range(200):
            try:
                self.connect().close()
                break
            except OSError:
                time.sleep(0.05)
        else:
            self.fail("the recorder does not listen")

    def end(self):
        self.recorder.kill()
        self.recorder.wait()

    def connect(self):
        s = socket.create_connection((self.url.hostname, self.url.port), timeout=60)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def start(self, extra="", path="/chat/completions", method="POST"):
        return f"{method} {self.url.path}{path} HTTP/1.1\r\nHost: 127.0.0.1:{self.url.port}\r\n{extra}".encode()

    def status(self, s):
        data = s.recv(4096)
        return data.split(b" ")[1] if data else b"closed"

    def all_of(self, s):
        """What is said until the connection is closed, as one that is refused is."""
        data = b""
        while piece := s.recv(4096):
            data += piece
        return data

    def send_until_refused(self, s, piece, most):
        sent = 0
        try:
            while sent < most:
                sent += s.send(piece)
        except OSError:
            pass
        return sent

    def memory(self):
        text = Path(f"/proc/{self.recorder.pid}/status").read_text()
        return int(text.split("VmHWM:")[1].split()[0]) * 1024

    def honest(self):
        c = http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=30)
        start = time.monotonic()
        c.request("POST", self.url.path + "/chat/completions", b'{"model": "m"}', {"Content-Type": "application/json"})
        answer = c.getresponse()
        self.assertEqual(answer.status, 200)
        answer.read()
        c.close()
        return time.monotonic() - start

    def test_huge_headers(self):
        with self.connect() as s:
            s.sendall(self.start())
            sent = self.send_until_refused(s, b"X-Long: " + b"a" * 65000 + b"\r\n", 90 << 20)
            self.assertLess(sent, 8 << 20)
        with self.connect() as s:  # one header line without an end
            s.sendall(self.start("X-Long: "))
            self.assertLess(self.send_until_refused(s, b"a" * 65536, 90 << 20), 8 << 20)
        with self.connect() as s:
            s.sendall(self.start("X-Long: " + "a" * 70000 + "\r\n"))
            self.assertEqual(self.status(s), b"431")
        self.honest()
        self.assertLess(self.memory(), 200 << 20)

    def test_endless_chunks(self):
        before = self.memory()
        with self.connect() as s:
            s.sendall(self.start("Transfer-Encoding: chunked\r\n\r\n"))
            sent = self.send_until_refused(s, (b"10000\r\n" + b"x" * 65536 + b"\r\n") * 4, 300 << 20)
            self.assertLess(sent, 100 << 20)
        with self.connect() as s:  # a chunk's head without an end
            s.sendall(self.start("Transfer-Encoding: chunked\r\n\r\n1;"))
            self.assertLess(self.send_until_refused(s, b"x" * 65536, 90 << 20), 8 << 20)
        with self.connect() as s:
            s.sendall(self.start("Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"))
            self.assertIn(self.status(s), (b"400", b"413"))
        self.honest()
        self.assertLess(self.memory() - before, 300 << 20)

    def test_wrong_lengths(self):
        for extra, wanted in (("Content-Length: 999999999999\r\n\r\n", (b"413",)),
                              ("Content-Length: -1\r\n\r\n", (b"400",)),
                              ("Content-Length: 5\r\nContent-Length: 7\r\n\r\nabcde", (b"400",)),
                              ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (b"400",)),
                              ("Transfer-Encoding: chunked\r\n\r\nzz\r\n", (b"400",)),
                              ("Bad Header\r\n\r\n", (b"400",)),
                              ("X: \0\r\n\r\n", (b"400",))):
            with self.connect() as s:
                s.sendall(self.start(extra))
                self.assertIn(self.status(s), wanted, extra)
        with self.connect() as s:  # shorter than it says
            s.sendall(self.start("Content-Length: 50\r\n\r\nabc"))
            s.shutdown(socket.SHUT_WR)
            self.assertEqual(self.status(s), b"closed")
        with self.connect() as s:
            s.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")  # TLS to a plain port
            s.shutdown(socket.SHUT_WR)
            self.assertIn(self.status(s), (b"400", b"closed"))
        self.honest()
        self.assertEqual(len(self.seen), 1)

    def test_codings_hosts_and_paths_that_lead_elsewhere(self):
        """What this server and the one behind it could read differently, and what could hide a body, is refused; and said why."""
        chunks = b"2\r\n{}\r\n0\r\n\r\n"
        for extra, status, why in (("Transfer-Encoding: gzip\r\n\r\n", b"501", b"Transfer-Encoding"),
                                   ("Transfer-Encoding: gzip, chunked\r\n\r\n", b"501", b"Transfer-Encoding"),
                                   ("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", b"501", b"Transfer-Encoding"),
                                   ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", b"501", b"Transfer-Encoding"),
                                   ("Host: 127.0.0.1\r\nContent-Length: 2\r\n\r\n", b"400", b"Host"),
                                   (f"hOST: 127.0.0.1:{self.url.port}\r\nContent-Length: 2\r\n\r\n", b"400", b"Host")):
            with self.connect() as s:
                s.sendall(self.start(extra) + chunks)
                said = self.all_of(s)
                self.assertIn(said.split(b" ")[1], (status, b"400"), extra)
                self.assertTrue(why in said or b"not an HTTP message" in said, said)
        for path in ("/../admin", "/chat/../../admin", "/..", "/%2e%2e/admin", "/.%2E/admin", "/a%2f..%2fadmin", "/%252e%252e/admin", "/..;x/admin",
                     "/..\\admin"):
            with self.connect() as s:
                s.sendall(self.start("Content-Length: 2\r\n\r\n", path) + b"{}")
                said = self.all_of(s)
                self.assertEqual(said.split(b" ")[1], b"400", path)
                self.assertIn(b"..", said)
        self.honest()
        self.assertEqual(len(self.seen), 1)
        for path in ("/a..b/chat", "/...", "/files?path=../x"):  # names of their own, and a query, lead nowhere
            with self.connect() as s:
                s.sendall(self.start("Content-Length: 2\r\n\r\n", path) + b"{}")
                self.assertEqual(self.status(s), b"200", path)

    def test_bad_json(self):
        """What is no JSON, or JSON to choke on, is passed on and kept as it came."""
        bodies = [b"", b"{", b"not json {{{", b"\xff\xfe\x00", b"[" * 2_000_000, b'{"a":' * 300_000, b'{"model": "a", "model": "b"}', b"1e999999999",
                  b'{"model": ' + b"9" * 1_000_000 + b"}", b'{"messages": [{"content": "\\ud800"}]}', b'"' + b"\\" * 1_000_001]
        for body in bodies:
            c = http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=60)
            c.request("POST", self.url.path + "/chat/completions", body, {"Content-Type": "application/json"})
            answer = c.getresponse()
            answer.read()
            self.assertIn(answer.status, (200, 400, 502), body[:40])  # 502: the stand-in choked, and closed
            c.close()
        self.honest()
        kept = [b for h, b in journal(self.run_folder / "journal")[0] if h["kind"] == "exchange"]
        self.assertEqual(len(kept), len(bodies) + 1)
        for body, found in zip(bodies, kept):
            self.assertTrue(found.startswith(body), body[:40])
        self.assertLess(self.memory(), 200 << 20)

    def test_two_requests_in_one_piece_are_two(self):
        body = b'{"model": "m"}'
        one = self.start(f"Content-Length: {len(body)}\r\n\r\n") + body
        with self.connect() as s:
            s.sendall(one + one)
            data = b""
            while data.count(b"HTTP/1.1 200") < 2:
                piece = s.recv(4096)
                self.assertTrue(piece, data)
                data += piece
        self.assertEqual(len(self.seen), 2)

    def test_eight_slow_senders_beside_an_honest_client(self):
        stop = threading.Event()
        ended = []

        def slow():
            with self.connect() as s:
                s.sendall(self.start("X-Slow: "))
                start = time.monotonic()
                try:
                    while not stop.wait(0.2):
                        s.sendall(b"a")
                        if time.monotonic() - start > 30:
                            return
                        s.setblocking(False)
                        try:
                            if s.recv(1000):
                                break
                        except BlockingIOError:
                            pass
                        s.settimeout(60)
                except OSError:
                    pass
                ended.append(time.monotonic() - start)

        threads = [threading.Thread(target=slow) for _ in range(8)]
        for thread in threads:
            thread.start()
        times = sorted(self.honest() for _ in range(20))
        self.assertLess(times[10], 2)  # one that waits for a slow sender waits for its deadline, ten seconds
        for thread in threads:
            thread.join(40)
        stop.set()
        self.assertEqual(len(ended), 8, "a slow sender was never cut off")
        self.assertLess(max(ended), 20)

    def test_killed_at_random_moments(self):
        """kill -9 while exchanges are under way: whole exchanges, an intact chain, and one that was answered is there."""
        answered = []

        def client():
            try:
                while True:
                    self.honest()
                    answered.append(1)
            except (OSError, http.client.HTTPException, AssertionError):
                pass

        threads = [threading.Thread(target=client) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        self.recorder.send_signal(signal.SIGKILL)
        self.recorder.wait()
        for thread in threads:
            thread.join(30)
        records, _ = journal(self.run_folder / "journal")
        self.assertGreaterEqual(len([r for r in records if r[0]["kind"] == "exchange"]), len(answered))
        self.assertGreater(len(answered), 3)


class HostileUpstream(unittest.TestCase):
    """What a model server may say: each is an exchange with an error, or what it says; the program gets a status or a broken answer."""

    END = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    def setUp(self):
        Recorded.setUp(self)

    make_work, environment = Recorded.make_work, Recorded.environment
    delay = 0.0

    def serve(self, answer):
        """A server that says `answer` (bytes, or a function of the socket) to every request."""
        listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listening.close)

        def one(s):
            with s:
                try:
                    s.settimeout(60)
                    data = b""
                    while b"\r\n\r\n" not in data:
                        piece = s.recv(65536)
                        if not piece:
                            return
                        data += piece
                    answer(s) if callable(answer) else s.sendall(answer)
                except OSError:
                    pass

        def accept():
            try:
                while True:
                    threading.Thread(target=one, args=(listening.accept()[0],), daemon=True).start()
            except OSError:
                pass

        threading.Thread(target=accept, daemon=True).start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}/v1"

    def test_each_is_an_error_and_memory_is_bounded(self):
        def flood(head, piece, most):
            def run(s):
                s.sendall(head)
                for _ in range(most // len(piece)):
                    s.sendall(piece)
            return run

        ok = b"HTTP/1.1 200 OK\r\n"
        packed = gzip.compress(b'{"key": "hidden from whoever looks for it"}')
        answers = {
            "headers": flood(ok, b"X-Long: " + b"a" * 60000 + b"\r\n", 90 << 20),
            "header": flood(ok + b"X-Long: ", b"a" * 65536, 90 << 20),
            "chunkhead": flood(ok + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x" * 65536, 90 << 20),
            "chunksize": ok + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
            "badchunk": ok + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
            "cutchunk": ok + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
            "lengths": ok + b"Content-Length: 5\r\nContent-Length: 7\r\n\r\nabcde",
            "toolong": ok + b"Content-Length: 999999999999\r\n\r\n",
            "negative": ok + b"Content-Length: -1\r\n\r\n",
            "short": ok + b"Content-Length: 50\r\n\r\nabc",
            "garbage": b"\x16\x03\x01\x02\x00" * 100,
            "nothing": b"",
            "zero": ok + b"X: \0\r\n\r\n",
            "packed": ok + b"Transfer-Encoding: gzip\r\n\r\n" + packed,
            "packedchunks": ok + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed),
            "packedtwice": ok + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n" + b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed),
            "encoded": ok + b"Content-Encoding: identity\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(packed), packed),
        }
        words = [ASSAY, "record", "-o", self.run_folder]
        for name, answer in answers.items():
            words += ["--upstream", f"{name}={self.serve(answer)}"]
        words += ["--upstream", f"honest={self.serve(self.END)}"]
        (self.work / "ask.py").write_text("""
import http.client, os, sys, urllib.parse
for name in sys.argv[1:]:
    url = urllib.parse.urlsplit(os.environ["ASSAY_UPSTREAM_" + name.upper()])
    try:
        c = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
        c.request("POST", url.path + "/chat/completions", "{}")
        a = c.getresponse()
        print(name, a.status, len(a.read()), flush=True)
    except Exception as e:
        print(name, "broken", type(e).__name__, flush=True)
""")
        order = [word for name in answers for word in (name, "honest")]
        with open(self.top / "printed", "wb") as out:
            recorder = subprocess.Popen([*words, "--", sys.executable, "ask.py", *order], cwd=self.work, env=self.environment(), stdout=out)
            _, status, usage = os.wait4(recorder.pid, 0)
        recorder.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(recorder.returncode, 0)
        self.assertLess(usage.ru_maxrss << 10, 200 << 20)
        records, torn = journal(self.run_folder / "journal")
        exchanges = [h for h, _ in records if h["kind"] == "exchange"]
        self.assertEqual((len(exchanges), torn), (2 * len(answers), 0))
        printed = (self.top / "printed").read_text().splitlines()
        for exchange, line in zip(exchanges, printed):
            if exchange["upstream"] == "honest":
                self.assertEqual((line, "error" in exchange), ("honest 200 2", False))
            else:
                self.assertIn("error", exchange, line)
                self.assertTrue(" 502 " in line or " broken " in line, line)
        self.assertNotIn(packed, (self.run_folder / "journal").read_bytes())


if __name__ == "__main__":
    main()
