# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# cuda/integer_codes.cu against Python's own libraries and big integers.

import base64 as letters
import hashlib
import zlib

import numpy as np

from corpus import case

U32 = 0xffffffff


@case("cuda/integer_codes")
def sha256(t):
    n, length = 40, 41
    x = t.integers(0, 256, (n, length), np.uint8)
    out = t.empty((n, 8), np.uint32)
    t.launch("sha256", 1, 64, t.device(x), out, length, n)
    want = [np.frombuffer(hashlib.sha256(bytes(r)).digest(), ">u4") for r in x]
    t.equal("digests", out, np.stack(want).astype(np.uint32))


@case("cuda/integer_codes")
def crc32(t):
    x = t.integers(0, 256, (96, 50), np.uint8)
    out = t.empty(96, np.uint32)
    t.launch("crc32", 3, 32, t.device(x), out, 50)
    t.equal("checksums", out, np.array([zlib.crc32(bytes(r)) for r in x],
                                       np.uint32))


@case("cuda/integer_codes")
def chacha20(t):
    # RFC 8439, 2.4.2: its key stream is checked against a plain rewrite.
    key, nonce = t.integers(0, 2**32, 8, np.uint32), t.integers(0, 2**32, 3,
                                                                np.uint32)
    x = t.integers(0, 2**32, (64, 16), np.uint32)
    out = t.empty((64, 16), np.uint32)
    t.launch("chacha20", 2, 32, *map(t.device, (key, nonce, x)), out)
    s = np.zeros((16, 64), np.uint32)
    s[:4] = np.frombuffer(b"expand 32-byte k", np.uint32)[:, None]
    s[4:12], s[12], s[13:] = key[:, None], np.arange(64), nonce[:, None]
    w = s.copy()

    def turn(v, n):
        return v << np.uint32(n) | v >> np.uint32(32 - n)

    for _ in range(10):
        for a, b, c, d in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14),
                           (3, 7, 11, 15), (0, 5, 10, 15), (1, 6, 11, 12),
                           (2, 7, 8, 13), (3, 4, 9, 14)):
            for p, q, r, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8),
                               (c, d, b, 7)):
                w[p] += w[q]
                w[r] = turn(w[r] ^ w[p], n)
    t.equal("text", out, x ^ (w + s).T)


def toInt(words):
    return int.from_bytes(np.ascontiguousarray(words).tobytes(), "little")


@case("cuda/integer_codes")
def big_multiply(t):
    n = 64
    a, b, c = (t.integers(0, 2**32, (n, 8), np.uint32) for _ in "abc")
    a[0], b[0], c[0] = U32, U32, U32
    out = t.empty((n, 16), np.uint32)
    t.launch("big_multiply", 2, 32, *map(t.device, (a, b, c)), out)
    want = [np.frombuffer((toInt(x) * toInt(y) + toInt(z)).to_bytes(
        64, "little"), np.uint32) for x, y, z in zip(a, b, c)]
    t.equal("products", out, np.stack(want))


@case("cuda/integer_codes")
def power_mod(t):
    n = 32
    base, e = (t.rng.integers(1, 2**62, n, np.uint64) for _ in "be")
    e %= np.uint64(5000)
    m = t.rng.integers(2**40, 2**62, n, np.uint64)
    out = t.empty(n, np.uint64)
    t.launch("power_mod", 1, 32, *map(t.device, (base, e, m)), out)
    t.equal("powers", out, np.array([pow(int(p), int(q), int(r))
                                     for p, q, r in zip(base, e, m)], np.uint64))


@case("cuda/integer_codes")
def primes(t):
    x = np.concatenate([np.arange(200), t.integers(0, 40000, 56)]).astype(
        np.uint32)
    out = t.empty(256, np.uint8)
    t.launch("primes", 2, 128, t.device(x), out, 256)
    t.equal("primes", out, [v > 1 and all(v % d for d in range(
        2, int(v**0.5) + 1)) for v in map(int, x)])


@case("cuda/integer_codes")
def base64(t):
    x = t.integers(0, 256, 300, np.uint8)
    out = t.empty(400, np.uint8)
    t.launch("base64", 1, 128, t.device(x), out, 100)
    t.true("letters", out.get().tobytes() == letters.b64encode(x.tobytes()),
           "another text")


@case("cuda/integer_codes")
def galois(t):
    a, b = t.integers(0, 2**32, 64, np.uint32), t.integers(0, 2**32, 64,
                                                           np.uint32)
    out = t.empty(64, np.uint32)
    t.launch("galois", 1, 64, t.device(a), t.device(b), out)

    def multiplied(x, y):
        r = 0
        while y:
            r ^= x if y & 1 else 0
            x = x << 1 ^ (0x11b if x & 128 else 0)
            y >>= 1
        return r

    want = [multiplied(int(p), int(q)) for p, q in
            zip(a.view(np.uint8), b.view(np.uint8))]
    t.equal("products", out.get().view(np.uint8), want)


@case("cuda/integer_codes")
def bit_fields(t):
    n = 128
    a, b = t.integers(0, 2**32, n, np.uint32), t.integers(0, 2**32, n,
                                                          np.uint32)
    a[:3] = [0, 1, U32]
    out = t.empty((10, n), np.uint32)
    t.launch("bit_fields", 2, 64, t.device(a), t.device(b), out, n)

    def reference(x, y):
        p, l = y & 63, y >> 8 & 63
        signed = x - (1 << 32) if x >> 31 else x
        field = x >> p & (1 << l) - 1 if p < 32 else 0
        # bfe.s32: beyond the word, copies of the sign of the field's top bit.
        top = min(p + l - 1, 31)
        sign = l and x >> top & 1
        fill = (-1 << max(min(l, 32 - p), 0)) if sign else 0
        low = (1 << l) - 1 << p & U32 if p < 32 else 0
        magnitude = ~signed & U32 if signed < 0 else x
        find = lambda v: v.bit_length() - 1 & U32
        s = p & 31
        part = x & (1 << s) - 1
        extended = (part - (1 << s) if s and part >> s - 1 else part) & U32
        both = [*x.to_bytes(4, "little"), *y.to_bytes(4, "little")]
        back = sum(both[(p & 3) - i & 7] << 8 * i for i in range(4))
        wide = y << 32 | x
        return [field, (field | fill) & U32 if l else 0,
                x & ~low & U32 | (y << p & low if p < 32 else 0),
                find(x), find(magnitude),
                31 - (x.bit_length() - 1) & U32 if x else U32,
                low if p < 32 else 0, extended,
                wide << min(p, 32) >> 32 & U32, back]

    want = np.array([reference(int(x), int(y)) for x, y in zip(a, b)], np.uint32)
    names = ("bfe.u32", "bfe.s32", "bfi", "bfind.u32", "bfind.s32", "shiftamt",
             "bmsk", "szext", "shf.l", "prmt.b4e")
    got = out.get()
    for k, name in enumerate(names):
        t.equal(name, got[k], want[:, k])
