"""Three of the published programs, others each day: the last loss on this machine has the bits that it had on GPUs.

tests/data/gpu/programs.jsonl holds those of all of them (programs_table.py); a new contract needs new ones.
"""
import os
import subprocess
import sys
import tempfile
import time

import programs_table
from support import HERE, arguments, check, finish, versions

ROOT = os.path.dirname(os.path.dirname(HERE))
COMMITTED = os.path.join(ROOT, "tests/data/gpu/programs.jsonl")

options = arguments(__doc__, shared={"default": os.environ.get("ASSAY_SHARED", os.path.join(ROOT, "../shared"))},
                    day={"type": int, "default": int(time.time() // 86400), "help": "which programs"})
committed = programs_table.read_results(COMMITTED)
contract = versions(options.runner)["contract"]
check({r["contract"] for r in committed} == {contract},
      "%s: made under another text of docs/determinism.md; run tests/gpu/run.sh OUT build replay again" % COMMITTED)
ran = sorted({r["index"] for r in committed if r["precision"] == "fp32" and "chain" in r})
some = [ran[(options.day * 3 + k) % len(ran)] for k in range(3)]
print("programs %s; the same again: --day %d" % (some, options.day))
# A chain begins with the recipe, which names the version of einops: with another only the last losses are the same.
kept = "chain" if versions(options.runner)["einops"] == "0.8.1" else "loss"
there = {}
for r in (r for r in committed if r["length"] == 128):
    there.setdefault((r["index"], r["precision"]), set()).add(r.get(kept))
with tempfile.TemporaryDirectory() as out:
    done = subprocess.run([sys.executable, os.path.join(HERE, "programs_table.py"), "--runner", options.runner, "--shared", options.shared,
                           "--out", out, "--only", ",".join(map(str, some)), "--targets", programs_table.best_level()],
                          stdin=subprocess.DEVNULL)
    if done.returncode == 77:
        sys.exit(77)
    check(done.returncode == 0, "programs_table.py: exit status %d" % done.returncode)
    results = programs_table.read_results(os.path.join(out, "results.jsonl"))
    check(len(results) == 6 and all("chain" in r for r in results), "expected six traces, found %r" % results)
    for r in results:
        check(there[r["index"], r["precision"]] == {r.get(kept)},
              "program %d, %s: expected the %s %s, found %r" % (r["index"], r["precision"], kept, there[r["index"], r["precision"]], r))
finish("programs")
