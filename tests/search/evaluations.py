"""`assay record --evaluator` and `assay replay --search --evaluations recorded`: what evaluations gave is kept, and given back without the
evaluator; one that is not on record is an error by its name, and nothing is made up."""

import json
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support import ASSAY, FAKETIME, Recorded, assay, journal, main, must, run  # noqa: E402

# As ASI-Evolve does: a folder for each step, in which a script evaluates `code`; what it prints and writes is read. How often it ran is
# counted where no record looks, and where a rerun may not write: one that evaluates counts nothing.
STEPS = """
import json, os, subprocess, sys, urllib.request
from pathlib import Path
def ask(text):
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": text}]}).encode()
    request = urllib.request.Request(os.environ["OPENAI_BASE_URL"] + "/chat/completions", body)
    return json.load(urllib.request.urlopen(request))["choices"][0]["message"]["content"]
score = 0
for number in range(1, int(sys.argv[1]) + 1):
    folder = Path(f"steps/step_{number}")
    folder.mkdir(parents=True)
    (folder / "code").write_text(ask(f"step {number} after {score}"))
    done = subprocess.run(["bash", str(Path("eval.sh").resolve())], cwd=folder, capture_output=True, text=True)
    result = json.loads((folder / "results.json").read_text())
    score = result["score"]
    (folder / "eval.log").write_text(f"{done.returncode} {done.stdout} {done.stderr}")
"""

EVAL_SH = """#!/bin/bash
# Scores `code`.
here="$(dirname "${BASH_SOURCE[0]}")"
{ echo one >> COUNT; } 2>/dev/null
if [ "$(wc -l < COUNT)" = 3 ]; then echo "the third fails" >&2; echo '{"score": -1}' > results.json; exit 3; fi
mkdir -p deep/er && printf '\\xff\\x00' > deep/er/bytes
python3 "$here/evaluator.py" code > results.txt
echo "{\\"score\\": $(cat results.txt)}" > results.json
echo "line $LINENO of $(basename "$0")"
"""

# As OpenEvolve does: functions of a module that is imported, in processes of a pool; what they return, raise and draw counts.
IMPORTED = """
import concurrent.futures, importlib.util, json, os, random, sys, tempfile, traceback, urllib.request, uuid
def ask(text):
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": text}]}).encode()
    request = urllib.request.Request(os.environ["OPENAI_BASE_URL"] + "/chat/completions", body)
    return json.load(urllib.request.urlopen(request))["choices"][0]["message"]["content"]
def load():
    spec = importlib.util.spec_from_file_location("evaluation_module", os.path.abspath("scores.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules["evaluation_module"] = module
    spec.loader.exec_module(module)
    return module
def work(number):
    module, name = load(), uuid.uuid4().hex
    with tempfile.NamedTemporaryFile("w", suffix=".py", delete=False) as file:
        file.write(ask(f"{number} {name} {module.LIMITS} {hasattr(module, 'evaluate_stage1')} {hasattr(module, 'none')}"))
    try:
        result = module.evaluate(file.name, scale=2)
        text = f"{result.metrics} {result.notes!r} {type(result).__name__}"
    except Exception:
        text = traceback.format_exc()
    os.unlink(file.name)
    return f"{number} {uuid.uuid4().hex} {random.random()} {ask(text)} {text}"
random.seed(int(sys.argv[1]))
with concurrent.futures.ProcessPoolExecutor(2) as pool:
    open("out.txt", "w").write("\\n".join(pool.map(work, range(5))))
open("out.txt", "a").write(work("main"))
"""

RESULT = """
class Result:
    def __init__(self, metrics, notes):
        self.metrics, self.notes = metrics, notes
"""

SCORES = """
import os, random, uuid
from result import Result
LIMITS = (0, 1.5)
def evaluate_stage1(path):
    return {}
def evaluate(path, scale=1):
    with open("COUNT", "a") as file:
        file.write("one\\n")
    random.random(), uuid.uuid4()
    text = open(path).read()
    if sum(map(ord, text)) % 3 == 0:
        raise refused(text)
    return Result({"score": scale * (sum(map(ord, text)) % 997) / 997, "all": float("nan"), 3: (1, {2})}, [b"\\xff", evaluate_stage1(path)])
def refused(text):
    try:
        return {}["missing"]
    except KeyError as error:
        raise ValueError(f"not {len(text)}") from error
"""


class Evaluations(Recorded):
    def setUp(self):
        super().setUp()
        if not FAKETIME:
            self.skipTest("libfaketime is not installed")
        self.count = self.top / "count"
        self.count.write_text("")

    def times(self):
        return len(self.count.read_text().splitlines())

    def write(self, **files):
        for name, text in files.items():
            (self.work / name.replace("_", ".")).write_text(text.replace("COUNT", str(self.count)))

    def steps(self, number=4):
        self.write(steps_py=STEPS, eval_sh=EVAL_SH)
        planned = self.result(must(assay("record", "-o", self.run_folder, "--upstream", f"openai={self.base}", "--json")))
        self.assertEqual(list(planned["addresses"]), ["openai"])
        done = must(self.record(sys.executable, "steps.py", str(number), options=["--deterministic", "--json", "--evaluator", "eval.sh"]))
        self.assertEqual((self.result(done)["evaluations"], self.times()), (number, number))

    def imported(self, number=7):  # the record's seed fixes names, so the answers, so which of them is refused
        self.write(imported_py=IMPORTED, scores_py=SCORES, result_py=RESULT)
        return self.record(sys.executable, "imported.py", str(number), options=["--deterministic", "--seed", "00000000000000a7", "--evaluator", "scores.py"])

    def replay(self, what, *options, status=0):
        done = assay("replay", what, "--search", "--json", *options)
        self.assertEqual(done.returncode, status, done.stderr.decode() + done.stdout.decode()[-3000:])
        return self.result(done)

    def equal(self, what, *options):
        result = self.replay(what, *options)
        self.assertEqual((result["equal"], result["tree_differences"]), (True, []), result)
        return result["evaluations"]

    def seal(self, folder=None):
        key, bundle = self.top / "key", self.top / "o.h5"
        if not key.exists():
            must(assay("key", "new", key))
        must(assay("seal", folder or self.run_folder, "--from", "record", "-o", bundle, "--key", key))
        return bundle

    def test_a_script_in_the_folder_of_each_step(self):
        self.steps()
        bundle = self.seal()
        shutil.rmtree(self.run_folder)
        self.server.shutdown()
        given = self.equal(bundle, "--evaluations", "recorded")
        self.assertEqual((given["recorded"], given["given"]), (True, 4))
        self.assertEqual(self.times(), 4, "the evaluator ran")
        self.assertIn("3  the third fails", (self.work / "steps/step_3/eval.log").read_text())
        self.assertIn("line 9 of eval.sh", (self.work / "steps/step_4/eval.log").read_text())

    def test_the_evaluator_runs_unless_it_is_said(self):
        self.steps(2)
        found = self.equal(self.run_folder)
        self.assertEqual((found["recorded"], found["equal"], found["different"]), (False, 2, []))

    def test_functions_of_a_module_that_is_imported(self):
        done = must(self.imported())
        self.assertIn(b"kept      6 evaluations", done.stdout)
        out = (self.work / "out.txt").read_text()
        self.assertIn("Traceback", out)
        self.assertIn("Result", out)
        bundle = self.seal()
        self.server.shutdown()
        self.assertEqual(self.equal(bundle, "--evaluations", "recorded")["given"], 6)
        self.assertEqual(self.times(), 6, "the evaluator ran")

    def test_what_gives_something_else_is_named(self):
        self.steps(2)
        evaluator = self.run_folder / "before/evaluator.py"
        evaluator.write_text(evaluator.read_text().replace("% 7 + 1", "% 7 + 2"))
        self.count.write_text("")
        result = self.replay(self.run_folder, status=4)
        self.assertEqual(result["divergence"]["exchange"], 2)
        self.assertTrue(any("an evaluation that gives something else: code" in r for r in result["divergence"]["follows_from"]), result)
        self.assertRegex(result["evaluations"]["different"][0]["why"], r"results\.(json|txt)\.text: recorded ")

    def test_one_that_is_not_on_record_is_an_error_by_its_name(self):
        self.steps(3)
        first = min((self.run_folder / "evaluations").iterdir(), key=lambda f: f.stat().st_mtime)
        candidate = json.loads(first.read_text())["candidate"]["files"]["code"]
        first.unlink()
        done = assay("replay", self.run_folder, "--search", "--evaluations", "recorded")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertRegex(done.stderr.decode(), f"not on record: code {candidate[:12]}... .never evaluated., after 1 equal exchange")
        self.assertIn(b"assay replay FILE.h5 EXPERIMENT", done.stderr)

    def test_a_record_without_them_says_so(self):
        must(self.record(sys.executable, "small_search.py", "1", options=["--deterministic"]))
        done = assay("replay", self.run_folder, "--search", "--evaluations", "recorded")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"no evaluations to give back", done.stderr)
        self.assertIn(b"assay record --evaluator FILE keeps them", done.stderr)
        for options in (["--evaluations", "recorded", "--on-divergence", "live", "-o", self.top / "b"], ["--evaluations", "some"]):
            self.assertEqual(assay("replay", self.run_folder, "--search", *options).returncode, 1)

    def test_a_file_that_is_no_evaluator(self):
        for name, text in (("config.json", b"a Python file or a shell script"), ("/etc/hostname", b"not a file of the search's folder")):
            done = self.record(sys.executable, "small_search.py", "1", options=["--evaluator", name], folder=self.top / "r")
            self.assertEqual(done.returncode, 1)
            self.assertIn(text, done.stderr)
            shutil.rmtree(self.top / "r")

    def test_keys_are_taken_out_and_a_hash_holds_the_rest(self):
        self.write(steps_py=STEPS, eval_sh=EVAL_SH.replace("the third fails", "the key is $OPENAI_API_KEY"))
        must(self.record(sys.executable, "steps.py", "3", options=["--deterministic", "--evaluator", "eval.sh"]))
        kept = b"".join(f.read_bytes() for f in (self.run_folder / "evaluations").iterdir())
        self.assertIn(b"the key is REDACTED-OPENAI_API_KEY", kept)
        records, _ = journal(self.run_folder / "journal")
        index = (self.run_folder / "evaluations.json").read_bytes()
        import hashlib
        self.assertEqual(records[-1][0]["evaluations"], hashlib.sha256(index).hexdigest())
        (self.run_folder / "evaluations.json").write_bytes(index + b" ")
        self.assertEqual(assay("seal", self.run_folder, "--from", "record", "--dry-run").returncode, 2)

    def test_the_random_stream_is_the_one_that_verify_computes(self):
        """replay/search/preload/random.cpp and toolkit/rules/python_random.cpp say the same."""
        (self.work / "draw.py").write_text("""
import os, urllib.request
open("drawn", "w").write(os.urandom(16).hex() if os.urandom(2496) else "")
urllib.request.urlopen(os.environ["OPENAI_BASE_URL"] + "/models").read()
""")
        options = ["--deterministic", "--seed", "00000000000000a7"]
        must(self.record(sys.executable, "-IS", "draw.py", options=options))
        step, mask = 0x9e3779b97f4a7c15, 2**64 - 1

        def mix(x):
            x = (x & mask ^ (x & mask) >> 30) * 0xbf58476d1ce4e5b9 & mask
            x = (x ^ x >> 27) * 0x94d049bb133111eb & mask
            return x ^ x >> 31
        words = [mix(mix(0xa7 + step) + step * (1 + n)) for n in range(2000)]
        stream = b"".join(word.to_bytes(8, "little") for word in words)
        at = stream.find(bytes.fromhex((self.work / "drawn").read_text()))
        self.assertGreaterEqual(at, 2496)
        self.assertEqual(at % 8, 0)

    def test_small_search_in_its_own_folder(self):
        """Called by its path with the candidate as an argument; its answer is what it prints."""
        must(self.record(sys.executable, "small_search.py", "3", "3", options=["--deterministic", "--evaluator", "evaluator.py"]))
        self.assertEqual(self.equal(self.run_folder, "--evaluations", "recorded")["given"], 3)

    def test_an_asi_arch_campaign_points_at_its_candidates(self):
        campaign = self.top / "campaign"
        (campaign / "experiments/1").mkdir(parents=True)
        (campaign / "campaign.json").write_text('{"assay": "campaign", "version": 1, "title": "T", "system": "asi-arch"}')
        (campaign / "experiments/1/experiment.json").write_text('{"id": "1"}')
        key, bundle = self.top / "key", self.top / "c.h5"
        must(assay("key", "new", key))
        must(assay("seal", campaign, "--from", "assay", "-o", bundle, "--key", key))
        done = assay("replay", bundle, "--search", "--evaluations", "recorded")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"assay replay {bundle} EXPERIMENT".encode(), done.stderr)


if __name__ == "__main__":
    main()
