"""The delta rule with decay, behind a short causal convolution.

A depthwise convolution over four tokens lets a key carry what stood just before it: recall needs the pair (key, next
token), and a mixer that sees single tokens has to spend a layer on shifting. What is read is normalised a head and
multiplied by a gate that the token sets, so that a token that asks nothing gets nothing.

Before a value is written, what the state already answers to its key is read and subtracted, so that a key that comes
again replaces its value. A write strength between 0 and 1 comes from the token. The state decays a little at each
token, so that what no key ever corrects fades. Keys and queries have length one; then no normaliser is needed.
"""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F


class ShortConvolution(nn.Module):
    """Depthwise, causal, [batch, time, width] to the same. Starts as the identity."""

    def __init__(self, width: int, taps: int = 4):
        super().__init__()
        self.taps = taps
        self.weight = nn.Parameter(torch.zeros(width, 1, taps))
        with torch.no_grad():
            self.weight[:, 0, -1] = 1.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        padded = F.pad(x.transpose(1, 2), (self.taps - 1, 0))
        return F.conv1d(padded, self.weight, groups=self.weight.shape[0]).transpose(1, 2)


class HeadNorm(nn.Module):
    """Root mean square normalisation of each head's output, one scale a channel."""

    def __init__(self, heads: int, head_width: int, eps: float = 1e-5):
        super().__init__()
        self.eps = eps
        self.scale = nn.Parameter(torch.ones(heads, 1, head_width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.scale


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
        self.conv_q = ShortConvolution(width)
        self.conv_k = ShortConvolution(width)
        self.conv_v = ShortConvolution(width)
        self.to_beta = nn.Linear(width, heads, bias=True)
        self.to_gate = nn.Linear(width, width, bias=False)
        self.norm = HeadNorm(heads, self.head_width)
        self.to_out = nn.Linear(width, width, bias=False)
        self.decay_logit = nn.Parameter(torch.empty(heads))
        self.reset_parameters()

    def reset_parameters(self):
        for layer in (self.to_q, self.to_k, self.to_v, self.to_gate, self.to_out):
            nn.init.normal_(layer.weight, std=1.0 / math.sqrt(layer.in_features))
        constants = torch.logspace(math.log10(16.0), math.log10(256.0), self.heads)
        with torch.no_grad():
            self.decay_logit.copy_(torch.logit(torch.exp(-1.0 / constants)))
        nn.init.zeros_(self.to_beta.bias)
        nn.init.normal_(self.to_beta.weight, std=0.02)

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
        """SiLU, then length one: the delta rule is a projection only for unit keys."""
        return F.normalize(F.silu(x), dim=-1)

    def recur(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, beta: torch.Tensor) -> torch.Tensor:
        """The recurrence over time, one token a step. beta: [batch, heads, time]."""
        batch, heads, time, width = q.shape
        state = q.new_zeros(batch, heads, width, width)
        decay = torch.sigmoid(self.decay_logit).view(1, heads, 1, 1)
        outputs = []
        for t in range(time):
            k_t, v_t, q_t = k[:, :, t], v[:, :, t], q[:, :, t]
            state = decay * state
            known = torch.einsum("bhk,bhkv->bhv", k_t, state)
            change = beta[:, :, t].unsqueeze(-1) * (v_t - known)
            state = state + k_t.unsqueeze(-1) * change.unsqueeze(-2)
            outputs.append(torch.einsum("bhk,bhkv->bhv", q_t, state))
        return torch.stack(outputs, dim=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q = self.feature(self.split(self.conv_q(self.to_q(x))))
        k = self.feature(self.split(self.conv_k(self.to_k(x))))
        v = self.split(F.silu(self.conv_v(self.to_v(x))))
        beta = torch.sigmoid(self.to_beta(x)).transpose(1, 2)
        read = self.merge(self.norm(self.recur(q, k, v, beta)))
        return self.to_out(read * F.silu(self.to_gate(x)))
