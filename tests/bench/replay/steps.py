"""Seconds a training step: assay-runner beside PyTorch eager, program by program, one after the other on one machine.

    python tests/bench/replay/steps.py --runner build/release/replay/assay-runner --shared ../shared --shape gpu -o steps.md
    python tests/bench/replay/steps.py --runner ... --shape cpu --every 7

--shape gpu: 8 layers, d 256, 8 heads, 16 x 512, vocabulary 8192; cpu: 2 layers, d 128, 4 x 256, two threads. fp32 where the program runs in
it, else bf16, on both sides. `deltanet` is the native baseline. Medians after a quarter of the steps. --jobs N times N programs at
once (for a first look: figures to report come from 1). OUT.jsonl is added to and goes on where it stopped."""
import argparse
import concurrent.futures
import json
import os
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
parser.add_argument("--steps", type=int, default=8)
parser.add_argument("--every", type=int, default=1)
parser.add_argument("--only", default="")
parser.add_argument("--jobs", type=int, default=1)
parser.add_argument("--seconds", type=float, default=1e9, help="start nothing more after so long")
parser.add_argument("--deterministic", action="store_true", help="time torch's deterministic mode, too")
parser.add_argument("-o", "--out", default="steps.md")
options = parser.parse_args()
shape = SHAPES[options.shape]


def ours(source, precision):
    """Median seconds between steps, and whether the delta rule was fused; or the error's text."""
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
                                   text=True, env=dict(os.environ, GOMP_SPINCOUNT="3000"))  # as `assay train` sets it
        times, last, fused = [], None, False
        for line in process.stdout:
            event, now = json.loads(line), time.perf_counter()
            if event["event"] == "error":
                return event["what"], False
            if event["event"] == "start":
                fused = event["fused"]
            if event["event"] == "step":
                if last is not None:
                    times.append(now - last)
                last = now
        process.wait()
    return (statistics.median(times[len(times) // 4:]) if times else "no steps"), fused


def theirs(source, precision, deterministic=False):
    with tempfile.NamedTemporaryFile("w", suffix=".py", encoding="utf-8") as file:
        file.write(source)
        file.flush()
        command = [sys.executable, os.path.join(HERE, "eager.py"), "--program", file.name, "--precision", precision, "--device",
                   shape["device"], "--steps", str(options.steps)]
        for key in ("layers", "d_model", "heads", "vocabulary", "rows", "length", "threads"):
            command += ["--" + key.replace("_", "-"), str(shape[key])]
        done = subprocess.run(command + ["--deterministic"] * deterministic, capture_output=True, text=True)
    return float(done.stdout) if done.returncode == 0 else (done.stderr.strip().splitlines() or ["no output"])[-1]


def timed(name, source):
    for precision in ("fp32", "bf16"):
        seconds, fused = ours(source, precision)
        if not isinstance(seconds, str):
            break
    row = {"name": name, "precision": precision, "ours": seconds, "fused": fused}
    if source:
        row["eager"] = theirs(source, precision)
        if options.deterministic:
            row["deterministic"] = theirs(source, precision, True)
    return row


def render(rows):
    lines = ["%s: %s" % (options.shape, ", ".join("%s %s" % item for item in shape.items())), "",
             "| program | precision | fused | ours, ms | eager, ms | ours / eager | deterministic, ms |", "|---|---|---|---|---|---|---|"]
    ratios = []
    text = lambda value: "%.1f" % (1000 * value) if isinstance(value, float) else str(value or "")
    for row in sorted(rows, key=lambda row: str(row["name"])):
        ratio = row["ours"] / row["eager"] if isinstance(row["ours"], float) and isinstance(row.get("eager"), float) else None
        if ratio:
            ratios.append(ratio)
        lines.append("| %s | %s | %s | %s | %s | %s | %s |" % (row["name"], row["precision"], "yes" if row["fused"] else "", text(row["ours"]),
                                                          text(row.get("eager")), "%.3f" % ratio if ratio else "",
                                                          text(row.get("deterministic"))))
    if ratios:
        lines += ["", "ours / eager over %d programs: median %.3f, largest %.3f" % (len(ratios), statistics.median(ratios), max(ratios))]
    with open(options.out, "w") as file:
        file.write("\n".join(lines) + "\n")
    print("\n".join(lines[-1:]))


import hashlib  # noqa: E402

TEXT = tempfile.NamedTemporaryFile(delete=False, suffix=".bin").name
with open(TEXT, "wb") as file:
    file.write(bytes((i * i * 7 + i // 3) % min(256, shape["vocabulary"]) for i in range(1 << 16)))
with open(TEXT, "rb") as file:
    DIGEST = hashlib.sha256(file.read()).hexdigest()
with open(os.path.join(options.shared, "data/asi-arch/106.json")) as file:
    programs = sorted(json.load(file), key=lambda program: program["index"])[::options.every]
if options.only:
    programs = [program for program in programs if str(program["index"]) in options.only.split(",")]
log = options.out + "l" if options.out.endswith(".json") else options.out + ".jsonl"
rows = []
if os.path.exists(log):
    with open(log) as file:
        rows = [json.loads(line) for line in file if line.endswith("\n")]
done = {row["name"] for row in rows}
todo = [("deltanet", None)] + [(program["index"], program["program"]) for program in programs]
began, lock = time.time(), threading.Lock()


def work(job):
    if job[0] in done or time.time() - began > options.seconds:
        return
    row = timed(*job)
    with lock, open(log, "a") as file:
        rows.append(row)
        file.write(json.dumps(row) + "\n")


with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
    list(pool.map(work, todo))
os.unlink(TEXT)
render(rows)
