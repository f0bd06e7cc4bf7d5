# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# cuda/cooperative.cu: groups, warp functions, barriers.

import numpy as np

from corpus import case

FULL = 0xffffffff


@case("cuda/cooperative")
def grid_sync(t):
    n, rounds = 300, 5
    x = t.integers(-64, 65, n).astype(np.float32)
    a, b = t.device(x), t.empty(n)
    # cg::this_grid().sync() needs a cooperative launch.
    t.launch("grid_sync", 3, 64, a, b, n, rounds, cooperative=True)
    want = x.astype(np.float64)
    for _ in range(rounds):
        padded = np.pad(want, 1)
        want = 0.25 * padded[:-2] + 0.5 * want + 0.25 * padded[2:]
    t.equal("exact quarters", b, want)


@case("cuda/cooperative")
def grid_barrier(t):
    blocks, rounds = 6, 4
    start = np.zeros((rounds + 1, blocks), np.int32)
    start[0] = t.integers(-50, 50, blocks)
    data = t.device(start)
    t.launch("grid_barrier", blocks, 32, data, t.zeros(1, np.uint32), rounds)
    want = start
    for r in range(rounds):
        want[r + 1] = want[r] + np.roll(want[r], -1)
    t.equal("rounds", data, want)


@case("cuda/cooperative")
def last_block(t):
    n = 5000
    x = t.integers(-20, 21, n).astype(np.float32)
    out = t.empty(1)
    t.launch("last_block", 7, 256, t.device(x), t.empty(7), out, n)
    t.equal("sum of integers", out, [x.sum()])


@case("cuda/cooperative")
def tiles(t):
    for size in (4, 16, 32):
        x = t.integers(-20, 20, 128)
        out = t.empty((6, 128), np.int32)
        t.launch(f"tiles{size}", 1, 128, t.device(x), out)
        v = x.reshape(-1, size)
        spread = lambda a: np.repeat(a, size)
        xors = np.bitwise_xor.accumulate(v, 1)
        exclusive = np.concatenate([np.zeros_like(xors[:, :1]), xors[:, :-1]], 1)
        want = [spread(v.sum(1)), spread(v.min(1)), v.cumsum(1).ravel(),
                exclusive.ravel(),
                spread(v[:, size // 3] + (v == 5).any(1)),
                v[:, np.arange(size) ^ 1].ravel() * 2 + spread(v[:, 0] & 1)]
        t.equal(f"tiles of {size}", out, np.stack(want))


@case("cuda/cooperative")
def data_groups(t):
    x = t.integers(0, 30, 64)
    out = t.empty((3, 64), np.int32)
    t.launch("data_groups", 1, 64, t.device(x), out)
    want = np.zeros((3, 64), np.int64)
    for i in range(64):
        warp = range(i // 32 * 32, i // 32 * 32 + 32)
        same = [j for j in warp if x[j] % 5 == x[i] % 5]
        want[0, i] = sum(x[j] for j in same) * 32 + same.index(i)
        even = [j for j in warp if x[j] % 2 == x[i] % 2]
        want[1, i] = len(even) * 100 + even.index(i)
        third = [j for j in warp if x[j] % 3 == 0]
        want[2, i] = (x[third[0]] + third.index(i) + len(third) * 10000
                      if i in third else -1)
    t.equal("groups", out, want)


@case("cuda/cooperative")
def compaction(t):
    n = 1000
    x = t.integers(0, 10000, n)
    out, count = t.empty(n, np.int32), t.zeros(1, np.int32)
    t.launch("compaction", 8, 128, t.device(x), out, count, n)
    want = x[x % 3 == 0]
    t.equal("count", count, [len(want)])
    t.equal("values", np.sort(out.get()[:len(want)]), np.sort(want))


@case("cuda/cooperative")
def shuffles(t):
    v = t.integers(-1000, 1000, 32)
    w = t.random(32, np.float64)
    wide, out = t.device(w), t.empty((9, 32), np.int32)
    t.launch("shuffles", 1, 32, t.device(v), wide, out)
    lane = np.arange(32)
    down = np.where(lane % 16 + 5 < 16, (lane + 5) % 32, lane)
    match = [sum(1 << j for j in range(32) if v[j] & 3 == a & 3) for a in v]
    same = (v >= 0).all() or (v < 0).all()
    ballot = sum(1 << j for j in range(32) if v[j] & 4)
    reduce = np.bitwise_xor.reduce(v) ^ np.bitwise_and.reduce(v) ^ \
        np.bitwise_or.reduce(v)
    rows = [v[(lane * 7) & 31], np.where(lane < 3, v, v[lane - 3]), v[down],
            # A xor of 9 leaves the group of 8 towards a higher group: its own.
            np.where((lane ^ 9) // 8 > lane // 8, v, v[lane ^ 9]),
            match, np.full(32, (FULL if same else 0) + int(same)),
            np.full(32, ballot ^ FULL), np.full(32, v.max() - v.min()),
            np.full(32, reduce)]
    t.equal("words", out, np.stack([
        np.asarray(r, np.int64).astype(np.uint32).view(np.int32) for r in rows]))
    t.equal("doubles", wide, w[lane ^ 16] + w[31])


@case("cuda/cooperative")
def block_votes(t):
    x = t.integers(-60, 90, (5, 96))
    out = t.empty(5, np.int32)
    t.launch("block_votes", 5, 96, t.device(x), out)
    t.equal("votes", out, (x > 0).sum(1) * 4 + (x > -50).all(1) * 2 +
            (x == 77).any(1))


@case("cuda/cooperative")
def named_barriers(t):
    x = t.integers(-1000, 1000, (9, 64))
    out = t.empty((9, 64), np.int32)
    t.launch("named_barriers", 1, 128, t.device(x), out, 9)
    t.equal("rounds", out, x[:, ::-1] * 3 + np.arange(9)[:, None])
