"""An ordinary training script. The first line after the imports is all that makes its bits those of the contract: run it with
--device cpu and --device cuda, on any machine and any number of threads, and the last line is the same."""
import argparse
import hashlib

import torch
import torch.nn.functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--library", required=True)
parser.add_argument("--device", default="cpu")
parser.add_argument("--steps", type=int, default=100)
options = parser.parse_args()

torch.ops.load_library(options.library)
torch.manual_seed(1)
model = torch.nn.Sequential(torch.nn.Embedding(64, 32), torch.nn.Linear(32, 96), torch.nn.GELU(), torch.nn.Linear(96, 32),
                            torch.nn.LayerNorm(32), torch.nn.Linear(32, 64)).to(options.device)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for step in range(options.steps):
    tokens = ((torch.randint(64, (8, 1)) + 3 * torch.arange(17)) % 64).to(options.device)
    loss = F.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
weights = b"".join(bytes(p.detach().cpu().view(torch.uint8).flatten().tolist()) for p in model.parameters())
print("loss %.6f, weights %s" % (loss.item(), hashlib.sha256(weights).hexdigest()))
