"""Gradients of the library, on fp32 and bf16, beside those of torch's own float64 operators on the same numbers; on the CPU, and on CUDA
where a device is."""
from support import arguments, attempt, check, finish, torch

import torch.nn.functional as F

options = arguments(__doc__.splitlines()[0], only={"default": ""})
CASES = []


def case(name, function, *sizes, make=torch.randn, narrow=True, tolerance=2e-5, integers=()):
    """function(*tensors): tensors of `sizes` made by `make`, then the integer ones. `tolerance`: of fp32, of the largest element."""
    CASES.append((name, function, sizes, make, narrow, tolerance, integers))


def positive(*sizes, generator):
    return torch.rand(*sizes, generator=generator) + 0.1


def unit(*sizes, generator):
    return torch.rand(*sizes, generator=generator) * 0.9 + 0.05


def whole(high, *sizes):
    return lambda generator: torch.randint(high, sizes, generator=generator)


def rms_norm(x, w):
    """torch has none in float64 for the CPU, once it is one operator."""
    if x.dtype is torch.float64:
        return x * (x * x).mean(-1, keepdim=True).add(1e-5).rsqrt() * w
    return F.rms_norm(x, w.shape, w, 1e-5)


# Reductions: below, at and above a block of the sum, along rows, columns and all.
for n in (7, 1024, 5000):
    for dims in ((1,), (0,), (0, 1)):
        where = "%d along %s" % (n, dims)
        for name in ("sum", "mean", "var", "std", "amax", "logsumexp"):
            f = getattr(torch, name)
            case("%s %s" % (name, where), lambda x, f=f, dims=dims: f(x, dim=dims), (3, n) if dims != (0,) else (n, 3), tolerance=1e-4)
    for p in (1, 2, 3, 0.5, float("inf")):
        case("norm %s of %d" % (p, n), lambda x, p=p: torch.linalg.vector_norm(x, p, dim=1), (3, n), tolerance=1e-3, make=positive)
    case("cumsum %d" % n, lambda x: x.cumsum(1), (3, n), tolerance=1e-4)
case("prod", lambda x: x.prod(1), (5, 9), tolerance=1e-4)
case("cumprod", lambda x: x.cumprod(1), (5, 9), make=positive, tolerance=1e-4)
case("median", lambda x: x.median(1)[0], (5, 31))
case("sort", lambda x: x.sort(1)[0], (5, 300))

# Norms.
for n in (33, 1024, 3000):
    case("layer_norm %d" % n, lambda x, w, b: F.layer_norm(x, w.shape, w, b), (9, n), (n,), (n,), tolerance=1e-4)
    case("rms_norm %d" % n, rms_norm, (9, n), (n,), tolerance=1e-4)
case("layer_norm down 2000 rows", lambda x, w, b: F.layer_norm(x, w.shape, w, b), (2000, 8), (8,), (8,), tolerance=1e-4)
case("group_norm", lambda x, w, b: F.group_norm(x, 2, w, b), (3, 6, 50), (6,), (6,), tolerance=1e-4)
case("batch_norm", lambda x, w, b: F.batch_norm(x, None, None, w, b, True), (8, 6, 50), (6,), (6,), tolerance=1e-4)
case("instance_norm", lambda x: F.instance_norm(x), (3, 6, 50), tolerance=1e-4)
case("normalize", lambda x: F.normalize(x), (5, 300), tolerance=1e-4)

# Softmax and losses.
for n in (5, 1025, 3000):
    case("softmax %d" % n, lambda x: x.softmax(1), (3, n), tolerance=1e-4)
    case("log_softmax %d" % n, lambda x: x.log_softmax(1), (3, n), tolerance=1e-4)
    case("cross_entropy %d" % n, lambda x, t: F.cross_entropy(x, t), (40, n), integers=(whole(n, 40),), tolerance=1e-4)
case("cross_entropy of 3000 rows", lambda x, t: F.cross_entropy(x, t, reduction="sum"), (3000, 7), integers=(whole(7, 3000),), tolerance=1e-4)
case("cross_entropy smooth", lambda x, t: F.cross_entropy(x, t, label_smoothing=0.1), (40, 30), integers=(whole(30, 40),), tolerance=1e-4)
case("nll_loss", lambda x, t: F.nll_loss(x, t), (40, 30), integers=(whole(30, 40),))
for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "poisson_nll_loss"):
    case(name, lambda x, y, f=getattr(F, name): f(x, y), (40, 50), (40, 50), make=unit)
case("kl_div", lambda x, y: F.kl_div(x, y, reduction="batchmean"), (40, 50), (40, 50), make=unit)
case("soft_margin_loss", lambda x, y: F.soft_margin_loss(x, y.detach().sign()) + y.sum() * 0, (40, 50), (40, 50))
case("binary_cross_entropy", lambda x, y: F.binary_cross_entropy(x, y), (40, 50), (40, 50), make=unit, narrow=False)
case("with logits", lambda x, y: F.binary_cross_entropy_with_logits(x, y), (40, 50), (40, 50))
case("cosine", lambda x, y: F.cosine_similarity(x, y), (40, 50), (40, 50), tolerance=1e-4)
case("triplet", lambda x, y, z: F.triplet_margin_loss(x, y, z), (40, 50), (40, 50), (40, 50), tolerance=1e-4)
case("margins", lambda x, t: F.multi_margin_loss(x, t), (40, 30), integers=(whole(30, 40),))
case("ctc", lambda x, t: F.ctc_loss(x.log_softmax(-1), t + 1, [50, 31], [9, 12]), (50, 2, 11), integers=(whole(10, 2, 12),), narrow=False, tolerance=1e-4)

# Products and convolutions.
for m, k, n in ((3, 5, 2), (64, 300, 70), (5, 5000, 4)):
    case("mm %dx%dx%d" % (m, k, n), torch.mm, (m, k), (k, n), tolerance=1e-4)
case("linear", F.linear, (6, 7, 40), (30, 40), (30,), tolerance=1e-4)
case("bmm", torch.bmm, (5, 40, 30), (5, 30, 20), tolerance=1e-4)
case("baddbmm", lambda a, b, c: torch.baddbmm(a, b, c, beta=0.3, alpha=1.7), (5, 4, 2), (5, 4, 30), (5, 30, 2), tolerance=1e-4)
case("bilinear", F.bilinear, (9, 5), (9, 6), (4, 5, 6), tolerance=1e-4)
case("attention", lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), (2, 3, 20, 16), (2, 3, 20, 16), (2, 3, 20, 16), tolerance=1e-4)
case("conv1d depthwise", lambda x, w, b: F.conv1d(x, w, b, padding=3, groups=6), (2, 6, 300), (6, 1, 4), (6,), tolerance=1e-4)
case("conv1d long", lambda x, w: F.conv1d(x, w, padding=199, groups=3), (2, 3, 200), (3, 1, 200), tolerance=1e-4)
case("conv2d", lambda x, w, b: F.conv2d(x, w, b, stride=2, padding=1), (3, 4, 30, 31), (5, 4, 3, 3), (5,), tolerance=1e-4)
case("conv3d", lambda x, w: F.conv3d(x, w, dilation=2), (2, 3, 7, 8, 9), (4, 3, 2, 2, 2), tolerance=1e-4)
case("conv_transpose2d", lambda x, w: F.conv_transpose2d(x, w, stride=2, groups=2), (2, 4, 9, 8), (4, 3, 3, 3), tolerance=1e-4)
case("avg_pool2d", lambda x: F.avg_pool2d(x, 3, 2, 1), (2, 3, 20, 21))
case("max_pool2d", lambda x: F.max_pool2d(x, 3, 2, 1), (2, 3, 20, 21))
case("adaptive_max_pool2d", lambda x: F.adaptive_max_pool2d(x, (3, 4)), (2, 3, 20, 21))
case("unfold fold", lambda x: F.fold(F.unfold(x, 3) ** 2, (20, 21), 3), (2, 3, 20, 21))
for mode in ("nearest", "bilinear", "bicubic"):
    case("interpolate " + mode, lambda x, mode=mode: F.interpolate(x, (31, 9), mode=mode), (2, 3, 20, 21), tolerance=1e-4)
    case("grid_sample " + mode, lambda x, g, mode=mode: F.grid_sample(x, g, mode, "reflection", True), (2, 3, 20, 21), (2, 9, 8, 2), narrow=False, tolerance=1e-3)
case("fft", lambda x: torch.view_as_real(torch.fft.rfft(x)), (3, 120), narrow=False, tolerance=1e-4)

# Indices.
case("embedding", lambda w, i: F.embedding(i, w), (11, 6), integers=(whole(11, 700),), tolerance=1e-4)
case("embedding_bag", lambda w, i: F.embedding_bag(i, w), (11, 6), integers=(whole(11, 30, 20),), tolerance=1e-4)
case("index_add", lambda x, i: torch.zeros(7, 6, device=x.device, dtype=x.dtype).index_add(0, i, x), (90, 6), integers=(whole(7, 90),))
case("index", lambda x, i: x[i], (7, 6), integers=(whole(7, 900),), tolerance=1e-4)
case("gather", lambda x, i: x.gather(1, i), (4, 11), integers=(whole(11, 4, 300),), tolerance=1e-4)

# Pointwise.
for name in ("exp", "expm1", "exp2", "sin", "cos", "tanh", "sinh", "cosh", "asinh", "erf", "erfc", "sigmoid", "abs", "square", "neg", "atan"):
    case(name, getattr(torch, name), (5, 333), tolerance=1e-4)
for name in ("log", "log2", "log10", "log1p", "sqrt", "rsqrt", "reciprocal", "asin", "acos", "atanh", "logit"):
    case(name, getattr(torch, name), (5, 333), make=unit, tolerance=1e-4)
for name in ("gelu", "silu", "mish", "elu", "selu", "celu", "softplus", "logsigmoid", "leaky_relu", "relu", "hardswish", "hardsigmoid", "softsign", "tanhshrink"):
    case(name, getattr(F, name), (5, 333), tolerance=1e-4)
case("gelu tanh", lambda x: F.gelu(x, approximate="tanh"), (5, 333), tolerance=1e-4)
case("glu", F.glu, (5, 334), tolerance=1e-4)
for name in ("add", "sub", "mul", "div", "atan2", "hypot", "maximum", "minimum", "pow", "lerp"):
    f = getattr(torch, name)
    case(name, (lambda a, b, f=f: f(a, b, 0.3)) if name == "lerp" else f, (5, 333), (5, 333), make=positive, tolerance=1e-4)
case("broadcast", lambda a, b: a * b, (5, 1, 7), (333, 1), tolerance=1e-4)
case("addcdiv", lambda a, b, c: torch.addcdiv(a, b, c, value=0.7), (5, 333), (5, 333), (5, 333), make=positive, tolerance=1e-4)


def gradients(function, given, integers):
    given = [t.detach().clone().requires_grad_() for t in given]
    y = function(*given, *integers)
    weights = torch.linspace(-1, 2, y.numel(), dtype=torch.float32).view(y.shape).to(y.device, y.dtype)
    return torch.autograd.grad((y * weights).sum(), given)


def far(found, exact):
    """The largest error, of the largest element."""
    scale = max(float(exact.abs().max()), 1e-6) if exact.numel() else 1.0
    return float((found.cpu().double() - exact).abs().max()) / scale if exact.numel() else 0.0


checked = 0
for name, function, sizes, make, narrow, tolerance, integers in CASES:
    if options.only not in name:
        continue
    generator = torch.Generator().manual_seed(sum(map(ord, name)))
    torch.ops.assay.set_strict(True)
    numbers = [make(*size, generator=generator) for size in sizes]
    lists = [make_list(generator) for make_list in integers]
    for dtype in (torch.float32, torch.bfloat16) if narrow else (torch.float32,):
        given = [t.to(dtype) for t in numbers]
        torch.ops.assay.set_strict(False)
        exact = attempt(name + " in float64", lambda: gradients(function, [t.double() for t in given], lists))
        torch.ops.assay.set_strict(True)
        # bf16: each step between two operators rounds to 8 bits, and sums over many of them leave a part of that.
        most = tolerance if dtype is torch.float32 else 0.06
        for device in ("cpu", "cuda") if options.device == "cuda" else ("cpu",):
            title = "%s, %s on %s" % (name, str(dtype)[6:], device)
            found = attempt(title, lambda: gradients(function, [t.to(device) for t in given], [t.to(device) for t in lists]))
            for i, (a, b) in enumerate(zip(found or [], exact or [])):
                torch.ops.assay.set_strict(False)
                error = far(a, b)
                torch.ops.assay.set_strict(True)
                check(error <= most, "%s, gradient %d: expected an error of at most %.1e of the largest element, found %.1e" % (
                    title, i, most, error))
                checked += 1
print("%d gradients of %d functions" % (checked, len(CASES)))
check(checked > 0, "there are gradients")
finish("gradients")
