# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Triton's own driver and launcher. PyTorch has no part in it: a class with a
data_ptr() stands for its tensors."""

import ctypes

import numpy as np
import triton
import triton.language as tl
from triton.backends.nvidia.driver import CudaDriver, CudaLauncher, CudaUtils
from triton.runtime.driver import driver

cuda = ctypes.CDLL("libcuda.so.1")


def check(error):
    assert error == 0, error


class Driver(CudaDriver):
    """As Triton's, which asks PyTorch for the device and the stream."""

    def __init__(self):
        self.utils = CudaUtils()
        self.launcher_cls = CudaLauncher
        self.get_device_capability = lambda device: (8, 0)
        self.get_current_stream = lambda device: 0
        self.get_current_device = lambda: 0
        self.set_current_device = lambda device: None


class Array:
    def __init__(self, values):
        self.values, self.dtype = values, str(values.dtype).replace("float", "fp")
        self.address = ctypes.c_uint64()
        check(cuda.cuMemAlloc_v2(ctypes.byref(self.address), ctypes.c_size_t(values.nbytes)))
        check(cuda.cuMemcpyHtoD_v2(self.address, *self.host(values)))

    @staticmethod
    def host(values):
        return ctypes.c_void_p(values.ctypes.data), ctypes.c_size_t(values.nbytes)

    def data_ptr(self):
        return self.address.value

    def numpy(self):
        values = np.empty_like(self.values)
        pointer, size = self.host(values)
        check(cuda.cuMemcpyDtoH_v2(pointer, self.address, size))
        return values


@triton.jit
def add(x, y, z, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    inside = i < n
    tl.store(z + i, tl.load(x + i, mask=inside) + tl.load(y + i, mask=inside), mask=inside)


@triton.jit
def multiply(a, b, c, K, N: tl.constexpr, B: tl.constexpr):
    row, column = tl.arange(0, N)[:, None], tl.arange(0, N)[None, :]
    total = tl.zeros((N, N), tl.float32)
    for k in range(0, K, B):
        at = k + tl.arange(0, B)
        total = tl.dot(tl.load(a + row * K + at[None, :]), tl.load(b + at[:, None] * N + column), total)
    tl.store(c + row * N + column, total)


context = ctypes.c_void_p()
check(cuda.cuInit(0))
check(cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), 0))
check(cuda.cuCtxSetCurrent(context))
driver.set_active(Driver())
random = np.random.default_rng(1)

x = random.random(1000, dtype=np.float32)
y = random.random(1000, dtype=np.float32)
z = Array(np.zeros(1000, np.float32))
add[(8,)](Array(x), Array(y), z, 1000, B=128)
assert np.array_equal(z.numpy(), x + y)

a = random.random((64, 128)).astype(np.float16)
b = random.random((128, 64)).astype(np.float16)
c = Array(np.zeros((64, 64), np.float32))
multiply[(1,)](Array(a), Array(b), c, 128, N=64, B=32)
assert np.allclose(c.numpy(), a.astype(np.float32) @ b.astype(np.float32), rtol=1e-3)
