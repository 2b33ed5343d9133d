"""A recorded search whose folder holds a framework's output: both layouts in one bundle, exchanges linked to agent steps by their
words, and a rerun's first difference named by its agent step."""

import json
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support import HERE, Recorded, assay, main, must  # noqa: E402

STEPS = 3


class Links(Recorded):
    def setUp(self):
        super().setUp()
        shutil.copy(HERE / "evolve_like.py", self.work)
        (self.work / "runs/one").mkdir(parents=True)
        (self.work / "runs/one/config.yaml").write_text("experiment_name: linked\n")
        must(self.record(sys.executable, "evolve_like.py", str(STEPS)))

    def seal(self, *options):
        key, bundle = self.top / "key", self.top / "b.h5"
        if not key.exists():
            must(assay("key", "new", key))
        done = must(assay("seal", self.run_folder, "--from", "record", "-o", bundle, "--key", key, "--force", "--json", *options))
        exported = self.top / "exported"
        shutil.rmtree(exported, ignore_errors=True)
        must(assay("export", bundle, "-o", exported))
        return bundle, exported, json.loads(done.stdout)["result"]

    def test_both_layouts_in_one_bundle(self):
        bundle, exported, result = self.seal()
        self.assertEqual((result["experiments"], result["links"]["system"], result["links"]["tree"]), (STEPS, "asi-evolve", "runs/one"))
        self.assertEqual((exported / "source/config.yaml").read_text(), "experiment_name: linked\n")  # the run left it alone
        self.assertTrue((exported / "source/steps/step_1/code").exists())
        self.assertFalse((exported / "record/after/runs/one/steps").exists(), "a file of both is stored once")
        self.assertEqual((exported / "record/journal").read_bytes(), (self.run_folder / "journal").read_bytes())
        self.assertIn("linked", json.loads((exported / "campaign.json").read_text())["title"])
        self.assertIn(assay("verify", bundle).returncode, (0, 5))
        self.assertIn(b"exchange/1", must(assay("show", bundle, "steps")).stdout)
        # what was exported seals to the same root
        again = self.top / "again.h5"
        must(assay("seal", exported, "--from", "assay", "-o", again, "--key", self.top / "key"))
        root = lambda file: json.loads(must(assay("show", file, "--json")).stdout)["result"]["root"]  # noqa: E731
        self.assertEqual(root(bundle), root(again))

    def test_links_are_by_words_and_the_rest_is_listed(self):
        _, exported, result = self.seal()
        links = json.loads((exported / "links.json").read_text())
        by_exchange = {one["exchange"]: (one["step"], one["by"], one.get("among", 1)) for one in links["linked"]}
        expected = {}
        for step in range(1, STEPS + 1):
            first = 4 * (step - 1) + 1
            expected[first] = (f"step_{step}/1", "prompt", 1)  # turned away, then made again
            expected[first + 1] = (f"step_{step}/1", "prompt and answer", 1)
            expected[first + 2] = (f"step_{step}/2", "prompt and answer", STEPS)
        expected[4 * STEPS + 1] = ("step_1/3", "prompt and answer", 1)
        self.assertEqual(by_exchange, expected)
        self.assertEqual([(one["exchange"], one["why"]) for one in links["unlinked"]["exchanges"]],
                         [(4 * step, "no prompt of an agent: POST /embeddings") for step in range(1, STEPS + 1)])
        self.assertEqual(links["unlinked"]["steps"], [])
        self.assertEqual((result["links"]["linked"], result["links"]["unlinked_exchanges"]), (3 * STEPS + 1, STEPS))
        try:
            import jsonschema
        except ImportError:
            return
        jsonschema.validate(links, json.loads((HERE.parents[1] / "docs/formats/links.schema.json").read_text()))

    def test_what_cannot_be_linked_says_why(self):
        log = next((self.run_folder / "after/runs/one/steps/step_2/llm_logs").glob("*analyzer*"))
        changed = json.loads(log.read_text())
        changed["messages"][0]["content"] += "?"
        log.write_text(json.dumps(changed))
        _, exported, _ = self.seal("--keep-going")
        unlinked = json.loads((exported / "links.json").read_text())["unlinked"]
        self.assertEqual(unlinked["steps"], [{"step": "step_2/2", "why": "no exchange has its prompt and answer"}])

    def test_a_rerun_names_the_agent_step(self):
        # The program is altered in its third step: the first exchange that differs is the attempt of step_3/1.
        program = self.run_folder / "before/evolve_like.py"
        program.write_text(program.read_text().replace('f"Step {step}"', 'f"Step {step if step < 3 else 0}"'))
        bundle, _, _ = self.seal("--keep-going")
        done = assay("replay", bundle, "--search", "--json")
        self.assertEqual(done.returncode, 4, done.stderr)
        divergence = json.loads(done.stdout)["result"]["divergence"]
        self.assertEqual((divergence["exchange"], divergence["step"]), (9, "step_3/1"), divergence)
        self.assertIn(b"at        step step_3/1", assay("replay", bundle, "--search").stdout)

    def test_a_tree_can_be_named(self):
        shutil.copytree(self.run_folder / "after/runs/one", self.run_folder / "after/runs/two")
        after = json.loads((self.run_folder / "after.json").read_text())
        after["files"] += [{**f, "path": f["path"].replace("runs/one", "runs/two")} for f in after["files"] if f["path"].startswith("runs/one/")]
        (self.run_folder / "after.json").write_text(json.dumps(after))
        key = self.top / "key"
        must(assay("key", "new", key))
        words = ("seal", self.run_folder, "--from", "record", "-o", self.top / "t.h5", "--key", key, "--keep-going")
        done = assay(*words)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"--tree", done.stderr)
        self.assertIn(b"linked ", must(assay(*words, "--tree", "runs/two")).stdout)
        self.assertIn(b"expected one of", assay(*words, "--tree", "runs/three", "--force").stderr)


if __name__ == "__main__":
    main()
