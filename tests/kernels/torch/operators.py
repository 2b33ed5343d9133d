"""docs/operators.md lists the library's table, no more and no less (--write writes it); and what is ATen's own in it gives the
same bits on CPU and CUDA, and with any number of threads."""
import os

from support import arguments, attempt, check, finish, same, torch

options = arguments(__doc__, write={"action": "store_true"})
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../docs/operators.md")

HEAD = """# Operators that the library stands in for

Loading `libassay_kernels.so` takes over all of ATen for CPU and CUDA. An operator below gives the bits of docs/determinism.md; any other
throws in strict mode, naming itself and the line that called it, and in counting mode is counted and left to torch's own kernel. So is a call
with types outside the contract (arithmetic on float16, float64 or complex128, and most of complex64).

- *under*: registered below autograd; the derivative is torch's formula over these operators.
- *above*: registered in autograd's place as a composite of these operators, because torch takes another way on each device.
- *left*: ATen's own kernel, untouched: it moves, compares or counts, and never rounds, or it is made of operators of this list.

Views (operators whose result is an argument's memory, by their schema) and operators that are nothing but composites of others are not
listed. Among what is refused: float16 arithmetic, fractional max pooling, antialiased interpolation, random distributions but those below,
linear algebra beyond products, sparse and quantized tensors, and the kernels of fused layers when called by name. torch itself writes NAdam's foreach form (its default on CUDA) as
another formula than its one-tensor form: give it `foreach=False`.

Operators of the library's own, fused, with derivatives (R10); `tests/kernels/torch/delta_form.py` is the same in Python, with the same bits:

- `torch.ops.assay.delta_rule(q, k, v, beta) -> (o, state)`: q, k (batch, heads, length, dk), v (batch, heads, length, dv), beta (batch, heads,
  length), all float32 or all bfloat16, widths up to 256; o like v, state (batch, heads, dk, dv). q and k come normalised.
- `torch.ops.assay.gated_delta_rule(q, k, v, g, beta) -> (o, state)`: g (batch, heads, length), the logarithm of the state's decay.

This file is written by `tests/kernels/torch/operators.py --write`, and a test holds it to the table.

| level | rule | operators |
|---|---|---|
"""

groups = {}
for line in torch.ops.assay.table().splitlines():
    name, level, rule = line.split("\t")
    if rule != "a view: no element is touched":
        groups.setdefault((level, rule), []).append(name)
text = HEAD + "".join("| %s | %s | %s |\n" % (level, rule, ", ".join("`%s`" % n for n in sorted(names)))
                      for (level, rule), names in sorted(groups.items()))
if options.write:
    with open(path, "w") as file:
        file.write(text)
found = open(path).read() if os.path.exists(path) else ""
check(found == text, "docs/operators.md is the table: run %s --write" % __file__)

# What is ATen's own and moves or compares floating-point elements.
torch.manual_seed(0)
special = torch.tensor([0.0, -0.0, 1.5, -2.5, float("inf"), -float("inf"), float("nan"), 1e-40, 3e38, 7.0])
x = torch.cat([special, torch.randn(3990)]).view(40, 100)
y = torch.cat([special.flip(0), torch.randn(3990)]).view(40, 100)
i = torch.randint(40, (25,))
wide = torch.randint(100, (40, 30))
OWN = {
    "cat": lambda x, y, i, w: torch.cat([x, y.t().t(), x[:3]]),
    "stack": lambda x, y, i, w: torch.stack([x, y], 1),
    "flip": lambda x, y, i, w: x.flip(0, 1),
    "roll": lambda x, y, i, w: x.roll((3, -7), (0, 1)),
    "gather": lambda x, y, i, w: x.gather(1, w),
    "index_select": lambda x, y, i, w: x.index_select(0, i),
    "index": lambda x, y, i, w: x[i],
    "take": lambda x, y, i, w: x.take(w),
    "tril": lambda x, y, i, w: x.tril(-2),
    "triu": lambda x, y, i, w: x.triu(1),
    "masked_select": lambda x, y, i, w: x.masked_select(y > 0),
    "nonzero": lambda x, y, i, w: x.nonzero(),
    "where": lambda x, y, i, w: torch.where(x > y, x, y),
    "masked_fill": lambda x, y, i, w: x.masked_fill(y > 0, 0.1),
    "index_fill": lambda x, y, i, w: x.index_fill(0, i, 0.1),
    "fill_": lambda x, y, i, w: torch.empty_like(x).fill_(0.1),
    "eq": lambda x, y, i, w: torch.stack([x == y, x != y, x < y, x <= y, x > y, x >= y]),
    "eq scalar": lambda x, y, i, w: torch.stack([x == 0.1, x != 1.5, x < 0.1, x <= 1.5, x > 0.1, x >= 1.5]),
    "logic": lambda x, y, i, w: torch.stack([x.logical_and(y), x.logical_or(y), x.logical_xor(y), x.logical_not()]),
    "isnan": lambda x, y, i, w: torch.stack([x.isnan(), x.isinf(), x.isposinf(), x.isneginf(), x.signbit(), x.isfinite()]),
    "any all": lambda x, y, i, w: torch.stack([x.any(1), x.all(1)]),
    "count_nonzero": lambda x, y, i, w: x.count_nonzero(1),
    "bucketize": lambda x, y, i, w: torch.bucketize(x[2], torch.linspace(-1, 1, 7).to(x.device).to(x.dtype)),
    "pad": lambda x, y, i, w: torch.nn.functional.pad(x, (3, -2, 1, 4), value=0.1),
    "repeat": lambda x, y, i, w: x.repeat(2, 3).repeat_interleave(2, 0),
    "reflection_pad1d": lambda x, y, i, w: torch.nn.functional.pad(x[None], (3, 5), mode="reflect"),
    "pixel_shuffle": lambda x, y, i, w: torch.nn.functional.pixel_shuffle(x.reshape(10, 4, 10, 10), 2),
    "clone to": lambda x, y, i, w: x.t().contiguous().t().clone(),
    "integers": lambda x, y, i, w: torch.stack([w + 3, w * w, w - 7, w // 3, w % 7, w.clamp(3, 9), w.cumsum(1), w & 5, w ^ 3, w << 1]),
    "integer sums": lambda x, y, i, w: torch.stack([w.sum(1), w.amax(1), w.amin(1), w.argmax(1), w.prod(1)]),
    "eye": lambda x, y, i, w: torch.eye(5, 7, device=x.device, dtype=x.dtype),
    "arange": lambda x, y, i, w: torch.arange(3, 300, 7, device=x.device),
}
torch.ops.assay.set_strict(True)
for dtype in (torch.float32, torch.bfloat16):
    given = [x.to(dtype), y.to(dtype), i, wide]
    for name, f in OWN.items():
        expected = attempt(name, lambda: f(*given))
        if expected is None:
            continue
        torch.set_num_threads(2 if torch.get_num_threads() == 1 else 1)
        same(f(*given), expected, "%s %s, another number of threads" % (name, dtype))
        if options.device == "cuda":
            found = attempt(name + " on CUDA", lambda: f(*[t.cuda() for t in given]))
            if found is not None:
                same(found, expected, "%s %s, CUDA against CPU" % (name, dtype))
finish("operators")
