"""`assay verify --decisions`: every decision of a run is in one of three classes, and what is altered in a run before it is sealed is
found. On the small runs of tests/search/samples, which the frameworks themselves made (make_samples.py), and on shared/data."""

import json
import os
import re
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from program import ROOT, assay, main, must  # noqa: E402

SAMPLES = ROOT / "tests/search/samples"
SHARED = Path(os.environ.get("ASSAY_SHARED", ROOT.parent / "shared"))


class Decisions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.top = Path(tempfile.mkdtemp(prefix="assay-decisions-"))
        cls.addClassCleanup(shutil.rmtree, cls.top, ignore_errors=True)
        must(assay("key", "new", cls.top / "key"))

    def copy(self, source):
        run = Path(tempfile.mkdtemp(dir=self.top)) / source.name
        shutil.copytree(source, run)
        for path in [run, *run.rglob("*")]:  # the shared data are for reading alone
            path.chmod(path.stat().st_mode | 0o200)
        return run

    def verified(self, run, kind="asi-evolve", bundle=None):
        """The document and the exit status of a run that is sealed as it lies there."""
        bundle = bundle or run.parent / "b.h5"
        bundle.unlink(missing_ok=True)
        must(assay("seal", run, "--from", kind, "--redact", "--keep-going", "-o", bundle, "--key", self.top / "key"))
        done = assay("verify", bundle, "--trust", self.top / "key.pub", "--decisions", "--json")
        return json.loads(done.stdout), done.returncode

    def holds(self, run, kind="asi-evolve"):
        document, status = self.verified(run, kind)
        decisions = document["decisions"]
        self.assertTrue(decisions["recomputed"], decisions)
        self.assertEqual([d for d in decisions["list"] if d["outcome"] == "different"], [])
        self.assertEqual(status, 0)
        self.assertEqual(sum(decisions["counts"].values()), len(decisions["list"]))
        for decision in decisions["list"]:
            self.assertIn(decision["outcome"], ("equal", "not on record"))
            if decision["outcome"] == "not on record":
                self.assertTrue(decision["because"])
        return decisions

    def found(self, run, *kinds, by="asi-evolve"):
        document, status = self.verified(run, by)
        different = {d["kind"] for d in document["decisions"]["list"] if d["outcome"] == "different"}
        self.assertTrue(different & set(kinds), f"expected one of {kinds} to differ, found {different or 'nothing'}")
        self.assertEqual(status, 3)
        codes = {f["code"] for f in document["findings"]}
        self.assertTrue(any(code.startswith("D2") for code in codes), codes)


def change_nodes(run, change):
    file = run / "database_data/nodes.json"
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document, indent=2))


def replace(file, pattern, text, count=1):
    before = file.read_text()
    after = re.sub(pattern, text, before, count=count)
    assert before != after, f"{file}: nothing to replace"
    file.write_text(after)


class AsiEvolve(Decisions):
    EACH = ("live", "sampler", "parents", "answer", "analysis", "score", "prompt", "knowledge")

    def every_step_has(self, run, decisions):
        steps = {p.name for p in (run / "steps").iterdir() if p.name.startswith("step_") and "initial" not in p.name}
        for kind in self.EACH:
            self.assertEqual({d["step"] for d in decisions["list"] if d["kind"] == kind} & steps, steps, kind)
        nodes = json.loads((run / "database_data/nodes.json").read_text())
        for kind in ("eviction", "best"):
            self.assertGreaterEqual(sum(d["kind"] == kind for d in decisions["list"]), nodes["next_id"], kind)
        self.assertEqual(sum(d["kind"] == "visits" for d in decisions["list"]), len(nodes["nodes"]))

    def runs(self):
        out = [SAMPLES / name for name in sorted(os.listdir(SAMPLES)) if name.startswith("evolve-")]
        shared = SHARED / "data/asi-evolve/island_seq"
        return out + [shared] * shared.exists()

    def test_every_decision_is_in_a_class(self):
        for source in self.runs():
            with self.subTest(source.name):
                self.every_step_has(source, self.holds(self.copy(source)))

    def alter(self, change, *kinds, only=lambda source: True):
        for source in self.runs():
            if "workers" in source.name or not only(source):
                continue
            with self.subTest(source.name):
                run = self.copy(source)
                change(run)
                self.found(run, *kinds)

    def test_a_score(self):
        def live(run):
            def change(document):
                node = list(document["nodes"].values())[-1]
                node["score"] += 0.0001
            change_nodes(run, change)
        self.alter(live, "score")

        def evicted(run):
            nodes = json.loads((run / "database_data/nodes.json").read_text())
            gone = next(i for i in range(1, nodes["next_id"]) if str(i) not in nodes["nodes"])
            replace(run / "logs/evolve.log", rf"(Added node {gone}: \S+ \(score=)\d\.\d{{4}}", r"\g<1>0.9999")
        self.alter(evicted, "score")

    def test_a_parent(self):
        def change(document):
            live = [node for node in document["nodes"].values() if node["parent"]]
            node = live[-1]
            other = next(i for i in range(document["next_id"]) if i not in node["parent"] and i < node["id"])
            node["parent"][0] = other
        self.alter(lambda run: change_nodes(run, change), "parents", "sampler", "live")

    def test_visits(self):
        def change(document):
            list(document["nodes"].values())[0]["visit_count"] += 1
        self.alter(lambda run: change_nodes(run, change), "visits")

    def test_an_eviction(self):
        def missing(document):
            del document["nodes"][list(document["nodes"])[1]]
        self.alter(lambda run: change_nodes(run, missing), "live")

        def back(document):
            nodes = document["nodes"]
            gone = next(i for i in range(1, document["next_id"]) if str(i) not in nodes)
            taken = nodes.pop(list(nodes)[1])
            nodes[str(gone)] = {**taken, "id": gone}
        self.alter(lambda run: change_nodes(run, back), "eviction", "live")

    def answer_file(self, run):
        """The last researcher's answer that made a node which is still there."""
        nodes = json.loads((run / "database_data/nodes.json").read_text())["nodes"].values()
        codes = {node["code"] for node in nodes if node["parent"]}
        for step in sorted(run.glob("steps/step_*"), reverse=True):
            if (step / "code").exists() and (step / "code").read_text() in codes:
                calls = sorted((step / "llm_logs").glob("*_researcher_*.json"))
                if calls:
                    return calls[-1], step
        raise AssertionError("no such answer")

    def test_an_answer(self):
        def answer(run):
            file, _ = self.answer_file(run)
            call = json.loads(file.read_text())
            text = call["response"]["content"]
            at = text.rindex("# ") if ">>>> REPLACE" in text else text.rindex("return")
            call["response"]["content"] = text[:at] + "X" + text[at + 1:]
            file.write_text(json.dumps(call, indent=2))
        self.alter(answer, "answer")

        def stored(run):
            _, step = self.answer_file(run)
            (step / "code").write_text((step / "code").read_text().replace("return", "returm", 1))
        self.alter(stored, "answer")

    def test_success_and_results(self):
        def of_node(change):
            return lambda run: change_nodes(run, lambda document: change(list(document["nodes"].values())[-1]))

        def number(results):
            key = next(k for k, v in results.items() if k not in ("success", "eval_score", "score", "runtime", "judge_score") and isinstance(v, (int, float)))
            results[key] += 1
        changes = {
            "meta_info.success": lambda n: n["meta_info"].update(success=not n["meta_info"]["success"]),
            "meta_info.runtime": lambda n: n["meta_info"].update(runtime=1.0), "results.success": lambda n: n["results"].update(success=not n["results"]["success"]),
            "results.score": lambda n: n["results"].update(score=n["results"]["score"] + 1), "results.eval_score": lambda n: n["results"].update(eval_score=0.125),
            "results": lambda n: number(n["results"]), "one more": lambda n: n["results"].update(more=1),
        }
        for name, change in changes.items():
            with self.subTest(name):
                self.alter(of_node(change), "fields")

        def left(which, change):
            def alter(run):
                live = {json.dumps(n["name"]) for n in json.loads((run / "database_data/nodes.json").read_text())["nodes"].values()}
                for file in sorted(run.glob("steps/step_*/results.json")):
                    call = next(iter(sorted((file.parent / "llm_logs").glob("*researcher*.json"), reverse=True)), None)
                    shown = any("temp" in f.read_text() for f in (file.parent / "llm_logs").glob("*analyzer*.json"))
                    name = call and re.search(r"<name>(.*?)</name>", json.loads(call.read_text())["response"]["content"])
                    if not shown or not name or (json.dumps(name[1]) in live) != (which == "live"):
                        continue
                    results = json.loads(file.read_text())
                    change(results)
                    file.write_text(json.dumps(results))
                    return
                raise AssertionError("no such step")
            return alter
        for which in ("live", "evicted"):
            with self.subTest(f"results.json, {which}"):
                self.alter(left(which, number), "fields")
            with self.subTest(f"success in results.json, {which}"):
                self.alter(left(which, lambda results: results.update(success=not results["success"])), "fields", "score")
        with self.subTest("the log"):
            self.alter(lambda run: replace(run / "logs/evolve.log", r"success=True", "success=False"), "fields")

    def test_an_answer_of_an_evicted_node(self):
        """The program is altered in the answer and in the step's folder alike: the analyzer was shown another."""
        def alter(run):
            live = {n["code"] for n in json.loads((run / "database_data/nodes.json").read_text())["nodes"].values()}
            for step in sorted(run.glob("steps/step_[1-9]*")):
                calls = sorted((step / "llm_logs").glob("*_researcher_full_*.json"))
                if not calls or not (step / "code").exists() or (step / "code").read_text() in live:
                    continue
                call = json.loads(calls[-1].read_text())
                if "return" not in call["response"]["content"] or not list((step / "llm_logs").glob("*analyzer*")):
                    continue
                call["response"]["content"] = call["response"]["content"].replace("return", "return  ", 1)
                calls[-1].write_text(json.dumps(call, indent=2))
                (step / "code").write_text((step / "code").read_text().replace("return", "return  ", 1))
                return
            raise AssertionError("no such step")
        self.alter(alter, "fields", only=lambda source: source.name in ("evolve-island", "evolve-ucb1"))

    def test_the_best(self):
        self.alter(lambda run: shutil.rmtree(next((run / "steps/best").iterdir())), "best")

    def test_the_best_of_several_workers(self):
        """Two workers may add their nodes in one order and look at the best in the other."""
        source = SAMPLES / "evolve-workers"
        run = self.copy(source)
        shutil.rmtree(run / "steps/best/step_0_initial")
        self.found(run, "best")  # no later one is as good

        run = self.copy(source)
        steps = {p.name: (p / "code").read_text() for p in (run / "steps").glob("step_*") if (p / "code").exists()}
        better = {}

        def change(document):
            last = max(document["nodes"].values(), key=lambda node: node["id"])
            last["score"] = 0.9999
            better["step"] = next(name for name, code in steps.items() if code == last["code"])
        change_nodes(run, change)
        replace(run / "steps" / better["step"] / "results.json", r'"eval_score": [\d.]+', '"eval_score": 0.9999')
        shutil.copytree(run / "steps" / better["step"], run / "steps/best" / better["step"], ignore=lambda at, names: set(names) - {"code", "results.json"})
        shutil.rmtree(run / "steps/best/step_0_initial")
        replace(run / "logs/evolve.log", r"(Updated best snapshot: .* -> .*/best/)step_0_initial", r"\1" + better["step"])
        document, _ = self.verified(run)
        best = [d for d in document["decisions"]["list"] if d["kind"] == "best"]
        self.assertEqual([d for d in best if d["outcome"] == "different"], [])
        self.assertIn("step_0_initial", [d["step"] for d in best if d["outcome"] == "not on record"])

    def test_the_best_where_its_step_is_not_known(self):
        """Several steps may have made nodes that are alike: whichever made the best, later ones are no better."""
        run = self.copy(SAMPLES / "evolve-workers")
        steps = {(p / "code").read_text(): p for p in (run / "steps").glob("step_*") if (p / "code").exists()}
        later = {}

        def change(document):
            best, last = sorted(document["nodes"].values(), key=lambda node: node["id"])[-2:]
            best.update(name="of no step", code="of no step", motivation="of no step", score=0.9999)
            last["score"] = 0.9998
            later.update(step=steps[last["code"]], best=best["id"])
        change_nodes(run, change)
        replace(run / "logs/evolve.log", rf"(Added node {later['best']}): .* \(", r"\1: of no step (")
        replace(later["step"] / "results.json", r'"eval_score": [\d.]+', '"eval_score": 0.9998')
        document, _ = self.verified(run)
        best = {d["step"]: d for d in document["decisions"]["list"] if d["kind"] == "best"}
        self.assertEqual([d for d in best.values() if d["outcome"] == "different"], [])
        self.assertEqual(best[later["step"].name]["outcome"], "equal")

    def test_knowledge(self):
        self.alter(lambda run: replace(run / "logs/evolve.log", r"Retrieved (\d+) cognition", r"Retrieved 1\1 cognition"), "knowledge")

    def test_the_islands(self):
        def generation(document):
            document["sampler_state"]["island_generations"][1] += 1
        islands = lambda source: "island" in source.name  # noqa: E731
        self.alter(lambda run: change_nodes(run, generation), "migration", only=islands)

        def archive(document):
            document["sampler_state"]["archive"].pop()
        self.alter(lambda run: change_nodes(run, archive), "archive", only=islands)

        def home(document):
            list(document["nodes"].values())[-1]["meta_info"]["island"] ^= 1
        self.alter(lambda run: change_nodes(run, home), "migration", only=islands)

    def test_a_draw_that_a_rule_fixes(self):
        """Greedy's order has no chance in it: parents in another order are no draw of its."""
        def change(document):
            node = [node for node in document["nodes"].values() if len(node["parent"]) > 1][-1]
            node["parent"].reverse()
        self.alter(lambda run: change_nodes(run, change), "sampler", "parents", only=lambda source: "greedy" in source.name)


class OpenEvolve(Decisions):
    def runs(self):
        return [SAMPLES / name for name in sorted(os.listdir(SAMPLES)) if name.startswith("openevolve-")]

    def checkpoints(self, run):
        return sorted(run.glob("openevolve_output/checkpoints/checkpoint_*"), key=lambda p: int(p.name.split("_")[1]))

    def programs(self, run):
        """id -> its record in the last checkpoint that has it"""
        return {p.stem: json.loads(p.read_text()) for c in self.checkpoints(run) for p in (c / "programs").glob("*.json")}

    def test_every_decision_is_in_a_class(self):
        for source in self.runs():
            with self.subTest(source.name):
                run = self.copy(source)
                decisions = self.holds(run, "openevolve")
                proposed = {i for i, p in self.programs(run).items() if p["parent_id"] and not p["metadata"].get("migrant")}
                for kind in ("answer", "score", "parents", "sampler", "prompt", "knowledge"):
                    self.assertLessEqual(proposed, {d["step"] for d in decisions["list"] if d["kind"] == kind}, kind)
                states = {f"checkpoint {c.name.split('_')[1]}" for c in self.checkpoints(run)}
                for kind in ("live", "eviction", "archive", "best", "migration"):
                    self.assertLessEqual(states, {d["step"] for d in decisions["list"] if d["kind"] == kind}, kind)
                equal = {d["kind"] for d in decisions["list"] if d["outcome"] == "equal"}
                self.assertLessEqual({"answer", "score", "parents", "live", "eviction", "archive", "best", "migration"}, equal)

    def alter_programs(self, change, *kinds):
        """The same change in every checkpoint that has the program, so that they agree with each other."""
        for source in self.runs():
            with self.subTest(source.name):
                run = self.copy(source)
                proposed = [p for p in self.programs(run).values() if p["parent_id"] and not p["metadata"].get("migrant")]
                chosen = max(proposed, key=lambda p: p["iteration_found"])["id"]
                for file in run.glob(f"openevolve_output/checkpoints/*/programs/{chosen}.json"):
                    program = json.loads(file.read_text())
                    change(program, self.programs(source))
                    file.write_text(json.dumps(program))
                self.found(run, *kinds, by="openevolve")

    def test_a_score(self):
        def change(program, _):
            program["metrics"]["combined_score"] += 0.001
        self.alter_programs(change, "score")

    def test_an_answer(self):
        def change(program, _):
            program["code"] += "\n"
        self.alter_programs(change, "answer")

    def test_a_parent(self):
        def change(program, others):
            program["parent_id"] = next(i for i in others if i not in (program["id"], program["parent_id"]))
        self.alter_programs(change, "parents")

    def test_the_other_fields_of_a_program(self):
        def parents(program):
            program["metadata"]["parent_metrics"]["combined_score"] += 0.25

        def tokens(program):
            program["metadata"]["token_usage"]["completion_tokens"] += 1
        changes = {
            "generation": lambda p: p.update(generation=p["generation"] + 1), "iteration_found": lambda p: p.update(iteration_found=p["iteration_found"] + 1),
            "language": lambda p: p.update(language="rust"), "complexity": lambda p: p.update(complexity=3.0), "diversity": lambda p: p.update(diversity=3.0),
            "timestamp": lambda p: p.update(timestamp=1.0), "changes_description": lambda p: p.update(changes_description="better"),
            "changes": lambda p: p["metadata"].update(changes="A new idea"), "parent_metrics": parents, "token_usage": tokens,
            "model": lambda p: p["metadata"]["token_usage"].update(model="another"), "island": lambda p: p["metadata"].update(island=1 - p["metadata"]["island"]),
        }
        for name, change in changes.items():
            with self.subTest(name):
                self.alter_programs(lambda program, _: change(program), "fields")

    def test_a_program_that_is_another_in_one_checkpoint(self):
        for source in self.runs():
            for field in ("generation", "iteration_found", "timestamp"):
                with self.subTest(source.name, field=field):
                    run = self.copy(source)
                    earlier = self.checkpoints(run)[-2]
                    kept = {p.name for p in self.checkpoints(run)[-1].glob("programs/*.json")}
                    file = next(p for p in sorted(earlier.glob("programs/*.json")) if p.name in kept)
                    program = json.loads(file.read_text())
                    program[field] += 1
                    file.write_text(json.dumps(program))
                    self.found(run, "live", by="openevolve")

    def test_the_first_program_and_copies(self):
        def chosen(run, migrant):
            return next(p for p in self.programs(run).values() if bool(p["metadata"].get("migrant")) == migrant and
                        (self.programs(run).get(p["parent_id"]) if migrant else not p["parent_id"]))
        for source in self.runs():
            for migrant in (False, True):
                for field, value in (("generation", 7), ("iteration_found", 7), ("changes_description", "other")):
                    if field == "changes_description" and not migrant:
                        continue  # nothing says what stands there
                    with self.subTest(source.name, migrant=migrant, field=field):
                        run = self.copy(source)
                        program = chosen(run, migrant)
                        for file in run.glob(f"openevolve_output/checkpoints/*/programs/{program['id']}.json"):
                            file.write_text(json.dumps({**json.loads(file.read_text()), field: value}))
                        self.found(run, "fields", by="openevolve")

    def test_the_other_fields_of_a_checkpoint(self):
        def statistic(metadata):
            metadata["feature_stats"]["complexity"]["max"] += 1

        def values(metadata):
            metadata["feature_stats"]["diversity"]["values"][0] += 0.25

        def island_best(metadata):
            best = metadata["island_best_programs"]
            best[0] = next(i for i in metadata["islands"][0] if i != best[0])

        def none(metadata):
            metadata["island_best_programs"][1] = None
        changes = {"last_iteration": lambda m: m.update(last_iteration=1), "current_island": lambda m: m.update(current_island=1),
                   "statistic": statistic, "values": values, "island_best": island_best, "none": none}
        for source in self.runs():
            for name, change in changes.items():
                with self.subTest(source.name, field=name):
                    run = self.copy(source)
                    file = self.checkpoints(run)[-1] / "metadata.json"
                    metadata = json.loads(file.read_text())
                    change(metadata)
                    file.write_text(json.dumps(metadata))
                    self.found(run, "fields", by="openevolve")

    def test_what_is_said_of_the_best(self):
        for source in self.runs():
            for where in ("checkpoints/checkpoint_8", "best"):
                for field in ("id", "generation", "iteration", "current_iteration", "metrics", "language", "timestamp", "parent_id", "saved_at"):
                    run = self.copy(source)
                    file = run / "openevolve_output" / where / "best_program_info.json"
                    info = json.loads(file.read_text())
                    if field not in info:
                        continue
                    with self.subTest(source.name, where=where, field=field):
                        info[field] = {"combined_score": 2.0} if field == "metrics" else "x" if isinstance(info[field], str) else 1
                        file.write_text(json.dumps(info))
                        self.found(run, "fields", by="openevolve")
            with self.subTest(source.name, field="program"):
                run = self.copy(source)
                file = run / "openevolve_output/checkpoints/checkpoint_8/best_program.py"
                file.write_text(file.read_text() + "# more\n")
                self.found(run, "fields", by="openevolve")

    def alter_state(self, change, kind, *others):
        """Changes the last checkpoint for which the decision is recomputed: in some it is not on record."""
        for source in self.runs():
            with self.subTest(source.name):
                run = self.copy(source)
                known = {d["step"] for d in self.holds(run, "openevolve")["list"] if d["kind"] == kind and d["outcome"] == "equal"}
                folder = [c for c in self.checkpoints(run) if f"checkpoint {c.name.split('_')[1]}" in known][-1]
                metadata = json.loads((folder / "metadata.json").read_text())
                change(metadata, folder)
                (folder / "metadata.json").write_text(json.dumps(metadata))
                self.found(run, kind, *others, by="openevolve")

    def test_an_eviction(self):
        def change(metadata, folder):
            gone = next(i for island in metadata["islands"] for i in island if i != metadata["best_program_id"])
            for island, cells in zip(metadata["islands"], metadata["island_feature_maps"]):
                if gone in island:
                    island.remove(gone)
                for cell in [c for c, i in cells.items() if i == gone]:
                    del cells[cell]
            (folder / f"programs/{gone}.json").unlink()
        self.alter_state(change, "eviction")

    def migrations(self, run):
        """Folders of the checkpoints in which programs migrated, and the programs that came."""
        out, before = {}, set()
        for folder in self.checkpoints(run):
            programs = [json.loads(f.read_text()) for f in sorted((folder / "programs").iterdir())]
            came = [p for p in programs if p["metadata"].get("migrant") and p["id"] not in before]
            before |= {p["id"] for p in programs}
            if came:
                out[folder] = came
        return out

    def test_who_migrated(self):
        recomputed = 0
        for source in self.runs():
            with self.subTest(source.name):
                run = self.copy(source)
                equal = {(d["step"], d["kind"]) for d in self.holds(run, "openevolve")["list"] if d["outcome"] == "equal"}
                known = [f for f in self.migrations(run) if (f"checkpoint {f.name.split('_')[1]}", "eviction") in equal]
                recomputed += len(known)
                # One more program came to an island than the rule sends there.
                folder = known[-1]
                program = self.migrations(run)[folder][0]
                other = next(i for i in range(3) if i != program["metadata"]["island"])
                for later in [c for c in self.checkpoints(run) if int(c.name.split("_")[1]) >= int(folder.name.split("_")[1])]:
                    twin = {**program, "id": "1" * 32, "metadata": {**program["metadata"], "island": other}}
                    (later / f"programs/{twin['id']}.json").write_text(json.dumps(twin))
                    metadata = json.loads((later / "metadata.json").read_text())
                    metadata["islands"][other].append(twin["id"])
                    (later / "metadata.json").write_text(json.dumps(metadata))
                self.found(run, "migration", "eviction", by="openevolve")
        self.assertGreaterEqual(recomputed, 2, "evictions are recomputed also where programs migrated")

    def test_the_archive_the_best_and_migration(self):
        self.alter_state(lambda metadata, _: metadata["archive"].pop(), "archive")

        def best(metadata, _):
            metadata["best_program_id"] = next(i for island in metadata["islands"] for i in island if i != metadata["best_program_id"])
        self.alter_state(best, "best")

        def generation(metadata, _):
            metadata["island_generations"][0] += 1
        self.alter_state(generation, "migration")


class AsiArch(Decisions):
    def test_published_tables(self):
        source = SHARED / "data/asi-arch"
        if not source.exists():
            self.skipTest("no shared/data/asi-arch (set ASSAY_SHARED)")
        document, _ = self.verified(source, "asi-arch", self.top / "arch.h5")
        decisions = document["decisions"]
        self.assertEqual(decisions["counts"]["different"], 0, [d for d in decisions["list"] if d["outcome"] == "different"][:3])
        for kind in ("live", "sampler", "score", "answer", "prompt", "knowledge", "parents", "best"):
            self.assertEqual(sum(d["kind"] == kind for d in decisions["list"]), document["result"]["counts"]["experiments"], kind)


class Others(Decisions):
    def test_the_report_shows_them(self):
        run = self.copy(SAMPLES / "evolve-island")
        self.verified(run)
        must(assay("report", run.parent / "b.h5", "-o", run.parent / "pages", "--decisions", "--trust", self.top / "key.pub"))
        for page in ("report.md", "index.html"):
            text = (run.parent / "pages" / page).read_text()
            self.assertIn("Decisions of the search", text)
            self.assertIn("who was evicted", text)
        text = assay("verify", run.parent / "b.h5", "--decisions", "--trust", self.top / "key.pub").stdout.decode()
        self.assertRegex(text, r"Decisions of asi-evolve: \d+ recomputed, equal; 0 recomputed, different; \d+ not on record")

    def test_a_system_without_rules_says_so(self):
        document, status = self.verified(self.copy(ROOT / "archives/samples/small"), "assay")
        self.assertFalse(document["decisions"]["recomputed"])
        self.assertIn("no rules for the system", document["decisions"]["because"])
        self.assertEqual([f["severity"] for f in document["findings"] if f["code"] == "D200"], ["note"])
        self.assertNotEqual(status, 1)


if __name__ == "__main__":
    main()
