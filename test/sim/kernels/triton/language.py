# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The language's features, one or two to a kernel.

import triton
import triton.language as tl

from registry import BOTH, entry


@entry("while_loops", "x:*i32 steps:*i32 most:*i32 n:i32", BOTH, BLOCK=128)
@triton.jit
def while_loops(x, steps, most, n, BLOCK: tl.constexpr):
    """Collatz: all lanes go on until the last has ended."""
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    v = tl.load(x + i, mask=i < n, other=1)
    count = tl.zeros((BLOCK,), tl.int32)
    top = v
    while tl.max(v, axis=0) > 1:
        go = v > 1
        v = tl.where(go, tl.where(v % 2 == 0, v // 2, 3 * v + 1), v)
        count += go.to(tl.int32)
        top = tl.maximum(top, v)
    tl.store(steps + i, count, mask=i < n)
    tl.store(most + i, top, mask=i < n)


@triton.jit
def _further(value, index, otherValue, otherIndex):
    take = (tl.abs(otherValue) > tl.abs(value)) | \
        ((tl.abs(otherValue) == tl.abs(value)) & (otherIndex < index))
    return tl.where(take, otherValue, value), tl.where(take, otherIndex, index)


@entry("reduce_pairs", "x:*fp32 value:*fp32 index:*i32 cols:i32", BOTH,
       ROWS=4, BLOCK=256)
@triton.jit
def reduce_pairs(x, value, index, cols, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    rows, i = tl.arange(0, ROWS), tl.arange(0, BLOCK)
    v = tl.load(x + rows[:, None] * cols + i[None, :], mask=(i < cols)[None, :],
                other=0)
    at = tl.broadcast_to(i[None, :], (ROWS, BLOCK))
    v, at = tl.reduce((v, at), 1, _further)
    tl.store(value + rows, v)
    tl.store(index + rows, at)


@triton.jit
def _segmented(sum, flag, otherSum, otherFlag):
    return tl.where(otherFlag != 0, otherSum, sum + otherSum), flag | otherFlag


@entry("segmented_scan", "x:*i32 flags:*i32 out:*i32 back:*i32", BOTH, BLOCK=512)
@triton.jit
def segmented_scan(x, flags, out, back, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    v, f = tl.load(x + i), tl.load(flags + i)
    sums, _ = tl.associative_scan((v, f), 0, _segmented)
    tl.store(out + i, sums)
    tl.store(back + i, tl.cumsum(v, 0, reverse=True))


@entry("dot_batched", "a:*fp16 b:*fp16 c:*fp16", BOTH, B=4, M=32, N=32, K=64)
@triton.jit
def dot_batched(a, b, c, B: tl.constexpr, M: tl.constexpr, N: tl.constexpr,
                K: tl.constexpr):
    """Products of three dimensions; sums in f16."""
    i, m, n, k = tl.arange(0, B), tl.arange(0, M), tl.arange(0, N), tl.arange(0, K)
    x = tl.load(a + (i[:, None, None] * M + m[None, :, None]) * K + k[None, None, :])
    y = tl.load(b + (i[:, None, None] * K + k[None, :, None]) * N + n[None, None, :])
    z = tl.dot(x, y, out_dtype=tl.float16)
    tl.store(c + (i[:, None, None] * M + m[None, :, None]) * N + n[None, None, :], z)


@entry("descriptors", "x:*fp32 out:*fp32 rows:i32 cols:i32", BOTH, BLOCK=32)
@triton.jit
def descriptors(x, out, rows, cols, BLOCK: tl.constexpr):
    """A transpose by descriptors, with edges cut."""
    of = tl.make_tensor_descriptor(x, [rows, cols], [cols, 1], [BLOCK, BLOCK])
    to = tl.make_tensor_descriptor(out, [cols, rows], [rows, 1], [BLOCK, BLOCK])
    row = tl.program_id(0) * BLOCK
    for col in range(0, cols, BLOCK):
        to.store([col, row], tl.trans(of.load([row, col])) * 2)


@entry("pointer_table", "table:*i64 sizes:*i32 out:*fp32", BOTH, BLOCK=64)
@triton.jit
def pointer_table(table, sizes, out, BLOCK: tl.constexpr):
    """Arrays whose addresses lie in memory, as grouped products take them."""
    g = tl.program_id(0)
    x = tl.load(table + g).to(tl.pointer_type(tl.float32))
    n = tl.load(sizes + g)
    total = tl.zeros((BLOCK,), tl.float32)
    for start in range(0, n, BLOCK):
        i = start + tl.arange(0, BLOCK)
        total += tl.load(x + i, mask=i < n, other=0.)
    tl.store(out + g, tl.sum(total, axis=0))


@entry("rounding", "a:*fp32 b:*fp32 out:*fp32 u:*i32 n:i32", BOTH, BLOCK=256)
@triton.jit
def rounding(a, b, out, u, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    x, y = tl.load(a + i), tl.load(b + i)
    tl.store(out + i, tl.div_rn(x, y))
    tl.store(out + n + i, tl.sqrt_rn(tl.abs(x)))
    tl.store(out + 2 * n + i, tl.fma(x, y, x))
    tl.store(out + 3 * n + i, tl.floor(x) + tl.ceil(y))
    tl.store(out + 4 * n + i, tl.clamp(x, -0.5, 0.75))
    tl.store(out + 5 * n + i, tl.erf(x))
    w = tl.load(u + i)
    h = tl.umulhi(w, w * 2654435 + 1)
    tl.store(u + i, h ^ tl.xor_sum(w, axis=0))


@triton.jit(noinline=True)
def _horner(x, coefficients, degree):
    v = tl.load(coefficients + degree)
    for k in range(degree - 1, -1, -1):
        v = v * x + tl.load(coefficients + k)
    return v


@entry("calls", "x:*fp32 p:*fp32 q:*fp32 out:*fp32 degree:i32", BOTH, warps=1)
@triton.jit
def calls(x, p, q, out, degree):
    """A function that is not inlined, called twice; such take scalars."""
    i = tl.program_id(0)
    v = tl.load(x + i)
    tl.store(out + i, _horner(v, p, degree) + _horner(-v, q, degree // 2))


@entry("lock_table", "keys:*i32 slots:*i32 n:i32", BOTH, warps=1, SIZE=256)
@triton.jit
def lock_table(keys, slots, n, SIZE: tl.constexpr):
    """Each program puts one key into a hash table by compare and swap."""
    key = tl.load(keys + tl.program_id(0))
    at = (key * 40503) % SIZE
    seen = tl.atomic_cas(slots + at, -1, key)
    while seen != -1:
        at = (at + 1) % SIZE
        seen = tl.atomic_cas(slots + at, -1, key)


@entry("checked_prints", "x:*i32 out:*i32 n:i32", BOTH, BLOCK=32, warps=1)
@triton.jit
def checked_prints(x, out, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    v = tl.load(x + i, mask=i < n, other=0)
    tl.device_assert(v >= 0, "negative")
    if tl.sum(v, axis=0) < 0:
        tl.device_print("never", v)
    a, b = tl.split(tl.reshape(v, (BLOCK // 2, 2)))
    c = tl.reshape(tl.join(b, a), (BLOCK,))
    tl.store(out + i, tl.flip(c), mask=i < n)
