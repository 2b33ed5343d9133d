"""The native DeltaNet (replay/baselines/deltanet.cpp) as a candidate would write it: the same parameters drawn in the same order,
so one recipe gives both the same trace. The chunk form is the one that most published programs share."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from einops import rearrange


class Projection(nn.Module):
    def __init__(self, d_model, width, kernel):
        super().__init__()
        self.linear = nn.Linear(d_model, width, bias=False)
        self.conv = nn.Conv1d(width, width, kernel, groups=width, bias=False)

    def forward(self, x):
        columns = F.pad(self.linear(x).transpose(1, 2), (self.conv.weight.shape[2] - 1, 0))
        y = F.conv1d(columns, self.conv.weight, groups=self.conv.weight.shape[0]).transpose(1, 2)
        return F.silu(y.float()).to(x.dtype)


def l2norm(x):
    wide = x.float()
    return (wide / (wide * wide).sum(-1, keepdim=True).add(1e-6).sqrt()).to(x.dtype)


@torch.compile
def delta_rule(q, k, v, beta, chunk=32):
    length = q.shape[2]
    missing = -length % chunk
    if missing:
        q, k, v = (F.pad(t, (0, 0, 0, missing)) for t in (q, k, v))
        beta = F.pad(beta, (0, missing))
    v = v * beta[..., None]
    k_beta = k * beta[..., None]
    q, k, v, k_beta = map(lambda t: rearrange(t, "b h (n c) d -> b h n c d", c=chunk), (q, k, v, k_beta))
    mask = torch.triu(torch.ones(chunk, chunk, dtype=torch.bool, device=q.device), 0)
    attn = -(k_beta @ k.transpose(-1, -2)).masked_fill(mask, 0)
    for i in range(1, chunk):
        attn[..., i, :i] += (attn[..., i, :, None].clone() * attn[..., :, :i].clone()).sum(-2)
    attn = attn + torch.eye(chunk, dtype=attn.dtype, device=q.device)
    u = attn @ v
    w = attn @ k_beta
    S = k.new_zeros(*k.shape[:2], k.shape[-1], v.shape[-1])
    o = torch.zeros_like(v)
    later = torch.triu(torch.ones(chunk, chunk, dtype=torch.bool, device=q.device), 1)
    for n in range(q.shape[2]):
        q_i, k_i = q[:, :, n], k[:, :, n]
        local = (q_i @ k_i.transpose(-1, -2)).masked_fill_(later, 0)
        u_i = u[:, :, n] - w[:, :, n] @ S
        o[:, :, n] = q_i @ S + local @ u_i
        S = S + k_i.transpose(-1, -2) @ u_i
    return rearrange(o, "b h n c d -> b h (n c) d")[:, :, :length], S


class DeltaNet(nn.Module):
    def __init__(self, hidden_size, num_heads, conv_size=4, norm_eps=1e-5, **kwargs):
        super().__init__()
        self.heads, self.eps = num_heads, norm_eps
        self.q = Projection(hidden_size, hidden_size, conv_size)
        self.k = Projection(hidden_size, hidden_size, conv_size)
        self.v = Projection(hidden_size, hidden_size, conv_size)
        self.beta = nn.Linear(hidden_size, num_heads, bias=False)
        self.out = nn.Linear(hidden_size, hidden_size, bias=False)
        self.norm = nn.Parameter(torch.ones(hidden_size // num_heads))

    def forward(self, hidden_states, attention_mask=None, **kwargs):
        q, k, v = (rearrange(part(hidden_states), "b l (h d) -> b h l d", h=self.heads) for part in (self.q, self.k, self.v))
        q = l2norm(q) * (1 / (q.shape[-1] ** 0.5))
        beta = torch.sigmoid(self.beta(hidden_states)).transpose(1, 2)
        o = delta_rule(q, l2norm(k), v, beta)[0].transpose(1, 2)
        y = F.rms_norm(o.float(), (o.shape[-1],), self.norm.float(), self.eps)
        return self.out(rearrange(y, "b l h d -> b l (h d)").to(o.dtype)), None, None
