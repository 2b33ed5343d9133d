"""Stand-ins for the parts of fla 0.2.2 that published programs import, in plain PyTorch: fla itself is Triton, which reaches no
operator of ATen. install() puts them where `import fla` looks. Formulas in fp32, results in the input's type."""
import sys
import types

import torch
import torch.nn as nn
import torch.nn.functional as F


def l2norm(x, eps=1e-6, output_dtype=None):
    """x / sqrt(sum x^2 + eps) over the last dimension."""
    wide = x.float()
    return (wide / torch.sqrt((wide * wide).sum(-1, keepdim=True) + eps)).to(output_dtype or x.dtype)


def _rms(x, eps):
    wide = x.float()
    return wide * (1 / torch.sqrt((wide * wide).mean(-1, keepdim=True) + eps))


class RMSNorm(nn.Module):
    """x * 1/sqrt(mean x^2 + eps) * weight."""

    def __init__(self, hidden_size, elementwise_affine=True, bias=False, eps=1e-5, **_):
        super().__init__()
        self.hidden_size, self.eps = hidden_size, eps
        self.weight = nn.Parameter(torch.ones(hidden_size)) if elementwise_affine else None
        self.bias = nn.Parameter(torch.zeros(hidden_size)) if bias else None

    def forward(self, x, residual=None, prenorm=False, **_):
        if residual is not None:
            x = x + residual
        y = _rms(x, self.eps)
        if self.weight is not None:
            y = y * self.weight.float()
        if self.bias is not None:
            y = y + self.bias.float()
        y = y.to(x.dtype)
        return (y, x) if prenorm else y


class FusedRMSNormGated(nn.Module):
    """rmsnorm(x) * weight * g * sigmoid(g)."""

    def __init__(self, hidden_size, elementwise_affine=True, eps=1e-5, activation="swish", **_):
        super().__init__()
        if activation not in ("swish", "silu", "sigmoid"):
            raise ValueError("FusedRMSNormGated: activation: expected swish, silu or sigmoid, found %r" % activation)
        self.hidden_size, self.eps, self.activation = hidden_size, eps, activation
        self.weight = nn.Parameter(torch.ones(hidden_size)) if elementwise_affine else None

    def forward(self, x, g, **_):
        y = _rms(x, self.eps)
        if self.weight is not None:
            y = y * self.weight.float()
        gate = g.float()
        if self.activation != "sigmoid":
            y = y * gate
        return (y * torch.sigmoid(gate)).to(x.dtype)


class ShortConvolution(nn.Conv1d):
    """Causal depthwise convolution: y_t = sum_i w_i x_{t-k+1+i}, then silu in fp32. x: (batch, length, channels)."""

    def __init__(self, hidden_size, kernel_size, bias=False, activation="silu", use_fast_conv1d=True, **_):
        super().__init__(hidden_size, hidden_size, kernel_size, groups=hidden_size, bias=bias, padding=kernel_size - 1)
        if activation not in (None, "silu", "swish"):
            raise ValueError("ShortConvolution: activation: expected silu, swish or None, found %r" % activation)
        self.hidden_size, self.activation = hidden_size, activation

    def forward(self, x, mask=None, cache=None, output_final_state=False, cu_seqlens=None, **_):
        if mask is not None:
            x = x * mask.unsqueeze(-1)
        columns = x.transpose(1, 2)
        width = self.kernel_size[0]
        y = F.conv1d(F.pad(columns, (width - 1, 0)), self.weight, self.bias, groups=self.hidden_size).transpose(1, 2)
        if self.activation is not None:
            y = F.silu(y.float()).to(x.dtype)
        state = F.pad(columns, (max(0, width - columns.shape[-1]), 0))[..., -width:] if output_final_state else cache
        return y, state


def get_unpad_data(attention_mask):
    """Flat positions of ones, cumulative lengths (int32) with a leading 0, the longest length."""
    lengths = attention_mask.sum(dim=-1, dtype=torch.int32)
    indices = torch.nonzero(attention_mask.flatten(), as_tuple=False).flatten()
    return indices, F.pad(torch.cumsum(lengths, dim=0, dtype=torch.int32), (1, 0)), int(lengths.max().item())


def index_first_axis(x, indices):
    return x[indices]


def pad_input(hidden_states, indices, batch_size, seq_len):
    out = hidden_states.new_zeros((batch_size * seq_len,) + tuple(hidden_states.shape[1:]))
    out = out.index_put((indices,), hidden_states)
    return out.view((batch_size, seq_len) + tuple(hidden_states.shape[1:]))


class Cache:
    """Only its name is used: no published program is trained with a cache."""


def _module(name, **members):
    module = types.ModuleType(name)
    for key, value in members.items():
        setattr(module, key, value)
    sys.modules[name] = module
    return module


def install():
    norm = _module("fla.modules.l2norm", l2norm=l2norm)
    modules = _module("fla.modules", l2norm=norm, RMSNorm=RMSNorm, FusedRMSNormGated=FusedRMSNormGated,
                      ShortConvolution=ShortConvolution)
    utils = _module("fla.layers.utils", get_unpad_data=get_unpad_data, index_first_axis=index_first_axis, pad_input=pad_input)
    cache = _module("fla.models.utils", Cache=Cache)
    layers = _module("fla.layers", utils=utils)
    models = _module("fla.models", utils=cache)
    for package in (modules, layers, models):
        package.__path__ = []
    fla = _module("fla", modules=modules, layers=layers, models=models)
    fla.__path__ = []
    torch.compile = lambda model=None, **_: (lambda function: function) if model is None else model
