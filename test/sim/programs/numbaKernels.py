# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Numba's CUDA target: kernels, its reduction, cooperative groups, streams."""

from cuda import pathfinder


def find(name, real=pathfinder.load_nvidia_dynamic_lib):
    """As where libnvJitLink is not installed: the driver links then, which
    gives PTX here. libnvJitLink gives machine code, which cannot run."""
    if name == "nvJitLink":
        raise pathfinder.DynamicLibNotFoundError(name)
    return real(name)


pathfinder.load_nvidia_dynamic_lib = find

import math

import numpy as np
from numba import cuda, float32

random = np.random.default_rng(1)


@cuda.jit
def add(a, b, c):
    i = cuda.grid(1)
    if i < c.size:
        c[i] = a[i] + b[i]


a = random.random(10000, dtype=np.float32)
b = random.random(10000, dtype=np.float32)
c = np.zeros_like(a)
add[40, 256](a, b, c)
assert np.array_equal(c, a + b)


@cuda.jit
def multiply(A, B, C):
    tileA = cuda.shared.array((16, 16), float32)
    tileB = cuda.shared.array((16, 16), float32)
    x, y = cuda.grid(2)
    tx, ty = cuda.threadIdx.x, cuda.threadIdx.y
    total = float32(0)
    for i in range(A.shape[1] // 16):
        tileA[tx, ty] = A[x, ty + i * 16]
        tileB[tx, ty] = B[tx + i * 16, y]
        cuda.syncthreads()
        for j in range(16):
            total += tileA[tx, j] * tileB[j, ty]
        cuda.syncthreads()
    C[x, y] = total


A = random.random((64, 48), dtype=np.float32)
B = random.random((48, 32), dtype=np.float32)
C = np.zeros((64, 32), np.float32)
multiply[(4, 2), (16, 16)](A, B, C)
assert np.allclose(C, A @ B, rtol=1e-4)


@cuda.reduce
def total(a, b):
    return a + b


numbers = np.arange(5000, dtype=np.float64)
assert total(numbers) == numbers.sum()


@cuda.jit
def histogram(values, counts):
    i = cuda.grid(1)
    if i < values.size:
        cuda.atomic.add(counts, values[i], 1)


values = random.integers(0, 32, 5000).astype(np.int32)
counts = np.zeros(32, np.int32)
histogram[20, 256](values, counts)
assert np.array_equal(counts, np.bincount(values, minlength=32))


@cuda.jit(device=True)
def wave(x):
    return math.sin(x) * math.exp(x)


@cuda.jit
def waves(x, y):
    i = cuda.grid(1)
    if i < x.size:
        y[i] = wave(x[i])


x = np.linspace(-3, 3, 1000)
y = np.zeros_like(x)
waves[4, 256](x, y)
assert np.allclose(y, np.sin(x) * np.exp(x))


@cuda.jit
def rows(M):
    column, grid = cuda.grid(1), cuda.cg.this_grid()
    for row in range(1, M.shape[0]):
        M[row, column] = M[row - 1, M.shape[1] - column - 1] + 1
        grid.sync()


M = np.zeros((20, 256), np.int32)
rows[8, 32](M)
assert (M[19] == 19).all()

stream, begin, end = cuda.stream(), cuda.event(), cuda.event()
source = cuda.pinned_array(1000, np.float32)
target = cuda.pinned_array(1000, np.float32)
source[:] = 3
with stream.auto_synchronize():
    begin.record(stream)
    device = cuda.to_device(source, stream=stream)
    add[4, 256, stream](device, device, device)
    device.copy_to_host(target, stream=stream)
    end.record(stream)
assert (target == 6).all() and begin.elapsed_time(end) > 0
for array in (cuda.mapped_array(1000, np.float32), cuda.managed_array(1000, np.float32)):
    array[:] = 2
    add[4, 256](array, array, array)
    cuda.synchronize()
    assert (array == 4).all()
