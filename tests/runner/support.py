"""What the scripts of this folder share: recipes, jobs, assay-runner started, its events read. Standard library alone.

Each runs by itself: python tests/runner/NAME.py --runner PATH/assay-runner
"""
import argparse
import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
failures = []
_versions = {}
_folders = tempfile.TemporaryDirectory(prefix="assay-runner-")  # of all runs; gone when the script ends


def arguments(description, **more):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--runner", default=os.environ.get("ASSAY_RUNNER"), help="assay-runner")
    for name, options in more.items():
        parser.add_argument("--" + name, **options)
    chosen = parser.parse_args()
    if not chosen.runner or not os.path.exists(chosen.runner):
        sys.exit("error: --runner: expected the path of assay-runner, found %r" % chosen.runner)
    chosen.runner = os.path.abspath(chosen.runner)
    return chosen


def check(condition, text):
    if not condition:
        failures.append(text)
        print("FAILED:", text)
    return bool(condition)


def equal(found, expected, text):
    return check(found == expected, "%s: expected %r, found %r" % (text, expected, found))


def finish(what):
    if failures:
        print("%s: %d FAILED" % (what, len(failures)))
        sys.exit(1)
    print("%s: ok" % what)
    sys.exit(0)


def named_gpus():
    return [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]


def visible_gpus():
    """What CUDA_VISIBLE_DEVICES may be set to for one process each: its own entries where it is set, else a number for each GPU."""
    if "CUDA_VISIBLE_DEVICES" in os.environ:
        return named_gpus()
    told = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True).stdout if shutil.which("nvidia-smi") else ""
    return [str(number) for number in range(len(told.splitlines()))]


def on_gpu(number, environment=None):
    """The environment of a process that has the visible GPU of that number for itself."""
    named = named_gpus()
    if named and number >= len(named):
        sys.exit("error: GPU %d of CUDA_VISIBLE_DEVICES=%s: expected fewer (--gpus)" % (number + 1, ",".join(named)))
    return dict(os.environ, **environment or {}, CUDA_VISIBLE_DEVICES=named[number] if named else str(number))


def versions(runner):
    """What a recipe must name, asked once."""
    if runner not in _versions:
        told = json.loads(subprocess.run([runner, "--versions"], check=True, capture_output=True, text=True, timeout=120).stdout)
        _versions[runner] = {key: told[key] for key in ("contract", "torch", "einops", "standins")}
    return _versions[runner]


BASE = {
    "format": "assay-recipe/1", "name": "check",
    "shell": {"kind": "lm", "layers": 2, "d_model": 32, "heads": 2, "vocabulary": 64, "norm_eps": 1e-5, "mlp": "swiglu"},
    "mixer": {"kind": "program", "constructor": {}}, "precision": "fp32", "task": {"name": "copy", "seed": 1},
    "batch": {"rows": 4, "length": 40, "leaf": 1}, "steps": 4, "seed": 1,
    "optimizer": {"name": "adamw", "lr": 1e-3, "betas": [0.9, 0.95], "eps": 1e-8, "weight_decay": 0.1, "clip": 1.0},
    "schedule": {"kind": "linear_warmup_cosine", "warmup": 2, "final": 0.1},
    "intervals": {"state_root": 1, "checkpoint": 2}, "evaluation": {"every": 4, "rows": 6}}


def recipe(runner, **changes):
    """BASE with the installed versions; batch={"rows": 2} changes members of a member, mixer={...} replaces all of it."""
    made = dict(copy.deepcopy(BASE), **versions(runner))
    for key, value in changes.items():
        made[key] = dict(made[key], **value) if isinstance(made[key], dict) and key not in ("mixer", "task") else value
    return made


class Run:
    """One run of assay-runner, to its end."""

    def __init__(self, runner, recipe_, program=None, folder=None, environment=None, timeout=120, inherited=(), **job):
        self.folder = folder or tempfile.mkdtemp(dir=_folders.name)
        os.makedirs(self.folder, exist_ok=True)
        paths = {name: os.path.join(self.folder, name) for name in ("recipe.json", "job.json", "program.py")}
        with open(paths["recipe.json"], "w") as file:
            json.dump(recipe_, file)
        if program is not None:
            with open(paths["program.py"], "w", encoding="utf-8") as file:
                file.write(program)
        job = dict({"recipe": paths["recipe.json"], "program": paths["program.py"] if program is not None else None,
                    "output": self.folder, "device": "cpu", "threads": 1}, **job)
        with open(paths["job.json"], "w") as file:
            json.dump(job, file)
        began = time.time()
        done = subprocess.run([runner, paths["job.json"], "--events", "-"], capture_output=True, text=True, timeout=timeout, pass_fds=inherited,
                              env=dict(os.environ, GOMP_SPINCOUNT="3000", **(environment or {})))
        self.seconds, self.status, self.errors = time.time() - began, done.returncode, done.stderr
        self.events = [json.loads(line) for line in done.stdout.splitlines()]

    def of(self, kind):
        return [event for event in self.events if event["event"] == kind]

    @property
    def chain(self):
        end = self.of("end")
        return end[0]["chain"] if end else self.problem

    @property
    def problem(self):
        error = self.of("error")
        return error[0] if error else {"status": self.status, "stderr": self.errors[-2000:]}

    def checkpoint(self, step):
        return os.path.join(self.folder, [e["file"] for e in self.of("checkpoint") if e["step"] == step][0])
