"""The 106 programs that ASI-Arch published, forward and backward under the library, in bf16 and fp32: which operators are not certified.

Programs come from strangers: each runs in a process of its own that can write nothing and reach nothing (confine.py).
--shared FOLDER (or ASSAY_SHARED, or ../shared beside the tree) holds data/asi-arch/106.json.
In fp32 39 programs end with an error of types, because they turn to bf16 inside; the others must run.
"""
import json
import os
import re
import select
import sys
import time
import warnings

from support import arguments, check, finish, torch

import confine

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../replay/python"))
import fla_standins

try:
    import einops._torch_specific
    einops._torch_specific.allow_ops_in_compiled_graph()  # imports a large part of torch: once, before the forks
except ImportError:
    print("SKIPPED: no einops in", sys.executable)
    sys.exit(77)

beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../../shared")
options = arguments(__doc__.splitlines()[0], shared={"default": os.environ.get("ASSAY_SHARED") or beside}, only={"default": ""},
                    verbose={"action": "store_true"})
path = os.path.join(options.shared, "data/asi-arch/106.json")
if not os.path.exists(path):
    print("SKIPPED: the published programs are not here (--shared FOLDER with data/asi-arch/106.json; looked for %s)" % os.path.normpath(path))
    sys.exit(77)
# A program that turns to bf16 inside meets weights of fp32.
OF_TYPES = re.compile("expected (Float|BFloat16) as the first factor is")
IN_FP32 = 67

# What the library does not cover yet, and no more than that.
GAPS = set()


def body(source, name, dtype):
    """Runs one program; what its operators were."""
    warnings.simplefilter("ignore")
    fla_standins.install()
    import builtins
    space = {"__name__": "program", "__file__": name + ".py", "__builtins__": builtins}
    sys.modules["program"] = type(sys)("program")
    sys.modules["program"].__dict__.update(space)
    space = sys.modules["program"].__dict__
    exec(compile(source, name + ".py", "exec"), space)
    torch.ops.assay.set_strict(False)
    torch.manual_seed(0)
    model = space["DeltaNet"](hidden_size=32, d_model=32, num_heads=2, layer_idx=0, qk_activation="silu", qk_norm="l2",
                              use_gate=False, use_short_conv=True)
    model = model.to(dtype)
    x = torch.randn(2, 40, 32).to(dtype).requires_grad_()
    y = model(x)[0]
    y.float().square().mean().backward()
    missing = [n for n, p in model.named_parameters() if p.grad is not None and not torch.isfinite(p.grad).all()]
    return {"counts": json.loads(torch.ops.assay.counts()), "finite": not missing and bool(torch.isfinite(y).all())}


def child(write, *job):
    if not confine.confine(60, 6 << 30):
        os.write(write, json.dumps({"refused": True}).encode())
        os._exit(0)
    try:
        result = body(*job)
    except BaseException as error:  # noqa: BLE001: a program may raise anything
        import traceback
        result = {"error": "%s: %s" % (type(error).__name__, str(error)[:300]), "trace": traceback.format_exc()[-1500:]}
    os.write(write, json.dumps(result).encode()[:60000])
    os._exit(0)


def run(*job):
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        child(write, *job)
    os.close(write)
    answer = b""
    end = time.time() + 90
    while time.time() < end and select.select([read], [], [], max(0, end - time.time()))[0]:
        part = os.read(read, 65536)
        if not part:
            break
        answer += part
    os.close(read)
    if time.time() >= end:
        os.kill(pid, 9)
    os.waitpid(pid, 0)
    return json.loads(answer) if answer else {"error": "the program's process ended without an answer"}


torch.set_num_threads(1)  # a fork has no threads of a pool
programs = [p for p in json.load(open(path)) if re.search(options.only, p["name"])]
unknown, failed, narrow, began = {}, 0, 0, time.time()
for program, dtype in [(p, d) for p in programs for d in (torch.bfloat16, torch.float32)]:
    result = run(program["program"], program["name"], dtype)
    if result.get("refused"):
        print("SKIPPED: this machine cannot confine a program (Landlock and seccomp)")
        sys.exit(77)
    if "error" in result and dtype is torch.float32 and OF_TYPES.search(result["error"]):
        narrow += 1
        if options.verbose:
            print("%s in fp32: %s" % (program["name"], result["error"]))
        continue
    if "error" in result:
        failed += 1
        print("%s in %s: %s" % (program["name"], dtype, result["error"]))
        if options.verbose:
            print(result["trace"])
        continue
    for operator, seen in result["counts"]["uncertified"].items():
        unknown.setdefault(operator, []).append((program["name"], seen))
for operator, seen in sorted(unknown.items(), key=lambda item: -len(item[1])):
    print("%3d programs  aten::%s: %s (%s, at %s)" % (len(seen), operator, seen[0][1]["why"], seen[0][0], seen[0][1]["caller"]))
print("%d programs in %.0f s: %d of them also in fp32; %d runs failed, %d operators are not certified" % (
    len(programs), time.time() - began, len(programs) - narrow, failed, len(unknown)))
check(len(programs) > 0, "there are programs")
check(failed == 0, "%d runs of programs failed" % failed)
if not options.only:
    check(len(programs) - narrow == IN_FP32, "in fp32: expected %d programs to run, found %d" % (IN_FP32, len(programs) - narrow))
more = sorted(set(unknown) - GAPS)
check(not more, "operators that are not certified: " + ", ".join(more))
gone = sorted(GAPS - set(unknown))
check(options.only or not gone, "GAPS names operators that are certified by now: " + ", ".join(gone))
finish("programs")
