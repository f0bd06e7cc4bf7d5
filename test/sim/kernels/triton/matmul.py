# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Matrix products, attention, convolution: mma through tl.dot.

import triton
import triton.language as tl

from registry import ADA, AMPERE, BOTH, entry


def product(a, b, c):
    return (f"a:*{a} b:*{b} c:*{c} M:i32 N:i32 K:i32/16 sa:i32/16 sb:i32/16 "
            "sc:i32/16")


SMALL = dict(BM=64, BN=64, BK=32, GROUP=4, INTEGER=False)


@entry("matmul_f16", product("fp16", "fp16", "fp16"), BOTH, **SMALL)
@entry("matmul_f16_large", product("fp16", "fp16", "fp16"), warps=8, stages=3,
       BM=128, BN=256, BK=64, GROUP=8, INTEGER=False)
@entry("matmul_f16_bench", product("fp16", "fp16", "fp16"), warps=4, stages=4,
       BM=128, BN=128, BK=32, GROUP=8, INTEGER=False)
# The tutorial's other choices for bench/besideTriton.py: few rows of blocks, few rows.
@entry("matmul_f16_wide", product("fp16", "fp16", "fp16"), warps=4, stages=4,
       BM=64, BN=256, BK=32, GROUP=8, INTEGER=False)
@entry("matmul_f16_low", product("fp16", "fp16", "fp16"), warps=2, stages=5,
       BM=32, BN=64, BK=32, GROUP=8, INTEGER=False)
@entry("matmul_bf16", product("bf16", "bf16", "fp32"), BOTH, **SMALL)
@entry("matmul_int8", product("i8", "i8", "i32"), BOTH,
       **{**SMALL, "BK": 64, "INTEGER": True})
@entry("matmul_fp8", product("fp8e4nv", "fp8e4nv", "fp16"), ADA,
       **{**SMALL, "BK": 64})
@entry("matmul_fp8_mixed", product("fp8e5", "fp8e4nv", "fp32"), ADA,
       **{**SMALL, "BK": 64})
@entry("matmul_fp8e5_upcast", product("fp8e5", "fp8e5", "fp32"), AMPERE,
       **SMALL)
@triton.jit
def matmul(a, b, c, M, N, K, sa, sb, sc, BM: tl.constexpr, BN: tl.constexpr,
           BK: tl.constexpr, GROUP: tl.constexpr, INTEGER: tl.constexpr):
    """Triton's tutorial 3: blocks in groups of rows for the L2 cache."""
    pid = tl.program_id(0)
    gm, gn = tl.cdiv(M, BM), tl.cdiv(N, BN)
    first = pid // (GROUP * gn) * GROUP
    size = min(gm - first, GROUP)
    pm = first + (pid % (GROUP * gn)) % size
    pn = (pid % (GROUP * gn)) // size
    rm = (pm * BM + tl.arange(0, BM)) % M
    rn = (pn * BN + tl.arange(0, BN)) % N
    rk = tl.arange(0, BK)
    pa = a + rm[:, None] * sa + rk[None, :]
    pb = b + rk[:, None] * sb + rn[None, :]
    if INTEGER:
        acc = tl.zeros((BM, BN), tl.int32)
    else:
        acc = tl.zeros((BM, BN), tl.float32)
    for k in range(0, tl.cdiv(K, BK)):
        x = tl.load(pa, mask=rk[None, :] < K - k * BK, other=0.0)
        y = tl.load(pb, mask=rk[:, None] < K - k * BK, other=0.0)
        acc = tl.dot(x, y, acc)
        pa += BK
        pb += BK * sb
    om = pm * BM + tl.arange(0, BM)
    on = pn * BN + tl.arange(0, BN)
    tl.store(c + om[:, None] * sc + on[None, :],
             acc.to(c.dtype.element_ty),
             mask=(om[:, None] < M) & (on[None, :] < N))


@entry("dot_tf32", "a:*fp32 b:*fp32 c:*fp32", BOTH, M=64, N=64, K=64, HOW="tf32")
@entry("dot_tf32x3", "a:*fp32 b:*fp32 c:*fp32", M=64, N=32, K=64, HOW="tf32x3")
@entry("dot_ieee", "a:*fp32 b:*fp32 c:*fp32", M=32, N=32, K=32, HOW="ieee")
@entry("dot_f64", "a:*fp64 b:*fp64 c:*fp64", M=32, N=32, K=32, HOW="ieee")
@triton.jit
def dot(a, b, c, M: tl.constexpr, N: tl.constexpr, K: tl.constexpr,
        HOW: tl.constexpr):
    m, n, k = tl.arange(0, M), tl.arange(0, N), tl.arange(0, K)
    x = tl.load(a + m[:, None] * K + k[None, :])
    y = tl.load(b + k[:, None] * N + n[None, :])
    tl.store(c + m[:, None] * N + n[None, :],
             tl.dot(x, y, input_precision=HOW, out_dtype=c.dtype.element_ty))


@entry("batched_descriptor_free", "a:*fp16 b:*fp16 c:*fp16", warps=2, B=4, M=32,
       N=32, K=32)
@triton.jit
def batched(a, b, c, B: tl.constexpr, M: tl.constexpr, N: tl.constexpr,
            K: tl.constexpr):
    """tl.dot of three dimensions; b is stored transposed."""
    i, m = tl.arange(0, B), tl.arange(0, M)
    n, k = tl.arange(0, N), tl.arange(0, K)
    x = tl.load(a + i[:, None, None] * M * K + m[None, :, None] * K +
                k[None, None, :])
    y = tl.load(b + i[:, None, None] * N * K + n[None, :, None] * K +
                k[None, None, :])
    z = tl.dot(x, tl.permute(y, (0, 2, 1)))
    tl.store(c + i[:, None, None] * M * N + m[None, :, None] * N +
             n[None, None, :], z.to(tl.float16))


@entry("split_k", "a:*fp16 b:*fp16 c:*fp32 K:i32/16", BM=32, BN=32, BK=32,
       SPLIT=4)
@triton.jit
def split_k(a, b, c, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
            SPLIT: tl.constexpr):
    """Blocks share an output tile through atomics; N is num_programs(1)*BN."""
    N = tl.num_programs(1) * BN
    m = tl.program_id(0) * BM + tl.arange(0, BM)
    n = tl.program_id(1) * BN + tl.arange(0, BN)
    k = tl.program_id(2) * BK + tl.arange(0, BK)
    acc = tl.zeros((BM, BN), tl.float32)
    for start in range(0, K, BK * SPLIT):
        x = tl.load(a + m[:, None] * K + (start + k)[None, :])
        y = tl.load(b + (start + k)[:, None] * N + n[None, :])
        acc = tl.dot(x, y, acc)
    tl.atomic_add(c + m[:, None] * N + n[None, :], acc, sem="relaxed")


@entry("persistent", "a:*fp16 b:*fp16 c:*fp16 M:i32/16 N:i32/16 K:i32/16", BOTH,
       BM=64, BN=64, BK=64)
@triton.jit
def persistent(a, b, c, M, N, K, BM: tl.constexpr, BN: tl.constexpr,
               BK: tl.constexpr):
    """Each program takes tiles in turn; with a fused bias-free ReLU."""
    gn = tl.cdiv(N, BN)
    tiles = tl.cdiv(M, BM) * gn
    for tile in tl.range(tl.program_id(0), tiles, tl.num_programs(0),
                         flatten=True):
        m = tile // gn * BM + tl.arange(0, BM)
        n = tile % gn * BN + tl.arange(0, BN)
        acc = tl.zeros((BM, BN), tl.float32)
        for k in range(0, K, BK):
            r = k + tl.arange(0, BK)
            x = tl.load(a + m[:, None] * K + r[None, :])
            y = tl.load(b + r[:, None] * N + n[None, :])
            acc = tl.dot(x, y, acc)
        tl.store(c + m[:, None] * N + n[None, :],
                 tl.maximum(acc, 0.0).to(tl.float16))


@entry("int4_weights", "x:*fp16 packed:*i32 scales:*fp16 out:*fp16 N:i32/16 "
       "K:i32/16", BM=16, BN=64, BK=64)
@triton.jit
def int4_weights(x, packed, scales, out, N, K, BM: tl.constexpr,
                 BN: tl.constexpr, BK: tl.constexpr):
    """Eight 4-bit weights a word along K, one scale for 64 of them."""
    m = tl.program_id(0) * BM + tl.arange(0, BM)
    n = tl.program_id(1) * BN + tl.arange(0, BN)
    acc = tl.zeros((BM, BN), tl.float32)
    for k in range(0, K, BK):
        r = k + tl.arange(0, BK)
        word = tl.load(packed + (r // 8)[:, None] * N + n[None, :])
        nibble = (word >> ((r % 8) * 4)[:, None]) & 15
        scale = tl.load(scales + (k // BK) * N + n)
        w = (nibble - 8).to(tl.float16) * scale[None, :]
        acc = tl.dot(tl.load(x + m[:, None] * K + r[None, :]), w, acc)
    tl.store(out + m[:, None] * N + n[None, :], acc.to(tl.float16))


@entry("mxfp4", "a:*u8 sa:*u8 b:*bf16 c:*fp32", BOTH, M=64, N=32, K=128)
@triton.jit
def mxfp4(a, sa, b, c, M: tl.constexpr, N: tl.constexpr, K: tl.constexpr):
    """Microscaled 4-bit floats times bf16: unpacked with inline PTX."""
    m, n, k = tl.arange(0, M), tl.arange(0, N), tl.arange(0, K)
    h, g = tl.arange(0, K // 2), tl.arange(0, K // 32)
    x = tl.load(a + m[:, None] * (K // 2) + h[None, :])
    s = tl.load(sa + m[:, None] * (K // 32) + g[None, :])
    y = tl.load(b + k[:, None] * N + n[None, :])
    z = tl.dot_scaled(x, s, "e2m1", y, None, "bf16")
    tl.store(c + m[:, None] * N + n[None, :], z)


FLASH = ("q:*{0} k:*{0} v:*{0} out:*{0} lse:*fp32 scale:fp32 T:i32/16")


@entry("attention_f16", FLASH.format("fp16"), BOTH, BM=64, BN=32, D=64,
       CAUSAL=False)
@entry("attention_f16_causal", FLASH.format("fp16"), BOTH, BM=64, BN=64, D=64,
       CAUSAL=True)
@entry("attention_bf16_causal", FLASH.format("bf16"), BM=32, BN=32, D=32,
       warps=2, stages=2, CAUSAL=True)
@triton.jit
def attention(q, k, v, out, lse, scale, T, BM: tl.constexpr, BN: tl.constexpr,
              D: tl.constexpr, CAUSAL: tl.constexpr):
    """Flash attention, forward; program_id(1) is batch times head."""
    base = tl.program_id(1) * T * D
    m = tl.program_id(0) * BM + tl.arange(0, BM)
    d = tl.arange(0, D)
    query = tl.load(q + base + m[:, None] * D + d[None, :])
    top = tl.full((BM,), -float("inf"), tl.float32)
    total = tl.zeros((BM,), tl.float32)
    acc = tl.zeros((BM, D), tl.float32)
    end = (tl.program_id(0) + 1) * BM if CAUSAL else T
    for start in range(0, end, BN):
        n = start + tl.arange(0, BN)
        keys = tl.load(k + base + n[None, :] * D + d[:, None])
        s = tl.dot(query, keys) * (scale * 1.44269504)
        if CAUSAL:
            s = tl.where(m[:, None] >= n[None, :], s, -1.0e6)
        new = tl.maximum(top, tl.max(s, axis=1))
        p = tl.exp2(s - new[:, None])
        alpha = tl.exp2(top - new)
        total = total * alpha + tl.sum(p, axis=1)
        values = tl.load(v + base + n[:, None] * D + d[None, :])
        acc = tl.dot(p.to(v.dtype.element_ty), values, acc * alpha[:, None])
        top = new
    tl.store(out + base + m[:, None] * D + d[None, :],
             (acc / total[:, None]).to(out.dtype.element_ty))
    tl.store(lse + tl.program_id(1) * T + m, top * 0.6931471806 + tl.log(total))


@entry("decode_attention", "q:*fp16 k:*fp16 v:*fp16 table:*i32 out:*fp16 "
       "length:i32", PAGE=16, D=64, warps=2)
@triton.jit
def decode_attention(q, k, v, table, out, length, PAGE: tl.constexpr,
                     D: tl.constexpr):
    """One query on a paged cache, without tl.dot."""
    head = tl.program_id(0)
    d, t = tl.arange(0, D), tl.arange(0, PAGE)
    query = tl.load(q + head * D + d).to(tl.float32)
    top, total = -float("inf"), 0.0
    acc = tl.zeros((D,), tl.float32)
    for page in range(0, tl.cdiv(length, PAGE)):
        block = tl.load(table + page)
        at = ((block * PAGE + t)[:, None] * tl.num_programs(0) + head) * D \
            + d[None, :]
        ok = page * PAGE + t < length
        keys = tl.load(k + at, mask=ok[:, None], other=0.).to(tl.float32)
        s = tl.where(ok, tl.sum(keys * query[None, :], axis=1) * 0.125,
                     -float("inf"))
        new = tl.maximum(top, tl.max(s, axis=0))
        p = tl.exp(s - new)
        alpha = tl.exp(top - new)
        total = total * alpha + tl.sum(p, axis=0)
        values = tl.load(v + at, mask=ok[:, None], other=0.).to(tl.float32)
        acc = acc * alpha + tl.sum(p[:, None] * values, axis=0)
        top = new
    tl.store(out + head * D + d, (acc / total).to(tl.float16))


@entry("conv2d", "x:*fp16 w:*fp16 bias:*fp32 out:*fp16 H:i32 W:i32 C:i32/16 "
       "F:i32/16", BM=64, BN=32, BK=32)
@triton.jit
def conv2d(x, w, bias, out, H, W, C, F, BM: tl.constexpr, BN: tl.constexpr,
           BK: tl.constexpr):
    """3x3, padding 1, NHWC by implicit GEMM; w is [3,3,C,F]."""
    p = tl.program_id(0) * BM + tl.arange(0, BM)
    f = tl.program_id(1) * BN + tl.arange(0, BN)
    y, z = p // W, p % W
    acc = tl.zeros((BM, BN), tl.float32)
    for r in range(0, 9):
        iy, ix = y + r // 3 - 1, z + r % 3 - 1
        ok = (iy >= 0) & (iy < H) & (ix >= 0) & (ix < W) & (p < H * W)
        for c in range(0, C, BK):
            k = c + tl.arange(0, BK)
            a = tl.load(x + (iy * W + ix)[:, None] * C + k[None, :],
                        mask=ok[:, None], other=0.0)
            b = tl.load(w + (r * C + k)[:, None] * F + f[None, :])
            acc = tl.dot(a, b, acc)
    acc += tl.load(bias + f)[None, :]
    tl.store(out + p[:, None] * F + f[None, :],
             tl.maximum(acc, 0.0).to(tl.float16), mask=(p < H * W)[:, None])
