#!/usr/bin/env python3
"""Matrix products on the CPU beside torch's (MKL), in turns.

    tests/bench/kernels/gemm_cpu.py --library build/release/kernels/libassay_kernels.so [--threads 1,2] [-o FILE]

fp32, 256 to 2048, B and A as they are or transposed (N, T), and the other shapes of a training step. Two processes, one with the library
loaded, are called in turns A B A B; a turn lasts 40 ms or one call, and its fastest call counts; figures are medians of 9 turns. GFLOP/s are
2mnk over the time. The bar is 0.95 of torch's rate for the square ones. --clock thread counts the calling thread's own time instead of the
wall's (one thread): for a machine that others use, too."""

import argparse
import multiprocessing
import statistics
import time

import torch

SQUARE = (256, 384, 512, 768, 1000, 1024, 1536, 2048)
FORMS = {"NN": (False, False), "NT": (False, True), "TN": (True, False), "TT": (True, True)}
BAR = 0.95


def products():
    """name -> (batch, m, k, n, form)"""
    out = {f"{n} NN": (0, n, n, n, "NN") for n in SQUARE}
    out |= {f"{n} {form}": (0, n, n, n, form) for n in (256, 1024) for form in ("NT", "TN", "TT")}
    out |= {
        "1024x128x384 NT": (0, 1024, 128, 384, "NT"), "1024x384x128 NT": (0, 1024, 384, 128, "NT"), "384x1024x128 TN": (0, 384, 1024, 128, "TN"),
        "256x32768x256 TN": (0, 256, 32768, 256, "TN"), "512 of 32x32x32": (512, 32, 32, 32, "NN"), "256 of 64x32x64": (256, 64, 32, 64, "NN"),
    }  # fmt: skip
    return out


def factor(batch, rows, columns, transposed):
    shape = (columns, rows) if transposed else (rows, columns)
    values = torch.randn(*([batch] if batch else []), *shape)
    return values.mT if transposed else values


def serve(pipe, library, clock):
    clock = time.thread_time if clock == "thread" else time.perf_counter
    torch.manual_seed(1)
    factors = {}
    for name, (batch, m, k, n, form) in products().items():
        a, b = FORMS[form]
        factors[name] = (factor(batch, m, k, a), factor(batch, k, n, b))
    if library:
        torch.ops.load_library(library)
    pipe.send("ready")
    while (order := pipe.recv()) is not None:
        name, threads, seconds = order
        torch.set_num_threads(threads)
        a, b = factors[name]
        best, end, calls = float("inf"), time.perf_counter() + seconds, 0
        while calls < 1 or time.perf_counter() < end:
            start = clock()
            torch.matmul(a, b)
            best = min(best, clock() - start)
            calls += 1
        pipe.send(best)


def measured(library, counts, only, clock, turns=9, seconds=0.04):
    context = multiprocessing.get_context("spawn")
    sides = []
    for which in (None, library):
        pipe, other = context.Pipe()
        process = context.Process(target=serve, args=(other, which, clock))
        process.start()
        pipe.recv()
        sides.append((pipe, process))
    for count in counts:
        for name in products():
            if only and not any(word in name for word in only):
                continue
            times = ([], [])
            for turn in range(-1, turns):
                for side, (pipe, _) in enumerate(sides):
                    pipe.send((name, count, seconds))
                    found = pipe.recv()
                    if turn >= 0:
                        times[side].append(found)
            yield count, name, *(statistics.median(side) for side in times)
    for pipe, process in sides:
        pipe.send(None)
        process.join()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", required=True)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--only", default="", help="only products whose names hold one of these words")
    parser.add_argument("--clock", choices=("wall", "thread"), default="wall")
    parser.add_argument("-o", "--output")
    options = parser.parse_args()
    counts = [int(n) for n in options.threads.split(",")]
    if options.clock == "thread" and counts != [1]:
        parser.error("--clock thread: expected --threads 1, found --threads " + options.threads)
    lines = []

    def say(text):
        print(text, flush=True)
        lines.append(text)

    say("| threads | m x k x n | torch | assay | torch GFLOP/s | assay GFLOP/s | ratio |")
    say("|---|---|---|---|---|---|---|")
    below, squares = 0, 0
    only = [word for word in options.only.split(",") if word]
    for count, name, theirs, ours in measured(options.library, counts, only, options.clock):
        batch, m, k, n, _ = products()[name]
        work = 2 * m * n * k * max(batch, 1)
        say(f"| {count} | {name} | {theirs * 1e6:.1f} us | {ours * 1e6:.1f} us | {work / theirs / 1e9:.1f} | {work / ours / 1e9:.1f} | {theirs / ours:.2f} |")
        if m == k == n and not batch:
            squares, below = squares + 1, below + (theirs / ours < BAR)
    say(f"\nOf {squares} square products {squares - below} reach {BAR} of torch's rate.")
    if options.output:
        with open(options.output, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
