# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The reference of graphs.py: onnxruntime, a node at a time, and how far a right
# result may be from it.
#
# exact    Inputs are multiples of 1/8 in a small range, so sums and products of
#          them are exact in any order. A value is exact if an operator that
#          rounds nothing made it of exact values, and few enough bits hold it.
#          What is not continuous (comparisons, Floor, ArgMax, ...) is asked of
#          exact values only: then integers and booleans have to be equal.
# bound    Of the rest each kernel gives the right result of operands that are
#          some roundings off. So the graph is evaluated several times with
#          noise of some roundings on the operands and results of all nodes that
#          round: the bound is a few times the largest change which that brings.

import onnx
import numpy as np
from onnx import helper

import onnxruntime

# Noise: 16 roundings of f32, two of f16 (onnxruntime rounds after each node
# what Tenon keeps in f32; and f16 results of 11 bits are half a rounding off).
NOISE = {np.dtype(np.float32): 2.0 ** -20, np.dtype(np.float16): 2.0 ** -10,
         np.dtype(np.float64): 2.0 ** -20}
# Noise is drawn, errors may all point one way: eight times the largest change
# of DRAWS, and two roundings of the largest magnitude where noise cancels.
SLACK, DRAWS = 8.0, 3
FLOOR = {np.dtype(np.float32): 2.0 ** -22, np.dtype(np.float16): 2.0 ** -10,
         np.dtype(np.float64): 2.0 ** -22}
# What onnxruntime's sigmoid makes 0 below -18, and results that leave normal
# numbers: nothing beside inputs of about 1.
TINY = 2.0 ** -26
MASKED = 9e3  # -1e4, the lowest f16 and f32
# Units that exact values may hold: room for sums below 2^24 and 2^11.
UNITS = {np.dtype(np.float32): 2.0 ** 20, np.dtype(np.float16): 2.0 ** 10,
         np.dtype(np.float64): 2.0 ** 20}
# What a lower precision of CUDA kernels (--fp16, ...) does to f32: times NOISE, and
# the units that it keeps. TF32 is for operands of products, here for all.
LOWER = {"fp16": (2.0 ** 10, dict.fromkeys(UNITS, 2.0 ** 10)),
         "tf32": (2.0 ** 10, dict.fromkeys(UNITS, 2.0 ** 10)),
         "bf16": (2.0 ** 13, dict.fromkeys(UNITS, 2.0 ** 7))}

MOVES = frozenset("""
Concat DepthToSpace Dropout Expand Flatten Gather GatherElements GatherND
Identity Pad Reshape Slice SpaceToDepth Split Squeeze Tile Transpose Trilu
Unsqueeze Where""".split())
ROUNDS_NOTHING = MOVES | frozenset("""
Abs Add And ArgMax ArgMin BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor
Cast CastLike Ceil Clip Constant ConstantOfShape Conv ConvTranspose Einsum Equal
EyeLike Floor FusedMatMul Gemm GlobalMaxPool Greater GreaterOrEqual Hardmax IsInf
IsNaN Less LessOrEqual MatMul Max MaxPool Min Mod Mul Neg Not OneHot Or PRelu
Range ReduceL1 ReduceMax ReduceMin ReduceSum ReduceSumSquare Relu Round Shape
Sign Size Sub Sum ThresholdedRelu Xor""".split())
# Not continuous, beside all that makes integers or booleans of floats.
STEPS = frozenset("Ceil Floor Hardmax Mod Round Sign Shrink ThresholdedRelu"
                  .split())
PRODUCTS = frozenset("Conv ConvTranspose Einsum FusedMatMul Gemm MatMul".split())


class Undefined(Exception):
    """A graph whose results are not comparable, in words."""


def isFloat(array):
    return array.dtype.kind == "f"


def fewBits(array, units):
    if not isFloat(array):
        return True
    if not array.size:
        return True
    if not np.isfinite(array).all():
        return False
    wide = array.astype(np.float64)
    for bits in (0, 3, 6, 8):
        whole = wide * 2.0 ** bits
        if (whole == np.rint(whole)).all():
            return bool(np.abs(whole).max() < units[array.dtype])
    return False


def elementType(array):
    return helper.np_dtype_to_tensor_dtype(array.dtype)


class Node:
    """One node, ready to run."""

    def __init__(self, proto, opsets, operands, constants):
        """OPERANDS by name: arrays that say type and rank; CONSTANTS are the
        model's initializers by name."""
        self.proto = proto
        # Integers (axes, sizes) stay constants; weights may be moved by noise.
        fixed = {n: t for n, t in constants.items() if n in proto.input
                 and (proto.op_type in ("Resize", "Upsample")
                      or not isFloat(operands[n]))}
        self.names = [n for n in dict.fromkeys(proto.input)
                      if n and n not in fixed]
        inputs = [helper.make_tensor_value_info(
            name, elementType(operands[name]),
            [f"{name}.{i}" for i in range(operands[name].ndim)])
            for name in self.names]
        self.outputs = [n for n in proto.output if n]
        graph = helper.make_graph(
            [proto], "node", inputs,
            [helper.make_empty_tensor_value_info(n) for n in self.outputs],
            list(fixed.values()))
        model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
        self.session = session(model.SerializeToString())

    def run(self, operands):
        return self.session.run(self.outputs,
                                {n: operands[n] for n in self.names})

    def exact(self, exactOperands, results, units):
        return (self.proto.op_type in ROUNDS_NOTHING and all(exactOperands)
                and all(fewBits(r, units) for r in results))

    def steps(self, operands, results):
        """Whether a small change of a float may change a result at once."""
        if not any(isFloat(x) for x in operands):
            return False
        if self.proto.op_type in ("Shape", "Size", "EyeLike", "ConstantOfShape"):
            return False
        return (self.proto.op_type in STEPS
                or any(not isFloat(r) for r in results))


def session(model):
    options = onnxruntime.SessionOptions()
    # Nodes as they are: fusions and casts moved about round elsewhere.
    options.graph_optimization_level = (
        onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL)
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model, options,
                                        providers=["CPUExecutionProvider"])


def perturbed(array, size, rng):
    """Each element moved by up to SIZE of itself and of the largest, not counting
    what stands for minus infinity in masks."""
    if not isFloat(array) or not array.size:
        return array
    wide = array.astype(np.float64)
    real = np.abs(wide) < MASKED
    largest = np.abs(wide[real]).max() if real.any() else 0.0
    noise = rng.uniform(-size, size, (2, *array.shape))
    moved = np.where(real, wide, 0) * (1 + noise[0]) + largest * noise[1] / 4
    with np.errstate(over="ignore"):
        return np.asarray(np.where(real, moved, wide), array.dtype)


class Evaluator:
    """A model's nodes, evaluated one by one."""

    def __init__(self, model, feeds):
        """FEEDS say types and ranks; runs may have other sizes."""
        self.model = model
        self.constants = {t.name: t for t in model.graph.initializer}
        self.arrays = {n: onnx.numpy_helper.to_array(t)
                       for n, t in self.constants.items()}
        self.nodes, values = [], {**self.arrays, **feeds}
        for proto in model.graph.node:
            node = Node(proto, model.opset_import, values, self.constants)
            values.update(zip(node.outputs, node.run(values)))
            self.nodes.append(node)
        self.outputs = [o.name for o in model.graph.output]

    def values(self, feeds, noise=0.0, rng=None, units=UNITS):
        """All values by name. Raises Undefined where a step (a comparison, a
        rounding) is taken on values that are not exact."""
        values = {**self.arrays, **feeds}
        exact = {name: fewBits(array, units) for name, array in values.items()}
        for node in self.nodes:
            names = [n for n in node.proto.input if n]
            results = node.run(values)
            clear = node.exact([exact[n] for n in names], results, units)
            if (node.steps([values[n] for n in names], results)
                    and not all(exact[n] for n in names)):
                raise Undefined(f"{node.proto.op_type} of inexact values")
            if not clear and noise:
                kind = noiseOf([values[n] for n in names], results) * noise
                if node.proto.op_type not in MOVES:
                    moved = {n: perturbed(values[n], kind, rng)
                             if n in node.names else values[n] for n in names}
                    deep = max(1.0, summed(node.proto.op_type, [
                        values[n] for n in names], results) ** 0.5 / 16)
                    results = [perturbed(r, kind * deep, rng)
                               for r in node.run(moved)]
            values.update(zip(node.outputs, results))
            exact.update((name, clear) for name in node.outputs)
        return values

    def bounds(self, feeds, lower=None):
        """How far each float output may be from the reference, in a lower
        precision if one is given."""
        noise, units = LOWER.get(lower, (1.0, UNITS))
        right, rng = self.values(feeds, units=units), np.random.default_rng(0)
        spread = {name: 0.0 for name in self.outputs}
        for _ in range(DRAWS):
            other = self.values(feeds, noise, rng, units)
            for name in self.outputs:
                spread[name] = max(spread[name],
                                   largestChange(right[name], other[name]))
        return {name: SLACK * spread[name] + TINY
                + noise * FLOOR[right[name].dtype] * magnitude(right[name])
                for name in self.outputs if isFloat(right[name])}


def summed(op, operands, results):
    """About how many numbers are added up for a result: the roundings of partial
    sums grow with its square root, where noise of the operands averages."""
    sizes = [max(1, x.size) for x in operands if isFloat(x)]
    result = max(1, results[0].size)
    if op in PRODUCTS and len(sizes) > 1:
        return (sizes[0] * sizes[1] / result) ** 0.5
    return max([size / result for size in sizes]
               + [length for x in operands for length in x.shape] + [1])


def noiseOf(*groups):
    return max((NOISE[x.dtype] for group in groups for x in group
                if isFloat(x)), default=0.0)


def magnitude(array):
    wide = np.abs(array.astype(np.float64))
    wide = wide[np.isfinite(wide)]
    return float(wide.max()) if wide.size else 0.0


def largestChange(one, other):
    """Infinity where one is finite and the other is not."""
    if not isFloat(one) or not one.size:
        return 0.0
    a, b = one.astype(np.float64), other.astype(np.float64)
    if not np.array_equal(np.isfinite(a), np.isfinite(b)):
        return np.inf
    both = np.isfinite(a)
    return float(np.abs(a[both] - b[both]).max()) if both.any() else 0.0
