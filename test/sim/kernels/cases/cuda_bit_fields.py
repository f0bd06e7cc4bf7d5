# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# cuda/bit_fields.cu.

import numpy as np

from corpus import case


@case("cuda/bit_fields")
def fill(t):
    x, i = t.integers(0, 60, 64, np.int64), np.arange(64)
    fields, out = t.empty(64 * 16, np.uint8), t.empty((3, 64), np.uint32)
    t.launch("fill", 1, 64, fields, t.device(x.astype(np.int32)))
    t.launch("drain", 1, 64, fields, out)
    kind = np.where(x > 5, x & 7, 2)
    t.equal("fields", out, [
        (x & 1) + kind * 2 + x * 48 + (i << 16), (x & 15) * 100 + (i & 15),
        x * 123456789 % 2**40 % 1000003 + i])


@case("cuda/bit_fields")
def local_fields(t):
    i = np.arange(64)
    out = t.empty(64, np.uint32)
    t.launch("local_fields", 1, 64, out)
    t.equal("fields", out, (i * 7 & 1) + (i & 7) * 2 + i * 7 * 16 + (i * 7 << 16))
