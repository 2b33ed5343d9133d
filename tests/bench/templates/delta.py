"""A delta-rule token mixer: the state forgets what the new key overwrites."""
from __future__ import annotations

import torch
import torch.nn as nn
import torch.nn.functional as F


def unit(x: torch.Tensor) -> torch.Tensor:
    return F.normalize(x, p=2, dim=-1)


class ShortConv(nn.Module):
    """A causal depthwise convolution over the last few positions."""

    def __init__(self, width: int, size: int = 4) -> None:
        super().__init__()
        self.size = size
        self.weight = nn.Parameter(torch.randn(width, 1, size) * 0.02)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        padded = F.pad(x.transpose(1, 2), (self.size - 1, 0))
        return F.conv1d(padded, self.weight, groups=x.shape[-1]).transpose(1, 2)


class DeltaMixer(nn.Module):
    def __init__(self, width: int = 1024, heads: int = 8) -> None:
        super().__init__()
        self.heads = heads
        self.head_width = width // heads
        self.q_proj = nn.Linear(width, width, bias=False)
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj = nn.Linear(width, width, bias=False)
        self.b_proj = nn.Linear(width, heads, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.conv = ShortConv(width)

    def split(self, x: torch.Tensor) -> torch.Tensor:
        batch, length, _ = x.shape
        return x.view(batch, length, self.heads, self.head_width).transpose(1, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x)
        q = unit(self.split(self.q_proj(x)))
        k = unit(self.split(self.k_proj(x)))
        v = self.split(self.v_proj(x))
        beta = self.b_proj(x).sigmoid().transpose(1, 2).unsqueeze(-1)
        state = x.new_zeros(x.shape[0], self.heads, self.head_width, self.head_width)
        outputs = []
        for t in range(x.shape[1]):
            kt, vt = k[:, :, t], v[:, :, t]
            old = torch.einsum("bhkv,bhk->bhv", state, kt)
            state = state + torch.einsum("bhk,bhv->bhkv", kt, beta[:, :, t] * (vt - old))
            outputs.append(torch.einsum("bhkv,bhk->bhv", state, q[:, :, t]))
        y = torch.stack(outputs, dim=2).transpose(1, 2).reshape(x.shape)
        return self.out(y)
