"""Native baselines: DeltaNet leaves the trace of the same program written in Python, and both train in either precision."""
import os

from support import HERE, Run, arguments, check, equal, finish, recipe

options = arguments(__doc__, device={"default": "cpu", "help": "cuda: the native baselines run there"})
with open(os.path.join(HERE, "deltanet.py")) as file:
    twin = file.read()


def baseline(name, **its):
    return {"kind": "baseline", "name": name, "options": its}


def trace(run):
    """What does not hold the recipe's hash: loss and norm of each step, and the state roots."""
    return [(event["loss"], event["grad_norm"], event["root"]) for event in run.of("step")]


for precision in ("fp32", "bf16"):
    common = dict(precision=precision, batch={"rows": 2, "leaf": 2, "length": 70}, evaluation={"every": 0})
    native = Run(options.runner, recipe(options.runner, mixer=baseline("deltanet"), **common), device=options.device)
    written = Run(options.runner, recipe(options.runner, **common), twin)
    if check(native.status == 0 and written.status == 0, "%r %r" % (native.problem, written.problem)):
        equal(trace(native), trace(written), "%s: the native DeltaNet and the same program in Python" % precision)
    gated = Run(options.runner, recipe(options.runner, mixer=baseline("gated_deltanet", expand_v=2.0), **common), threads=2, device=options.device)
    check(gated.status == 0 and len(gated.of("step")) == 4, "gated_deltanet %s: %r" % (precision, gated.problem))
wrong = Run(options.runner, recipe(options.runner, mixer=baseline("deltanet", expand=2)))
equal((wrong.status, wrong.problem.get("kind")), (19, "recipe"), "an unknown option: %r" % wrong.problem)
unknown = Run(options.runner, recipe(options.runner, mixer=baseline("transformer")))
check("expected deltanet or gated_deltanet" in unknown.problem.get("what", ""), "an unknown baseline: %r" % unknown.problem)
finish("baselines")
