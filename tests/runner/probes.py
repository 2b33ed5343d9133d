"""The questions that a replay puts to a program, asked of programs made to give each answer, and of published ones."""
import json
import os

from support import Run, arguments, check, equal, finish, recipe

options = arguments(__doc__, shared={"default": os.environ.get("ASSAY_SHARED", "")})

# Sees what it should: the position before, by cache and mask too. %s stands in its pass.
HEAD = '''
import torch
from torch import nn


class DeltaNet(nn.Module):
    def __init__(self, hidden_size, layer_idx=0, **kwargs):
        super().__init__()
        self.layer_idx = layer_idx
        self.a, self.b = nn.Linear(hidden_size, hidden_size, bias=False), nn.Linear(hidden_size, hidden_size, bias=False)
        self.register_buffer("count", torch.zeros(1, dtype=torch.long), persistent=False)
        self.dead, self.stopped = %(members)s
        self.calls, self.memory = 0, None

    def forward(self, x, attention_mask=None, past_key_values=None, use_cache=False, **kwargs):
        if attention_mask is not None:
            x = x * attention_mask[:, :, None].to(x.dtype)
        last = torch.zeros_like(x[:, :1])
        if past_key_values is not None and len(past_key_values) > self.layer_idx:
            last = past_key_values[self.layer_idx]["recurrent_state"]
        if self.training:
            self.count += 1
        before = torch.cat([last, x[:, :-1]], 1)
        y = self.a(x) + self.b(before).tanh()
        %(line)s
        if use_cache:
            past_key_values.update(recurrent_state=x[:, -1:], layer_idx=self.layer_idx, offset=x.shape[1])
        return y, None, past_key_values
'''


def program(line="pass", members="None, None"):
    return HEAD % {"line": line, "members": members}


def answers(text, precision="fp32", trained=False, **changes):
    """All answers, of the initial model or of the trained one."""
    made = recipe(options.runner, precision=precision, evaluation={"every": 0, "rows": 0}, **changes)
    run = Run(options.runner, made, text, probes=True, until=made["steps"] if trained else 0)
    equal(run.status, 0, "exit status: %r" % run.problem)
    found = {event["name"]: event for event in run.of("probe")}
    equal(list(found), ["state", "future", "length", "neighbours", "padding", "stepwise", "parameters", "gradients"], "all are asked, once")
    return found


def expect(name, text, **wanted):
    """Of the answers that are not given, all are no."""
    for precision in ("fp32", "bf16"):
        found = answers(text, precision)
        for probe, event in found.items():
            equal(event["answer"], wanted.get(probe, "no"), "%s, %s: %s: %s" % (name, precision, probe, event["text"]))
    return found


clean = expect("a causal program", program())
check("layers.0.mixer.count" in clean["state"]["text"], "the counter is named: %s" % clean["state"]["text"])
equal(clean["parameters"]["value"], answers(program(), trained=True)["parameters"]["value"], "the number of parameters")
expect("later input", program("y = y + x.mean(1, keepdim=True)"), future="yes", length="yes", padding="yes", stepwise="yes")
expect("only the next position", program("y = y + torch.cat([x[:, 1:], last * 0], 1)"), future="yes", length="yes", stepwise="yes")
expect("divided by the length", program("y = y / x.shape[1]"), length="yes", padding="yes", stepwise="yes")
# A leaf is one row here: it is its own mean, so nothing is learned, and that is said.
expect("statistics of the batch", program("y = y - y.mean(0, keepdim=True)"), neighbours="yes", padding="yes", gradients="yes")
expect("statistics in training alone", program("y = y - y.mean(0, keepdim=True) if self.training else y"), neighbours="yes", gradients="yes")
expect("no cache", program("last = None; y = self.a(x) + self.b(torch.cat([torch.zeros_like(x[:, :1]), x[:, :-1]], 1)).tanh()"), stepwise="yes")
dead = expect("dead parameters", program("y = y + self.stopped * 0.0", "nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(1))"), gradients="yes")
check("no gradient reaches layers.0.mixer.dead, layers.1.mixer.dead" in dead["gradients"]["text"] and
      "zero throughout of layers.0.mixer.stopped, layers.1.mixer.stopped" in dead["gradients"]["text"], dead["gradients"]["text"])
held = answers(program("y = y if self.memory is None else y + self.memory; self.memory = x.detach().abs().max()"))
equal(held["state"]["answer"], "yes", "state between calls: %s" % held["state"]["text"])
counted = expect("an attribute that counts", program("self.calls += 1"), state="yes")
check("calls" in counted["state"]["text"], "the attribute is named: %s" % counted["state"]["text"])
broken = expect("a program that needs a whole chunk", program("y = y.view(x.shape[0], -1, 8, x.shape[2]).reshape(x.shape)"), length="failed",
                padding="failed", stepwise="failed")
check("program, line" in broken["length"]["text"], "the line is named: %s" % broken["length"]["text"])

native = recipe(options.runner, mixer={"kind": "baseline", "name": "deltanet", "options": {}})
asked = {event["name"]: event["answer"] for event in Run(options.runner, native, probes=True, until=2).of("probe")}
equal(asked, {"state": "no", "future": "no", "length": "no", "neighbours": "no", "padding": "not asked", "stepwise": "not asked",
              "parameters": "no", "gradients": "no"}, "the native DeltaNet")

path = os.path.join(options.shared, "data/asi-arch/106.json")
if options.shared and os.path.exists(path):
    with open(path) as file:
        published = {entry["index"]: entry["program"] for entry in json.load(file)}
    for index in (1735, 954):
        found = answers(published[index], "bf16", trained=True, batch={"length": 70})
        print(index, {name: event["answer"] for name, event in found.items()})
        for name in ("state", "future", "neighbours"):
            check(found[name]["answer"] in ("no", "rounding"), "program %d: %s: %s" % (index, name, found[name]["text"]))
else:
    print("the published programs are not here (--shared FOLDER with data/asi-arch/106.json)")
finish("probes")
