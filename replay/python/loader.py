"""Executes a candidate's program inside assay-runner, and nothing else: what a program imports is put where it looks, what would
escape the operators throws, and what goes wrong is told with the program's own line. C++ calls prepare, load, construct, describe.
"""
import builtins
import importlib.abc
import json
import linecache
import random
import re
import sys
import types
import warnings

NAME = "program"  # the module that a program runs as
_file = NAME + ".py"
_standins = None


class Refused(RuntimeError):
    """What a program may not do in strict mode."""


class _NoNumpy(importlib.abc.MetaPathFinder):
    """Arithmetic in NumPy escapes every operator: the runner has none."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname.split(".")[0] in ("numpy", "opt_einsum", "scipy"):
            raise ModuleNotFoundError("%s is not there in a replay: its arithmetic escapes every operator" % fullname.split(".")[0],
                                      name=fullname)
        return None


def plain_sum(iterable, /, start=0):
    """Left to right, one rounding an addition: Python 3.12's built-in sum of floats is compensated, 3.11's is not."""
    if isinstance(start, (str, bytes, bytearray)):
        raise TypeError("sum() can't sum strings [use ''.join(seq) instead]")
    total = start
    for item in iterable:
        total = total + item
    return total


def _refuse(what):
    def refused(*_, **__):
        raise Refused("%s is not allowed in a strict run: arithmetic there escapes every operator" % what)
    return refused


def _import_einops():
    # einops tells torch._dynamo of its operators, which imports a large part of torch for nothing here.
    stub = types.ModuleType("torch._dynamo")
    stub.allow_in_graph = lambda function: function
    held = sys.modules.get("torch._dynamo")
    sys.modules["torch._dynamo"] = stub
    try:
        import einops._torch_specific  # noqa: F401
    except ModuleNotFoundError:  # a program that imports it will be told so
        pass
    finally:
        if held is None:
            del sys.modules["torch._dynamo"]
        else:
            sys.modules["torch._dynamo"] = held


def begin(standins):
    """`standins` makes the module fla_standins, when torch is there."""
    global _standins
    _standins = standins


def prepare(strict, seed):
    """Before any program: import torch with no NumPy in reach, the stand-ins, the traps of numerics.md."""
    warnings.simplefilter("ignore")
    sys.dont_write_bytecode = True
    sys.meta_path.insert(0, _NoNumpy())
    import torch
    import torch.utils.dlpack
    _standins()
    sys.modules["fla_standins"].install()
    _import_einops()
    builtins.sum = plain_sum
    random.seed(seed)
    if strict:
        for name in ("numpy", "__array__", "__dlpack__"):
            setattr(torch.Tensor, name, _refuse("Tensor." + name))
        torch.from_numpy = _refuse("torch.from_numpy")
        for name in ("to_dlpack", "from_dlpack"):
            setattr(torch.utils.dlpack, name, _refuse("torch.utils.dlpack." + name))
        torch.from_dlpack = torch.utils.dlpack.from_dlpack
    return "%d.%d.%d" % sys.version_info[:3], torch.__version__


def load(source, file):
    """Runs the program's module; its class DeltaNet."""
    global _file
    _file = file
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    code = compile(source, file, "exec", dont_inherit=True)
    module = types.ModuleType(NAME)
    module.__file__ = file
    sys.modules[NAME] = module
    exec(code, module.__dict__)
    import torch
    found = module.__dict__.get("DeltaNet")
    if found is None:
        raise Refused("no class DeltaNet in the program")
    if not (isinstance(found, type) and issubclass(found, torch.nn.Module)):
        raise Refused("DeltaNet: expected a class derived from torch.nn.Module, found %s" % (
            "a class that is not" if isinstance(found, type) else type(found).__name__))
    return found


class _Fused:
    """A program's chunked delta rule, which the library has as one operator (docs/determinism.md, R10): taken for it where both
    gave the same bits, forward and backward, on the inputs of _probe. The caller holds whole steps against each other, too."""

    on = False

    def __init__(self, own, normalises):
        self.own, self.normalises, self.types, self.used = own, normalises, {}, False

    def operator(self, q, k, v, beta):
        import torch
        if self.normalises:
            norm = sys.modules["fla_standins"].l2norm
            q, k = norm(q), norm(k)
        return torch.ops.assay.delta_rule(q, k, v, beta)

    def __call__(self, q, k, v, beta, *more, **named):
        fits = (_Fused.on and self.types.get(q.dtype) and q.dtype == k.dtype == v.dtype == beta.dtype and
                q.dim() == 4 and q.shape == k.shape == v.shape and beta.shape == q.shape[:3] and q.shape[3] <= 256 and
                not more and all(key == "chunk_size" and value == 32 for key, value in named.items()))
        if not fits:
            return self.own(q, k, v, beta, *more, **named)
        self.used = True
        return self.operator(q, k, v, beta)


def _bits(tensor):
    import torch
    return tensor.detach().contiguous().view(torch.int16 if tensor.dtype == torch.bfloat16 else torch.int32)


def _results(function, inputs, gradients):
    """Bits of both results, and of the four gradients: of o alone, of o and S."""
    import torch
    found = []
    for given in (gradients[:1], gradients):
        leaves = [t.detach().clone().requires_grad_() for t in inputs]
        out = function(*leaves)
        if not (isinstance(out, tuple) and len(out) == 2 and out[0].shape == inputs[2].shape):
            return None
        found += list(out) + list(torch.autograd.grad(out[:len(given)], leaves, given, allow_unused=True))
    return found


def _probe(fused, dtype):
    import torch
    generator = torch.Generator().manual_seed(0)
    for shape in ((1, 2, 70, 8), (2, 1, 32, 16)):
        q, k, v, o = (torch.empty(shape).normal_(generator=generator) for _ in range(4))
        beta = torch.empty(shape[:3]).uniform_(generator=generator)
        S = torch.empty(shape[:2] + (shape[3], shape[3])).normal_(generator=generator)
        q[:, :, 3], k[:, :, 5], v[:, :, 7], beta[:, :, 9] = 0, 0, -0.0, 0
        inputs, gradients = [t.to(dtype) for t in (q, k, v, beta)], [o.to(dtype), S.to(dtype)]
        own, ours = _results(fused.own, inputs, gradients), _results(fused.operator, inputs, gradients)
        if own is None or ours is None:
            return False
        for a, b in zip(own, ours):
            if (a is None) != (b is None) or a is not None and (a.dtype != b.dtype or a.shape != b.shape or
                                                                not torch.equal(_bits(a), _bits(b))):
                return False
    return True


def _chunk_functions(module):
    """Functions of the module's own whose first arguments are q, k, v, beta."""
    for name, value in list(module.__dict__.items()):
        if isinstance(value, types.FunctionType) and value.__module__ == NAME:
            if value.__code__.co_varnames[:4] == ("q", "k", "v", "beta"):
                yield name, value


def fuse(on):
    """Turns the operator on or off. How many functions it could take the place of; when on, how many it has."""
    import torch
    module = sys.modules[NAME]
    for name, own in list(_chunk_functions(module)):
        for normalises in (True, False):
            fused = _Fused(own, normalises)
            for dtype in (torch.float32, torch.bfloat16):
                try:
                    fused.types[dtype] = _probe(fused, dtype)
                except Exception:  # noqa: BLE001: it is another function
                    fused.types[dtype] = False
            if any(fused.types.values()):
                module.__dict__[name] = fused
                break
    _Fused.on = on
    return sum(value.used or not on for value in module.__dict__.values() if isinstance(value, _Fused))


def construct(found, arguments):
    return found(**json.loads(arguments))


def parameters(module):
    return list(module.named_parameters())


def buffers(module):
    """Those that are not in the state_dict, too: a counter is state."""
    return list(module.named_buffers())


def move(module, device, dtype):
    import torch
    module.to(device=device, dtype=getattr(torch, dtype))


def forward(module, hidden_states):
    """Output and auxiliary loss (a tensor, or None)."""
    import torch
    result = module(hidden_states)
    parts = result if isinstance(result, (tuple, list)) else (result,)
    out = parts[0] if parts else None
    if not isinstance(out, torch.Tensor):
        raise Refused("forward: expected a tensor as the first result, found %s" % type(out).__name__)
    if out.shape != hidden_states.shape:
        raise Refused("forward: expected a result of shape %s as the input, found %s" % (
            tuple(hidden_states.shape), tuple(out.shape)))
    auxiliary = parts[1] if len(parts) > 1 else None
    if not isinstance(auxiliary, torch.Tensor) or not auxiliary.is_floating_point():
        return out, None
    return out, auxiliary if auxiliary.dim() == 0 else auxiliary.mean()


def train(module, on):
    module.train(on)


_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")


def _kind(error, message, otherwise):
    import torch
    if "is not certified" in message and "assay: operator" in message:
        return "uncertified"
    if isinstance(error, torch.OutOfMemoryError) or "CUDA out of memory" in message:
        return "cuda_memory"
    if isinstance(error, MemoryError) or "can't allocate memory" in message or "std::bad_alloc" in message:
        return "memory"
    if isinstance(error, SyntaxError) and otherwise == "class":
        return "syntax"
    return otherwise


def describe(error, traceback, otherwise):
    """(kind, one sentence, line or 0, its text) of an exception; `otherwise` is the kind of one that has no other."""
    try:
        message = str(error).strip()
    except Exception:  # noqa: BLE001: a program's own exception
        message = ""
    message = _ADDRESS.sub("0x...", (message.splitlines() or [""])[0])[:400]
    kind = _kind(error, message, otherwise)
    if kind == "syntax" and error.filename == _file:
        return kind, "%s: %s" % (type(error).__name__, error.msg), error.lineno or 0, (error.text or "").strip()[:200]
    line = 0
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == _file:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    if isinstance(error, Refused) or kind == "uncertified":
        what = message.split(". Schema:")[0].replace("assay: ", "")
    elif kind == "memory":
        what = "out of memory" + (": " + message if message else "")
    else:
        what = type(error).__name__ + (": " + message if message else "")
    return kind, what, line, linecache.getline(_file, line).strip()[:200] if line else ""
