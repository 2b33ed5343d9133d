"""A gated linear recurrence with one decay a channel."""
import math

import torch
import torch.nn as nn


class DecayGate(nn.Module):
    def __init__(self, width: int, low: float = 0.9, high: float = 0.999) -> None:
        super().__init__()
        start = torch.linspace(math.log(low / (1 - low)), math.log(high / (1 - high)), width)
        self.logit = nn.Parameter(start)
        self.proj = nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.logit + self.proj(x))


class GatedRecurrence(nn.Module):
    def __init__(self, width: int = 768, expand: int = 2, eps: float = 1e-6) -> None:
        super().__init__()
        inner = width * expand
        self.up = nn.Linear(width, inner, bias=False)
        self.side = nn.Linear(width, inner, bias=False)
        self.down = nn.Linear(inner, width, bias=False)
        self.gate = DecayGate(inner)
        self.eps = eps

    def scan(self, x: torch.Tensor, decay: torch.Tensor) -> torch.Tensor:
        state = torch.zeros_like(x[:, 0])
        out = torch.empty_like(x)
        for t in range(x.shape[1]):
            state = decay[:, t] * state + (1.0 - decay[:, t]) * x[:, t]
            out[:, t] = state
        return out

    def norm(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        u = self.up(self.norm(x))
        h = self.scan(u, self.gate(u))
        return x + self.down(h * torch.nn.functional.silu(self.side(x)))
