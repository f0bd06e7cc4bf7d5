# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# cuda/cub_block.cu: CUB's collectives. Exact.

import numpy as np

from corpus import case


@case("cuda/cub_block")
def block_scan(t):
    x = t.integers(-1000, 1000, (3, 512))
    sums = x.cumsum(1)
    for entry in ("block_scan", "block_scan_raking"):
        out, total = t.empty((3, 512), np.int32), t.empty(3, np.int32)
        t.launch(entry, 3, 128, t.device(x), out, total)
        t.equal(entry, out, sums - x)
        t.equal(entry + " totals", total, sums[:, -1])


@case("cuda/cub_block")
def block_reduce(t):
    n = 250
    x = t.integers(-10**6, 10**6, n).astype(np.float64)
    sums, most = t.empty(3, np.float64), t.empty(3, np.float64)
    t.launch("block_reduce", 3, 96, t.device(x), sums, most, n)
    blocks = [x[i:i + 96] for i in range(0, n, 96)]
    t.equal("sums", sums, [b.sum() for b in blocks])
    t.equal("largest", most, [b.max() for b in blocks])


@case("cuda/cub_block")
def block_radix_sort(t):
    x = t.integers(0, 2**32, (2, 512), np.uint32)
    x[:, ::7] = x[:, :1]
    keys, values = t.device(x), t.empty((2, 512), np.int32)
    t.launch("block_radix_sort", 2, 128, keys, values)
    order = np.argsort(~x, 1, kind="stable")
    t.equal("keys", keys, np.take_along_axis(x, order, 1))
    t.equal("values", values, order)


@case("cuda/cub_block")
def block_merge_sort(t):
    x = t.random((2, 301))
    keys = t.device(x)
    t.launch("block_merge_sort", 2, 64, keys, 301)
    t.equal("keys", keys, np.sort(x, 1))


@case("cuda/cub_block")
def warp_collectives(t):
    x = t.integers(-100, 100, 128)
    out = t.zeros(640, np.int32)
    t.launch("warp_collectives", 1, 128, t.device(x), out)
    got = out.get()
    warps = x.reshape(4, 32)
    sums = warps.cumsum(1)
    t.equal("scan", got[:128], (sums + sums[:, -1:] * 100000).ravel())
    # The first lane of a logical warp has the sum; of a segment, its head.
    t.equal("reduce", got[128:256:16], x.reshape(8, 16).sum(1))
    heads = np.fmod(x, 3) == 0
    heads[::16] = True
    at = np.flatnonzero(heads)
    ends = np.append(at[1:], 128)
    t.equal("segments", got[256:384][at], [x[a:b].sum() for a, b in
                                           zip(at, ends)])
    pairs = np.stack([x, x[::-1]], 1).reshape(4, 64)
    t.equal("sort", got[384:], -np.sort(-pairs, 1).ravel())


@case("cuda/cub_block")
def block_histogram(t):
    x = t.integers(0, 64, (2, 512), np.uint8)
    outs = [t.empty((2, 64), np.uint32) for _ in "ab"]
    t.launch("block_histogram", 2, 64, t.device(x), *outs)
    want = np.stack([np.bincount(r, minlength=64) for r in x])
    t.equal("sorted", outs[0], want)
    t.equal("atomic", outs[1], want)


@case("cuda/cub_block")
def block_neighbours(t):
    x = t.integers(0, 3, 128)
    outs = [t.empty(128, np.int32) for _ in "abc"]
    t.launch("block_neighbours", 1, 128, t.device(x), *outs)
    t.equal("heads", outs[0], np.append(1, x[1:] != x[:-1]))
    t.equal("differences", outs[1], np.append(x[0], x[1:] - x[:-1]))
    t.equal("rotated", outs[2], np.roll(x, -17))


@case("cuda/cub_block")
def block_exchange(t):
    x = t.integers(-1000, 1000, (2, 384), np.int16)
    out = t.empty((2, 384), np.int16)
    t.launch("block_exchange", 2, 64, t.device(x), out)
    t.equal("values", out, x * 6 + np.arange(384, dtype=np.int16) % 6)
