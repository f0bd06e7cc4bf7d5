# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Kernels without communication between threads but for layout changes.

import triton
import triton.language as tl
from triton.language.extra.cuda import libdevice

from registry import AMPERE, BOTH, entry


@entry("vector_add", "x:*fp32 y:*fp32 out:*fp32 n:i32", BOTH, BLOCK=1024)
@triton.jit
def vector_add(x, y, out, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < n
    a = tl.load(x + i, mask=mask)
    b = tl.load(y + i, mask=mask)
    tl.store(out + i, a + b, mask=mask)


@entry("vector_add_i64", "x:*i64 y:*i64 out:*i64 n:i64", BLOCK=256, warps=1)
@triton.jit
def vector_add_i64(x, y, out, n, BLOCK: tl.constexpr):
    # Grid-stride loop with 64-bit indices.
    for start in range(tl.program_id(0).to(tl.int64) * BLOCK, n,
                       tl.num_programs(0).to(tl.int64) * BLOCK):
        i = start + tl.arange(0, BLOCK)
        mask = i < n
        a = tl.load(x + i, mask=mask, other=0)
        b = tl.load(y + i, mask=mask, other=0)
        tl.store(out + i, a * 3 - (b // 7) + (a % 11), mask=mask)


@entry("activations", "x:*fp32 out:*fp32 n:i32/16", BOTH, BLOCK=512)
@triton.jit
def activations(x, out, n, BLOCK: tl.constexpr):
    """Row k of `out` holds the k-th function of x."""
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < n
    v = tl.load(x + i, mask=mask, other=0.0)
    tl.store(out + 0 * n + i, v * 0.5 * (1 + tl.erf(v * 0.7071067811865476)),
             mask=mask)
    tl.store(out + 1 * n + i, v * tl.sigmoid(v), mask=mask)
    tl.store(out + 2 * n + i, libdevice.tanh(v), mask=mask)
    tl.store(out + 3 * n + i, tl.where(v > 0, v, 1.67 * (tl.exp(v) - 1)),
             mask=mask)
    tl.store(out + 4 * n + i, libdevice.log1p(tl.exp(v)), mask=mask)
    tl.store(out + 5 * n + i, tl.clamp(v, -1.5, 2.5), mask=mask)


@entry("math_f32", "x:*fp32 y:*fp32 out:*fp32 n:i32/16", BLOCK=256, warps=8)
@triton.jit
def math_f32(x, y, out, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < n
    a = tl.load(x + i, mask=mask, other=1.0)
    b = tl.load(y + i, mask=mask, other=1.0)
    tl.store(out + 0 * n + i, tl.sin(a), mask=mask)
    tl.store(out + 1 * n + i, tl.cos(a), mask=mask)
    tl.store(out + 2 * n + i, tl.log2(tl.abs(a) + 1e-3), mask=mask)
    tl.store(out + 3 * n + i, tl.rsqrt(tl.abs(b) + 0.1), mask=mask)
    tl.store(out + 4 * n + i, tl.math.div_rn(a, b), mask=mask)
    tl.store(out + 5 * n + i, tl.math.sqrt_rn(tl.abs(a)), mask=mask)
    tl.store(out + 6 * n + i, tl.floor(a) + tl.ceil(b) * 0.25, mask=mask)
    tl.store(out + 7 * n + i, libdevice.pow(tl.abs(a), b), mask=mask)
    tl.store(out + 8 * n + i, libdevice.atan2(a, b), mask=mask)
    tl.store(out + 9 * n + i, tl.fma(a, b, 0.5), mask=mask)


@entry("math_f64", "x:*fp64 out:*fp64 n:i32/16", BLOCK=128)
@triton.jit
def math_f64(x, out, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < n
    a = tl.load(x + i, mask=mask, other=1.0)
    tl.store(out + 0 * n + i, tl.exp(a), mask=mask)
    tl.store(out + 1 * n + i, tl.log(tl.abs(a) + 0.01), mask=mask)
    tl.store(out + 2 * n + i, libdevice.sin(a), mask=mask)
    tl.store(out + 3 * n + i, libdevice.lgamma(tl.abs(a) + 0.5), mask=mask)
    tl.store(out + 4 * n + i, libdevice.cbrt(a), mask=mask)
    tl.store(out + 5 * n + i, libdevice.erfc(a), mask=mask)
    tl.store(out + 6 * n + i, tl.sqrt(tl.abs(a)) / (a * a + 1.0), mask=mask)


@entry("integers", "x:*i32 y:*i32 out:*i32 n:i32/16", BOTH, BLOCK=256)
@triton.jit
def integers(x, y, out, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < n
    a = tl.load(x + i, mask=mask, other=1)
    b = tl.load(y + i, mask=mask, other=1)
    ua = a.to(tl.uint32, bitcast=True)
    ub = b.to(tl.uint32, bitcast=True)
    s = b & 31
    tl.store(out + 0 * n + i, a // b, mask=mask)
    tl.store(out + 1 * n + i, a % b, mask=mask)
    tl.store(out + 2 * n + i, (ua // ub).to(tl.int32, bitcast=True), mask=mask)
    tl.store(out + 3 * n + i, tl.umulhi(ua, ub).to(tl.int32, bitcast=True),
             mask=mask)
    tl.store(out + 4 * n + i, (a << s) ^ (a >> s), mask=mask)
    tl.store(out + 5 * n + i, libdevice.popc(a) * 64 + libdevice.clz(a),
             mask=mask)
    tl.store(out + 6 * n + i, tl.minimum(a, b) ^ tl.maximum(a, b), mask=mask)
    tl.store(out + 7 * n + i, libdevice.brev(a), mask=mask)
    wide = a.to(tl.int64) * b.to(tl.int64)
    tl.store(out + 8 * n + i, (wide >> 17).to(tl.int32), mask=mask)
    tl.store(out + 9 * n + i, (a.to(tl.int8) + b.to(tl.int16)).to(tl.int32),
             mask=mask)


@entry("dropout", "x:*fp32 out:*fp32 n:i32 p:fp32 seed:i32", BOTH, BLOCK=1024)
@triton.jit
def dropout(x, out, n, p, seed, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < n
    v = tl.load(x + i, mask=mask)
    keep = tl.rand(seed, i) > p
    tl.store(out + i, tl.where(keep, v / (1 - p), 0.0), mask=mask)


@entry("philox", "bits:*i32 normal:*fp32 n:i32/16 seed:i64", BLOCK=256)
@triton.jit
def philox(bits, normal, n, seed, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    a, b, c, d = tl.randint4x(seed, i)
    tl.store(bits + 0 * n + i, a.to(tl.int32, bitcast=True))
    tl.store(bits + 1 * n + i, b.to(tl.int32, bitcast=True))
    tl.store(bits + 2 * n + i, c.to(tl.int32, bitcast=True))
    tl.store(bits + 3 * n + i, d.to(tl.int32, bitcast=True))
    tl.store(normal + i, tl.randn(seed, i))


@entry("transpose", "x:*fp32 out:*fp32 M:i32 N:i32", BOTH, BM=64, BN=32)
@triton.jit
def transpose(x, out, M, N, BM: tl.constexpr, BN: tl.constexpr):
    rm = tl.program_id(0) * BM + tl.arange(0, BM)
    rn = tl.program_id(1) * BN + tl.arange(0, BN)
    tile = tl.load(x + rm[:, None] * N + rn[None, :],
                   mask=(rm[:, None] < M) & (rn[None, :] < N))
    tl.store(out + rn[:, None] * M + rm[None, :], tl.trans(tile),
             mask=(rn[:, None] < N) & (rm[None, :] < M))


@entry("permute_i8", "x:*i8 out:*i8", A=8, B=16, C=32)
@triton.jit
def permute_i8(x, out, A: tl.constexpr, B: tl.constexpr, C: tl.constexpr):
    a, b, c = tl.arange(0, A), tl.arange(0, B), tl.arange(0, C)
    tile = tl.load(x + a[:, None, None] * B * C + b[None, :, None] * C +
                   c[None, None, :])
    tile = tl.permute(tile, (2, 0, 1))
    tl.store(out + c[:, None, None] * A * B + a[None, :, None] * B +
             b[None, None, :], tile)


@entry("interleave", "x:*fp16 y:*fp16 out:*fp16 sums:*fp16", N=512)
@triton.jit
def interleave(x, y, out, sums, N: tl.constexpr):
    i = tl.arange(0, N)
    both = tl.interleave(tl.load(x + i), tl.load(y + i))
    tl.store(out + tl.arange(0, 2 * N), both)
    left, right = tl.split(tl.reshape(both, (N, 2)))
    tl.store(sums + i, left - right)
    tl.store(sums + N + i, tl.flip(left))


@entry("gather", "x:*fp32 index:*i32 out:*fp32", BOTH, M=32, N=64)
@triton.jit
def gather(x, index, out, M: tl.constexpr, N: tl.constexpr):
    m, n = tl.arange(0, M), tl.arange(0, N)
    where = m[:, None] * N + n[None, :]
    got = tl.gather(tl.load(x + where), tl.load(index + where), axis=0)
    tl.store(out + where, got)


@entry("rotary", "q:*fp16 cos:*fp32 sin:*fp32 out:*fp16 heads:i32", HALF=32)
@triton.jit
def rotary(q, cos, sin, out, heads, HALF: tl.constexpr):
    token = tl.program_id(0)
    i = tl.arange(0, HALF)
    c = tl.load(cos + token * HALF + i)
    s = tl.load(sin + token * HALF + i)
    for h in range(heads):
        base = (token * heads + h) * 2 * HALF
        a = tl.load(q + base + i).to(tl.float32)
        b = tl.load(q + base + HALF + i).to(tl.float32)
        tl.store(out + base + i, (a * c - b * s).to(tl.float16))
        tl.store(out + base + HALF + i, (b * c + a * s).to(tl.float16))


@entry("mandelbrot", "out:*i32 W:i32 H:i32 limit:i32", BOTH, BLOCK=128, warps=4)
@triton.jit
def mandelbrot(out, W, H, limit, BLOCK: tl.constexpr):
    """A loop whose length depends on data."""
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    cx = (i % W).to(tl.float32) / W * 3.0 - 2.0
    cy = (i // W).to(tl.float32) / H * 2.0 - 1.0
    x = tl.zeros((BLOCK,), tl.float32)
    y = tl.zeros((BLOCK,), tl.float32)
    count = tl.zeros((BLOCK,), tl.int32)
    step = 0
    active = tl.full((), 1, tl.int32)
    while (step < limit) & (active > 0):
        inside = x * x + y * y < 4.0
        nx = x * x - y * y + cx
        ny = 2.0 * x * y + cy
        x = tl.where(inside, nx, x)
        y = tl.where(inside, ny, y)
        count += inside.to(tl.int32)
        active = tl.max(inside.to(tl.int32), axis=0)
        step += 1
    tl.store(out + i, count, mask=i < W * H)


@entry("fp8_round_trip", "x:*fp32 e4m3:*fp8e4nv e5m2:*fp8e5 back:*fp32 n:i32/16",
       (89,), BLOCK=256)
@triton.jit
def fp8_round_trip(x, e4m3, e5m2, back, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    v = tl.load(x + i)
    a = v.to(tl.float8e4nv)
    b = v.to(tl.float8e5)
    tl.store(e4m3 + i, a)
    tl.store(e5m2 + i, b)
    tl.store(back + i, a.to(tl.float32) + 1024.0 * b.to(tl.float32))


@entry("fp8e5_to_bf16", "x:*fp8e5 out:*bf16 half:*fp16", BLOCK=256)
@triton.jit
def fp8e5_to_bf16(x, out, half, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    v = tl.load(x + i)
    tl.store(out + i, v.to(tl.bfloat16))
    tl.store(half + i, v.to(tl.float16))


@entry("casts", "x:*fp32 i8:*i8 u8:*u8 i64:*i64 f16:*fp16 bf16:*bf16 n:i32",
       BOTH, BLOCK=256)
@triton.jit
def casts(x, i8, u8, i64, f16, bf16, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < n
    v = tl.load(x + i, mask=mask)
    tl.store(i8 + i, tl.clamp(v, -128.0, 127.0).to(tl.int8), mask=mask)
    tl.store(u8 + i, tl.clamp(v, 0.0, 255.0).to(tl.uint8), mask=mask)
    tl.store(i64 + i, (v * 1e6).to(tl.int64), mask=mask)
    tl.store(f16 + i, v.to(tl.float16), mask=mask)
    tl.store(bf16 + i, v.to(tl.bfloat16), mask=mask)


@entry("inline_asm", "x:*i32 y:*i32 out:*i32", BLOCK=512)
@triton.jit
def inline_asm(x, y, out, BLOCK: tl.constexpr):
    """Packed bytes through PTX that the kernel's author wrote."""
    i = tl.arange(0, BLOCK)
    a, b = tl.load(x + i), tl.load(y + i)
    c = tl.inline_asm_elementwise(
        "{ .reg .b32 t; dp4a.s32.s32 t, $1, $2, 100; "
        "lop3.b32 $0, t, $1, $2, 0x96; }",
        "=r,r,r", [a, b], dtype=tl.int32, is_pure=True, pack=1)
    d = tl.inline_asm_elementwise(
        "prmt.b32 $0, $1, $2, 0x5140;", "=r,r,r", [a, b], dtype=tl.int32,
        is_pure=True, pack=1)
    tl.store(out + i, c)
    tl.store(out + BLOCK + i, d)


@entry("embedding", "table:*fp16 ids:*i64 out:*fp16 width:i32/16", BLOCK=128,
       warps=2)
@triton.jit
def embedding(table, ids, out, width, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    index = tl.load(ids + row)
    for start in range(0, width, BLOCK):
        i = start + tl.arange(0, BLOCK)
        mask = i < width
        v = tl.load(table + index * width + i, mask=mask, other=0.0,
                    eviction_policy="evict_first")
        tl.store(out + row * width + i, v, mask=mask, cache_modifier=".cs")
