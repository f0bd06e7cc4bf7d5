# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# triton/matmul.py. Inputs are read back from their rounded types, so that only
# the accumulation (f32, at least 23 bits) and the result's rounding differ.

import ml_dtypes
import numpy as np

from corpus import case
from cases.references import product

E4M3, E5M2 = ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2
F16 = "rounded to f16 (2^-11)"
ACC = "Tensor Cores truncate f32 sums (2^-22 a step)"
FP8 = "fp8 products may accumulate in 14 bits on hardware"


def tiles(m, n, bm, bn):
    return -(-m // bm) * -(-n // bn)


def matmul(t, entry, m, n, k, types, bm, bn, tolerance, why):
    a = t.random((m, k)).astype(types[0])
    b = t.random((k, n)).astype(types[1])
    c = t.empty((m, n), types[2])
    t.launch("matmul", tiles(m, n, bm, bn), None, t.device(a), t.device(b), c,
             m, n, k, k, n, n)
    t.close("product", c, product(a, b), tolerance, why)


@case("triton/matmul_f16")
def matmul_f16(t):
    matmul(t, "matmul", 150, 96, 112, [np.float16] * 3, 64, 64, 6e-4, F16)


@case("triton/matmul_f16_wide")
def matmul_f16_wide(t):
    matmul(t, "matmul", 100, 264, 64, [np.float16] * 3, 64, 256, 6e-4, F16)


@case("triton/matmul_f16_low")
def matmul_f16_low(t):
    matmul(t, "matmul", 16, 80, 208, [np.float16] * 3, 32, 64, 6e-4, F16)


@case("triton/matmul_f16_large", slow=True)
def matmul_f16_large(t):
    matmul(t, "matmul", 256, 512, 192, [np.float16] * 3, 128, 256, 6e-4, F16)


@case("triton/matmul_f16_bench", bench=True)
def matmul_1024(t):
    """1024^3: 2.1 GFLOP. Its time is one of the project's figures."""
    matmul(t, "matmul", 1024, 1024, 1024, [np.float16] * 3, 128, 128, 6e-4, F16)


@case("triton/matmul_f16_large", bench=True)
def matmul_1024_large(t):
    matmul(t, "matmul", 1024, 1024, 1024, [np.float16] * 3, 128, 256, 6e-4, F16)


@case("triton/matmul_bf16")
def matmul_bf16(t):
    bf16 = ml_dtypes.bfloat16
    matmul(t, "matmul", 100, 64, 80, [bf16, bf16, np.float32], 64, 64, 1e-5, ACC)


@case("triton/matmul_int8")
def matmul_int8(t):
    m, n, k = 100, 80, 144
    a = t.integers(-128, 128, (m, k), np.int8)
    b = t.integers(-128, 128, (k, n), np.int8)
    c = t.empty((m, n), np.int32)
    t.launch("matmul", tiles(m, n, 64, 64), None, t.device(a), t.device(b), c,
             m, n, k, k, n, n)
    t.equal("product", c, a.astype(np.int32) @ b.astype(np.int32))


@case("triton/matmul_fp8")
def matmul_fp8(t):
    matmul(t, "matmul", 128, 64, 128, [E4M3, E4M3, np.float16], 64, 64, 2e-3,
           FP8 + ", " + F16)


@case("triton/matmul_fp8_mixed")
def matmul_fp8_mixed(t):
    matmul(t, "matmul", 64, 64, 128, [E5M2, E4M3, np.float32], 64, 64, 2e-3, FP8)


@case("triton/matmul_fp8e5_upcast")
def matmul_fp8e5_upcast(t):
    matmul(t, "matmul", 64, 128, 64, [E5M2, E5M2, np.float32], 64, 64, 1e-5, ACC)


def dot(t, m, n, k, dtype, tolerance, why, rounded=None):
    a, b = t.random((m, k), dtype), t.random((k, n), dtype)
    c = t.empty((m, n), dtype)
    t.launch("dot", 1, None, t.device(a), t.device(b), c)
    if rounded:
        a, b = rounded(a), rounded(b)
    t.close("product", c, product(a, b), tolerance, why)


@case("triton/dot_tf32")
def dot_tf32(t):
    dot(t, 64, 64, 64, np.float32, 1e-3,
        "tf32 keeps 11 bits of each factor, errors of 64 products average")


@case("triton/dot_tf32x3")
def dot_tf32x3(t):
    dot(t, 64, 32, 64, np.float32, 2e-6, "three tf32 products give 22 bits")


@case("triton/dot_ieee")
def dot_ieee(t):
    dot(t, 32, 32, 32, np.float32, 1e-6, "fused multiply-adds in f32")


@case("triton/dot_f64")
def dot_f64(t):
    dot(t, 32, 32, 32, np.float64, 1e-15, "fused multiply-adds in f64")


@case("triton/batched_descriptor_free")
def batched(t):
    a = t.random((4, 32, 32), np.float16)
    b = t.random((4, 32, 32), np.float16)
    c = t.empty((4, 32, 32), np.float16)
    t.launch("batched", 1, None, t.device(a), t.device(b), c)
    t.close("products", c, product(a, b.transpose(0, 2, 1)), 6e-4, F16)


@case("triton/split_k")
def split_k(t):
    m, n, k = 64, 96, 512
    a, b = t.random((m, k), np.float16), t.random((k, n), np.float16)
    c = t.zeros((m, n))
    t.launch("split_k", (m // 32, n // 32, 4), None, t.device(a), t.device(b),
             c, k)
    t.close("product", c, product(a, b), 1e-5, ACC)


@case("triton/persistent")
def persistent(t):
    m, n, k = 192, 128, 128
    a, b = t.random((m, k), np.float16), t.random((k, n), np.float16)
    c = t.empty((m, n), np.float16)
    t.launch("persistent", 4, None, t.device(a), t.device(b), c, m, n, k)
    t.close("product", c, np.maximum(product(a, b), 0), 6e-4, F16)


@case("triton/int4_weights")
def int4_weights(t):
    m, n, k = 16, 128, 192
    x = t.random((m, k), np.float16)
    w = t.integers(0, 16, (k, n))
    scales = t.rng.uniform(0.05, 0.2, (k // 64, n)).astype(np.float16)
    packed = np.zeros((k // 8, n), np.uint32)
    for i in range(8):
        packed |= w[i::8].astype(np.uint32) << np.uint32(4 * i)
    out = t.empty((m, n), np.float16)
    t.launch("int4_weights", (1, n // 64), None, t.device(x),
             t.device(packed.view(np.int32)), t.device(scales), out, n, k)
    real = ((w - 8).astype(np.float16) * scales.repeat(64, 0)).astype(np.float16)
    t.close("product", out, product(x, real), 6e-4, F16)


@case("triton/mxfp4")
def mxfp4(t):
    m, n, k = 64, 32, 128
    a = t.integers(0, 256, (m, k // 2), np.uint8)
    scale = t.integers(120, 132, (m, k // 32), np.uint8)  # 2^(s-127)
    b = t.random((k, n)).astype(ml_dtypes.bfloat16)
    c = t.empty((m, n))
    t.launch("mxfp4", 1, None, t.device(a), t.device(scale), t.device(b), c)
    values = np.array([0, .5, 1, 1.5, 2, 3, 4, 6, -0., -.5, -1, -1.5, -2, -3,
                       -4, -6])
    real = np.stack([values[a & 15], values[a >> 4]], 2).reshape(m, k)
    real = real * 2.0**(scale.astype(int).repeat(32, 1) - 127)
    t.close("product", c, product(real, b), 1e-5, ACC)


def attention(t, dtype, bm, heads, tokens, d, causal, tolerance, why):
    shape = (heads, tokens, d)
    q, k, v = (t.random(shape).astype(dtype) for _ in range(3))
    out, lse = t.empty(shape, dtype), t.empty((heads, tokens))
    scale = d**-0.5
    t.launch("attention", (tokens // bm, heads), None, t.device(q), t.device(k),
             t.device(v), out, lse, scale, tokens)
    s = product(q, k.transpose(0, 2, 1)) * scale
    if causal:
        s = np.where(np.tri(tokens, dtype=bool), s, -np.inf)
    top = s.max(-1, keepdims=True)
    e = np.exp(s - top)
    total = e.sum(-1, keepdims=True)
    t.close("output", out, product(e / total, v), tolerance, why)
    t.close("log-sum-exp", lse, (top + np.log(total))[..., 0], 1e-5,
            "f32, ex2.approx")


@case("triton/attention_f16")
def attention_f16(t):
    attention(t, np.float16, 64, 2, 128, 64, False, 2e-3,
              "probabilities rounded to f16 before the second product")


@case("triton/attention_f16_causal")
def attention_f16_causal(t):
    attention(t, np.float16, 64, 2, 192, 64, True, 2e-3,
              "probabilities rounded to f16 before the second product")


@case("triton/attention_bf16_causal")
def attention_bf16_causal(t):
    attention(t, ml_dtypes.bfloat16, 32, 2, 96, 32, True, 1e-2,
              "probabilities rounded to bf16 before the second product")


@case("triton/decode_attention")
def decode_attention(t):
    heads, d, length, pages = 4, 64, 75, 12
    q = t.random((heads, d), np.float16)
    k = t.random((pages * 16, heads, d), np.float16)
    v = t.random((pages * 16, heads, d), np.float16)
    table = t.rng.permutation(pages)[:5].astype(np.int32)
    out = t.empty((heads, d), np.float16)
    t.launch("decode_attention", heads, None, t.device(q), t.device(k),
             t.device(v), t.device(table), out, length)
    rows = (table[:, None] * 16 + np.arange(16)).reshape(-1)[:length]
    s = np.einsum("hd,thd->ht", q.astype(np.float64), k[rows]) * 0.125
    p = np.exp(s - s.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    t.close("output", out, np.einsum("ht,thd->hd", p, v[rows]), 6e-4, F16)


@case("triton/conv2d")
def conv2d(t):
    h, w, c, f = 9, 11, 32, 32
    x = t.random((h, w, c), np.float16)
    weights = t.random((3, 3, c, f), np.float16)
    bias = t.random(f)
    out = t.empty((h, w, f), np.float16)
    t.launch("conv2d", (-(-h * w // 64), 1), None, t.device(x),
             t.device(weights), t.device(bias), out, h, w, c, f)
    padded = np.zeros((h + 2, w + 2, c))
    padded[1:-1, 1:-1] = x
    want = bias.astype(np.float64) + np.zeros((h, w, f))
    for r in range(3):
        for s in range(3):
            want += padded[r:r + h, s:s + w] @ weights[r, s].astype(np.float64)
    t.close("output", out, np.maximum(want, 0), 6e-4, F16)
