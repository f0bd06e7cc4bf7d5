# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# triton/elementwise.py. Tolerances: f32 arithmetic rounds at 6e-8 relative; the
# .approx functions of PTX err by a few units (ISA 9.7.3: ex2 2^-22, lg2 2^-22,
# rcp and rsqrt 1 and 2 ulp, sin and cos 2^-20 absolute).

import math

import ml_dtypes
import numpy as np

from corpus import case
from cases.references import erf, gammaln, philox4x32

EXACT_PARTS = "one rounding of f32 a step"


@case("triton/vector_add")
def vector_add(t):
    n = 5000  # not a multiple of the block
    x, y = t.random(n), t.random(n)
    out = t.empty(n)
    t.launch("vector_add", 5, None, t.device(x), t.device(y), out, n)
    t.equal("sum", out, x + y)


@case("triton/vector_add_i64")
def vector_add_i64(t):
    n = 3001
    x = t.integers(-10**15, 10**15, n, np.int64)
    y = t.integers(-10**15, 10**15, n, np.int64)
    out = t.empty(n, np.int64)
    t.launch("vector_add_i64", 4, None, t.device(x), t.device(y), out, n)
    # Triton's // and % truncate, as C's do.
    quotient = np.where(y < 0, -(-y // 7), y // 7)
    t.equal("values", out, x * 3 - quotient + np.fmod(x, 11))


@case("triton/activations")
def activations(t):
    n = 1600
    x = t.random(n, scale=3)
    out = t.empty((6, n))
    t.launch("activations", 4, None, t.device(x), out, n)
    v = x.astype(np.float64)
    rows = [0.5 * v * (1 + erf(v * math.sqrt(0.5))), v / (1 + np.exp(-v)),
            np.tanh(v), np.where(v > 0, v, 1.67 * np.expm1(v)),
            np.log1p(np.exp(v)), np.clip(v, -1.5, 2.5)]
    for k, name in enumerate(("gelu", "silu", "tanh", "elu", "softplus",
                              "clamp")):
        t.close(name, out.get()[k], rows[k], 2e-6,
                "ex2.approx, and 1 - erf cancels: 16 ulp of the largest")


@case("triton/math_f32")
def math_f32(t):
    n = 1040
    x, y = t.random(n, scale=4), t.random(n, scale=2)
    out = t.empty((10, n))
    t.launch("math_f32", 5, None, t.device(x), t.device(y), out, n)
    a, b = x.astype(np.float64), y.astype(np.float64)
    got = out.get()
    near = "within a few ulp of f32"
    t.close("sin", got[0], np.sin(a), 2e-6, near)
    t.close("cos", got[1], np.cos(a), 2e-6, near)
    t.close("log2", got[2], np.log2(np.abs(a) + 1e-3), 1e-6, near)
    t.close("rsqrt", got[3], 1 / np.sqrt(np.abs(b) + 0.1), 1e-6, near)
    t.equal("div_rn", got[4], x / y)
    t.equal("sqrt_rn", got[5], np.sqrt(np.abs(x)))
    t.equal("floor", got[6], np.floor(x) + np.ceil(y) * np.float32(0.25))
    t.close("pow", got[7], np.abs(a)**b, 2e-6, near, "each")
    t.close("atan2", got[8], np.arctan2(a, b), 1e-6, near)
    t.close("fma", got[9], a * b + 0.5, 1e-7, "one rounding")


@case("triton/math_f64")
def math_f64(t):
    n = 400
    x = t.random(n, np.float64, 2)
    out = t.empty((7, n), np.float64)
    t.launch("math_f64", 4, None, t.device(x), out, n)
    a = np.abs(x)
    rows = [np.exp(x), np.log(a + 0.01), np.sin(x), gammaln(a + 0.5),
            np.cbrt(x), np.array([math.erfc(v) for v in x]),
            np.sqrt(a) / (x * x + 1)]
    for k, name in enumerate(("exp", "log", "sin", "lgamma", "cbrt", "erfc",
                              "sqrt")):
        t.close(name, out.get()[k], rows[k], 2e-14,
                "libdevice: 1 to 4 ulp, f64 has 1.1e-16")


def truncated(a, b):
    return np.trunc(a.astype(np.float64) / b.astype(np.float64)).astype(np.int64)


@case("triton/integers")
def integers(t):
    n = 1008
    x = t.integers(-2**31, 2**31, n)
    y = t.integers(-2**31, 2**31, n)
    y[:200] %= 100
    y[y == 0] = 7
    y[y == -1] = 3
    out = t.empty((10, n), np.int32)
    t.launch("integers", 4, None, t.device(x), t.device(y), out, n)
    a, b = x.astype(np.int64), y.astype(np.int64)
    ua, ub = a & 0xffffffff, b & 0xffffffff
    s = b & 31
    popc = np.array([bin(v).count("1") for v in ua])
    clz = np.array([32 - int(v).bit_length() for v in ua])
    brev = np.array([int(f"{v:032b}"[::-1], 2) for v in ua])
    rows = [truncated(a, b), np.fmod(a, b), ua // ub,
            np.array([(int(p) * int(q)) >> 32 for p, q in zip(ua, ub)]),
            (a << s) ^ (a >> s), popc * 64 + clz,
            np.minimum(a, b) ^ np.maximum(a, b), brev, (a * b) >> 17,
            (a.astype(np.int8).astype(np.int16) + b.astype(np.int16))]
    got = out.get()
    for k, row in enumerate(rows):
        t.equal(f"row {k}", got[k], row.astype(np.int64).astype(np.int32))


@case("triton/dropout")
def dropout(t):
    n, p, seed = 3000, 0.3, 1234
    x = t.random(n)
    out = t.empty(n)
    t.launch("dropout", 3, None, t.device(x), out, n, p, seed)
    bits = philox4x32(seed, np.arange(n))[0].astype(np.int32)
    # tl.rand: uint32 to [0, 1) as Triton's uint_to_uniform_float does.
    folded = np.where(bits < 0, -bits.astype(np.int64) - 1, bits)
    uniform = folded.astype(np.float32) * np.float32(4.6566127342e-10)
    keep = uniform > np.float32(p)
    want = np.where(keep, x.astype(np.float64) / (1 - np.float64(
        np.float32(p))), 0)
    t.close("values", out, want, 1e-6, "div.full.f32: 2 ulp (ISA 9.7.3.8)")


@case("triton/philox")
def philox(t):
    n, seed = 1024, 0x1234567890
    bits, normal = t.empty((4, n), np.int32), t.empty(n)
    t.launch("philox", 4, None, bits, normal, n, seed)
    want = philox4x32(seed, np.arange(n))
    t.equal("bits", bits, np.stack(want).astype(np.int32))
    z = normal.get().astype(np.float64)
    t.true("mean", abs(z.mean()) < 0.15 and abs(z.std() - 1) < 0.1,
           f"mean {z.mean()}, deviation {z.std()}")


@case("triton/transpose")
def transpose(t):
    m, n = 150, 90
    x = t.random((m, n))
    out = t.empty((n, m))
    t.launch("transpose", (3, 3), None, t.device(x), out, m, n)
    t.equal("tile", out, x.T)


@case("triton/permute_i8")
def permute_i8(t):
    x = t.integers(-128, 128, (8, 16, 32), np.int8)
    out = t.empty((32, 8, 16), np.int8)
    t.launch("permute_i8", 1, None, t.device(x), out)
    t.equal("tile", out, x.transpose(2, 0, 1))


@case("triton/interleave")
def interleave(t):
    x, y = t.random(512, np.float16), t.random(512, np.float16)
    out, sums = t.empty(1024, np.float16), t.empty((2, 512), np.float16)
    t.launch("interleave", 1, None, t.device(x), t.device(y), out, sums)
    t.equal("interleaved", out, np.stack([x, y], 1).reshape(-1))
    t.equal("split", sums, np.stack([x - y, x[::-1]]))


@case("triton/gather")
def gather(t):
    x = t.random((32, 64))
    index = t.integers(0, 32, (32, 64))
    out = t.empty((32, 64))
    t.launch("gather", 1, None, t.device(x), t.device(index), out)
    t.equal("rows", out, np.take_along_axis(x, index, 0))


@case("triton/rotary")
def rotary(t):
    tokens, heads, half = 5, 3, 32
    q = t.random((tokens, heads, 2, half), np.float16)
    angle = np.arange(tokens)[:, None] * 10000.0**(-np.arange(half) / half)
    cos, sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
    out = t.empty(q.shape, np.float16)
    t.launch("rotary", tokens, None, t.device(q), t.device(cos), t.device(sin),
             out, heads)
    a, b = q[:, :, 0].astype(np.float64), q[:, :, 1].astype(np.float64)
    c, s = cos[:, None].astype(np.float64), sin[:, None].astype(np.float64)
    t.close("rotated", out, np.stack([a * c - b * s, b * c + a * s], 2), 5e-4,
            "one rounding to f16 of the result")


@case("triton/mandelbrot")
def mandelbrot(t):
    w, h, limit = 40, 24, 50
    out = t.empty(w * h, np.int32)
    t.launch("mandelbrot", (w * h + 127) // 128, None, out, w, h, limit)
    i = np.arange(w * h)
    c = (i % w) / w * 3.0 - 2 + 1j * ((i // w) / h * 2.0 - 1)
    z, count = np.zeros_like(c), np.zeros(len(c), int)
    for _ in range(limit):
        inside = np.abs(z) < 2
        z = np.where(inside, z * z + c, z)
        count += inside
    # Chaotic near the border of the set: f32 may leave a step earlier or later
    # there.
    wrong = (out.get() != count).mean()
    t.close("cells that differ", wrong, 0, 0.03,
            "f32 orbits part from f64 near the border", False)


@case("triton/fp8_round_trip")
def fp8_round_trip(t):
    x = t.random(512, scale=10)
    x[:8] = [0, -0.0, 1e-4, 448, 449, 1e6, -1e6, 2**-9]
    n = len(x)
    a8, b8 = t.empty(n, np.uint8), t.empty(n, np.uint8)
    back = t.empty(n)
    t.launch("fp8_round_trip", 2, None, t.device(x), a8, b8, back, n)
    # cvt.rn.satfinite: finite values beyond the range become the largest.
    a = np.clip(x, -448, 448).astype(ml_dtypes.float8_e4m3fn)
    b = np.clip(x, -57344, 57344).astype(ml_dtypes.float8_e5m2)
    t.equal("e4m3", a8, a.view(np.uint8))
    t.equal("e5m2", b8, b.view(np.uint8))
    t.equal("back", back, a.astype(np.float32) + 1024 * b.astype(np.float32))


@case("triton/fp8e5_to_bf16")
def fp8e5_to_bf16(t):
    x = np.arange(256, dtype=np.uint8).view(ml_dtypes.float8_e5m2)
    bf16 = t.empty(256, ml_dtypes.bfloat16)
    half = t.empty(256, np.float16)
    t.launch("fp8e5_to_bf16", 1, None, t.device(x.view(np.uint8)), bf16, half)
    wide = x.astype(np.float32)
    finite = np.isfinite(wide)
    t.equal("bf16", bf16.get()[finite], wide.astype(ml_dtypes.bfloat16)[finite])
    t.equal("f16", half, wide.astype(np.float16))


@case("triton/casts")
def casts(t):
    n = 700
    x = t.random(n, scale=120)
    outs = [t.empty(n, d) for d in (np.int8, np.uint8, np.int64, np.float16,
                                    ml_dtypes.bfloat16)]
    t.launch("casts", 3, None, t.device(x), *outs, n)
    t.equal("i8", outs[0], np.trunc(np.clip(x, -128, 127)).astype(np.int8))
    t.equal("u8", outs[1], np.trunc(np.clip(x, 0, 255)).astype(np.uint8))
    t.equal("i64", outs[2], np.trunc(x * np.float32(1e6)).astype(np.int64))
    t.equal("f16", outs[3], x.astype(np.float16))
    t.equal("bf16", outs[4], x.astype(ml_dtypes.bfloat16))


@case("triton/inline_asm")
def inline_asm(t):
    x = t.integers(-2**31, 2**31, 512)
    y = t.integers(-2**31, 2**31, 512)
    out = t.empty((2, 512), np.int32)
    t.launch("inline_asm", 1, None, t.device(x), t.device(y), out)
    a, b = x.view(np.int8).reshape(-1, 4), y.view(np.int8).reshape(-1, 4)
    dot = (a.astype(np.int32) * b).sum(1, dtype=np.int32) + 100
    both = np.concatenate([x.view(np.uint8).reshape(-1, 4),
                           y.view(np.uint8).reshape(-1, 4)], 1)
    picked = np.ascontiguousarray(both[:, [0, 4, 1, 5]]).view(np.int32)[:, 0]
    t.equal("dp4a and lop3", out.get()[0], dot ^ x ^ y)
    t.equal("prmt", out.get()[1], picked)


@case("triton/embedding")
def embedding(t):
    table = t.random((50, 208), np.float16)
    ids = t.integers(0, 50, 17, np.int64)
    out = t.empty((17, 208), np.float16)
    t.launch("embedding", 17, None, t.device(table), t.device(ids), out, 208)
    t.equal("rows", out, table[ids])
