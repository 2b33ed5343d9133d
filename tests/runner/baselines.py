"""Native baselines: DeltaNet leaves the trace of the same program written in Python, and both train in either precision."""
import concurrent.futures
import os

from support import HERE, Run, arguments, check, equal, finish, recipe

options = arguments(__doc__, device={"default": "cpu", "help": "cuda: the native baselines run there"}, jobs={"type": int, "default": 1})
pool = concurrent.futures.ThreadPoolExecutor(max(1, options.jobs))
with open(os.path.join(HERE, "deltanet.py")) as file:
    twin = file.read()


def baseline(name, **its):
    return {"kind": "baseline", "name": name, "options": its}


def trace(run):
    """What does not hold the recipe's hash: loss and norm of each step, and the state roots."""
    return [(event["loss"], event["grad_norm"], event["root"]) for event in run.of("step")]


def start(*given, **named):
    return pool.submit(Run, options.runner, *given, **named)


def beside(precision):
    common = dict(precision=precision, batch={"rows": 2, "leaf": 2, "length": 70}, evaluation={"every": 0})
    return (start(recipe(options.runner, mixer=baseline("deltanet"), **common), device=options.device),
            start(recipe(options.runner, **common), twin), start(recipe(options.runner, **common), twin, fuse=False),
            start(recipe(options.runner, mixer=baseline("gated_deltanet", expand_v=2.0), **common), threads=2, device=options.device))


for precision, runs in [(precision, beside(precision)) for precision in ("fp32", "bf16")]:
    native, written, plain, gated = (run.result() for run in runs)
    if check(native.status == 0 and written.status == 0, "%r %r" % (native.problem, written.problem)):
        equal(trace(native), trace(written), "%s: the native DeltaNet and the same program in Python" % precision)
    equal(plain.chain, written.chain, "%s: with the program's own chunk function, and with the operator in its place" % precision)
    equal((plain.of("start")[0]["fused"], written.of("start")[0]["fused"]), (False, True), "%s: whether it was fused" % precision)
    check(gated.status == 0 and len(gated.of("step")) == 4, "gated_deltanet %s: %r" % (precision, gated.problem))
# A function that is nearly the same is left alone: it scales the output, by a number so near 1 that bf16 hides it in most elements.
nearly = twin.replace("o[:, :, n] = q_i @ S + local @ u_i", "o[:, :, n] = (q_i @ S + local @ u_i) * 1.000001")
for program, what in ((nearly, "scaled"), (twin.replace("local @ u_i", "(local @ u_i)").replace("q_i @ S + (", "0 - (- q_i @ S) + ("), "rearranged")):
    common = dict(batch={"rows": 2, "leaf": 2, "length": 70}, evaluation={"every": 0})
    runs = [run.result() for run in [start(recipe(options.runner, **common), program, fuse=fuse) for fuse in (False, True)]]
    equal(runs[1].chain, runs[0].chain, "a program that is nearly the same (%s)" % what)
equal(Run(options.runner, recipe(options.runner, steps=1, **common), nearly).of("start")[0]["fused"], False, "nearly the same: not fused")
wrong = Run(options.runner, recipe(options.runner, mixer=baseline("deltanet", expand=2)))
equal((wrong.status, wrong.problem.get("kind")), (19, "recipe"), "an unknown option: %r" % wrong.problem)
unknown = Run(options.runner, recipe(options.runner, mixer=baseline("transformer")))
check("expected deltanet or gated_deltanet" in unknown.problem.get("what", ""), "an unknown baseline: %r" % unknown.problem)
finish("baselines")
