"""The fused delta rule equals the chunk form on the library's own operators, bit for bit, forward and backward; CPU equals CUDA; and both
are close to the recurrence in float64."""
import delta_form
from support import arguments, attempt, check, finish, same, torch

options = arguments(__doc__)
FORMS = {False: (delta_form.delta_rule, torch.ops.assay.delta_rule), True: (delta_form.gated_delta_rule, torch.ops.assay.gated_delta_rule)}


def inputs(batch, heads, length, dk, dv, gated, dtype=torch.float32, kind=""):
    generator = torch.Generator().manual_seed(length + dk + 2 * dv)

    def uniform(*sizes):
        return torch.rand(*sizes, generator=generator)

    def unit(*sizes):
        x = uniform(*sizes) - 0.5
        return x / (x * x).sum(-1, keepdim=True).sqrt()

    # As programs have them: heads behind rows in memory.
    q, k = (unit(batch, length, heads, dk).transpose(1, 2) for _ in range(2))
    v = (3 * uniform(batch, length, heads, dv) - 1.5).transpose(1, 2)
    beta, g = uniform(batch, heads, length), -0.3 * uniform(batch, heads, length)
    if kind == "zeros":
        beta, v, q, k = beta.clone(), v.clone(), q.clone(), k.clone()
        beta[..., ::3] = 0
        k[..., 5:9, :] = 0
        k[..., :3, :] = -0.0
        v[..., 10:20, :] = -0.0
        q[..., 3:8, :] = -0.0
    if kind == "tiny":
        k = k * 1e-22
    if kind == "infinite":
        v, k = v.clone(), k.clone()
        v[0, 0, 3, 0] = float("inf")
        k[0, 0, length // 2, 0] = float("nan")
    if kind == "infinite key":
        k = k.clone()
        k[0, 0, min(7, length - 1), 0] = float("inf")
    return [t.to(dtype) for t in ((q, k, v, g, beta) if gated else (q, k, v, beta))]


def signal(like, kind):
    x = (torch.arange(like.numel()) * 7919 % 1013 / 1013 - 0.5).reshape(like.shape).to(like.dtype)
    if kind == "zeros":
        x[..., ::4, :] = -0.0
    return x.to(like.device)


def run(form, tensors, given, kind=""):
    """Results and gradients; `given`: which of o and the state have a gradient."""
    leaves = [t.detach().clone(memory_format=torch.preserve_format).requires_grad_() for t in tensors]
    o, state = form(*leaves)
    outputs = [t for t, name in ((o, "o"), (state, "state")) if name in given]
    grads = torch.autograd.grad(outputs, leaves, [signal(t, kind) for t in outputs], allow_unused=True)
    return [o, state, *grads]


def compare(found, expected, gated, text):
    names = ["o", "state", "dq", "dk", "dv", *(["dg"] if gated else []), "dbeta"]
    for name, a, b in zip(names, found, expected):
        if a is None or b is None:
            check(a is None and b is None, "%s, %s: expected %s" % (text, name, "none" if b is None else "a gradient"))
        else:
            same(a, b, "%s, %s" % (text, name))


def cases():
    for gated in (False, True):
        for length in (1, 32, 70, 128):
            for given in (("o",), ("state",), ("o", "state")):
                for kind in ("", "zeros"):
                    yield (2, 2, length, 16, 24), gated, torch.float32, given, kind
        yield (1, 2, 100, 64, 64), gated, torch.float32, ("o",), ""
        yield (1, 1, 64, 130, 40), gated, torch.float32, ("o",), ""
        yield (1, 1, 40, 1, 1), gated, torch.float32, ("o", "state"), ""
        for kind in ("tiny", "infinite", "infinite key"):
            yield (1, 2, 70, 16, 24), gated, torch.float32, ("o",), kind
        yield (1, 2, 70, 16, 24), gated, torch.bfloat16, ("o",), ""
        yield (1, 2, 100, 32, 32), gated, torch.bfloat16, ("o", "state"), "zeros"


def equal_to_the_form():
    for sizes, gated, dtype, given, kind in cases():
        text = "%s %s %s, gradient of %s%s" % (
            "gated" if gated else "plain", sizes, str(dtype)[6:], " and ".join(given), kind and ", " + kind)
        tensors = inputs(*sizes, gated, dtype, kind)
        form, fused = FORMS[gated]
        expected = run(form, tensors, given, kind)
        compare(run(fused, tensors, given, kind), expected, gated, text)
        if options.device == "cuda":
            there = [t.cuda() for t in tensors]
            compare(run(fused, there, given, kind), expected, gated, text + ", fused on CUDA")
            compare(run(form, there, given, kind), expected, gated, text + ", the form on CUDA")


def rms(x):
    return (x.double() ** 2).mean().sqrt().item()


def close_to_the_recurrence():
    """The recurrence in float64 runs before the library's strict mode would stop it: it is torch's own arithmetic."""
    torch.ops.assay.set_strict(False)
    for gated in (False, True):
        tensors = inputs(2, 2, 256, 64, 64, gated)
        found = run(FORMS[gated][1], tensors, ("o",))
        q, k, v, *rest = (t.double().requires_grad_() for t in tensors)
        g, beta = rest if gated else (None, rest[0])
        o, state = delta_form.recurrence(q, k, v, g, beta)
        expected = [o, state, *torch.autograd.grad([o], [q, k, v, *rest], [signal(found[0], "").double()])]
        for name, a, b in zip(("o", "state", "dq", "dk", "dv", "dg" if gated else "dbeta", "dbeta"), found, expected):
            error = rms(a.double() - b) / rms(b)
            check(error < 2e-6, "%s %s: relative rms %.2g from the recurrence in float64" % ("gated" if gated else "plain", name, error))
            print("  %s %-6s relative rms from float64: %.2g" % ("gated" if gated else "plain", name, error))
    torch.ops.assay.set_strict(True)


def without_gradients():
    for gated in (False, True):
        tensors = inputs(1, 2, 70, 16, 24, gated)
        kept = FORMS[gated][1](*(t.requires_grad_() for t in tensors))
        with torch.no_grad():
            for a, b in zip(FORMS[gated][1](*tensors), kept):
                same(a, b, "nothing kept")
                check(not a.requires_grad and b.requires_grad, "gradients where they are asked for")


def errors():
    q, k, v, beta = inputs(1, 2, 70, 16, 24, False)
    for text, call in {
        "argument 'k': expected sizes [1, 2, 70, 16], found [1, 2, 70, 15]": lambda: (q, k[..., :15], v, beta),
        "argument 'beta': expected Float as q is, found BFloat16": lambda: (q, k, v, beta.bfloat16()),
        "argument 'q': expected float32 or bfloat16, found Double": lambda: (q.double(), k, v, beta),
        "argument 'v': expected (batch, heads, length, width)": lambda: (q, k, v[0], beta),
        "argument 'q': expected a width of 1 to 256, found 300": lambda: (q.repeat(1, 1, 1, 20)[..., :300], k, v, beta),
    }.items():
        try:
            torch.ops.assay.delta_rule(*call())
            check(False, "no error: " + text)
        except RuntimeError as error:
            check(text in str(error), "expected %r, found %r" % (text, str(error).splitlines()[0]))
    leaf = q.clone().requires_grad_()
    try:
        o, _ = torch.ops.assay.delta_rule(leaf, k, v, beta)
        torch.autograd.grad(o.sum(), leaf, create_graph=True)
        check(False, "no error for a second derivative")
    except NotImplementedError as error:
        check("is not covered" in str(error), str(error).splitlines()[0])


def empty():
    for gated in (False, True):
        tensors = inputs(1, 2, 0, 16, 24, gated)
        o, state, *grads = run(FORMS[gated][1], tensors, ("o", "state"))
        check(o.shape == (1, 2, 0, 24) and not state.any() and all(t.numel() == 0 for t in grads), "length 0")


for check_ in (equal_to_the_form, without_gradients, errors, empty, close_to_the_recurrence):
    attempt(check_.__name__, check_)
finish("delta rule")
