# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# cuda/image.cu.

import numpy as np

from corpus import case


@case("cuda/image")
def to_gray(t):
    x = t.integers(0, 256, (500, 4), np.uint8)
    out = t.empty(500, np.uint8)
    t.launch("to_gray", 4, 128, t.device(x), out, 500)
    t.equal("gray", out, (x[:, :3].astype(int) @ [77, 150, 29] + 128) >> 8)


@case("cuda/image")
def sobel(t):
    h, w = 37, 45
    x = t.integers(0, 256, (h, w), np.uint8)
    out = t.empty((h, w), np.uint8)
    t.launch("sobel", (3, 3), (16, 16), t.device(x), out, w, h)
    p = np.pad(x.astype(int), 1, "edge")
    cut = lambda dy, dx: p[1 + dy:1 + dy + h, 1 + dx:1 + dx + w]
    gx = sum(k * (cut(d, 1) - cut(d, -1)) for d, k in ((-1, 1), (0, 2), (1, 1)))
    gy = sum(k * (cut(1, d) - cut(-1, d)) for d, k in ((-1, 1), (0, 2), (1, 1)))
    t.equal("edges", out, np.minimum(abs(gx) + abs(gy), 255))


@case("cuda/image")
def median3(t):
    h, w = 21, 34
    x = t.integers(0, 256, (h, w), np.uint8)
    out = t.device(x)
    t.launch("median3", (3, 3), (16, 8), t.device(x), out, w, h)
    want = x.copy()
    stack = np.stack([x[i:h - 2 + i, j:w - 2 + j] for i in range(3)
                      for j in range(3)])
    want[1:-1, 1:-1] = np.median(stack, 0)
    t.equal("medians", out, want)


@case("cuda/image")
def resize_bilinear(t):
    h, w, oh, ow = 13, 17, 30, 22
    x = t.random((h, w))
    out = t.empty((oh, ow))
    t.launch("resize_bilinear", (2, 4), (16, 8), t.device(x), out, w, h, ow, oh)

    def axis(n, on):
        f = np.clip((np.arange(on) + 0.5) * n / on - 0.5, 0, n - 1)
        i = f.astype(int)
        return i, np.minimum(i + 1, n - 1), f - i

    y0, y1, ay = axis(h, oh)
    x0, x1, ax = axis(w, ow)
    rows = lambda i: x[i][:, x0] * (1 - ax) + x[i][:, x1] * ax
    want = rows(y0) * (1 - ay)[:, None] + rows(y1) * ay[:, None]
    t.close("pixels", out, want, 2e-6, "positions up to 30 in f32")


@case("cuda/image")
def integral_rows(t):
    x = t.integers(0, 256, (8, 75), np.uint8)
    out = t.empty((8, 75), np.uint32)
    # Lanes beyond the row's end leave the loop: width is a multiple of 32 here.
    x = np.pad(x, ((0, 0), (0, 21)))
    out = t.empty((8, 96), np.uint32)
    t.launch("integral_rows", 2, 128, t.device(x), out, 96)
    t.equal("sums", out, x.cumsum(1))


@case("cuda/image")
def blur_columns(t):
    h, w = 48, 64
    taps = np.array([1, 8, 28, 56, 70, 56, 28, 8, 1], np.float32) / 256
    t.variable("taps", np.float32).set(taps)
    x = t.random((h, w))
    out = t.empty((h, w))
    t.launch("blur_columns", (2, 3), (32, 4), t.device(x), out, w, h)
    p = np.pad(x.astype(np.float64), ((4, 4), (0, 0)))
    t.close("pixels", out, sum(taps[k] * p[k:k + h] for k in range(9)), 5e-7,
            "9 multiply-adds in f32")


@case("cuda/image")
def life(t):
    h, words = 40, 3
    x = t.integers(0, 2, (h, words * 32))
    packed = np.packbits(x.astype(np.uint8), axis=1, bitorder="little").view(
        np.uint32)
    out = t.empty((h, words), np.uint32)
    t.launch("life", (1, 10), (4, 4), t.device(packed), out, words, h)
    around = sum(np.roll(x, (i, j), (0, 1)) for i in (-1, 0, 1)
                 for j in (-1, 0, 1)) - x
    alive = (around == 3) | (x == 1) & (around == 2)
    got = np.unpackbits(out.get().view(np.uint8), axis=1, bitorder="little")
    t.equal("cells", got, alive)


@case("cuda/image")
def trace(t):
    h, w = 24, 32
    spheres = np.array([[0, 0, 0, 1], [1.2, 0.3, 0.5, 0.6],
                        [-1, -0.4, 0.8, 0.5], [0, 101, 0, 100]], np.float32)
    out = t.empty((h, w))
    t.launch("trace", (4, 3), (8, 8), t.device(spheres), 4, out, w, h)
    s = spheres.astype(np.float64)
    want = np.zeros((h, w))
    for py in range(h):
        for px in range(w):
            o = np.array([0, 0, -4.0])
            d = np.array([(px + .5) / w - .5, (py + .5) / h - .5, 1])
            d /= np.sqrt(d @ d)
            light, weight = 0.0, 1.0
            for _ in range(4):
                near, hit = 1e30, -1
                for k in range(4):
                    oc = o - s[k, :3]
                    b = oc @ d
                    q = b * b - (oc @ oc - s[k, 3]**2)
                    if q > 0 and 1e-3 < -b - np.sqrt(q) < near:
                        near, hit = -b - np.sqrt(q), k
                if hit < 0:
                    light += weight * (0.5 + 0.5 * d[1])
                    break
                at = o + d * near
                n = (at - s[hit, :3]) / s[hit, 3]
                light += weight * max(n @ [0.6, -0.64, -0.48], 0)
                weight *= 0.4
                d = d - n * (2 * (d @ n))
                o = at
            want[py, px] = light
    wrong = (np.abs(out.get() - want) > 1e-2).mean()
    t.close("pixels that differ", wrong, 0, 0.02,
            "rays that graze a sphere hit or miss in f32", False)
