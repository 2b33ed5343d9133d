"""All published programs, 20 steps each, strict: the hash of each trace on each target, as a table.

    python tests/runner/programs_table.py --runner build/release/replay/assay-runner --shared ../shared --out results --jobs 2
    python tests/runner/programs_table.py ... --targets cuda --jobs 16        16 processes on one GPU

d = 64, vocabulary 256, 2 layers, batch 2 x 128. What is in OUT/results.jsonl is not run again, so a run that was stopped goes on;
results of several machines may be put together (cat), and --table alone renders what is there. A program that differs between targets,
or fails on one and not on another, is an error (exit status 1). --assay PROGRAM runs each through `assay train`, in its sandbox.
Not a test of ctest: it takes an hour of a processor core.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import support

LEVELS = ("portable", "avx2", "avx512")


def options_of():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runner", default=os.environ.get("ASSAY_RUNNER"))
    parser.add_argument("--assay", help="run each program through `assay train`")
    parser.add_argument("--shared", default=os.environ.get("ASSAY_SHARED", "../shared"))
    parser.add_argument("--out", required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--targets", default="avx512", help="of portable,avx2,avx512,cuda")
    parser.add_argument("--target-name", help="what the table calls cuda (default: the GPU's name)")
    parser.add_argument("--precisions", default="bf16,fp32")
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--every", type=int, default=1, help="only every n-th program")
    parser.add_argument("--only", default="", help="indices, with commas")
    parser.add_argument("--seconds", type=float, default=1e9, help="start no more runs after so long")
    parser.add_argument("--timeout", type=float, default=600, help="seconds a run")
    parser.add_argument("--retry", action="store_true", help="run what failed before again")
    parser.add_argument("--table", action="store_true", help="only render what is there")
    parser.add_argument("--beside", help="results of other machines, to be compared with")
    return parser.parse_args()


def best_level():
    """What the processor has, of the levels that the library is compiled for."""
    with open("/proc/cpuinfo") as file:
        flags = file.read().split()
    return "avx512" if "avx512dq" in flags and "avx512bw" in flags else "avx2" if "avx2" in flags else "portable"


def gpu_name():
    told = subprocess.run(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"], capture_output=True, text=True).stdout
    for name in ("H100", "H200", "A100", "B200"):
        if name in told:
            return name.lower()
    return told.strip().splitlines()[0] if told.strip() else "cuda"


def recipe_of(options, precision):
    return support.recipe(
        options.runner, name="published-programs", precision=precision, steps=options.steps,
        shell={"d_model": 64, "heads": 4, "vocabulary": 256, "layers": 2}, batch={"rows": 2, "length": options.length, "leaf": 2},
        optimizer={"lr": 3e-4}, schedule={"kind": "constant", "warmup": 0, "final": 1.0},
        intervals={"state_root": 10, "checkpoint": 0}, evaluation={"every": 0, "rows": 0})


def limits():
    """Programs come from strangers. `assay train` does better."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))


def run_directly(options, folder, target):
    job = {"recipe": folder + "/recipe.json", "program": folder + "/program.py", "output": folder, "threads": 1,
           "device": "cuda" if target == "cuda" else "cpu", "cpu_level": "" if target == "cuda" else target}
    with open(folder + "/job.json", "w") as file:
        json.dump(job, file)
    keep = ("PATH", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "ASSAY_PYTHON_PACKAGES")
    done = subprocess.run([options.runner, folder + "/job.json", "--events", "-"], capture_output=True, text=True, preexec_fn=limits,
                          timeout=options.timeout, env=dict({key: os.environ[key] for key in keep if key in os.environ}, GOMP_SPINCOUNT="3000"))
    events = [json.loads(line) for line in done.stdout.splitlines()]
    for event in events:
        if event["event"] == "error":
            return {"error": "%s: %s" % (event["kind"], event["what"]), "line": event["line"]}
        if event["event"] == "end":
            return {"chain": event["chain"], "loss": [e["loss_value"] for e in events if e["event"] == "step"][-1]}
    return {"error": "exit status %d: %s" % (done.returncode, done.stderr.strip()[-300:])}


def run_by_assay(options, folder, target):
    place = ["--device", "cuda"] if target == "cuda" else ["--device", "cpu", "--cpu-level", target]
    done = subprocess.run([options.assay, "train", folder + "/recipe.json", "--program", folder + "/program.py", "-o", folder + "/run",
                           "--threads", "1", "--json", *place],
                          capture_output=True, text=True, timeout=options.timeout, env=dict(os.environ, ASSAY_RUNNER=options.runner))
    if not done.stdout.strip():
        return {"error": "exit status %d: %s" % (done.returncode, done.stderr.strip()[-300:])}
    told = json.loads(done.stdout)
    if "result" in told:
        return {"chain": told["result"]["chain"], "loss": told["result"]["loss"], "sandbox": told["result"].get("sandbox")}
    return {"error": told["error"]["what"], "line": told["error"].get("where")}


def one(options, program, precision, target):
    folder = tempfile.mkdtemp(prefix="assay-program-")
    began = time.time()
    try:
        with open(folder + "/recipe.json", "w") as file:
            json.dump(recipe_of(options, precision), file)
        with open(folder + "/program.py", "w", encoding="utf-8") as file:
            file.write(program["program"])
        try:
            found = (run_by_assay if options.assay else run_directly)(options, folder, target)
        except subprocess.TimeoutExpired:
            found = {"error": "more than %g s" % options.timeout}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    name = (options.target_name or gpu_name()) if target == "cuda" else target
    return dict({"index": program["index"], "precision": precision, "target": name, "length": options.length, "steps": options.steps,
                 "contract": support.versions(options.runner)["contract"], "seconds": round(time.time() - began, 1)}, **found)


def read_results(path):
    if not os.path.exists(path):
        return []
    with open(path) as file:
        return [json.loads(line) for line in file if line.endswith("\n")]


def key_of(result):
    return tuple(result[part] for part in ("index", "precision", "target", "length", "steps", "contract"))


def cell(group, target):
    result = group.get(target)
    if result is None:
        return ""
    return "`%s`" % result["chain"][:16] if "chain" in result else "-"


def render(results, path):
    """The table as Markdown; how many groups do not agree."""
    groups, targets, wrong = {}, [], []
    for result in results:
        groups.setdefault((result["length"], result["precision"], result["index"]), {})[result["target"]] = result
        if result["target"] not in targets:
            targets.append(result["target"])
    lines = []
    for length, precision in sorted({key[:2] for key in groups}):
        rows = {key: group for key, group in groups.items() if key[:2] == (length, precision)}
        shown = [target for target in targets if any(target in group for group in rows.values())]
        ran = sum(any("chain" in r for r in group.values()) for group in rows.values())
        lines += ["", "### %s, length %d: %d of %d run" % (precision, length, ran, len(rows)), "",
                  "| program | loss | same on | " + " | ".join(shown) + " |", "|---" * (3 + len(shown)) + "|"]
        for key in sorted(rows):
            group = rows[key]
            chains = {r.get("chain") for r in group.values()}
            if len(chains) > 1:
                wrong.append(key)
            losses = [r["loss"] for r in group.values() if "loss" in r]
            same = "%d" % len(group) if len(chains) == 1 and None not in chains else "differs" if len(chains) > 1 else "-"
            lines.append("| %d | %s | %s | %s |" % (key[2], "%.4f" % losses[0] if losses else "", same,
                                                 " | ".join(cell(group, target) for target in shown)))
        reasons = {}
        for key in sorted(rows):
            for result in rows[key].values():
                if "error" in result:
                    reasons.setdefault(result["error"][:160], set()).add(key[2])
        if reasons:
            lines += [""] + ["- %s: %s" % (reason, ", ".join(map(str, sorted(which)))) for reason, which in sorted(reasons.items())]
    digest = hashlib.sha256("".join(sorted("%r%s" % (key_of(r)[:2] + key_of(r)[3:5], r.get("chain")) for r in results)).encode())
    with open(path, "w") as file:
        file.write("\n".join(lines).strip() + "\n")
    print("%d results, digest %s: %s" % (len(results), digest.hexdigest()[:16], path))
    for key in wrong:
        print("DIFFERS: length %d, %s, program %d" % key)
    return len(wrong)


def main():
    options = options_of()
    os.makedirs(options.out, exist_ok=True)
    path = os.path.join(options.out, "results.jsonl")
    if not options.table:
        if not options.runner or not os.path.exists(options.runner):
            sys.exit("error: --runner: expected the path of assay-runner, found %r" % options.runner)
        options.runner = os.path.abspath(options.runner)
        data = os.path.join(options.shared, "data/asi-arch/106.json")
        if not os.path.exists(data):
            print("SKIPPED: the published programs are not here (--shared FOLDER with data/asi-arch/106.json)")
            sys.exit(77)
        with open(data) as file:
            programs = sorted(json.load(file), key=lambda program: program["index"])[::options.every]
        if options.only:
            programs = [program for program in programs if str(program["index"]) in options.only.split(",")]
        targets = [(t, (options.target_name or gpu_name()) if t == "cuda" else t) for t in options.targets.split(",")]
        contract = support.versions(options.runner)["contract"]
        done = {key_of(result) for result in read_results(path) if "chain" in result or not options.retry}
        todo = [(program, precision, target) for precision in options.precisions.split(",") for program in programs
                for target, name in targets
                if (program["index"], precision, name, options.length, options.steps, contract) not in done]
        print("%d runs to do, %d done before" % (len(todo), len(done)), flush=True)
        began, lock, count = time.time(), threading.Lock(), 0
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool, open(path, "a") as file:
            def work(job):
                nonlocal count
                if time.time() - began > options.seconds:
                    return
                result = one(options, *job)
                with lock:
                    file.write(json.dumps(result) + "\n")
                    file.flush()
                    count += 1
                    if count % 20 == 0:
                        print("%d of %d after %.0f s" % (count, len(todo), time.time() - began), flush=True)
            list(pool.map(work, todo))
    own = read_results(path)
    known = {key_of(result) for result in own}
    others = [r for r in (read_results(options.beside) if options.beside else []) if key_of(r) not in known]
    if not options.table:  # beside what was run here, nothing else
        run = {(r["index"], r["precision"], r["length"]) for r in own}
        others = [r for r in others if (r["index"], r["precision"], r["length"]) in run]
    return render(own + others, os.path.join(options.out, "programs.md"))


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
