"""What the scripts of this folder share: the library loaded, failures gathered and told, hashes of bits.

Each runs alone: python tests/kernels/torch/NAME.py --library PATH/libassay_kernels.so [--device cuda]
"""
import argparse
import hashlib
import json
import os
import sys
import traceback

try:
    import torch
except ImportError:
    print("SKIPPED: no torch in", sys.executable)
    sys.exit(77)

failures = []


def arguments(description, **more):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--library", default=os.environ.get("ASSAY_KERNELS_LIBRARY"), help="libassay_kernels.so")
    parser.add_argument("--device", default=None, help="cuda: compare CPU and CUDA (default: where a GPU is)")
    for name, options in more.items():
        parser.add_argument("--" + name, **options)
    chosen = parser.parse_args()
    if not chosen.library or not os.path.exists(chosen.library):
        sys.exit("error: --library: expected the path of libassay_kernels.so, found %r" % chosen.library)
    chosen.library = os.path.abspath(chosen.library)
    torch.ops.load_library(chosen.library)
    if chosen.device is None:
        chosen.device = "cuda" if torch.cuda.is_available() else "cpu"
    print("library: contract %s, CPU level %s, device %s" % (
        torch.ops.assay.contract()[:14], torch.ops.assay.cpu_level(), chosen.device))
    return chosen


def check(condition, text):
    if not condition:
        failures.append(text)
        print("FAILED:", text)
    return bool(condition)


def bits(tensor):
    """The tensor's elements as integers, on the CPU, row-major; NaN is one NaN already, or the bits differ and that is told."""
    flat = tensor.detach().resolve_conj().resolve_neg().cpu().contiguous()
    if flat.is_complex():
        flat = torch.view_as_real(flat).contiguous()
    kind = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[flat.element_size()]
    return flat.view(kind) if flat.dim() else flat.reshape(1).view(kind)


def same(found, expected, text):
    """Equal type, sizes and bits; else says where the first difference is."""
    if found.dtype != expected.dtype or found.shape != expected.shape:
        return check(False, "%s: expected %s %s, found %s %s" % (
            text, expected.dtype, tuple(expected.shape), found.dtype, tuple(found.shape)))
    a, b = bits(found).reshape(-1), bits(expected).reshape(-1)
    if torch.equal(a, b):
        return True
    where = torch.nonzero(a.ne(b)).reshape(-1).tolist()
    first = where[0]
    x, y = found.detach().cpu().reshape(-1).tolist()[first], expected.detach().cpu().reshape(-1).tolist()[first]
    return check(False, "%s: %d of %d elements differ, first at %d: expected %r, found %r" % (
        text, len(where), a.numel(), first, y, x))


def digest(tensors):
    """SHA-256 of types, sizes and bits."""
    hash_ = hashlib.sha256()
    for tensor in tensors:
        hash_.update(("%s %s" % (tensor.dtype, tuple(tensor.shape))).encode())
        hash_.update(bytes(bits(tensor).reshape(-1).view(torch.uint8).tolist()))
    return hash_.hexdigest()


def counts():
    return json.loads(torch.ops.assay.counts())


def attempt(text, function):
    """Runs one check; an exception is that check's failure, not the script's end."""
    try:
        return function()
    except Exception as error:  # noqa: BLE001: whatever it is, it is told
        check(False, "%s: %s: %s" % (text, type(error).__name__, str(error).splitlines()[0]))
        if os.environ.get("ASSAY_TRACE"):
            traceback.print_exc()
    return None


def finish(what):
    if failures:
        print("%s: %d FAILED" % (what, len(failures)))
        sys.exit(1)
    print("%s: ok" % what)
    sys.exit(0)
