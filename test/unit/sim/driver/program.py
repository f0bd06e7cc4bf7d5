#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A program of the driver API in Python that runs unchanged beside a real libcuda.

    python3 test/unit/sim/driver/program.py
    simcuda-run python3 test/unit/sim/driver/program.py

Counts, with atomics in global memory, how often each value occurs in a list.
"""

import ctypes
import random

PTX = b"""
.version 7.0
.target sm_75
.address_size 64
.visible .entry histogram(.param .u64 values, .param .u64 counts, .param .u32 n) {
  .reg .pred %p;
  .reg .b32 %i, %n, %x, %y;
  .reg .b64 %v, %c, %o;
  ld.param.u64 %v, [values];
  ld.param.u64 %c, [counts];
  ld.param.u32 %n, [n];
  mov.u32 %x, %ctaid.x;
  mov.u32 %y, %ntid.x;
  mov.u32 %i, %tid.x;
  mad.lo.u32 %i, %x, %y, %i;
  setp.ge.u32 %p, %i, %n;
  @%p ret;
  cvt.u64.u32 %o, %i;
  add.u64 %v, %v, %o;
  ld.global.u8 %x, [%v];
  mul.wide.u32 %o, %x, 4;
  add.u64 %c, %c, %o;
  red.global.add.u32 [%c], 1;
  ret;
}
"""


class Driver:
    """cuXxx(...) as methods that raise on errors."""

    def __init__(self):
        self.library = ctypes.CDLL("libcuda.so.1")

    def __getattr__(self, name):
        function = getattr(self.library, name)

        def call(*arguments):
            result = function(*arguments)
            if result != 0:
                text = ctypes.c_char_p()
                self.library.cuGetErrorName(result, ctypes.byref(text))
                raise RuntimeError(f"{name}: {text.value.decode()}")

        return call


def main():
    cuda = Driver()
    random.seed(1)
    values = bytes(random.randrange(256) for _ in range(5000))
    device, context = ctypes.c_int(), ctypes.c_void_p()
    module, kernel = ctypes.c_void_p(), ctypes.c_void_p()
    onValues, onCounts = ctypes.c_uint64(), ctypes.c_uint64()
    n = ctypes.c_uint32(len(values))
    counts = (ctypes.c_uint32 * 256)()

    cuda.cuInit(0)
    cuda.cuDeviceGet(ctypes.byref(device), 0)
    cuda.cuCtxCreate_v2(ctypes.byref(context), 0, device)
    cuda.cuModuleLoadData(ctypes.byref(module), PTX)
    cuda.cuModuleGetFunction(ctypes.byref(kernel), module, b"histogram")
    cuda.cuMemAlloc_v2(ctypes.byref(onValues), ctypes.c_size_t(len(values)))
    cuda.cuMemAlloc_v2(ctypes.byref(onCounts), ctypes.c_size_t(1024))
    cuda.cuMemcpyHtoD_v2(onValues, values, ctypes.c_size_t(len(values)))
    cuda.cuMemsetD32_v2(onCounts, 0, ctypes.c_size_t(256))
    parameters = (ctypes.c_void_p * 3)(
        *[ctypes.addressof(value) for value in (onValues, onCounts, n)]
    )
    cuda.cuLaunchKernel(kernel, 20, 1, 1, 256, 1, 1, 0, None, parameters, None)
    cuda.cuCtxSynchronize()
    cuda.cuMemcpyDtoH_v2(counts, onCounts, ctypes.c_size_t(1024))
    cuda.cuCtxDestroy_v2(context)
    assert list(counts) == [values.count(value) for value in range(256)]
    print("right")


main()
