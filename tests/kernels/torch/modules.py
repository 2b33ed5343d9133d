"""A long list of torch.nn modules and functions, forward and backward in strict mode. Their bits are the same with 1, 2 and 16
threads, at every CPU level, and on CUDA where a device is; gradients are near those of torch's own float64 operators.

Random numbers come from one stream for both devices, so dropout and its like are in the list.
"""
import json
import os
import subprocess
import sys

from support import arguments, attempt, check, digest, finish, same, torch

import torch.nn as nn
import torch.nn.functional as F

options = arguments(__doc__.splitlines()[0], emit={"action": "store_true", "help": "print the digests as JSON and end"},
                    only={"default": ""}, leave_out={"default": ""}, verbose={"action": "store_true"})

# Not covered, and refused in strict mode: docs/operators.md says so too.
REFUSED = {"float16 add", "float64 exp", "linalg solve", "antialiased"}

CASES = []


def case(name, make, *inputs, float64=True, tolerance=2e-4):
    """make(): a module or function, made on the CPU; inputs: tensors, floats of which get gradients."""
    CASES.append((name, make, inputs, float64, tolerance))


def normal(*sizes, seed=3):
    return lambda: torch.randn(*sizes, generator=torch.Generator().manual_seed(seed + sum(sizes)))


def positive(*sizes):
    return lambda: torch.rand(*sizes, generator=torch.Generator().manual_seed(5)) + 0.1


def unit(*sizes):
    return lambda: torch.rand(*sizes, generator=torch.Generator().manual_seed(7)) * 0.9 + 0.05


def whole(high, *sizes):
    return lambda: torch.randint(high, sizes, generator=torch.Generator().manual_seed(9))


def narrow(make):
    return lambda: make().bfloat16()


def function(f):
    return lambda: f


# Linear algebra.
case("Linear", lambda: nn.Linear(37, 19), normal(5, 37))
case("Linear 3-D", lambda: nn.Linear(37, 19), normal(3, 5, 37))
case("Linear no bias", lambda: nn.Linear(37, 19, bias=False), normal(3, 5, 37))
case("Linear 1-D", lambda: nn.Linear(37, 19), normal(37))
case("Linear bf16", lambda: nn.Linear(64, 48).bfloat16(), narrow(normal(6, 64)), float64=False)
case("Bilinear", lambda: nn.Bilinear(5, 6, 4), normal(3, 5), normal(3, 6))
case("matmul batch", function(torch.matmul), normal(2, 3, 7, 5), normal(3, 5, 4))
case("matmul vector", function(torch.matmul), normal(7, 5), normal(5))
case("matmul dot", function(torch.matmul), normal(300), normal(300, seed=8))
case("bmm transposed", function(lambda a, b: torch.bmm(a.transpose(1, 2), b)), normal(3, 70, 5), normal(3, 70, 6))
case("addmm scaled", function(lambda c, a, b: torch.addmm(c, a, b, beta=0.5, alpha=2)), normal(4, 6), normal(4, 9), normal(9, 6))
case("baddbmm", function(torch.baddbmm), normal(2, 4, 6), normal(2, 4, 9), normal(2, 9, 6))
case("einsum", function(lambda a, b: torch.einsum("bij,bkj->bik", a, b)), normal(2, 3, 5), normal(2, 4, 5))
case("outer", function(torch.outer), normal(7), normal(9))
case("long k", function(torch.mm), normal(3, 5000), normal(5000, 2), tolerance=2e-3)

# Activations.
for name in ("ReLU", "ReLU6", "GELU", "SiLU", "Mish", "ELU", "SELU", "CELU", "LeakyReLU", "Sigmoid", "Tanh", "Softplus", "Softsign",
             "LogSigmoid", "Hardswish", "Hardsigmoid", "Hardtanh", "Hardshrink", "Softshrink", "Tanhshrink", "PReLU"):
    case(name, getattr(nn, name), normal(5, 33))
case("GELU tanh", lambda: nn.GELU(approximate="tanh"), normal(5, 33))
case("GELU bf16", nn.GELU, narrow(normal(5, 33)), float64=False)
case("Threshold", lambda: nn.Threshold(0.1, 20), normal(5, 33))
case("GLU", nn.GLU, normal(5, 34))
case("Softmax", lambda: nn.Softmax(-1), normal(5, 33))
case("Softmax dim 0", lambda: nn.Softmax(0), normal(5, 33))
case("Softmin", lambda: nn.Softmin(-1), normal(5, 33))
case("LogSoftmax", lambda: nn.LogSoftmax(-1), normal(5, 3000))
case("Softmax2d", nn.Softmax2d, normal(2, 3, 4, 5))
case("softmax with dtype", function(lambda x: F.softmax(x, -1, dtype=torch.float32)), narrow(normal(5, 33)), float64=False)
case("log_softmax with dtype", function(lambda x: F.log_softmax(x, -1, dtype=torch.float32)), narrow(normal(5, 33)), float64=False)
case("normalize", function(F.normalize), normal(5, 33))
case("gumbel_softmax", function(lambda x: F.gumbel_softmax(x, tau=0.7)), normal(5, 33), float64=False)

# Norms.
case("LayerNorm", lambda: nn.LayerNorm(33), normal(5, 33), tolerance=1e-3)
case("LayerNorm 2 dims", lambda: nn.LayerNorm((4, 33)), normal(5, 4, 33), tolerance=1e-3)
case("LayerNorm plain", lambda: nn.LayerNorm(33, elementwise_affine=False), normal(5, 33), tolerance=1e-3)
case("LayerNorm bf16", lambda: nn.LayerNorm(64).bfloat16(), narrow(normal(5, 64)), float64=False)
case("RMSNorm", lambda: nn.RMSNorm(33), normal(5, 33), float64=False)
case("RMSNorm plain", lambda: nn.RMSNorm(33, elementwise_affine=False), normal(5, 33), float64=False)
case("RMSNorm bf16", lambda: nn.RMSNorm(64).bfloat16(), narrow(normal(5, 64)), float64=False)
case("GroupNorm", lambda: nn.GroupNorm(3, 6), normal(4, 6, 10), tolerance=1e-3)
case("BatchNorm1d", lambda: nn.BatchNorm1d(6), normal(8, 6), tolerance=1e-3)
case("BatchNorm1d 3-D", lambda: nn.BatchNorm1d(6), normal(4, 6, 10), tolerance=1e-3)
case("BatchNorm2d", lambda: nn.BatchNorm2d(3), normal(4, 3, 5, 6), tolerance=1e-3)
case("BatchNorm3d", lambda: nn.BatchNorm3d(3), normal(2, 3, 3, 4, 5), tolerance=1e-3)
case("BatchNorm2d eval", lambda: nn.BatchNorm2d(3).eval(), normal(4, 3, 5, 6))
case("InstanceNorm1d", lambda: nn.InstanceNorm1d(6, affine=True), normal(4, 6, 10), tolerance=1e-3)
case("InstanceNorm2d", lambda: nn.InstanceNorm2d(3), normal(4, 3, 5, 6), tolerance=1e-3)
case("LocalResponseNorm", lambda: nn.LocalResponseNorm(2), normal(4, 3, 5, 6))

# Convolutions and pools.
case("Conv1d", lambda: nn.Conv1d(4, 6, 3, padding=1), normal(2, 4, 20))
case("Conv1d depthwise causal", lambda: nn.Conv1d(8, 8, 4, padding=3, groups=8, bias=False), normal(2, 8, 20))
case("Conv1d long", lambda: nn.Conv1d(8, 8, 64, padding=63, groups=8), normal(2, 8, 90))
case("Conv1d same dilated", lambda: nn.Conv1d(4, 6, 3, padding="same", dilation=2), normal(2, 4, 20))
case("Conv1d transposed input", function(lambda x, w: F.conv1d(x.transpose(1, 2), w)), normal(2, 20, 4), normal(6, 4, 3))
case("Conv1d bf16", lambda: nn.Conv1d(4, 6, 3).bfloat16(), narrow(normal(2, 4, 20)), float64=False)
case("Conv2d", lambda: nn.Conv2d(3, 5, 3, stride=2, padding=1), normal(2, 3, 9, 8))
case("Conv2d groups", lambda: nn.Conv2d(4, 6, (3, 2), groups=2), normal(2, 4, 9, 8))
case("Conv3d", lambda: nn.Conv3d(2, 3, 2), normal(2, 2, 4, 5, 6))
case("Conv2d unbatched", lambda: nn.Conv2d(3, 5, 3), normal(3, 9, 8))
case("ConvTranspose1d", lambda: nn.ConvTranspose1d(4, 6, 3, stride=2, output_padding=1), normal(2, 4, 9))
case("ConvTranspose2d", lambda: nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2), normal(2, 4, 5, 6))
case("AvgPool1d", lambda: nn.AvgPool1d(3, stride=2, padding=1), normal(2, 4, 20))
case("AvgPool2d", lambda: nn.AvgPool2d(2), normal(2, 4, 8, 6))
case("MaxPool1d", lambda: nn.MaxPool1d(3), normal(2, 4, 20))
case("MaxPool2d", lambda: nn.MaxPool2d(2), normal(2, 4, 8, 6))
case("AdaptiveAvgPool1d", lambda: nn.AdaptiveAvgPool1d(5), normal(2, 4, 20))
case("AdaptiveAvgPool2d", lambda: nn.AdaptiveAvgPool2d((2, 3)), normal(2, 4, 8, 6))
case("AdaptiveAvgPool2d 1", lambda: nn.AdaptiveAvgPool2d(1), normal(2, 4, 8, 6))
case("AdaptiveMaxPool2d", lambda: nn.AdaptiveMaxPool2d(2), normal(2, 4, 8, 6))
case("AdaptiveMaxPool1d", lambda: nn.AdaptiveMaxPool1d(5), normal(2, 4, 17))
case("AdaptiveMaxPool3d", lambda: nn.AdaptiveMaxPool3d((2, 3, 1)), normal(2, 4, 5, 6, 3))
case("AdaptiveMaxPool2d bf16", lambda: nn.AdaptiveMaxPool2d(2), narrow(normal(2, 4, 8, 6)), float64=False)
case("LPPool2d", lambda: nn.LPPool2d(2, 3), positive(2, 4, 8, 6))
case("MaxUnpool2d", function(lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2)), normal(2, 4, 8, 6))
case("MaxUnpool3d", function(lambda x: F.max_unpool3d(*F.max_pool3d(x, 2, return_indices=True), 2)), normal(2, 2, 4, 6, 4))
case("Unfold dilated", lambda: nn.Unfold((3, 2), dilation=2, padding=1, stride=2), normal(2, 4, 8, 6))
case("Unfold unbatched", lambda: nn.Unfold(3), normal(4, 8, 6))
case("Fold overlapping", lambda: nn.Fold((8, 6), 3, padding=1, stride=2), normal(2, 18, 12))
case("Unfold bf16", lambda: nn.Unfold(3), narrow(normal(2, 4, 8, 6)), float64=False)
case("Unfold", lambda: nn.Unfold(3), normal(2, 4, 8, 6))
case("Fold", lambda: nn.Fold((8, 6), 2, stride=2), normal(2, 16, 12))
case("PixelShuffle", lambda: nn.PixelShuffle(2), normal(2, 8, 3, 3))
case("ChannelShuffle", lambda: nn.ChannelShuffle(2), normal(2, 8, 3, 3))
case("ZeroPad2d", lambda: nn.ZeroPad2d(2), normal(2, 3, 4, 5))
case("ConstantPad1d", lambda: nn.ConstantPad1d((3, 1), 0.5), normal(2, 3, 4))
case("ReflectionPad1d", lambda: nn.ReflectionPad1d(2), normal(2, 3, 5))
case("ReplicationPad1d", lambda: nn.ReplicationPad1d(2), normal(2, 3, 5))
case("CircularPad1d", lambda: nn.CircularPad1d(2), normal(2, 3, 5))
for spatial, modes in ((1, ("nearest", "nearest-exact", "linear", "area")), (2, ("nearest", "nearest-exact", "bilinear", "bicubic", "area")),
                       (3, ("nearest", "nearest-exact", "trilinear", "area"))):
    sizes = (2, 3, 4, 5, 6)[:spatial + 2]
    for mode in modes:
        corners = (None, True) if "linear" in mode or mode == "bicubic" else (None,)
        for aligned in corners:
            title = "%s %d-D%s" % (mode, spatial, " aligned" if aligned else "")
            case("Upsample " + title, lambda mode=mode, aligned=aligned: nn.Upsample(scale_factor=2, mode=mode, align_corners=aligned), normal(*sizes))
            case("interpolate %s to 3" % title, function(lambda x, mode=mode, aligned=aligned: F.interpolate(x, 3, mode=mode, align_corners=aligned)),
                 normal(*sizes))
case("interpolate by 1.7", function(lambda x: F.interpolate(x, scale_factor=1.7, mode="bilinear")), normal(2, 3, 4, 5))
case("interpolate bf16", function(lambda x: F.interpolate(x, scale_factor=1.7, mode="bicubic")), narrow(normal(2, 3, 4, 5)), float64=False)
case("antialiased", function(lambda x: F.interpolate(x, 3, mode="bilinear", antialias=True)), normal(2, 3, 8, 8), float64=False)
for spatial, sizes, grid in ((2, (2, 3, 4, 5), (2, 3, 3, 2)), (3, (2, 3, 4, 5, 3), (2, 3, 2, 3, 3))):
    for mode in ("bilinear", "nearest") + (("bicubic",) if spatial == 2 else ()):
        for padding in ("zeros", "border", "reflection"):
            for aligned in (False, True):
                case("grid_sample %d-D %s %s%s" % (spatial, mode, padding, " aligned" if aligned else ""), function(
                    lambda x, g, mode=mode, padding=padding, aligned=aligned: F.grid_sample(x, g, mode, padding, aligned)), normal(*sizes), normal(*grid),
                     tolerance=1e-3)
case("grid_sample bf16", function(lambda x, g: F.grid_sample(x, g.tanh(), align_corners=False)), narrow(normal(2, 3, 4, 5)), narrow(normal(2, 3, 3, 2)), float64=False)
case("affine_grid", function(lambda x, t: F.grid_sample(x, F.affine_grid(t, (2, 3, 6, 5), align_corners=False), align_corners=False)),
     normal(2, 3, 4, 5), normal(2, 2, 3), tolerance=1e-3)

# Embeddings and positions.
case("Embedding", lambda: nn.Embedding(11, 6), whole(11, 4, 7))
case("Embedding padded", lambda: nn.Embedding(11, 6, padding_idx=2), whole(11, 4, 7))
case("Embedding by frequency", lambda: nn.Embedding(11, 6, scale_grad_by_freq=True), whole(11, 4, 7))
for mode in ("sum", "mean", "max"):
    case("EmbeddingBag " + mode, lambda mode=mode: nn.EmbeddingBag(11, 6, mode=mode), whole(11, 4, 7))
    case("EmbeddingBag %s offsets" % mode, lambda mode=mode: nn.EmbeddingBag(11, 6, mode=mode, padding_idx=3), whole(11, 20), lambda: torch.tensor([0, 4, 4, 11]))
case("EmbeddingBag weights", function(lambda i, w, x: F.embedding_bag(i, x, per_sample_weights=w, mode="sum")), whole(11, 4, 7), normal(4, 7), normal(11, 6))
case("EmbeddingBag last offset", function(lambda i, x: F.embedding_bag(i, x, torch.tensor([0, 3, 9, 12], device=i.device), include_last_offset=True)), whole(11, 12), normal(11, 6))
# torch's own kernel for the CPU divides by the frequency of another index than the row's.
case("EmbeddingBag by frequency", lambda: nn.EmbeddingBag(11, 6, scale_grad_by_freq=True), whole(11, 4, 7), float64=False)
case("EmbeddingBag by frequency, by hand", function(lambda i, x: F.embedding(i, x, scale_grad_by_freq=True).mean(1)), whole(11, 4, 7), normal(11, 6))
case("EmbeddingBag bf16", lambda: nn.EmbeddingBag(11, 6).bfloat16(), whole(11, 4, 7), float64=False)
case("one_hot", function(lambda i, x: F.one_hot(i, 11).to(x.dtype) @ x), whole(11, 4, 7), normal(11, 3))
case("index", function(lambda x, i: x[i]), normal(11, 6), whole(11, 20))
case("index two", function(lambda x, i: x[:, i, i]), normal(3, 6, 6), whole(6, 20))
case("index mask", function(lambda x: x[x > 0]), normal(11, 6))
case("index_select", function(lambda x, i: x.index_select(1, i)), normal(3, 11, 6), whole(11, 20))
case("gather", function(lambda x, i: x.gather(1, i)), normal(4, 11), whole(11, 4, 20))
case("take_along_dim", function(lambda x, i: torch.take_along_dim(x, i, 1)), normal(4, 11), whole(11, 4, 20))
case("scatter_add", function(lambda x, i: torch.zeros(4, 11, device=x.device).to(x.dtype).scatter_add(1, i, x)), normal(4, 20), whole(11, 4, 20))
case("scatter", function(lambda x, i: torch.zeros(4, 11, device=x.device).to(x.dtype).scatter(1, i, 2.5) * x), normal(4, 11), whole(11, 4, 5))
case("index_add", function(lambda x, i: torch.zeros(11, 6, device=x.device).to(x.dtype).index_add(0, i, x)), normal(20, 6), whole(11, 20))
case("index_put accumulate", function(lambda x, i: torch.zeros(11, 6, device=x.device).to(x.dtype).index_put((i,), x, True)), normal(20, 6), whole(11, 20))
case("index assign", function(lambda x: torch.cat([x, x]).index_fill(1, torch.tensor([1], device=x.device), 3.0)), normal(4, 6))
case("roll flip", function(lambda x: x.roll(2, 0).flip(1)), normal(4, 6))
case("repeat_interleave", function(lambda x: x.repeat_interleave(3, 0)), normal(4, 6))
case("masked_fill", function(lambda x: x.masked_fill(x < 0, -1e9).softmax(-1)), normal(4, 6))
case("where", function(lambda a, b: torch.where(a > b, a, b * 2)), normal(4, 6), normal(4, 6, seed=8))
case("tril", function(lambda x: x.tril(-1) + x.triu(1)), normal(6, 6))
case("unfold", function(lambda x: x.unfold(1, 3, 2)), normal(4, 9))
case("cat stack", function(lambda a, b: torch.stack([torch.cat([a, b], 1), torch.cat([b, a], 1)])), normal(4, 6), normal(4, 3))

# Reductions.
for name in ("sum", "mean", "prod", "var", "std", "amax", "amin", "norm", "logsumexp", "cumsum", "cumprod"):
    dims = {"norm": {"dim": -1}, "prod": {"dim": -1}}.get(name, {"dim": -1})
    case(name, function(lambda x, name=name, dims=dims: getattr(torch, name)(x, **dims)), positive(5, 1500 if name != "cumprod" and name != "prod" else 9), tolerance=2e-3)
for name in ("sum", "mean", "var", "std", "max", "min", "norm", "median"):
    case(name if name == "median" else "full " + name, function(lambda x, name=name: getattr(torch, name)(x)), normal(5, 301), tolerance=2e-3)
case("max dim", function(lambda x: torch.max(x, 1)[0]), normal(5, 301))
case("max two", function(torch.maximum), normal(5, 31), normal(5, 31, seed=8))
case("sort", function(lambda x: torch.sort(x, 1)[0]), normal(5, 301))
case("topk", function(lambda x: torch.topk(x, 7, 1)[0]), normal(5, 301))
case("cummax", function(lambda x: torch.cummax(x, 1)[0]), normal(5, 30))
case("diff", function(lambda x: x.diff(dim=1)), normal(5, 30))
case("cosine_similarity", function(F.cosine_similarity), normal(5, 30), normal(5, 30, seed=8))
case("pairwise_distance", function(F.pairwise_distance), normal(5, 30), normal(5, 30, seed=8))
for p in (0.5, 1, 2, 3, float("inf")):
    case("cdist %s" % p, function(lambda a, b, p=p: torch.cdist(a, b, p)), normal(2, 5, 30), normal(4, 30), tolerance=1e-3)
case("var_mean", function(lambda x: torch.var_mean(x, 1)[0] + torch.var_mean(x, 1)[1]), normal(5, 30))
case("trace", function(torch.trace), normal(6, 6))
case("clip_grad_norm", function(lambda x: x * (1 / (torch.nn.utils.get_total_norm([x.detach(), x.detach()]) + 1e-6))), normal(5, 30))

# Elementary functions.
for name in ("exp", "expm1", "exp2", "sin", "cos", "tan", "atan", "sinh", "cosh", "tanh", "asinh", "erf", "erfc", "sigmoid", "abs", "neg", "square",
             "sgn", "floor", "round", "frac"):
    case(name, function(getattr(torch, name)), normal(5, 33), tolerance=1e-3)
for name in ("log", "log2", "log10", "log1p", "sqrt", "rsqrt", "reciprocal"):
    case(name, function(getattr(torch, name)), positive(5, 33), tolerance=1e-3)
for name in ("asin", "acos", "atanh", "logit", "erfinv"):
    case(name, function(getattr(torch, name)), unit(5, 33), tolerance=1e-3)
for exponent in (2, 3, 0.5, -1, 1.7, 0):
    case("pow %s" % exponent, function(lambda x, e=exponent: x ** e), positive(5, 33), tolerance=1e-3)
case("pow tensors", function(torch.pow), positive(5, 33), normal(5, 33), tolerance=1e-3)
case("2 ** x", function(lambda x: 2 ** x), normal(5, 33))
case("atan2", function(torch.atan2), normal(5, 33), normal(5, 33, seed=8))
case("hypot", function(torch.hypot), normal(5, 33), normal(5, 33, seed=8))
case("fmod remainder", function(lambda a: torch.fmod(a, 0.3) + torch.remainder(a, 0.7)), normal(5, 33), tolerance=1e-3)
case("scalars", function(lambda x: (1 - x) * 0.1 + 2 / (x.abs() + 1) - x / 3), normal(5, 33))
case("broadcast", function(lambda a, b: a * b + a.sum(1, keepdim=True) / b), normal(5, 1), positive(33))
case("in place", function(lambda x: x.clone().add_(1).mul_(x).clamp_(min=-1, max=2)), normal(5, 33))
case("lerp", function(lambda a, b: torch.lerp(a, b, 0.3) + torch.lerp(a, b, b)), normal(5, 33), normal(5, 33, seed=8))
case("addcmul addcdiv", function(lambda a, b, c: torch.addcmul(a, b, c, value=0.5) + torch.addcdiv(a, b, c + 0.1, value=2)), normal(5, 33), normal(5, 33, seed=8), positive(5, 33))
case("bf16 mixed", function(lambda a, b: a * b + a), narrow(normal(5, 33)), normal(5, 33, seed=8), float64=False)
case("nan_to_num", function(lambda x: torch.nan_to_num((x - 0.5) / 0.0)), unit(3, 4), float64=False)
case("real and complex", function(lambda a, b: torch.view_as_real(torch.polar(a, b) * torch.polar(b, a))), positive(5, 33), positive(5, 33), float64=False)

for name, f, inputs in (
        ("logaddexp", torch.logaddexp, (normal(5, 33), normal(5, 33, seed=8))), ("sinc", torch.sinc, (normal(5, 33),)),
        ("entr", torch.special.entr, (positive(5, 33),)), ("nansum", lambda x: torch.nansum(x, 1), (normal(5, 33),)),
        ("cross", torch.linalg.cross, (normal(5, 3), normal(5, 3, seed=8))), ("addr", lambda c, a, b: torch.addr(c, a, b, beta=0.5, alpha=2), (normal(5, 7), normal(5), normal(7))),
        ("addbmm", lambda c, a, b: torch.addbmm(c, a, b, beta=0.5), (normal(5, 7), normal(3, 5, 4), normal(3, 4, 7))),
        ("vdot", torch.vdot, (normal(300), normal(300, seed=8))), ("dist", torch.dist, (normal(5, 33), normal(5, 33, seed=8))),
        ("masked_scatter", lambda x, y: x.masked_scatter(x > 0, y), (normal(5, 33), normal(165, seed=8))),
        ("rot90", lambda x: x.rot90(), (normal(5, 33),)), ("block_diag", torch.block_diag, (normal(5, 3), normal(2, 4))),
        ("hann_window", lambda x: x * torch.hann_window(33, device=x.device, dtype=x.dtype), (normal(5, 33),))):
    case(name, function(f), *inputs, tolerance=1e-3)
case("aminmax", function(lambda x: torch.stack(torch.aminmax(x, dim=1))), normal(5, 33), float64=False)  # torch has no derivative of it
case("heaviside", function(lambda x, v: torch.heaviside(x.detach(), v.detach()) * x), normal(5, 33), normal(5, 33, seed=8))
case("weight_norm", lambda: nn.utils.parametrizations.weight_norm(nn.Linear(37, 19)), normal(5, 37))
case("spectral_norm", lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(7, 5)), normal(5, 7), tolerance=1e-3)

# Losses.
case("MSELoss", nn.MSELoss, normal(5, 33), normal(5, 33, seed=8))
case("MSELoss sum", lambda: nn.MSELoss(reduction="sum"), normal(5, 33), normal(5, 33, seed=8))
case("L1Loss", nn.L1Loss, normal(5, 33), normal(5, 33, seed=8))
case("SmoothL1Loss", nn.SmoothL1Loss, normal(5, 33), normal(5, 33, seed=8))
case("HuberLoss", nn.HuberLoss, normal(5, 33), normal(5, 33, seed=8))
case("BCELoss", nn.BCELoss, unit(5, 33), unit(5, 33))
case("BCEWithLogitsLoss", nn.BCEWithLogitsLoss, normal(5, 33), unit(5, 33))
case("CrossEntropyLoss", nn.CrossEntropyLoss, normal(7, 33), whole(33, 7))
case("CrossEntropyLoss smooth", lambda: nn.CrossEntropyLoss(label_smoothing=0.1), normal(7, 33), whole(33, 7))
case("CrossEntropyLoss images", nn.CrossEntropyLoss, normal(2, 5, 3, 4), whole(5, 2, 3, 4))
case("CrossEntropyLoss ignored", lambda: nn.CrossEntropyLoss(ignore_index=3), normal(17, 5), whole(5, 17))
case("CrossEntropyLoss weights", lambda: nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2, 3, 4, 5])), normal(17, 5), whole(5, 17))
case("CrossEntropyLoss bf16", nn.CrossEntropyLoss, narrow(normal(7, 33)), whole(33, 7), float64=False)
case("NLLLoss none", lambda: nn.NLLLoss(reduction="none"), normal(7, 33), whole(33, 7))
case("KLDivLoss", lambda: nn.KLDivLoss(reduction="batchmean"), normal(5, 33), unit(5, 33))
case("PoissonNLLLoss", nn.PoissonNLLLoss, normal(5, 33), positive(5, 33))
case("GaussianNLLLoss", nn.GaussianNLLLoss, normal(5, 33), normal(5, 33, seed=8), positive(5, 33))
case("HingeEmbeddingLoss", nn.HingeEmbeddingLoss, normal(5, 33), signs := (lambda: torch.sign(torch.randn(5, 33, generator=torch.Generator().manual_seed(1)))))
case("SoftMarginLoss", nn.SoftMarginLoss, normal(5, 33), lambda: whole(2, 5, 33)() * 2 - 1)
case("MarginRankingLoss", nn.MarginRankingLoss, normal(33), normal(33, seed=8), lambda: signs()[0])
case("TripletMarginLoss", nn.TripletMarginLoss, normal(5, 33), normal(5, 33, seed=8), normal(5, 33, seed=11))
case("CosineEmbeddingLoss", nn.CosineEmbeddingLoss, normal(33, 5), normal(33, 5, seed=8), lambda: signs()[0])
case("MultiLabelSoftMarginLoss", nn.MultiLabelSoftMarginLoss, normal(5, 33), unit(5, 33))
case("MultiMarginLoss", nn.MultiMarginLoss, normal(7, 33), whole(33, 7))
case("MultiMarginLoss squared", lambda: nn.MultiMarginLoss(2, 0.5, torch.linspace(0.1, 2, 33), reduction="none"), normal(7, 33), whole(33, 7))
case("MultiLabelMarginLoss", nn.MultiLabelMarginLoss, normal(7, 6), lambda: torch.where(torch.arange(6) < whole(6, 7, 1)(), torch.arange(7).unsqueeze(1).add(torch.arange(6)) % 6, -1))
case("CTCLoss", function(lambda x, t: F.ctc_loss(x.log_softmax(-1), t, [12, 10, 3], [4, 5, 2])), normal(12, 3, 7), lambda: whole(6, 3, 5)() + 1)
case("CTCLoss joined", function(lambda x, t: F.ctc_loss(x.log_softmax(-1), t, torch.tensor([12, 10, 3]), torch.tensor([4, 5, 2]), blank=6, reduction="sum")), normal(12, 3, 7), whole(6, 11))
case("CTCLoss impossible", function(lambda x, t: F.ctc_loss(x.log_softmax(-1), t, [3, 10, 2], [4, 5, 2], reduction="none", zero_infinity=True)), normal(12, 3, 7), lambda: torch.ones(3, 5, dtype=torch.long))
case("CTCLoss unbatched", function(lambda x, t: F.ctc_loss(x.log_softmax(-1), t, torch.tensor(12), torch.tensor(4))), normal(12, 7), lambda: whole(6, 4)() + 1)

# Attention and recurrent layers.
case("attention", function(F.scaled_dot_product_attention), normal(2, 3, 7, 8), normal(2, 3, 9, 8), normal(2, 3, 9, 8, seed=8))
case("attention causal", function(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True)), normal(2, 3, 7, 8), normal(2, 3, 7, 8, seed=5), normal(2, 3, 7, 8, seed=8))
case("attention masked", function(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, attn_mask=(k[..., :1].transpose(-1, -2) > -0.8).expand(2, 3, 7, 7))), normal(2, 3, 7, 8), normal(2, 3, 7, 8, seed=5), normal(2, 3, 7, 8, seed=8))
case("attention bf16", function(F.scaled_dot_product_attention), narrow(normal(2, 3, 7, 8)), narrow(normal(2, 3, 9, 8)), narrow(normal(2, 3, 9, 8, seed=8)), float64=False)
case("attention dropout", function(lambda q: F.scaled_dot_product_attention(q, q, q, dropout_p=0.3)), normal(2, 3, 7, 8), float64=False)
case("MultiheadAttention", lambda: Taking(nn.MultiheadAttention(12, 3, batch_first=True), 3), normal(2, 5, 12))
case("TransformerEncoderLayer", lambda: nn.TransformerEncoderLayer(12, 3, 24, dropout=0.0, batch_first=True), normal(2, 5, 12), tolerance=1e-3)
case("TransformerEncoderLayer dropout", lambda: nn.TransformerEncoderLayer(12, 3, 24, dropout=0.1), normal(5, 2, 12), float64=False)
case("TransformerDecoderLayer", lambda: nn.TransformerDecoderLayer(12, 3, 24, dropout=0.0), normal(5, 2, 12), normal(6, 2, 12), tolerance=1e-3)
for name in ("RNNCell", "LSTMCell", "GRUCell"):
    case(name, lambda name=name: First(getattr(nn, name)(5, 7)), normal(3, 5))
for name in ("RNN", "LSTM", "GRU"):
    case(name, lambda name=name: First(getattr(nn, name)(5, 7)), normal(6, 3, 5))
    case(name + " 2 layers", lambda name=name: First(getattr(nn, name)(5, 7, num_layers=2, bidirectional=True, batch_first=True)), normal(3, 6, 5))
    case(name + " packed", lambda name=name: Packed(getattr(nn, name)(5, 7, bidirectional=True)), normal(6, 3, 5))
case("LSTM dropout", lambda: First(nn.LSTM(5, 7, num_layers=2, dropout=0.4)), normal(6, 3, 5), float64=False)
case("RNN relu", lambda: First(nn.RNN(5, 7, nonlinearity="relu")), normal(6, 3, 5))

# Random numbers.
case("Dropout", lambda: nn.Dropout(0.3), normal(5, 33), float64=False)
case("Dropout in place", function(lambda x: F.dropout(x * 1, 0.3, True, True)), normal(5, 33), float64=False)
case("Dropout bf16", lambda: nn.Dropout(0.3), narrow(normal(5, 33)), float64=False)
case("Dropout1d", lambda: nn.Dropout1d(0.3), normal(5, 4, 33), float64=False)
case("AlphaDropout", lambda: nn.AlphaDropout(0.3), normal(5, 33), float64=False)
case("FeatureAlphaDropout", lambda: nn.FeatureAlphaDropout(0.3), normal(5, 4, 33), float64=False)
case("RReLU eval", lambda: nn.RReLU().eval(), normal(5, 33))
case("RReLU", lambda: nn.RReLU(), normal(5, 33), float64=False)
case("RReLU in place", function(lambda x: F.rrelu(x * 1, training=True, inplace=True)), normal(5, 33), float64=False)
case("random fills", function(lambda x: x * torch.randn_like(x) + torch.rand_like(x) + torch.empty_like(x).exponential_() + torch.randint_like(x, 9)), normal(5, 33), float64=False)
case("bernoulli", function(lambda x: x * torch.bernoulli(x.detach())), unit(5, 33), float64=False)
case("multinomial", function(lambda x: x.gather(1, torch.multinomial(x.detach(), 4, True))), unit(5, 33), float64=False)
case("randperm", function(lambda x: x[torch.randperm(5, device=x.device)]), normal(5, 33), float64=False)

# Types outside the contract.
case("float16 add", function(lambda x: (x.half() + 1).float()), normal(5), float64=False)
case("linalg solve", function(lambda x: torch.linalg.solve(x, x)), normal(5, 5), float64=False)
case("float64 exp", function(lambda x: x.double().exp().float()), normal(5), float64=False)


class First(nn.Module):
    """The first tensor of what a module gives."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, x):
        y = self.module(x)
        return y[0] if isinstance(y, tuple) else y


class Taking(First):
    """One tensor in place of several."""

    def __init__(self, module, times):
        super().__init__(module)
        self.times = times

    def forward(self, x):
        return self.module(*[x] * self.times)[0]


class Packed(First):
    """Sequences of lengths 6, 4, 1."""

    def forward(self, x):
        y, _ = self.module(nn.utils.rnn.pack_padded_sequence(x, torch.tensor([6, 4, 1])))
        return nn.utils.rnn.pad_packed_sequence(y)[0]


def run(make, inputs, device, double=False):
    """Output, gradients of inputs and parameters, buffers."""
    torch.manual_seed(11)
    module = make()
    given = [make_input() for make_input in inputs]
    if double:
        given = [t.double() if t.is_floating_point() else t for t in given]
        module = module.double() if isinstance(module, nn.Module) else module
    given = [t.to(device) for t in given]
    module = module.to(device) if isinstance(module, nn.Module) else module
    for t in given:
        if t.is_floating_point():
            t.requires_grad_()
    out = module(*given)
    results = [out.detach()]
    if out.requires_grad:
        weights = torch.linspace(-1, 2, out.numel()).to(device).view(out.shape).to(out.dtype)
        (out * weights).sum().backward()
    results += [t.grad for t in given if t.grad is not None]
    results = [torch.zeros_like(r) if torch._is_zerotensor(r) else r for r in results]
    if isinstance(module, nn.Module):
        results += [p.grad for p in module.parameters() if p.grad is not None] + [b.clone() for b in module.buffers()]
    return results


def gradients_by_strides(make, inputs):
    """Gradients for a gradient of ones: contiguous, one element that stands for all, and in another order of memory."""
    torch.manual_seed(11)
    module = make()
    given = [t.requires_grad_() if t.is_floating_point() else t for t in (make_input() for make_input in inputs)]
    out = module(*given)
    if not out.requires_grad:
        return []
    wanted = [t for t in given if t.requires_grad] + (list(module.parameters()) if isinstance(module, nn.Module) else [])
    ones = torch.ones_like(out, memory_format=torch.contiguous_format)
    turned = torch.ones(out.shape[::-1], dtype=out.dtype).permute(list(range(out.dim() - 1, -1, -1)))
    return [[torch.zeros_like(t) if g is None else torch.clone(g) for g, t in zip(
        torch.autograd.grad(out, wanted, one, retain_graph=True, allow_unused=True), wanted)] for one in (ones, ones.new_ones(()).expand_as(out), turned)]


def near(found, expected, tolerance):
    scale = max(1.0, float(expected.abs().max())) if expected.numel() else 1.0
    return expected.numel() == 0 or float((found.double() - expected.double()).abs().max()) <= tolerance * scale


def strictly(name, make, inputs, device):
    """Results, or None when an operator is refused (and says which)."""
    torch.ops.assay.set_strict(True)
    try:
        return run(make, inputs, device)
    except NotImplementedError as error:
        if options.verbose or name not in REFUSED:
            print("refused: %s: %s" % (name, str(error).split(". Schema")[0]))
        return None


digests, usual_threads = {}, torch.get_num_threads()
for name, make, inputs, float64, tolerance in CASES:
    if (options.only and options.only not in name) or (options.leave_out and options.leave_out in name):
        continue
    results = attempt(name, lambda: strictly(name, make, inputs, "cpu"))
    digests[name] = digest([r for r in results]) if results else "refused"
    if options.emit:
        continue
    check((digests[name] == "refused") == (name in REFUSED), "%s: expected %s, found %s" % (
        name, "refused" if name in REFUSED else "covered", "refused" if digests[name] == "refused" else "covered"))
    if results is None:
        continue
    for threads in (1, 2, 16):
        torch.set_num_threads(threads)
        for i, (a, b) in enumerate(zip(strictly(name, make, inputs, "cpu"), results)):
            same(a, b, "%s, result %d, %d threads" % (name, i, threads))
    torch.set_num_threads(usual_threads)
    strided = attempt(name + ", gradients by strides", lambda: gradients_by_strides(make, inputs)) or [[]]
    for found in strided[1:]:
        for i, (a, b) in enumerate(zip(found, strided[0])):
            same(a, b, "%s, gradient %d, a gradient of other strides" % (name, i))
    if options.device == "cuda":
        on_cuda = attempt(name + " on CUDA", lambda: strictly(name, make, inputs, "cuda"))
        for i, (a, b) in enumerate(zip(on_cuda or [], results)):
            same(a, b, "%s, result %d, CUDA against CPU" % (name, i))
        check(on_cuda is not None and len(on_cuda) == len(results), "%s: covered on CUDA as on the CPU" % name)
    if float64:
        torch.ops.assay.set_strict(False)
        exact = attempt(name + " in float64", lambda: run(make, inputs, "cpu", double=True))
        for i, (a, b) in enumerate(zip(results, exact or [])):
            if a.is_floating_point():
                check(near(a, b, tolerance), "%s, result %d: far from float64: %s, expected %s" % (
                    name, i, a.reshape(-1)[:3].tolist(), b.reshape(-1)[:3].tolist()))

if options.emit:
    print(json.dumps(digests))
    sys.exit(0)
covered = sum(d != "refused" for d in digests.values())
for level in ("portable", "avx2", "avx512"):
    done = subprocess.run([sys.executable, __file__, "--library", options.library, "--device", "cpu", "--emit", "--only", options.only,
                           "--leave_out", options.leave_out],
                          capture_output=True, text=True, env=dict(os.environ, ASSAY_KERNELS_CPU=level, PYTHONHASHSEED="0"))
    try:
        other = json.loads(done.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError):
        other = {}
    differ = [n for n in digests if other.get(n) != digests[n]]
    check(not differ, "%s: bits differ from %s: %s %s" % (level, torch.ops.assay.cpu_level(), differ[:20], done.stderr[-500:]))
print("%d cases: %d covered, %d refused" % (len(digests), covered, len(digests) - covered))
finish("modules")
