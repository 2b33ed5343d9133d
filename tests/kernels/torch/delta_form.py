"""The chunked delta rule as programs write it: what the fused operators are defined by (docs/determinism.md, R10).

`delta_rule` is the form that most published programs share: chunks of 32 rows, k and v times beta first, the inverse of (I + A) by a
loop over its rows. They normalise q and k inside, row by row, which is left to the caller here: the bits are the same. Per sequence it
computes S += k (beta (v - S^T k))^T, o = S^T q. `gated_delta_rule` lets the state decay first, S *= exp(g), and takes exp(G_i - G_j)
only where i >= j."""
import torch
import torch.nn.functional as F

CHUNK = 32


def _filled(q, k, v, *columns):
    missing = -q.shape[2] % CHUNK
    if missing:
        q, k, v = (F.pad(t, (0, 0, 0, missing)) for t in (q, k, v))
        columns = tuple(F.pad(t, (0, missing)) for t in columns)
    return (q, k, v, *columns)


def _chunks(t):
    return t.reshape(*t.shape[:2], t.shape[2] // CHUNK, CHUNK, *t.shape[3:])


def _upper(device, diagonal):
    return torch.triu(torch.ones(CHUNK, CHUNK, dtype=torch.bool, device=device), diagonal)


def _inverse(attn):
    for i in range(1, CHUNK):
        attn[..., i, :i] += (attn[..., i, :, None].clone() * attn[..., :, :i].clone()).sum(-2)
    return attn + torch.eye(CHUNK, dtype=attn.dtype, device=attn.device)


def delta_rule(q, k, v, beta):
    """q, k: (batch, heads, length, dk); v: (..., dv); beta: (batch, heads, length). Gives o like v, and S: (batch, heads, dk, dv)."""
    length = q.shape[2]
    q, k, v, beta = _filled(q, k, v, beta)
    v = v * beta[..., None]
    k_beta = k * beta[..., None]
    q, k, v, k_beta = map(_chunks, (q, k, v, k_beta))
    attn = -(k_beta @ k.transpose(-1, -2)).masked_fill(_upper(q.device, 0), 0)
    attn = _inverse(attn)
    u = attn @ v
    w = attn @ k_beta
    S = k.new_zeros(*k.shape[:2], k.shape[-1], v.shape[-1])
    o = torch.zeros_like(v)
    later = _upper(q.device, 1)
    for n in range(q.shape[2]):
        q_i, k_i = q[:, :, n], k[:, :, n]
        local = (q_i @ k_i.transpose(-1, -2)).masked_fill_(later, 0)
        u_i = u[:, :, n] - w[:, :, n] @ S
        o[:, :, n] = q_i @ S + local @ u_i
        S = S + k_i.transpose(-1, -2) @ u_i
    o = o.reshape(*o.shape[:2], o.shape[2] * CHUNK, o.shape[-1])
    return o[:, :, :length], S


def gated_delta_rule(q, k, v, g, beta):
    """The same with g: (batch, heads, length), the logarithm of what is left of the state."""
    length = q.shape[2]
    q, k, v, g, beta = _filled(q, k, v, g, beta)
    v = v * beta[..., None]
    k_beta = k * beta[..., None]
    q, k, v, k_beta = map(_chunks, (q, k, v, k_beta))
    later = _upper(q.device, 1)
    G = _chunks(g).cumsum(-1)
    decay = (G[..., :, None] - G[..., None, :]).masked_fill(later, 0).exp()
    attn = -((k_beta @ k.transpose(-1, -2)) * decay).masked_fill(_upper(q.device, 0), 0)
    attn = _inverse(attn)
    grown = G.exp()[..., None]
    left = (G[..., -1:] - G).exp()[..., None]
    u = attn @ v
    w = attn @ (k_beta * grown)
    q_grown = q * grown
    k_left = k * left
    S = k.new_zeros(*k.shape[:2], k.shape[-1], v.shape[-1])
    o = torch.zeros_like(v)
    for n in range(q.shape[2]):
        q_i, k_i = q[:, :, n], k[:, :, n]
        local = ((q_i @ k_i.transpose(-1, -2)) * decay[:, :, n]).masked_fill_(later, 0)
        u_i = u[:, :, n] - w[:, :, n] @ S
        o[:, :, n] = q_grown[:, :, n] @ S + local @ u_i
        S = S * grown[:, :, n, -1:] + k_left[:, :, n].transpose(-1, -2) @ u_i
    o = o.reshape(*o.shape[:2], o.shape[2] * CHUNK, o.shape[-1])
    return o[:, :, :length], S


def recurrence(q, k, v, g, beta):
    """Step by step, in the inputs' type: for a comparison in float64. g may be None."""
    S = q.new_zeros(*q.shape[:2], q.shape[-1], v.shape[-1])
    outputs = []
    for t in range(q.shape[2]):
        if g is not None:
            S = S * g[:, :, t, None, None].exp()
        old = (S * k[:, :, t, :, None]).sum(-2)
        S = S + k[:, :, t, :, None] * (beta[:, :, t, None] * (v[:, :, t] - old))[..., None, :]
        outputs.append((S * q[:, :, t, :, None]).sum(-2))
    return torch.stack(outputs, 2), S
