"""`math` and `**` of programs: rounded once, whatever the C library gives; what is not the same everywhere is refused."""
import math
import os
import random
import sys
from fractions import Fraction

from support import HERE, Run, arguments, check, equal, finish, recipe

options = arguments(__doc__)
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(HERE)), "replay/python"))
import plain_math  # noqa: E402

plain = plain_math.module(strict=True)

# Powers of small rationals, held against exact arithmetic.
random.seed(7)
for _ in range(300):
    base, exponent = random.randint(1, 1 << 20) / 1024, random.randint(-30, 30)
    exact = Fraction(base) ** exponent
    equal(plain_math.power(base, float(exponent)), exact.numerator / exact.denominator, "%r ** %r" % (base, exponent))
# Values known to more digits than a double has.
for name, x, digits in (("exp", 1.0, "2.71828182845904523536028747135266249775724709369996"),
                        ("expm1", 0.5, "0.64872127070012814684865078781416357165377610071014801"),
                        ("log", 10.0, "2.30258509299404568401799145468436420760110148862877298"),
                        ("log1p", 0.25, "0.22314355131420975576629509030983450337460108554800721"),
                        ("log2", 10.0, "3.32192809488736234787031942948939017586483139302458061"),
                        ("log10", 2.0, "0.30102999566398119521373889472449302676818988146210854"),
                        ("sin", 1.0, "0.84147098480789650665250232163029899962256306079837107"),
                        ("cos", 1.0, "0.54030230586813971740093660744297660373231042061792223"),
                        ("tanh", 1.0, "0.76159415595576488811945828260479359041276859725793655"),
                        ("erf", 1.0, "0.84270079294971486934122063508260925929606699796630291")):
    equal(getattr(plain, name)(x), float(digits), "%s(%r)" % (name, x))
for _ in range(300):
    x = random.uniform(-20, 20)
    for name in ("exp", "expm1", "sin", "cos", "tan", "tanh", "erf"):
        ours, libm = getattr(plain, name)(x), getattr(math, name)(x)
        check(abs(ours - libm) <= 2 * math.ulp(libm), "%s(%r): %r, libm has %r" % (name, x, ours, libm))
equal([plain_math.power(2, 10), plain_math.power(2, -1), plain_math.power(-2.0, 3), plain.log(8, 2), plain.exp(-1e4), plain.exp(0)],
      [1024, 0.5, -8.0, 3.0, 0.0, 1.0], "special values")
equal(plain.log(10 ** 400), float("921.034037197618273607196581873745683040440595451509190"), "the logarithm of a large integer")
for call, kind in ((lambda: plain.log(0), ValueError), (lambda: plain.exp(1e4), OverflowError), (lambda: plain_math.power(10.0, 400), OverflowError),
                   (lambda: plain.pow(-1, 0.5), ValueError), (lambda: plain.log("x"), TypeError), (lambda: plain.acos(0.5), RuntimeError)):
    try:
        check(False, "expected %s, found %r" % (kind.__name__, call()))
    except kind:
        pass

PROGRAM = '''
import math
import torch
from torch import nn


class DeltaNet(nn.Module):
    def __init__(self, hidden_size, **kwargs):
        super().__init__()
        self.a = nn.Linear(hidden_size, hidden_size)

    def forward(self, x, **kwargs):
        share = math.exp(-0.5) * 1.5 ** 0.3 + pow(2, 0.5) + %s
        y = self.a(x) * share + x ** 2 * 0.01
        return y, None, None
'''
made = recipe(options.runner, steps=2, intervals={"checkpoint": 0})
equal(Run(options.runner, made, PROGRAM % "math.log(3)").status, 0, "a program with powers and logarithms")
refused = Run(options.runner, made, PROGRAM % "math.gamma(3.5)").problem
check("math.gamma is not allowed in a strict run" in refused.get("what", "") and refused.get("line") == 13, "refused with its line: %r" % refused)
equal(Run(options.runner, made, PROGRAM % "math.gamma(3.5)", strict=False).status, 0, "not strict")
finish("host functions")
