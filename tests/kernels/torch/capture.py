"""A training step in a CUDA graph, with two optimizers: replayed, it gives the weights that the same steps give eagerly, and that the CPU gives. GPU only."""
import sys

from support import arguments, attempt, check, digest, finish, torch

import torch.nn as nn
import torch.nn.functional as F

options = arguments(__doc__)
if options.device != "cuda":
    print("SKIPPED: no CUDA device: graphs are captured on one only")
    sys.exit(77)
torch.ops.assay.set_strict(True)
BATCH, LENGTH, WIDTH, WORDS = 4, 32, 48, 61
WARM, STEPS = 3, 20


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(WORDS, WIDTH)
        self.convolution = nn.Conv1d(WIDTH, WIDTH, 4, groups=WIDTH, padding=3)
        self.norm = nn.LayerNorm(WIDTH)
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.after = nn.RMSNorm(WIDTH)
        self.head = nn.Linear(WIDTH, WORDS)

    def forward(self, words):
        x = self.embedding(words)
        x = x + F.silu(self.convolution(x.transpose(1, 2))[..., :LENGTH].transpose(1, 2))
        q, k, v = (t.reshape(BATCH, LENGTH, 3, -1).transpose(1, 2) for t in self.qkv(self.norm(x)).chunk(3, -1))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(BATCH, LENGTH, WIDTH)
        x = x + F.gelu(self.out(y))
        return self.head(self.after(x))


def batches():
    generator = torch.Generator().manual_seed(1)
    return [torch.randint(WORDS, (BATCH, LENGTH + 1), generator=generator) for _ in range(WARM + STEPS)]


def step(model, optimizer, words):
    loss = F.cross_entropy(model(words[:, :-1]).reshape(-1, WORDS), words[:, 1:].reshape(-1))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return loss


def sgd(model, device):
    return torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=0.01)


def fused_adamw(model, device):
    """Two lists, whose steps the device counts."""
    wide, narrow = ([p for p in model.parameters() if (p.dim() > 1) == kind] for kind in (True, False))
    groups = [{"params": wide, "weight_decay": 0.1}, {"params": narrow, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=0.003, fused=True, capturable=device == "cuda")


def start(device, optimizer):
    torch.manual_seed(7)
    model = Model().to(device)
    return model, optimizer(model, device)


def eager(device, kind):
    model, optimizer = start(device, kind)
    for words in batches():
        loss = step(model, optimizer, words.to(device))
    return digest(list(model.parameters()) + [loss])


def captured(kind):
    model, optimizer = start("cuda", kind)
    given = batches()
    words = given[0].cuda()
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for batch in given[:WARM]:
            words.copy_(batch)
            step(model, optimizer, words)
    torch.cuda.current_stream().wait_stream(side)
    optimizer.zero_grad(set_to_none=True)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loss = step(model, optimizer, words)
    for batch in given[WARM:]:
        words.copy_(batch)
        graph.replay()
    torch.cuda.synchronize()
    return digest(list(model.parameters()) + [loss])


for name, kind in (("SGD", sgd), ("fused AdamW", fused_adamw)):
    expected = attempt(name + ", eager on CUDA", lambda: eager("cuda", kind))
    found = attempt(name + ", captured", lambda: captured(kind))
    on_cpu = attempt(name + ", eager on the CPU", lambda: eager("cpu", kind))
    print("%s\neager    %s\ncaptured %s\nCPU      %s" % (name, expected, found, on_cpu))
    check(
        found is not None and found == expected,
        "%s, %d replays of a captured step: expected the weights %s, found %s" % (name, STEPS, expected, found),
    )
    check(
        on_cpu is not None and on_cpu == expected,
        "%s, the same steps on the CPU: expected the weights %s, found %s" % (name, expected, on_cpu),
    )
finish("capture")
