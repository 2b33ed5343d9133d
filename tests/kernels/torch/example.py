"""docs/examples/same_weights.py: the same weights after 100 steps with 1 and 2 threads, at each CPU level, and on CUDA."""
import os
import subprocess
import sys

from support import arguments, check, finish, torch

options = arguments(__doc__)
script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../docs/examples/same_weights.py")


def run(device, **environment):
    done = subprocess.run([sys.executable, script, "--library", options.library, "--device", device], capture_output=True,
                          text=True, env=dict(os.environ, ASSAY_KERNELS="strict", **environment))
    last = (done.stdout.strip().splitlines() or [""])[-1]
    print("%-5s %s: %s" % (device, environment, last or done.stderr.strip()[-600:]))
    check(done.returncode == 0 and "weights" in last, "the example ends well on %s with %s" % (device, environment))
    return last


expected = run("cpu", OMP_NUM_THREADS="1")
for level in ("portable", "avx2", "avx512"):
    check(run("cpu", OMP_NUM_THREADS="2", ASSAY_KERNELS_CPU=level) == expected, "%s and 2 threads: the same weights" % level)
if options.device == "cuda":
    check(run("cuda") == expected, "CUDA: the same weights as on the CPU")
else:
    print("no CUDA device: CPU alone")
finish("example")
