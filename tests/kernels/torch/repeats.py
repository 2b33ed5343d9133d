"""A thousand repeats of operators beside a second stream that keeps the GPU busy give the first one's bits. GPU only."""
import sys
import time

from support import arguments, attempt, check, finish, torch

import torch.nn.functional as F

options = arguments(__doc__, repeats={"type": int, "default": 1000})
if options.device != "cuda":
    print("SKIPPED: no CUDA device: a busy second stream is one of a GPU")
    sys.exit(77)
torch.ops.assay.set_strict(True)
generator = torch.Generator().manual_seed(3)


def normal(*sizes, dtype=torch.float32):
    return torch.randn(*sizes, generator=generator).to("cuda", dtype)


def whole(high, *sizes):
    return torch.randint(high, sizes, generator=generator).cuda()


x, y, narrow = normal(257, 3001), normal(3001, 130), normal(300, 1200, dtype=torch.bfloat16)
long_row, table, words = normal(1, 3000001), normal(50, 64), whole(50, 5000)
rows, image, kernel = normal(5000, 64), normal(4, 8, 40, 41), normal(8, 8, 3, 3)
grid, deep, weight = normal(4, 30, 30, 2), normal(3, 9001), normal(1200)
deep_right, targets, columns = normal(9001, 5), whole(1200, 300), normal(20000, 33)
CASES = {
    "mm": lambda: x @ y,
    "mm of several segments": lambda: deep @ deep_right,
    "mm bf16": lambda: narrow @ narrow.t(),
    "sum of a long row": lambda: long_row.sum(),
    "sum of rows": lambda: x.sum(1),
    "sum of columns": lambda: columns.sum(0),
    "var": lambda: x.var(1),
    "softmax": lambda: narrow.softmax(1),
    "layer_norm": lambda: F.layer_norm(narrow.float(), (1200,), weight),
    "cross_entropy": lambda: F.cross_entropy(narrow.float(), targets),
    "cumsum": lambda: x.cumsum(1),
    "sort": lambda: x.sort(1)[0],
    "index_add": lambda: torch.zeros_like(table).index_add(0, words, rows),
    "gradient of embedding": lambda: torch.ops.aten.embedding_dense_backward(rows, words, 50, -1, False),
    "conv2d": lambda: F.conv2d(image, kernel),
    "gradients of conv2d": lambda: torch.ops.aten.convolution_backward(
        image[:, :, 1:-1, 1:-1].contiguous(), image, kernel, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1, [True, True, False])[1],
    "gradient of grid_sample": lambda: torch.ops.aten.grid_sampler_2d_backward(image[:, :, :30, :30].contiguous(), image, grid, 0, 1, False, [True, True])[0],
    "gelu": lambda: F.gelu(x),
    "fft": lambda: torch.view_as_real(torch.fft.rfft(narrow.float())),
}


def bits(tensor):
    return tensor.contiguous().view(torch.int16 if tensor.element_size() == 2 else torch.int32)


first = {}
for name, f in CASES.items():
    result = attempt(name, f)
    if result is not None:
        first[name] = bits(result).clone()
torch.cuda.synchronize()
busy, big, product = torch.cuda.Stream(), normal(2048, 2048), normal(2048, 2048)
wrong = {name: torch.zeros((), dtype=torch.long, device="cuda") for name in first}
torch.cuda.synchronize()
began = time.time()
for _ in range(options.repeats):
    with torch.cuda.stream(busy):
        torch.mm(big, big, out=product)
    for name, expected in first.items():
        wrong[name] += bits(CASES[name]()).ne(expected).any()
torch.cuda.current_stream().synchronize()
print("%d repeats of %d operators in %.0f s; the other stream %s" % (
    options.repeats, len(first), time.time() - began, "ended before" if busy.query() else "was busy to the end"))
torch.cuda.synchronize()
check(len(first) == len(CASES), "every operator ran")
for name, count in wrong.items():
    count = int(count)
    check(count == 0, "%s: %d of %d repeats gave other bits than the first" % (name, count, options.repeats))
finish("repeats")
