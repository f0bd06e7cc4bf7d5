# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# cuda/wmma.cu and cuda/mma.cu: Tensor Cores. Integers are exact; sums of small
# integers in f16 are exact too, which shows a wrong fragment at once.

import ml_dtypes
import numpy as np

from corpus import case
from cases.references import product

E4M3, E5M2 = ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2
SUM = "sums truncated at 2^-22 of the largest term"


def wmma(t, entry, m, n, k, dtype, out, values, tolerance=0, why=""):
    """A [m,k] row major, B column major: [n,k] in memory."""
    a, b = (values((rows, k)).astype(dtype) for rows in (m, n))
    c = t.empty((m, n), out)
    t.launch(entry, 1, 32, t.device(a), t.device(b), c, k)
    want = product(a, b.T)
    if tolerance:
        t.close(entry, c, want, tolerance, why)
    else:
        t.equal(entry, c, want.astype(out))


@case("cuda/wmma")
def wmma_f16(t):
    small = lambda shape: t.integers(-8, 9, shape)
    for entry, m, n in (("wmma_f16", 16, 16), ("wmma_f16_32x8", 32, 8),
                        ("wmma_f16_8x32", 8, 32)):
        wmma(t, entry, m, n, 64, np.float16, np.float32, small)
    wmma(t, "wmma_f16", 16, 16, 48, np.float16, np.float32, t.random, 2e-6, SUM)
    wmma(t, "wmma_f16_acc_f16", 16, 16, 32, np.float16, np.float16,
         lambda shape: t.integers(-4, 5, shape))


@case("cuda/wmma")
def wmma_integers(t):
    for entry, m, n, low, high, dtype in (
            ("wmma_s8", 16, 16, -128, 128, np.int8),
            ("wmma_u8_32x8", 32, 8, 0, 256, np.uint8)):
        wmma(t, entry, m, n, 64, dtype, np.int32,
             lambda shape: t.integers(low, high, shape))


@case("cuda/wmma", needs="wmma_bf16")
def wmma_ampere(t):
    wmma(t, "wmma_bf16", 16, 16, 64, ml_dtypes.bfloat16, np.float32, t.random,
         2e-6, SUM)
    exact = lambda shape: t.integers(-1000, 1001, shape)  # 11 bits: in tf32
    wmma(t, "wmma_tf32", 16, 16, 32, np.float32, np.float32,
         lambda shape: exact(shape) / 64)
    wmma(t, "wmma_f64", 8, 8, 32, np.float64, np.float64, t.random, 1e-15,
         "fused multiply-adds in f64")


def nibbles(values):
    """Eight 4-bit values a word, the first in the low bits."""
    v = (values & 15).astype(np.uint32).reshape(*values.shape[:-1], -1, 8)
    return np.bitwise_or.reduce(v << (4 * np.arange(8, dtype=np.uint32)), -1)


def bits(values):
    v = values.astype(np.uint32).reshape(*values.shape[:-1], -1, 32)
    return np.bitwise_or.reduce(v << np.arange(32, dtype=np.uint32), -1)


@case("cuda/wmma")
def wmma_packed(t):
    for entry, low, high in (("wmma_s4", -8, 8), ("wmma_u4", 0, 16)):
        a, b = t.integers(low, high, (8, 64)), t.integers(low, high, (8, 64))
        c = t.empty((8, 8), np.int32)
        t.launch(entry, 1, 32, t.device(nibbles(a)), t.device(nibbles(b)), c, 64)
        t.equal(entry, c, a @ b.T)
    a, b = t.integers(0, 2, (8, 256)), t.integers(0, 2, (8, 256))
    c, both = t.empty((8, 8), np.int32), t.empty((8, 8), np.int32)
    t.launch("wmma_b1", 1, 32, t.device(bits(a)), t.device(bits(b)), c, both,
             256)
    t.equal("xor", c, (a[:, None] ^ b[None]).sum(-1))
    t.equal("and", both, a @ b.T if t.target >= 80 else np.zeros((8, 8)))


@case("cuda/wmma")
def wmma_gemm(t):
    m, n, k = 64, 96, 96
    a, b = t.random((m, k), np.float16), t.random((k, n), np.float16)
    c, d = t.random((m, n)), t.empty((m, n))
    t.launch("wmma_gemm", (n // 32, m // 32), 128, t.device(a), t.device(b),
             t.device(c), d, m, n, k, 1.5, -0.5)
    t.close("product", d, 1.5 * product(a, b) - 0.5 * c, 3e-6, SUM)


@case("cuda/mma")
def mma_float(t):
    bf16 = ml_dtypes.bfloat16
    for entry, k, dtype in (("mma_f16", 16, np.float16), ("mma_bf16", 16, bf16),
                            ("mma_tf32", 8, np.float32)):
        a, b = (t.integers(-64, 65, (r, k)).astype(dtype) for r in (16, 8))
        c = t.empty((16, 8))
        t.launch(entry, 1, 32, t.device(a), t.device(b), c)
        t.equal(entry, c, product(a, b.T))
        if dtype == np.float32:
            continue
        a, b = (t.random((r, k)).astype(dtype) for r in (16, 8))
        t.launch(entry, 1, 32, t.device(a), t.device(b), c)
        t.close(entry, c, product(a, b.T), 1e-6, SUM)
    a, b, c = t.random((8, 4), np.float64), t.random((8, 4), np.float64), \
        t.empty((8, 8), np.float64)
    t.launch("mma_f64", 1, 32, t.device(a), t.device(b), c)
    t.close("mma_f64", c, product(a, b.T), 5e-16, "fused multiply-adds in f64")


@case("cuda/mma")
def mma_integers(t):
    for entry, k, ta, tb, ra, rb in (
            ("mma_s8", 32, np.int8, np.int8, (-128, 128), (-128, 128)),
            ("mma_s8_u8_sat", 32, np.int8, np.uint8, (-128, 128), (0, 256))):
        a, b = t.integers(*ra, (16, k), ta), t.integers(*rb, (8, k), tb)
        c = t.empty((16, 8), np.int32)
        t.launch(entry, 1, 32, t.device(a), t.device(b), c)
        t.equal(entry, c, a.astype(int) @ b.T.astype(int))
    for entry, ra, rb in (("mma_s4", (-8, 8), (-8, 8)),
                          ("mma_u4_s4", (0, 16), (-8, 8))):
        a, b = t.integers(*ra, (16, 64)), t.integers(*rb, (8, 64))
        c = t.empty((16, 8), np.int32)
        t.launch(entry, 1, 32, t.device(nibbles(a)), t.device(nibbles(b)), c)
        t.equal(entry, c, a @ b.T)
    a, b = t.integers(0, 2, (16, 256)), t.integers(0, 2, (8, 256))
    for entry, want in (("mma_b1_xor", (a[:, None] ^ b[None]).sum(-1)),
                        ("mma_b1_and", a @ b.T)):
        c = t.empty((16, 8), np.int32)
        t.launch(entry, 1, 32, t.device(bits(a)), t.device(bits(b)), c)
        t.equal(entry, c, want)


@case("cuda/mma", needs="mma_e4m3")
def mma_fp8(t):
    for entry, ta in (("mma_e4m3", E4M3), ("mma_e5m2_e4m3", E5M2)):
        a = t.integers(-4, 5, (16, 32)).astype(ta)
        b = t.integers(-8, 9, (8, 32)).astype(E4M3)
        c = t.empty((16, 8))
        t.launch(entry, 1, 32, t.device(a.view(np.uint8)),
                 t.device(b.view(np.uint8)), c)
        t.equal(entry, c, product(a, b.T))


def sparse(t, k, low, high, dtype):
    """A random 2:4 matrix [16,k]: kept values [16,k/2], their places, all."""
    kept = t.integers(low, high, (16, k // 2)).astype(dtype)
    places = np.stack([np.sort(t.rng.permutation(4)[:2])
                       for _ in range(16 * k // 4)]).reshape(16, k // 4, 2)
    full = np.zeros((16, k // 4, 4))
    np.put_along_axis(full, places, kept.reshape(16, -1, 2), 2)
    return kept, places, full.reshape(16, k)


def metadata16(places, selector):
    """m16n8k32 of 16-bit types (PTX ISA 9.7.14.6.1): lane 4g+2s holds row g
    in its low and row g+8 in its high half for k 0..15, lane 4g+2s+1 the same
    rows for k 16..31."""
    bits2 = (places[..., 0] | places[..., 1] << 2).astype(np.uint32)  # 4 bits
    words = np.zeros(32, np.uint32)
    for g in range(8):
        for half in range(2):
            low = high = 0
            for q in range(4):
                low |= int(bits2[g, 4 * half + q]) << 4 * q
                high |= int(bits2[g + 8, 4 * half + q]) << 4 * q
            words[4 * g + 2 * selector + half] = low | high << 16
    return words


@case("cuda/mma")
def mma_sparse_f16(t):
    for entry, selector in (("mma_sp_f16", 0), ("mma_sp_f16_selector1", 1)):
        kept, places, full = sparse(t, 32, -16, 17, np.float16)
        b = t.integers(-16, 17, (8, 32)).astype(np.float16)
        c = t.empty((16, 8))
        t.launch(entry, 1, 32, t.device(kept), t.device(b),
                 t.device(metadata16(places, selector)), c)
        t.equal(entry, c, product(full, b.T))


@case("cuda/mma")
def mma_sparse_s8(t):
    kept, places, full = sparse(t, 64, -128, 128, np.int8)
    b = t.integers(-128, 128, (8, 64), np.int8)
    bits2 = (places[..., 0] | places[..., 1] << 2).astype(np.uint64)
    # m16n8k64 (PTX ISA 9.7.14.6.1): every lane counts; lanes 4g and 4g+1 hold
    # rows g and g+8 for k 0..31, lanes 4g+2 and 4g+3 for k 32..63.
    words = np.zeros(32, np.uint32)
    for g in range(8):
        for j in range(4):
            row, start = g + 8 * (j % 2), 8 * (j // 2)
            word = 0
            for q in range(8):
                word |= int(bits2[row, start + q]) << 4 * q
            words[4 * g + j] = word
    c = t.empty((16, 8), np.int32)
    t.launch("mma_sp_s8", 1, 32, t.device(kept), t.device(b), t.device(words), c)
    t.equal("mma_sp_s8", c, product(full, b.T))


@case("cuda/mma")
def load_matrix(t):
    x = np.arange(256).astype(np.float16).reshape(32, 8)
    out = t.empty((2, 4, 32), np.uint32)
    t.launch("load_matrix", 1, 32, t.device(x), out)
    tiles = x.reshape(4, 8, 8)
    plain = np.ascontiguousarray(tiles).view(np.uint32).reshape(4, 32)
    turned = np.ascontiguousarray(tiles.transpose(0, 2, 1)).view(np.uint32)
    t.equal("rows", out, np.stack([plain, turned.reshape(4, 32)]))


@case("cuda/mma")
def mma_f16_acc_f16(t):
    a, b = t.integers(-8, 9, (16, 16)), t.integers(-8, 9, (8, 16))
    c = t.integers(-100, 101, (16, 8)).astype(np.float16)
    d = t.empty((16, 8), np.float16)
    a, b = a.astype(np.float16), b.astype(np.float16)
    t.launch("mma_f16_acc_f16", 1, 32, t.device(a), t.device(b), t.device(c), d)
    t.equal("exact", d, product(a, b.T) + c)
    a[0], b[0] = 0, 1
    a[0, 0], a[1, 3] = np.inf, np.nan
    a[2, :], b[1, :] = 255, 255  # 1.04e6: beyond f16
    t.launch("mma_f16_acc_f16", 1, 32, t.device(a), t.device(b), t.device(c), d)
    with np.errstate(invalid="ignore", over="ignore"):
        want = product(a, b.T) + c
        got, rounded = d.get(), want.astype(np.float16)
    t.equal("infinities", np.isinf(got), np.isinf(rounded))
    t.equal("NaNs", np.isnan(got), np.isnan(rounded))
