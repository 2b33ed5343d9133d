"""`math` and `**` for programs: the value of each function rounded once to a double, so that no C library and no processor has a say
in it (glibc takes other code where there is FMA). Computed in decimal arithmetic of 60 digits; a schedule asks for a few a step."""
import ast
import decimal
import functools
import math
import operator
import types

_CONTEXT = decimal.Context(prec=60, rounding=decimal.ROUND_HALF_EVEN, Emax=999999, Emin=-999999, traps=[])
_D = decimal.Decimal
_TINY = 1e-30  # below it x + x^2 rounds to x


def _series(first, ratio):
    """first * (1 + ratio(1) * (1 + ratio(2) * ...)), until nothing changes."""
    total = term = first
    k = 1
    while term and term.adjusted() > total.adjusted() - 65:
        term = term * ratio(k)
        total, k = total + term, k + 1
    return total


def _arctan_of_one_over(n):
    square = _D(n * n)
    return _D(1) / n * sum(_D((-1) ** k) / ((2 * k + 1) * square ** k) for k in range(60))


with decimal.localcontext(_CONTEXT):
    _PI = 4 * (4 * _arctan_of_one_over(5) - _arctan_of_one_over(239))


def _rounded(value):
    found = float(value)
    if math.isinf(found):
        raise OverflowError("math range error")
    return found


def _reduced(x):
    """x without whole turns."""
    if abs(x) > 10 ** 15:
        raise OverflowError("math: an angle above 1e15")
    return x - 2 * _PI * (x / (2 * _PI)).to_integral_value()


def _sin(x):
    x = _reduced(x)
    return _series(x, lambda k: -x * x / (2 * k * (2 * k + 1)))


def _cos(x):
    x = _reduced(x)
    return _series(_D(1), lambda k: -x * x / (2 * k * (2 * k - 1)))


def _tanh(x):
    if abs(x) > 30:
        return _D(1).copy_sign(x)
    twice = (2 * x).exp()
    return (twice - 1) / (twice + 1)


def _erf(x):
    if abs(x) > 7:
        return _D(1).copy_sign(x)
    total, term, n = x, x, 0
    while term and term.adjusted() > -90:
        n += 1
        term = term * -x * x / n
        total += term / (2 * n + 1)
    return 2 * total / _PI.sqrt()


def _of_one(name, function, small_is_itself=False):
    own = getattr(math, name)

    @functools.lru_cache(4096)
    def of(value):
        with decimal.localcontext(_CONTEXT):
            return _rounded(function(_D(value)))

    def plain(x, /):
        value = x if isinstance(x, (int, float)) else float(x) if hasattr(x, "__float__") else own(x)
        if isinstance(value, float) and not math.isfinite(value) or value == 0 or (name.startswith("log") and value <= -(name == "log1p")):
            return own(value)  # a special value, which is the same everywhere, or an error
        if small_is_itself and abs(value) < _TINY:
            return float(value)
        return of(value)
    plain.__name__ = plain.__qualname__ = name
    return plain


_FUNCTIONS = {name: _of_one(name, *rest) for name, rest in {
    "exp": (_D.exp,),
    "expm1": (lambda x: x.exp() - 1, True),
    "log1p": (lambda x: (1 + x).ln(), True),
    "log2": (lambda x: x.ln() / _D(2).ln(),),
    "log10": (_D.log10,),
    "sin": (_sin, True),
    "cos": (_cos,),
    "tan": (lambda x: _sin(x) / _cos(x), True),
    "tanh": (_tanh, True),
    "erf": (_erf,),
}.items()}
_LN = _of_one("log", _D.ln)


def log(x, base=None, /):
    if base is None:
        return _LN(x)
    return _LN(x) / _LN(base)  # as CPython has it


@functools.lru_cache(4096)
def _size_of_power(a, b):
    with decimal.localcontext(_CONTEXT):
        return float(_D(a) ** _D(b))


def power(a, b):
    """a ** b: of two numbers, one of them a float, rounded once; anything else as it is."""
    plain = isinstance(a, (int, float)) and isinstance(b, (int, float)) and (isinstance(a, float) or isinstance(b, float) or b < 0)
    if not plain or a == 0 or not math.isfinite(a) or not math.isfinite(b) or (a < 0 and b != int(b)):
        return operator.pow(a, b)
    found = _size_of_power(abs(a), b)
    if math.isinf(found):
        raise OverflowError(34, "Numerical result out of range")
    return -found if a < 0 and int(b) % 2 else found


def _pow(x, y, /):
    x, y = float(x), float(y)
    special = x == 0 or not math.isfinite(x) or not math.isfinite(y) or (x < 0 and y != int(y))
    return math.pow(x, y) if special else power(x, y)


# Exact by IEEE 754, or of integers.
_SAME = ("ceil comb copysign degrees e fabs factorial floor fmod frexp fsum gcd inf isclose isfinite isinf isnan isqrt lcm ldexp modf nan "
         "nextafter perm pi prod radians remainder sqrt tau trunc ulp").split()


def _elsewhere(name, strict):
    own = getattr(math, name)

    def refused(*_):
        raise RuntimeError("math.%s is not allowed in a strict run: C libraries differ in it" % name)
    return refused if strict else own


def module(strict):
    """What a program gets as `math`."""
    made = types.ModuleType("math", math.__doc__)
    for name in dir(math):
        if not name.startswith("_"):
            setattr(made, name, getattr(math, name) if name in _SAME else _elsewhere(name, strict))
    for name, function in dict(_FUNCTIONS, log=log, pow=_pow).items():
        setattr(made, name, function)
    return made


class _Powers(ast.NodeTransformer):
    def visit_BinOp(self, node):
        self.generic_visit(node)
        if not isinstance(node.op, ast.Pow):
            return node
        call = ast.Call(ast.Name("__assay_power__", ast.Load()), [node.left, node.right], [])
        return ast.fix_missing_locations(ast.copy_location(call, node))


def compiled(source, file):
    """The program's code, with its own `**`."""
    return compile(_Powers().visit(ast.parse(source, file)), file, "exec", dont_inherit=True)
