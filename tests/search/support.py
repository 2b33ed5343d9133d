"""What the tests of recording share: the small search in a folder of its own, a record of it, and reading a journal back."""

import hashlib
import json
import shutil
import struct
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

import model_server  # noqa: E402
from schemas import problems_where_there_is_a_validator  # noqa: E402
from program import ASSAY, assay, main, must, run, skip_script  # noqa: E402,F401

KEY = "sk-test/Ab+12\"quoted\" 0123456789xyz"
SEARCH = [sys.executable, "small_search.py"]
FAKETIME = any(Path(f).exists() for f in ("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1", "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1"))


def digests(header, body):
    out = b""
    for _, size in header["parts"]:
        out += hashlib.sha256(body[:size]).digest()
        body = body[size:]
    return out


def journal(path):
    """The records of a journal as (header, body), its chain checked; and how many bytes were torn off."""
    data = Path(path).read_bytes()
    head, _, rest = data.partition(b"\n")
    assert json.loads(head)["assay"] == "journal"
    chain, records = hashlib.sha256(b"assay-journal-v1\0" + head).digest(), []
    while len(rest) >= 16:
        magic, h, b = struct.unpack("<4sIQ", rest[:16])
        assert magic == b"AJR1", magic
        end = 16 + h + b + 32
        if end > len(rest):
            break
        header = json.loads(rest[16:16 + h])
        chain = hashlib.sha256(chain + rest[:16 + h] + digests(header, rest[16 + h:16 + h + b])).digest()
        assert chain == rest[end - 32:end], f"the chain is broken at record {len(records) + 1}"
        records.append((header, rest[16 + h:16 + h + b]))
        rest = rest[end:]
    return records, len(rest)


def write_journal(path, records):
    """A journal of these records: for what an alteration must lead to, its chain mended."""
    head = json.dumps({"assay": "journal", "version": 1, "what": "record"}, sort_keys=True, separators=(",", ":")).encode()
    out, chain = head + b"\n", hashlib.sha256(b"assay-journal-v1\0" + head).digest()
    for header, body in records:
        text = json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        frame = struct.pack("<4sIQ", b"AJR1", len(text), len(body)) + text
        chain = hashlib.sha256(chain + frame + digests(header, body)).digest()
        out += frame + body + chain
    Path(path).write_bytes(out)


class Recorded(unittest.TestCase):
    """Each test has a folder `work` with the search in it, and a model server."""

    delay = 0.0

    def setUp(self):
        self.top = Path(tempfile.mkdtemp(prefix="assay-search-"))
        self.addCleanup(shutil.rmtree, self.top, ignore_errors=True)
        self.server, self.base, self.seen = model_server.start(self.delay)
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.run_folder = self.top / "run"
        self.work = self.make_work("work")

    def make_work(self, name):
        work = self.top / name
        work.mkdir()
        for file in ("small_search.py", "evaluator.py"):
            shutil.copy(HERE / file, work)
        (work / "config.json").write_text(json.dumps({"initial": "start", "population": 4}))
        return work

    def environment(self, **more):
        import os
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("OPENAI_", "ANTHROPIC_"))}
        return {**kept, "OPENAI_API_KEY": KEY, **more}

    def record(self, *command, options=(), folder=None, work=None, env=None, **more):
        words = [ASSAY, "record", "-o", folder or self.run_folder, "--upstream", f"openai={self.base}", *options, "--", *command]
        return run(*words, cwd=work or self.work, env=env or self.environment(), **more)

    def result(self, done):
        """Of a --json document, which follows its schema."""
        try:
            document = json.loads(done.stdout)
        except ValueError:
            raise AssertionError(done.stderr.decode() + done.stdout.decode())
        self.assertEqual(problems_where_there_is_a_validator(document), "")
        return document["result"]

    def exchanges(self, folder=None):
        records, torn = journal((folder or self.run_folder) / "journal")
        return [r for r in records if r[0]["kind"] == "exchange"], torn
