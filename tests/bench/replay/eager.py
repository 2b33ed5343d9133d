"""One program in the runner's shell under plain PyTorch: seconds a step, as JSON on standard output. Started by steps.py.

The same stand-ins, sizes and optimizer; torch's own kernels, generators and autograd. --deterministic: a second time with torch's
deterministic algorithms. No TF32. --wait: says `ready` before anything is on the device, and goes on at a line of input."""
import argparse
import json
import os
import statistics
import sys
import time
import types
import warnings

parser = argparse.ArgumentParser(description=__doc__)
for name in ("layers", "d-model", "heads", "vocabulary", "rows", "length", "steps", "threads"):
    parser.add_argument("--" + name, type=int, required=True)
parser.add_argument("--program", required=True)
parser.add_argument("--device", default="cpu")
parser.add_argument("--precision", default="fp32")
parser.add_argument("--deterministic", action="store_true")
parser.add_argument("--wait", action="store_true")
parser.add_argument("--lines", action="store_true", help="a line after each step instead of the median at the end")
options = parser.parse_args()

os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
warnings.simplefilter("ignore")
import torch  # noqa: E402
import torch.nn as nn  # noqa: E402
import torch.nn.functional as F  # noqa: E402

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../replay/python"))
import fla_standins  # noqa: E402

fla_standins.install()
torch.set_num_threads(options.threads)
torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
torch.manual_seed(0)

with open(options.program, encoding="utf-8") as file:
    source = file.read()
module = types.ModuleType("program")
sys.modules["program"] = module
exec(compile(source, "program.py", "exec"), module.__dict__)


class SwiGlu(nn.Module):
    def __init__(self, d):
        super().__init__()
        width = 256 * -(-int(8 * d / 3) // 256)
        self.gate, self.up, self.down = nn.Linear(d, width, False), nn.Linear(d, width, False), nn.Linear(width, d, False)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        d = options.d_model
        self.embedding = nn.Embedding(options.vocabulary, d)
        self.norms = nn.ModuleList(nn.RMSNorm(d, 1e-5) for _ in range(2 * options.layers + 1))
        self.mixers = nn.ModuleList(module.DeltaNet(hidden_size=d, d_model=d, num_heads=options.heads, layer_idx=i)
                                    for i in range(options.layers))
        self.mlps = nn.ModuleList(SwiGlu(d) for _ in range(options.layers))
        self.head = nn.Linear(d, options.vocabulary, False)

    def forward(self, tokens):
        x, auxiliary = self.embedding(tokens), 0
        for i, (mixer, mlp) in enumerate(zip(self.mixers, self.mlps)):
            out = mixer(self.norms[2 * i](x))
            x = x + out[0]
            if isinstance(out[1], torch.Tensor):
                auxiliary = auxiliary + out[1].float().mean()
            x = x + mlp(self.norms[2 * i + 1](x))
        return self.head(self.norms[-1](x)), auxiliary


model = Model()
if options.wait:
    print("ready", flush=True)
    sys.stdin.readline()
masters = [p.detach().clone().to(options.device) for p in model.parameters()]
bf16 = options.precision == "bf16"
model = model.to(options.device, torch.bfloat16 if bf16 else torch.float32)
trained = [(p, m) for p, m in zip(model.parameters(), masters) if p.requires_grad]
optimizer = torch.optim.AdamW([m if bf16 else p for p, m in trained], lr=3e-4, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1)


def step():
    tokens = torch.randint(0, options.vocabulary, (options.rows, options.length + 1)).to(options.device)
    logits, auxiliary = model(tokens[:, :-1])
    loss = F.cross_entropy(logits.float().reshape(-1, options.vocabulary), tokens[:, 1:].reshape(-1)) + auxiliary
    loss.backward()
    if bf16:
        for p, m in trained:
            m.grad = None if p.grad is None else p.grad.float()
    parameters = [m if bf16 else p for p, m in trained if p.grad is not None]
    norm = torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    optimizer.step()
    optimizer.zero_grad()
    if bf16:
        with torch.no_grad():
            for p, m in trained:
                p.grad = None
                p.copy_(m)
    return loss.item(), norm.item()


def timed(deterministic, steps):
    torch.use_deterministic_algorithms(deterministic, warn_only=True)
    times = []
    for _ in range(steps):
        began = time.perf_counter()
        step()
        times.append(time.perf_counter() - began)
    return statistics.median(times[len(times) // 2:])


if options.lines:
    for _ in range(options.steps):
        step()
        print("step", flush=True)
    sys.exit(0)
found = {"eager": timed(False, options.steps)}
if options.deterministic:
    found["deterministic"] = timed(True, max(2, options.steps // 2))
print(json.dumps(found))
