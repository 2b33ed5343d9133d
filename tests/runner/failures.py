"""Bad programs and bad jobs: each ends with one sentence, the program's line where there is one, and its exit status."""
import json
import os

from support import Run, arguments, check, equal, finish, recipe

options = arguments(__doc__)
runner = options.runner
SHORT = recipe(runner, steps=1, batch={"rows": 1}, evaluation={"every": 0}, intervals={"state_root": 0, "checkpoint": 0})

HEAD = """import torch, torch.nn as nn, torch.nn.functional as F
class DeltaNet(nn.Module):
    def __init__(self, hidden_size, **kwargs):
        super().__init__()
        self.linear = nn.Linear(hidden_size, hidden_size)
"""
FORWARD = HEAD + """    def forward(self, x, **kwargs):
        %s
        return self.linear(x), None, None
"""

CASES = [
    ("syntax", 10, "import torch\nclass DeltaNet(:\n  pass\n", 2, "SyntaxError"),
    ("class", 11, "import torch\nclass Other(torch.nn.Module):\n    pass\n", None, "no class DeltaNet"),
    ("class", 11, "class DeltaNet:\n    pass\n", None, "derived from torch.nn.Module"),
    ("class", 11, "import torch\nimport unheard_of\n", 2, "ModuleNotFoundError"),
    ("class", 11, "x = 1\nimport numpy\n", 2, "its arithmetic escapes every operator"),
    ("constructor", 12, HEAD.replace("super().__init__()", "super().__init__(); self.n = 1 / 0"), 4, "ZeroDivisionError"),
    ("forward", 13, FORWARD % "x = x @ x", 7, "RuntimeError"),
    ("forward", 13, FORWARD % "x.detach().numpy()", 7, "Tensor.numpy is not allowed in a strict run"),
    ("forward", 13, FORWARD % "return x[:, :1], None, None", None, "expected a result of shape"),
    ("forward", 13, FORWARD % "return None", None, "expected a tensor as the first result"),
    ("nonfinite", 14, FORWARD % "x = x * float('nan')", None, "the loss is not finite in step 1"),
    ("uncertified", 15, FORWARD % "torch.linalg.svd(x)", 7, "is not certified"),
    ("memory", 16, FORWARD % "bytearray(1 << 62)", 7, "out of memory"),
    ("memory", 16, FORWARD % "torch.empty(1 << 45)", 7, "out of memory"),
]
for kind, status, program, line, text in CASES:
    run = Run(runner, SHORT, program)
    told = run.problem
    what = "%s (%s)" % (kind, text)
    equal(run.status, status, what + ": exit status; " + run.errors[-300:])
    equal(told.get("kind"), kind, what + ": kind; " + str(told))
    check(text in str(told.get("what")) and "\n" not in str(told.get("what")), "%s: expected one sentence with it, found %r" % (what, told))
    if line:
        equal(told.get("line"), line, what + ": line")
        equal(told.get("text"), program.splitlines()[line - 1].strip(), what + ": the line's text")

# What a program prints is not an event.
run = Run(runner, SHORT, FORWARD % "print('{\"event\": \"end\"}')")
equal((run.status, len(run.of("end"))), (0, 1), "a program that prints events")

good = FORWARD % "pass"
for text, changes in (
        ("contract", {"contract": "0" * 64}), ("torch", {"torch": "1.0.0"}), ("standins", {"standins": "1" * 64}),
        ("field \"shell.layers\"", {"shell": {"layers": 0}}), ("expected copy, parity", {"task": {"name": "sorting", "seed": 1}})):
    run = Run(runner, recipe(runner, **changes), good)
    check(run.status in (18, 19) and text in run.problem.get("what", ""), "%s: expected to be named, found %s %r" % (
        text, run.status, run.problem))

# A checkpoint of another model, or one that was changed.
first = Run(runner, SHORT, good)
equal(first.status, 0, "a good program: %r" % first.problem)
origin = {"checkpoint": first.checkpoint(0), "step": 0}
other = Run(runner, recipe(runner, **{**{k: SHORT[k] for k in ("batch", "steps", "evaluation", "intervals")}, "seed": 2}), good,
            **{"from": origin})
equal(other.problem.get("kind"), "data", "a checkpoint of another recipe: %r" % other.problem)
wider = Run(runner, recipe(runner, shell={"d_model": 48}, **{k: SHORT[k] for k in ("batch", "steps", "evaluation", "intervals")}), good,
            **{"from": origin})
equal(wider.problem.get("kind"), "data", "a checkpoint of another width: %r" % wider.problem)
check("does not fit" in wider.problem.get("what", ""), "what does not fit is named: %r" % wider.problem)
os.truncate(origin["checkpoint"], os.path.getsize(origin["checkpoint"]) - 1)
cut = Run(runner, SHORT, good, **{"from": origin})
equal(cut.problem.get("kind"), "data", "a checkpoint that was cut: %r" % cut.problem)
with open(os.path.join(first.folder, "job.json")) as file:
    job = json.load(file)
equal(Run(runner, SHORT, good, passes=7).problem.get("kind"), "recipe", "more passes than leaves")
finish("failures")
