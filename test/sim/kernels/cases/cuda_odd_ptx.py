# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# cuda/odd_ptx.cu: instructions that compilers seldom write. The references
# follow the text of the PTX ISA. All exact.

from fractions import Fraction

import ml_dtypes
import numpy as np

from corpus import case

M = 0xffffffff
BF16 = ml_dtypes.bfloat16


def signed(x, bits=32):
    x &= (1 << bits) - 1
    return x - (1 << bits) if x >> bits - 1 else x


def clamp(x, low, high):
    return max(low, min(high, x))


def words(t, n=128):
    """Words with many zeros, ones, and small values among random ones."""
    x = t.integers(0, 2**32, n, np.uint32)
    x[:6] = 0, 1, M, 0x80000000, 0x7fffffff, 0x00ff8000
    x[::7] >>= np.uint32(21)
    return t.rng.permutation(x)


def by_mode(mode, a, b, c):
    data = [(a | b << 32) >> 8 * k & 255 for k in range(8)]
    if mode == "f4e":
        picks = [c + k for k in range(4)]
    elif mode == "b4e":
        picks = [c - k & 7 for k in range(4)]
    elif mode == "rc8":
        picks = [c] * 4
    elif mode == "ecl":
        picks = [max(k, c) for k in range(4)]
    elif mode == "ecr":
        picks = [min(k, c) for k in range(4)]
    else:
        picks = [(c & 1) * 2 + k % 2 for k in range(4)]
    return sum(data[p] << 8 * k for k, p in enumerate(picks))


def prmt(a, b, c):
    data, value = a | b << 32, 0
    for k in range(4):
        pick = c >> 4 * k & 15
        byte = data >> 8 * (pick & 7) & 255
        if pick & 8:
            byte = 255 if byte & 128 else 0
        value |= byte << 8 * k
    return value


@case("cuda/odd_ptx")
def permutes(t):
    a, b, c = words(t), words(t), words(t)
    out = t.empty((7, 128), np.uint32)
    t.launch("permutes", 2, 64, *map(t.device, (a, b, c)), out, 128)
    three = list(zip(a.tolist(), b.tolist(), c.tolist()))
    want = [[prmt(*v) for v in three]]
    for mode in ("f4e", "b4e", "rc8", "ecl", "ecr", "rc16"):
        want.append([by_mode(mode, x, y, z & 3) for x, y, z in three])
    t.equal("words", out, np.array(want, np.uint32))


def bfind(x):
    return x.bit_length() - 1 & M


def fns(mask, base, offset):
    if offset == 0:
        return base if mask >> base & 1 else M
    places, step = [], 1 if offset > 0 else -1
    p = base
    while 0 <= p < 32:
        if mask >> p & 1:
            places.append(p)
        p += step
    return places[abs(offset) - 1] if len(places) >= abs(offset) else M


def bfe(x, position, length):
    if length == 0:
        return 0
    sign = x >> min(position + length - 1, 31) & 1
    return sum((x >> position + i & 1 if i < length and position + i < 32
                else sign) << i for i in range(32))


def lanes(x, kinds, bits):
    return [signed(x >> bits * k, bits) if kinds == "s" else
            x >> bits * k & (1 << bits) - 1 for k in range(32 // bits)]


def field_row(x, y, z):
    s, w = z & 63, y & 63
    c, r = min(s, 32), s & 31
    both, sx, sy, sz = y << 32 | x, signed(x), signed(y), signed(z)
    szext = lambda n: M & (x & (1 << n) - 1)
    wrapped = signed(x & (1 << r) - 1, r) if r else 0
    h16 = lambda kind: lanes(x, kind, 16)
    b8 = lambda kind: lanes(y, kind, 8)
    dot = lambda p, q: sum(i * j for i, j in zip(p, q)) + z
    mask = lambda p, n: ((1 << n) - 1) << p & M
    n6 = bfind(x >> (z & 31))
    return [
        both << c >> 32, both >> c, both << r >> 32, both >> r,
        bfind(x), bfind(x if sx >= 0 else ~x & M), 31 - n6 & M if n6 != M else M,
        mask(min(w, 32), min(s, 32)), mask(w & 31, r),
        szext(c), wrapped,
        fns(x, y & 31, z % 9 - 4),
        z + abs(sx - sy), z + abs(x - y),
        signed(x, 24) * signed(y, 24) + z,
        (x & 0xffffff) * (y & 0xffffff) >> 16,
        dot(h16("s"), b8("u")[:2]), dot(h16("u"), b8("s")[2:]),
        dot(lanes(x, "u", 8), b8("s")),
        int(f"{x:032b}"[::-1], 2), bfe(x, w, s),
        (y & ~mask(s, 7)) | (x << s & mask(s, 7)) if s < 32 else y,
        x if sz >= 0 else y, int(x & z & 1 == 0),
        # 0x6a = (a & b) ^ c of the rows of the table.
        (x & y) ^ z,
        (sx * sy >> 32) + z, clamp((sx * sy >> 32) + sz, -2**31, 2**31 - 1),
        clamp(sx + sy, -2**31, 2**31 - 1), clamp(sx - sy, -2**31, 2**31 - 1),
        32 - (x >> (z & 31)).bit_length()]


@case("cuda/odd_ptx")
def fields(t):
    a, b, c = words(t), words(t), words(t)
    out = t.empty((30, 128), np.uint32)
    t.launch("fields", 2, 64, *map(t.device, (a, b, c)), out, 128)
    want = np.array([[v & M for v in field_row(*row)] for row in zip(
        a.tolist(), b.tolist(), c.tolist())], np.uint32).T
    got = out.get()
    for k in range(30):
        t.equal(f"row {k}", got[k], want[k])


@case("cuda/odd_ptx")
def carries(t):
    a, b = (t.integers(0, 2**64 - 1, (64, 2), np.uint64) for _ in range(2))
    a[:4] = 2**64 - 1
    b[1:3] = [[1, 0], [2**64 - 1, 2**64 - 1]]
    out = t.empty((9, 64), np.uint64)
    t.launch("carries", 1, 64, t.device(a), t.device(b), out, 64)
    rows = []
    for (al, ah), (bl, bh) in zip(a.tolist(), b.tolist()):
        add, sub = (al | ah << 64) + (bl | bh << 64), (al | ah << 64) - (bl | bh << 64)
        mad = al * bl + (ah | bh << 64)
        x0, x1 = al & M, al >> 32
        # lo(x0*x1); hi(x0*x1) + x1 with carry into x1*x1.
        first = (x0 * x1 >> 32) + x1
        second = (first & M) + (x1 * x1 & M) + (first >> 32)
        top = (x1 * x1 >> 32) + (second >> 32)
        m64 = 2**64 - 1
        rows.append([add & m64, add >> 64 & m64, add >> 128, sub & m64,
                     sub >> 64 & m64, mad & m64, mad >> 64 & m64,
                     (x0 * x1 & M) | (second & M) << 32, top & M])
    t.equal("words", out, np.array(rows, np.uint64).T)


def odd_floats(t, n=128):
    x = t.random(n, scale=3)
    x[:12] = 0, -0.0, np.inf, -np.inf, np.nan, 1e-40, -1e-41, 65520, 3e38, 1, -1, 0.5
    return t.rng.permutation(x)


def toward_zero(x, dtype):
    """f32 to f16 or bf16, cut."""
    near = x.astype(dtype)
    back = near.astype(np.float32)
    over = np.abs(back) > np.abs(x)
    return np.where(over, (near.view(np.uint16) - 1).view(dtype), near).view(dtype)


@case("cuda/odd_ptx", needs="packed_converts", only=r"sm_8")
def packed_converts(t):
    a, b = odd_floats(t), odd_floats(t)
    a[np.isnan(a)], b[np.isnan(b)] = 2, -2
    a, b = np.clip(a, -3e4, 3e4), np.clip(b, -3e4, 3e4)
    out = t.empty((9, 128), np.uint32)
    t.launch("packed_converts", 2, 64, t.device(a), t.device(b), out, 128)
    relu = lambda x: np.where(x > 0, x, np.float32(0))
    f16 = lambda x: x.astype(np.float16)
    bf = lambda x: x.astype(BF16)
    cut = toward_zero
    pairs = [(f16(a), f16(b)), (cut(a, np.float16), cut(b, np.float16)),
             (f16(relu(a)), f16(relu(b))), (bf(a), bf(b)),
             (cut(relu(a), BF16), cut(relu(b), BF16))]
    want = [h.view(np.uint16).astype(np.uint32) << 16 | l.view(np.uint16)
            for h, l in pairs]
    bits = a.view(np.uint32)
    want.append(bits + np.uint32(0x1000) & np.uint32(0xffffe000))
    x, y = ((v * np.float32(1000)).astype(np.int64) for v in (a, b))
    pack = lambda v, lo, hi, n: (np.clip(v, lo, hi) & (1 << n) - 1).astype(np.uint32)
    want.append(pack(x, -2**15, 2**15 - 1, 16) << 16 | pack(y, -2**15, 2**15 - 1, 16))
    want.append(want[6] << 16 | pack(x, 0, 255, 8) << 8 | pack(y, 0, 255, 8))
    want.append((0x12345678 << 8 & M) | pack(x >> 8, -8, 7, 4) << 4 |
                pack(y >> 8, -8, 7, 4))
    got = out.get()
    for k, row in enumerate(want):
        t.equal(f"row {k}", got[k] & ~np.uint32(0x1fff) if k == 5 else got[k], row)


def rounded(exact, way):
    """A Fraction to f32, towards -1: down, 1: up, 0: zero."""
    near = np.float32(float(exact)) if exact else np.float32(0)
    while way < 0 and Fraction(float(near)) > exact or \
            way > 0 and Fraction(float(near)) < exact or \
            way == 0 and abs(Fraction(float(near))) > abs(exact):
        to = {-1: -np.inf, 1: np.inf, 0: 0}[way]
        near = np.nextafter(near, np.float32(to))
    while True:  # the nearest such
        to = {-1: np.inf, 1: -np.inf, 0: np.inf if exact > 0 else -np.inf}[way]
        more = np.nextafter(near, np.float32(to))
        f = Fraction(float(more)) if np.isfinite(more) else None
        if f is None or way < 0 and f > exact or way > 0 and f < exact or \
                way == 0 and abs(f) > abs(exact):
            return near
        near = more


@case("cuda/odd_ptx", needs="extrema")
def extrema(t):
    a, b, c = odd_floats(t), odd_floats(t), odd_floats(t)
    out = t.zeros((15, 128))
    t.launch("extrema", 2, 64, *map(t.device, (a, b, c)), out, 128)
    got = out.get()
    nan = np.isnan(a) | np.isnan(b)
    ftz = lambda x: np.where(np.abs(x) < 2.0**-126, np.copysign(np.float32(0), x), x)
    zeros = (a == 0) & (b == 0)
    with np.errstate(all="ignore"):
        low = np.where(zeros, np.where(np.signbit(a), a, b), np.fmin(a, b))
        high = np.where(zeros, np.where(np.signbit(a), b, a), np.fmax(a, b))

        def bits(k, want):
            keep = ~np.isnan(want)
            t.equal(f"row {k}", got[k][keep].view(np.uint32),
                    want[keep].astype(np.float32).view(np.uint32))
            t.true(f"NaN of row {k}", np.isnan(got[k][~keep]).all())

        bits(0, low)
        bits(1, high)
        bits(2, np.where(nan, np.nan, low))
        bits(3, np.where(nan, np.nan, high))
        fa, fb = ftz(a), ftz(b)
        bits(4, np.where((fa == 0) & (fb == 0), np.where(np.signbit(fa), fa, fb),
                         np.fmin(fa, fb)))
        # copysign.f32 d, a, b: the sign of a on b.
        t.equal("row 5", got[5].view(np.uint32) >> 31, a.view(np.uint32) >> 31)
        if t.target >= 86:
            sign = (a.view(np.uint32) ^ b.view(np.uint32)) & np.uint32(1 << 31)
            m = np.fmin(np.abs(a), np.abs(b))
            t.equal("row 6", got[6][~nan].view(np.uint32),
                    (m.view(np.uint32) | sign)[~nan])
            m = np.where(nan, np.nan, np.fmax(np.abs(a), np.abs(b)))
            t.equal("row 7", got[7][~nan].view(np.uint32),
                    (m.view(np.uint32) | sign)[~nan])
        finite = np.isfinite(a) & np.isfinite(b) & np.isfinite(c)
        small = finite & (np.maximum(np.abs(a), np.abs(b)) < 1e18) & \
            (np.abs(c) < 1e18)
        for i in np.flatnonzero(small):
            x, y, z = (Fraction(float(v[i])) for v in (a, b, c))
            want = rounded(x * y + z, -1)
            if want or x * y + z:
                t.equal(f"row 9 at {i}", got[9][i:i + 1], [want])
            x, y = Fraction(float(fa[i])), Fraction(float(fb[i]))
            if x + y:
                t.equal(f"row 10 at {i}", got[10][i:i + 1],
                        [ftz(rounded(x + y, 1))])
            x, y = Fraction(float(a[i])), Fraction(float(b[i]))
            want = max(np.float32(0), min(np.float32(1), rounded(x * y, 0)))
            t.equal(f"row 11 at {i}", got[11][i:i + 1], [want])
        t.equal("row 13", got[13], np.where(nan | (a > b), 1.0, 0.0))
        t.true("row 8 within [0, 1]", ((got[8] >= 0) & (got[8] <= 1)).all())


@case("cuda/odd_ptx")
def tests(t):
    a = odd_floats(t)
    b = odd_floats(t).astype(np.float64)
    b[:3] = 5e-324, 1e-310, 2.3e-308
    out = t.empty(128, np.uint32)
    t.launch("tests", 2, 64, t.device(a), t.device(b), out, 128)
    i = np.arange(128)
    with np.errstate(invalid="ignore"):
        sub = (np.abs(a) < 2.0**-126) & (a != 0)
        subd = (np.abs(b) < 2.0**-1022) & (b != 0)
        r, lt = i % 16 < 7, a < 1
        rows = [np.isfinite(a), np.isinf(a), ~np.isnan(a), np.isnan(a),
                # Zeros count as normal.
                np.isfinite(a) & ~sub, sub, subd,
                np.isfinite(b) & ~subd,
                np.isnan(a) | (a == 0) | sub, np.isnan(a), ~np.isnan(b),
                lt ^ ~r, ~(a >= 0) & (i % 8 != 3)]
    want = sum(v.astype(np.uint32) << k for k, v in enumerate(rows))
    t.equal("bits", out, want)


@case("cuda/odd_ptx")
def spaces(t):
    out = t.empty(5 * 32, np.int32)
    t.launch("spaces", 1, 32, out)
    got = out.get()
    t.equal("spaces", got[:128].reshape(32, 4), [[1, 2, 4, 8]] * 32)
    t.equal("local", got[128:], [2] * 32)


@case("cuda/odd_ptx")
def branches(t):
    x = words(t)
    out = t.empty(128, np.uint32)
    t.launch("branches", 2, 64, t.device(x), out)
    t.equal("words", out, np.array(
        [[v + 100, v * 3, ~v, v.bit_count()][v & 3] & M for v in x.tolist()],
        np.uint32))


@case("cuda/odd_ptx")
def specials(t):
    out, times = t.empty((6 * 64, 9), np.uint32), t.empty(384, np.uint64)
    t.launch("specials", (2, 3), 64, out, times, shared=512)
    got = out.get()[:128]
    lane = np.arange(128) % 32
    eq = np.uint64(1) << lane.astype(np.uint64)
    lt = eq - np.uint64(1)
    full = np.uint64(M)
    want = np.stack([lane, lane >= 0, lt, lt | eq, full & ~lt, full & ~lt & ~eq,
                     0 * lane + 512, lane >= 0, 0 * lane + 3], 1)
    t.equal("registers", got, want.astype(np.uint32))
    t.equal("clocks", times.get()[:128], [7] * 128)


@case("cuda/odd_ptx")
def decorated(t):
    x = words(t)
    out = t.zeros((17, 128), np.uint32)
    t.launch("decorated", 2, 64, t.device(x), out, 128)
    four = x.reshape(-1, 4).repeat(4, 0)
    xor = np.bitwise_xor.reduce(four, 1)
    a, b, c, d = four.T
    want = np.concatenate([[x] * 13, [xor, a, b], [
        (c & 0xff) | (a & 0xff) << 8 | (d & 0xffff) << 16]])
    t.equal("words", out, want)


@case("cuda/odd_ptx", needs="warp_odds")
def warp_odds(t):
    x = words(t)
    x[64:] &= np.uint32(63)
    out = t.empty((12, 128), np.uint32)
    t.launch("warp_odds", 2, 64, t.device(x), out, 128)
    got = out.get()
    want = np.zeros((12, 128), np.uint32)
    for i in range(128):
        base, lane = i & ~31, i % 32
        all32 = x[base:base + 32]
        mine = all32[:20] if lane < 20 else all32[20:]
        want[0, i] = int(mine.astype(np.int64).sum()) & M
        want[1, i] = np.uint32(int(mine.view(np.int32).min()) & M)
        want[2, i] = mine.max()
        want[3, i] = np.bitwise_xor.reduce(mine)
        want[4, i] = np.bitwise_and.reduce(mine)
        want[5, i] = np.bitwise_or.reduce(mine)
        want[6, i] = sum(1 << k for k in range(32) if (all32[k] ^ x[i]) & 7 == 0)
        want[7, i] = (0xfffff if lane < 20 else 0xfff00000) ^ 1
        # c = 0x1c07: segments of 4 lanes; bound: the segment's last lane.
        bound = (lane & 0x1c) | (7 & ~0x1c)
        ok = lane + 3 <= bound
        want[8, i], want[9, i] = all32[lane + 3 if ok else lane], ok
        under = mine < 100
        want[10, i] = under.all() or not under.any()
        want[11, i] = (x[i & ~63:(i & ~63) + 64] < 100).sum()
    for k in range(12):
        t.equal(f"row {k}", got[k], want[k])
