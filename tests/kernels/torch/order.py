"""The order in which sums are made, seen from outside, is the contract's.

In a list of ones an element is 2^60 and another -2^60. What is added to either before the two meet is lost; so the sum tells how many
elements lie under the place in the tree of additions where they meet. These numbers, pair by pair, fix the tree
(docs/determinism.md is followed here by code of its own).
"""
import random

from support import arguments, attempt, check, finish, torch

import torch.nn.functional as F

options = arguments(__doc__.splitlines()[0])
torch.ops.assay.set_strict(True)
HUGE = 2.0**60


class Tree:
    """A tree of additions: nodes 0 ... n-1 are the elements."""

    def __init__(self, n):
        self.parent, self.size = [None] * n, [1] * n
        self.n = n

    def join(self, a, b):
        self.parent += [None]
        self.size += [self.size[a] + self.size[b]]
        self.parent[a] = self.parent[b] = len(self.size) - 1
        return len(self.size) - 1

    def chain(self, nodes):
        at = nodes[0]
        for node in nodes[1:]:
            at = self.join(at, node)
        return at

    def pairs(self, nodes):
        """Neighbours level by level, aligned at 0; one without a partner goes up."""
        while len(nodes) > 1:
            nodes = [self.join(*nodes[i:i + 2]) if i + 1 < len(nodes) else nodes[i] for i in range(0, len(nodes), 2)]
        return nodes[0]

    def under(self, i, j):
        """Elements under the node where i and j meet."""
        above, at = set(), i
        while at is not None:
            above.add(at)
            at = self.parent[at]
        at = j
        while at not in above:
            at = self.parent[at]
        return self.size[at]


def r1(n):
    tree = Tree(n)
    blocks = []
    for begin in range(0, n, 1024):
        end = min(n, begin + 1024)
        leaves = {j: tree.chain(list(range(begin + j, end, 128))) for j in range(128) if begin + j < end}
        width = 64
        while width:
            for j in range(width):
                if j + width in leaves:
                    leaves[j] = tree.join(leaves[j], leaves.pop(j + width))
            width //= 2
        blocks.append(leaves[0])
    tree.pairs(blocks)
    return tree


def r2(n):
    tree = Tree(n)
    tree.pairs([tree.chain(list(range(b, min(n, b + 4096)))) for b in range(0, n, 4096)])
    return tree


def r3(n):
    """The tree of the last output."""
    tree = Tree(n)
    leaves = [tree.chain(list(range(b, min(n, b + 64)))) for b in range(0, n, 64)]
    if len(leaves) > 1:
        tree.join(tree.chain(leaves[:-1]), leaves[-1])
    return tree


def in_a_row(n):
    tree = Tree(n)
    tree.chain(list(range(n)))
    return tree


def zeros(x, *sizes):
    return torch.zeros(*sizes, dtype=x.dtype, device=x.device)


def places(x, n):
    return torch.zeros(n, dtype=torch.long, device=x.device)


def ones(x, *sizes):
    return torch.ones(*sizes, dtype=x.dtype, device=x.device)


def gradient(f, at, given):
    at = at.detach().requires_grad_()
    (out,) = torch.autograd.grad(f(at), at, given)
    return out


# name, the rule, lengths, what makes the sums of the rows of x (patterns, n).
LONG = (3, 100, 130, 1024, 1500, 5000)
SHORT = (3, 40, 300)
WAYS = [
    ("sum of rows", r1, LONG, lambda x: x.sum(1)),
    ("sum of columns", r1, LONG, lambda x: x.t().contiguous().sum(0)),
    ("sum of a strided view", r1, LONG, lambda x: torch.stack([x, x], 2)[:, :, 1].sum(1)),
    ("sum over two dimensions", r1, (100, 1500, 5000), lambda x: x.view(len(x), 10, -1).transpose(0, 1).contiguous().sum((0, 2))),
    ("sum of all", r1, LONG, lambda x: torch.stack([row.sum() for row in x])),
    ("mean", r1, LONG, lambda x: (x.mean(1).float() * x.shape[1]).round()),
    ("nll_loss", r1, LONG, lambda x: torch.stack([F.nll_loss(-row.unsqueeze(1), places(x, len(row)), reduction="sum") for row in x])),
    ("gradient of layer_norm's bias", r1, LONG,
     lambda x: gradient(lambda b: F.layer_norm(ones(x, x.shape[1], len(x)), (len(x),), None, b), zeros(x, len(x)), x.t().contiguous())),
    ("gradient of a bias", r1, LONG, lambda x: gradient(lambda b: zeros(x, x.shape[1], len(x)) + b, zeros(x, len(x)), x.t().contiguous())),
    ("gradient of a convolution's weight", r1, LONG, lambda x: torch.stack([gradient(
        lambda w, row=row: F.conv1d(row.view(1, 1, -1), w), ones(x, 1, 1, 1), ones(x, 1, 1, x.shape[1])).reshape(()) for row in x])),
    ("gradient of a convolution's bias", r1, LONG, lambda x: gradient(
        lambda b: F.conv1d(zeros(x, 1, 1, x.shape[1]), zeros(x, len(x), 1, 1), b), zeros(x, len(x)), x.unsqueeze(0))),
    ("mm", r2, LONG + (9000,), lambda x: torch.mm(x, ones(x, x.shape[1], 3))[:, 1]),
    ("mm, the other side", r2, LONG + (9000,), lambda x: torch.mm(ones(x, 2, x.shape[1]), x.t())[1]),
    ("mm of many", r2, LONG, lambda x: torch.mm(x.repeat(40, 1), ones(x, x.shape[1], 130))[-len(x):, 77]),
    ("mv", r2, LONG, lambda x: torch.mv(x, ones(x, x.shape[1]))),
    ("dot", r2, SHORT + (5000,), lambda x: torch.stack([torch.dot(row, ones(x, len(row))) for row in x])),
    ("bmm", r2, LONG, lambda x: torch.bmm(x.unsqueeze(1), ones(x, len(x), x.shape[1], 2))[:, 0, 0]),
    ("gradient of linear's weight", r2, LONG, lambda x: gradient(
        lambda w: F.linear(x.t(), w), zeros(x, 2, len(x)), ones(x, x.shape[1], 2))[1]),
    ("cumsum", r3, LONG, lambda x: x.cumsum(1)[:, -1]),
    ("cumsum of columns", r3, LONG, lambda x: x.t().contiguous().cumsum(0)[-1]),
    ("index_add", in_a_row, SHORT, lambda x: zeros(x, 2, len(x)).index_add(0, places(x, x.shape[1]), x.t())[0]),
    ("scatter_add", in_a_row, SHORT, lambda x: zeros(x, len(x), 2).scatter_add(1, torch.zeros_like(x, dtype=torch.long), x)[:, 0]),
    ("index_put", in_a_row, SHORT, lambda x: zeros(x, 3, len(x)).index_put((places(x, x.shape[1]) + 2,), x.t(), True)[2]),
    ("gradient of embedding", in_a_row, SHORT, lambda x: gradient(
        lambda w: F.embedding(places(x, x.shape[1]), w), zeros(x, 3, len(x)), x.t().contiguous())[0]),
    ("gradient of an index", in_a_row, SHORT, lambda x: gradient(lambda w: w[places(x, x.shape[1])], zeros(x, 3, len(x)), x.t().contiguous())[0]),
    ("gradient of gather", in_a_row, SHORT, lambda x: gradient(
        lambda w: w.gather(1, torch.zeros_like(x, dtype=torch.long)), zeros(x, len(x), 2), x)[:, 0]),
    ("embedding_bag", in_a_row, SHORT, lambda x: F.embedding_bag(
        torch.arange(x.shape[1], device=x.device).unsqueeze(0), x.t().contiguous(), mode="sum")[0]),
    ("convolution", in_a_row, (3, 40, 300), lambda x: F.conv1d(x.unsqueeze(1), ones(x, 1, 1, x.shape[1])).view(-1)),
    ("convolution over channels", in_a_row, (40, 300), lambda x: F.conv1d(x.view(len(x), 10, -1), ones(x, 1, 10, x.shape[1] // 10)).view(-1)),
    ("avg_pool", in_a_row, (40, 300), lambda x: (F.avg_pool2d(x.unsqueeze(1).unsqueeze(1), (1, x.shape[1])).view(-1).float() * x.shape[1]).round()),
]


def patterns(n, rng):
    """Pairs of places: some at borders of leaves, blocks and segments, some anywhere."""
    marks = sorted({p for p in (0, 1, 2, 63, 64, 127, 128, 129, 1023, 1024, 2048, 4095, 4096, 8192, n // 2, n - 2, n - 1) if 0 <= p < n})
    pairs = [(a, b) for a in marks for b in marks if a < b]
    pairs = rng.sample(pairs, min(len(pairs), 24))
    pairs += [tuple(sorted(rng.sample(range(n), 2))) for _ in range(24)]
    return [pair if rng.random() < 0.5 else pair[::-1] for pair in pairs]


told = 0
for name, rule, lengths, sums in WAYS:
    for n in lengths:
        rng = random.Random("%s %d" % (name, n))
        pairs = patterns(n, rng)
        tree = rule(n)
        expected = [n - tree.under(*pair) for pair in pairs]
        x = torch.ones(len(pairs), n)
        for row, (up, down) in enumerate(pairs):
            x[row, up], x[row, down] = HUGE, -HUGE
        for dtype in (torch.float32, torch.bfloat16):
            if dtype is torch.bfloat16 and name in ("mean", "avg_pool"):
                continue  # a mean in bf16 does not tell its count
            for device in ("cpu", "cuda") if options.device == "cuda" else ("cpu",):
                title = "%s of %d, %s on %s" % (name, n, str(dtype)[6:], device)
                found = attempt(title, lambda: sums(x.to(device, dtype)))
                if found is None:
                    continue
                rounded = torch.tensor(expected, dtype=torch.float32).to(dtype).tolist()
                for pair, a, b in zip(pairs, found.cpu().tolist(), rounded):
                    told += 1
                    if not check(a == b, "%s: the contract has %d elements under the meeting of %d and %d: expected the sum %r, found %r" % (
                            title, tree.under(*pair), pair[0], pair[1], b, a)):
                        break
print("%d pairs of places of %d operators" % (told, len(WAYS)))
finish("order")
