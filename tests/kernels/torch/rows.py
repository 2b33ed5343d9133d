"""One row alone gives the bits that it gives in a batch, forward and backward: neighbours change nothing. On the CPU, and on CUDA where
a device is."""
from support import arguments, attempt, check, finish, same, torch

import torch.nn as nn
import torch.nn.functional as F

options = arguments(__doc__.splitlines()[0])
torch.ops.assay.set_strict(True)
generator = torch.Generator().manual_seed(4)


def fixed(*sizes):
    return torch.randn(*sizes, generator=generator)


def module(make):
    """A module with weights of its own, the same for every call, as a function of (x, device, type)."""
    torch.manual_seed(2)
    one = make()
    return lambda x: one.to(x.device, x.dtype)(x)


def first(make):
    f = module(make)
    return lambda x: f(x)[0]


W, B, K, G, V = fixed(30, 40), fixed(30), fixed(6, 1, 4), fixed(1, 5, 4, 2), fixed(40, 30)


def on(constant, x):
    return constant.to(x.device, x.dtype)


# name, sizes of one row (without its batch dimension), function of a batch, types.
BOTH = (torch.float32, torch.bfloat16)
WIDE = (torch.float32,)
CASES = [
    ("sum", (3000,), lambda x: x.sum(1), BOTH),
    ("mean", (300,), lambda x: x.mean(1), BOTH),
    ("var", (1500,), lambda x: x.var(1), BOTH),
    ("norm", (300,), lambda x: x.norm(dim=1), BOTH),
    ("cumsum", (300,), lambda x: x.cumsum(1), BOTH),
    ("sort", (300,), lambda x: x.sort(1)[0], BOTH),
    ("topk", (300,), lambda x: x.topk(5, 1)[0], BOTH),
    ("softmax", (1500,), lambda x: x.softmax(1), BOTH),
    ("log_softmax", (33,), lambda x: x.log_softmax(1), BOTH),
    ("logsumexp", (33,), lambda x: x.logsumexp(1), BOTH),
    ("layer_norm", (1500,), lambda x: F.layer_norm(x, (1500,)), BOTH),
    ("rms_norm", (70,), lambda x: F.rms_norm(x, (70,)), BOTH),
    ("group_norm", (6, 50), lambda x: F.group_norm(x, 2), BOTH),
    ("instance_norm", (6, 50), lambda x: F.instance_norm(x), BOTH),
    ("linear", (40,), lambda x: F.linear(x, on(W, x), on(B, x)), BOTH),
    ("linear of 3 dimensions", (7, 40), lambda x: F.linear(x, on(W, x)), BOTH),
    ("matmul", (5, 40), lambda x: x @ on(V, x), BOTH),
    ("bmm with itself", (9, 40), lambda x: torch.bmm(x, x.transpose(1, 2)), BOTH),
    ("attention", (3, 20, 16), lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True), BOTH),
    ("conv1d", (6, 90), lambda x: F.conv1d(x, on(K, x), padding=3, groups=6), BOTH),
    ("conv2d", (3, 12, 13), module(lambda: nn.Conv2d(3, 5, 3, stride=2)), BOTH),
    ("conv_transpose1d", (4, 20), module(lambda: nn.ConvTranspose1d(4, 3, 5, stride=2)), BOTH),
    ("max_pool", (3, 12, 13), lambda x: F.max_pool2d(x, 3, 2, 1), BOTH),
    ("avg_pool", (3, 12, 13), lambda x: F.avg_pool2d(x, 3, 2, 1), BOTH),
    ("adaptive_max_pool", (3, 12, 13), lambda x: F.adaptive_max_pool2d(x, 5), BOTH),
    ("interpolate", (3, 12, 13), lambda x: F.interpolate(x, (7, 29), mode="bicubic"), BOTH),
    ("grid_sample", (3, 12, 13), lambda x: F.grid_sample(x, on(G, x).expand(len(x), 5, 4, 2), align_corners=False), BOTH),
    ("unfold", (3, 12, 13), lambda x: F.fold(F.unfold(x, 3), (12, 13), 3), BOTH),
    ("gelu", (333,), F.gelu, BOTH),
    ("glu", (40,), F.glu, BOTH),
    ("fft", (60,), lambda x: torch.view_as_real(torch.fft.rfft(x)), WIDE),
    ("cross_entropy", (33,), lambda x: F.cross_entropy(x, torch.full((len(x),), 7, device=x.device), reduction="none"), BOTH),
    ("ctc", (20, 7), lambda x: F.ctc_loss(x.log_softmax(-1).transpose(0, 1), torch.full((len(x), 4), 3, device=x.device), [20] * len(x),
                                          [4] * len(x), reduction="none"), WIDE),
    ("multi_margin", (33,), lambda x: F.multi_margin_loss(x, torch.full((len(x),), 7, device=x.device), reduction="none"), BOTH),
    ("LSTM", (9, 5), first(lambda: nn.LSTM(5, 7, batch_first=True)), BOTH),
    ("GRU", (9, 5), first(lambda: nn.GRU(5, 7, batch_first=True, bidirectional=True)), BOTH),
    ("TransformerEncoderLayer", (9, 12), module(lambda: nn.TransformerEncoderLayer(12, 3, 24, dropout=0.0, batch_first=True)), BOTH),
]


def both_ways(f, x):
    x = x.detach().clone().requires_grad_()
    y = f(x)
    weights = torch.linspace(-1, 2, max(1, y[0].numel()), device=y.device).view(y[0].shape).to(y.dtype)
    (g,) = torch.autograd.grad(y, x, weights.expand(y.shape).contiguous())
    return y.detach(), g


compared = 0
for name, sizes, f, types in CASES:
    rows = 200 if len(sizes) == 1 else 33
    numbers = torch.randn(rows, *sizes, generator=generator)
    for dtype in types:
        for device in ("cpu", "cuda") if options.device == "cuda" else ("cpu",):
            title = "%s, %s on %s" % (name, str(dtype)[6:], device)
            x = numbers.to(device, dtype)
            whole = attempt(title, lambda: both_ways(f, x))
            with torch.no_grad():
                same(f(x), whole[0], "%s: without a derivative against with one" % title)
            for begin, end in ((0, 1), (rows - 1, rows), (17, 18), (5, 12)):
                part = attempt(title, lambda: both_ways(f, x[begin:end]))
                for what, a, b in zip(("result", "gradient"), part or (), whole or ()):
                    same(a, b[begin:end], "%s, %s: rows %d to %d alone against in a batch of %d" % (title, what, begin, end - 1, rows))
                    compared += 1

# The loss is one pass where nobody asks for a derivative, and several operators else: autocast must not tell them apart.
numbers, targets = torch.randn(40, 30, generator=generator), torch.arange(40) % 30
for device in ("cpu", "cuda") if options.device == "cuda" else ("cpu",):
    for dtype in BOTH:
        for reduction in ("none", "mean", "sum"):
            x, t = numbers.to(device, dtype), targets.to(device)
            title = "cross_entropy, %s, %s under autocast on %s" % (reduction, str(dtype)[6:], device)
            with torch.autocast(device, torch.bfloat16):
                with torch.no_grad():
                    alone = F.cross_entropy(x, t, reduction=reduction)
                asked = F.cross_entropy(x.clone().requires_grad_(), t, reduction=reduction).detach()
            check(alone.dtype == asked.dtype == torch.float32, "%s: float32, found %s and %s" % (title, alone.dtype, asked.dtype))
            same(alone, asked, "%s: without a derivative against with one" % title)
print("%d comparisons of %d functions" % (compared, len(CASES)))
check(compared > 0, "there are comparisons")
finish("rows")
