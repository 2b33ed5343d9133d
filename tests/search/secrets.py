"""A key that stands in a header, in bodies, in the environment and in a configuration file, split over chunks and encoded in every way that
a search may: it is in no byte of record, bundle, export, archive or log, also decompressed."""

import base64
import json
import re
import shutil
import subprocess
import sys
import urllib.parse
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support import KEY, Recorded, assay, journal, main, must, run, ASSAY  # noqa: E402

IN_HEADER = "hdr/only+5f1c\\77 \"q\" zz"
IN_FILE = "file-0123456789-äöü-abcdef"
IN_VARIABLE = KEY

PROGRAM = '''
import base64, http.client, json, os, re, sys, urllib.parse
base = urllib.parse.urlsplit(os.environ["OPENAI_BASE_URL"])
header = open("key-for-a-header").read()
keys = [os.environ["OPENAI_API_KEY"], header, json.load(open("settings.json"))["api_key"]]

def lower(key):
    return "".join(c if len(c) == 1 else c.lower() for c in re.split("(%..)", urllib.parse.quote(key, safe="")))

def forms(key):
    raw = key.encode()
    yield from (key, json.dumps(key), json.dumps(key, ensure_ascii=False), json.dumps(json.dumps(key)), json.dumps(key).replace("/", "\\\\/"))
    yield from (urllib.parse.quote(key), urllib.parse.quote(key, safe=""), urllib.parse.quote_plus(key), lower(key))
    yield raw.hex()
    for before in range(3):
        for after in range(3):
            yield base64.b64encode(b"x" * before + raw + b"y" * after).decode()
            yield base64.urlsafe_b64encode(b"x" * before + raw + b"y" * after).decode()

def ask(body, path="/chat/completions", **headers):
    c = http.client.HTTPConnection(base.hostname, base.port, timeout=60)
    c.request("POST", base.path + path, body, {"Content-Type": "application/json", **headers})
    a = c.getresponse()
    return a.read()

ask(json.dumps({"messages": []}), Authorization="Bearer " + header, X_Custom=keys[2], **{"x-api-key": keys[0]})
said = []
for key in keys:
    said += forms(key)
    for form in forms(key):
        ask(json.dumps({"messages": [{"content": form}], "assay_test": {"echo": True}}))
        # The answer in chunks, whose borders cut the key.
        for cut in (1, len(form) // 2, len(form) - 1):
            ask(json.dumps({"assay_test": {"text": "before " + form + " after", "cut_at": 7 + cut}}))
    one_by_one = [c for c in "bytes: " + key + " end"]
    ask(json.dumps({"assay_test": {"pieces": one_by_one}}))
    ask("{}", "/chat/completions?key=" + urllib.parse.quote(key, safe=""))
    ask(iter([("{\\"messages\\": \\"" + key[:5]).encode(), (key[5:] + "\\"}").encode()]), Transfer_Encoding="x")  # a request in chunks
print("\\n".join(said))
for text in said:
    for at in range(0, len(text), 7):
        sys.stderr.write(text[at:at + 7]); sys.stderr.flush()
    sys.stderr.write("\\n")
os.makedirs("out")
open("out/forms.txt", "w").write("\\n".join(said))
open("settings-used.json", "w").write(json.dumps({"settings": json.load(open("settings.json")), "argv": sys.argv}))
'''


def forms(key):
    """What must not be found: base64 without the ends that depend on what stands beside."""
    raw = key.encode()
    found = {raw, json.dumps(key)[1:-1].encode(), json.dumps(key, ensure_ascii=False)[1:-1].encode(), json.dumps(json.dumps(key))[3:-3].encode(),
             raw.hex().encode(), urllib.parse.quote(key, safe="").encode(), urllib.parse.quote(key).encode(),
             urllib.parse.quote_plus(key).encode(),
             re.sub("%..", lambda m: m[0].lower(), urllib.parse.quote(key, safe="")).encode()}
    for before in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"\0" * before + raw)
            last = len(text) // 4 * 4 - 4
            found.add(text[4 if before else 0:last])
    return found


class Secrets(Recorded):
    def unfolded(self, folder):
        """(name, bytes) of each file, and of what is compressed in it."""
        for file in sorted(folder.rglob("*")):
            if not file.is_file():
                continue
            data = file.read_bytes()
            yield str(file), data
            if "/objects/" in str(file) and data[:1] == b"\x78":
                yield f"{file}, inflated", zlib.decompress(data)
            at = data.find(b"\x28\xb5\x2f\xfd")
            while at >= 0 and shutil.which("zstd"):
                done = subprocess.run(["zstd", "-dcq"], input=data[at:], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                yield f"{file}, zstd frame at {at}", done.stdout
                at = data.find(b"\x28\xb5\x2f\xfd", at + 4)

    def assert_in_no_byte(self, folder):
        looked = 0
        needles = [(key, form) for key in (IN_HEADER, IN_FILE, IN_VARIABLE) for form in forms(key)]
        for name, data in self.unfolded(folder):
            looked += 1
            for key, form in needles:
                at = data.find(form)
                self.assertLess(at, 0, f"{name} has {form}, a form of {key}: {data[max(0, at - 200):at + 100]}")
        return looked

    def test_in_no_byte(self):
        (self.work / "search.py").write_text(PROGRAM)
        (self.work / "key-for-a-header").write_text(IN_HEADER)
        (self.work / "settings.json").write_text(json.dumps({"model": "m", "api_key": IN_FILE}))
        (self.work / "settings.yaml").write_text(f"model: m\napi_key: {IN_FILE}\n")
        done = run(ASSAY, "record", "-o", self.run_folder, "--upstream", f"openai={self.base}", "--json", "--", sys.executable, "search.py",
                   f"--key={IN_FILE}", cwd=self.work, env=self.environment(), timeout=200)
        self.assertEqual(done.returncode, 0, done.stderr.decode()[-3000:])
        self.assertNotIn(IN_FILE.encode(), done.stdout)
        sent = b"".join(body for _, _, body in self.seen)
        for key in (IN_HEADER, IN_FILE, IN_VARIABLE):  # the test would find nothing where nothing was said
            self.assertIn(base64.b64encode(key.encode()), sent)
        exchanges, _ = self.exchanges()
        self.assertGreater(len(exchanges), 200)
        self.assertTrue(any(b"REDACTED-" in body for _, body in exchanges))
        self.assertGreater(self.assert_in_no_byte(self.run_folder), 8)

        key, bundle = self.top / "key", self.top / "sealed/s.h5"
        bundle.parent.mkdir()
        must(assay("key", "new", key))
        sealed = must(assay("seal", self.run_folder, "--from", "record", "-o", bundle, "--key", key))
        must(assay("export", bundle, "-o", self.top / "sealed/exported"))
        assay("report", bundle, "-o", self.top / "sealed/report")  # its status speaks of the unknown signer
        self.assertTrue((self.top / "sealed/report/report.md").exists())
        (self.top / "sealed/log").write_bytes(sealed.stdout + sealed.stderr + must(assay("show", bundle, "steps", "--json")).stdout)
        if assay("archive", "init", "--help").returncode == 0:
            author = ("--key", key, "--author", "Lab <lab@example.org>")
            history = self.top / "sealed/history"
            if assay("archive", "init", history, *author).returncode == 0:
                must(assay("archive", "add", history, bundle, *author))
        self.assertGreater(self.assert_in_no_byte(self.top / "sealed"), 200)

    def test_wherever_a_key_comes_from(self):
        """In a header of any maker, in a query, an argument, a file of any name, lists and blocks: learned there, and nowhere kept."""
        keys = {name: f"{name}-0a1B2c3D4e5F-0123456789xyz" for name in (
            "xkey", "xauth", "xtoken", "query", "access", "word", "equals", "dotenv", "tokens", "block", "item", "flow", "long", "given", "whole", "folder",
            "subscript", "address", "outside")}
        (self.work / ".env").write_text(f"OPENAI_KEY={keys['dotenv']}\nHF_TOKENS={keys['tokens']}\nDB_URL=postgres://me:{keys['address']}@h.example/d\n")
        (self.work / "c.yaml").write_text(f"llm:\n  api_key: |\n    {keys['block']}\n  api_keys:\n    - {keys['item']}\n  auth: {{key: {keys['flow']}}}\n")
        (self.work / "c.json").write_text(json.dumps({"filler": "x" * 20000, "key": keys["long"]}))
        (self.work / "settings.odd").write_text(f"key = {keys['given']}\n")
        (self.work / "openai.key").write_text(keys["whole"] + "\n")
        (self.work / f"of {keys['folder']}").mkdir()
        (self.work / f"of {keys['folder']}" / f"{keys['folder']}.yaml").write_text(f"token: {keys['folder']}\n")
        (self.work / "keys.py").write_text(f"KEYS = {{}}\nKEYS['api_key'] = '{keys['subscript']}'\n")
        (self.top / "outside").write_text(keys["outside"])
        (self.top / "all").write_text(json.dumps(keys))  # what the recorder does not look into
        (self.work / "search.py").write_text(PROGRAM.split("ask(json.dumps", 1)[0].replace(
            'header = open("key-for-a-header").read()\nkeys = [os.environ["OPENAI_API_KEY"], header, json.load(open("settings.json"))["api_key"]]\n', "") + """
keys = json.load(open("../all"))
ask("{}", "/chat/completions?key=" + keys["query"] + "&access_token=" + keys["access"],
    **{"X-Goog-Key": keys["xkey"], "X-Auth-User": keys["xauth"], "X-Session-Token": keys["xtoken"]})
for key in keys.values():
    said = list(forms(key)) + [base64.encodebytes(b"x" * 50 + key.encode() * 3).decode(), base64.b64encode(base64.b64encode(key.encode())).decode(), key.encode().hex().upper()]
    print("\\n".join(said))
    for form in said:
        ask(json.dumps({"messages": [{"content": form}], "assay_test": {"echo": True}}))
    os.makedirs("out/" + key)
    open("out/" + key + "/" + key + ".txt", "w").write("\\n".join(said))
""")
        environment = self.environment(SERVICE_KEY_FILE=str(self.top / "outside"))
        done = run(ASSAY, "record", "-o", self.run_folder, "--upstream", f"openai={self.base}", "--", sys.executable, "search.py", "--api-key", keys["word"],
                   f"--openai-api-key={keys['equals']}", "settings.odd", cwd=self.work, env=environment, timeout=200)
        self.assertEqual(done.returncode, 0, done.stderr.decode()[-3000:])
        self.assertGreater(len(self.exchanges()[0]), 100)
        needles = [(key, form) for key in keys.values() for form in forms(key)]
        needles += [(key, base64.b64encode(base64.b64encode(key.encode()))) for key in keys.values()]
        needles += [(key, key.encode().hex().upper().encode()) for key in keys.values()]
        for name, data in self.unfolded(self.run_folder):
            for key, form in needles:
                self.assertLess(data.find(form), 0, f"{name} has {form}, a form of {key}")
                self.assertNotIn(key, name)
        self.assertFalse([p for p in self.run_folder.rglob("*") if any(key in str(p) for key in keys.values())])
        must(assay("key", "new", self.top / "key"))
        must(assay("seal", self.run_folder, "--from", "record", "-o", self.top / "s.h5", "--key", self.top / "key"))

    def test_ordinary_words_stay(self):
        """A search's own text, with names that keys have too, is kept to the byte."""
        files = {"config.yaml": "llm:\n  api_key: ${OPENAI_API_KEY}\n  api_key_env: OPENAI_API_KEY\n  max_tokens: 4096\n  model: claude-3-5-sonnet-20241022\n"
                                "database:\n  sort_key: combined_score\n  keys: [loss, val_loss_2]\n  first_pass: evaluate-everything\n"
                                "prompt: |\n  The secret: consistency. Use the token: whatever.\n",
                 "program.py": "def score(token: str, key=lambda x: x.combined_score):\n    password = compute_password_of(token)\n    return key\n",
                 "notes.txt": "The key: attention. Password: required for nothing. secret = none_at_all\n"}
        for name, text in files.items():
            (self.work / name).write_text(text)
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "\n".join(files.values())}], "assay_test": {"echo": True}})
        (self.work / "ask.py").write_text("import os, sys, urllib.request\n"
                                          "request = urllib.request.Request(os.environ['OPENAI_BASE_URL'] + '/chat/completions?key=combined_score', open('body').read().encode(),\n"
                                          "    {'Authorization': 'Bearer not-needed', 'X-Cache-Key': 'evaluate-everything', 'Idempotency-Key': 'a1b2c3d4-e5f60718'})\n"
                                          "print(urllib.request.urlopen(request).read().decode(), 'a1b2c3d4-e5f60718 not-needed')\n")
        (self.work / "body").write_text(body)
        environment = {k: v for k, v in self.environment(SORT_KEY_FIELD="combined_score", TOKENIZERS_PARALLELISM="evaluate").items() if k != "OPENAI_API_KEY"}
        must(self.record(sys.executable, "ask.py", "--key", "combined_score", "--sort-key=val_loss_2", env=environment))
        exchanges, _ = self.exchanges()
        self.assertEqual(exchanges[0][1][:len(body)], body.encode())
        self.assertEqual(exchanges[0][0]["target"], "/chat/completions?key=combined_score")
        for name, text in files.items():
            self.assertEqual((self.run_folder / "before" / name).read_text(), text)
        self.assertIn(b"a1b2c3d4-e5f60718 not-needed", (self.run_folder / "stdout").read_bytes())
        self.assertNotIn(b"REDACTED", (self.run_folder / "journal").read_bytes())


if __name__ == "__main__":
    main()
