# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# cuda/memory.cu: state spaces, addresses, types. All exact but constants().

import struct

import numpy as np

from corpus import case


@case("cuda/memory")
def constants(t):
    c = t.random(16)
    t.variable("coefficients", np.float32).set(c)
    x = t.rng.uniform(-1, 1, 300).astype(np.float32)
    out = t.empty(300)
    t.launch("constants", 3, 128, t.device(x), out, 300)
    v, want = x.astype(np.float64), 0
    for k in range(15, -1, -1):
        want = want * v + c[k]
    primes = np.array([2, 3, 5, 7, 11, 13, 17, 19])
    t.close("polynomial", out, want + primes[np.arange(300) & 7],
            1e-6, "16 fused multiply-adds in f32")


@case("cuda/memory")
def globals(t):
    out, lengths = t.empty(4, np.float64), t.empty(3, np.int32)
    t.launch("globals", 1, 32, out, lengths)
    t.equal("table", out, np.array([0.5, 0.25, -1.0, 1e300]) * 2)
    t.equal("words", lengths, [5 * 256 + ord("l"), 4 * 256 + ord("e"),
                               5 * 256 + ord("a")])
    t.equal("counter", t.variable("counter", np.int32), [5 + 31 * 16])


@case("cuda/memory")
def dynamic_shared(t):
    n = 150
    x = t.integers(-1000, 1000, n)
    out = t.empty(n, np.int32)
    t.launch("dynamic_shared", 1, 64, t.device(x), out, n, shared=n * 9)
    flag = np.fmod(x, 7) == 0
    t.equal("values", out, x + x[::-1] * 3 + np.roll(flag, -1) * 1000000)


@case("cuda/memory")
def generic_pointers(t):
    x = t.integers(-1000, 1000, 64)
    out = t.empty(64, np.int32)
    t.launch("generic_pointers", 1, 64, t.device(x), out)
    tile, want = x ^ 0x55, []
    for i in range(64):
        mine = [0] * 8
        for k in range(8):
            mine[(k * 3 + i) % 8] = x[(i + k) % 64] + k
        at = i % 56
        p = [x[at:at + 8], tile[at:at + 8], mine][i % 3]
        s = 0
        for v in p:
            s = s * 3 + int(v)
        want.append(s * 8 + [2, 4, 1][i % 3])
    t.equal("sums", out, want)


@case("cuda/memory")
def packed_records(t):
    n, size = 50, 17
    raw = t.integers(0, 256, (n, size), np.uint8)
    out, sums = t.empty((n, size), np.uint8), t.empty(n, np.uint32)
    t.launch("packed_records", 1, 64, t.device(raw), out, sums, n)
    want, words = [], []
    for row in raw:
        kind, length, offset, stamp, bits = struct.unpack("<BHIQH", bytes(row))
        flags, level = bits & 31, bits >> 5
        offset = offset + length & 0xffffffff
        stamp = (stamp << 8 | kind) & (1 << 64) - 1
        flags, level = -flags & 31, level ^ 0x2a5
        want.append(np.frombuffer(struct.pack(
            "<BHIQH", kind, length, offset, stamp, flags | level << 5),
            np.uint8))
        words.append(offset ^ stamp & 0xffffffff ^ level)
    t.equal("records", out, np.stack(want[::-1]))
    t.equal("sums", sums, np.array(words, np.uint32))


@case("cuda/memory")
def vectors(t):
    n = 96
    a, b = t.random((n, 4)), t.random((n, 2), np.float64)
    c = t.integers(0, 256, (n, 4), np.uint8)
    outs = [t.empty((n, 4)), t.empty((n, 2), np.float64),
            t.empty((n, 4), np.uint8), t.empty((n, 2), np.int16)]
    t.launch("vectors", 3, 32, *map(t.device, (a, b, c)), *outs)
    t.equal("float4", outs[0], a[:, ::-1])
    t.equal("double2", outs[1], np.stack([b[:, 0] + b[:, 1],
                                          b[:, 0] - b[:, 1]], 1))
    z = c.astype(int)
    t.equal("uchar4", outs[2], (np.stack([
        255 - z[:, 0], z[:, 1] // 2, z[:, 2] + z[:, 3], z[:, 3] ^ 0xf0], 1) &
        255).astype(np.uint8))
    t.equal("short2", outs[3], np.stack([z[:, 0] * z[:, 1],
                                         z[:, 2] - z[:, 3]], 1).astype(np.int16))


@case("cuda/memory")
def copies(t):
    n = 61
    x = t.integers(-128, 128, (32, n), np.int8)
    out = t.empty((32, 96), np.int8)
    t.launch("copies", 1, 32, t.device(x), out, n)
    want = np.repeat(np.arange(32, dtype=np.int8)[:, None], 96, 1)
    for i in range(32):
        want[i, i % 7:i % 7 + n] = x[i]
    t.equal("bytes", out, want)


@case("cuda/memory")
def widths(t):
    a, b = t.integers(-128, 128, 64, np.int8), t.integers(-2**15, 2**15, 64,
                                                          np.int16)
    c = t.integers(-2**40, 2**40, 64, np.int64)
    outs = [t.empty(64, d) for d in (np.int8, np.int16, np.int64)]
    t.launch("widths", 1, 64, *map(t.device, (a, b, c)), *outs)
    s = a.astype(np.int64) + b
    t.equal("i8", outs[0], s.astype(np.int8))
    t.equal("i16", outs[1], (s * b).astype(np.int16))
    t.equal("i64", outs[2], c * s + a.view(np.uint8))


@case("cuda/memory")
def transposes(t):
    x = t.random((96, 96))
    for entry in ("transpose_padded", "transpose_conflicts"):
        out = t.empty((96, 96))
        t.launch(entry, (3, 3), (32, 8), t.device(x), out, 96)
        t.equal(entry, out, x.T)


@case("cuda/memory")
def by_value(t):
    n = 100
    x = t.integers(-100, 100, n).astype(np.float32)
    source, out = t.device(x), t.empty(n)
    shifts = [3, -1, 4, 1, -5, 9]
    i = np.arange(n)
    for mode in b"np":
        args = struct.pack("<QQicxxxd6i", source.pointer, out.pointer, n,
                           bytes([mode]), 0.5, *shifts)
        t.launch("by_value", 2, 64, args, np.int16(-7), np.uint8(3))
        v = x[i * 3 % n] * 0.5 - 7
        t.equal(chr(mode), out, -v + np.array(shifts)[i % 6]
                if mode == ord("n") else v)


@case("cuda/memory")
def indices(t):
    grid, block = (3, 2, 4), (5, 7, 3)
    out = t.empty((24, 105), np.int32)
    t.launch("indices", grid, block, out)
    bz, by, bx = np.unravel_index(np.arange(24), grid[::-1])
    tz, ty, tx = np.unravel_index(np.arange(105), block[::-1])
    t.equal("indices", out, (tz * 1000000 + ty * 10000 + tx * 100)[None] +
            (bz * 16 + by * 4 + bx)[:, None])
