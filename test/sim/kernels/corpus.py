# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# What a case is made of.
#
#   @case("triton/softmax")            the module's stem: one run for each of its
#   def softmax(t):                    variants (targets, options)
#       x = t.random((37, 781))
#       out = t.device(np.zeros_like(x))
#       t.launch("softmax", 37, None, t.device(x), out, 781, 781)
#       t.close("rows", out, reference, 1e-6, "why this tolerance")
#
# Integers and floats of Python take the size that the kernel declares; arrays
# pass their address; bytes pass as they are. For Triton's kernels block and
# shared memory stand in the manifest.

import json
import lzma
import pathlib
import struct
import zlib
from dataclasses import dataclass, field

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
PTX = HERE / "ptx"
CASES = []


@dataclass
class Case:
    name: str        # "triton/softmax:softmax"
    stem: str
    body: object
    needs: tuple     # entries that a variant must have
    slow: bool       # left out of the quick set
    bench: bool      # only on request
    only: object     # regular expression of variants, or None


def case(stem, needs=(), slow=False, bench=False, only=None, name=None):
    if isinstance(needs, str):
        needs = (needs,)

    def add(body):
        CASES.append(Case(f"{stem}:{name or body.__name__}", stem, body, needs,
                          slow, bench, only))
        return body

    return add


def manifest():
    return json.loads((PTX / "manifest.json").read_text())


def text(module):
    return lzma.decompress((PTX / module["file"]).read_bytes())


class Mismatch(Exception):
    pass


class Skipped(Exception):
    pass


class Array:
    """An array on the device."""

    def __init__(self, driver, shape, dtype):
        self.driver, self.shape = driver, tuple(np.atleast_1d(shape))
        self.dtype = np.dtype(dtype)
        self.size = int(np.prod(self.shape)) * self.dtype.itemsize
        self.pointer = driver.allocate(self.size)

    def set(self, values):
        values = np.ascontiguousarray(values, self.dtype)
        assert values.nbytes == self.size
        self.driver.upload(self.pointer, values.tobytes())
        return self

    def get(self):
        data = self.driver.download(self.pointer, self.size)
        return np.frombuffer(data, self.dtype).reshape(self.shape).copy()


@dataclass
class Test:
    """One run of a case on one variant of its module."""
    driver: object
    key: str
    module: dict
    times: int = 0
    checks: list = field(default_factory=list)
    arrays: list = field(default_factory=list)
    launches: list = field(default_factory=list)

    def __post_init__(self):
        self.rng = np.random.default_rng(zlib.crc32(self.key.encode()))
        self.handle = self.driver.load(text(self.module))

    @property
    def target(self):
        return self.module["target"]

    # --- Data -----------------------------------------------------------------
    def random(self, shape, dtype=np.float32, scale=1.0):
        return (self.rng.standard_normal(shape) * scale).astype(dtype)

    def integers(self, low, high, shape, dtype=np.int32):
        """Uniform in [low, high)."""
        return self.rng.integers(low, high, shape, dtype=np.int64 if
                                 np.dtype(dtype).kind == "i" else np.uint64
                                 ).astype(dtype)

    def device(self, values):
        values = np.asarray(values)
        return self.empty(values.shape, values.dtype).set(values)

    def empty(self, shape, dtype=np.float32):
        """Not written: reading it before a kernel wrote it is an error."""
        array = Array(self.driver, shape, dtype)
        self.arrays.append(array)
        return array

    def zeros(self, shape, dtype=np.float32):
        return self.device(np.zeros(shape, dtype))

    def variable(self, name, dtype):
        """A variable of the module, as an array."""
        array = Array.__new__(Array)
        array.driver, array.dtype = self.driver, np.dtype(dtype)
        array.pointer, array.size = self.driver.variable(self.handle, name)
        array.shape = (array.size // array.dtype.itemsize,)
        return array

    # --- Launches -------------------------------------------------------------
    def parameter(self, value, size):
        if isinstance(value, Array):
            data = struct.pack("<Q", value.pointer)
        elif value is None:
            data = bytes(8)
        elif isinstance(value, bytes):
            data = value
        elif isinstance(value, np.generic):
            data = value.tobytes()
        elif isinstance(value, int):
            data = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
        elif isinstance(value, float):
            data = struct.pack({4: "<f", 8: "<d"}[size], value)
        else:
            raise TypeError(f"parameter of type {type(value).__name__}")
        if len(data) != size:
            raise TypeError(f"parameter {value!r}: expected {size} bytes, got "
                            f"{len(data)}")
        return data

    def launch(self, entry, grid, block, *args, shared=0, cooperative=False,
               wait=True):
        declared = self.module["entries"][entry]
        if "threads" in declared:  # Triton
            block, shared = declared["threads"], declared["shared"]
            args = (*args, None, None)  # global and profile scratch: unused
        sizes = declared["sizes"]
        if len(sizes) != len(args):
            raise TypeError(f"{entry}: expected {len(sizes)} arguments, got "
                            f"{len(args)}")
        three = [(*np.atleast_1d(v), 1, 1)[:3] for v in (grid, block)]
        function = self.driver.function(self.handle, entry)
        call = (function, [int(v) for v in three[0]],
                [int(v) for v in three[1]], shared,
                [self.parameter(a, s) for a, s in zip(args, sizes)],
                cooperative)
        self.driver.launch(*call)
        self.launches.append(call)
        if wait:
            self.driver.synchronize()

    # --- Results --------------------------------------------------------------
    def values(self, got):
        return got.get() if isinstance(got, Array) else np.asarray(got)

    def equal(self, name, got, want):
        got = self.values(got)
        want = np.asarray(want)
        if got.size != want.size:
            raise Mismatch(f"{name}: {got.size} values, expected {want.size}")
        got = got.reshape(want.shape)
        same = got == want
        if got.dtype.kind not in "iub":
            same |= np.isnan(got.astype(np.float64)) & \
                np.isnan(want.astype(np.float64))
        self.checks.append(dict(name=name, error=int((~same).sum()),
                                tolerance=0, why="exact"))
        if not same.all():
            at = tuple(int(i) for i in np.argwhere(~same)[0])
            raise Mismatch(f"{name}: {int((~same).sum())} of {same.size} differ; "
                           f"[{at}] is {got[at]}, expected {want[at]}")

    def close(self, name, got, want, tolerance, why, relative=True):
        """|got - want| <= tolerance * (max |want| or each |want|, see below).

        relative=True: against the largest magnitude of the reference (sums of
        products); "each": against every element (functions of one value);
        False: absolute.
        """
        got = self.values(got).astype(np.float64)
        want = np.asarray(want).astype(np.float64).reshape(got.shape)
        odd = ~np.isfinite(want)
        fits = np.where(np.isnan(want), np.isnan(got), got == want)
        with np.errstate(invalid="ignore"):
            error = np.where(odd, np.where(fits, 0, np.inf),
                             np.abs(got - want))
        if relative == "each":
            error = error / np.where(odd, 1, np.maximum(np.abs(want), 1e-300))
            error = np.where((want == 0) & (got == 0), 0, error)
        elif relative:
            finite = np.abs(want[~odd])
            error = error / max(finite.max() if finite.size else 0, 1e-300)
        error = np.where(np.isnan(error), np.inf, error)
        worst = float(error.max()) if error.size else 0.0
        self.checks.append(dict(name=name, error=worst, tolerance=tolerance,
                                why=why))
        if not worst <= tolerance:
            at = np.unravel_index(int(error.argmax()), error.shape)
            raise Mismatch(
                f"{name}: error {worst:.3g} above {tolerance:.3g} "
                f"({int((error > tolerance).sum())} of {error.size}); "
                f"{tuple(int(i) for i in at)} is {got[at]}, expected {want[at]}")

    def true(self, name, condition, text=""):
        self.checks.append(dict(name=name, error=int(not condition),
                                tolerance=0, why="exact"))
        if not condition:
            raise Mismatch(f"{name}: {text}")

    def lost(self):
        """The context has an error that stays: all in it is gone."""
        self.arrays.clear()
        self.launches.clear()
        self.handle = None
        self.driver.reset()

    def release(self):
        for array in self.arrays:
            self.driver.free(array.pointer)
        if self.handle:
            self.driver.unload(self.handle)
