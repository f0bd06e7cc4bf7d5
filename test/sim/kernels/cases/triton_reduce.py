# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# triton/reduce.py: reductions, scans, sorts, atomics.

import ml_dtypes
import numpy as np

from corpus import case

ORDER = "f32 sums in another order"


def softmaxOf(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@case("triton/softmax")
def softmax(t):
    x = t.random((7, 781), scale=3)
    out = t.empty(x.shape)
    t.launch("softmax", 7, None, t.device(x), out, 781, 781)
    t.close("rows", out, softmaxOf(x.astype(np.float64)), 2e-6,
            "ex2.approx of differences up to 20, " + ORDER)


@case("triton/softmax_8warps")
def softmax_8warps(t):
    x = t.random((3, 3000))
    out = t.empty(x.shape)
    t.launch("softmax", 3, None, t.device(x), out, 3000, 3000)
    t.close("rows", out, softmaxOf(x.astype(np.float64)), 2e-6, ORDER)


@case("triton/softmax_aligned")
def softmax_aligned(t):
    x = t.random((3, 4096))
    out = t.empty(x.shape)
    t.launch("softmax", 3, None, t.device(x), out, 4096, 4096)
    t.close("rows", out, softmaxOf(x.astype(np.float64)), 2e-6, ORDER)


@case("triton/layer_norm_aligned")
def layer_norm_aligned(t):
    layer_norm(t, 2, 4096)


@case("triton/layer_norm")
def layer_norm(t, rows=6, cols=1151):
    x = t.random((rows, cols), np.float16)
    w, b = t.random(cols, np.float16), t.random(cols, np.float16)
    out, mean, rstd = (t.empty(x.shape, np.float16), t.empty(rows),
                       t.empty(rows))
    t.launch("layer_norm", rows, None, t.device(x), t.device(w), t.device(b),
             out, mean, rstd, cols, 1e-5)
    v = x.astype(np.float64)
    m = v.mean(1, keepdims=True)
    r = 1 / np.sqrt(v.var(1, keepdims=True) + 1e-5)
    t.close("mean", mean, m[:, 0], 1e-6, ORDER, False)
    t.close("rstd", rstd, r[:, 0], 2e-6, ORDER)
    t.close("rows", out, (v - m) * r * w + b, 6e-4, "rounded to f16")


@case("triton/layer_norm_backward")
def layer_norm_backward(t):
    rows, cols, groups = 8, 200, 2
    x, dy = t.random((rows, cols)), t.random((rows, cols))
    w = t.random(cols)
    v, g = x.astype(np.float64), dy.astype(np.float64)
    m = v.mean(1)
    r = 1 / np.sqrt(v.var(1) + 1e-5)
    dx, dw, db = (t.empty((rows, cols)), t.zeros((groups, cols)),
                  t.zeros((groups, cols)))
    t.launch("layer_norm_backward", rows, None, dx, t.device(dy), dw, db,
             t.device(x), t.device(w), t.device(m.astype(np.float32)),
             t.device(r.astype(np.float32)), t.zeros(2 * groups, np.int32),
             cols)
    xhat = (v - m[:, None]) * r[:, None]
    wdy = w * g
    want = (wdy - xhat * (xhat * wdy).mean(1)[:, None] -
            wdy.mean(1)[:, None]) * r[:, None]
    t.close("dx", dx, want, 2e-6, ORDER)
    t.close("dw", dw.get().sum(0), (g * xhat).sum(0), 2e-6, ORDER)
    t.close("db", db.get().sum(0), g.sum(0), 2e-6, ORDER)


@case("triton/rms_norm")
def rms_norm(t):
    x = t.random((5, 512)).astype(ml_dtypes.bfloat16)
    w = t.random(512).astype(ml_dtypes.bfloat16)
    out = t.empty(x.shape, ml_dtypes.bfloat16)
    t.launch("rms_norm", 5, None, t.device(x), t.device(w), out, 1e-6)
    v = x.astype(np.float64)
    want = v / np.sqrt((v * v).mean(1, keepdims=True) + 1e-6) * \
        w.astype(np.float64)
    t.close("rows", out, want, 4e-3, "rounded to bf16 (2^-8)")


@case("triton/sum_axes")
def sum_axes(t):
    x = t.random((64, 128))
    rows, cols, both = t.empty(64), t.empty(128), t.empty(2)
    t.launch("sum_axes", 1, None, t.device(x), rows, cols, both)
    v = x.astype(np.float64)
    t.close("rows", rows, v.sum(1), 1e-6, ORDER)
    t.equal("columns", cols, x.max(0))
    t.close("sum", both.get()[0], v.sum(), 2e-5, ORDER)
    t.equal("min", both.get()[1], x.min())


@case("triton/reduce_integers")
def reduce_integers(t):
    x = t.integers(-10**6, 10**6, 1024)
    out = t.empty(6, np.int32)
    t.launch("reduce_integers", 1, None, t.device(x), out)
    t.equal("all", out, [x.sum(dtype=np.int32), x.max(), x.min(),
                         np.bitwise_xor.reduce(x), x.argmax(), x.argmin()])


@case("triton/argmax_rows")
def argmax_rows(t):
    x = np.round(t.random((32, 256)), 1)  # with ties: the first counts
    value, index = t.empty(32), t.empty(32, np.int32)
    t.launch("argmax_rows", 2, None, t.device(x), value, index)
    t.equal("value", value, x.max(1))
    t.equal("index", index, x.argmax(1))


@case("triton/welford")
def welford(t):
    x = t.random((4, 500)) + np.float32(10)
    mean, var = t.empty(4), t.empty(4)
    t.launch("variance", 4, None, t.device(x), mean, var, 500)
    v = x.astype(np.float64)
    t.close("mean", mean, v.mean(1), 1e-6, ORDER)
    t.close("var", var, v.var(1), 5e-6, ORDER)


@case("triton/cumsum")
def cumsum(t):
    x = t.random((16, 256))
    out = t.empty(x.shape)
    t.launch("cumsum", 1, None, t.device(x), out)
    t.close("rows", out, x.astype(np.float64).cumsum(1), 1e-6, ORDER)


@case("triton/cumulative_integers")
def cumulative_integers(t):
    x = t.integers(-1000, 1000, 512)
    sums, products = t.empty(512, np.int32), t.empty(512, np.int32)
    t.launch("cumulative_integers", 1, None, t.device(x), sums, products)
    t.equal("sums", sums, x[::-1].cumsum(dtype=np.int32)[::-1])
    t.equal("products", products, (x | 1).cumprod(dtype=np.int32))


@case("triton/linear_recurrence")
def linear_recurrence(t):
    a = t.rng.uniform(0.5, 1, (128, 32)).astype(np.float32)
    b = t.random((128, 32))
    out = t.empty(a.shape)
    t.launch("linear_recurrence", 1, None, t.device(a), t.device(b), out)
    h, want = np.zeros(32), []
    for row in range(128):
        h = a[row].astype(np.float64) * h + b[row]
        want.append(h)
    t.close("states", out, np.stack(want), 2e-6, ORDER)


@case("triton/sort")
def sort(t):
    x = t.random((8, 128))
    out = t.empty(x.shape)
    t.launch("sort", 1, None, t.device(x), out)
    t.equal("rows", out, -np.sort(-x, 1))


@case("triton/sort_i32")
def sort_i32(t):
    x = t.integers(-2**31, 2**31, 1024)
    out = t.empty(1024, np.int32)
    t.launch("sort_i32", 1, None, t.device(x), out)
    t.equal("keys", out, np.sort(x))


@case("triton/topk")
def topk(t):
    x = t.random((3, 512), np.float16)
    out = t.empty((3, 16), np.float16)
    t.launch("topk", 3, None, t.device(x), out)
    t.equal("largest", out, -np.sort(-x, 1)[:, :16])


@case("triton/histogram")
def histogram(t):
    n = 1900
    x = t.integers(0, 64, n)
    out = t.zeros(64, np.int32)
    t.launch("histogram", 4, None, t.device(x), out, n)
    t.equal("bins", out, np.bincount(x, minlength=64))


@case("triton/atomics_i32")
def atomics_i32(t):
    x = t.integers(-2**20, 2**20, 1024)
    start = np.zeros(98, np.int32)
    start[16:32], start[32:48], start[48:64] = -2**31, 2**31 - 1, -1
    out = t.device(start)
    t.launch("atomics_i32", 4, None, t.device(x), out)
    want = start.copy()
    for op, which in ((np.add, 0), (np.maximum, 16), (np.minimum, 32),
                      (np.bitwise_and, 48), (np.bitwise_or, 64),
                      (np.bitwise_xor, 80)):
        op.at(want, which + (x & 15), x)
    want[96], want[97] = 4, 3  # one lane a program adds 1
    t.equal("slots", out, want)


@case("triton/atomics_float")
def atomics_float(t):
    # Multiples of 1/64 below 8: sums are exact in any order, in f16 too.
    x = (t.integers(-255, 256, 512) / 64).astype(np.float32)
    start = np.zeros(24, np.float32)
    start[8:16], start[16:] = -np.inf, np.inf
    out, half = t.device(start), t.zeros(64, np.float16)
    wide, big = t.zeros(4, np.float64), t.zeros(4, np.int64)
    t.launch("atomics_float", 2, None, t.device(x), out, half, wide, big)
    i = np.arange(512)
    want = start.copy()
    np.add.at(want, i % 8, x)
    np.maximum.at(want, 8 + i % 8, x)
    np.minimum.at(want, 16 + i % 8, x)
    t.equal("f32", out, want)
    t.equal("f16", half, x.reshape(-1, 64).sum(0))
    t.equal("f64", wide, x.reshape(-1, 4).sum(0))
    t.equal("i64", big, (x.astype(np.int64) * 1000000007).reshape(-1, 4).sum(0))


@case("triton/cross_entropy")
def cross_entropy(t):
    logits = t.random((5, 1300), scale=2)
    labels = t.integers(0, 1300, 5)
    loss = t.empty(5)
    t.launch("cross_entropy", 5, None, t.device(logits), t.device(labels), loss,
             1300)
    v = logits.astype(np.float64)
    top = v.max(1)
    want = top + np.log(np.exp(v - top[:, None]).sum(1)) - \
        v[np.arange(5), labels]
    t.close("loss", loss, want, 2e-6, "ex2 and lg2.approx, " + ORDER)


@case("triton/max_pool")
def max_pool(t):
    c, h, w = 3, 15, 21
    x = t.random((c, h, w), np.float16)
    oh, ow = (h + 1) // 2, (w + 1) // 2
    out, where = t.empty((c, oh, ow), np.float16), t.empty((c, oh, ow), np.int32)
    t.launch("max_pool", ((oh * ow + 127) // 128, c), None, t.device(x), out,
             where, h, w)
    padded = np.full((c, h + 2, w + 2), -np.inf)
    padded[:, 1:-1, 1:-1] = x
    index = np.zeros((h + 2, w + 2), np.int32)
    index[1:-1, 1:-1] = np.arange(h * w).reshape(h, w)
    best = np.zeros((c, oh, ow))
    at = np.zeros((c, oh, ow), np.int32)
    for y in range(oh):
        for z in range(ow):
            window = np.s_[y * 2:y * 2 + 3, z * 2:z * 2 + 3]
            for k in range(c):
                values = padded[k][window]
                best[k, y, z] = values.max()
                at[k, y, z] = index[window].flat[values.argmax()]
    t.equal("values", out, best)
    t.equal("places", where, at)


@case("triton/look_back_scan")
def look_back_scan(t):
    n, blocks = 5000, 20
    x = t.integers(0, 100, n)
    out = t.empty(n, np.int32)
    t.launch("look_back_scan", blocks, None, t.device(x), out,
             t.zeros(blocks, np.int64), n)
    t.equal("sums", out, x.cumsum())
