"""Steps that are recorded leave the trace of steps as they are; what may not be recorded is not, and is said with its reason.

On the CPU a recording is the work itself ("capture": "rehearse"), and all around it is the same; --device cuda captures CUDA graphs.
"""
import concurrent.futures

from support import Run, arguments, check, equal, finish, recipe

options = arguments(__doc__, device={"default": "cpu", "help": "cuda: CUDA graphs, against the same steps as they are on the GPU and on the CPU"},
                    jobs={"type": int, "default": 2}, all={"action": "store_true", "help": "on the CPU, too: every case"}, only={"default": "", "help": "a part of a case's name"})

HEAD = '''
import torch, torch.nn as nn, torch.nn.functional as F


class DeltaNet(nn.Module):
    def __init__(self, hidden_size, num_heads, layer_idx=None, **kwargs):
        super().__init__()
        self.linear = nn.Linear(hidden_size, hidden_size)
        self.count, self.masks, self.last = 0, {}, None
        self.register_buffer("steps", torch.zeros(1, dtype=torch.long), persistent=False)
        self.register_buffer("mean", torch.zeros(hidden_size))

    def forward(self, x, attention_mask=None, **kwargs):
        y = self.linear(x)
'''
# The body of forward; how many steps in seven are recorded; a part of the reason why not.
CASES = {
    "plain": ("        y = torch.tanh(y)\n", True, ""),
    # Random streams, a counter and a running mean in buffers that are changed in place, a mask that is kept from the first step on, a
    # number of the host's.
    "everything that may be": ('''        mask = self.masks.get(x.shape[1])
        if mask is None:
            mask = self.masks[x.shape[1]] = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).tril()
        y = F.dropout(y, 0.25, self.training) * torch.tensor(0.5, device=x.device)
        self.steps += 1
        self.mean.mul_(0.9).add_(y.detach().mean((0, 1)), alpha=0.1)
        y = (mask.to(x.dtype) @ y) / (1 + self.steps.to(x.dtype)) + self.mean
''', True, ""),
    "reads a counter": ('''        self.steps += 1
        y = y * (1.0 / float(self.steps.item()))
''', False, "(.item()), program.py:16"),
    "counts in Python": ('''        self.count += 1
        y = y * (1.0 / self.count)
''', False, "self.count"),
    "puts a new tensor in a buffer's place": ('''        self.steps = self.steps + 1
        y = y / self.steps.to(x.dtype)
''', False, "self._buffers.steps"),
    "carries a tensor from step to step": ('''        y = torch.tanh(y if self.last is None else y + 0.1 * self.last)
        self.last = y.detach()
''', False, "a step reads what the one before it left: self.last"),
    "keeps a tensor for others to read": ('''        y = torch.tanh(y)
        self.last = y.detach()
        y = y + self.last.mean()
''', True, ""),
    "keeps a number for people to read": ('''        y = torch.tanh(y)
        self.last = y.detach().abs().mean().item()
''', True, ""),
    "reckons with a number for people to read": ('''        y = torch.tanh(y)
        self.last = -(y.detach().abs().mean().item()) / 2 + 3 * y.detach().min().item() - 1
''', True, ""),
    "reckons with a number that it uses": ('''        y = y * (1.0 - 0.5 * y.detach().abs().mean().item())
''', False, "(.item()), program.py:15"),
    "writes a tensor in every second step": ('''        y = torch.tanh(y)
        if self.last is None:
            self.last = y.detach()
        else:
            self.last = None
''', False, "self.last"),
    "has a size that depends on values": ('''        y = y + y[y > 0].sum() * 1e-3
''', False, "a size depends on values"),
    "counts in a list of the module's": ('''        CALLS.append(1)
        y = y / len(CALLS)
''', False, "CALLS"),
}
TAIL = "        return y, None, None\n\n\nCALLS = []\n"


def leaves(run):
    return [(event["loss"], event["grad_norm"], event["root"]) for event in run.of("step")]


def case(name, body, recorded, reason, **changes):
    changes = dict({"steps": 7, "batch": {"rows": 2, "leaf": 2, "length": 24}, "evaluation": {"every": 0},
                    "intervals": {"state_root": 1, "checkpoint": 0}}, **changes)
    made = recipe(options.runner, **changes)
    program = HEAD + body + TAIL if body else None
    how = {"device": "cuda"} if options.device == "cuda" else {"capture": "rehearse"}
    run = Run(options.runner, made, program, **how)
    whole = options.all or options.device == "cuda"
    plain = Run(options.runner, made, program, device=options.device, capture=False) if recorded or whole else run
    if not equal((plain.status, run.status), (0, 0), "%s: %r %r" % (name, plain.problem, run.problem)):
        return
    equal(leaves(run), leaves(plain), "%s: recorded and as it is" % name)
    equal(run.chain, plain.chain, "%s: the trace" % name)
    equal(run.of("evaluation"), plain.of("evaluation"), "%s: evaluation" % name)
    if options.device == "cuda":
        equal(Run(options.runner, made, program).chain, run.chain, "%s: on the CPU" % name)
    told = run.of("capture")
    if check(len(told) >= 1, "%s: no capture event" % name):
        equal(told[-1]["captured"], recorded, "%s: %r" % (name, told))
        check(recorded or reason in told[-1]["why"], "%s: expected a reason with %r, found %r" % (name, reason, told[-1]["why"]))


RECALL = {"mixer": {"kind": "baseline", "name": "deltanet", "options": {}}, "steps": 14,
          "shell": {"kind": "zoology", "vocabulary": 64, "mlp": "none"}, "batch": {"rows": 4, "leaf": 2, "length": 32},
          "task": {"name": "mqar", "seed": 1, "groups": [[24, 2, 8], [32, 4, 8]], "tests": [[24, 2]]}, "evaluation": {"every": 6, "rows": 8}}
cases = [(name,) + parts + ({},) for name, parts in CASES.items()]
cases += [("several leaves, evaluation", CASES["everything that may be"][0], True, "",
           {"batch": {"rows": 4, "leaf": 1, "length": 24}, "evaluation": {"every": 5, "rows": 4}, "steps": 8}),
          ("bf16", CASES["everything that may be"][0], True, "", {"precision": "bf16"}),
          ("two sizes, a baseline", None, True, "", RECALL)]
QUICK = ("everything that may be", "reads a counter", "carries a tensor from step to step", "keeps a tensor for others to read", "keeps a number for people to read", "reckons with a number for people to read", "reckons with a number that it uses", "counts in Python", "puts a new tensor in a buffer's place", "several leaves, evaluation",
         "two sizes, a baseline")
cases = [entry for entry in cases if options.only in entry[0] and (options.all or options.device == "cuda" or entry[0] in QUICK)]
with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
    for done in [pool.submit(case, *entry[:4], **entry[4]) for entry in cases]:
        done.result()
finish("captures, %d cases" % len(cases))
