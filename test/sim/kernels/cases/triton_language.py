# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# triton/language.py: the language's features.

import math

import numpy as np

from cases.references import product
from corpus import case


@case("triton/while_loops")
def while_loops(t):
    x = t.integers(1, 3000, 300)
    steps, most = t.empty(300, np.int32), t.empty(300, np.int32)
    t.launch("while_loops", 3, None, t.device(x), steps, most, 300)
    want = []
    for v in x.tolist():
        count, top = 0, v
        while v > 1:
            v = v // 2 if v % 2 == 0 else 3 * v + 1
            count, top = count + 1, max(top, v)
        want.append((count, top))
    want = np.array(want)
    t.equal("steps", steps, want[:, 0])
    t.equal("largest", most, want[:, 1])


@case("triton/reduce_pairs")
def reduce_pairs(t):
    x = t.integers(-50, 51, (4, 199)).astype(np.float32)
    value, index = t.empty(4), t.empty(4, np.int32)
    t.launch("reduce_pairs", 1, None, t.device(x), value, index, 199)
    at = np.abs(x).argmax(1)
    t.equal("index", index, at)
    t.equal("value", value, x[np.arange(4), at])


@case("triton/segmented_scan")
def segmented_scan(t):
    x, f = t.integers(-99, 99, 512), (t.rng.random(512) < 0.1).astype(np.int32)
    out, back = t.empty(512, np.int32), t.empty(512, np.int32)
    t.launch("segmented_scan", 1, None, t.device(x), t.device(f), out, back)
    want, total = [], 0
    for v, flag in zip(x.tolist(), f.tolist()):
        total = v if flag else total + v
        want.append(total)
    t.equal("sums", out, want)
    t.equal("backwards", back, x[::-1].cumsum()[::-1])


@case("triton/dot_batched")
def dot_batched(t):
    a, b = t.random((4, 32, 64), np.float16), t.random((4, 64, 32), np.float16)
    c = t.empty((4, 32, 32), np.float16)
    t.launch("dot_batched", 1, None, t.device(a), t.device(b), c)
    t.close("products", c, product(a, b), 5e-3, "64 sums rounded to f16")


@case("triton/descriptors")
def descriptors(t):
    x = t.random((44, 72))
    out = t.empty((72, 44))
    t.launch("descriptors", 2, None, t.device(x), out, 44, 72)
    t.equal("transpose", out, x.T * 2)


@case("triton/pointer_table")
def pointer_table(t):
    sizes = np.array([1, 64, 200, 77], np.int32)
    parts = [t.integers(-99, 99, n).astype(np.float32) for n in sizes]
    arrays = [t.device(p) for p in parts]
    table = t.device(np.array([a.pointer for a in arrays], np.int64))
    out = t.empty(4)
    t.launch("pointer_table", 4, None, table, t.device(sizes), out)
    t.equal("sums", out, [p.sum() for p in parts])


@case("triton/rounding")
def rounding(t):
    n = 256
    a, b = t.random(n), t.random(n)
    u = t.integers(0, 2**31, n)
    out, words = t.empty((6, n)), t.device(u)
    t.launch("rounding", 1, None, t.device(a), t.device(b), out, words, n)
    got = out.get()
    t.equal("division", got[0], a / b)
    t.equal("root", got[1], np.sqrt(np.abs(a)))
    x, y = a.astype(np.float64), b.astype(np.float64)
    t.close("fma", got[2], x * y + x, 2.0**-24, "one rounding", relative="each")
    t.equal("floor and ceil", got[3], np.floor(a) + np.ceil(b))
    t.equal("clamp", got[4], np.clip(a, np.float32(-0.5), np.float32(0.75)))
    t.close("erf", got[5], [math.erf(v) for v in x], 3e-7,
            "2 ulp of erff (CUDA C++ Programming Guide)", relative="each")
    v = (u.astype(np.int64) * 2654435 + 1) & 0xffffffff
    high = u.astype(np.uint64) * v.astype(np.uint64) >> np.uint64(32)
    t.equal("words", words.get().view(np.uint32),
            high.astype(np.uint32) ^ np.bitwise_xor.reduce(u).astype(np.uint32))


@case("triton/calls")
def calls(t):
    x, p, q = t.random(40, scale=0.5), t.random(8), t.random(8)
    out = t.empty(40)
    t.launch("calls", 40, None, *map(t.device, (x, p, q)), out, 7)
    v = x.astype(np.float64)
    want = np.polyval(p[::-1].astype(np.float64), v) + \
        np.polyval(q[3::-1].astype(np.float64), -v)
    t.close("values", out, want, 1e-6, "f32 multiply-adds")


@case("triton/lock_table")
def lock_table(t):
    keys = t.rng.choice(50000, 150, replace=False).astype(np.int32)
    slots = t.device(np.full(256, -1, np.int32))
    t.launch("lock_table", 150, None, t.device(keys), slots, 150)
    got = slots.get()
    t.equal("keys", np.sort(got[got >= 0]), np.sort(keys))
    # Nothing is free between a key's place and where it lies.
    for at in np.flatnonzero(got >= 0):
        first = int(got[at]) * 40503 % 256
        way = [(first + k) % 256 for k in range((int(at) - first) % 256)]
        t.true(f"way to {at}", (got[way] >= 0).all())


@case("triton/checked_prints")
def checked_prints(t):
    x = t.integers(0, 999, 32)
    out = t.empty(32, np.int32)
    t.launch("checked_prints", 1, None, t.device(x), out, 32)
    t.equal("pairs", out, x.reshape(16, 2)[:, ::-1].ravel()[::-1])
