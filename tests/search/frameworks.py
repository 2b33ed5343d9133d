"""Frameworks that people use, unmodified, from PyPI (tests/run.sh --frameworks installs them): recorded, sealed, and rerun offline with
every request equal. The model is the stand-in."""

import json
import os
import re
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support import ASSAY, Recorded, assay, main, must, run, skip_script  # noqa: E402

PLACE = Path(os.environ.get("ASSAY_FRAMEWORKS", "/nonexistent"))
OPENEVOLVE = PLACE / "bin/openevolve-run"

INITIAL = '''# EVOLVE-BLOCK-START
def value():
    return 1.0
# EVOLVE-BLOCK-END
'''

EVALUATOR = '''
import hashlib
def evaluate(path):
    text = open(path).read()
    return {"combined_score": int(hashlib.sha256(text.encode()).hexdigest()[:6], 16) / 2**24}
'''

CONFIG = '''
max_iterations: {iterations}
checkpoint_interval: 5
random_seed: 7
diff_based_evolution: {diffs}
llm:
  api_base: {base}
  api_key: sk-in-a-file-0123456789
  models: [{{name: stand-in, weight: 1.0}}]
  timeout: 60
  retries: 1
database: {{population_size: 20, archive_size: 10, num_islands: 3, migration_interval: 5}}
evaluator: {{parallel_evaluations: {parallel}, cascade_evaluation: false, timeout: 60}}
'''


class OpenEvolve(Recorded):
    def setUp(self):
        super().setUp()
        (self.work / "initial.py").write_text(INITIAL)
        (self.work / "evaluator.py").write_text(EVALUATOR)
        self.server.RequestHandlerClass.program = True

    def search(self, iterations, parallel, diffs):
        planned = must(assay("record", "-o", self.run_folder, "--upstream", f"openai={self.base}")).stdout.decode()
        address = re.search(r"http://127\.0\.0\.1:\d+/[0-9a-f]{32}/openai", planned).group()
        (self.work / "config.yaml").write_text(CONFIG.format(iterations=iterations, parallel=parallel, base=address, diffs=str(diffs).lower()))
        done = run(ASSAY, "record", "-o", self.run_folder, "--deterministic", "--", OPENEVOLVE, "initial.py", "evaluator.py", "--config",
                   "config.yaml", "--output", "out", cwd=self.work, env=self.environment(), timeout=240)
        self.assertEqual(done.returncode, 0, done.stderr.decode()[-3000:])
        self.assertIn(b"exchanges", done.stdout)
        key, bundle = self.top / "key", self.top / "o.h5"
        must(assay("key", "new", key))
        must(assay("seal", self.run_folder, "--from", "record", "-o", bundle, "--key", key))
        replayed = assay("replay", bundle, "--search", "--json")
        result = json.loads(replayed.stdout)["result"]
        self.assertNotIn("divergence", result, json.dumps(result, indent=1))
        self.assertGreaterEqual(result["answered"], iterations)
        differences = [d for d in result["tree_differences"] if "/logs/" not in d["path"]]
        self.assertEqual(differences, [], "more than the order of log lines differs")
        return result

    def test_rewrites(self):
        self.search(4, 1, False)


if __name__ == "__main__":
    if not OPENEVOLVE.exists():
        skip_script("no OpenEvolve here: tests/run.sh --frameworks installs it and names its place in ASSAY_FRAMEWORKS")
    main()
