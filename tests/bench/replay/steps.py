"""Seconds a training step: assay-runner beside PyTorch eager, program by program, one after the other on one machine.

    python tests/bench/replay/steps.py --runner build/release/replay/assay-runner --shared ../shared --shape gpu -o steps.md
    python tests/bench/replay/steps.py --runner ... --shape cpu --every 7

--shape gpu: 8 layers, d 256, 8 heads, 16 x 512, vocabulary 8192; cpu: 2 layers, d 128, 4 x 256, two threads. fp32 where the program runs in
it, else bf16, on both sides. `deltanet` is the native baseline. Medians of the second half of the steps. OUT.jsonl is added to and goes on
where it stopped.

--jobs N has N programs under way for each GPU: their processes start side by side, and wait for each other before they touch the GPU, so
only one is on it at a time. --gpus N spreads them over N GPUs. On the CPU, figures to report come from one job."""
import argparse
import concurrent.futures
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../runner"))
import support  # noqa: E402

SHAPES = {"gpu": {"layers": 8, "d_model": 256, "heads": 8, "vocabulary": 8192, "rows": 16, "length": 512, "threads": 4, "device": "cuda"},
          "cpu": {"layers": 2, "d_model": 128, "heads": 4, "vocabulary": 256, "rows": 4, "length": 256, "threads": 2, "device": "cpu"},
          "tiny": {"layers": 1, "d_model": 32, "heads": 2, "vocabulary": 64, "rows": 2, "length": 40, "threads": 1, "device": "cpu"}}

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--runner", default=os.environ.get("ASSAY_RUNNER"), required=not os.environ.get("ASSAY_RUNNER"))
parser.add_argument("--shared", default=os.environ.get("ASSAY_SHARED", "../shared"))
parser.add_argument("--shape", choices=sorted(SHAPES), default="cpu")
parser.add_argument("--steps", type=int, default=10)
parser.add_argument("--gpus", type=int, default=0, help="default: all that are visible")
parser.add_argument("--every", type=int, default=1)
parser.add_argument("--only", default="")
parser.add_argument("--jobs", type=int, default=1)
parser.add_argument("--seconds", type=float, default=1e9, help="start nothing more after so long")
parser.add_argument("--deterministic", action="store_true", help="time torch's deterministic mode, too")
parser.add_argument("-o", "--out", default="steps.md")
options = parser.parse_args()
shape = SHAPES[options.shape]


TURNS = [threading.Lock() for _ in range((options.gpus or max(1, len(support.visible_gpus()))) if shape["device"] == "cuda" else 1)]


def environment_of(gpu):
    return support.on_gpu(gpu) if shape["device"] == "cuda" else dict(os.environ)


def ours(source, precision, gpu):
    """Median seconds between steps (or the error's text), whether the delta rule was fused, whether steps were captured."""
    mixer = {"kind": "program", "constructor": {}} if source else {"kind": "baseline", "name": "deltanet", "options": {}}
    recipe = support.recipe(
        options.runner, precision=precision, mixer=mixer, steps=options.steps,
        shell={key: shape[key] for key in ("layers", "d_model", "heads", "vocabulary")},
        batch={"rows": shape["rows"], "length": shape["length"], "leaf": shape["rows"]}, task=dict(name="bytes", seed=1, files={"text": DIGEST}),
        intervals={"state_root": 0, "checkpoint": 0}, evaluation={"every": 0}, schedule={"kind": "constant", "warmup": 0})
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: os.path.join(folder, name) for name in ("recipe.json", "program.py", "job.json")}
        job = {"recipe": paths["recipe.json"], "program": paths["program.py"] if source else None, "output": folder,
               "device": shape["device"], "threads": shape["threads"], "data": {"text": TEXT}}
        for name, text in (("recipe.json", json.dumps(recipe)), ("program.py", source or ""), ("job.json", json.dumps(job))):
            with open(paths[name], "w", encoding="utf-8") as file:
                file.write(text)
        process = subprocess.Popen([options.runner, paths["job.json"], "--events", "-"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                   text=True, env=dict(environment_of(gpu), GOMP_SPINCOUNT="3000"))  # as `assay train` sets it
        times, last, row, held = [], None, {}, False
        try:
            for line in process.stdout:
                event, now = json.loads(line), time.perf_counter()
                if event["event"] == "ready":  # nothing is on the GPU yet
                    process.send_signal(signal.SIGSTOP)
                    held = TURNS[gpu].acquire()
                    process.send_signal(signal.SIGCONT)
                if event["event"] == "error":
                    return {"ours": event["what"]}
                if event["event"] == "start":
                    row["fused"] = event["fused"]
                if event["event"] == "capture":
                    row["captured"], row["why"] = event["captured"], event["why"]
                if event["event"] == "step":
                    if last is not None:
                        times.append(now - last)
                    last = now
            process.wait()
        finally:
            if held:
                TURNS[gpu].release()
    return dict(row, ours=statistics.median(times[len(times) // 2:]) if times else "no steps")


def theirs(source, precision, gpu):
    """{"eager": median seconds, "deterministic": ...}; or the last line of the error."""
    with tempfile.NamedTemporaryFile("w", suffix=".py", encoding="utf-8") as file:
        file.write(source)
        file.flush()
        command = [sys.executable, os.path.join(HERE, "eager.py"), "--program", file.name, "--precision", precision, "--device",
                   shape["device"], "--steps", str(max(2, options.steps * 6 // 10)), "--wait"]
        for key in ("layers", "d_model", "heads", "vocabulary", "rows", "length", "threads"):
            command += ["--" + key.replace("_", "-"), str(shape[key])]
        with tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen(command + ["--deterministic"] * options.deterministic, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=errors, text=True, env=environment_of(gpu))
            process.stdout.readline()
            with TURNS[gpu]:
                told, _ = process.communicate("\n")
            if process.returncode == 0:
                return json.loads(told)
            errors.seek(0)
            return {"eager": (errors.read().strip().splitlines() or ["no output"])[-1]}


def only_bf16():
    """Programs that are known to end with an error of types in fp32."""
    path = os.path.join(HERE, "../../data/gpu/programs.jsonl")
    if not os.path.exists(path):
        return set()
    with open(path) as file:
        return {row["index"] for row in map(json.loads, file) if row["precision"] == "fp32" and "error" in row}


def timed(name, source, gpu):
    for precision in ("bf16",) if name in NARROW else ("fp32", "bf16"):
        row = dict({"name": name, "precision": precision}, **ours(source, precision, gpu))
        if not isinstance(row["ours"], str):
            break
    if source:
        row.update(theirs(source, precision, gpu))
    return row


def render(rows):
    lines = ["%s: %s" % (options.shape, ", ".join("%s %s" % item for item in shape.items())), "",
             "| program | precision | fused | captured | ours, ms | eager, ms | ours / eager | deterministic, ms |", "|---|---|---|---|---|---|---|---|"]
    ratios = {True: [], False: []}
    text = lambda value: "%.1f" % (1000 * value) if isinstance(value, float) else str(value or "")
    for row in sorted(rows, key=lambda row: str(row["name"])):
        ratio = row["ours"] / row["eager"] if isinstance(row["ours"], float) and isinstance(row.get("eager"), float) else None
        if ratio:
            ratios[bool(row.get("captured"))].append(ratio)
        lines.append("| %s | %s | %s | %s | %s | %s | %s | %s |" % (
            row["name"], row["precision"], "yes" if row.get("fused") else "", "yes" if row.get("captured") else "", text(row["ours"]),
            text(row.get("eager")), "%.3f" % ratio if ratio else "", text(row.get("deterministic"))))
    summary = ["%s, ours / eager over %d programs: median %.3f, largest %.3f" % (what, len(ratios[key]), statistics.median(ratios[key]), max(ratios[key]))
               for key, what in ((True, "captured"), (False, "as they are")) if ratios[key]]
    lines += [""] + summary
    eager = [row["eager"] for row in rows if isinstance(row.get("eager"), float)]
    native = [row["ours"] for row in rows if row["name"] == "deltanet" and isinstance(row["ours"], float)]
    if eager and native:
        lines.append("the native DeltaNet: %.3f of the median program's eager step" % (native[0] / statistics.median(eager)))
    why = {}
    for row in rows:
        if row.get("why"):
            why.setdefault(row["why"].split(", program.py")[0], []).append(str(row["name"]))
    failed = ["%s: %s" % (row["name"], row[side]) for row in rows for side in ("ours", "eager") if isinstance(row.get(side), str)]
    lines += ["failed, " + text for text in failed]
    lines += ["not captured, %s: %s" % (reason, ", ".join(sorted(names))) for reason, names in sorted(why.items())]
    with open(options.out, "w") as file:
        file.write("\n".join(lines) + "\n")
    print("\n".join(lines[-len(summary) - 1 - len(why) - len(failed):]))


import hashlib  # noqa: E402

TEXT = tempfile.NamedTemporaryFile(delete=False, suffix=".bin").name
with open(TEXT, "wb") as file:
    file.write(bytes((i * i * 7 + i // 3) % min(256, shape["vocabulary"]) for i in range(1 << 16)))
with open(TEXT, "rb") as file:
    DIGEST = hashlib.sha256(file.read()).hexdigest()
with open(os.path.join(options.shared, "data/asi-arch/106.json")) as file:
    programs = sorted(json.load(file), key=lambda program: program["index"])[::options.every]
only = options.only.split(",") if options.only else None
if only:
    programs = [program for program in programs if str(program["index"]) in only]
log = options.out + "l" if options.out.endswith(".json") else options.out + ".jsonl"
rows = []
if os.path.exists(log):
    with open(log) as file:
        rows = [json.loads(line) for line in file if line.endswith("\n")]
done = {row["name"] for row in rows}
native = [("deltanet", None)] if not only or "deltanet" in only else []
todo = [job for job in native + [(program["index"], program["program"]) for program in programs] if job[0] not in done]
began, lock = time.time(), threading.Lock()


def work(gpu):
    while time.time() - began < options.seconds:
        with lock:
            if not todo:
                return
            job = todo.pop(0)
        row = timed(*job, gpu)
        with lock, open(log, "a") as file:
            rows.append(row)
            file.write(json.dumps(row) + "\n")


NARROW = only_bf16()
support.versions(options.runner)
with concurrent.futures.ThreadPoolExecutor(options.jobs * len(TURNS)) as pool:
    for ended in [pool.submit(work, k % len(TURNS)) for k in range(options.jobs * len(TURNS))]:
        ended.result()
os.unlink(TEXT)
render(rows)
