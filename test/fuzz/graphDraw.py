# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# A random graph while it grows. Each value is known for all of the engine's
# runs: onnxruntime evaluates each node when it is drawn, and a node that it
# refuses, or whose result would not be comparable (graphEval.py), is not taken.
# A dimension that differs between the runs is open in the model; constants may
# only have sizes that do not.

import contextlib
import math
import random

import numpy as np
from onnx import helper, numpy_helper

from graphEval import UNITS, Node, fewBits, isFloat

OPSETS = (13, 17, 17, 18, 20, 21, 23)
LARGEST = 500.0


class Rejected(Exception):
    """A node that does not fit; another one is drawn."""


class Value:
    def __init__(self, name, arrays, exact, constant=False):
        self.name, self.arrays, self.exact = name, arrays, exact
        self.constant, self.users = constant, 0

    @property
    def dtype(self):
        return self.arrays[0].dtype

    @property
    def rank(self):
        return self.arrays[0].ndim

    @property
    def float(self):
        return isFloat(self.arrays[0])

    @property
    def dims(self):
        """Sizes; None for those that differ between runs."""
        return [sizes[0] if len(set(sizes)) == 1 else None
                for sizes in zip(*(a.shape for a in self.arrays))]

    def least(self, axis):
        return min(a.shape[axis] for a in self.arrays)

    @property
    def elements(self):
        return max(a.size for a in self.arrays)


class Graph:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.numbers = np.random.default_rng(seed)
        self.opset = self.rng.choice(OPSETS)
        self.opsets = [helper.make_opsetid("", self.opset),
                       helper.make_opsetid("com.microsoft", 1)]
        # Few of the seeds have large values: several blocks, long rows.
        self.large = self.rng.random() < 0.08
        self.most = 200000 if self.large else 30000
        self.type = np.dtype(self.rng.choices(
            (np.float32, np.float16, np.float64), (84, 12, 4))[0])
        self.symbols = {}
        self.runs = 1
        if self.rng.random() < 0.35:
            self.runs = 3
            for symbol in ("n", "m")[:self.rng.choice((1, 1, 2))]:
                sizes = self.rng.sample((1, 2, 3, 5, 6, 8, 13, 17, 33), 3)
                if self.rng.random() < 0.1:
                    sizes[2] = 0
                self.symbols[symbol] = sizes
        self.values, self.inputs, self.nodes = [], [], []
        self.infinite = False
        self.constants, self.feeds = {}, [{} for _ in range(self.runs)]

    # --- Chance --------------------------------------------------------------
    def chance(self, probability):
        return self.rng.random() < probability

    def pick(self, items):
        return self.rng.choice(list(items))

    def size(self):
        """Mostly small; odd, a warp's and a vector's sizes and their
        neighbours; 1 and, rarely, 0."""
        if self.chance(0.01):
            return 0
        if self.large and self.chance(0.6):
            return self.pick((100, 256, 300, 511, 513, 1000, 1024, 2050, 5000))
        if self.chance(0.08):
            return self.pick((63, 64, 65, 96, 100, 127, 128, 130, 200, 257))
        return self.pick((1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32,
                          33, 40))

    # --- Data ----------------------------------------------------------------
    def data(self, shape, dtype, least=-16, most=16):
        """Exact numbers: multiples of 1/8, or small integers."""
        dtype = np.dtype(dtype)
        if dtype == bool:
            least, most = 0, 1
        if dtype.kind == "u":
            least, most = 0, max(most, 1)
        numbers = self.numbers.integers(least, most + 1, shape)
        return np.asarray(numbers / 8 if dtype.kind == "f" else numbers, dtype)

    def constant(self, array, node=0.1):
        """An initializer, or now and then a Constant node."""
        array = np.asarray(array)
        name = f"c{len(self.constants)}"
        self.constants[name] = numpy_helper.from_array(array, name)
        if self.chance(node):
            proto = helper.make_node("Constant", [], [name], name=f"of-{name}",
                                     value=self.constants.pop(name))
            self.constants[f"#{name}"] = None  # keeps names unique
            self.nodes.append(proto)
        value = Value(name, [array] * self.runs, fewBits(array, UNITS), True)
        if self.chance(0.1):  # for others, too
            self.values.append(value)
        return value

    def weights(self, shape, fan=None):
        """Constants of the main type: exact, or any floats."""
        if self.chance(0.5):
            return self.constant(self.data(shape, self.type, -8, 8))
        scale = 1.0 / math.sqrt(max(1, fan or np.prod(shape[1:])))
        return self.constant((self.numbers.standard_normal(shape) * scale)
                             .astype(self.type))

    def integers(self, numbers):
        return self.constant(np.array(numbers, np.int64))

    def axisDims(self, shape):
        """SHAPE with, now and then, a symbol in a dimension's place."""
        return [self.pick(self.symbols) if self.symbols and self.chance(0.3)
                else size for size in shape]

    def input(self, dims, dtype=None, least=-16, most=16):
        """DIMS: sizes and symbols."""
        dtype = np.dtype(dtype or self.type)
        name = f"x{len(self.inputs)}"
        arrays = []
        for run in range(self.runs):
            shape = [self.symbols[d][run] if isinstance(d, str) else d
                     for d in dims]
            if math.prod(shape) > self.most:
                raise Rejected("too large")
            arrays.append(self.data(shape, dtype, least, most))
        for feeds, array in zip(self.feeds, arrays):
            feeds[name] = array
        self.inputs.append(helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(dtype), dims))
        value = Value(name, arrays, True)
        self.values.append(value)
        return value

    def symbolOf(self, sizes):
        """A size or symbol with these sizes in the runs, or None."""
        if len(set(sizes)) == 1:
            return sizes[0]
        for symbol, own in self.symbols.items():
            if list(sizes) == own:
                return symbol
        return None

    # --- Choosing operands ---------------------------------------------------
    def find(self, wanted):
        """A value that WANTED accepts; the newer, the likelier."""
        fitting = [v for v in self.values if wanted(v)]
        if not fitting:
            return None
        weights = [1 + i + (6 if not v.users else 0)
                   for i, v in enumerate(fitting)]
        return self.rng.choices(fitting, weights)[0]

    def operand(self, low=0, high=6, wanted=None, dtype=None, exact=False):
        """A value of the main type (or DTYPE) with a rank from LOW to HIGH; a
        new input where there is none."""
        dtype = np.dtype(dtype or self.type)
        found = self.find(lambda v: v.dtype == dtype and low <= v.rank <= high
                          and (v.exact or not exact)
                          and (wanted is None or wanted(v)))
        if found and not self.chance(0.08):
            return found
        rank = self.rng.randint(max(low, min(1, high)), min(high, max(low, 4)))
        sizes = [self.size() for _ in range(rank)]
        while math.prod(sizes) > (60000 if self.large else 4000):
            sizes[self.rng.randrange(rank)] = self.pick((1, 2, 3))
        made = self.input(self.axisDims(sizes), dtype)
        if wanted is not None and not wanted(made):
            raise Rejected("no such operand")
        return made

    def beside(self, value, dtype=None, exact=False, constant=0.4):
        """An operand that broadcasts with VALUE, in any of NumPy's ways."""
        dtype = np.dtype(dtype or value.dtype)

        def fits(other):
            try:
                shapes = [np.broadcast_shapes(a.shape, b.shape) for a, b in
                          zip(value.arrays, other.arrays)]
            except ValueError:
                return False
            return (other.dtype == dtype and (other.exact or not exact)
                    and math.prod(shapes[0]) <= self.most)
        if self.chance(0.45):
            found = self.find(fits)
            if found:
                return found
        fixed = self.chance(constant)
        dims = []
        for axis, size in enumerate(value.dims):
            sizes = [a.shape[axis] for a in value.arrays]
            dim = size if fixed else self.symbolOf(sizes)
            dims.append(1 if dim is None or self.chance(0.3) else dim)
        while dims and self.chance(0.25):
            dims.pop(0)
        if len(dims) < 5 and self.chance(0.07):
            dims = [self.pick((1, 2, 3))] * (value.rank + 1 - len(dims)) + dims
        if fixed:
            return self.constant(self.data(dims, dtype) if dtype != self.type
                                 or exact or self.chance(0.5) else
                                 self.numbers.standard_normal(dims).astype(
                                     dtype))
        return self.input(dims, dtype)

    # --- Nodes ---------------------------------------------------------------
    def nodes_(self, op, operands, count=1, domain="", **attributes):
        """A node with COUNT results. None in OPERANDS is one left out."""
        names = [o.name if o is not None else "" for o in operands]
        given = [o for o in operands if o is not None]
        first = sum(len(n.output) for n in self.nodes)
        results = [f"v{first + i}" for i in range(count)]
        proto = helper.make_node(op, names, results,
                                 name=f"{op.lower()}{len(self.nodes)}",
                                 domain=domain, **attributes)
        constants = {n: self.constants[n] for n in names if n in self.constants}
        runs = []
        try:
            node = Node(proto, self.opsets,
                        {o.name: o.arrays[0] for o in given}, constants)
            for run in range(self.runs):
                runs.append(node.run({o.name: o.arrays[run] for o in given}))
        except Exception as refusal:  # onnxruntime's, of any kind
            raise Rejected(str(refusal)) from refusal
        values = []
        exact = all(node.exact([o.exact for o in given], run, UNITS)
                    for run in runs)
        for name, arrays in zip(results, zip(*runs)):
            for array in arrays:
                if array.size > self.most:
                    raise Rejected("too large")
                if (isFloat(array) and not self.infinite
                        and not np.isfinite(array).all()):
                    raise Rejected("not finite")
            values.append(Value(name, list(arrays), exact))
        if not all(o.exact for o in given) and any(
                node.steps([o.arrays[0] for o in given], run) for run in runs):
            raise Rejected("a step on inexact values")
        self.nodes.append(proto)
        for operand in given:
            operand.users += 1
        self.values += values
        return values

    def node(self, op, operands, domain="", **attributes):
        value, = self.nodes_(op, operands, 1, domain, **attributes)
        return self.tamed(value)

    def tamed(self, value):
        """VALUE, scaled by a power of two where it grew large."""
        if not value.float or not value.elements:
            return value
        largest = max(float(np.abs(a.astype(np.float64)).max()) if a.size else 0
                      for a in value.arrays)
        if largest <= LARGEST:
            return value
        down = 2.0 ** -math.ceil(math.log2(largest / 8))
        value, = self.nodes_("Mul", [value, self.constant(
            np.array(down, value.dtype), 0)])
        return value

    @contextlib.contextmanager
    def anyNumbers(self):
        """Nodes whose results may be infinite, as masked scores are."""
        self.infinite = True
        try:
            yield
        finally:
            self.infinite = False

    # --- The model -----------------------------------------------------------
    def model(self):
        """The model, with all that nobody uses as outputs, and some others."""
        outputs = [v for v in self.values if not v.constant
                   and self.chance(0.02 if v.name in self.feeds[0] else
                                   0.1 if v.users else 1)]
        infos = [helper.make_tensor_value_info(
            v.name, helper.np_dtype_to_tensor_dtype(v.dtype),
            [self.symbolOf(sizes) for sizes in
             zip(*(a.shape for a in v.arrays))]) for v in outputs]
        graph = helper.make_graph(
            self.nodes, "graph", self.inputs, infos,
            [t for t in self.constants.values() if t is not None])
        used = {n for node in self.nodes for n in node.input}
        used |= {o.name for o in graph.output}
        for kept in (graph.input, graph.initializer):
            for name in [item.name for item in kept if item.name not in used]:
                kept.remove(next(i for i in kept if i.name == name))
                for feeds in self.feeds:
                    feeds.pop(name, None)
        if self.chance(0.15):
            self.open(graph)
        return helper.make_model(graph, opset_imports=self.opsets,
                                 ir_version=10)

    def open(self, graph):
        """Sizes that are left open though they are fixed, or though they equal
        others: the engine has to find out what it needs. Not those of 1: open
        sizes that meet are taken for equal; and not those of filters, whose
        channels a convolution has to know."""
        filters = {node.input[1] for node in graph.node
                   if node.op_type in ("Conv", "ConvTranspose")}
        for value in graph.input:
            if value.name in filters:
                continue
            for axis, dim in enumerate(value.type.tensor_type.shape.dim):
                sizes = [f[value.name].shape[axis] for f in self.feeds]
                if 1 not in sizes and self.chance(0.3):
                    dim.Clear()
                    if self.chance(0.5):
                        dim.dim_param = f"{value.name}.{axis}"
