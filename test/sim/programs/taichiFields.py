# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Taichi: a fluid of particles, sparse fields, a sort, shared arrays, gradients."""

import numpy as np
import taichi as ti

ti.init(arch=ti.cuda, log_level=ti.ERROR, offline_cache=False)
assert ti.lang.impl.current_cfg().arch == ti.cuda
random = np.random.default_rng(1)

# --- The material point method, as in Taichi's mpm88 ---
PARTICLES, GRID, STEP = 2048, 64, 2e-4
CELL = 1 / GRID
VOLUME = (CELL * 0.5) ** 2
x = ti.Vector.field(2, float, PARTICLES)
v = ti.Vector.field(2, float, PARTICLES)
C = ti.Matrix.field(2, 2, float, PARTICLES)
J = ti.field(float, PARTICLES)
velocity = ti.Vector.field(2, float, (GRID, GRID))
mass = ti.field(float, (GRID, GRID))


@ti.kernel
def substep():
    for i, j in mass:
        velocity[i, j] = [0, 0]
        mass[i, j] = 0
    for p in x:
        base = int(x[p] / CELL - 0.5)
        f = x[p] / CELL - base
        w = [0.5 * (1.5 - f) ** 2, 0.75 - (f - 1) ** 2, 0.5 * (f - 0.5) ** 2]
        stress = -STEP * 4 * 400 * VOLUME * (J[p] - 1) / CELL**2
        affine = ti.Matrix([[stress, 0], [0, stress]]) + VOLUME * C[p]
        for i, j in ti.static(ti.ndrange(3, 3)):
            offset = ti.Vector([i, j])
            weight = w[i].x * w[j].y
            velocity[base + offset] += weight * (VOLUME * v[p] + affine @ ((offset - f) * CELL))
            mass[base + offset] += weight * VOLUME
    for i, j in mass:
        if mass[i, j] > 0:
            velocity[i, j] /= mass[i, j]
        velocity[i, j].y -= STEP * 9.8
        if (i < 3 and velocity[i, j].x < 0) or (i > GRID - 3 and velocity[i, j].x > 0):
            velocity[i, j].x = 0
        if (j < 3 and velocity[i, j].y < 0) or (j > GRID - 3 and velocity[i, j].y > 0):
            velocity[i, j].y = 0
    for p in x:
        base = int(x[p] / CELL - 0.5)
        f = x[p] / CELL - base
        w = [0.5 * (1.5 - f) ** 2, 0.75 - (f - 1) ** 2, 0.5 * (f - 0.5) ** 2]
        newV = ti.Vector.zero(float, 2)
        newC = ti.Matrix.zero(float, 2, 2)
        for i, j in ti.static(ti.ndrange(3, 3)):
            offset = ti.Vector([i, j])
            weight = w[i].x * w[j].y
            g = velocity[base + offset]
            newV += weight * g
            newC += 4 * weight * g.outer_product((offset - f) * CELL) / CELL**2
        v[p] = newV
        x[p] += STEP * v[p]
        J[p] *= 1 + STEP * newC.trace()
        C[p] = newC


start = (random.random((PARTICLES, 2)) * 0.4 + 0.2).astype(np.float32)
x.from_numpy(start)
v.from_numpy(np.tile(np.float32([0, -1]), (PARTICLES, 1)))
J.fill(1)
for _ in range(20):
    substep()
# The middle falls as a stone does: 20 steps at 1 and growing by gravity.
fallen = sum(STEP * (1 + 9.8 * STEP * (i + 1)) for i in range(20))
moved = x.to_numpy().mean(0) - start.mean(0)
assert np.allclose(moved, [0, -fallen], atol=1e-4), moved


# --- Arrays, sparse fields, a sort ---
@ti.kernel
def multiply(a: ti.types.ndarray(), b: ti.types.ndarray(), c: ti.types.ndarray()):
    for i, j in c:
        total = 0.0
        for k in range(64):
            total += a[i, k] * b[k, j]
        c[i, j] = total


a = random.random((64, 64), dtype=np.float32)
b = random.random((64, 64), dtype=np.float32)
c = np.zeros((64, 64), np.float32)
multiply(a, b, c)
assert np.allclose(c, a @ b, rtol=1e-4)

sparse = ti.field(ti.i32)
ti.root.pointer(ti.i, 8).dense(ti.i, 16).place(sparse)


@ti.kernel
def activate():
    for i in range(128):
        if i % 32 == 0:
            sparse[i] = i


@ti.kernel
def active() -> ti.i32:
    count = 0
    for i in sparse:
        count += 1
    return count


activate()
assert active() == 64  # four blocks of 16

keys = ti.field(ti.i32, 1024)
keys.from_numpy(random.permutation(1024).astype(np.int32))
ti.algorithms.parallel_sort(keys)
assert (keys.to_numpy() == np.arange(1024)).all()


# --- Shared memory, gradients ---
@ti.kernel
def sums(a: ti.types.ndarray(), result: ti.types.ndarray()):
    ti.loop_config(block_dim=128)
    for i in range(1024):
        pad = ti.simt.block.SharedArray((128,), ti.f32)
        t = i % 128
        pad[t] = a[i]
        ti.simt.block.sync()
        k = 64
        while k > 0:
            if t < k:
                pad[t] += pad[t + k]
            ti.simt.block.sync()
            k //= 2
        if t == 0:
            result[i // 128] = pad[0]


a = random.random(1024, dtype=np.float32)
result = np.zeros(8, np.float32)
sums(a, result)
assert np.allclose(result, a.reshape(8, 128).sum(1), rtol=1e-5)

y = ti.field(ti.f32, 64, needs_grad=True)
loss = ti.field(ti.f32, (), needs_grad=True)


@ti.kernel
def square():
    for i in y:
        loss[None] += y[i] ** 2


y.from_numpy(np.arange(64, dtype=np.float32))
with ti.ad.Tape(loss):
    square()
assert np.allclose(y.grad.to_numpy(), 2 * np.arange(64))
