#!/usr/bin/env python3
"""Times the chunked delta rule, forward and backward: the chunk form (chunk 32, tests/kernels/torch/delta_form.py) in plain torch, before the
library is loaded, and then the fused operators in the same process on the same tensors.

    tests/bench/kernels/delta_rule.py --library build/release/kernels/libassay_kernels.so [--device cpu|cuda] [-o FILE]

Bar on one H100 or H200: fp32, 8 heads x 64, batch 16 x length 2048, fused >= 8x the form in eager torch. Each figure is the median of five
runs or more. The floor is the products' fused multiply-adds, counted once without what the backward pass computes again, at the rate of
torch's fp32 product of 4096 (CPU: 1024) in the same process."""
import argparse
import os
import statistics
import sys
import time

import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../kernels/torch"))
import delta_form  # noqa: E402

BAR = 8.0
SIZES = {"cuda": [(16, 8, 2048, 64), (4, 8, 2048, 64), (16, 8, 512, 64), (16, 4, 2048, 128)], "cpu": [(2, 8, 512, 64), (1, 8, 2048, 64)]}


def inputs(batch, heads, length, width, device, gated):
    generator = torch.Generator().manual_seed(1)
    draw = lambda *sizes: torch.randn(*sizes, generator=generator)  # noqa: E731
    unit = lambda x: x / x.norm(dim=-1, keepdim=True)  # noqa: E731
    q, k = (unit(draw(batch, length, heads, width)).transpose(1, 2) for _ in range(2))
    v = draw(batch, length, heads, width).transpose(1, 2)
    beta, g = draw(batch, heads, length).sigmoid(), -0.1 * draw(batch, heads, length).abs()
    return [t.to(device).requires_grad_() for t in ((q, k, v, g, beta) if gated else (q, k, v, beta))]


def multiply_adds(batch, heads, length, width):
    chunks, square, state = batch * heads * -(-length // 32), 32 * 32 * width, 32 * width * width
    return chunks * ((5 * square + 3 * state) + (10 * square + 6 * state))


def step(rule, leaves, signal):
    o, _ = rule(*leaves)
    return torch.autograd.grad(o, leaves, signal)


def timed(call, device):
    def once():
        start = time.perf_counter()
        call()
        if device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - start

    once(), once()
    times, end = [], time.perf_counter() + 0.5
    while len(times) < 5 or (time.perf_counter() < end and len(times) < 200):
        times.append(once())
    return statistics.median(times)


def product_rate(device):
    n = 4096 if device == "cuda" else 1024
    a, b = (torch.ones(n, n, device=device) for _ in range(2))
    return n**3 / timed(lambda: a @ b, device)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", required=True)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--only", type=int, help="the first so many sizes")
    parser.add_argument("-o", "--output")
    options = parser.parse_args()
    device = options.device
    torch.backends.cuda.matmul.allow_tf32 = False
    work = [(sizes, gated) for sizes in SIZES[device][: options.only] for gated in (False, True)]
    lines = []

    def say(text=""):
        print(text, flush=True)
        lines.append(text)

    rate = product_rate(device)
    eager = {}
    for sizes, gated in work:
        leaves = inputs(*sizes, device, gated)
        signal = torch.randn(leaves[2].shape, generator=torch.Generator().manual_seed(2)).to(device)
        form = delta_form.gated_delta_rule if gated else delta_form.delta_rule
        eager[sizes, gated] = timed(lambda: step(form, leaves, signal), device)
    torch.ops.load_library(options.library)
    say("### Delta rule, fp32, forward and backward: %s, torch %s\n" % (
        torch.cuda.get_device_name() if device == "cuda" else "CPU, %d threads" % torch.get_num_threads(), torch.__version__))
    say("| batch x heads x length x width | rule | eager torch | fused | ratio | bar | of the floor |")
    say("|---|---|---|---|---|---|---|")
    failed = False
    for sizes, gated in work:
        leaves = inputs(*sizes, device, gated)
        signal = torch.randn(leaves[2].shape, generator=torch.Generator().manual_seed(2)).to(device)
        rule = torch.ops.assay.gated_delta_rule if gated else torch.ops.assay.delta_rule
        fused = timed(lambda: step(rule, leaves, signal), device)
        ratio, floor = eager[sizes, gated] / fused, multiply_adds(*sizes) / rate
        barred = device == "cuda" and sizes == (16, 8, 2048, 64) and not gated
        failed = failed or (barred and ratio < BAR)
        say("| %s | %s | %.2f ms | %.2f ms | %.1f | %s | %.2f |" % (
            " x ".join(map(str, sizes)), "gated" if gated else "plain", eager[sizes, gated] * 1e3, fused * 1e3, ratio,
            ">= %.0f" % BAR if barred else "", floor / fused))
    if options.output:
        with open(options.output, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
