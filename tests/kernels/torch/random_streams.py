"""Random numbers come from (seed, step, call, index) alone: against Philox written here, over seeds, saved states, threads, devices."""
from support import arguments, check, finish, same, torch

options = arguments(__doc__)
assay = torch.ops.assay
MASK = 0xFFFFFFFF


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & MASK, (a >> 32) ^ c[3] ^ k[1], a & MASK]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


def uniform(seed, step, call, count):
    words = [w for b in range((count + 3) // 4) for w in philox((b, 0, call, step), (seed & MASK, seed >> 32))]
    return torch.tensor([(w >> 8) * 2.0**-24 for w in words[:count]])


for device in dict.fromkeys(("cpu", options.device)):
    torch.manual_seed(12345678901)
    for call in range(3):
        same(torch.rand(4, 5, device=device).cpu(), uniform(12345678901, 0, call, 20).view(4, 5), "%s: rand, call %d" % (device, call))
    assay.set_seed(7)
    assay.set_step(3)
    torch.empty(0, device=device).uniform_()
    same(torch.rand(7, device=device).cpu(), uniform(7, 3, 1, 7), "%s: an empty call counts" % device)
    assay.set_step(0)

    torch.manual_seed(1)
    first = [torch.randn(9, device=device), torch.rand(9, device=device)]
    torch.manual_seed(1)
    for expected in first:
        found = torch.randn(9, device=device) if expected is first[0] else torch.rand(9, device=device)
        same(found, expected, "%s: the same seed gives the same numbers again" % device)
    state = torch.get_rng_state()
    expected = torch.rand(9, device=device)
    torch.set_rng_state(state)
    same(torch.rand(9, device=device), expected, "%s: a restored state gives the same numbers" % device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(99)
        torch.rand(3, device=device)
    state = torch.get_rng_state()
    after = torch.rand(9, device=device)
    torch.set_rng_state(state)
    same(torch.rand(9, device=device), after, "%s: a fork leaves the stream alone" % device)

    own = torch.Generator().manual_seed(1)
    torch.manual_seed(5)
    a = torch.rand(3, device=device)
    torch.rand(3, generator=own)
    b = torch.rand(3, device=device)
    torch.manual_seed(5)
    same(torch.rand(3, device=device), a, "%s: first" % device)
    same(torch.rand(3, device=device), b, "%s: a generator of one's own does not move the default one" % device)
    same(torch.rand(4, generator=torch.Generator().manual_seed(1)), uniform(1, 0, 0, 4), "a generator of one's own")

torch.manual_seed(3)
big = torch.randn(100001)
torch.set_num_threads(2 if torch.get_num_threads() == 1 else 1)
torch.manual_seed(3)
same(torch.randn(100001), big, "another number of threads")
torch.manual_seed(3)
same(torch.empty(200002)[::2].normal_(), big, "other strides")
torch.manual_seed(3)
check(abs(float(big.mean())) < 0.02 and abs(float(big.var()) - 1) < 0.02, "a normal's mean and variance")


def dropped(x, by_hand):
    """dropout's result and derivative, and those of the steps that it is made of."""
    torch.manual_seed(3)
    x = x.clone().requires_grad_()
    if by_hand:
        y = x.mul(torch.empty_like(x).bernoulli_(1 - 0.3).div_(1 - 0.3))
    else:
        y = torch.nn.functional.dropout(x, 0.3)
    y.backward(torch.linspace(-2, 2, y.numel(), device=y.device, dtype=y.dtype).view(y.shape))
    return y.detach(), x.grad


for device in dict.fromkeys(("cpu", options.device)):
    for dtype in (torch.float32, torch.bfloat16):
        for x in (torch.linspace(-3, 3, 4096).view(64, 64), torch.linspace(-3, 3, 77).view(7, 11), torch.linspace(-3, 3, 480).view(20, 24).t()):
            given = x.to(device, dtype)
            for found, expected, what in zip(dropped(given, False), dropped(given, True), ("result", "derivative")):
                same(found, expected, "dropout on %s, %s %s: %s" % (device, dtype, tuple(x.shape), what))
    x = torch.linspace(-3, 3, 40, device=device)
    for name, tensor in (("negated", torch._neg_view(x)), ("expanded", x.expand(3, 40))):
        torch.manual_seed(4)
        found = torch.nn.functional.dropout(tensor, 0.5)
        torch.manual_seed(4)
        same(found, torch.nn.functional.dropout(tensor.clone(memory_format=torch.contiguous_format), 0.5), "dropout of a %s view on %s" % (name, device))
    torch.manual_seed(5)
    mask = torch.nn.functional.dropout(torch.ones_like(x), 0.5)
    for vectorize in (False, True):
        torch.manual_seed(5)
        found = torch.autograd.functional.jacobian(lambda v: torch.nn.functional.dropout(v, 0.5), x, vectorize=vectorize)
        same(found, torch.diag(mask), "dropout's jacobian on %s, %s" % (device, "vectorized" if vectorize else "row by row"))
finish("random_streams")
