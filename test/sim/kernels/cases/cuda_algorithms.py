# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# cuda/algorithms.cu.

import numpy as np

from corpus import case
from cases.references import normal, philox4x32


@case("cuda/algorithms")
def bodies(t):
    n = 128
    p = t.random((n, 4))
    p[:, 3] = abs(p[:, 3])
    force = t.empty((n, 4))
    t.launch("bodies", 2, 64, t.device(p), force, n, shared=64 * 16)
    v = p.astype(np.float64)
    d = v[None, :, :3] - v[:, None, :3]
    s = v[:, 3] * ((d * d).sum(-1) + 1e-2)**-1.5
    want = np.zeros((n, 4))
    want[:, :3] = (d * s[..., None]).sum(1)
    t.close("forces", force, want, 1e-5, "rsqrt.approx (2 ulp), 128 f32 sums")


@case("cuda/algorithms")
def fft512(t):
    x = t.random((3, 512)) + 1j * t.random((3, 512))
    x = x.astype(np.complex64)
    out = t.empty((3, 512), np.complex64)
    t.launch("fft512", 3, 256, t.device(x), out)
    want = np.fft.fft(x.astype(np.complex128))
    got = out.get()
    t.close("real", got.real, want.real, 1e-6, "9 stages in f32")
    t.close("imaginary", got.imag, want.imag, 1e-6, "9 stages in f32")


@case("cuda/algorithms")
def cholesky(t):
    m = t.random((3, 32, 32), np.float64)
    m = m @ m.transpose(0, 2, 1) + 4 * np.eye(32)
    data = t.device(m)
    t.launch("cholesky", 3, 32, data)
    t.close("factors", data, np.linalg.cholesky(m), 1e-13, "f64, condition 50")


@case("cuda/algorithms")
def sparse_product(t):
    n = 70
    dense = t.random((n, n)) * (t.rng.random((n, n)) < 0.3)
    rows = np.concatenate([[0], (dense != 0).sum(1).cumsum()]).astype(np.int32)
    columns = np.nonzero(dense)[1].astype(np.int32)
    x, y = t.random(n), t.empty(n)
    t.launch("sparse_product", -(-n // 4), 128, t.device(rows),
             t.device(columns), t.device(dense[dense != 0].astype(np.float32)),
             t.device(x), y, n)
    t.close("product", y, dense.astype(np.float64) @ x, 1e-6, "f32 sums")


@case("cuda/algorithms")
def search(t):
    n = 150
    degree = t.integers(0, 4, n)
    starts = np.concatenate([[0], degree.cumsum()]).astype(np.int32)
    edges = t.integers(0, n, int(starts[-1]))
    want = np.full(n, -1, np.int32)
    want[0], frontier = 0, [0]
    while frontier:
        found = []
        for v in frontier:
            for e in edges[starts[v]:starts[v + 1]]:
                if want[e] < 0:
                    want[e] = want[v] + 1
                    found.append(e)
        frontier = found
    begin = np.full(n, -1, np.int32)
    begin[0] = 0
    depth, grew = t.device(begin), t.zeros(1, np.int32)
    s, e = t.device(starts), t.device(edges)
    for level in range(n):
        grew.set([0])
        t.launch("search_level", 3, 64, s, e, depth, grew, level, n)
        if not grew.get()[0]:
            break
    t.equal("depths", depth, want)


@case("cuda/algorithms")
def floyd_warshall(t):
    n = 24
    d = t.integers(1, 100, (n, n)) + 1000 * (t.rng.random((n, n)) < 0.8)
    d = d.astype(np.int32)
    np.fill_diagonal(d, 0)
    data = t.device(d)
    for k in range(n):
        t.launch("floyd_warshall", (2, 2), (16, 16), data, n, k,
                 wait=k == n - 1)
    want = d.copy()
    for k in range(n):
        want = np.minimum(want, want[:, k:k + 1] + want[k])
    t.equal("distances", data, want)


@case("cuda/algorithms")
def bitonic(t):
    keys = t.integers(0, 2**32, (2, 1024), np.uint32)
    values = t.rng.permutation(2048).astype(np.uint16).reshape(2, 1024)
    k, v = t.device(keys), t.device(values)
    t.launch("bitonic", 2, 256, k, v)
    order = keys.argsort(1)
    t.equal("keys", k, np.take_along_axis(keys, order, 1))
    t.equal("values", v, np.take_along_axis(values, order, 1))


@case("cuda/algorithms")
def align(t):
    n, m = 90, 70
    a, b = (t.integers(0, 4, k, np.uint8) + np.uint8(65) for k in (n, m))
    best = t.zeros(1, np.int32)
    t.launch("align", 1, 96, t.device(np.pad(a, (0, 6))), t.device(b), best, n,
             m)
    score = np.zeros((n + 1, m + 1), int)
    for i in range(n):
        for j in range(m):
            score[i + 1, j + 1] = max(
                0, score[i, j] + (3 if a[i] == b[j] else -2),
                score[i, j + 1] - 1, score[i + 1, j] - 1)
    t.equal("score", best, [score.max()])


@case("cuda/algorithms")
def black_scholes(t):
    n = 200
    price = t.rng.uniform(5, 30, n).astype(np.float32)
    strike = t.rng.uniform(1, 100, n).astype(np.float32)
    years = t.rng.uniform(0.25, 10, n).astype(np.float32)
    call, put = t.empty(n), t.empty(n)
    t.launch("black_scholes", 2, 128, *map(t.device, (price, strike, years)),
             call, put, 0.02, 0.3, n)
    s, k, y = (v.astype(np.float64) for v in (price, strike, years))
    r, vol = np.float64(np.float32(0.02)), np.float64(np.float32(0.3))
    root = vol * np.sqrt(y)
    d1 = (np.log(s / k) + (r + vol * vol / 2) * y) / root
    d2, discount = d1 - root, k * np.exp(-r * y)
    t.close("call", call, s * normal(d1) - discount * normal(d2), 5e-6,
            "differences of f32 products")
    t.close("put", put, discount * normal(-d2) - s * normal(-d1), 5e-6,
            "differences of f32 products")


@case("cuda/algorithms")
def monte_carlo(t):
    n, rounds = 64, 50
    inside, xorwow = t.empty(n, np.uint32), t.empty(n, np.uint32)
    normals = t.empty(2 * n)
    t.launch("monte_carlo", 2, 32, inside, xorwow, normals, rounds)
    # cuRAND's Philox: the subsequence is the counter's upper half.
    want = np.zeros(n, int)
    for r in range(rounds):
        u = [(w.astype(np.float64) + 0.5) * 2.0**-32
             for w in counter(r, np.arange(n), 1234)]
        want += (u[0]**2 + u[1]**2 < 1).astype(int) + (u[2]**2 + u[3]**2 < 1)
    # A point within 1e-7 of the circle may fall to either side in f32.
    t.close("inside", inside, want, 1, "f32 near the circle", False)
    x = xorwow.get()
    t.true("xorwow", len(np.unique(x)) > n // 2 and x.max() < 1999, f"{x}")
    z = normals.get()
    t.true("normals", abs(z.mean()) < 0.4 and 0.7 < z.std() < 1.3,
           f"mean {z.mean()}, deviation {z.std()}")


def counter(low, subsequence, seed):
    """Philox-4x32-10 with the counter (low, 0, subsequence, 0)."""
    mask = np.uint64(0xffffffff)
    n = len(subsequence)
    c = [np.full(n, low, np.uint64), np.zeros(n, np.uint64),
         subsequence.astype(np.uint64), np.zeros(n, np.uint64)]
    k0, k1 = seed & 0xffffffff, seed >> 32
    for _ in range(10):
        a, b = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [b >> np.uint64(32) ^ c[1] ^ np.uint64(k0), b & mask,
             a >> np.uint64(32) ^ c[3] ^ np.uint64(k1), a & mask]
        k0, k1 = k0 + 0x9E3779B9 & 0xffffffff, k1 + 0xBB67AE85 & 0xffffffff
    return c


@case("cuda/algorithms")
def edit_distance(t):
    pairs, m = 5, 40
    a = t.integers(0, 4, (pairs, 32), np.int8)
    b = t.integers(0, 4, (pairs, m), np.int8)
    out = t.empty(pairs, np.int32)
    t.launch("edit_distance", pairs, 32, t.device(a), t.device(b), out, m)
    want = []
    for p, q in zip(a, b):
        row = list(range(33))
        for j in range(m):
            last, row = row, [j + 1]
            for i in range(32):
                row.append(min(row[i] + 1, last[i + 1] + 1,
                               last[i] + (p[i] != q[j])))
        want.append(row[32])
    t.equal("distances", out, want)
