# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""tinygrad: matrix products on Tensor Cores, operators, training a small model."""

import numpy as np
from tinygrad import Device, Tensor, TinyJit, dtypes, nn
from tinygrad.helpers import Context
from tinygrad.nn.state import get_parameters

assert Device.DEFAULT == "CUDA"
random = np.random.default_rng(0)

for dtype, tolerance in ((dtypes.half, 2e-2), (dtypes.bfloat16, 1e-3)):
    a = Tensor(random.random((64, 64), dtype=np.float32)).cast(dtype)
    b = Tensor(random.random((64, 64), dtype=np.float32)).cast(dtype)
    right = a.float().numpy() @ b.float().numpy()
    assert np.allclose(a.matmul(b, dtype=dtypes.float32).numpy(), right, rtol=tolerance)

x = random.standard_normal((4, 33)).astype(np.float32)
index = np.array([[0, 5], [1, 2], [3, 3], [32, 0]])
OPERATORS = {
    "exp": (lambda t: t.exp(), np.exp),
    "sin": (lambda t: t.sin(), np.sin),
    "sqrt": (lambda t: t.abs().sqrt(), lambda x: np.sqrt(abs(x))),
    "tanh": (lambda t: t.tanh(), np.tanh),
    "pow": (lambda t: t.abs() ** 1.7, lambda x: abs(x) ** 1.7),
    "round": (lambda t: (t * 3).round(), lambda x: np.round(x * 3)),
    "sum": (lambda t: t.sum(1), lambda x: x.sum(1)),
    "max": (lambda t: t.max(0), lambda x: x.max(0)),
    "var": (lambda t: t.var(1), lambda x: x.var(1, ddof=1)),
    "argmax": (lambda t: t.argmax(1), lambda x: x.argmax(1)),
    "cumsum": (lambda t: t.cumsum(1), lambda x: x.cumsum(1)),
    "sort": (lambda t: t.sort(1)[0], lambda x: np.sort(x, 1)),
    "where": (lambda t: (t > 0).where(t, 0.0), lambda x: np.where(x > 0, x, 0)),
    "cat": (lambda t: t.cat(t, dim=0), lambda x: np.concatenate([x, x])),
    "flip": (lambda t: t.flip(1), lambda x: x[:, ::-1]),
    "gather": (lambda t: t.gather(1, Tensor(index)), lambda x: np.take_along_axis(x, index, 1)),
    "double": (lambda t: t.cast(dtypes.float64).sum(), lambda x: x.astype(np.float64).sum()),
    "int8": (lambda t: (t * 20).cast(dtypes.int8).int(), lambda x: (x * 20).astype(np.int8)),
    "half": (lambda t: (t.half() + t.half()).float(), lambda x: x.astype(np.float16) * 2),
}
for name, (ours, right) in OPERATORS.items():
    assert np.allclose(ours(Tensor(x)).numpy(), right(x), rtol=1e-3, atol=1e-4), name


class Model:
    def __init__(self):
        self.first, self.second = nn.Conv2d(1, 8, 5), nn.Conv2d(8, 16, 3)
        self.norm, self.last = nn.BatchNorm(16), nn.Linear(16 * 5 * 5, 10)

    def __call__(self, x):
        x = self.second(self.first(x).relu().max_pool2d()).relu().max_pool2d()
        return self.last(self.norm(x).flatten(1))


images = Tensor(random.random((32, 1, 28, 28), dtype=np.float32))
labels = Tensor(random.integers(0, 10, 32).astype(np.int32))
model = Model()
optimizer = nn.optim.Adam(get_parameters(model), lr=0.01)


@TinyJit
def step():
    optimizer.zero_grad()
    loss = model(images).sparse_categorical_crossentropy(labels).backward()
    optimizer.step()
    return loss.realize()


# From the third on, TinyJit replays what it has captured.
with Context(TRAINING=1):
    losses = [step().item() for _ in range(6)]
assert losses[5] < 0.2 * losses[0], losses
