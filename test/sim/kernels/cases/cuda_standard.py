# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# cuda/standard.cu: libcu++ on the device.

import math

import numpy as np

from corpus import case


@case("cuda/standard")
def latches(t):
    x = t.integers(-999, 999, (3, 128))
    out = t.empty((3, 64), np.int32)
    t.launch("latches", 3, 128, t.device(x), out)
    t.equal("sums", out, (x + x[:, np.arange(128) ^ 1] + x[:, ::-1])[:, ::2])


@case("cuda/standard")
def semaphores(t):
    most, total = t.empty(4, np.uint32), t.zeros(1, np.uint32)
    t.launch("semaphores", 4, 96, most, total)
    got = most.get()
    t.true("at most three", (got <= 3).all() and (got >= 1).all(), str(got))
    t.equal("total", total, [4 * 96 * 95 // 2])


@case("cuda/standard")
def completions(t):
    x = t.integers(0, 100, (3, 64))
    data, rounds = t.device(x), t.zeros(3, np.int32)
    t.launch("completions", 3, 64, data, rounds, 5)
    t.equal("data", data, np.roll(x, -5, 1) + 5)
    t.equal("phases", rounds, [11] * 3)


@case("cuda/standard")
def hand_over(t):
    token, count = t.zeros(1, np.int32), t.zeros(1, np.int32)
    order = t.empty(20, np.int32)
    t.launch("hand_over", 5, 32, token, order, count, 4)
    t.equal("order", order, np.tile(np.arange(5), 4))


@case("cuda/standard")
def widths(t):
    n = 256
    x = t.integers(-5000, 5000, n)
    start = dict(s=np.array([1, 2, 3, 4, 5, -9000], np.int16),
                 b=np.array([7, 8, 9, 0, 250, 0, 0, 0], np.uint8),
                 f=np.array([0, -1e9], np.float32),
                 d=np.array([0, 1e9]), l=np.array([-1, -2**62]))
    a = {k: t.device(v) for k, v in start.items()}
    t.launch("widths", 4, 64, t.device(x), *a.values(), None)
    rest = np.fmod(x, 7)
    i = np.arange(n)
    t.equal("int16", a["s"], [*(start["s"][k] + rest[i % 5 == k].sum()
                                for k in range(5)), x.max()])
    xor = [int(start["b"][k]) ^ int(np.bitwise_xor.reduce(x[i % 3 == k])) & 255
           for k in range(3)]
    cell = 250
    for _ in range(n):
        cell = 3 if cell * 2 + 1 > 250 else cell + 1
    t.equal("uint8", a["b"].get()[:5], [*xor, int(np.bitwise_or.reduce(x & 0x5a)), cell])
    t.equal("float", a["f"], [x.sum(), x.max()])
    t.equal("double", a["d"], [-x.sum(), x.min()])
    bits = ~0
    for v in x.tolist():
        bits &= ~(1 << (v & 63))
    t.equal("int64", a["l"], [(bits + 2**63) % 2**64 - 2**63,
                              int(x.max()) * 1000000007])


@case("cuda/standard")
def complexes(t):
    n = 96
    a, b = (t.random(n, np.float64) + 1j * t.random(n, np.float64)
            for _ in range(2))
    out = t.empty((10, n), np.complex128)
    t.launch("complexes", 3, 32, t.device(a), t.device(b), out, n)
    got = out.get()
    want = [a * b, a / b, np.exp(a), np.sqrt(a), np.log(a), np.sin(a), np.arctan(b),
            np.abs(a) * b / np.abs(b), a ** b, np.tanh(a)]
    for k, w in enumerate(want):
        error = np.abs(got[k] - w) / np.maximum(np.abs(w), 1e-3)
        t.true(f"row {k}", error.max() < 2e-13, f"error {error.max()}")


@case("cuda/standard")
def vocabulary(t):
    n = 128
    x = t.integers(0, 30000, n)
    x[:64] = t.rng.permutation(256)[:64]
    out, more = t.empty(n, np.float64), t.empty((5, n), np.int32)
    t.launch("vocabulary", 2, 64, t.device(x), out, more, n)
    t.equal("visits", out, np.select(
        [x % 4 == 0, x % 4 == 1, x % 4 == 2], [x, x * 2.0, x * 2], 3 * x + 3))
    low = x & 255
    r = np.sqrt(low).astype(int)
    rotl = lambda v, k: (v << k | v >> 32 - k) & 0xffffffff
    rows = [np.where(r * r == low, r, -1),
            [v // 7 * 100 + v % 7 * 10 + math.gcd(v, 360) for v in x.tolist()]]
    rows.append([v.bit_count() | 32 - v.bit_length() << 8 |
                 ((~v & -~v).bit_length() - 1) << 16 | (v.bit_count() == 1) << 24
                 for v in x.tolist()])
    rows.append([rotl(v, 11) ^ max(1, 1 << ((v >> 1) - 1).bit_length() if v > 1
                                   else 1) ^
                 int(np.float32(v).view(np.uint32)) ^
                 int.from_bytes(v.to_bytes(4, "little"), "big") for v in x.tolist()])
    i = np.arange(n)
    grid = x.reshape(n // 4, 4)
    rows.append(grid[i * 3 % (n // 4), i % 4] + grid[i // 4, 3 - i % 4])
    got = more.get()
    for k, w in enumerate(rows):
        t.equal(f"row {k}", got[k], np.asarray(w).astype(np.uint32).view(np.int32)
                if k == 3 else w)


@case("cuda/standard")
def algorithms(t):
    x = t.integers(0, 40, (64, 33))
    data, found = t.device(x), t.empty((64, 2), np.int32)
    t.launch("algorithms", 2, 32, data, found, 33)
    want = np.sort(x, 1)
    t.equal("rows", data, want)
    middle = want[:, 16:17]
    t.equal("ranges", found, np.stack([(want < middle).sum(1),
                                       (want == middle).sum(1)], 1))


@case("cuda/standard")
def staged(t):
    n = 64 * 6 + 20
    x = t.integers(-50, 50, (n, 4)).astype(np.float32)
    sums = t.empty(64)
    t.launch("staged", 1, 64, t.device(x), sums, n)
    v = x @ np.array([1, 2, 3, 4])
    want = np.zeros(64)
    for c in range(7):
        part = v[c * 64:c * 64 + 64]
        i = np.arange(len(part))
        want[:len(part)] += part[i ^ ((i ^ 1) + c * 64 < n)]
    t.equal("sums", sums, want)


@case("cuda/standard")
def annotated(t):
    x = t.integers(-999, 999, 200)
    out = t.empty(200, np.int32)
    t.launch("annotated", 4, 64, t.device(x), out, 200)
    t.equal("values", out, x[::-1] * 2)
