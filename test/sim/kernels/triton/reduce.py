# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Reductions, scans, sorts, atomics: threads that exchange data.

import triton
import triton.language as tl

from registry import AMPERE, BOTH, entry


@entry("softmax", "x:*fp32 out:*fp32 stride:i32 cols:i32", BOTH, BLOCK=1024)
@entry("softmax_8warps", "x:*fp32 out:*fp32 stride:i32 cols:i32", BLOCK=4096,
       warps=8)
# As Triton specializes it for sizes that 16 divides.
@entry("softmax_aligned", "x:*fp32 out:*fp32 stride:i32/16 cols:i32/16",
       BLOCK=4096, warps=8)
@triton.jit
def softmax(x, out, stride, cols, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    i = tl.arange(0, BLOCK)
    v = tl.load(x + row * stride + i, mask=i < cols, other=-float("inf"))
    e = tl.exp(v - tl.max(v, axis=0))
    tl.store(out + row * stride + i, e / tl.sum(e, axis=0), mask=i < cols)


@entry("layer_norm", "x:*fp16 w:*fp16 b:*fp16 out:*fp16 mean:*fp32 rstd:*fp32 "
       "cols:i32 eps:fp32", BOTH, BLOCK=256, warps=8)
@entry("layer_norm_aligned", "x:*fp16 w:*fp16 b:*fp16 out:*fp16 mean:*fp32 "
       "rstd:*fp32 cols:i32/16 eps:fp32", BLOCK=4096, warps=8)
@triton.jit
def layer_norm(x, w, b, out, mean, rstd, cols, eps, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    x += row * cols
    out += row * cols
    total = tl.zeros((BLOCK,), tl.float32)
    for start in range(0, cols, BLOCK):
        i = start + tl.arange(0, BLOCK)
        total += tl.load(x + i, mask=i < cols, other=0.).to(tl.float32)
    m = tl.sum(total, axis=0) / cols
    total = tl.zeros((BLOCK,), tl.float32)
    for start in range(0, cols, BLOCK):
        i = start + tl.arange(0, BLOCK)
        v = tl.load(x + i, mask=i < cols, other=0.).to(tl.float32)
        v = tl.where(i < cols, v - m, 0.)
        total += v * v
    r = 1 / tl.sqrt(tl.sum(total, axis=0) / cols + eps)
    tl.store(mean + row, m)
    tl.store(rstd + row, r)
    for start in range(0, cols, BLOCK):
        i = start + tl.arange(0, BLOCK)
        mask = i < cols
        v = tl.load(x + i, mask=mask, other=0.).to(tl.float32)
        v = (v - m) * r * tl.load(w + i, mask=mask) + tl.load(b + i, mask=mask)
        tl.store(out + i, v, mask=mask)


@entry("layer_norm_backward", "dx:*fp32 dy:*fp32 dw:*fp32 db:*fp32 x:*fp32 "
       "w:*fp32 mean:*fp32 rstd:*fp32 locks:*i32 cols:i32", GROUPS=2, BLOCK=256)
@triton.jit
def layer_norm_backward(dx, dy, dw, db, x, w, mean, rstd, locks, cols,
                        GROUPS: tl.constexpr, BLOCK: tl.constexpr):
    """Partial sums of dw and db under a spin lock, as in Triton's tutorial."""
    row = tl.program_id(0)
    i = tl.arange(0, BLOCK)
    mask = i < cols
    group = row % GROUPS
    lock = locks + group
    count = lock + GROUPS
    xv = tl.load(x + row * cols + i, mask=mask, other=0)
    g = tl.load(dy + row * cols + i, mask=mask, other=0)
    wv = tl.load(w + i, mask=mask, other=0)
    m, r = tl.load(mean + row), tl.load(rstd + row)
    xhat = tl.where(mask, (xv - m) * r, 0.)
    wdy = tl.where(mask, wv * g, 0.)
    c1 = tl.sum(xhat * wdy, axis=0) / cols
    c2 = tl.sum(wdy, axis=0) / cols
    tl.store(dx + row * cols + i, (wdy - (xhat * c1 + c2)) * r, mask=mask)
    pw, pb = g * xhat, g
    dw += group * cols + i
    db += group * cols + i
    while tl.atomic_cas(lock, 0, 1) == 1:
        pass
    if tl.load(count) == 0:
        tl.atomic_xchg(count, 1)
    else:
        pw += tl.load(dw, mask=mask)
        pb += tl.load(db, mask=mask)
    tl.store(dw, pw, mask=mask)
    tl.store(db, pb, mask=mask)
    tl.debug_barrier()
    tl.atomic_xchg(lock, 0)


@entry("rms_norm", "x:*bf16 w:*bf16 out:*bf16 eps:fp32", BOTH, N=512, warps=2)
@triton.jit
def rms_norm(x, w, out, eps, N: tl.constexpr):
    row = tl.program_id(0)
    i = tl.arange(0, N)
    v = tl.load(x + row * N + i).to(tl.float32)
    r = tl.rsqrt(tl.sum(v * v, axis=0) / N + eps)
    tl.store(out + row * N + i, v * r * tl.load(w + i).to(tl.float32))


@entry("sum_axes", "x:*fp32 rows:*fp32 cols:*fp32 all:*fp32", BOTH, M=64, N=128)
@triton.jit
def sum_axes(x, rows, cols, all, M: tl.constexpr, N: tl.constexpr):
    m, n = tl.arange(0, M), tl.arange(0, N)
    v = tl.load(x + m[:, None] * N + n[None, :])
    tl.store(rows + m, tl.sum(v, axis=1))
    tl.store(cols + n, tl.max(v, axis=0))
    tl.store(all, tl.sum(tl.sum(v, axis=1), axis=0))
    tl.store(all + 1, tl.min(tl.min(v, axis=1), axis=0))


@entry("reduce_integers", "x:*i32 out:*i32", N=1024)
@triton.jit
def reduce_integers(x, out, N: tl.constexpr):
    v = tl.load(x + tl.arange(0, N))
    tl.store(out + 0, tl.sum(v, axis=0))
    tl.store(out + 1, tl.max(v, axis=0))
    tl.store(out + 2, tl.min(v, axis=0))
    tl.store(out + 3, tl.xor_sum(v, axis=0))
    tl.store(out + 4, tl.argmax(v, axis=0))
    tl.store(out + 5, tl.argmin(v, axis=0))


@entry("argmax_rows", "x:*fp32 value:*fp32 index:*i32", BOTH, M=16, N=256)
@triton.jit
def argmax_rows(x, value, index, M: tl.constexpr, N: tl.constexpr):
    m, n = tl.arange(0, M), tl.arange(0, N)
    v = tl.load(x + (tl.program_id(0) * M + m)[:, None] * N + n[None, :])
    best, where = tl.max(v, axis=1, return_indices=True)
    tl.store(value + tl.program_id(0) * M + m, best)
    tl.store(index + tl.program_id(0) * M + m, where)


@triton.jit
def welford(m1, s1, n1, m2, s2, n2):
    d = m2 - m1
    n = n1 + n2
    share = tl.where(n == 0, 0.0, n2 / n)
    return m1 + d * share, s1 + s2 + d * d * n1 * share, n


@entry("welford", "x:*fp32 mean:*fp32 var:*fp32 cols:i32", BLOCK=512)
@triton.jit
def variance(x, mean, var, cols, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    i = tl.arange(0, BLOCK)
    mask = i < cols
    v = tl.load(x + row * cols + i, mask=mask, other=0.0)
    m, s, n = tl.reduce((v, tl.zeros((BLOCK,), tl.float32),
                         mask.to(tl.float32)), 0, welford)
    tl.store(mean + row, m)
    tl.store(var + row, s / n)


@entry("cumsum", "x:*fp32 out:*fp32", BOTH, M=16, N=256)
@triton.jit
def cumsum(x, out, M: tl.constexpr, N: tl.constexpr):
    m, n = tl.arange(0, M), tl.arange(0, N)
    where = m[:, None] * N + n[None, :]
    tl.store(out + where, tl.cumsum(tl.load(x + where), axis=1))


@entry("cumulative_integers", "x:*i32 sums:*i32 products:*i32", N=512)
@triton.jit
def cumulative_integers(x, sums, products, N: tl.constexpr):
    i = tl.arange(0, N)
    v = tl.load(x + i)
    tl.store(sums + i, tl.cumsum(v, axis=0, reverse=True))
    tl.store(products + i, tl.cumprod(v | 1, axis=0))


@triton.jit
def recurrence(a1, b1, a2, b2):
    return a1 * a2, a2 * b1 + b2


@entry("linear_recurrence", "a:*fp32 b:*fp32 out:*fp32", BOTH, T=128, D=32)
@triton.jit
def linear_recurrence(a, b, out, T: tl.constexpr, D: tl.constexpr):
    """h[t] = a[t] h[t-1] + b[t]: an associative scan over pairs."""
    t, d = tl.arange(0, T), tl.arange(0, D)
    where = t[:, None] * D + d[None, :]
    _, h = tl.associative_scan((tl.load(a + where), tl.load(b + where)), 0,
                               recurrence)
    tl.store(out + where, h)


@entry("sort", "x:*fp32 out:*fp32", BOTH, M=8, N=128)
@triton.jit
def sort(x, out, M: tl.constexpr, N: tl.constexpr):
    m, n = tl.arange(0, M), tl.arange(0, N)
    where = m[:, None] * N + n[None, :]
    tl.store(out + where, tl.sort(tl.load(x + where), dim=1, descending=True))


@entry("sort_i32", "x:*i32 out:*i32", N=1024)
@triton.jit
def sort_i32(x, out, N: tl.constexpr):
    i = tl.arange(0, N)
    tl.store(out + i, tl.sort(tl.load(x + i)))


@entry("topk", "x:*fp16 out:*fp16", N=512, K=16)
@triton.jit
def topk(x, out, N: tl.constexpr, K: tl.constexpr):
    row = tl.program_id(0)
    v = tl.load(x + row * N + tl.arange(0, N))
    tl.store(out + row * K + tl.arange(0, K), tl.topk(v, K))


@entry("histogram", "x:*i32 out:*i32 n:i32", BOTH, BINS=64, BLOCK=512)
@triton.jit
def histogram(x, out, n, BINS: tl.constexpr, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < n
    counts = tl.histogram(tl.load(x + i, mask=mask, other=0), BINS, mask=mask)
    tl.atomic_add(out + tl.arange(0, BINS), counts)


@entry("atomics_i32", "x:*i32 out:*i32", BOTH, BLOCK=256)
@triton.jit
def atomics_i32(x, out, BLOCK: tl.constexpr):
    """All operations, 16 addresses each: out[op, value % 16]."""
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    v = tl.load(x + i)
    slot = out + (v & 15)
    tl.atomic_add(slot + 0, v)
    tl.atomic_max(slot + 16, v)
    tl.atomic_min(slot + 32, v)
    tl.atomic_and(slot + 48, v)
    tl.atomic_or(slot + 64, v)
    tl.atomic_xor(slot + 80, v)
    old = tl.atomic_add(out + 96, 1)
    tl.atomic_max(out + 97, old)


@entry("atomics_float", "x:*fp32 out:*fp32 half:*fp16 wide:*fp64 big:*i64",
       BOTH, BLOCK=256)
@triton.jit
def atomics_float(x, out, half, wide, big, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    v = tl.load(x + i)
    tl.atomic_add(out + i % 8, v)
    tl.atomic_max(out + 8 + i % 8, v)
    tl.atomic_min(out + 16 + i % 8, v)
    tl.atomic_add(half + i % 64, v.to(tl.float16))
    tl.atomic_add(wide + i % 4, v.to(tl.float64))
    tl.atomic_add(big + i % 4, v.to(tl.int64) * 1000000007)


@entry("cross_entropy", "logits:*fp32 labels:*i32 loss:*fp32 classes:i32",
       BLOCK=512, warps=4)
@triton.jit
def cross_entropy(logits, labels, loss, classes, BLOCK: tl.constexpr):
    """Log-sum-exp in one pass over blocks of the row."""
    row = tl.program_id(0)
    label = tl.load(labels + row)
    top = -float("inf")
    total = 0.0
    for start in range(0, classes, BLOCK):
        i = start + tl.arange(0, BLOCK)
        v = tl.load(logits + row * classes + i, mask=i < classes,
                    other=-float("inf"))
        new = tl.maximum(top, tl.max(v, axis=0))
        total = total * tl.exp(top - new) + tl.sum(tl.exp(v - new), axis=0)
        top = new
    picked = tl.load(logits + row * classes + label)
    tl.store(loss + row, top + tl.log(total) - picked)


@entry("max_pool", "x:*fp16 out:*fp16 where:*i32 H:i32 W:i32", BLOCK=128)
@triton.jit
def max_pool(x, out, where, H, W, BLOCK: tl.constexpr):
    """3x3, stride 2, padding 1, with the argmax."""
    OH, OW = (H + 1) // 2, (W + 1) // 2
    channel = tl.program_id(1)
    o = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    oy, ox = o // OW, o % OW
    best = tl.full((BLOCK,), -float("inf"), tl.float32)
    at = tl.zeros((BLOCK,), tl.int32)
    for dy in tl.static_range(3):
        for dx in tl.static_range(3):
            iy, ix = oy * 2 + dy - 1, ox * 2 + dx - 1
            ok = (iy >= 0) & (iy < H) & (ix >= 0) & (ix < W) & (o < OH * OW)
            v = tl.load(x + channel * H * W + iy * W + ix, mask=ok,
                        other=-float("inf")).to(tl.float32)
            take = v > best
            best = tl.where(take, v, best)
            at = tl.where(take, iy * W + ix, at)
    tl.store(out + channel * OH * OW + o, best, mask=o < OH * OW)
    tl.store(where + channel * OH * OW + o, at, mask=o < OH * OW)


@entry("look_back_scan", "x:*i32 out:*i32 state:*i64 n:i32", BLOCK=256)
@triton.jit
def look_back_scan(x, out, state, n, BLOCK: tl.constexpr):
    """Prefix sum over blocks that wait for their predecessor's flag."""
    block = tl.program_id(0)
    i = block * BLOCK + tl.arange(0, BLOCK)
    v = tl.load(x + i, mask=i < n, other=0)
    total = tl.sum(v, axis=0)
    before = tl.full((), 0, tl.int64)
    if block > 0:
        word = tl.full((), 0, tl.int64)
        while word == 0:
            word = tl.atomic_add(state + block - 1, 0, sem="acquire")
        before = word - (1 << 40)
    tl.atomic_xchg(state + block, before + total.to(tl.int64) + (1 << 40),
                   sem="release")
    tl.store(out + i, tl.cumsum(v, axis=0) + before.to(tl.int32), mask=i < n)
