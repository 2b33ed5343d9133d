"""Seconds a training step on the CPU: assay-runner beside PyTorch eager, in turns.

    python tests/bench/replay/steps_cpu.py --runner build/release/replay/assay-runner --shared ../shared [-o steps.md]

Every seventh by index of the 67 programs that run in fp32 (tests/data/gpu/programs.jsonl), and the native DeltaNet beside the same
network in Python (tests/runner/deltanet.py): 2 layers, d 128, 4 heads, 4 x 256, vocabulary 256, fp32, two threads. Both sides of a
program run at once and are stopped in turns (SIGSTOP), so that what else the machine does meets both: in a turn a side ends the step it
was stopped in, then two steps are timed. Medians of all turns. A program whose step is long gets fewer turns (--seconds a program)."""
import argparse
import hashlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../runner"))
import support  # noqa: E402

SHAPE = {"layers": 2, "d_model": 128, "heads": 4, "vocabulary": 256, "rows": 4, "length": 256}
FOREVER = 100000


def chosen(every, only):
    with open(os.path.join(HERE, "../../data/gpu/programs.jsonl"), encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    indices = sorted({row["index"] for row in rows if row["precision"] == "fp32" and "error" not in row})[::every]
    return [int(word) for word in only.split(",") if word.isdigit()] if only else indices


class Side:
    """A process that writes a line after each step, stopped but in its turns."""

    def __init__(self, command, is_step, environment=None):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
                                        env=dict(os.environ, **(environment or {})))
        self.is_step, self.times, self.fused = is_step, [], False
        self.step()  # the first is there before the other side starts
        self.signal(signal.SIGSTOP)

    def signal(self, which):
        os.killpg(self.process.pid, which)

    def step(self):
        for line in self.process.stdout:
            self.fused = self.fused or '"fused":true' in line.replace(" ", "")
            if '"event":"error"' in line.replace(" ", ""):
                raise RuntimeError(json.loads(line)["what"])
            if self.is_step(line):
                return time.perf_counter()
        raise RuntimeError((self.process.stderr.read().strip().splitlines() or ["it ended"])[-1])

    def turn(self, timed):
        self.signal(signal.SIGCONT)
        last = self.step()
        for _ in range(timed):
            now = self.step()
            self.times.append(now - last)
            last = now
        self.signal(signal.SIGSTOP)

    def end(self):
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
        self.process.wait()


def ours(folder, source, runner, threads, text, digest):
    mixer = {"kind": "program", "constructor": {}} if source else {"kind": "baseline", "name": "deltanet", "options": {}}
    recipe = support.recipe(
        runner, precision="fp32", mixer=mixer, steps=FOREVER, shell={key: SHAPE[key] for key in ("layers", "d_model", "heads", "vocabulary")},
        batch={"rows": SHAPE["rows"], "length": SHAPE["length"], "leaf": SHAPE["rows"]}, task={"name": "bytes", "seed": 1, "files": {"text": digest}},
        intervals={"state_root": 0, "checkpoint": 0}, evaluation={"every": 0}, schedule={"kind": "constant", "warmup": 0})
    paths = {name: os.path.join(folder, name) for name in ("recipe.json", "program.py", "job.json")}
    job = {"recipe": paths["recipe.json"], "program": paths["program.py"] if source else None, "output": folder, "device": "cpu",
           "threads": threads, "data": {"text": text}}
    for name, content in (("recipe.json", json.dumps(recipe)), ("program.py", source or ""), ("job.json", json.dumps(job))):
        with open(paths[name], "w", encoding="utf-8") as file:
            file.write(content)
    return Side([runner, paths["job.json"], "--events", "-"], lambda line: json.loads(line)["event"] == "step",
                {"GOMP_SPINCOUNT": "3000"})  # as `assay train` sets it


def theirs(folder, source, threads):
    path = os.path.join(folder, "eager.py")
    with open(path, "w", encoding="utf-8") as file:
        file.write(source)
    command = [sys.executable, os.path.join(HERE, "eager.py"), "--program", path, "--steps", str(FOREVER), "--lines", "--threads", str(threads)]
    for key, value in SHAPE.items():
        command += ["--" + key.replace("_", "-"), str(value)]
    return Side(command, lambda line: line == "step\n")


def timed(name, source, options, text, digest):
    """(name, fused, seconds of ours, seconds of eager or why there are none)"""
    with tempfile.TemporaryDirectory() as folder:
        sides = []
        try:
            sides.append(ours(folder, source if name != "deltanet" else None, options.runner, options.threads, text, digest))
            sides.append(theirs(folder, source, options.threads))
            end = time.perf_counter() + options.seconds
            for turn in range(options.turns):
                for side in sides:
                    side.turn(2 if turn else 1)
                    if turn == 0:
                        side.times.clear()
                if time.perf_counter() > end and turn >= 1:
                    break
            return [name, sides[0].fused] + [statistics.median(side.times) for side in sides]
        except RuntimeError as error:
            return [name, False, None, str(error)]
        finally:
            for side in sides:
                side.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runner", default=os.environ.get("ASSAY_RUNNER"), required=not os.environ.get("ASSAY_RUNNER"))
    parser.add_argument("--shared", default=os.environ.get("ASSAY_SHARED", "../shared"))
    parser.add_argument("--every", type=int, default=7)
    parser.add_argument("--only", default="", help="these indices, and deltanet if it is named")
    parser.add_argument("--turns", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=10, help="of turns, a program")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("-o", "--out")
    options = parser.parse_args()
    with open(os.path.join(options.shared, "data/asi-arch/106.json"), encoding="utf-8") as file:
        programs = {program["index"]: program["program"] for program in json.load(file)}
    with open(os.path.join(HERE, "../../runner/deltanet.py"), encoding="utf-8") as file:
        jobs = [("deltanet", file.read())] if not options.only or "deltanet" in options.only else []
    jobs += [(str(index), programs[index]) for index in chosen(options.every, options.only)]
    with tempfile.NamedTemporaryFile(suffix=".bin") as text:
        data = bytes((i * i * 7 + i // 3) % 256 for i in range(1 << 16))
        text.write(data)
        text.flush()
        digest = hashlib.sha256(data).hexdigest()
        lines, ratios = ["| program | fused | assay | torch eager | assay / torch |", "|---|---|---|---|---|"], []
        print("\n".join(lines), flush=True)
        for name, source in jobs:
            _, fused, mine, eager = timed(name, source, options, text.name, digest)
            if mine is None:
                lines.append("| %s | | | %s | |" % (name, eager))
            else:
                ratios.append(mine / eager)
                lines.append("| %s | %s | %.1f ms | %.1f ms | %.3f |" % (name, "yes" if fused else "", 1e3 * mine, 1e3 * eager, ratios[-1]))
            print(lines[-1], flush=True)
    if ratios:
        lines += ["", "assay / torch over %d: median %.3f, largest %.3f; %d above 1." % (
            len(ratios), statistics.median(ratios), max(ratios), sum(ratio > 1 for ratio in ratios))]
        print("\n".join(lines[-2:]))
    if options.out:
        with open(options.out, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
