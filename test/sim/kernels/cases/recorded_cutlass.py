# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# recorded/cutlass_turing, _conv, _ada: CUTLASS beyond the plain products of
# cases/recorded.py.

import ml_dtypes
import numpy as np

from cases.recorded import ACC, BF16, F16, Program
from cases.references import product
from corpus import case

E4M3, E5M2 = ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2


def of(stem):
    return lambda function: case(f"recorded/cutlass_{stem}",
                                 name=function.__name__)(function)


turing, conv, ada = of("turing"), of("conv"), of("ada")


def packed(x, bits):
    """Integers, `bits` each, the first lowest in its byte."""
    x = np.asarray(x).reshape(-1, 8 // bits) & (1 << bits) - 1
    return (x << bits * np.arange(8 // bits)).sum(1).astype(np.uint8)


def rows(x):
    return np.ascontiguousarray(x.T)


@turing
def f16_acc_f16(t):
    a, b = t.random((72, 64), np.float16), t.random((64, 64), np.float16)
    p = Program(t, "f16_acc_f16", a=rows(a), b=b, c=np.zeros((72, 64), np.float16))
    t.close("product", p.get("d", np.float16, (72, 64)), product(a, b), 5e-3,
            "64 sums rounded to f16")


@turing
def split_k_serial(t):
    a, b = t.random((64, 256), np.float16), t.random((256, 128), np.float16)
    c = t.random((64, 128))
    p = Program(t, "split_k_serial", a=a, b=b, c=c)
    t.close("product", p.get("d", np.float32, (64, 128)), product(a, b) + c / 2,
            1e-5, ACC)


@turing
def s8_clamp(t):
    a, b = t.integers(-99, 99, (64, 96), np.int8), t.integers(-99, 99, (96, 64), np.int8)
    c = t.integers(-128, 128, (64, 64), np.int8)
    p = Program(t, "s8_clamp", a=a, b=rows(b), c=c)
    want = product(a, b).astype(np.float64) / 128 + c / 2
    t.equal("product", p.get("d", np.int8, (64, 64)),
            np.clip(np.rint(want), -128, 127))


@turing
def u8_s8(t):
    a, b = t.integers(0, 256, (64, 64), np.uint8), t.integers(-128, 128, (64, 64), np.int8)
    p = Program(t, "u8_s8", a=a, b=rows(b), c=np.zeros((64, 64), np.int32))
    t.equal("product", p.get("d", np.int32, (64, 64)), product(a, b))


@turing
def s4(t):
    a, b = t.integers(-8, 8, (64, 160)), t.integers(-8, 8, (160, 128))
    c = t.integers(-99, 99, (64, 128))
    p = Program(t, "s4", a=packed(a, 4), b=packed(rows(b), 4), c=c)
    t.equal("product", p.get("d", np.int32, (64, 128)), a @ b + c)


@turing
def b1_xor(t):
    a, b = t.integers(0, 2, (64, 1024)), t.integers(0, 2, (1024, 64))
    p = Program(t, "b1_xor", a=packed(a, 1), b=packed(rows(b), 1),
                c=np.zeros((64, 64), np.int32))
    t.equal("product", p.get("d", np.int32, (64, 64)),
            a @ (1 - b) + (1 - a) @ b)


@turing
def dp4a(t):
    a, b = t.integers(-128, 128, (50, 48), np.int8), t.integers(-128, 128, (48, 36), np.int8)
    c = t.integers(-999, 999, (50, 36))
    p = Program(t, "dp4a", a=a, b=rows(b), c=c)
    t.equal("product", p.get("d", np.int32, (50, 36)), 3 * product(a, b) - c)


@turing
def simt_f64(t):
    a, b = t.random((33, 21), np.float64), t.random((21, 47), np.float64)
    c = t.random((33, 47), np.float64)
    p = Program(t, "simt_f64", a=rows(a), b=b, c=c)
    t.close("product", p.get("d", np.float64, (33, 47)), a @ b + 2 * c, 1e-15, "f64")


# --- Convolutions: N H W C = 2 9 8 16, K = 24, 3 x 3, padding 1, stride 2 ----
N, H, W, C, K = 2, 9, 8, 16, 24
Q, Z = (H + 2 - 3) // 2 + 1, (W + 2 - 3) // 2 + 1


def patches(x):
    """N Q Z 3 3 C of the padded input."""
    p = np.pad(x.astype(np.float64), ((0, 0), (1, 1), (1, 1), (0, 0)))
    return np.stack([np.stack([p[:, r:r + 2 * Q - 1:2, s:s + 2 * Z - 1:2]
                               for s in range(3)], 3) for r in range(3)], 3)


@conv
def conv_forward(t):
    x, f = t.random((N, H, W, C), np.float16), t.random((K, 3, 3, C), np.float16)
    p = Program(t, "conv_forward", a=x, b=f, c=np.zeros((N, Q, Z, K), np.float16))
    want = np.einsum("nqzrsc,krsc->nqzk", patches(x), f.astype(np.float64))
    t.close("output", p.get("d", np.float16, (N, Q, Z, K)), want, 6e-4, F16)


@conv
def conv_data(t):
    y, f = t.random((N, Q, Z, K), np.float16), t.random((K, 3, 3, C), np.float16)
    p = Program(t, "conv_data", a=y, b=f, c=np.zeros((N, H, W, C), np.float32))
    want = np.zeros((N, H + 2, W + 2, C))
    part = np.einsum("nqzk,krsc->nqzrsc", y.astype(np.float64), f.astype(np.float64))
    for r in range(3):
        for s in range(3):
            want[:, r:r + 2 * Q - 1:2, s:s + 2 * Z - 1:2] += part[:, :, :, r, s]
    t.close("gradient", p.get("d", np.float32, (N, H, W, C)),
            want[:, 1:-1, 1:-1], 1e-5, ACC)


@conv
def conv_weights(t):
    y, x = t.random((N, Q, Z, K), np.float16), t.random((N, H, W, C), np.float16)
    p = Program(t, "conv_weights", a=y, b=x, c=np.zeros((K, 3, 3, C), np.float32))
    want = np.einsum("nqzk,nqzrsc->krsc", y.astype(np.float64), patches(x))
    t.close("gradient", p.get("d", np.float32, (K, 3, 3, C)), want, 1e-5, ACC)


@conv
def stream_k(t):
    m, n, k = 192, 128, 320
    a, b = t.random((m, k), np.float16), t.random((k, n), np.float16)
    c = t.random((m, n))
    p = Program(t, "stream_k", a=a, b=rows(b), c=c)
    t.close("product", p.get("d", np.float32, (m, n)), product(a, b) + c / 2, 1e-5,
            ACC)


def complexes(t, shape, dtype):
    part = lambda: t.integers(-50, 51, shape).astype(np.float64)
    return (part() + 1j * part()).astype(dtype)


@conv
def complex_tf32(t):
    a, b = complexes(t, (40, 24), np.complex64), complexes(t, (24, 32), np.complex64)
    p = Program(t, "complex_tf32", a=a, b=rows(b), c=np.zeros((40, 32), np.complex64))
    t.equal("product", p.get("d", np.float32), (a @ b.conj()).ravel().view(np.float32))


@conv
def complex_f64_gaussian(t):
    a, b = complexes(t, (16, 24), complex), complexes(t, (24, 40), complex)
    c = complexes(t, (16, 40), complex)
    p = Program(t, "complex_f64_gaussian", a=rows(a), b=b, c=c)
    t.equal("product", p.get("d", np.float64),
            (a.conj() @ b + 1j * c).ravel().view(np.float64))


@conv
def f32_by_tf32(t):
    a, b = t.random((64, 48)), t.random((48, 68))
    p = Program(t, "f32_by_tf32", a=a, b=b, c=np.zeros((64, 68), np.float32))
    t.close("product", p.get("d", np.float32, (64, 68)), product(a, b), 2e-6,
            "three products of tf32")


@conv
def s4_ampere(t):
    a, b = t.integers(-8, 8, (64, 256)), t.integers(-8, 8, (256, 64))
    p = Program(t, "s4", a=packed(a, 4), b=packed(rows(b), 4),
                c=np.zeros((64, 64), np.int32))
    t.equal("product", p.get("d", np.int32, (64, 64)), a @ b)


@conv
def b1_and(t):
    a, b = t.integers(0, 2, (64, 1024)), t.integers(0, 2, (1024, 64))
    p = Program(t, "b1_and", a=packed(a, 1), b=packed(rows(b), 1),
                c=np.zeros((64, 64), np.int32))
    t.equal("product", p.get("d", np.int32, (64, 64)), a @ b)


@conv
def syrk_f64(t):
    a, c = t.random((72, 40), np.float64), t.random((72, 72), np.float64)
    p = Program(t, "syrk_f64", a=a, c=c, d=np.zeros((72, 72)))
    t.close("lower half", np.tril(p.get("d", np.float64, (72, 72))),
            np.tril(a @ a.T + 2 * c), 1e-15, "f64")


def eight(t, name, m, n, k, types, tolerance, why):
    a, b = t.random((m, k)).astype(types[0]), t.random((k, n)).astype(types[1])
    c = t.random((m, n)).astype(types[2])
    p = Program(t, name, a=a, b=rows(b), c=c)
    t.close("product", p.get("d", types[2], (m, n)),
            a.astype(np.float64) @ b.astype(np.float64) + c.astype(np.float64) / 2,
            tolerance, why)


@ada
def e4m3(t):
    eight(t, "e4m3", 64, 128, 128, (E4M3, E4M3, np.float32), 1e-3,
          "sums of 8-bit floats keep 13 bits or more")


@ada
def e5m2_e4m3_fast(t):
    eight(t, "e5m2_e4m3_fast", 80, 136, 96, (E5M2, E4M3, BF16), 5e-3,
          "rounded to bf16 (2^-8)")


@ada
def e4m3_out(t):
    eight(t, "e4m3_out", 64, 128, 64, (E4M3, E5M2, E4M3), 4e-2,
          "rounded to e4m3 (2^-4)")
