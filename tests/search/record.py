"""`assay record`: what is kept of a search, what is passed on unchanged, and what must never be kept."""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import unittest
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support import ASSAY, KEY, SEARCH, Recorded, assay, journal, main, must, run, write_journal  # noqa: E402

CLIENT = """
import http.client, json, os, sys, urllib.parse
base = urllib.parse.urlsplit(os.environ["OPENAI_BASE_URL"])
def ask(path, body, **headers):
    c = http.client.HTTPConnection(base.hostname, base.port, timeout=60)
    c.request("POST" if body is not None else "GET", base.path + path, body, {"Content-Type": "application/json", **headers})
    a = c.getresponse()
    return a.status, a.read()
"""


class Record(Recorded):
    def client(self, code, **more):
        return self.record(sys.executable, "-c", CLIENT + code, **more)

    def test_a_search_is_kept_whole(self):
        done = must(self.record(*SEARCH, "4"))
        self.assertIn(b"8 exchanges", done.stdout)
        self.assertIn(b"step 4: best", done.stdout)  # passed on
        records, torn = journal(self.run_folder / "journal")
        self.assertEqual(torn, 0)
        kinds = [r[0]["kind"] for r in records]
        self.assertEqual(kinds, ["start"] + ["exchange"] * 8 + ["end"])
        first = records[1][0]
        self.assertEqual((first["method"], first["target"], first["upstream"], first["status"]), ("POST", "/chat/completions", "openai", 200))
        self.assertEqual(first["model"]["asked"], "stand-in")
        self.assertEqual(first["model"]["answered"], "stand-in-1")
        self.assertEqual(first["model"]["sampling"]["temperature"], 0.7)
        self.assertEqual(records[-1][0]["status"], 0)
        self.assertTrue(any("chunks" in r[0] for r in records if r[0]["kind"] == "exchange"))
        self.assertEqual((self.run_folder / "stdout").read_bytes().count(b"best"), 4)
        before = json.loads((self.run_folder / "before.json").read_text())
        self.assertEqual([f["path"] for f in before["files"]], ["config.json", "evaluator.py", "small_search.py"])
        after = json.loads((self.run_folder / "after.json").read_text())
        self.assertEqual(len([f for f in after["files"] if f["kept"]]), 5)  # four candidates and the population
        self.assertTrue((self.run_folder / "after/out/population.json").exists())

    def test_requests_reach_the_upstream_unchanged(self):
        done = must(self.client("""
print(ask("/chat/completions", '{"model": "m", "messages": []}', Authorization="Bearer " + os.environ["OPENAI_API_KEY"], X_Odd="a b"))
print(ask("/embeddings", '{"model": "e", "input": "x"}'))
print(ask("/models?limit=2", None))
"""))
        paths = [path for path, _, _ in self.seen]
        self.assertEqual(paths, ["/v1/chat/completions", "/v1/embeddings", "/v1/models?limit=2"])
        headers = {k.lower(): v for k, v in self.seen[0][1].items()}
        self.assertEqual(headers["authorization"], "Bearer " + KEY)
        self.assertEqual(headers["x_odd"], "a b")
        self.assertEqual(self.seen[0][2], b'{"model": "m", "messages": []}')
        self.assertEqual(done.stdout.count(b"(200,"), 3)

    def test_errors_and_broken_answers_are_kept(self):
        must(self.client("""
print(ask("/chat/completions", json.dumps({"assay_test": {"status": 429}})))
print(ask("/chat/completions", "not json {{{"))
try: ask("/chat/completions", json.dumps({"assay_test": {"cut": True}})); print("whole")
except Exception as e: print("broken", type(e).__name__)
print(ask("/chat/completions", json.dumps({"assay_test": {"silent": True}})))
"""))
        exchanges, _ = self.exchanges()
        self.assertEqual([e[0]["status"] for e in exchanges], [429, 400, 200, 502])
        self.assertIn("error", exchanges[2][0])
        self.assertTrue(exchanges[2][1].endswith(b'{"half'))
        self.assertIn(b"broken", (self.run_folder / "stdout").read_bytes())

    def test_an_upstream_that_is_not_there(self):
        self.base = "http://127.0.0.1:9/v1"
        must(self.client('print(ask("/chat/completions", "{}"))'))
        exchanges, _ = self.exchanges()
        self.assertEqual(exchanges[0][0]["status"], 502)
        self.assertIn("refused", exchanges[0][0]["error"].lower())

    def test_a_large_request_is_kept_whole_though_its_upstream_is_not_there(self):
        self.base = "http://127.0.0.1:9/v1"
        must(self.client('print(ask("/chat/completions", json.dumps({"x": "y" * 3_000_000})))'))
        exchanges, _ = self.exchanges()
        self.assertEqual([e[0]["status"] for e in exchanges], [502])
        self.assertTrue(exchanges[0][1].startswith(json.dumps({"x": "y" * 3_000_000}).encode()))

    def test_a_large_request_goes_on_while_it_comes_in(self):
        must(self.client("""
import http.client, time, urllib.parse
url = urllib.parse.urlsplit(os.environ["OPENAI_BASE_URL"])
body = json.dumps({"model": "m", "x": "y" * 3_000_000}).encode()
def begin(sent):
    c = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
    c.putrequest("POST", url.path + "/chat/completions")
    c.putheader("Content-Length", str(len(body)))
    c.endheaders()
    c.send(body[:sent])
    return c
cut = begin(2_000_000)
time.sleep(0.3)
cut.close()
whole = begin(2_000_000)
time.sleep(0.3)
whole.send(body[2_000_000:])
print(whole.getresponse().status)
"""))
        exchanges, _ = self.exchanges()
        self.assertEqual([e[0]["status"] for e in exchanges], [200])  # one that was cut off is no exchange
        self.assertEqual(exchanges[0][0]["number"], 1)
        self.assertEqual([len(body) for _, _, body in self.seen][-1], 3_000_023)

    def test_several_upstreams_by_prefix(self):
        done = must(self.record(sys.executable, "-c", """
import os, urllib.request
for name in ("ASSAY_UPSTREAM_OTHER", "ANTHROPIC_BASE_URL"):
    request = urllib.request.Request(os.environ[name] + "/messages", b'{"model": "c", "messages": []}')
    print(urllib.request.urlopen(request).status)
""", options=["--upstream", f"other={self.base}", "--upstream", f"anthropic={self.base}"]))
        self.assertEqual(done.stdout.count(b"200"), 2)
        exchanges, _ = self.exchanges()
        self.assertEqual([e[0]["upstream"] for e in exchanges], ["other", "anthropic"])

    def started(self, code):
        """A recording under way, of a client that has made an exchange and waits for the file `go`."""
        process = subprocess.Popen([str(ASSAY), "record", "-o", str(self.run_folder), "--upstream", f"openai={self.base}", "--",
                                    sys.executable, "-c", CLIENT + """
ask("/models", None); open("ready", "w").close()
import time
while not os.path.exists("go"): time.sleep(0.01)
""" + code], cwd=self.work, env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.kill)
        for _ in range(3000):
            if (self.work / "ready").exists():
                return process
            time.sleep(0.01)
        raise AssertionError("it made no exchange")

    def test_a_journal_that_another_changes_is_noticed(self):
        def cut(journal):
            os.truncate(journal, journal.stat().st_size - 40)

        def longer(journal):
            with open(journal, "ab") as file:
                file.write(b"more")

        def replaced(journal):
            text = journal.read_bytes()
            journal.unlink()
            journal.write_bytes(text)

        def changed(journal):
            text = journal.read_bytes()
            at = text.index(b"/models")
            with open(journal, "r+b") as file:
                file.seek(at)
                file.write(b"/mXdels")
        for change, code in ((cut, 'ask("/models", None)'), (longer, 'ask("/models", None)'), (replaced, 'ask("/models", None)'), (changed, ""), (cut, "")):
            with self.subTest(change.__name__, asks=bool(code)):
                process = self.started(code)
                change(self.run_folder / "journal")
                (self.work / "go").touch()
                out, err = process.communicate(timeout=60)
                self.assertEqual(process.returncode, 2, err.decode())
                self.assertRegex(err.decode(), "another process|changed by another")
            shutil.rmtree(self.run_folder)
            for name in ("ready", "go"):
                (self.work / name).unlink()

    def test_two_recorders_do_not_write_one_folder(self):
        process = self.started("")
        other = self.client('ask("/models", None)')
        self.assertEqual(other.returncode, 1)
        self.assertIn(f"another process, pid {process.pid}, is at work in this folder", other.stderr.decode())
        (self.work / "go").touch()
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, err.decode())
        self.assertIn("already a record", self.client("").stderr.decode())

    def test_a_command_that_is_not_there_leaves_nothing(self):
        for command in ("no-such-command", "./no-such-program", str(self.work)):
            done = self.record(command)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr.decode(), "no such (command|program)")
            self.assertFalse(self.run_folder.exists())

    def test_no_exchange_is_an_error_that_names_the_configuration_key(self):
        done = self.record(sys.executable, "-c", "print(1)")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr.decode(), r"without an exchange[\s\S]*http://127\.0\.0\.1:\d+/[0-9a-f]{32}/openai[\s\S]*api_base")

    def test_the_commands_status(self):
        done = self.client('ask("/models", None); sys.exit(3)')
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"ended     with status 3", done.stdout)

    def test_a_plan_gives_the_address_beforehand(self):
        planned = must(assay("record", "-o", self.run_folder, "--upstream", f"openai={self.base}"))
        address = re.search(rb"http://127\.0\.0\.1:\d+/[0-9a-f]{32}/openai", planned.stdout).group().decode()
        (self.work / "config.txt").write_text(address)
        must(self.record(sys.executable, "-c", """
import urllib.request
print(urllib.request.urlopen(open("config.txt").read() + "/models").status)"""))
        self.assertEqual(len(self.exchanges()[0]), 1)
        again = self.record(sys.executable, "-c", "1")
        self.assertEqual(again.returncode, 1)
        self.assertIn(b"already a record", again.stderr)

    def test_strangers_are_refused(self):
        done = must(self.client("""
import socket
ask("/models", None)
host, port, path = base.hostname, base.port, base.path
def raw(text):
    s = socket.create_connection((host, port)); s.settimeout(20); s.sendall(text.encode()); s.shutdown(socket.SHUT_WR)
    data = s.recv(100); s.close(); return data.split(b" ")[1].decode() if data else "closed"
h = f"Host: 127.0.0.1:{port}\\r\\n"
print("wrong token", raw(f"GET /{'0' * 32}/openai/models HTTP/1.1\\r\\n{h}\\r\\n"))
print("no token", raw(f"GET /v1/models HTTP/1.1\\r\\n{h}\\r\\n"))
print("wrong host", raw(f"GET {path}/models HTTP/1.1\\r\\nHost: evil.example:{port}\\r\\n\\r\\n"))
print("no host", raw(f"GET {path}/models HTTP/1.1\\r\\n\\r\\n"))
print("connect", raw(f"CONNECT example.com:443 HTTP/1.1\\r\\nHost: example.com:443\\r\\n\\r\\n"))
print("absolute", raw(f"GET http://example.com{path}/models HTTP/1.1\\r\\n{h}\\r\\n"))
print("unlisted", raw(f"GET {path[:-6]}other/models HTTP/1.1\\r\\n{h}\\r\\n"))
"""))
        answers = dict(line.rsplit(" ", 1) for line in done.stdout.decode().splitlines() if " 4" in line and "refused" not in line)
        self.assertEqual(answers, {"wrong token": "403", "no token": "403", "wrong host": "403", "no host": "403", "connect": "405",
                                   "absolute": "400", "unlisted": "404"})
        self.assertEqual(len(self.seen), 1)
        self.assertIn(b"refused", done.stdout)

    # ---- keys

    def forms(self, key):
        plain = key.encode()
        yield plain
        yield json.dumps(key)[1:-1].encode()
        yield urllib.parse.quote(key, safe="").encode()
        yield urllib.parse.quote_plus(key).encode()
        yield plain.hex().encode()
        for before in range(3):  # the inner part, which does not depend on what surrounds it
            text = base64.b64encode(b"\0" * before + plain)
            inner = text[(8 * before + 5) // 6:8 * (before + len(plain)) // 6]
            yield inner
            yield inner.replace(b"+", b"-").replace(b"/", b"_")

    def assert_no_key(self, root, *keys):
        for path in Path(root).rglob("*"):
            data = path.read_bytes() if path.is_file() else str(path).encode()
            for key in keys:
                for form in self.forms(key):
                    self.assertNotIn(form, data, f"{path} holds {key!r} as {form!r}")

    def test_keys_are_in_no_byte_of_the_record(self):
        other = "cfg-9f8e7d6c5b4a39281706"
        (self.work / "config.yaml").write_text(f"llm:\n  api_base: x\n  api_key: {other}\n  max_tokens: 4096\n")
        (self.work / "notes.bin").write_bytes(b"\0\1" + KEY.encode() + b"\xff")
        self.client(f"""
import base64, urllib.parse
key, other = os.environ["OPENAI_API_KEY"], {other!r}[:]
ask("/chat/completions?k=" + urllib.parse.quote(key, safe=""), json.dumps({{"messages": [key, other], "assay_test": {{"echo": True}}}}),
    Authorization="Bearer " + key, X_Api_Key=other, X_Odd=key)
ask("/chat/completions", json.dumps({{"a": base64.b64encode(b"q" + key.encode()).decode(), "assay_test": {{"echo": True}}}}))
for cut in (1, 7, 20):
    ask("/chat/completions", json.dumps({{"assay_test": {{"pieces": ["x" * 9 + key[:cut], key[cut:] + "tail", key]}}}}))
for i in range(0, len(key), 5): sys.stdout.write(key[i:i + 5]); sys.stdout.flush()
open("left.txt", "w").write("key " + key + " and " + base64.b64encode(other.encode()).decode())
""", env=self.environment(MY_TOKEN="tok-abcdefghijk"))
        self.assertTrue(any(KEY.encode() in body or b"\\\"quoted" in body for _, _, body in self.seen))
        self.assert_no_key(self.run_folder, KEY, other, "tok-abcdefghijk")
        exchanges, _ = self.exchanges()
        self.assertEqual(len(exchanges), 5)
        streamed = exchanges[2]
        sizes = dict(streamed[0]["parts"])
        self.assertEqual(sum(streamed[0]["chunks"]), sizes["response"])
        self.assertIn(b"tail", streamed[1])
        listed = {r["name"]: r["found"] for r in json.loads((self.run_folder / "redactions.json").read_text())["redacted"]}
        self.assertGreater(listed["OPENAI_API_KEY"], 5)
        self.assertGreater(listed["config.yaml:api_key"], 0)
        self.assertIn(b"max_tokens: 4096", (self.run_folder / "before/config.yaml").read_bytes())

    def test_a_key_first_seen_in_a_header_leaves_the_files_too(self):
        late = "zz-late-0123456789abcdef"
        (self.work / "program.txt").write_text(f"uses {late}")
        self.client(f"""
print({late!r}, flush=True)
ask("/chat/completions", "{{}}", **{{"Author" + "ization": "Bearer {late}"}})
open("o.txt", "w").write({late!r})
""")
        self.assert_no_key(self.run_folder, late)
        records, torn = journal(self.run_folder / "journal")
        self.assertEqual(torn, 0)
        self.assertIn("REDACTED-authorization", " ".join(records[0][0]["command"]))  # written before anybody could know
        self.assertIn("searched", [r[0]["kind"] for r in records])
        must(self.seal())

    def test_a_key_in_exchanges_before_it_was_known(self):
        """A body that is under way, and one that is kept: both without the key once a header has named it."""
        late = "zz-late-0123456789abcdef"
        (self.work / f"of {late}").mkdir()
        (self.work / f"of {late}/f.txt").write_text(late)
        must(self.client(f"""
import threading
late = "zz-late-0123456789" + "abcdef"
slow = threading.Thread(target=ask, args=("/chat/completions", json.dumps({{"messages": [late], "assay_test": {{"delay": 1.5, "echo": True}}}})))
slow.start()
import time; time.sleep(0.4)
ask("/chat/completions?q=" + late, json.dumps({{"messages": [late], "assay_test": {{"pieces": ["a" + late[:9], late[9:] + "b"]}}}}), X_Odd=late)
print(late, flush=True)
ask("/chat/completions", "{{}}", Authorization="Bearer " + late)
slow.join()
ask("/chat/completions", json.dumps({{"messages": [late]}}))
"""))
        self.assert_no_key(self.run_folder, late)
        self.assertFalse([path for path in self.run_folder.rglob("*") if late in str(path)])
        exchanges, torn = self.exchanges()
        self.assertEqual((len(exchanges), torn), (4, 0))
        for header, body in exchanges:
            sizes = dict(header["parts"])
            request = body[:sizes["request"]]
            if "chunks" in header:
                self.assertEqual(sum(header["chunks"]), sizes["response"])
            digest = hashlib.sha256(f"{header['method']} {header['upstream']} {header['target']}\n".encode() + hashlib.sha256(request).digest())
            self.assertEqual(header["digest"], digest.hexdigest())
        must(self.seal())

    def test_killed_before_the_record_was_searched(self):
        """What was kept with a key that nobody knew is not sealed as if nothing were."""
        late = "zz-late-0123456789abcdef"
        self.client(f"""
late = "zz-late-0123456789" + "abcdef"
ask("/chat/completions", json.dumps({{"messages": [late]}}))
ask("/chat/completions", "{{}}", Authorization="Bearer " + late)
""")
        records, _ = journal(self.run_folder / "journal")
        kinds = [r[0]["kind"] for r in records]
        self.assertEqual(kinds.count("searched"), 1)
        # As a recorder leaves it that is killed after the last exchange and before it looked.
        write_journal(self.run_folder / "journal", [({**h, "record": i + 1}, b) for i, (h, b) in enumerate(
            r for r in records if r[0]["kind"] not in ("searched", "end"))])
        done = self.seal()
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(b"cut short before the record was searched", done.stderr)
        must(self.seal("--keep-going"))
        # Cut short after it looked, it is sealed as ever.
        write_journal(self.run_folder / "journal", [r for r in records if r[0]["kind"] != "end"])
        (self.top / "s.h5").unlink()
        must(self.seal())

    def test_a_compressed_request_is_refused_and_not_kept(self):
        must(self.client("""
import gzip
packed = gzip.compress(os.environ["OPENAI_API_KEY"].encode())
print(ask("/chat/completions", packed, **{"Content-Encoding": "gzip"})[0])
"""))
        exchanges, _ = self.exchanges()
        self.assertEqual((exchanges[0][0]["status"], len(self.seen)), (502, 0))
        self.assertIn("compressed", exchanges[0][0]["error"])
        self.assertEqual(dict(exchanges[0][0]["parts"])["request"], 0)

    def test_an_upstreams_address_holds_no_key(self):
        for address, environment in ((f"http://me:{'pw-0123456789'}@127.0.0.1:9/v1", {}), (f"http://127.0.0.1:9/v1?key=pw-0123456789", {}),
                                     ("http://127.0.0.1:9/pw-0123456789/v1", {"SOME_KEY": "pw-0123456789"})):
            for upstreams, more in ((["--upstream", f"openai={address}"], {}), ([], {"OPENAI_BASE_URL": address})):
                done = run(ASSAY, "record", "-o", self.run_folder, *upstreams, "--", "true", cwd=self.work, env=self.environment(**environment, **more))
                self.assertEqual(done.returncode, 1)
                self.assertIn(b"openai", done.stderr)
                self.assertNotIn(b"pw-0123456789", done.stderr + done.stdout)
                self.assertFalse((self.run_folder / "plan.json").exists())

    def test_keys_of_digits_or_with_a_slash(self):
        keys = {"BAR_TOKEN": "12345678901234567890", "AWS_SECRET_ACCESS_KEY": "/bPxRfiCYEXAMPLE0000/1Q"}
        plain = {"MAX_TOKENS": "1000000000", "KEY_FILE": str(self.top)}
        must(self.client('print(ask("/chat/completions", json.dumps({"model": os.environ["BAR_TOKEN"] + os.environ["AWS_SECRET_ACCESS_KEY"] + os.environ["MAX_TOKENS"]})))',
                         env=self.environment(**keys, **plain)))
        self.assert_no_key(self.run_folder, *keys.values())
        text = (self.run_folder / "journal").read_bytes()
        self.assertIn(b"REDACTED-BAR_TOKEN", text)
        self.assertIn(b"1000000000", text)

    def seal(self, *options):
        key = self.top / "key"
        if not key.exists():
            must(assay("key", "new", key))
        return assay("seal", self.run_folder, "--from", "record", "-o", self.top / "s.h5", "--key", key, *options)

    def test_a_file_altered_after_recording_is_not_sealed(self):
        must(self.record(*SEARCH, "2"))
        for name in ("after/out/population.json", "before/config.json"):
            file = self.run_folder / name
            kept = file.read_bytes()
            file.write_bytes(kept + b" ")
            done = self.seal()
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(name.encode(), done.stderr)
            file.write_bytes(kept)
        must(self.seal())

    def test_a_secret_in_the_journal_is_not_replaced_there(self):
        secret = "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789"
        must(self.client(f'print(ask("/chat/completions", json.dumps({{"model": "{secret}"}}))[0])'))
        done = self.seal("--redact")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(b"source/journal", done.stderr)
        must(self.seal("--redact", "--withhold", "source/journal", "--salts", self.top / "salts"))

    def test_sealed_and_looked_at(self):
        must(self.record(*SEARCH, "3"))
        key = self.top / "key"
        must(assay("key", "new", key))
        bundle = self.top / "s.h5"
        must(assay("seal", self.run_folder, "--from", "record", "-o", bundle, "--key", key))
        verified = assay("verify", bundle)
        self.assertIn(verified.returncode, (0, 5), verified.stdout.decode() + verified.stderr.decode())
        shown = must(assay("show", bundle)).stdout.decode()
        self.assertIn("6", shown)
        steps = must(assay("show", bundle, "steps")).stdout.decode()
        self.assertIn("exchange/1", steps)
        must(assay("list", bundle))
        exported = self.top / "exported"
        must(assay("export", bundle, "-o", exported))
        self.assertEqual((exported / "source/journal").read_bytes(), (self.run_folder / "journal").read_bytes())
        self.assert_no_key(exported, KEY)
        self.assert_no_key(self.top / "run", KEY)


if __name__ == "__main__":
    main()
