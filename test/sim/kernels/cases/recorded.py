# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# recorded/: launches that CUB and CUTLASS made on the host, replayed.

import json
import lzma
import struct

import ml_dtypes
import numpy as np

from corpus import PTX, case
from cases.references import product

BF16 = ml_dtypes.bfloat16
N = 20000


class Program:
    """The steps of one recorded program, with its buffers on the device."""

    def __init__(self, t, name, **given):
        steps = json.loads(lzma.decompress((PTX / t.module["steps"]).read_bytes()))
        self.t, self.program = t, steps[name]
        self.buffers = {}
        for name, size in self.program["buffers"].items():
            value = given.pop(name, None)
            if value is None:
                self.buffers[name] = t.empty(size, np.uint8)
            else:
                assert value.nbytes == size, (name, value.nbytes, size)
                self.buffers[name] = t.device(value)
        assert not given, given
        for step in self.program["steps"]:
            self.step(step)
        t.driver.synchronize()

    def at(self, place):
        name, offset = place
        return self.buffers[name].pointer + offset

    def step(self, step):
        if "memset" in step:
            self.t.driver.fill(self.at(step["memset"]), step["value"] & 255,
                               step["count"])
        elif "copy" in step:
            self.t.driver.copy(self.at(step["copy"]), self.at(step["from"]),
                               step["count"])
        else:
            parameters = []
            for data, pointers in step["parameters"]:
                data = bytearray.fromhex(data)
                for offset, place in pointers:
                    struct.pack_into("<Q", data, offset, self.at(place))
                parameters.append(bytes(data))
            self.t.launch(step["kernel"], step["grid"], step["block"],
                          *parameters, shared=step["shared"], wait=False)

    def get(self, name, dtype, shape=-1):
        return self.buffers[name].get().view(dtype).reshape(shape)


def cub(function):
    return case("recorded/cub_device", slow=False, name=function.__name__)(
        function)


@cub
def exclusive_sum(t):
    x = t.integers(-100, 100, N)
    p = Program(t, "exclusive_sum", **{"in": x})
    t.equal("sums", p.get("out", np.int32), x.cumsum() - x)


@cub
def inclusive_max(t):
    x = (np.arange(N) // 3 + t.integers(-900, 900, N)).astype(np.int32)
    p = Program(t, "inclusive_max", **{"in": x})
    t.equal("maxima", p.get("out", np.int32), np.maximum.accumulate(x))


@cub
def scan_double(t):
    x = t.integers(-1000, 1000, N).astype(np.float64) / 8
    p = Program(t, "scan_double", **{"in": x})
    t.equal("sums", p.get("out", np.float64), x.cumsum())


def keys(t, n=N, dtype=np.int32):
    """Runs of equal keys, of length 1 to about 40."""
    return (t.rng.random(n) < 0.1).cumsum().astype(dtype)


def starts(k):
    return np.flatnonzero(np.append(True, k[1:] != k[:-1]))


@cub
def sum_by_key(t):
    k, x = keys(t), t.integers(-100, 100, N)
    p = Program(t, "sum_by_key", keys=k, **{"in": x})
    total, s = x.cumsum(), starts(k)
    base = np.repeat(total[s] - x[s], np.diff(np.append(s, N)))
    t.equal("sums", p.get("out", np.int32), total - base)


@cub
def reduce_sum(t):
    x = t.integers(-50, 51, N).astype(np.float32)
    p = Program(t, "reduce_sum", **{"in": x})
    t.equal("sum", p.get("out", np.float32), [x.sum()])


@cub
def reduce_argmin(t):
    x = t.random(N)
    p = Program(t, "reduce_argmin", **{"in": x})
    t.equal("value", p.get("out", np.float32), [x.min()])
    t.equal("index", p.get("index", np.int64), [x.argmin()])


@cub
def reduce_by_key(t):
    k, x = keys(t), t.integers(-1000, 1000, N)
    p = Program(t, "reduce_by_key", keys=k, **{"in": x})
    s = starts(k)
    t.equal("runs", p.get("runs", np.int32), [len(s)])
    t.equal("keys", p.get("unique", np.int32)[:len(s)], k[s])
    t.equal("maxima", p.get("out", np.int32)[:len(s)],
            np.maximum.reduceat(x, s))


def segments(t, n, count):
    cuts = np.sort(t.integers(0, n, count - 1))
    return np.concatenate([[0], cuts, [n]]).astype(np.int32)


@cub
def segmented_sum(t):
    x, cuts = t.integers(-100, 100, N), segments(t, N, 50)
    p = Program(t, "segmented_sum", offsets=cuts, **{"in": x})
    t.equal("sums", p.get("out", np.int32),
            [x[a:b].sum() for a, b in zip(cuts, cuts[1:])])


@cub
def radix_sort_small(t):
    x = t.integers(0, 2**32, 1000, np.uint32)
    p = Program(t, "radix_sort_small", **{"in": x})
    t.equal("keys", p.get("out", np.uint32), np.sort(x))


@cub
def radix_sort_pairs(t):
    x = t.integers(0, 2**32, N, np.uint32)
    x[::5] &= np.uint32(0xff)
    p = Program(t, "radix_sort_pairs", values=np.arange(N, dtype=np.int32),
                **{"in": x})
    order = np.argsort(x, kind="stable")
    t.equal("keys", p.get("out", np.uint32), x[order])
    t.equal("values", p.get("sorted", np.int32), order)


@cub
def radix_sort_double_descending(t):
    x = t.random(N, np.float64)
    p = Program(t, "radix_sort_double_descending", **{"in": x})
    t.equal("keys", p.get("out", np.float64), -np.sort(-x))


@cub
def merge_sort(t):
    x = t.integers(-2**31, 2**31, N)
    p = Program(t, "merge_sort", keys=x)
    t.equal("keys", p.get("keys", np.int32), -np.sort(-x.astype(np.int64)))


@cub
def segmented_sort(t):
    x, cuts = t.integers(-2**31, 2**31, 5000), segments(t, 5000, 20)
    p = Program(t, "segmented_sort", offsets=cuts, **{"in": x})
    t.equal("keys", p.get("out", np.int32), np.concatenate(
        [np.sort(x[a:b]) for a, b in zip(cuts, cuts[1:])]))


@cub
def select_if(t):
    x = t.integers(-1000, 1000, N)
    p = Program(t, "select_if", **{"in": x})
    want = x[x % 2 == 0]
    t.equal("count", p.get("count", np.int32), [len(want)])
    t.equal("values", p.get("out", np.int32)[:len(want)], want)


@cub
def unique(t):
    x = keys(t)
    p = Program(t, "unique", **{"in": x})
    want = x[starts(x)]
    t.equal("count", p.get("count", np.int32), [len(want)])
    t.equal("values", p.get("out", np.int32)[:len(want)], want)


@cub
def partition(t):
    x, flags = t.integers(0, 10**6, N), t.integers(0, 2, N, np.int8)
    p = Program(t, "partition", flags=flags, **{"in": x})
    yes, no = x[flags == 1], x[flags == 0]
    t.equal("count", p.get("count", np.int32), [len(yes)])
    # The rejected come last, in reverse.
    t.equal("values", p.get("out", np.int32), np.concatenate([yes, no[::-1]]))


@cub
def run_length_encode(t):
    x = keys(t, N, np.int16)
    p = Program(t, "run_length_encode", **{"in": x})
    s = starts(x)
    t.equal("runs", p.get("runs", np.int32), [len(s)])
    t.equal("keys", p.get("unique", np.int16)[:len(s)], x[s])
    t.equal("lengths", p.get("lengths", np.int32)[:len(s)],
            np.diff(np.append(s, N)))


@cub
def histogram_even(t):
    # Multiples of 1/4: no value near a bin's border but on it.
    x = (t.integers(-40, 440, N) / 4).astype(np.float32)
    p = Program(t, "histogram_even", **{"in": x})
    inside = x[(x >= 0) & (x < 100)]
    t.equal("bins", p.get("out", np.int32),
            np.bincount(inside.astype(int), minlength=100))


@cub
def histogram_bytes(t):
    x = np.minimum(t.integers(0, 300, N), 255).astype(np.uint8)
    p = Program(t, "histogram_bytes", **{"in": x})
    t.equal("bins", p.get("out", np.int32), np.bincount(x, minlength=256))


@cub
def adjacent_difference(t):
    x = t.integers(-10**6, 10**6, N)
    p = Program(t, "adjacent_difference", **{"in": x})
    t.equal("values", p.get("out", np.int32), np.append(x[0], x[1:] - x[:-1]))


# --- CUTLASS ------------------------------------------------------------------
ACC = "Tensor Cores truncate f32 sums (2^-22 a step)"
F16 = "rounded to f16 (2^-11)"


def gemm(t, name, m, n, k, types, tolerance, why, alpha=1, beta=0,
         columns="", relu=False, values=None):
    """D = alpha A B + beta C; `columns` names operands of column-major order."""
    make = values or t.random
    a, b = make((m, k)).astype(types[0]), make((k, n)).astype(types[1])
    c = make((m, n)).astype(types[2])
    store = lambda x, who: np.ascontiguousarray(x.T if who in columns else x)
    p = Program(t, name, a=store(a, "a"), b=store(b, "b"), c=c)
    want = alpha * product(a, b) + beta * c.astype(np.float64)
    if relu:
        want = np.maximum(want, 0)
    got = p.get("d", types[2], (m, n))
    if tolerance:
        t.close("product", got, want, tolerance, why)
    else:
        t.equal("product", got, want)


def cutlass(function):
    return case("recorded/cutlass_gemm", name=function.__name__)(function)


@cutlass
def f16(t):
    gemm(t, "f16", 256, 128, 96, [np.float16] * 3, 6e-4, F16, 1.5, 0.5, "b")


@cutlass
def f16_relu(t):
    gemm(t, "f16_relu", 72, 104, 80, [np.float16, np.float16, np.float32], 1e-5,
         ACC, 1, -1, "a", True)


@cutlass
def bf16(t):
    gemm(t, "bf16", 64, 136, 64, [BF16, BF16, np.float32], 1e-5, ACC)


@cutlass
def tf32(t):
    # 11 bits: exact in tf32, and so are the sums.
    gemm(t, "tf32", 64, 64, 40, [np.float32] * 3, 0, "", 1, 1, "b",
         values=lambda shape: t.integers(-100, 101, shape))


@cutlass
def s8(t):
    gemm(t, "s8", 128, 128, 160, [np.int8, np.int8, np.int32], 0, "", 2, 1, "b",
         values=lambda shape: t.integers(-128, 128, shape))


@cutlass
def f64(t):
    gemm(t, "f64", 32, 64, 24, [np.float64] * 3, 1e-15, "f64", 1, 0.25, "b")


@cutlass
def simt_f32(t):
    gemm(t, "simt_f32", 65, 50, 33, [np.float32] * 3, 1e-6, "f32 multiply-adds")


@cutlass
def batched(t):
    a, b = t.random((3, 64, 64), np.float16), t.random((3, 64, 32), np.float16)
    p = Program(t, "batched", a=a, b=b, c=np.zeros((3, 64, 32), np.float16))
    t.close("products", p.get("d", np.float16, (3, 64, 32)), product(a, b), 6e-4,
            F16)


@cutlass
def split_k(t):
    a, b = t.random((64, 256), np.float16), t.random((256, 64), np.float16)
    c = t.random((64, 64))
    p = Program(t, "split_k", a=a, b=np.ascontiguousarray(b.T), c=c)
    t.close("product", p.get("d", np.float32, (64, 64)),
            product(a, b) + 2 * c, 1e-5, ACC)


@cutlass
def sparse_f16(t):
    m, n, k = 128, 128, 256
    kept = t.random((m, k // 2), np.float16)
    places = np.sort(t.rng.random((m, k // 4, 4)).argsort(-1)[..., :2], -1)
    full = np.zeros((m, k // 4, 4))
    np.put_along_axis(full, places, kept.reshape(m, -1, 2).astype(np.float64), 2)
    b = t.random((k, n), np.float16)
    # Four groups of four to a 16-bit word, then CUTLASS' order of the words
    # (reorder_meta of its host_reorder.h): rows of 32 and pairs of columns are
    # interleaved as the lanes of ldmatrix take them.
    bits = (places[..., 0] | places[..., 1] << 2).reshape(m, -1, 4)
    words = (bits << (4 * np.arange(4))).sum(-1).astype(np.uint16)
    columns = words.shape[1]
    moved = np.zeros_like(words)
    for i in range(m):
        for j in range(columns):
            row = i // 32 * 32 + i % 8 * 4 + i % 32 // 8
            column = j
            if row % 2 == 0 and column % 2 == 1:
                row, column = row + 1, column - 1
            elif row % 2 == 1 and column % 2 == 0:
                row, column = row - 1, column + 1
            moved[row, column] = words[i, j]
    # ColumnMajorInterleaved<2>: pairs of columns, row after row.
    stored = np.ascontiguousarray(
        moved.reshape(m, columns // 2, 2).transpose(1, 0, 2))
    p = Program(t, "sparse_f16", a=kept, b=np.ascontiguousarray(b.T),
                c=np.zeros((m, n), np.float16), e=stored)
    t.close("product", p.get("d", np.float16, (m, n)),
            product(full.reshape(m, k), b), 6e-4, F16)
