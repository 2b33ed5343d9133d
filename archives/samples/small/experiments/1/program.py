"""Linear attention with a learned decay a head.

The state S forgets: before each write it is multiplied by a number between 0 and 1 that each head learns. Heads start
with time constants from 4 to 64 tokens, so that some look near and some far.
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
        self.decay_logit = nn.Parameter(torch.empty(heads))
        self.reset_parameters()

    def reset_parameters(self):
        for layer in (self.to_q, self.to_k, self.to_v, self.to_out):
            nn.init.normal_(layer.weight, std=1.0 / math.sqrt(layer.in_features))
        constants = torch.logspace(math.log10(4.0), math.log10(64.0), self.heads)
        with torch.no_grad():
            self.decay_logit.copy_(torch.logit(torch.exp(-1.0 / constants)))

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
        decay = torch.sigmoid(self.decay_logit).view(1, heads, 1)
        outputs = []
        for t in range(time):
            k_t, v_t, q_t = k[:, :, t], v[:, :, t], q[:, :, t]
            state = decay.unsqueeze(-1) * state + k_t.unsqueeze(-1) * v_t.unsqueeze(-2)
            total = decay * total + k_t
            read = torch.einsum("bhk,bhkv->bhv", q_t, state)
            norm = (q_t * total).sum(-1, keepdim=True).clamp_min(1e-6)
            outputs.append(read / norm)
        return torch.stack(outputs, dim=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q = self.feature(self.split(self.to_q(x)))
        k = self.feature(self.split(self.to_k(x)))
        v = self.split(self.to_v(x))
        return self.to_out(self.merge(self.recur(q, k, v)))
