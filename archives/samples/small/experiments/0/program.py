"""Causal linear attention: the recurrent form of attention with a positive feature map.

The state S is a matrix that sums the outer products of all keys and values so far; a query reads from it. The
normaliser z is the running sum of the keys. One token costs the same whatever stands before it.
"""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F


class LinearMixer(nn.Module):
    """Mixes tokens along the sequence. Input and output: [batch, time, width]."""

    def __init__(self, width: int, heads: int = 4):
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} is not a multiple of {heads} heads")
        self.heads = heads
        self.head_width = width // heads
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(width, width, bias=False)
        self.to_v = nn.Linear(width, width, bias=False)
        self.to_out = nn.Linear(width, width, bias=False)
        self.reset_parameters()

    def reset_parameters(self):
        for layer in (self.to_q, self.to_k, self.to_v, self.to_out):
            nn.init.normal_(layer.weight, std=1.0 / math.sqrt(layer.in_features))

    def split(self, x: torch.Tensor) -> torch.Tensor:
        """[batch, time, width] to [batch, heads, time, head width]."""
        batch, time, _ = x.shape
        return x.view(batch, time, self.heads, self.head_width).transpose(1, 2)

    def merge(self, x: torch.Tensor) -> torch.Tensor:
        """The inverse of split."""
        batch, _, time, _ = x.shape
        return x.transpose(1, 2).reshape(batch, time, self.heads * self.head_width)

    @staticmethod
    def feature(x: torch.Tensor) -> torch.Tensor:
        """A positive feature map, so that the normaliser cannot vanish."""
        return F.elu(x) + 1.0

    def recur(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        """The recurrence over time, one token a step."""
        batch, heads, time, width = q.shape
        state = q.new_zeros(batch, heads, width, width)
        total = q.new_zeros(batch, heads, width)
        outputs = []
        for t in range(time):
            k_t, v_t, q_t = k[:, :, t], v[:, :, t], q[:, :, t]
            state = state + k_t.unsqueeze(-1) * v_t.unsqueeze(-2)
            total = total + k_t
            read = torch.einsum("bhk,bhkv->bhv", q_t, state)
            norm = (q_t * total).sum(-1, keepdim=True).clamp_min(1e-6)
            outputs.append(read / norm)
        return torch.stack(outputs, dim=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q = self.feature(self.split(self.to_q(x)))
        k = self.feature(self.split(self.to_k(x)))
        v = self.split(self.to_v(x))
        return self.to_out(self.merge(self.recur(q, k, v)))
