"""Trains one mixer on associative recall and writes its numbers.

    python3 train.py PROGRAM.py --init 1 --data 7 --out result.json

A sequence is a list of (key, value) pairs, then keys again in another order; the model has to name the value of each.
Scores are the share of right answers on 2,048 questions each with 4, 8 and 16 pairs.
"""

import argparse
import hashlib
import importlib.util
import json

import torch
import torch.nn as nn
import torch.nn.functional as F

KEYS, VALUES, WIDTH, LAYERS, BATCH, STEPS, EVERY = 32, 32, 32, 2, 32, 400, 20


def make_batch(rows: int, pairs: int, generator: torch.Generator):
    """Tokens [rows, 4 * pairs] and targets, -100 where nothing is asked."""
    order = torch.rand(rows, KEYS, generator=generator).argsort(dim=1)[:, :pairs]
    values = torch.randint(VALUES, (rows, pairs), generator=generator)
    asked = torch.rand(rows, pairs, generator=generator).argsort(dim=1)
    questions, answers = order.gather(1, asked), values.gather(1, asked)
    told = torch.stack((order, KEYS + values), dim=2).flatten(1)
    asks = torch.stack((questions, KEYS + answers), dim=2).flatten(1)
    tokens = torch.cat((told, asks), dim=1)
    targets = torch.full_like(tokens, -100)
    targets[:, 2 * pairs :: 2] = answers
    return tokens, targets


class Model(nn.Module):
    def __init__(self, mixer_class):
        super().__init__()
        self.embed = nn.Embedding(KEYS + VALUES, WIDTH)
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(LAYERS))
        self.mixers = nn.ModuleList(mixer_class(WIDTH) for _ in range(LAYERS))
        self.final = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, VALUES)

    def forward(self, tokens):
        x = self.embed(tokens)
        for norm, mixer in zip(self.norms, self.mixers):
            x = x + mixer(norm(x))
        return self.head(self.final(x))


class SoftmaxMixer(nn.Module):
    """The baseline: causal softmax attention of the same width, with rotary positions."""

    def __init__(self, width: int, heads: int = 4):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    @staticmethod
    def rotate(x):
        time, width = x.shape[-2:]
        rate = 1.0 / 100.0 ** (torch.arange(0, width, 2) / width)
        angle = torch.arange(time).unsqueeze(-1) * rate
        a, b = x[..., ::2], x[..., 1::2]
        return torch.cat((a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()), dim=-1)

    def forward(self, x):
        batch, time, width = x.shape
        q, k, v = self.qkv(x).view(batch, time, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(self.rotate(q), self.rotate(k), v, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(batch, time, width))


def load_mixer(path: str):
    if path == "softmax":
        return SoftmaxMixer
    spec = importlib.util.spec_from_file_location("candidate", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.LinearMixer


def evaluate(model, pairs: int) -> float:
    generator = torch.Generator().manual_seed(1000 + pairs)
    tokens, targets = make_batch(2048 // pairs, pairs, generator)
    with torch.no_grad():
        guess = model(tokens).argmax(-1)
    asked = targets >= 0
    return int((guess[asked] == targets[asked]).sum()) / int(asked.sum())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--init", type=int, required=True)
    parser.add_argument("--data", type=int, required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--checkpoint")
    arguments = parser.parse_args()
    torch.manual_seed(arguments.init)
    torch.use_deterministic_algorithms(True)
    model = Model(load_mixer(arguments.program))
    optimiser = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.01)
    generator = torch.Generator().manual_seed(arguments.data)
    digest, curve = hashlib.sha256(), []
    for step in range(1, STEPS + 1):
        pairs = (4, 8, 16)[step % 3]
        tokens, targets = make_batch(BATCH, pairs, generator)
        digest.update(tokens.numpy().astype("<i8").tobytes())
        loss = F.cross_entropy(model(tokens).flatten(0, 1), targets.flatten(), ignore_index=-100)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        if step == 1 or step % EVERY == 0:
            curve.append((step, float(loss)))
    scores = {f"recall_{pairs}": evaluate(model, pairs) for pairs in (4, 8, 16)}
    if arguments.checkpoint:
        from safetensors.torch import save_file

        save_file({name: t.contiguous() for name, t in model.mixers[0].state_dict().items()}, arguments.checkpoint)
    result = {
        "parameters": sum(p.numel() for p in model.parameters()),
        "dataset_sha256": digest.hexdigest(),
        "curve": curve,
        "scores": scores,
        "torch": torch.__version__,
    }
    with open(arguments.out, "w") as file:
        json.dump(result, file)


if __name__ == "__main__":
    main()
