# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# cuda/atomics.cu. Sums are of values whose order does not matter: all exact.

import ml_dtypes
import numpy as np

from corpus import case

M64 = (1 << 64) - 1


@case("cuda/atomics")
def atomic_integers(t):
    x = t.integers(1, 1 << 20, 256)
    s32 = np.array([0, 0, -2**31, 2**31 - 1, -1, 0, 0], np.int32)
    u32 = np.zeros(9, np.uint32)
    u32[1] = 2**32 - 1
    u64 = np.array([0, 0, M64, 0], np.uint64)
    s64 = np.array([0, 0], np.int64)
    arrays = [t.device(a) for a in (s32, u32, u64, s64)]
    t.launch("atomic_integers", 4, 64, t.device(x), *arrays)
    v = x.astype(np.int64)
    total = int(v.sum())
    t.equal("s32", arrays[0], np.array([
        total, -total, v.max(), v.min(), np.bitwise_and.reduce(v | 0xff),
        np.bitwise_or.reduce(v), np.bitwise_xor.reduce(v)]).astype(np.int32))
    # inc: (old >= 36) ? 0 : old + 1, a cycle of 37; dec: from 0 to 36, down.
    t.equal("u32", arrays[1], np.array(
        [v.max(), v.min(), 256 % 37, (37 - 256 % 37) % 37, 64, 64, 64, 64, 512],
        np.uint32))
    xor = np.bitwise_xor.reduce(v << 32 | v)
    t.equal("u64", arrays[2], np.array(
        [total * 1000003 & M64, int(v.max()) << 20, int(v.min()) + 5, int(xor)],
        np.uint64))
    t.equal("s64", arrays[3], np.array([int(v.max())**3, -int(v.max())]))


@case("cuda/atomics")
def atomic_floats(t):
    # Multiples of 1/4 up to 2: exact in bf16 (8 bits) for the sums below.
    x = (t.integers(-8, 9, 256) / 4).astype(np.float32)
    bf16 = ml_dtypes.bfloat16
    outs = [t.zeros(4), t.zeros(2, np.float64), t.zeros((4, 2), np.float16),
            t.device(np.zeros((64, 2), bf16)), t.zeros(8, np.float16),
            t.device(np.zeros(64, bf16))]
    t.launch("atomic_floats", 4, 64, t.device(x), *outs)
    by = lambda n: x.reshape(-1, n).sum(0)
    t.equal("f32", outs[0], by(4))
    t.equal("f64", outs[1], by(2))
    t.equal("f16x2", outs[2], np.stack([by(4), np.full(4, 64)], 1))
    t.equal("bf16x2", outs[3].get().astype(np.float32),
            np.stack([np.full(64, 4), by(64)], 1))
    t.equal("f16", outs[4], by(8))
    t.equal("bf16", outs[5].get().astype(np.float32), by(64))


@case("cuda/atomics")
def compare_and_swap(t):
    n = 150
    x = np.exp2(t.integers(-2, 3, n)).astype(np.float32)
    x[77] = 4.5
    product = t.device(np.ones(3, np.float32))
    sums, best = t.zeros(5, np.uint16), t.zeros(1, np.uint64)
    t.launch("compare_and_swap", 3, 64, t.device(x), product, sums, best, n)
    i = np.arange(n)
    t.close("products", product, [x[k::3].astype(np.float64).prod()
                                  for k in range(3)], 1e-7, "powers of two")
    t.equal("sums", sums, np.bincount(i % 5, i).astype(np.uint16))
    t.equal("arg-max", best, [int(x[77:78].view(np.uint32)[0]) << 32 | 77])


@case("cuda/atomics")
def shared_histogram(t):
    x = np.minimum(t.integers(0, 400, 5000), 255).astype(np.uint8)
    out = t.zeros(256, np.uint32)
    t.launch("shared_histogram", 4, 128, t.device(x), out, 5000)
    t.equal("bins", out, np.bincount(x, minlength=256))


@case("cuda/atomics")
def message_passing(t):
    blocks = 30
    out = t.empty(blocks, np.int32)
    t.launch("message_passing", blocks, 32, t.zeros(blocks, np.int32),
             t.zeros(blocks, np.int32), out)
    v, want = 1, []
    for b in range(blocks):
        v = 1 if b == 0 else v * 3 + b
        want.append((v + 2**31) % 2**32 - 2**31)
    t.equal("chain", out, want)


@case("cuda/atomics")
def atomic_refs(t):
    x = t.integers(-500, 500, (3, 64))
    start = np.zeros(4, np.int32)
    start[1:] = -1000
    out, real, wide = t.device(start), t.zeros(1, np.float64), \
        t.zeros(1, np.uint64)
    t.launch("atomic_refs", 3, 64, t.device(x), out, real, wide)
    t.equal("integers", out, [x.sum(), *x.max(1)])
    t.equal("double", real, [x.sum() * 0.5])
    v = 0
    for _ in range(192):
        v = v * 2862933555777941757 + 1 & M64
    t.equal("sequence", wide, np.array([v], np.uint64))


@case("cuda/atomics")
def semaphore(t):
    inside, most, count = (t.zeros(1, np.int32) for _ in range(3))
    t.launch("semaphore", 1, 96, inside, most, count)
    t.equal("left", inside, [0])
    t.equal("visits", count, [96])
    t.true("at most three", 1 <= most.get()[0] <= 3, f"{most.get()[0]}")


@case("cuda/atomics")
def hash_table(t):
    n, size = 600, 1024
    keys = t.integers(0, 300, n, np.uint32) * np.uint32(7919)
    slots = t.device(np.full(size, M64, np.uint64))
    t.launch("hash_insert", 5, 128, t.device(keys), slots, size, n)
    asked = np.concatenate([np.unique(keys), np.array([5, 6], np.uint32)])
    counts = t.empty(len(asked), np.int32)
    t.launch("hash_find", -(-len(asked) // 128), 128, t.device(asked), slots,
             size, counts, len(asked))
    t.equal("counts", counts, [(keys == k).sum() for k in asked])


@case("cuda/atomics")
def ticket_lock(t):
    value = t.zeros(1, np.uint32)
    t.launch("ticket_lock", 20, 32, t.zeros(1, np.uint32), t.zeros(1, np.uint32),
             value)
    v = 0
    for _ in range(20):
        v = v * 5 + 1 & 0xffffffff
    t.equal("value", value, np.array([v], np.uint32))


@case("cuda/atomics")
def list_push(t):
    n = 200
    head = t.device(np.array([0xffffffff], np.uint64))
    follow = t.empty(n, np.int32)
    t.launch("list_push", 2, 128, head, follow, n)
    nexts, at, seen = follow.get(), int(head.get()[0]) & 0xffffffff, []
    while at != 0xffffffff and len(seen) <= n:
        seen.append(at)
        at = int(nexts[at]) & 0xffffffff
    t.equal("each node once", np.sort(seen), np.arange(n))
    t.equal("pushes", int(head.get()[0]) >> 32, n)
