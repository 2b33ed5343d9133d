#!/usr/bin/env python3
"""Times torch's own operators beside those of libassay_kernels.so, in turns, and writes the table of docs/benchmarks.md.

    tests/bench/kernels/torch_ops.py --library build/release/kernels/libassay_kernels.so [--device cpu|cuda] [--threads 1,2]
                                     [--only WORD,...] [-o FILE]

On CUDA each side is a captured graph of 20 calls, replayed in turns in one process (torch's is captured before the library is loaded;
what cannot be captured is timed call by call), and `of a copy` is the bandwidth, each input and output byte counted once, over that of
a device copy of 256 MiB. On the CPU each side is a process of its own, called in turns. Figures are medians."""

import argparse
import multiprocessing
import os
import statistics
import time

import torch
import torch.nn.functional as F

ROWS = {"cuda": 16384, "cpu": 4096}


def tensor(*sizes, device, dtype=torch.float32, seed=0):
    """Random values that no generator of the library takes part in: made before it is loaded."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(min(sizes[0], 1024), *sizes[1:], generator=generator)
    return values.repeat(-(-sizes[0] // len(values)), *[1] * (len(sizes) - 1))[: sizes[0]].to(dtype).to(device)


def optimizer_step(device, kind, rows, **form):
    weight = torch.nn.Parameter(tensor(rows, 1024, device=device))
    weight.grad = tensor(rows, 1024, device=device, seed=7)
    optimizer = kind([weight], lr=1e-4, weight_decay=0.1, **form)
    return optimizer.step


def elementwise(device, dtype):
    """name -> (function, bytes read and written once). 64 MiB an input on CUDA, 16 MiB on the CPU, in either type."""
    rows = ROWS[device] * 4 // dtype.itemsize
    a, b = (tensor(rows, 1024, device=device, dtype=dtype, seed=seed) for seed in (0, 1))
    size = a.numel() * dtype.itemsize
    one = {
        "mul by a scalar": lambda: a * 0.1, "exp": lambda: torch.exp(a), "log": lambda: torch.log(a), "tanh": lambda: torch.tanh(a),
        "sigmoid": lambda: torch.sigmoid(a), "silu": lambda: F.silu(a), "gelu": lambda: F.gelu(a), "softplus": lambda: F.softplus(a),
        "relu": lambda: F.relu(a), "transposed copy": lambda: a.t().contiguous(),
    }  # fmt: skip
    two = {"add": lambda: a + b, "mul": lambda: a * b, "div": lambda: a / b}
    out = {name: (call, 2 * size) for name, call in one.items()} | {name: (call, 3 * size) for name, call in two.items()}
    out["silu(a) * b"] = (lambda: F.silu(a) * b, 3 * size)
    out["dropout"] = (lambda: F.dropout(a, 0.1), 2 * size)
    other = torch.float32 if dtype == torch.bfloat16 else torch.bfloat16
    out[f"to {str(other)[6:]}"] = (lambda: a.to(other), size + a.numel() * other.itemsize)
    return out


def rowwise(device, dtype):
    rows = ROWS[device] * 4 // dtype.itemsize
    a, b = (tensor(rows, 1024, device=device, dtype=dtype, seed=seed) for seed in (0, 1))
    weight, bias = (tensor(1024, device=device, dtype=dtype, seed=seed) for seed in (2, 3))
    size = a.numel() * dtype.itemsize
    long, short = a.view(-1, 4096), a.view(-1, 128)
    target = (torch.arange(rows) * 7919 % 1024).to(device)
    reads = {
        "sum of all": lambda: a.sum(), "sum of rows": lambda: a.sum(1), "sum of columns": lambda: a.sum(0), "mean of rows": lambda: a.mean(-1),
        "mean of all": lambda: a.mean(), "var of rows": lambda: a.var(-1), "norm of rows": lambda: torch.linalg.vector_norm(a, dim=-1),
        "amax of rows": lambda: a.amax(-1), "max of all": lambda: a.max(), "max of rows, places": lambda: a.max(-1),
        "argmax of rows": lambda: a.argmax(-1), "logsumexp of rows": lambda: torch.logsumexp(a, -1), "sum of rows of 128": lambda: short.sum(1),
        "cross_entropy": lambda: F.cross_entropy(a, target),
    }  # fmt: skip
    writes = {
        "softmax": lambda: torch.softmax(a, -1), "log_softmax": lambda: torch.log_softmax(a, -1), "softmax, rows of 4096": lambda: torch.softmax(long, -1),
        "softmax, rows of 128": lambda: torch.softmax(short, -1), "layer_norm": lambda: F.layer_norm(a, (1024,), weight, bias),
        "rms_norm": lambda: F.rms_norm(a, (1024,), weight), "cumsum of rows": lambda: a.cumsum(-1), "cumsum, rows of 4096": lambda: long.cumsum(-1),
    }  # fmt: skip
    out = {name: (call, size) for name, call in reads.items()} | {name: (call, 2 * size) for name, call in writes.items()}
    dim, mask = -1, a.dtype
    out["softmax backward"] = (lambda: torch._softmax_backward_data(a, b, dim, mask), 3 * size)
    return out


def others(device):
    rows = ROWS[device]
    a = tensor(rows, 1024, device=device)
    size = a.numel() * 4
    table = tensor(50304, 1024, device=device)
    places = (torch.arange(rows) * 7919 % 50304).to(device)
    wide = tensor(max(rows // 32, 8), 50304, device=device)
    classes = (torch.arange(len(wide)) * 7919 % 50304).to(device)
    adam = torch.optim.AdamW
    out = {
        "embedding": (lambda: F.embedding(places, table), 2 * size),
        "cross_entropy, 50304 classes": (lambda: F.cross_entropy(wide, classes), wide.numel() * 4),
        "AdamW step, fused": (optimizer_step(device, adam, rows, fused=True), 7 * size),
        "AdamW step, foreach": (optimizer_step(device, adam, rows, foreach=True), 7 * size),
    }
    for n in (256, 512, 1024, 2048):
        p, q = tensor(n, n, device=device), tensor(n, n, device=device, seed=4)
        out[f"mm {n}"] = (lambda p=p, q=q: p @ q, 0)
    p, q = tensor(4096, 64, 32, device=device), tensor(4096, 32, 64, device=device, seed=5)
    out["bmm 4096 of 64x32x64"] = (lambda: torch.bmm(p, q), 0)
    x, y = tensor(32768, 256, device=device), tensor(32768, 256, device=device, seed=6)
    out["weight gradient 256x256, k 32768"] = (lambda: x.t() @ y, 0)
    if device == "cpu":
        base, line = a.abs() + 0.1, a.flatten()
        mixed = torch.randperm(line.numel(), generator=torch.Generator().manual_seed(8))
        into = torch.zeros_like(line)
        out |= {
            "pow": (lambda: torch.pow(base, 2.3), 0), "tan": (lambda: torch.tan(a), 0), "erf": (lambda: torch.erf(a), 0), "erfc": (lambda: torch.erfc(a), 0),
            "sin": (lambda: torch.sin(a), 0), "randperm": (lambda: torch.randperm(1 << 20), 0), "index": (lambda: line[mixed], 0),
            "index_put": (lambda: into.index_put_((mixed,), line), 0), "index_put, accumulating": (lambda: into.index_put_((mixed,), line, True), 0),
            "scatter_add": (lambda: into.scatter_add_(0, mixed, line), 0), "flip": (lambda: a.flip(1), 0),
            "softmax, rows of 32": (lambda: torch.softmax(line.view(-1, 32), -1), 0),
        }  # fmt: skip
    return out


def workloads(device, only):
    out = {}
    for dtype, mark in ((torch.float32, ""), (torch.bfloat16, ", bf16")):
        for name, work in (elementwise(device, dtype) | rowwise(device, dtype)).items():
            out[name + mark] = work
    out |= others(device)
    return {name: work for name, work in out.items() if not only or any(word in name for word in only)}


def said(error):
    return str(error).splitlines()[0][:80] if str(error) else type(error).__name__


# ---- CUDA: one process, two graphs


class Graph:
    """20 calls; `run` gives the seconds of one."""

    calls = 20

    def __init__(self, call, captured=True):
        self.call, self.graph = call, None
        for _ in range(3):
            call()
        torch.cuda.synchronize()
        if not captured:
            return
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph):
                for _ in range(self.calls):
                    call()
            self.graph = graph
        except RuntimeError:  # asks the host for something in between
            torch.cuda.synchronize()

    def run(self):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        if self.graph:
            self.graph.replay()
        else:
            for _ in range(self.calls):
                self.call()
        end.record()
        end.synchronize()
        return start.elapsed_time(end) / 1000 / self.calls


def graph_of(name, call):
    try:
        return Graph(call, captured="step" not in name)
    except Exception as error:  # one operator that fails must not hide the others
        return said(error)


def on_cuda(work, library):
    a = torch.empty(64 << 20, device="cuda")
    b = torch.empty_like(a)
    copying = Graph(lambda: b.copy_(a))
    copy = 8 * a.numel() / statistics.median(copying.run() for _ in range(7))
    theirs = {name: graph_of(name, call) for name, (call, _) in work.items()}
    # What was not captured must be timed while torch's operators are still there.
    early = {
        name: statistics.median(graph.run() for _ in range(7))
        for name, graph in theirs.items()
        if isinstance(graph, Graph) and not graph.graph
    }
    torch.ops.load_library(library)
    found = {}
    for name, (call, _) in work.items():
        ours = graph_of(name, call)
        if isinstance(ours, str) or isinstance(theirs[name], str):
            found[name] = (theirs[name] if isinstance(theirs[name], str) else "", ours if isinstance(ours, str) else "")
            continue
        times = ([], [])
        for _ in range(9):
            if name not in early:
                times[0].append(theirs[name].run())
            times[1].append(ours.run())
        found[name] = (early[name] if name in early else statistics.median(times[0]), statistics.median(times[1]))
        ours.graph = theirs[name].graph = None
    return {1: found}, copy


# ---- CPU: two processes, called in turns


def serve(pipe, library, only):
    torch.set_grad_enabled(False)
    work = workloads("cpu", only)
    if library:
        torch.ops.load_library(library)
    pipe.send(list(work))
    while (order := pipe.recv()) is not None:
        name, threads, seconds = order
        torch.set_num_threads(threads)
        try:
            times, end = [], time.perf_counter() + seconds
            while time.perf_counter() < end or len(times) < 2:
                start = time.perf_counter()
                work[name][0]()
                times.append(time.perf_counter() - start)
            pipe.send(min(times))
        except Exception as error:
            pipe.send(said(error))


def on_cpu(library, only, counts, rounds=5, seconds=0.04):
    # Freed memory stays with the process: else one side's results lie in pages that the system clears anew at each call, as the allocator's
    # history has it, and that is timed.
    os.environ |= {"MALLOC_MMAP_THRESHOLD_": str(1 << 40), "MALLOC_TRIM_THRESHOLD_": str(1 << 40)}
    context = multiprocessing.get_context("spawn")
    sides = []
    for which in (None, library):
        pipe, other = context.Pipe()
        process = context.Process(target=serve, args=(other, which, only))
        process.start()
        sides.append((pipe, process))
    names = [pipe.recv() for pipe, _ in sides][0]
    found = {}
    for count in counts:
        found[count] = {}
        for name in names:
            times = ([], [])
            for _ in range(rounds):
                for side, (pipe, _) in enumerate(sides):
                    pipe.send((name, count, seconds))
                    times[side].append(pipe.recv())
            found[count][name] = tuple(
                next((t for t in side if isinstance(t, str)), None) or statistics.median(side) for side in times
            )
    for pipe, process in sides:
        pipe.send(None)
        process.join()
    return found


def table(found, work, copy, say):
    say("| operator | torch | assay | ratio |" + (" of a copy |" if copy else ""))
    say("|---|---|---|---|" + ("---|" if copy else ""))
    for name, (a, b) in found.items():
        if isinstance(a, str) or isinstance(b, str):
            say(f"| {name} | {a if isinstance(a, str) else ''} | {b if isinstance(b, str) else ''} | |" + (" |" if copy else ""))
            continue
        share = f" {work[name][1] / b / copy:.2f} |" if copy and work[name][1] else " |" if copy else ""
        say(f"| {name} | {a * 1e6:.1f} us | {b * 1e6:.1f} us | {a / b:.2f} |{share}")
    say()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--only", default="", help="only operators whose names hold one of these words")
    parser.add_argument("-o", "--output")
    options = parser.parse_args()
    lines = []

    def say(text=""):
        print(text, flush=True)
        lines.append(text)

    torch.set_grad_enabled(False)
    torch.backends.cuda.matmul.allow_tf32 = False
    only = [word for word in options.only.split(",") if word]
    if options.device == "cuda":
        work = workloads("cuda", only)
        found, copy = on_cuda(work, options.library)
        say(f"### {torch.cuda.get_device_name()}, torch {torch.__version__}\n")
        say(f"A copy of 256 MiB: {copy / 1e12:.2f} TB/s.\n")
        table(found[1], work, copy, say)
    else:
        for count, part in on_cpu(options.library, only, [int(n) for n in options.threads.split(",")]).items():
            say(f"### CPU, {count} threads, torch {torch.__version__}\n")
            table(part, None, 0, say)
    if options.output:
        with open(options.output, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
