"""What the native DeltaNet learns, beside published numbers: MQAR at d = 64 and 128, and parity with eigenvalues in [0,1] and [-1,1].

    python tests/bench/replay/recall.py --runner build/release/replay/assay-runner --device cuda --jobs 2 -o recall.json
    python tests/bench/replay/recall.py --runner ... --shape tiny --device cpu

MQAR as shared/design/replay.md has it: 180,000 examples in five groups, 32 epochs of batches of 256, cosine by epoch, seven tests of 1,000.
Parity: 20,000 steps of 256 rows, lengths to 40, tested at 40 to 256 (what stands after a label changes
nothing before it in a causal model, so training rows end at 40). OUT.jsonl is added to and goes on where it stopped; a run that
--seconds cuts off is lost. --gpus N spreads runs over N GPUs, --jobs of them at a time on each."""
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

PUBLISHED = {"mqar-64": .793, "mqar-128": .963}

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--runner", default=os.environ.get("ASSAY_RUNNER"), required=not os.environ.get("ASSAY_RUNNER"))
parser.add_argument("--device", default="cpu")
parser.add_argument("--shape", choices=("full", "tiny"), default="full")
parser.add_argument("--tasks", default="mqar-64,mqar-128,parity-01,parity-11")
parser.add_argument("--seeds", default="1,2,3")
parser.add_argument("--lrs", default="0.00316", help="MQAR's learning rates; the best is taken for each width")
parser.add_argument("--epochs", type=int, default=32, help="MQAR's")
parser.add_argument("--parity-steps", type=int, default=20000)
parser.add_argument("--gpus", type=int, default=0, help="default: all that are visible")
parser.add_argument("--jobs", type=int, default=1)
parser.add_argument("--seconds", type=float, default=1e9, help="end what is under way after so long")
parser.add_argument("-o", "--out", default="recall.json")
options = parser.parse_args()
tiny = options.shape == "tiny"


def mqar(width, seed, lr):
    groups = [[64, 4, 100000], [128, 8, 20000], [256, 16, 20000], [256, 32, 20000], [256, 64, 20000]]
    tests = [[64, 4], [64, 8], [64, 16], [128, 32], [256, 64], [512, 128], [1024, 256]]
    if tiny:
        groups, tests = [[16, 2, 16], [24, 2, 8]], [[16, 2], [32, 4]]
    rows = 8 if tiny else 256
    batches = sum(examples // rows for _, _, examples in groups)
    steps = batches * (4 if tiny else options.epochs)
    return support.recipe(
        options.runner, name="mqar", mixer={"kind": "baseline", "name": "deltanet", "options": {}}, steps=steps, seed=seed,
        shell={"kind": "zoology", "layers": 2, "d_model": width, "heads": 2, "vocabulary": 64 if tiny else 8192, "mlp": "none"},
        task={"name": "mqar", "seed": seed, "groups": groups, "tests": tests}, batch={"rows": rows, "length": max(g[0] for g in groups), "leaf": rows},
        optimizer={"lr": lr, "betas": [0.9, 0.999], "weight_decay": 0.1}, schedule={"kind": "cosine", "warmup": 0, "final": 0.0, "hold": batches},
        intervals={"state_root": 0, "checkpoint": 0}, evaluation={"every": steps, "rows": 16 if tiny else 1000})


def parity(negative, seed):
    steps = 20 if tiny else options.parity_steps
    return support.recipe(
        options.runner, name="parity", steps=steps, seed=seed,
        mixer={"kind": "baseline", "name": "deltanet", "options": {"allow_neg_eigval": negative}},
        shell={"kind": "lm", "layers": 2, "d_model": 32 if tiny else 128, "heads": 4, "vocabulary": 4}, task={"name": "parity", "seed": seed, "test_length": 256},
        batch={"rows": 8 if tiny else 256, "length": 40, "leaf": 8 if tiny else 256},
        optimizer={"lr": 1e-3, "weight_decay": 0.0}, schedule={"kind": "linear_warmup_cosine", "warmup": steps // 10, "final": 0.0},
        intervals={"state_root": 0, "checkpoint": 0}, evaluation={"every": max(1, steps // 4), "rows": 16 if tiny else 2048})


def all_runs():
    for task in options.tasks.split(","):
        for seed in map(int, options.seeds.split(",")):
            if task.startswith("mqar"):
                for lr in map(float, options.lrs.split(",")):
                    yield (task, seed, lr), mqar(int(task.split("-")[1]), seed, lr)
            else:
                yield (task, seed, 1e-3), parity(task == "parity-11", seed)


def run(key, recipe, gpu):
    """Accuracy at each evaluation, and seconds a step."""
    left = options.seconds - (time.time() - began)
    environment = support.on_gpu(gpu, {"GOMP_SPINCOUNT": "3000"})
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/recipe.json", "w") as file:
            json.dump(recipe, file)
        with open(folder + "/job.json", "w") as file:
            json.dump({"recipe": folder + "/recipe.json", "program": None, "output": folder, "device": options.device, "threads": 2}, file)
        process = subprocess.Popen([options.runner, folder + "/job.json", "--events", "-"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                   text=True, env=environment)
        stop = threading.Timer(max(1, min(left, 1e6)), process.kill)
        stop.start()
        row, start, last = {"task": key[0], "seed": key[1], "lr": key[2], "accuracy": [], "captured": False}, None, 0
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] == "start":
                start = time.time()
            elif event["event"] == "step":
                last = event["step"]
                row["loss"] = event["loss_value"]
            elif event["event"] == "evaluation":
                row["accuracy"].append([event["step"], event["metrics"]["accuracy"]])
            elif event["event"] == "capture":
                row["captured"] = event["captured"]
            elif event["event"] == "error":
                row["error"] = event["what"]
            elif event["event"] == "end":
                row["chain"] = event["chain"]
        process.wait()
        stop.cancel()
    row.update(steps=last, seconds=round(time.time() - (start or time.time()), 1))
    return row


def summary(rows):
    lines = []
    for task in options.tasks.split(","):
        ended = [row for row in rows if row["task"] == task and "chain" in row and row["accuracy"]]
        best = {}
        for row in ended:
            best.setdefault(row["lr"], []).append(row["accuracy"][-1][1])
        for lr, found in sorted(best.items()):
            lines.append("%s, lr %g: median %.3f of %s%s" % (
                task, lr, statistics.median(found), ", ".join("%.3f" % value for value in sorted(found)),
                "; published %.3f" % PUBLISHED[task] if task in PUBLISHED else ""))
    slow = [1000 * row["seconds"] / row["steps"] for row in rows if row["steps"]]
    return lines + (["ms a step: %s" % ", ".join("%.2f" % value for value in slow)] if slow else [])


gpus = options.gpus or (max(1, len(support.visible_gpus())) if options.device == "cuda" else 1)
log = options.out + "l"
rows = []
if os.path.exists(log):
    with open(log) as file:
        rows = [json.loads(line) for line in file if line.endswith("\n")]
done = {(row["task"], row["seed"], row["lr"]) for row in rows if "chain" in row}
todo = [entry for entry in all_runs() if entry[0] not in done]
began, lock = time.time(), threading.Lock()


def work(gpu):
    while time.time() - began < options.seconds:
        with lock:
            if not todo:
                return
            key, recipe = todo.pop(0)
        row = run(key, recipe, gpu)
        with lock, open(log, "a") as file:
            rows.append(row)
            file.write(json.dumps(row) + "\n")
            print("%s seed %d lr %g: %d steps, %.2f ms each, %s%s" % (
                key + (row["steps"], 1000 * row["seconds"] / max(1, row["steps"]), row["accuracy"][-1:] or row.get("error", "cut off"),
                       ", captured" if row["captured"] else "")), flush=True)


with concurrent.futures.ThreadPoolExecutor(options.jobs * gpus) as pool:
    for ended in [pool.submit(work, k % gpus) for k in range(options.jobs * gpus)]:
        ended.result()
with open(options.out, "w") as file:
    json.dump({"device": options.device, "runs": rows}, file, indent=1)
print("\n".join(summary(rows)))
