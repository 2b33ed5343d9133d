"""The fused delta rule beside the chunk functions of the programs that ASI-Arch published, each run on the library's own operators: equal
bits, forward and backward, in bf16 and in fp32.

--shared FOLDER (or ASSAY_SHARED, or ../shared beside the tree) holds data/asi-arch/106.json. A function is taken out of its program and
runs in a process of its own that can write nothing and reach nothing (confine.py). They normalise q and k inside; the fused operator gets
them normalised. Two need arguments that the others do not have, 38 turn to bf16 inside and so do not run in fp32, and 3 round the inverse
to bf16 and back, which in fp32 is another rule."""
import ast
import collections
import json
import os
import sys

from support import arguments, check, finish, torch

import confine

try:
    import einops._torch_specific
    from einops import rearrange
    einops._torch_specific.allow_ops_in_compiled_graph()  # imports a large part of torch: once, before the forks
except ImportError:
    print("SKIPPED: no einops in", sys.executable)
    sys.exit(77)

beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../../shared")
options = arguments(__doc__.splitlines()[0], shared={"default": os.environ.get("ASSAY_SHARED") or beside}, verbose={"action": "store_true"})
path = os.path.join(options.shared, "data/asi-arch/106.json")
if not os.path.exists(path):
    print("SKIPPED: the published programs are not here (--shared FOLDER with data/asi-arch/106.json; looked for %s)" % os.path.normpath(path))
    sys.exit(77)
EXPECTED = {"bfloat16": {"equal": 102, "arguments": 2}, "float32": {"equal": 61, "rounded": 3, "types": 38, "arguments": 2}}


def l2norm(x, eps=1e-6):
    wide = x.float()
    return (wide * torch.rsqrt((wide * wide).sum(-1, keepdim=True) + eps)).to(x.dtype)


def functions(source):
    """The chunk functions of a program, without decorators and annotations."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and "delta" in node.name and "chunkwise" in node.name and ".sum(-2)" in ast.unparse(node):
            node.decorator_list, node.returns = [], None
            for argument in node.args.args + node.args.kwonlyargs:
                argument.annotation = None
            yield node


def gradients(rule, tensors):
    leaves = [t.clone().requires_grad_() for t in tensors]
    o = rule(*leaves)[0]
    return [o, *torch.autograd.grad(o, leaves, torch.ones_like(o))]


def compare(node, dtype):
    space = {"torch": torch, "F": torch.nn.functional, "rearrange": rearrange, "l2norm": l2norm}
    exec(compile(ast.Module([node], []), "program.py", "exec"), space)
    generator = torch.Generator().manual_seed(3)
    q, k, v = (torch.rand(1, 2, 70, width, generator=generator).sub(0.5).to(dtype) for width in (16, 16, 24))
    tensors = [q, k, v, torch.rand(1, 2, 70, generator=generator).to(dtype)]
    try:
        expected = gradients(space[node.name], tensors)
    except TypeError:
        return "arguments"
    except RuntimeError as error:
        if "as the first factor is" in str(error):
            return "types"
        raise
    found = gradients(lambda q, k, v, beta: torch.ops.assay.delta_rule(l2norm(q), l2norm(k), v, beta), tensors)
    if all(torch.equal(a.view(torch.uint8), b.view(torch.uint8)) for a, b in zip(expected, found)):
        return "equal"
    return "rounded" if ".to(torch.bfloat16).to(" in ast.unparse(node) else "different"


def child(write, source):
    if not confine.confine(60, 6 << 30):
        os.write(write, json.dumps({"refused": True}).encode())
        os._exit(0)
    try:
        torch.ops.assay.set_strict(False)
        result = [[name, compare(node, getattr(torch, name))] for node in functions(source) for name in EXPECTED]
    except BaseException as error:  # noqa: BLE001: a program may raise anything
        result = [["error", "%s: %s" % (type(error).__name__, str(error)[:300])]]
    os.write(write, json.dumps(result).encode())
    os._exit(0)


def run(source):
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        child(write, source)
    os.close(write)
    with os.fdopen(read) as answer:
        text = answer.read()
    os.waitpid(pid, 0)
    return json.loads(text) if text else [["error", "the program's process ended without an answer"]]


torch.set_num_threads(1)  # a fork has no threads of a pool
found = {name: collections.Counter() for name in EXPECTED}
for program in json.load(open(path)):
    answer = run(program["program"])
    if isinstance(answer, dict):
        print("SKIPPED: this machine cannot confine a program (Landlock and seccomp)")
        sys.exit(77)
    for name, outcome in answer:
        if name == "error" or outcome == "different":
            check(False, "%s: %s" % (program["name"], outcome))
        else:
            found[name][outcome] += 1
for name, expected in EXPECTED.items():
    print("%s: %s" % (name, ", ".join("%d %s" % (count, outcome) for outcome, count in found[name].most_common())))
    check(dict(found[name]) == expected, "%s: expected %s" % (name, expected))
finish("delta rule of published programs")
