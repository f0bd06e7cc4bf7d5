# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# cuda/numbers.cu. Tolerances of the math library are the bounds of the CUDA
# C++ Programming Guide's tables of maximum errors, in ulp, rounded up.

import fractions
import math

import ml_dtypes
import numpy as np

from corpus import case
from cases.references import each, erf, erfc, gamma, gammaln, normal

N = 192
BF16 = ml_dtypes.bfloat16

# Bessel's J0 by its series: |x| stays below 12.
j0 = each(lambda x: math.fsum((-1)**k * (x / 2)**(2 * k) / math.factorial(k)**2
                              for k in range(60)))

# x * y + z with one rounding.
fusedOnce = np.vectorize(lambda x, y, z: float(
    fractions.Fraction(x) * fractions.Fraction(y) + fractions.Fraction(z)),
    otypes=[np.float64])

FUNCTIONS = [  # name, reference of (x, y, |x|), ulps f32, ulps f64
    ("sin", lambda x, y, p: np.sin(x), 2, 2),
    ("cos", lambda x, y, p: np.cos(x), 2, 2),
    ("tan", lambda x, y, p: np.tan(x), 4, 2),
    ("exp", lambda x, y, p: np.exp(x), 2, 1),
    ("exp2", lambda x, y, p: np.exp2(x), 2, 1),
    ("expm1", lambda x, y, p: np.expm1(x), 1, 1),
    ("log", lambda x, y, p: np.log(p), 1, 1),
    ("log2", lambda x, y, p: np.log2(p), 1, 1),
    ("log10", lambda x, y, p: np.log10(p), 2, 1),
    ("log1p", lambda x, y, p: np.log1p(p), 1, 1),
    ("pow", lambda x, y, p: p**y, 4, 2),
    ("sqrt", lambda x, y, p: np.sqrt(p), 0, 0),
    ("cbrt", lambda x, y, p: np.cbrt(x), 1, 1),
    ("rsqrt", lambda x, y, p: 1 / np.sqrt(p), 2, 1),
    ("hypot", lambda x, y, p: np.hypot(x, y), 3, 2),
    ("atan2", lambda x, y, p: np.arctan2(x, y), 3, 2),
    ("asinh", lambda x, y, p: np.arcsinh(x), 3, 3),
    ("tanh", lambda x, y, p: np.tanh(x), 2, 1),
    ("erf", lambda x, y, p: erf(x), 2, 2),
    ("erfc", lambda x, y, p: erfc(x), 4, 5),
    ("lgamma", lambda x, y, p: gammaln(p), 6, 6),
    ("tgamma", lambda x, y, p: gamma(p), 5, 10),
    ("fmod", lambda x, y, p: np.fmod(x, y), 0, 0),
    ("remainder", lambda x, y, p: each(math.remainder)(x, y), 0, 0),
    ("divide", lambda x, y, p: x / y, 0, 0),
    ("fma", lambda x, y, p: fusedOnce(x, y, p), 0, 0),
    ("floor", lambda x, y, p: np.floor(x), 0, 0),
    ("rint", lambda x, y, p: np.rint(x), 0, 0),
    ("round", lambda x, y, p: np.copysign(np.floor(p + 0.5), x), 0, 0),
    ("trunc", lambda x, y, p: np.trunc(x), 0, 0),
    ("copysign", lambda x, y, p: np.copysign(x, y), 0, 0),
    ("fmax", lambda x, y, p: np.maximum(x, y), 0, 0),
    ("fdim", lambda x, y, p: np.maximum(x - y, 0), 1, 1),
    ("sinpi", lambda x, y, p: each(sinpi)(x), 2, 2),
    ("j0", lambda x, y, p: j0(x), 0, 0),
    ("normcdf", lambda x, y, p: normal(x), 6, 6)]


def sinpi(x):
    # Exact reduction first.
    r = math.fmod(x, 2.0)
    return math.sin(math.pi * r) if abs(r) <= 0.25 else (
        math.cos(math.pi * (r - math.copysign(0.5, r))) * math.copysign(1, r)
        if abs(r) < 0.75 else
        -math.sin(math.pi * (r - math.copysign(1, r))) if abs(r) < 1.25 else
        -math.copysign(1, r) * math.cos(math.pi * (r - math.copysign(1.5, r)))
        if abs(r) < 1.75 else math.sin(math.pi * (r - math.copysign(2, r))))


def inputs(t, dtype):
    x, y = t.random(N, np.float64, 3), t.random(N, np.float64, 2)
    # Away from the zeros of lgamma, at 1 and 2, where relative error grows.
    p = np.abs(x)
    x[(abs(p - 1) < 0.1) | (abs(p - 2) < 0.1)] *= 0.37
    # erfc(9) is just above the least normal f32.
    return np.clip(x, -9, 9).astype(dtype), y.astype(dtype)


def functions(t, entry, dtype, which):
    x, y = inputs(t, dtype)
    out = t.empty((len(FUNCTIONS), N), dtype)
    t.launch(entry, 3, 64, t.device(x), t.device(y), out, N)
    v, w = x.astype(np.float64), y.astype(np.float64)
    ulp = float(np.finfo(dtype).eps)
    got = out.get()
    for k, (name, reference, *ulps) in enumerate(FUNCTIONS):
        if name == "j0":
            t.close(name, got[k], reference(v, w, np.abs(v)),
                    5e-12 if which else 2.4e-6,
                    "absolute error beyond |x| = 8 (CUDA guide)", False)
            continue
        want = reference(v, w, np.abs(v))
        if not ulps[which] and which == 0:
            want = want.astype(np.float32)
        # The reference of f64 has an error of its own.
        slack = 0 if ulps[which] == 0 else (3 if which else 0.5)
        bound = (ulps[which] + slack) * ulp
        if name in ("tan", "lgamma", "sin", "cos", "sinpi", "fdim",
                    "log", "log2", "log10", "tgamma", "normcdf"):
            # Near a zero of the function, and for gamma and the tail of the
            # normal distribution, the error of f64 references counts.
            bound = max(bound, 2e-13 if which else bound)
        t.close(name, got[k], want, bound,
                f"{ulps[which]} ulp (CUDA guide), 0.5 of rounding", "each")


@case("cuda/numbers")
def functions_f32(t):
    functions(t, "functions_f32", np.float32, 0)


@case("cuda/numbers")
def functions_f64(t):
    functions(t, "functions_f64", np.float64, 1)


@case("cuda/numbers")
def fast_f32(t):
    x, y = inputs(t, np.float32)
    x, y = np.clip(x, -3, 3), np.clip(y, -3, 3)
    out = t.empty((12, N))
    t.launch("fast_f32", 3, 64, t.device(x), t.device(y), out, N)
    v, w = x.astype(np.float64), y.astype(np.float64)
    p = np.abs(v)
    rows = [("sin", np.sin(v), 1e-6, False), ("cos", np.cos(v), 1e-6, False),
            ("exp", np.exp(v), 1e-6, "each"), ("log", np.log(p), 3e-6, False),
            ("log2", np.log2(p), 3e-6, False), ("pow", p**w, 2e-5, "each"),
            ("divide", v / w, 3e-7, "each"), ("rcp", 1 / w, 6e-8, "each"),
            ("rsqrt", 1 / np.sqrt(p), 6e-8, "each"),
            ("saturate", np.clip(v, 0, 1), 0, False),
            ("tan", np.tan(w), 1e-3, "each"), ("exp10", 10**w, 5e-6, "each")]
    got = out.get()
    for k, (name, want, bound, relative) in enumerate(rows):
        t.close(name, got[k], want, bound, "2^-20 class (CUDA guide, 13.2)",
                relative)


def rounded(value, direction, dtype):
    """A fraction as the nearest `dtype` below, above or towards zero."""
    near = dtype(float(value))
    if not np.isfinite(near):
        return near
    if direction == "z":
        direction = "d" if value > 0 else "u"
    exact = fractions.Fraction(float(near))
    if direction == "d" and exact > value:
        near = np.nextafter(near, dtype(-np.inf))
    if direction == "u" and exact < value:
        near = np.nextafter(near, dtype(np.inf))
    return near


def rootOf(value, direction, dtype):
    """A square root, directed: its square decides."""
    near = dtype(math.sqrt(value))
    exact = fractions.Fraction(float(near))**2
    if direction in "dz" and exact > value:
        near = np.nextafter(near, dtype(0))
    if direction == "u" and exact < value:
        near = np.nextafter(near, dtype(np.inf))
    return near


def directed(t, entry, dtype, plan):
    x, y = t.random(96, dtype), t.random(96, dtype)
    x[:4] = [0.1, -0.1, 3, -3]
    out = t.empty((len(plan), 96), dtype)
    t.launch(entry, 2, 64, t.device(x), t.device(y), out, 96)
    got = out.get()
    f = [(fractions.Fraction(float(a)), fractions.Fraction(float(b)))
         for a, b in zip(x, y)]
    for k, (op, direction) in enumerate(plan):
        if op == "sqrt":
            want = [rootOf(abs(a), direction, dtype) for a, _ in f]
        else:
            compute = dict(add=lambda a, b: a + b, mul=lambda a, b: a * b,
                           fma=lambda a, b: a * b + abs(a),
                           div=lambda a, b: a / b, rcp=lambda a, b: 1 / b)[op]
            want = [rounded(compute(a, b), direction, dtype) for a, b in f]
        t.equal(f"{op}.r{direction}", got[k], np.array(want, dtype))


@case("cuda/numbers")
def rounding_f32(t):
    directed(t, "rounding_f32", np.float32,
             [(op, d) for op in ("add", "mul", "fma", "div", "sqrt", "rcp")
              for d in "duz"])


@case("cuda/numbers")
def rounding_f64(t):
    directed(t, "rounding_f64", np.float64, [
        (op, d) for op, ds in (("add", "duz"), ("mul", "duz"), ("fma", "du"),
                               ("div", "duz"), ("sqrt", "du"), ("rcp", "du"))
        for d in ds])


def toInteger(values, how, low, high):
    out = []
    for v in values:
        if math.isnan(v):
            out.append(0x8000000000000000 if (high > 2**40) else 0)
            continue
        if math.isinf(v):
            out.append(high if v > 0 else low)
            continue
        f = fractions.Fraction(float(v))
        n = dict(n=round, d=math.floor, u=math.ceil, z=math.trunc)[how](f)
        out.append(min(max(n, low), high))
    return out


def asSigned(values, bits):
    return np.array([(v + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)
                     for v in values], np.int64)


@case("cuda/numbers")
def conversions(t):
    n = 64
    x = t.random(n, np.float32, 1000)
    y = t.random(n, np.float64, 1e5)
    x[:8] = [0.5, 1.5, 2.5, -0.5, 3e9, -3e9, np.inf, -np.inf]
    y[:6] = [0.5, 1.5, -2.5, 1e20, -1e20, 5e9]
    oi, ol, of = (t.empty((8, n), np.int32), t.empty((4, n), np.int64),
                  t.empty((7, n)))
    t.launch("conversions", 1, n, t.device(x), t.device(y), oi, ol, of, n)
    s32, u32 = (-2**31, 2**31 - 1), (0, 2**32 - 1)
    rows = [(x, "n", s32), (x, "d", s32), (x, "u", s32), (x, "z", s32),
            (y, "n", s32), (y, "d", s32), (x, "z", u32), (y, "n", u32)]
    t.equal("to 32 bits", oi, np.stack([
        asSigned(toInteger(v, how, *r), 32) for v, how, r in rows]))
    s64, u64 = (-2**63, 2**63 - 1), (0, 2**64 - 1)
    t.equal("to 64 bits", ol, np.stack([
        asSigned(toInteger(x, "d", *s64), 64),
        asSigned(toInteger(y, "n", *s64), 64),
        asSigned(toInteger(y, "z", *u64), 64), y.view(np.int64)]))
    bits = [int(v) for v in x.view(np.int32)]
    wide = [int(v) for v in y.view(np.int64)]
    F = fractions.Fraction
    single = lambda values, d: [rounded(F(v), d, np.float32) for v in values]
    double = [np.float32(rounded(F(v), "u", np.float64)) for v in wide]
    # Python rounds Fraction to f64 first; f32 of that may round twice, which
    # directed rounding corrects and nearest does not see for these values.
    t.equal("to f32", of, np.array([
        y.astype(np.float32), single(map(float, y), "d"),
        single(map(float, y), "u"), single(bits, "d"),
        single([b & 0xffffffff for b in bits], "u"), single(wide, "z"), double],
        np.float32))


@case("cuda/numbers")
def half_functions(t):
    n = 96
    x, y = t.random(n, np.float16), t.random(n, np.float16)
    out = t.empty((19, n), np.float16)
    t.launch("half_functions", 2, 64, t.device(x), t.device(y), out, n)
    v, w = x.astype(np.float64), y.astype(np.float64)
    exact = {0: v + w, 1: v - w, 2: v * w, 3: v / w, 4: v * w + v, 5: -v,
             6: abs(v), 7: np.maximum(v, w), 8: np.minimum(v, w),
             9: np.clip(v + w, 0, 1), 11: np.sqrt(abs(v)), 12: np.rint(v),
             15: np.maximum(v * w + w, 0), 17: np.arange(n) * 37.0}
    got = out.get()
    for k, want in exact.items():
        t.equal(f"row {k}", got[k], want.astype(np.float16))
    for k, want in {10: np.exp(w), 13: np.sin(w), 14: w / v,
                    18: np.tanh(w)}.items():
        t.close(f"row {k}", got[k], want, 1.1e-3, "2 roundings of f16", "each")
    down = [rounded(fractions.Fraction(float(np.float32(a) / np.float32(3))),
                    "d", np.float16) for a in x]
    t.equal("float2half_rd", got[16], np.array(down, np.float16))


@case("cuda/numbers")
def half2_functions(t):
    n = 64
    x, y = t.random((n, 2), np.float16), t.random((n, 2), np.float16)
    out = t.empty((9, n, 2), np.float16)
    t.launch("half2_functions", 1, 64, t.device(x), t.device(y), out, n)
    v, w = x.astype(np.float64), y.astype(np.float64)
    got = out.get()
    for k, want in enumerate([
            v + w, np.clip(v * w, 0, 1), v * w + w, np.maximum(v, w), v > w,
            np.stack([v[:, 0], w[:, 0]], 1), np.stack([v[:, 1], w[:, 1]], 1),
            v[:, ::-1]]):
        t.equal(f"row {k}", got[k], want.astype(np.float16))
    # Complex: two fused multiply-adds a part.
    z = (v[:, 0] + 1j * v[:, 1]) * (w[:, 0] + 1j * w[:, 1]) + \
        (v[:, 0] + 1j * v[:, 1])
    t.close("hcmadd", got[8], np.stack([z.real, z.imag], 1), 1e-3,
            "two roundings of f16")


@case("cuda/numbers")
def bfloat_functions(t):
    n = 64
    x, y = t.random(n).astype(BF16), t.random(n).astype(BF16)
    out = t.empty((10, n), BF16)
    t.launch("bfloat_functions", 1, 64, t.device(x), t.device(y), out, n)
    v, w = x.astype(np.float64), y.astype(np.float64)
    got = out.get()
    exact = {0: v + w, 1: v * w, 2: w - v, 4: np.maximum(v, w), 5: -v,
             9: np.clip(v - w, 0, 1)}
    for k, want in exact.items():
        t.equal(f"row {k}", got[k], want.astype(np.float32).astype(BF16))
    t.close("div", got[3], v / w, 2**-8, "rounded to bf16", "each")
    t.close("log2", got[8], np.log2(abs(v)), 2**-7, "rounded to bf16")
    third = (x.astype(np.float32) / np.float32(3)).view(np.uint32)
    t.equal("rz", got[6].view(np.uint16), third >> 16)
    seventh = y.astype(np.float32) / np.float32(7)
    bits = seventh.view(np.uint32)
    up = (bits >> 16) + ((seventh > 0) & (bits & 0xffff != 0))
    t.equal("ru", got[7].view(np.uint16), up)


@case("cuda/numbers")
def fp8_functions(t):
    n = 256
    x = t.random(n, np.float32, 30)
    x[:6] = [0, 1e-3, 448, 1e6, -1e6, 2**-9]
    a, b, back = t.empty(n, np.uint8), t.empty(n, np.uint8), t.empty((3, n))
    t.launch("fp8_functions", 4, 64, t.device(x), a, b, back, n)
    e4m3 = np.clip(x, -448, 448).astype(ml_dtypes.float8_e4m3fn)
    e5m2 = np.clip(x, -57344, 57344).astype(ml_dtypes.float8_e5m2)
    t.equal("e4m3", a, e4m3.view(np.uint8))
    t.equal("e5m2", b, e5m2.view(np.uint8))
    pair = e4m3.view(np.uint8).astype(int) | \
        (-e4m3).view(np.uint8).astype(int) << 8
    t.equal("back", back, np.stack([e4m3.astype(np.float32),
                                    e5m2.astype(np.float32), pair]))


def integers(t, entry, dtype, reference):
    info = np.iinfo(dtype)
    x, y = (t.integers(info.min, int(info.max) + 1, N, dtype) if info.bits < 64
            else t.rng.integers(info.min, info.max, N, dtype) for _ in "ab")
    y[:40] = t.integers(0, 60, 40).astype(dtype)
    x[:4], y[4:6] = [0, 1, info.max, info.min], [info.max, info.min]
    rows = [reference(int(a), int(b)) for a, b in zip(x, y)]
    out = t.empty((len(rows[0]), N), dtype)
    t.launch(entry, 3, 64, t.device(x), t.device(y), out, N)
    got = out.get()
    mask = (1 << info.bits) - 1
    for k in range(len(rows[0])):
        want = np.array([r[k] & mask for r in rows], np.uint64)
        unsigned = got[k].view(np.dtype(f"u{info.bits // 8}"))
        t.equal(f"row {k}", unsigned.astype(np.uint64), want)


def quotient(a, b):
    q = abs(a) // abs(b)
    return q if (a < 0) == (b < 0) else -q


def lanes(a, b, width, compute, signed=False):
    """A function on each `width`-bit part of two words."""
    mask, out = (1 << width) - 1, 0
    for s in range(0, 32, width):
        p, q = a >> s & mask, b >> s & mask
        if signed:
            p, q = (v - (1 << width) if v >> width - 1 else v for v in (p, q))
        out |= (compute(p, q) & mask) << s
    return out


def parts(v, width, count, signed=False):
    mask = (1 << width) - 1
    out = [v >> width * i & mask for i in range(count)]
    return [p - (1 << width) if signed and p >> width - 1 else p for p in out]


@case("cuda/numbers")
def integers_u32(t):
    def reference(x, y):
        both = [*parts(x, 8, 4), *parts(y, 8, 4)]
        wide = y << 32 | x
        s, r = y & 31, x & 31
        dot = lambda p, q: sum(a * b for a, b in zip(p, q))
        half = parts(x, 16, 2)
        ones = [i for i in range(32) if (x | 1) >> i & 1]
        return [
            x // (y | 1), x % (y | 1), x * y >> 32, int(f"{x:032b}"[::-1], 2),
            32 - x.bit_length(), (x & -x).bit_length(), bin(x).count("1"),
            sum(both[0x2761 >> 4 * i & 7] << 8 * i for i in range(4)),
            wide << s >> 32, wide >> r, wide << min(y & 63, 32) >> 32,
            abs(x - y) + 7, (x + y) >> 1, (x + y + 1) >> 1,
            dot(parts(x, 8, 4), parts(y, 8, 4)) + 1000,
            dot(half, parts(y, 8, 2)) + 5, dot(half, parts(y >> 16, 8, 2)) + 5,
            (x & 0xffffff) * (y & 0xffffff),
            lanes(x, y, 8, lambda p, q: p + q),
            lanes(x, y, 8, lambda p, q: abs(p - q)), lanes(x, y, 16, max),
            lanes(x, y, 8, lambda p, q: 255 if p > q else 0),
            lanes(x, y, 8, lambda p, q: max(p - q, 0)), ones[0]]
    integers(t, "integers_u32", np.uint32, reference)


@case("cuda/numbers")
def integers_i32(t):
    def reference(x, y):
        clamp = lambda v: min(max(v, -128), 127)
        d = y | 1
        return [
            quotient(x, d), x - quotient(x, d) * d, x * y >> 32, abs(x),
            x >> (y & 31), parts(x, 8, 1, True)[0], parts(y, 16, 1, True)[0],
            sum(a * b for a, b in zip(parts(x, 8, 4, True),
                                      parts(y, 8, 4, True))) - 9,
            (x + y) >> 1, (x + y + 1) >> 1, abs(x - y) + 3,
            lanes(x, y, 16, lambda p, q: (p + q + (p + q >= 0)) >> 1, True),
            lanes(x, y, 8, lambda p, q: clamp(p + q), True),
            lanes(x, y, 8, min, True), min(x, y), max(x, y)]
    integers(t, "integers_i32", np.int32, reference)


@case("cuda/numbers")
def integers_i64(t):
    m = (1 << 64) - 1

    def reference(x, y):
        d, ux, uy = y | 1, x & m, y & m
        return [
            quotient(x, d), x - quotient(x, d) * d, x * y >> 64, ux * uy >> 64,
            x >> (y & 63), x * y, 64 - ux.bit_length(), bin(ux).count("1"),
            (ux & -ux).bit_length(), int(f"{ux:064b}"[::-1], 2), abs(x),
            ux // (uy | 3), min(x, y)]
    integers(t, "integers_i64", np.int64, reference)


@case("cuda/numbers")
def integers_i16(t):
    def reference(x, y):
        d = y | 1
        return [quotient(x, d), x - quotient(x, d) * d, x * y, x >> (y & 15),
                int(f"{x & 0xffffffff:032b}"[::-1], 2) >> 16, min(x, y), abs(x),
                (x & 0xffff) >> 3]
    integers(t, "integers_i16", np.int16, reference)
