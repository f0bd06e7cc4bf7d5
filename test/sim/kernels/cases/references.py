# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# References that numpy lacks. Scalar functions of Python's math are called in
# a loop: the arrays are small.

import math

import numpy as np


def each(function):
    return np.vectorize(function, otypes=[np.float64])


erf, erfc, gammaln, gamma = (each(f) for f in (math.erf, math.erfc, math.lgamma,
                                               math.gamma))


def normal(x):
    """The normal distribution's cumulative function."""
    return 0.5 * erfc(-np.asarray(x) / math.sqrt(2))


def philox4x32(seed, offset, rounds=10):
    """Philox-4x32 (Salmon et al. 2011): counter (offset, 0, 0, 0), key seed."""
    mask = np.uint64(0xffffffff)
    c = [np.asarray(offset).astype(np.uint64)] + \
        [np.zeros(len(offset), np.uint64)] * 3
    k0, k1 = seed & 0xffffffff, seed >> 32 & 0xffffffff
    for _ in range(rounds):
        a, b = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [b >> np.uint64(32) ^ c[1] ^ np.uint64(k0), b & mask,
             a >> np.uint64(32) ^ c[3] ^ np.uint64(k1), a & mask]
        k0 = k0 + 0x9E3779B9 & 0xffffffff
        k1 = k1 + 0xBB67AE85 & 0xffffffff
    return [v.astype(np.uint32) for v in c]


def product(a, b):
    return np.asarray(a).astype(np.float64) @ np.asarray(b).astype(np.float64)


def words(x):
    """Any array's bytes as 32-bit words, rows kept."""
    return np.ascontiguousarray(x).view(np.uint32)
