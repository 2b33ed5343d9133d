"""The same recipe and program leave the same trace: whatever the processor's level, threads, passes; resumed, or in one go.

A run takes seconds to start, on a GPU ten: --jobs has several under way."""
import concurrent.futures
import json
import os
import socket

from support import HERE, Run, arguments, check, equal, finish, recipe

options = arguments(__doc__, shared={"default": os.environ.get("ASSAY_SHARED", "")},
                    device={"default": "cpu", "help": "cuda: the same traces there, too"}, jobs={"type": int, "default": 1})
pool = concurrent.futures.ThreadPoolExecutor(max(1, options.jobs))
CUDA = [{"device": "cuda"}, {"device": "cuda", "capture": False}] if options.device == "cuda" else []

# What a program may hold that a resumed run must restore: a counter that no state_dict has, a schedule made of it, random draws in
# training, and an auxiliary loss.
COUNTING = '''
import torch, torch.nn as nn, torch.nn.functional as F
from einops import rearrange
from fla.modules import RMSNorm, ShortConvolution
from fla.modules.l2norm import l2norm


class DeltaNet(nn.Module):
    def __init__(self, hidden_size, num_heads, layer_idx=None, **kwargs):
        super().__init__()
        self.conv = ShortConvolution(hidden_size, 4, activation="silu")
        self.norm = RMSNorm(hidden_size)
        self.raw = nn.Parameter(torch.empty(hidden_size))
        nn.init.normal_(self.raw)
        self.register_buffer("_step", torch.zeros(1, dtype=torch.long), persistent=False)

    def forward(self, x, attention_mask=None, **kwargs):
        y, _ = self.conv(x)
        share = 1.0 / (1.0 + float(self._step.item()))
        self._step += 1
        y = F.dropout(self.norm(y), 0.25, self.training) * self.raw * (1 + share)
        y = y.cumsum(1) / torch.arange(1, x.shape[1] + 1, device=x.device)[:, None].to(x.dtype)
        loss = share * 0.01 * l2norm(y).float().square().sum(-1).mean()
        return y, loss, None
'''


def shared(made, program, of):
    """The chains of `of` processes that divide each step between them."""
    pairs = [socket.socketpair() for _ in range(of - 1)]
    jobs = [{"index": 0, "of": of, "descriptors": [a.fileno() for a, _ in pairs]}]
    jobs += [{"index": i + 1, "of": of, "descriptors": [b.fileno()]} for i, (_, b) in enumerate(pairs)]
    with concurrent.futures.ThreadPoolExecutor(of) as pool:
        runs = list(pool.map(lambda job: Run(options.runner, made, program, share=job, inherited=job["descriptors"]), jobs))
    for pair in pairs:
        for end in pair:
            end.close()
    return runs


def traces(program, precision, targets, **changes):
    made = recipe(options.runner, precision=precision, **changes)
    first = Run(options.runner, made, program)
    if not equal(first.status, 0, "%s: %s" % (precision, first.problem)):
        return first
    everywhere = [(target, pool.submit(Run, options.runner, made, program, **target)) for target in targets + CUDA]
    resumed = pool.submit(Run, options.runner, made, program, threads=2, device=options.device,
                          **{"from": {"checkpoint": first.checkpoint(2), "step": 2, "chain": first.of("step")[1]["chain"]}})
    for target, run in everywhere:
        run = run.result()
        equal(run.chain, first.chain, "%s %s" % (precision, target))
        equal(run.of("evaluation"), first.of("evaluation"), "%s %s, evaluation" % (precision, target))
    resumed = resumed.result()
    equal(resumed.chain, first.chain, "%s, resumed" % precision)
    equal(resumed.of("step"), first.of("step")[2:], "%s, resumed: the same steps" % precision)
    return first


run = traces(COUNTING, "fp32", [{"cpu_level": "portable", "threads": 2, "passes": 2}])
counters = [event for event in run.of("step") if event["root"]]
equal(len(counters), 4, "a state root each step")
losses = [event["loss_value"] for event in run.of("step")]
check(len(set(losses)) == 4 and all(3 < loss < 6 for loss in losses), "losses of four steps near log 64: %r" % losses)
traces(COUNTING, "bf16", [{"cpu_level": "avx2", "passes": 3}])
for precision, of in (("fp32", 2), ("bf16", 3)):
    made = recipe(options.runner, precision=precision)
    alone = Run(options.runner, made, COUNTING, passes=4)
    for run in shared(made, COUNTING, of):
        equal(run.chain, alone.chain, "%s, one of %d processes: %s" % (precision, of, run.errors[-500:]))

# The weights learn: a run that memorises one batch would have the loss of chance else.
with open(os.path.join(HERE, "deltanet.py")) as file:
    twin = file.read()
learn = recipe(options.runner, steps=30, batch={"rows": 8, "leaf": 8, "length": 16}, optimizer={"lr": 1e-2},
               shell={"vocabulary": 8, "layers": 1}, schedule={"kind": "constant", "warmup": 0}, evaluation={"every": 0},
               intervals={"state_root": 0, "checkpoint": 0}, task={"name": "parity", "seed": 3, "train_max": 4})
run = Run(options.runner, learn, twin)
first, last = run.of("step")[0]["loss_value"], run.of("step")[-1]["loss_value"]
check(last < 0.75 * first, "30 steps of parity lower the loss: from %g to %g" % (first, last))

path = os.path.join(options.shared, "data/asi-arch/106.json")
if options.shared and os.path.exists(path):
    with open(path) as file:
        published = {program["index"]: program["program"] for program in json.load(file)}
    for index in (1735, 954):  # a counter and an auxiliary loss; dropout
        traces(published[index], "bf16", [{"cpu_level": "portable", "threads": 2, "passes": 2}, {"fuse": False}], batch={"rows": 2},
               evaluation={"every": 0})
else:
    print("the published programs are not here (--shared FOLDER with data/asi-arch/106.json)")
finish("traces")
