"""`assay replay FILE --search --on-divergence live`: past the first difference the upstream answers, recorded as a branch that names
what it left and where, and that seals and reruns as any other record."""

import json
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support import FAKETIME, KEY, SEARCH, Recorded, assay, journal, main, must, run, ASSAY, write_journal  # noqa: E402



class Branch(Recorded):
    def setUp(self):
        super().setUp()
        if not FAKETIME:
            self.skipTest("libfaketime is not installed")
        must(self.record(*SEARCH, "5", options=["--deterministic"]))
        self.asked = len(self.seen)
        self.branch = self.top / "branch"

    def live(self, what, *options, env=None):
        done = run(ASSAY, "replay", what, "--search", "--on-divergence", "live", "-o", self.branch, "--json", *options, env=env or self.environment())
        return done.returncode, self.result(done)

    def altered(self):
        """The program is another from step 4 on, whose first exchange is number 7."""
        program = self.run_folder / "before/small_search.py"
        program.write_text(program.read_text().replace('f"Step {number},', 'f"{\'Step\' if number < 4 else \'Stop\'} {number},'))

    def sealed(self, folder, name, *options):
        key, bundle = self.top / "key", self.top / name
        if not key.exists():
            must(assay("key", "new", key))
        must(assay("seal", folder, "--from", "record", "-o", bundle, "--key", key, *options))
        return bundle

    def test_goes_on_and_is_a_record_of_its_own(self):
        self.altered()
        bundle = self.sealed(self.run_folder, "old.h5", "--keep-going")  # altered, and sealed all the same
        root = json.loads(must(assay("show", bundle, "--json")).stdout)["input"]["root"]
        status, result = self.live(bundle)
        self.assertEqual((status, result["answered"], result["divergence"]["exchange"]), (4, 6, 7), result)
        self.assertEqual({k: result["branch"][k] for k in ("copied", "live", "errors")}, {"copied": 6, "live": 4, "errors": 0})
        self.assertFalse(result["tree_compared"])
        records, torn = journal(self.branch / "journal")
        self.assertEqual(torn, 0)
        self.assertEqual([r[0]["kind"] for r in records], ["start"] + ["exchange"] * 6 + ["branch"] + ["exchange"] * 4 + ["end"])
        self.assertEqual([r[0].get("copied") for r in records if r[0]["kind"] == "exchange"], [1, 2, 3, 4, 5, 6] + [None] * 4)
        self.assertEqual([r[0]["number"] for r in records if r[0]["kind"] == "exchange"], list(range(1, 11)))
        left = records[7][0]
        self.assertEqual((left["exchange"], left["answered"]), (7, 6))
        self.assertEqual(records[0][0]["branch"]["root"], root)
        old = journal(self.run_folder / "journal")[0]
        self.assertEqual([r[1] for r in records[1:7]], [r[1] for r in old[1:7]])
        self.assertIn(b"Stop 4", records[8][1])
        self.assertTrue((self.branch / "after/out/population.json").exists())
        self.assertEqual((self.branch / "stdout").read_bytes().count(b"best"), 5)
        # The upstream saw four requests more, with the key that the record does not have.
        self.assertEqual(len(self.seen), self.asked + 4)
        self.assertEqual({k.lower(): v for k, v in self.seen[-1][1].items()}["authorization"], "Bearer " + KEY)
        for file in self.branch.rglob("*"):
            if file.is_file():
                self.assertNotIn(KEY.encode(), file.read_bytes(), file)
        # It seals, says what it is a branch of, and reruns with every request equal.
        again = self.sealed(self.branch, "new.h5")
        exported = self.top / "exported"
        must(assay("export", again, "-o", exported))
        self.assertEqual(json.loads((exported / "campaign.json").read_text())["extra"]["branch"],
                         {"journal": records[0][0]["branch"]["journal"], "root": root, "exchange": 7, "answered": 6})
        self.server.shutdown()
        done = assay("replay", again, "--search", "--json")
        rerun = json.loads(done.stdout)["result"]
        self.assertEqual((done.returncode, rerun["equal"], rerun["answered"], rerun["tree_differences"]), (0, True, 10, []), rerun)

    def test_a_search_that_was_cut_short_goes_on(self):
        records, _ = journal(self.run_folder / "journal")
        write_journal(self.run_folder / "journal", records[:6])
        shutil.rmtree(self.run_folder / "after")
        (self.run_folder / "after.json").unlink()
        status, result = self.live(self.run_folder)
        self.assertEqual((status, result["branch"]["copied"], result["branch"]["live"], result["status"]), (4, 5, 5, 0), result)
        left = [r[0] for r in journal(self.branch / "journal")[0] if r[0]["kind"] == "branch"]
        self.assertEqual([(one["answered"], "exchange" in one) for one in left], [(5, False)])
        done = assay("replay", self.branch, "--search", "--json")
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_another_upstream_and_three_workers(self):
        shutil.rmtree(self.run_folder)
        must(self.record(*SEARCH, "6", "3", options=["--deterministic"]))
        program = self.run_folder / "before/small_search.py"
        program.write_text(program.read_text().replace('f"Step {number},', 'f"{\'Step\' if number < 4 else \'Stop\'} {number},'))
        base, self.base = self.base, "http://127.0.0.1:9/v1"
        status, result = self.live(self.run_folder, "--upstream", f"openai={base}/other")
        self.assertEqual((status, result["branch"]["copied"], result["branch"]["live"]), (4, 6, 6), result)
        self.assertTrue(self.seen[-1][0].startswith("/v1/other/"))
        done = assay("replay", self.branch, "--search", "--json")
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_equal_to_the_end_is_a_copy(self):
        status, result = self.live(self.run_folder)
        self.assertEqual((status, result["equal"], result["branch"]["copied"], result["branch"]["live"]), (0, True, 10, 0))
        self.assertEqual(len(self.seen), self.asked)

    def test_what_is_refused(self):
        for words, why in ((["--on-divergence", "live"], b"without -o RUN"),
                           (["--upstream", "openai=http://h/v1"], b"--upstream is for"),
                           (["--on-divergence", "live", "-o", self.top / "b", "--upstream", "other=http://h/v1"], b"its upstreams are openai"),
                           (["--on-divergence", "live", "-o", self.run_folder], b"already there")):
            done = assay("replay", self.run_folder, "--search", *words)
            self.assertEqual(done.returncode, 1)
            self.assertIn(why, done.stderr)


if __name__ == "__main__":
    main()
