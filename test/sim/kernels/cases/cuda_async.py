# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# cuda/async.cu: cp.async, pipelines, barriers in shared memory.

import numpy as np

from corpus import case
from cases.references import product


@case("cuda/async")
def pipeline_primitives(t):
    tiles, n = 7, 6 * 1024 + 200
    x = t.integers(-50, 51, n).astype(np.float32)
    sums = t.empty(tiles)
    t.launch("pipeline_primitives", 1, 256, t.device(x), sums, tiles, n)
    padded = np.zeros(tiles * 1024, np.float32)
    padded[:n] = x
    t.equal("sums of integers", sums, padded.reshape(tiles, -1).sum(1))


@case("cuda/async")
def pipeline_block(t):
    x = t.integers(-1000, 1000, (6, 256))
    out = t.empty((6, 256), np.int32)
    t.launch("pipeline_block", 1, 256, t.device(x), out, 6)
    v = x[:, (np.arange(256) * 7 + 3) % 256]
    t.equal("batches", out, v * v + np.arange(6)[:, None])


@case("cuda/async")
def pipeline_roles(t):
    x = t.random((8, 128))
    out = t.empty((8, 64))
    t.launch("pipeline_roles", 1, 128, t.device(x), out, 8)
    t.equal("batches", out, x[:, :64] * x[:, :63:-1])


@case("cuda/async")
def barrier_phases(t):
    x = t.integers(-100, 100, (3, 128))
    out = t.empty((3, 128), np.int32)
    t.launch("barrier_phases", 3, 128, t.device(x), out, 6)
    want = x
    for r in range(6):
        want = want + np.roll(want, -(1 << r), 1)
    t.equal("sums", out, want)


@case("cuda/async")
def barrier_copy(t):
    x = t.random((4, 256), np.float64)
    out = t.empty((4, 256), np.float64)
    t.launch("barrier_copy", 4, 128, t.device(x), out)
    t.equal("reversed", out, x[:, ::-1])


@case("cuda/async")
def group_copy(t):
    x = t.integers(-30000, 30000, (3, 577), np.int16)
    out = t.empty((3, 577), np.int16)
    t.launch("group_copy", 3, 96, t.device(x), out, 577)
    t.equal("reversed", out, x[:, ::-1])


@case("cuda/async")
def tiled_product(t):
    n = 128
    a, b = t.random((n, n)), t.random((n, n))
    c = t.empty((n, n))
    t.launch("tiled_product", (2, 2), 256, t.device(a), t.device(b), c, n,
             shared=4 * 64 * 64 * 4)
    t.close("product", c, product(a, b), 2e-6, "128 f32 multiply-adds")
