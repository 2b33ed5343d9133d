#!/usr/bin/env python3
"""Times torch's own operators and then, in the same process and on the same tensors, those of libassay_kernels.so, and writes the
table of docs/benchmarks.md.

    tests/bench/kernels/torch_ops.py --library build/release/kernels/libassay_kernels.so [--device cpu|cuda] [--threads 1,2] [-o FILE]

Each figure is the median of the runs of about a third of a second, after a warm-up. On CUDA a run is a captured graph of 20 calls, timed
with events, and `of a copy` is its bandwidth (each input and output byte counted once) over that of a device copy of 256 MiB."""

import argparse
import statistics
import time

import torch
import torch.nn.functional as F


def tensor(*sizes, device, dtype=torch.float32, seed=0):
    """Random values that no generator of the library takes part in: made on the CPU before it is loaded."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*sizes, generator=generator).to(dtype).to(device)


def workloads(device):
    """name -> (function, bytes read and written once). 64 MiB an input on CUDA, 16 MiB on the CPU."""
    rows = 16384 if device == "cuda" else 4096
    wide = tensor(rows, 1024, device=device)
    other = tensor(rows, 1024, device=device, seed=1)
    half = wide.to(torch.bfloat16)
    weight, bias = tensor(1024, device=device, seed=2), tensor(1024, device=device, seed=3)
    target = (torch.arange(rows) * 7919 % 1024).to(device)
    size = wide.numel() * 4
    out = {
        "add": (lambda: wide + other, 3 * size),
        "mul by a scalar": (lambda: wide * 0.1, 2 * size),
        "div": (lambda: wide / other, 3 * size),
        "exp": (lambda: torch.exp(wide), 2 * size),
        "tanh": (lambda: torch.tanh(wide), 2 * size),
        "sigmoid": (lambda: torch.sigmoid(wide), 2 * size),
        "silu": (lambda: F.silu(wide), 2 * size),
        "gelu": (lambda: F.gelu(wide), 2 * size),
        "softplus": (lambda: F.softplus(wide), 2 * size),
        "add, bf16": (lambda: half + half, 3 * size // 2),
        "to bf16": (lambda: wide.to(torch.bfloat16), size * 3 // 2),
        "transposed copy": (lambda: wide.t().contiguous(), 2 * size),
        "sum of all": (lambda: wide.sum(), size),
        "sum of rows": (lambda: wide.sum(1), size),
        "sum of columns": (lambda: wide.sum(0), size),
        "mean of rows": (lambda: wide.mean(-1), size),
        "var of rows": (lambda: wide.var(-1), size),
        "norm of rows": (lambda: torch.linalg.vector_norm(wide, dim=-1), size),
        "amax of rows": (lambda: wide.amax(-1), size),
        "softmax": (lambda: torch.softmax(wide, -1), 2 * size),
        "log_softmax": (lambda: torch.log_softmax(wide, -1), 2 * size),
        "layer_norm": (lambda: F.layer_norm(wide, (1024,), weight, bias), 2 * size),
        "cross_entropy": (lambda: F.cross_entropy(wide, target), size),
        "cumsum of rows": (lambda: wide.cumsum(-1), 2 * size),
        "gather of rows": (lambda: wide[target], 2 * size),
    }
    for n in (256, 512, 1024, 2048):
        a, b = tensor(n, n, device=device), tensor(n, n, device=device, seed=4)
        out[f"mm {n}"] = (lambda a=a, b=b: a @ b, 0)
        if n == 1024:
            out["mm 1024, A transposed"] = (lambda a=a, b=b: a.t() @ b, 0)
            out["mm 1024, B transposed"] = (lambda a=a, b=b: a @ b.t(), 0)
    p, q = tensor(4096, 64, 32, device=device), tensor(4096, 32, 64, device=device, seed=5)
    out["bmm 4096 of 64x32x64"] = (lambda: torch.bmm(p, q), 0)
    x, y = tensor(32768, 256, device=device), tensor(32768, 256, device=device, seed=6)
    out["weight gradient 256x256, k 32768"] = (lambda: x.t() @ y, 0)
    return out


def time_cpu(call):
    call()
    times, end = [], time.perf_counter() + 0.35
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def time_cuda(call, calls=20):
    for _ in range(3):
        call()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(calls):
            call()
    times = []
    for _ in range(9):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        graph.replay()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end) / 1000 / calls)
    return statistics.median(times)


def copy_bandwidth():
    a = torch.empty(64 << 20, device="cuda")
    b = torch.empty_like(a)
    return 2 * 4 * a.numel() / time_cuda(lambda: b.copy_(a))


def measure(work, timer):
    found = {}
    for name, (call, _) in work.items():
        try:
            found[name] = timer(call)
        except Exception as error:  # one operator that fails must not hide the others
            found[name] = str(error).splitlines()[0][:80]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("-o", "--output")
    options = parser.parse_args()
    lines = []

    def say(text=""):
        print(text, flush=True)
        lines.append(text)

    torch.set_grad_enabled(False)
    torch.backends.cuda.matmul.allow_tf32 = False
    work = workloads(options.device)
    cuda = options.device == "cuda"
    counts = [1] if cuda else [int(n) for n in options.threads.split(",")]
    timer = time_cuda if cuda else time_cpu
    copy = copy_bandwidth() if cuda else 0
    theirs = {}
    for count in counts:
        torch.set_num_threads(count)
        theirs[count] = measure(work, timer)
    torch.ops.load_library(options.library)
    for count in counts:
        torch.set_num_threads(count)
        ours = measure(work, timer)
        say(f"### {torch.cuda.get_device_name() if cuda else f'CPU, {count} threads'}, torch {torch.__version__}\n")
        if cuda:
            say(f"A copy of 256 MiB: {copy / 1e12:.2f} TB/s.\n")
        say("| operator | torch | assay | ratio |" + (" of a copy |" if cuda else ""))
        say("|---|---|---|---|" + ("---|" if cuda else ""))
        for name, (_, size) in work.items():
            a, b = theirs[count][name], ours[name]
            if isinstance(a, str) or isinstance(b, str):
                say(f"| {name} | {a if isinstance(a, str) else ''} | {b if isinstance(b, str) else ''} | |" + (" |" if cuda else ""))
                continue
            share = f" {size / b / copy:.2f} |" if cuda and size else " |" if cuda else ""
            say(f"| {name} | {a * 1e6:.1f} us | {b * 1e6:.1f} us | {a / b:.2f} |{share}")
        say()
    if options.output:
        with open(options.output, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
