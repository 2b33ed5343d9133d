"""What the test scripts share: the program under test, a small campaign, a key, and skipping aloud."""

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ASSAY = Path(os.environ.get("ASSAY", ROOT / "build/release/assay"))


def sanitized():
    """Whether the program is built with AddressSanitizer, which reserves terabytes of addresses: limits on memory cannot be set from outside."""
    return b"__asan_init" in ASSAY.read_bytes()


def skip_script(why):
    """The whole script cannot run here; ctest reports it as skipped."""
    print(f"SKIPPED: {why}", flush=True)
    sys.exit(77)


def need_modules(*names):
    for name in names:
        try:
            __import__(name)
        except ImportError:
            skip_script(f"Python module {name} is not installed (tests/run.sh makes an environment that has it)")


def run(*words, **options):
    options.setdefault("timeout", 300)
    return subprocess.run([str(w) for w in words], capture_output=True, **options)


def assay(*words, **options):
    return run(ASSAY, *words, **options)


def must(done):
    if done.returncode != 0:
        raise AssertionError(f"{done.args} ended with {done.returncode}: {done.stderr.decode()}{done.stdout.decode()}")
    return done


def findings(done):
    """The findings of a --json answer; a refusal without any document gives none."""
    try:
        return json.loads(done.stdout)["findings"]
    except (ValueError, KeyError):
        return []


def safetensors(path, tensors):
    """tensors: {name: (dtype, shape, bytes)}"""
    header, at = {}, 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(t[2] for t in tensors.values()))


class Numbers:
    """splitmix64: the same numbers everywhere, so that a failure can be repeated."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) % 2**64
        z = self.state
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        return z ^ (z >> 31)

    def below(self, n):
        return self.next() % n

    def bytes(self, n):
        return b"".join(struct.pack("<Q", self.next()) for _ in range((n + 7) // 8))[:n]


def make_campaign(folder, experiments=6, log_bytes=200_000):
    """A campaign with all that a bundle can hold: texts, columns, packed and plain tensors, an empty file."""
    numbers, folder = Numbers(7), Path(folder)
    (folder / "experiments").mkdir(parents=True)
    metrics = [{"name": "train_loss", "kind": "curve", "direction": "lower"},
               {"name": "accuracy", "kind": "score", "direction": "higher", "range": [0, 1], "samples": 1000}]
    (folder / "campaign.json").write_text(json.dumps(
        {"assay": "campaign", "version": 1, "title": "Test campaign", "system": "test", "lineage": "tree", "metrics": metrics}))
    for i in range(experiments):
        make_experiment(folder / "experiments" / str(i), i, numbers, log_bytes)
    (folder / "empty.txt").write_bytes(b"")
    (folder / "notes.txt").write_text("Übung, 数, \u202e kept as it is\n")
    weights = folder / "experiments/1/model.safetensors"
    halves = struct.pack("<%dH" % 3000, *(i % 7 for i in range(3000)))
    safetensors(weights, {"a.weight": ("F32", [300, 1000], numbers.bytes(1_200_000)), "b": ("BF16", [3, 1000], halves),
                          "c": ("F16", [1000], b"\0\x3c" * 1000), "mask": ("BOOL", [8], b"\1\0" * 4),
                          "packed": ("F32", [700, 1000], struct.pack("<f", 0.5) * 700_000), "count": ("I64", [], struct.pack("<q", -5)), "none": ("F32", [0, 4], b"")})
    return folder


def make_experiment(folder, i, numbers, log_bytes):
    folder.mkdir()
    name = folder.name
    record = {"id": name, "name": f"design_{i}", "index": i, "parents": [str((i - 1) // 2)] if i else [], "status": "ok",
              "score": 0.5 + i / 100, "seeds": {"init": str(2**63 + i)},
              "files": {role: f"experiments/{name}/{file}" for role, file in
                        (("program", "program.py"), ("motivation", "motivation.md"), ("log", "train.log"))}}
    (folder / "experiment.json").write_text(json.dumps(record))
    (folder / "program.py").write_text("".join(f"x{k} = {numbers.below(1000)}\n" for k in range(200)))
    (folder / "motivation.md").write_text(f"Design {i} tries something else.\n")
    curve = "".join(f"train_loss,{step},{3 - step / 1000 + i / 50:.4f}\n" for step in range(100, 1001, 100))
    (folder / "metrics.csv").write_text(f"metric,step,value\n{curve}accuracy,,{(500 + i) / 1000}\n")
    (folder / "train.log").write_text("".join(f"{numbers.next():016x}\n" for _ in range(log_bytes // 17)))


class Case(unittest.TestCase):
    """Each test has a folder; the class has a campaign, a key and its sealed bundle."""

    campaign_options = {}

    @classmethod
    def setUpClass(cls):
        cls.shared = Path(tempfile.mkdtemp(prefix="assay-test-"))
        cls.campaign = make_campaign(cls.shared / "campaign", **cls.campaign_options)
        cls.key = cls.shared / "key"
        must(assay("key", "new", cls.key))
        cls.allowed = cls.shared / "allowed"
        cls.allowed.write_text("test@example " + Path(f"{cls.key}.pub").read_text())
        cls.bundle = cls.shared / "bundle.h5"
        must(cls.seal(cls.bundle))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.shared, ignore_errors=True)

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(dir=self.shared))

    @classmethod
    def seal_words(cls, output, *more):
        return [ASSAY, "seal", cls.campaign, "--from", "assay", "-o", output, "--key", cls.key, *more]

    @classmethod
    def seal(cls, output, *more, **options):
        return run(*cls.seal_words(output, *more), **options)

    def verify(self, bundle, *more, **options):
        return assay("verify", bundle, "--trust", self.allowed, "--json", *more, **options)

    def assert_intact(self, bundle):
        done = self.verify(bundle)
        self.assertIn(done.returncode, (0, 3), done.stderr.decode() + done.stdout.decode()[-2000:])
        self.assertFalse([f for f in findings(done) if f["level"] == "intact" and f["severity"] == "error"])

    def assert_refused(self, done, status=2):
        """Exit status 2 and something that names what is wrong; never a crash, never silence."""
        text = done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
        self.assertEqual(done.returncode, status, text[-2000:])
        self.assertNotRegex(text, "(?i)assertion|terminate called|sanitizer|segmentation")
        self.assertTrue(text.strip(), "no word of what is wrong")
        return text


def ranges(text):
    """The byte ranges that findings name, last byte included: "bytes A to B", "N bytes from offset A"."""
    plain = text.replace(",", "")
    named = [(int(a), int(b)) for a, b in re.findall(r"bytes (\d+) to (\d+)", plain)]
    return named + [(int(a), int(a) + int(n) - 1) for n, a in re.findall(r"(\d+) bytes from offset (\d+)", plain)]


def main():
    if not ASSAY.exists():
        skip_script(f"{ASSAY} is not built")
    for command in ("seal", "verify"):
        if assay(command, "--help").returncode != 0:
            skip_script(f"this build has no {command}")
    unittest.main(verbosity=2)
