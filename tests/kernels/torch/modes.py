"""Strict and counting modes: an operator without a certified kernel throws at the caller's line, or is counted."""
import inspect

from support import arguments, check, counts, finish, torch

arguments(__doc__.splitlines()[0])
assay = torch.ops.assay

assay.set_strict(True)
line = 0
try:
    line = inspect.currentframe().f_lineno + 1
    torch.ones(3).cauchy_()
    check(False, "strict: cauchy_ was expected to throw")
except NotImplementedError as error:
    check("aten::cauchy_" in str(error), "strict: the message names the operator: " + str(error))
    check("modes.py:%d" % line in str(error), "strict: the message names the caller's line %d: %s" % (line, error))

assay.set_strict(False)
assay.reset_counts()
torch.ones(3).cauchy_()
torch.ones(3).cauchy_()
seen = counts()["uncertified"].get("cauchy_", {})
check(seen.get("calls") == 2, "count: two calls of cauchy_ are counted: %s" % seen)
check("modes.py" in seen.get("caller", ""), "count: the caller is named: %s" % seen)
assay.reset_counts()
check(counts() == {"certified": {}, "uncertified": {}}, "counts are empty after reset_counts: %s" % counts())

assay.set_strict(True)
for dtype, expected in ((torch.float32, "nan"), (torch.bfloat16, "nan"), (torch.float64, "nan"),
                        (torch.int64, str(2**63 - 1)), (torch.uint8, "255"), (torch.bool, "True")):
    for made in (torch.empty(5, dtype=dtype), torch.empty_strided((2, 2), (1, 2), dtype=dtype),
                 torch.empty_like(torch.zeros(3, dtype=dtype)), torch.zeros(3).new_empty((3,), dtype=dtype)):
        found = {str(value) for value in made.reshape(-1).tolist()}
        check(found == {expected}, "empty memory of %s: expected %s, found %s" % (dtype, expected, found))
check(torch.empty(0).numel() == 0, "an empty tensor without elements")
check(torch.zeros(4).tolist() == [0] * 4 and torch.full((2,), 3).tolist() == [3, 3], "zeros and full are not disturbed")

check("1.5000" in repr(torch.tensor([1.5, -2e-7, 3e9])) and "nan" in repr(torch.tensor([float("nan"), 1.0]).bfloat16()),
      "tensors can be printed in strict mode")

rows = assay.table().splitlines()
check(len(rows) > 200 and all(len(row.split("\t")) == 3 for row in rows), "the table has three columns: %d rows" % len(rows))
finish("modes")
