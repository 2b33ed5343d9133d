"""Native baselines in their shell against the mathematics: the first loss, and the first step's gradient norm, beside a float64 model
that walks the recurrence token by token (S *= exp(g); S += k (beta (v - S^T k))^T; o = S^T q), from the same weights."""
import hashlib
import json
import os
import struct
import tempfile

import torch
import torch.nn.functional as F

from support import Run, arguments, check, finish, recipe

options = arguments(__doc__)
HEADS, WIDTH, LENGTH = 2, 32, 70


def weights(path):
    """Parameters of a checkpoint, in float64."""
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(size))
        data = file.read()
    made = {}
    for name, entry in header.items():
        if name.startswith("parameter/"):
            begin, end = entry["data_offsets"]
            flat = torch.frombuffer(bytearray(data[begin:end]), dtype=torch.float32)
            made[name[10:]] = flat.reshape(entry["shape"]).double().requires_grad_()
    return made


def rms(x, weight, eps=1e-5):
    return x / torch.sqrt((x * x).mean(-1, keepdim=True) + eps) * weight


def projected(x, p, name):
    columns = F.pad((x @ p[name + ".linear.weight"].T).transpose(1, 2), (3, 0))
    return F.silu(F.conv1d(columns, p[name + ".conv.weight"], groups=columns.shape[1])).transpose(1, 2)


def heads(x):
    return x.reshape(*x.shape[:2], HEADS, -1).transpose(1, 2)


def mixed(x, p, negative, gated):
    unit = lambda t: t / torch.sqrt((t * t).sum(-1, keepdim=True) + 1e-6)
    q, k, v = (heads(projected(x, p, name)) for name in "qkv")
    q, k = unit(q) / (q.shape[-1] ** 0.5), unit(k)
    beta = torch.sigmoid(x @ p["beta.weight"].T).transpose(1, 2) * (2 if negative else 1)
    g = None
    if gated:
        g = (-torch.exp(p["a_log"]) * F.softplus(x @ p["decay.weight"].T + p["dt_bias"])).transpose(1, 2)
    S, rows = q.new_zeros(*q.shape[:2], q.shape[-1], v.shape[-1]), []
    for t in range(x.shape[1]):
        if gated:
            S = S * torch.exp(g[:, :, t])[..., None, None]
        old = (S * k[:, :, t, :, None]).sum(-2)
        S = S + k[:, :, t, :, None] * (beta[:, :, t, None] * (v[:, :, t] - old))[..., None, :]
        rows.append((S * q[:, :, t, :, None]).sum(-2))
    o = rms(torch.stack(rows, 1), p["norm"])
    if gated:
        o = o * F.silu((x @ p["gate.weight"].T).reshape(o.shape))
    return o.reshape(*x.shape[:2], -1) @ p["out.weight"].T


def loss_of(p, tokens, negative, gated):
    x = p["embedding.weight"][tokens[:-1]][None]
    for layer in range(2):
        of = {name[len("layers.%d." % layer):]: value for name, value in p.items() if name.startswith("layers.%d." % layer)}
        own = {name[6:]: value for name, value in of.items() if name.startswith("mixer.")}
        x = x + mixed(rms(x, of["norm.weight"]), own, negative, gated)
        y = rms(x, of["mlp_norm.weight"])
        x = x + (F.silu(y @ of["mlp.gate.weight"].T) * (y @ of["mlp.up.weight"].T)) @ of["mlp.down.weight"].T
    return F.cross_entropy((rms(x, p["norm.weight"]) @ p["head.weight"].T)[0], tokens[1:])


text = bytes((i * i * 7 + i) % 64 for i in range(LENGTH + 1))  # a row and one more: every batch is this text
with tempfile.NamedTemporaryFile(delete=False) as file:
    file.write(text)
tokens = torch.tensor(list(text))
for name, its in (("deltanet", {}), ("deltanet", {"allow_neg_eigval": True}), ("gated_deltanet", {"expand_v": 2.0})):
    made = recipe(options.runner, mixer={"kind": "baseline", "name": name, "options": its}, steps=1,
                  task={"name": "bytes", "seed": 1, "held_out": 0, "files": {"text": hashlib.sha256(text).hexdigest()}},
                  batch={"rows": 1, "length": LENGTH}, evaluation={"every": 0}, shell={"d_model": WIDTH, "heads": HEADS})
    run = Run(options.runner, made, data={"text": file.name})
    if not check(run.status == 0, "%s: %r" % (name, run.problem)):
        continue
    p = weights(run.checkpoint(0))
    expected = loss_of(p, tokens, its.get("allow_neg_eigval", False), name == "gated_deltanet")
    expected.backward()
    norm = torch.sqrt(sum((value.grad ** 2).sum() for value in p.values())).item()
    step = run.of("step")[0]
    found = struct.unpack(">f", bytes.fromhex(step["grad_norm"]))[0]
    check(abs(step["loss_value"] / expected.item() - 1) < 1e-6, "%s %r: loss: expected %.9g, found %.9g" % (
        name, its, expected.item(), step["loss_value"]))
    check(abs(found / norm - 1) < 2e-5, "%s %r: gradient norm: expected %.9g, found %.9g" % (name, its, norm, found))
os.unlink(file.name)
finish("recurrence")
