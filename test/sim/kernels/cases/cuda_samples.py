# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# cuda/samples.cu: kernels in the manner of the toolkit's samples.

import math

import numpy as np

from corpus import case


def fast(t):
    """Compiled with approximate division, square root and flushed subnormals."""
    return "--use_fast_math" in t.module["options"]


@case("cuda/samples")
def dct8x8(t):
    x, u = np.arange(8), np.arange(8)[:, None]
    basis = np.cos((2 * x + 1) * u * np.pi / 16) / 2
    basis[0] /= math.sqrt(2)
    t.variable("cosines", np.float32).set(basis.ravel())
    image = t.random((24, 64))
    out = t.empty((24, 64))
    t.launch("dct8x8", (2, 3), (8, 8, 4), t.device(image), out, 64)
    tiles = image.astype(np.float64).reshape(3, 8, 8, 8).swapaxes(1, 2)
    want = (basis @ tiles @ basis.T).swapaxes(1, 2).reshape(24, 64)
    t.close("coefficients", out, want, 1e-6, "16 f32 multiply-adds")


@case("cuda/samples")
def walsh(t):
    for log2n in (7, 10):
        x = t.integers(-99, 99, (3, 1 << log2n)).astype(np.float32)
        data = t.device(x)
        t.launch("walsh", 3, 64, data, log2n, shared=4 << log2n)
        h = np.ones((1, 1))
        for _ in range(log2n):
            h = np.block([[h, h], [h, -h]])
        t.equal(f"transform of 2^{log2n}", data, x @ h)


@case("cuda/samples")
def haar(t):
    x = t.random((4, 128))
    approx, detail = t.empty(4), t.empty(4 * 127)
    t.launch("haar", 4, 64, t.device(x), approx, detail, shared=256)
    a, parts = x.astype(np.float64), []
    while a.shape[1] > 1:
        parts.append((a[:, ::2] - a[:, 1::2]).ravel() / math.sqrt(2))
        a = (a[:, ::2] + a[:, 1::2]) / math.sqrt(2)
    t.close("approximation", approx, a[:, 0], 2e-6, "7 levels in f32")
    t.close("details", detail, np.concatenate(parts), 2e-6, "7 levels in f32")


@case("cuda/samples")
def convolve_rows(t):
    taps = t.random(9)
    t.variable("taps", np.float32).set(taps)
    for w, h in ((96, 8), (101, 7)):
        x = t.random((h, w))
        out = t.empty((h, w))
        t.launch("convolve_rows", (-(-w // 48), -(-h // 4)), (16, 4),
                 t.device(x), out, w, h)
        want = [np.convolve(r.astype(np.float64), taps, "same") for r in x]
        t.close(f"rows of {w}", out, want, 1e-6, "9 f32 multiply-adds")


@case("cuda/samples")
def bilateral(t):
    h, w, radius, range_ = 18, 21, 2, 900.0
    x = t.integers(0, 256, (h, w, 4), np.uint8)
    x[..., :3] //= 4
    out = t.empty((h, w, 4), np.uint8)
    t.launch("bilateral", (2, 3), (16, 8), t.device(x), out, w, h, radius, range_)
    p = np.pad(x, ((2, 2), (2, 2), (0, 0)), "edge").astype(np.float64)
    top, bottom = 0, 0
    for i in range(5):
        for j in range(5):
            q = p[i:i + h, j:j + w, :3]
            weight = np.exp(-((i - 2) ** 2 + (j - 2) ** 2) / 8 -
                            ((q - x[..., :3]) ** 2).sum(-1) / range_)[..., None]
            top, bottom = top + weight * q, bottom + weight
    got = out.get()
    t.equal("alpha", got[..., 3], x[..., 3])
    t.close("colours", got[..., :3], top / bottom, 0.5002, "rounded to integers",
            relative=False)


@case("cuda/samples")
def black_scholes(t):
    n = 300
    s, x = t.rng.uniform(5, 30, n), t.rng.uniform(1, 100, n)
    y = t.rng.uniform(0.25, 10, n)
    call, put = t.empty(n), t.empty(n)
    f = np.float32
    t.launch("black_scholes", 2, 128, call, put,
             *(t.device(v.astype(f)) for v in (s, x, y)), 0.02, 0.3, n)
    phi = np.vectorize(lambda v: (1 + math.erf(v / math.sqrt(2))) / 2)
    s, x, y = (v.astype(f).astype(np.float64) for v in (s, x, y))
    d1 = (np.log(s / x) + (0.02 + 0.045) * y) / (0.3 * np.sqrt(y))
    d2 = d1 - 0.3 * np.sqrt(y)
    e = np.exp(-0.02 * y)
    want = s * phi(d1) - x * e * phi(d2)
    t.close("calls", call, want, 1e-5, "the polynomial of the sample, f32")
    t.close("puts", put, want + x * e - s, 1e-5, "the polynomial of the sample")


@case("cuda/samples")
def binomial(t):
    steps, n = 512, 2
    s, x, y = t.rng.uniform(5, 30, n), t.rng.uniform(5, 30, n), t.rng.uniform(1, 2, n)
    dt = y / steps
    vdt, r = 0.3 * np.sqrt(dt), 0.06
    up, down = np.exp(vdt), np.exp(-vdt)
    pu = (np.exp(r * dt) - down) / (up - down)
    if_, df = np.exp(r * dt), np.exp(-r * dt)
    options = np.stack([s, x, vdt, df * pu, df * (1 - pu)], 1)
    out = t.empty(n, np.float64)
    t.launch("binomial", n, 128, t.device(options), out, steps)
    v = np.maximum(s[:, None] * np.exp(vdt[:, None] * (
        2.0 * np.arange(steps + 1) - steps)) - x[:, None], 0)
    for _ in range(steps):
        v = (df * pu)[:, None] * v[:, 1:] + (df * (1 - pu))[:, None] * v[:, :-1]
    t.close("values", out, v[:, 0], 1e-12, "512 steps in f64", relative="each")


@case("cuda/samples")
def sobol(t):
    n = 1000
    directions = np.zeros((2, 32), np.uint32)
    directions[0] = 1 << np.arange(31, -1, -1)
    m = [1, 3]
    for k in range(2, 32):
        m.append(m[k - 1] * 2 ^ m[k - 2] * 4 ^ m[k - 2])
    directions[1] = [v << 31 - k & 0xffffffff for k, v in enumerate(m)]
    out = t.empty((2, n), np.uint32)
    t.launch("sobol", (2, 2), 64, t.device(directions), out, n)
    i = np.arange(n)
    gray = i ^ i >> 1
    want = np.zeros((2, n), np.uint32)
    for k in range(10):
        want ^= np.where(gray >> k & 1, directions[:, k:k + 1], 0).astype(np.uint32)
    t.equal("points", out, want)


@case("cuda/samples")
def mersenne(t):
    states, want = [], []
    for seed in (5489, 20):
        generator = np.random.MT19937()
        generator._legacy_seeding(seed)
        states.append(generator.state["state"]["key"])
        want.append(generator.random_raw(2 * 624))
    out = t.empty((2, 2 * 624), np.uint32)
    t.launch("mersenne", 2, 256, t.device(np.array(states, np.uint32)), out, 2)
    t.equal("words", out, np.array(want, np.uint64).astype(np.uint32))


@case("cuda/samples")
def mrg32k3a(t):
    seeds = t.integers(1, 2**31, (64, 6), np.uint32)
    out = t.empty((64, 20), np.float64)
    t.launch("mrg32k3a", 2, 32, t.device(seeds), out, 20)
    m1, m2 = 4294967087, 4294944443
    want = np.zeros((64, 20))
    for row, s in enumerate(seeds.tolist()):
        for i in range(20):
            p = (1403580 * s[1] - 810728 * s[0]) % m1
            q = (527612 * s[5] - 1370589 * s[3]) % m2
            s = [s[1], s[2], p, s[4], s[5], q]
            want[row, i] = ((p - q) if p > q else p - q + m1) * \
                2.328306549295728e-10
    t.equal("uniform", out, want)


@case("cuda/samples")
def histogram64(t):
    x = t.integers(0, 256, 4 * 1500, np.uint8)
    bins = t.zeros(64, np.uint32)
    t.launch("histogram64", 3, 64, t.device(x), bins, 1500)
    t.equal("bins", bins, np.bincount(x >> 2, minlength=64))


@case("cuda/samples")
def reduce_f64(t):
    x = t.integers(-1000, 1000, 5000).astype(np.float64) / 16
    out = t.empty(4, np.float64)
    t.launch("reduce_f64", 4, 256, t.device(x), out, 5000)
    t.equal("sum", out.get().sum(), x.sum())


@case("cuda/samples")
def reduce_i64(t):
    x = t.integers(-2**60, 2**60, 5000, np.int64)
    out = t.empty(3, np.int64)
    t.launch("reduce_i64", 3, 512, t.device(x), out, 5000)
    t.equal("sum", out.get().sum(), x.sum())


@case("cuda/samples")
def reduce_volatile(t):
    x = t.integers(-2**31, 2**31, (5, 128))
    out = t.empty(5, np.int32)
    t.launch("reduce_volatile", 5, 128, t.device(x), out)
    t.equal("sums", out, x.sum(1, dtype=np.int32))


@case("cuda/samples")
def fdtd3d(t):
    dx, dy, dz = 19, 13, 5
    x = t.random((dz + 4, dy + 4, dx + 4))
    out = t.device(x)
    t.launch("fdtd3d", (2, 2), (16, 8), t.device(x), out, dx, dy, dz)
    v = x.astype(np.float64)
    inner = 0.5 * v[2:-2, 2:-2, 2:-2]
    for k, w in ((1, 0.25), (2, 0.125)):
        for axis in range(3):
            for sign in (-k, k):
                inner = inner + w * np.roll(v, sign, axis)[2:-2, 2:-2, 2:-2]
    want = v.copy()
    want[2:-2, 2:-2, 2:-2] = inner
    t.close("field", out, want, 1e-6, "13 f32 multiply-adds")


@case("cuda/samples")
def odd_even_merge_sort(t):
    keys = np.stack([t.rng.permutation(512) for _ in range(2)]).astype(np.uint32)
    values = keys * np.uint32(0x9e3779b1)
    k, v = t.device(keys), t.device(values)
    t.launch("odd_even_merge_sort", 2, 256, k, v)
    t.equal("keys", k, np.sort(keys, 1))
    t.equal("values", v, np.sort(keys, 1) * np.uint32(0x9e3779b1))


@case("cuda/samples")
def radix_pass(t):
    x = t.integers(0, 2**32, (3, 256), np.uint32)
    a, b = t.device(x), t.empty((3, 256), np.uint32)
    for shift in range(0, 32, 4):
        t.launch("radix_pass", 3, 256, a, b, shift)
        a, b = b, a
    t.equal("keys", a, np.sort(x, 1))
