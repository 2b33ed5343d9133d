"""Executes a candidate's program inside assay-runner, and nothing else: what a program imports is put where it looks, what would
escape the operators throws, and what goes wrong is told with the program's own line. C++ calls prepare, load, construct, describe.
"""
import builtins
import importlib.abc
import json
import linecache
import operator
import random
import re
import sys
import types
import warnings

NAME = "program"  # the module that a program runs as
_file = NAME + ".py"
_standins = None
_math = None  # what a program gets as math


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


def _plain_math(strict):
    """Functions of the C library in the hands of programs: of their own math, and of what draws for them."""
    import plain_math
    import torch
    global _math
    _math = plain_math.module(strict)
    for name in ("log", "exp", "cos", "sin"):
        setattr(random, "_" + name, getattr(_math, name))
    torch.nn.init.math = plain_math.module(False)  # erf, of truncated normal draws


def _import(name, *more, **named):
    return _math if name == "math" else __import__(name, *more, **named)


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
    _plain_math(strict)
    torch.Tensor.item = _item_of(torch.Tensor.item)
    random.seed(seed)
    if strict:
        for name in ("numpy", "__array__", "__dlpack__"):
            setattr(torch.Tensor, name, _refuse("Tensor." + name))
        torch.from_numpy = _refuse("torch.from_numpy")
        for name in ("to_dlpack", "from_dlpack"):
            setattr(torch.utils.dlpack, name, _refuse("torch.utils.dlpack." + name))
        torch.from_dlpack = torch.utils.dlpack.from_dlpack
    return "%d.%d.%d" % sys.version_info[:3], torch.__version__


def _pow(base, exp, mod=None):
    import plain_math
    return plain_math.power(base, exp) if mod is None else pow(base, exp, mod)


def load(source, file):
    """Runs the program's module; its class DeltaNet."""
    global _file
    _file = file
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    import plain_math
    code = plain_math.compiled(source, file)
    module = types.ModuleType(NAME)
    module.__file__ = file
    module.__builtins__ = dict(vars(builtins), __import__=_import, pow=_pow, __assay_power__=plain_math.power)
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
    for part in module.modules():
        for name, value in list(part.__dict__.items()):
            if type(value) is _Unread:  # a program may look at it now
                part.__dict__[name] = _number(value)
    module.train(on)


_phase = ""  # of mark: "watched", "recorded"; else ""


class _Guard:
    """Stands in a module's attribute while a step is recorded that must write it before it reads it. Any use throws."""

    def __init__(self, path):
        object.__setattr__(self, "why", "a step reads what the one before it left: " + path)

    def _use(self, name, *given):
        raise Refused(object.__getattribute__(self, "why"))

    def __getattribute__(self, name):
        return object.__getattribute__(self, "_use")("__getattribute__", name)


_ARITHMETIC = {"__%s__" % name: getattr(operator, name) for name in "add sub mul truediv neg pos abs".split()}
_ARITHMETIC.update({"__r%s__" % name: lambda mine, other, own=getattr(operator, name): own(other, mine) for name in "add sub mul truediv".split()})


class _Unread(_Guard):
    """What .item() gives while a step is recorded: a number that nobody has yet. It may be kept, and reckoned with other numbers into
    another such; any other use throws. Later it is the number, for those who look at it then."""

    def __init__(self, kind, value, why):
        for name, held in (("kind", kind), ("value", value), ("why", why)):
            object.__setattr__(self, name, held)

    def _use(self, name, *given):
        kind, value, why = (object.__getattribute__(self, held) for held in ("kind", "value", "why"))
        if name == "__getattribute__" and given == ("__class__",):  # nn.Module asks when it is kept
            return kind
        if _phase != "recorded":
            return getattr(value(), name)(*given)
        reckon = _ARITHMETIC.get(name)
        if reckon is None or any(type(other) not in (int, float, _Unread) for other in given):
            raise Refused(why)
        return _Unread(type(reckon(kind(1), *(_kind_of(other)(1) for other in given))), lambda: reckon(value(), *map(_number, given)), why)


def _kind_of(number):
    return object.__getattribute__(number, "kind") if type(number) is _Unread else type(number)


def _number(number):
    return object.__getattribute__(number, "value")() if type(number) is _Unread else number


def _special(name):
    def use(self, *given):
        return object.__getattribute__(self, "_use")(name, *given)
    return use


for _name in ("add sub mul truediv floordiv mod pow matmul radd rsub rmul rtruediv rfloordiv rmod rpow neg pos abs eq ne lt le gt ge bool float "
              "int complex index round trunc floor ceil len iter getitem setitem contains call hash str repr format").split():
    setattr(_Guard, "__%s__" % _name, _special("__%s__" % _name))


def _line_of_program():
    frame = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename != _file:
        frame = frame.f_back
    return frame.f_lineno if frame else 0


def _item_of(own):
    """Tensor.item. In a step that is watched a read is let pass: whether anything comes of it shows when the step is recorded."""
    import torch

    def item(self):
        if not _phase or self.device.type != _device:
            return own(self)
        if _phase == "recorded":
            held, kind = self.detach(), float if self.is_floating_point() else bool if str(self.dtype) == "torch.bool" else int
            return _Unread(kind, lambda: own(held), "a tensor's value is read (.item()), %s:%d" % (_file, _line_of_program()))
        torch.ops.assay.permit_host_use(True)
        try:
            return own(self)
        finally:
            torch.ops.assay.permit_host_use(False)
    return item


_device = ""


class _Snapshot:
    """All that a program's Python can see and change: paths and what stands there. Tensors of the run's device by where they lie (what
    is in them changes on the device, recorded or not), others by their values. What is held here cannot leave its address to another."""

    def __init__(self, module):
        import torch
        self.torch, self.lines, self.held, self.seen = torch, [], [], set()
        self.attributes, self.free, self.guarded = {}, set(), []
        first = next(iter(module.parameters()), None)
        self.device = first.device.type if first is not None else "cpu"
        self.walk("self", module)
        program = sys.modules[NAME]
        for name, value in program.__dict__.items():
            if not name.startswith("__"):
                self.walk(name, value)
        self.add("random", hash(random.getstate()))
        self.add("torch", (torch.is_grad_enabled(), torch.get_default_dtype(), torch.is_inference_mode_enabled()))

    def add(self, path, what):
        self.lines.append((path, what))

    def tensor(self, path, value):
        where = (value.data_ptr(), tuple(value.shape), value.stride(), value.dtype, value.requires_grad)
        if value.device.type != self.device:
            where += (value._version, str(value.detach().tolist()) if value.numel() <= 65536 else None)
        self.add(path, where)
        if value.__dict__:
            self.walk(path, value.__dict__)

    def function(self, path, value):
        self.add(path, id(value.__code__))
        cells = [cell.cell_contents for cell in value.__closure__ or () if cell != types.CellType()]
        for part in (cells, value.__defaults__, value.__kwdefaults__, value.__dict__):
            if part:
                self.walk(path + "()", part)

    def members(self, value):
        found = dict(getattr(value, "__dict__", None) or {})
        for kind in type(value).__mro__:
            for name in (lambda slots: (slots,) if isinstance(slots, str) else slots)(kind.__dict__.get("__slots__", ())):
                if hasattr(value, name):
                    found[name] = getattr(value, name)
        return found

    def module(self, path, value):
        for name, item in value.__dict__.items():
            where = "%s.%s" % (path, name)
            if type(item) in (float, _Unread) or type(item) is not _Guard and isinstance(item, self.torch.Tensor):
                self.attributes[where] = (value.__dict__, name)
            self.walk(where, item)

    def walk(self, path, value):
        """Of an object of another kind: whether it has parts that can be seen."""
        if type(value) in (_Guard, _Unread):
            return self.add(path, object())
        if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
            return self.add(path, (type(value), repr(value)))
        self.held.append(value.detach() if isinstance(value, self.torch.Tensor) else value)  # not what it was computed from
        if id(value) in self.seen:
            return self.add(path, id(value))
        self.seen.add(id(value))
        if isinstance(value, self.torch.Tensor):
            return self.tensor(path, value)
        if isinstance(value, self.torch.nn.Module):
            self.add(path, (id(value), type(value)))
            self.module(path, value)
        elif isinstance(value, dict):
            self.add(path, (type(value), len(value)))
            for key, item in value.items():
                name = key if isinstance(key, str) else repr(key) if isinstance(key, (int, float, tuple, type(None))) else str(id(key))
                self.walk("%s.%s" % (path, name), item)
        elif isinstance(value, (list, tuple)) or type(value).__name__ == "deque":
            self.add(path, (type(value), len(value)))
            for i, item in enumerate(value):
                self.walk("%s[%d]" % (path, i), item)
        elif isinstance(value, (set, frozenset)):
            self.add(path, (len(value), sorted(map(repr, value))))
        elif isinstance(value, types.FunctionType):
            self.function(path, value)
        elif isinstance(value, types.MethodType):
            self.walk(path, value.__func__)
            self.walk(path, value.__self__)
        elif isinstance(value, (staticmethod, classmethod)):
            self.walk(path, value.__func__)
        elif isinstance(value, property):
            self.walk(path, [value.fget, value.fset, value.fdel])
        elif isinstance(value, type):
            self.add(path, id(value))
            if value.__module__ in (NAME, "fla_standins"):
                self.walk(path, {k: v for k, v in vars(value).items() if k not in ("__dict__", "__weakref__", "__doc__")})
        elif isinstance(value, _Fused):
            self.walk(path + "()", value.own)
        elif isinstance(value, (types.ModuleType, types.BuiltinFunctionType, types.GenericAlias, *_CONSTANT())):
            self.add(path, id(value))
        elif type(value).__module__ in ("typing", "_abc", "types"):  # annotations, descriptors of slots
            self.add(path, id(value))
        elif type(value).__name__ == "partial":
            self.add(path, id(value))
            self.walk(path, [value.func, value.args, value.keywords])
        else:
            parts = self.members(value)
            # What cannot be seen into may be another each time.
            self.add(path, (id(value), type(value)) if parts or type(value).__flags__ & _HEAP else object())
            self.walk(path, parts)


_HEAP = 1 << 9  # a class made by Python code, whose instances hold nothing but their members


def _CONSTANT():
    import torch
    return (torch.dtype, torch.device, torch.layout, torch.memory_format, torch.Size, re.Pattern, type(Ellipsis), type(NotImplemented),
            types.WrapperDescriptorType, types.MethodDescriptorType, types.GetSetDescriptorType, types.MemberDescriptorType)


_written = {}  # of each module: paths of attributes that hold another tensor or number after each step


def mark(module, guarded):
    global _phase, _device
    before = _Snapshot(module)
    before.free = {path for path in _written.get(id(module), ()) if path in before.attributes}
    if guarded:
        for path in before.free:
            members, name = before.attributes[path]
            before.guarded.append((members, name, members[name]))
            members[name] = _Guard(path)
    _phase, _device = "recorded" if guarded else "watched", before.device
    return before


def restore(before):
    global _phase
    _phase = ""
    for members, name, value in before.guarded:
        members[name] = value
    before.guarded = []


def changed(before, module):
    """The first path that does not hold what it held, or "". Attributes of modules that were seen to hold another tensor or
    number after each step may do so; mark guards them, and a guard that nobody has written over is told here."""
    global _phase
    _phase = ""
    after, first = _Snapshot(module), ""
    if len(before.lines) != len(after.lines):
        first = max(before.lines, after.lines, key=len)[-1][0]
    for (path, was), (where, now) in zip(before.lines, after.lines):
        if path != where:
            return where
        if was == now or path in before.free and path in after.attributes:
            continue
        if path in before.attributes and path in after.attributes:
            _written.setdefault(id(module), set()).add(path)
        first = first or path
    return first


class _Cache:
    """What fla's models hand a layer as past_key_values: for probes alone, no program is trained with one."""

    def __init__(self):
        self.states, self.seen = [], 0

    def update(self, recurrent_state=None, attn_state=None, conv_state=None, ffn_state=None, layer_idx=0, offset=1, **_):
        while len(self.states) <= layer_idx:
            self.states.append({"recurrent_state": None, "attn_state": None, "conv_state": None, "ffn_state": None})
        given = {"recurrent_state": recurrent_state, "attn_state": attn_state, "conv_state": conv_state, "ffn_state": ffn_state}
        self.states[layer_idx].update({key: value for key, value in given.items() if value is not None})
        self.seen += offset if layer_idx == 0 else 0
        return self.states[layer_idx]

    def __getitem__(self, layer):
        return self.states[layer]

    def __len__(self):
        return len(self.states)

    def get_seq_length(self, *_):
        return self.seen


class _WholeConvolution:
    """While it is entered, short convolutions go on from a cache and start anew at each of cu_seqlens, as fla's own do; the
    stand-ins need neither in training."""

    def __enter__(self):
        import torch
        kind = self.kind = sys.modules["fla_standins"].ShortConvolution
        plain = self.plain = kind.forward

        def forward(module, x, mask=None, cache=None, output_final_state=False, cu_seqlens=None, **more):
            if cu_seqlens is not None and x.shape[0] == 1:
                ends = cu_seqlens.tolist()
                parts = [plain(module, x[:, begin:end], **more)[0] for begin, end in zip(ends, ends[1:])]
                return torch.cat(parts, 1), cache
            if cache is None:
                return plain(module, x, mask, None, output_final_state, None, **more)
            longer = torch.cat([cache.transpose(1, 2), x], 1)
            y, state = plain(module, longer, None, None, output_final_state, None, **more)
            return y[:, cache.shape[-1]:], state
        kind.forward = forward

    def __exit__(self, *_):
        self.kind.forward = self.plain


def _takes(module, name):
    import inspect
    return name in inspect.signature(module.forward).parameters


def masked(module, hidden_states, mask):
    """Its output with an attention mask (1: a token); None where it takes none."""
    if not _takes(module, "attention_mask"):
        return None
    with _WholeConvolution():
        result = module(hidden_states, attention_mask=mask)
    return result[0] if isinstance(result, (tuple, list)) else result


def stepwise(module, hidden_states, prefix):
    """`prefix` positions at once, then one by one with what it keeps in past_key_values; None where it takes none."""
    import torch
    if not _takes(module, "past_key_values") or not _takes(module, "use_cache"):
        return None
    cache, parts = _Cache(), []
    bounds = [0, prefix] + list(range(prefix + 1, hidden_states.shape[1] + 1))
    with _WholeConvolution():
        for begin, end in zip(bounds, bounds[1:]):
            result = module(hidden_states[:, begin:end], past_key_values=cache, use_cache=True)
            if not isinstance(result, (tuple, list)):
                return None
            parts.append(result[0])
            if len(result) > 2 and result[2] is not None:
                cache = result[2]
    return torch.cat(parts, 1)


def attributes(module):
    """What hangs on the modules beside parameters and buffers, a line each: numbers, texts, and tensors that nobody registered."""
    import torch
    lines = []
    for name, part in module.named_modules():
        for key, value in sorted(vars(part).items()):
            if isinstance(value, torch.Tensor):
                value = (tuple(value.shape), value.detach().flatten()[:64].tolist())
            elif not isinstance(value, (int, float, str, type(None))) or key == "training":
                continue
            lines.append("%s = %r" % (".".join(filter(None, (name, key))), value))
    return "\n".join(lines)


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
