"""Optimizers and gradient clipping: the list forms (foreach, fused) give the bits of the one-tensor form, on CPU and on CUDA.

NAdam is not among them: torch writes its foreach form, the default on CUDA, as another formula. With foreach=False it agrees."""
from support import arguments, attempt, check, finish, same, torch

options = arguments(__doc__)
torch.ops.assay.set_strict(True)
CASES = {
    "AdamW": (torch.optim.AdamW, dict(lr=1e-2, weight_decay=0.1)),
    "AdamW amsgrad": (torch.optim.AdamW, dict(lr=1e-2, amsgrad=True)),
    "AdamW maximize": (torch.optim.AdamW, dict(lr=1e-2, maximize=True)),
    "Adam": (torch.optim.Adam, dict(lr=1e-2, weight_decay=0.1)),
    "SGD": (torch.optim.SGD, dict(lr=1e-2)),
    "SGD momentum": (torch.optim.SGD, dict(lr=1e-2, momentum=0.9, weight_decay=0.1, dampening=0.2)),
    "SGD nesterov": (torch.optim.SGD, dict(lr=1e-2, momentum=0.9, nesterov=True)),
    "RMSprop": (torch.optim.RMSprop, dict(lr=1e-2, momentum=0.5)),
    "Adagrad": (torch.optim.Adagrad, dict(lr=1e-2)),
    "Adamax": (torch.optim.Adamax, dict(lr=1e-2)),
    "RAdam": (torch.optim.RAdam, dict(lr=1e-2)),
}
FUSED = ("AdamW", "AdamW amsgrad", "AdamW maximize", "Adam", "SGD", "SGD momentum", "SGD nesterov")


def train(kind, settings, device, clip, **form):
    torch.manual_seed(2)
    weights = [torch.nn.Parameter(torch.randn(sizes).to(device)) for sizes in ((7, 5), (33,), (3, 4, 5), ())]
    optimizer = kind(weights, **settings, **form)
    for _ in range(7):
        for weight in weights:
            weight.grad = torch.randn(weight.shape).to(device) * 3
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(weights, 1.0, foreach=clip)
        optimizer.step()
    return [weight.detach() for weight in weights]


for name, (kind, settings) in CASES.items():
    expected = attempt(name, lambda: train(kind, settings, "cpu", False, foreach=False))
    if expected is None:
        continue
    check(all(torch.isfinite(w).all() for w in expected), name + ": finite weights")
    for device in dict.fromkeys(("cpu", options.device)):
        forms = [("foreach", dict(foreach=True))] + ([("fused", dict(fused=True))] if name in FUSED else [])
        if device != "cpu":
            forms = [("one tensor", dict(foreach=False))] + forms + [("default", {})]
        for form, settings_of_form in forms:
            found = attempt("%s %s on %s" % (name, form, device), lambda: train(kind, settings, device, True, **settings_of_form))
            for i, (a, b) in enumerate(zip(found or [], expected)):
                same(a, b, "%s, %s on %s, weight %d" % (name, form, device, i))
finish("optimizers")
