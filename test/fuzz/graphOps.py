# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Draws of graphs.py, first part: pointwise operators, types, movement, indices,
# reductions, and products of matrices. Each draw is a function that adds one node
# (and what its operands need: a guard against poles and roots of negatives, for
# results have to be comparable). DRAWS says how likely each is.

import numpy as np
from onnx import TensorProto

from graphDraw import Rejected

I64, I32, U8, I8, BOOL = np.int64, np.int32, np.uint8, np.int8, np.bool_


def negative(g, axis, rank):
    """The axis, now and then counted from the end."""
    return axis - rank if g.chance(0.4) else axis


# --- Pointwise ---------------------------------------------------------------
# operator: guard of its operand, attributes, first opset.
UNARY = {
    "Relu": (None, {}, 7), "Abs": (None, {}, 7), "Neg": (None, {}, 7),
    "Sigmoid": (None, {}, 7), "Tanh": (None, {}, 7), "Erf": (None, {}, 9),
    "Exp": ("small", {}, 7), "Log": ("positive", {}, 7),
    "Sqrt": ("positive", {}, 7), "Reciprocal": ("positive", {}, 7),
    "Sin": ("small", {}, 7), "Cos": ("small", {}, 7), "Tan": ("unit", {}, 7),
    "Sinh": ("small", {}, 9), "Cosh": ("small", {}, 9),
    "Asin": ("unit", {}, 7), "Acos": ("unit", {}, 7), "Atan": (None, {}, 7),
    "Asinh": (None, {}, 9), "Acosh": ("above", {}, 9), "Atanh": ("unit", {}, 9),
    "Softplus": (None, {}, 7), "Softsign": (None, {}, 7),
    "HardSwish": (None, {}, 14), "Mish": (None, {}, 18),
    "HardSigmoid": (None, {"alpha": 0.25, "beta": 0.375}, 7),
    "LeakyRelu": (None, {"alpha": 0.125}, 7), "Elu": (None, {"alpha": 1.5}, 7),
    "Selu": (None, {}, 7), "Celu": (None, {"alpha": 0.5}, 12),
    "ThresholdedRelu": ("exact", {"alpha": 0.5}, 10),
    "Shrink": ("exact", {"lambd": 0.5, "bias": 0.25}, 9),
    "Floor": ("exact", {}, 7), "Ceil": ("exact", {}, 7),
    "Round": ("exact", {}, 11), "Sign": ("exact", {}, 9),
    "Identity": (None, {}, 7), "Gelu": (None, {}, 20),
    "Dropout": (None, {}, 13), "Not": ("bool", {}, 7),
    "BitwiseNot": ("int", {}, 18),
}


def scalar(g, number, like):
    return g.constant(np.array(number, like.dtype))


def guarded(g, guard):
    if guard == "bool":
        return g.operand(dtype=BOOL)
    if guard == "int":
        return g.operand(dtype=g.pick((I64, I32, U8)))
    x = g.operand(exact=guard == "exact")
    if guard == "small":
        return g.node("Mul", [g.node("Tanh", [x]), scalar(g, 3, x)])
    if guard == "unit":
        return g.node("Mul", [g.node("Tanh", [x]), scalar(g, 0.875, x)])
    if guard in ("positive", "above"):
        least = 0.5 if guard == "positive" else 1.25
        return g.node("Add", [g.node("Abs", [x]), scalar(g, least, x)])
    return x


def unary(g):
    op = g.pick(UNARY)
    guard, attributes, since = UNARY[op]
    if g.opset < since:
        raise Rejected("opset")
    if op == "Gelu" and g.chance(0.5):
        attributes = {"approximate": "tanh"}
    g.node(op, [guarded(g, guard)], **attributes)


def contribUnary(g):
    x = g.operand()
    op = g.pick(("Gelu", "FastGelu", "QuickGelu", "BiasGelu"))
    if op == "BiasGelu":
        if not x.rank or x.dims[-1] is None:
            raise Rejected("no bias")
        g.node(op, [x, g.weights([x.dims[-1]])], "com.microsoft")
    else:
        g.node(op, [x], "com.microsoft")


def swapped(g, operands):
    return operands[::-1] if g.chance(0.4) else operands


def binary(g):
    op = g.pick(("Add", "Add", "Sub", "Mul", "Mul", "Max", "Min", "Div", "Pow",
                 "PRelu", "Mean", "Sum"))
    x = g.operand()
    y = g.beside(x)
    if op == "Div":
        if g.chance(0.3):
            g.node(op, [x, g.constant(g.data([], x.dtype, 4, 20))])
        else:
            y = g.node("Add", [g.node("Abs", [y]), scalar(g, 0.5, y)])
            g.node(op, [x, y])
    elif op == "Pow":
        power = g.pick((2, 3, 0.5, 1, 0, -1, 1.75))
        base = g.node("Add", [g.node("Abs", [x]), scalar(g, 0.5, x)])
        if power in (2, 3):
            base = x
        g.node(op, [base, scalar(g, power, x)])
    elif op == "PRelu":
        if y.rank > x.rank:  # onnxruntime takes it, the standard does not
            raise Rejected("rank")
        g.node(op, [x, y])
    elif op in ("Max", "Min", "Mean", "Sum") and g.chance(0.4):
        g.node(op, [x, y, g.beside(y)])
    else:
        g.node(op, swapped(g, [x, y]))


def integer(g):
    dtype = g.pick((I64, I64, I32, I32, U8, I8))
    x = g.operand(dtype=dtype)
    op = g.pick(("Add", "Sub", "Mul", "Div", "Mod", "Max", "Min", "Abs", "Neg",
                 "Sign", "Clip", "Pow", "MatMul"))
    if op == "MatMul":
        if dtype not in (I64, I32) or not x.rank or not x.dims[-1]:
            raise Rejected("no product")
        g.node(op, [x, g.constant(g.data([x.dims[-1], g.pick((1, 3, 8))],
                                         dtype))])
    elif op in ("Abs", "Neg", "Sign"):
        g.node(op, [x])
    elif op in ("Div", "Mod"):
        sign = 1 if dtype == U8 else g.pick((1, -1))
        divisor = scalar(g, sign * g.rng.randint(1, 9), x)
        if op == "Div" or g.chance(0.5):
            g.node(op, [x, divisor])
        else:
            g.node(op, [x, divisor], fmod=1)
    elif op == "Clip":
        g.node(op, [x, scalar(g, 2 if dtype == U8 else -3, x),
                    scalar(g, 9, x)])
    elif op == "Pow":
        g.node(op, [g.node("Mod", [x, scalar(g, 5, x)]), scalar(g, 2, x)])
    else:
        g.node(op, swapped(g, [x, g.beside(x)]))


def bits(g):
    if g.chance(0.5):
        x = g.operand(dtype=np.uint8)
        g.node("BitShift", [x, g.constant(g.data([], U8, 0, 7))],
               direction=g.pick(("LEFT", "RIGHT")))
    else:
        x = g.operand(dtype=g.pick((I64, I32, U8)))
        g.node(g.pick(("BitwiseAnd", "BitwiseOr", "BitwiseXor")),
               [x, g.beside(x)])


def compare(g):
    op = g.pick(("Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual",
                 "IsNaN", "IsInf"))
    dtype = g.pick((g.type, g.type, I64, I32))
    if op in ("IsNaN", "IsInf"):
        g.node(op, [g.operand(exact=True)])
        return
    x = g.operand(dtype=dtype, exact=True)
    g.node(op, swapped(g, [x, g.beside(x, exact=True)]))


def logical(g):
    x = g.operand(dtype=BOOL)
    g.node(g.pick(("And", "Or", "Xor")), [x, g.beside(x)])


def where(g):
    x = g.operand(dtype=g.pick((g.type, g.type, I64)))
    condition = g.beside(x, BOOL)
    g.node("Where", [condition, *swapped(g, [x, g.beside(x)])])


def clip(g):
    x = g.operand()
    low = scalar(g, g.pick((-1, 0, 0.125)), x) if g.chance(0.8) else None
    high = scalar(g, g.pick((0.5, 1, 6)), x) if g.chance(0.8) else None
    g.node("Clip", [x, low, high])


TYPES = {TensorProto.FLOAT: np.float32, TensorProto.FLOAT16: np.float16,
         TensorProto.INT64: I64, TensorProto.INT32: I32,
         TensorProto.BOOL: BOOL, TensorProto.UINT8: U8, TensorProto.INT8: I8,
         TensorProto.DOUBLE: np.float64}


def cast(g):
    source = g.pick((g.type, g.type, I64, I32, BOOL, U8))
    x = g.operand(dtype=source)
    to = g.pick((TensorProto.FLOAT, TensorProto.FLOAT, TensorProto.FLOAT16,
                 TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL,
                 TensorProto.UINT8, TensorProto.INT8))
    if to in (TensorProto.UINT8, TensorProto.INT8):
        # Behind a type's range is undefined.
        if source == BOOL:
            pass
        elif not x.elements or max(np.abs(a.astype(np.float64)).max()
                                   for a in x.arrays if a.size) > 100:
            raise Rejected("range")
        elif to == TensorProto.UINT8 and np.dtype(source).kind != "u":
            x = g.node("Abs", [x])
    x = g.node("Cast", [x], to=to)
    wanted = [t for t, d in TYPES.items() if np.dtype(d) == g.type][0]
    if to != wanted and g.chance(0.5):  # back among the others
        g.node("Cast", [x], to=wanted)


# --- Movement ----------------------------------------------------------------
MOVED = (None,) * 8 + (I64, I64, BOOL, I32, U8, np.float16)


def moved(g, low=0, high=6, wanted=None):
    return g.operand(low, high, wanted, dtype=g.pick(MOVED) or g.type)


def transpose(g):
    x = moved(g, 1, 6)
    order = list(range(x.rank))
    g.rng.shuffle(order)
    if g.chance(0.1):
        g.node("Transpose", [x])
    else:
        g.node("Transpose", [x], perm=order)


def reshape(g):
    x = moved(g, 0, 6)
    dims = x.dims
    opened = [i for i, d in enumerate(dims) if d is None]
    if len(opened) > 1 or g.chance(0.3):  # merges neighbours around an axis
        if x.rank < 2:
            raise Rejected("rank")
        axis = g.rng.randrange(x.rank - 1)
        target = [0] * axis + [-1] + [
            dims[i] if dims[i] is not None else 0
            for i in range(axis + 2, x.rank)]
        if any(size == 0 for size in target[axis + 1:]):
            raise Rejected("0 would be copied from elsewhere")
        g.node("Reshape", [x, g.integers(target)])
        return
    if 0 in dims:
        raise Rejected("empty")
    total = int(np.prod([d for d in dims if d is not None], dtype=np.int64))
    target = []
    while total > 1 and len(target) < 4 and g.chance(0.8):
        factor = g.pick([f for f in range(1, min(total, 64) + 1)
                         if total % f == 0])
        target.append(factor)
        total //= factor
    target.append(total)
    g.rng.shuffle(target)
    if opened:
        target.insert(g.rng.randint(0, len(target)), -1)
    elif g.chance(0.4):
        target[g.rng.randrange(len(target))] = -1
    if g.chance(0.2) and x.rank and target[0] == dims[0] \
            and target[0] != -1:
        target[0] = 0
    g.node("Reshape", [x, g.integers(target)])


def reshapeComputed(g):
    """As exporters write it: Shape, a part of it, Concat, Reshape."""
    x = moved(g, 2, 5)
    if 0 in [x.least(i) for i in range(x.rank)]:
        raise Rejected("a computed 0 would be copied from elsewhere")
    shape = g.node("Shape", [x])
    axis = g.rng.randrange(x.rank)
    part = g.node("Gather", [shape, g.integers([axis])], axis=0)
    front = g.chance(0.5)
    parts = [part, g.integers([-1])] if front else [g.integers([-1]), part]
    target = g.node("Concat", parts, axis=0)
    g.node("Reshape", [x, target])


def flatten(g):
    x = moved(g, 0, 5)
    g.node("Flatten", [x], axis=g.rng.randint(-x.rank, x.rank))


def squeeze(g):
    x = moved(g, 0, 5)
    ones = [i for i, d in enumerate(x.dims) if d == 1]
    if ones and g.chance(0.6):
        chosen = g.rng.sample(ones, g.rng.randint(1, len(ones)))
        g.node("Squeeze", [x, g.integers([negative(g, a, x.rank)
                                          for a in chosen])])
        return
    count = g.pick((1, 1, 2))
    rank = x.rank + count
    if rank > 6:
        raise Rejected("rank")
    axes = g.rng.sample(range(rank), count)
    g.node("Unsqueeze", [x, g.integers([negative(g, a, rank) for a in axes])])


def expand(g):
    x = moved(g, 0, 4)
    dims = [1 if d is None else g.pick((1, 2, 3, 4)) if d == 1
            else g.pick((d, 1)) for d in x.dims]
    if g.chance(0.3):
        dims = [g.pick((1, 2, 3))] + dims
    while dims and g.chance(0.1):
        dims.pop(0)
    g.node("Expand", [x, g.integers(dims)])


def tile(g):
    x = moved(g, 1, 4)
    g.node("Tile", [x, g.integers([g.pick((1, 1, 2, 3)) for _ in x.dims])])


def concat(g):
    x = moved(g, 1, 5)
    axis = g.rng.randrange(x.rank)

    def fits(other):
        return other.dtype == x.dtype and other.rank == x.rank and all(
            a.shape[:axis] + a.shape[axis + 1:]
            == b.shape[:axis] + b.shape[axis + 1:]
            for a, b in zip(x.arrays, other.arrays))
    parts = [x]
    for _ in range(g.pick((1, 1, 2, 3))):
        if None not in x.dims[:axis] + x.dims[axis + 1:] and g.chance(0.3):
            dims = list(x.dims)
            dims[axis] = g.pick((1, 2, 3, 5))
            parts.append(g.constant(g.data(dims, x.dtype)))
        else:
            parts.append(g.find(fits))
    g.rng.shuffle(parts)
    g.node("Concat", parts, axis=negative(g, axis, x.rank))


def split(g):
    x = moved(g, 1, 5)
    axis = g.rng.randrange(x.rank)
    size = x.dims[axis]
    if not size or size < 2:
        raise Rejected("nothing to split")
    parts = g.pick((2, 2, 3))
    cuts = sorted(g.rng.choices(range(size + 1), k=parts - 1))
    sizes = [b - a for a, b in zip([0] + cuts, cuts + [size])]
    attributes = {"axis": negative(g, axis, x.rank)}
    if g.chance(0.5):
        if g.opset >= 18:
            g.nodes_("Split", [x], parts, num_outputs=parts, **attributes)
        elif size % parts == 0:
            g.nodes_("Split", [x], parts, **attributes)
    else:
        g.nodes_("Split", [x, g.integers(sizes)], parts, **attributes)


def slice_(g):
    x = moved(g, 1, 5)
    axes = g.rng.sample(range(x.rank), g.rng.randint(1, min(2, x.rank)))
    starts, ends, steps = [], [], []
    for axis in axes:
        size = max(1, x.least(axis))
        step = g.pick((1, 1, 1, 2, 3, -1, -2))
        if step > 0:
            starts.append(g.pick((0, g.rng.randrange(size), -size, -1000)))
            ends.append(g.pick((size, g.rng.randint(0, size), -1, 2 ** 62,
                                2 ** 31 - 1)))
        else:
            starts.append(g.pick((-1, size - 1, g.rng.randrange(size), 1000)))
            ends.append(g.pick((-2 ** 62, -size - 1, g.rng.randint(0, size) - 1,
                                0)))
        steps.append(step)
    operands = [x, g.integers(starts), g.integers(ends),
                g.integers([negative(g, a, x.rank) for a in axes])]
    if any(s != 1 for s in steps) or g.chance(0.5):
        operands.append(g.integers(steps))
    result = g.node("Slice", operands)
    if not result.elements and g.chance(0.9):
        raise Rejected("empty")


def pad(g):
    x = moved(g, 1, 5)
    mode = g.pick(("constant", "constant", "reflect", "edge", "wrap"))
    if mode == "wrap" and g.opset < 19:
        raise Rejected("opset")
    if mode != "constant" and 0 in [x.least(i) for i in range(x.rank)]:
        raise Rejected("empty")
    most = [3 if mode in ("constant", "edge") else x.least(i) - 1
            for i in range(x.rank)]
    low = -1 if mode == "constant" else 0
    pads = [g.rng.randint(low, max(0, min(3, m))) if g.chance(0.6) else 0
            for m in most * 2]
    operands = [x, g.integers(pads)]
    if mode == "constant" and g.chance(0.5):
        operands.append(scalar(g, g.pick((0, 1, 2.5)), x))
    g.node("Pad", operands, mode=mode)


def depthSpace(g):
    block = g.pick((2, 2, 3))
    if g.chance(0.5):
        x = g.operand(4, 4, lambda v: v.dims[1] and v.dims[1] % block ** 2 == 0)
        g.node("DepthToSpace", [x], blocksize=block,
               mode=g.pick(("DCR", "CRD")))
    else:
        x = g.operand(4, 4, lambda v: all(
            s and s % block == 0 for s in v.dims[2:]))
        g.node("SpaceToDepth", [x], blocksize=block)


def trilu(g):
    x = moved(g, 2, 4)
    if g.opset < 14:
        raise Rejected("opset")
    if g.chance(0.5):
        g.node("Trilu", [x], upper=g.pick((0, 1)))
    else:
        g.node("Trilu", [x, scalar64(g, g.rng.randint(-3, 3))],
               upper=g.pick((0, 1)))


def scalar64(g, number):
    return g.constant(np.array(number, np.int64))


# --- Indices -----------------------------------------------------------------
def indices(g, shape, size, dtype=I64):
    """Positions below SIZE, also counted from the end; given or constant."""
    least = -size if g.chance(0.4) else 0
    if size < 1:
        raise Rejected("nothing to index")
    if g.chance(0.5):
        return g.constant(g.numbers.integers(least, size, shape).astype(dtype))
    return g.input(list(shape), dtype, least, size - 1)


def gather(g):
    x = moved(g, 1, 4)
    axis = g.rng.randrange(x.rank)
    shape = [g.pick((1, 2, 3, 7)) for _ in range(g.pick((0, 1, 1, 2)))]
    g.node("Gather", [x, indices(g, shape, x.least(axis),
                                 g.pick((I64, I32)))],
           axis=negative(g, axis, x.rank))


def gatherElements(g):
    x = moved(g, 1, 4)
    axis = g.rng.randrange(x.rank)
    shape = [g.rng.randint(1, max(1, x.least(i))) for i in range(x.rank)]
    shape[axis] = g.pick((1, 2, 5))
    g.node("GatherElements", [x, indices(g, shape, x.least(axis))],
           axis=negative(g, axis, x.rank))


def gatherNd(g):
    x = moved(g, 1, 4)
    depth = g.rng.randint(1, x.rank)
    size = min(x.least(i) for i in range(depth))
    g.node("GatherND", [x, indices(g, [g.pick((1, 2, 4)), depth], size)])


def oneHot(g):
    depth = g.pick((2, 3, 5))
    at = indices(g, [g.pick((1, 2, 6)) for _ in range(g.pick((1, 2)))], depth)
    g.node("OneHot", [at, g.constant(np.array([depth], I64)),
                      g.constant(np.array([0.25, 1], g.type))],
           axis=g.pick((-1, 0, 1)))


def argument(g):
    x = g.operand(1, 5, exact=True)
    axis = g.rng.randrange(x.rank)
    g.node(g.pick(("ArgMax", "ArgMin")), [x], axis=negative(g, axis, x.rank),
           keepdims=g.pick((0, 1)), select_last_index=g.pick((0, 0, 1)))


def range_(g):
    x = g.operand(1, 4)
    size = g.node("Gather", [g.node("Shape", [x]),
                             scalar64(g, g.rng.randrange(x.rank))], axis=0)
    g.node("Range", [scalar64(g, 0), size, scalar64(g, 1)])


def constantOfShape(g):
    x = g.operand(1, 3)
    from onnx import helper
    value = helper.make_tensor("value", *g.pick((
        (TensorProto.FLOAT, [1], [0.5]), (TensorProto.INT64, [1], [3]))))
    g.node("ConstantOfShape", [g.node("Shape", [x])], value=value)


def eyeLike(g):
    g.node("EyeLike", [g.operand(2, 2)], k=g.pick((-1, 0, 0, 2)),
           dtype=TensorProto.FLOAT)


# --- Reductions --------------------------------------------------------------
REDUCTIONS = ("ReduceSum", "ReduceSum", "ReduceMean", "ReduceMean", "ReduceMax",
              "ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare",
              "ReduceProd", "ReduceLogSum", "ReduceLogSumExp")


def reduce(g):
    op = g.pick(REDUCTIONS)
    dtype = g.type
    if op in ("ReduceSum", "ReduceMax", "ReduceMin") and g.chance(0.2):
        dtype = g.pick((I64, I32))
    x = g.operand(1, 6, dtype=dtype)
    axes = g.rng.sample(range(x.rank), g.rng.randint(1, x.rank))
    if op not in ("ReduceSum", "ReduceSumSquare", "ReduceL1") and 0 in [
            x.least(i) for i in range(x.rank)]:
        raise Rejected("of nothing: not defined")
    if op == "ReduceLogSum":
        x = g.node("Add", [g.node("Abs", [x]), scalar(g, 0.5, x)])
    attributes = {"keepdims": g.pick((0, 1))}
    axes = [negative(g, a, x.rank) for a in axes]
    operands = [x]
    if g.chance(0.9):
        if op == "ReduceSum" or g.opset >= 18:
            operands.append(g.integers(axes))
        else:
            attributes["axes"] = axes
    elif g.chance(0.2) and (op == "ReduceSum" or g.opset >= 18):
        attributes["noop_with_empty_axes"] = 1
    g.node(op, operands, **attributes)


def softmax(g):
    op = g.pick(("Softmax", "Softmax", "LogSoftmax", "Hardmax"))
    x = g.operand(1, 5, exact=op == "Hardmax")
    axis = g.rng.randrange(x.rank)
    g.node(op, [x], axis=negative(g, axis, x.rank))


# --- Products ----------------------------------------------------------------
def depthOf(g):
    return g.pick((1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 32, 33, 64, 65, 100,
                   128, 200, 300))


def rightOf(g, x, axis):
    """An operand with as many rows as X has on AXIS: constant or given."""
    rows = x.dims[axis]
    columns = g.pick((1, 2, 3, 8, 13, 16, 17, 32, 33, 64, 70))
    batch = []
    if x.rank > 2 and g.chance(0.4):
        for d in x.dims[:-2]:
            batch.append(1 if d is None or g.chance(0.3) else d)
        while batch and g.chance(0.2):
            batch.pop(0)
    if g.chance(0.1):
        batch = [g.pick((1, 2))] + batch
    if rows is None:
        symbol = g.symbolOf([a.shape[axis] for a in x.arrays])
        if symbol is None:
            raise Rejected("no size of that name")
        return g.input([*batch, symbol, columns])
    shape = [*batch, rows, columns]
    if g.chance(0.6):
        return g.weights(shape, rows)
    return g.input(shape)


def matmul(g):
    if g.chance(0.2):
        x = g.input(g.axisDims([g.pick((1, 2, 5, 17)), depthOf(g)]))
    else:
        x = g.operand(1, 4, lambda v: v.elements)
    if g.chance(0.15):  # with itself, transposed
        order = list(range(x.rank))
        order[-2:] = order[-2:][::-1]
        y = g.node("Transpose", [x], perm=order)
        g.node("MatMul", swapped(g, [x, y]))
    elif g.chance(0.12) and x.dims[-1]:
        g.node("MatMul", [x, g.weights([x.dims[-1]])])
    elif g.chance(0.2) and x.rank >= 2 and x.dims[-2]:
        shape = [g.pick((1, 3, 8, 19)), x.dims[-2]]
        g.node("MatMul", [g.weights(shape, shape[1]), x])
    else:
        bias = g.node("MatMul", [x, rightOf(g, x, x.rank - 1)])
        if g.chance(0.3) and bias.rank and bias.dims[-1]:
            g.node("Add", swapped(g, [bias, g.weights([bias.dims[-1]])]))


def gemm(g):
    x = g.operand(2, 2, lambda v: v.elements)
    transA = g.chance(0.4)
    rows, depth = x.dims if not transA else x.dims[::-1]
    if depth is None:
        raise Rejected("depth")
    columns = g.pick((1, 2, 5, 16, 17, 33))
    transB = g.chance(0.5)
    shape = [columns, depth] if transB else [depth, columns]
    y = g.weights(shape, depth) if g.chance(0.7) else g.input(shape)
    operands = [x, y]
    if g.chance(0.7):
        dims = g.pick(([columns], [1, columns], [], [1], [rows, columns],
                       [rows, 1]))
        if None in dims:
            dims = [columns]
        operands.append(g.weights(dims, 1))
    g.node("Gemm", operands, transA=int(transA), transB=int(transB),
           alpha=g.pick((1.0, 1.0, 0.5, -2.0)),
           beta=g.pick((1.0, 1.0, 0.5, 0.0)))


def fusedMatmul(g):
    x = g.operand(2, 4)
    order = list(range(x.rank))
    order[-2:] = order[-2:][::-1]
    turn = g.chance(0.5)
    y = g.node("Transpose", [x], perm=order) if turn else x
    y = g.node("Mul", [y, scalar(g, 0.5, y)])
    if turn:
        both = g.chance(0.5)
        g.node("FusedMatMul", [x, y], "com.microsoft", alpha=0.25,
               transA=int(both), transB=int(both))
    else:
        g.node("FusedMatMul", [x, y], "com.microsoft", alpha=0.5,
               transA=0, transB=1)


EQUATIONS = ("ij,jk->ik", "ij,kj->ik", "ji,jk->ki", "bij,bjk->bik",
             "bij,bkj->bik", "bhid,bhjd->bhij", "bihd,bjhd->bhij",
             "bhij,bjhd->bihd", "i,j->ij", "ij->ji", "ij->i", "bij->",
             "ij,ij->", "ij,ij->ij", "bi,bi->b", "...ij,...jk->...ik",
             "ij,j->i", "bij,jk->bik", "bchw,bcij->bhwij", "ij,k->ijk")


def einsum(g):
    equation = g.pick(EQUATIONS)
    sizes = {}
    operands = []
    for term in equation.split("->")[0].split(","):
        dims = [sizes.setdefault(c, g.pick((1, 2, 3, 5, 8, 17)))
                for c in term.replace("...", "")]
        if "..." in term:
            dims = [sizes.setdefault("...", g.pick((1, 2, 3)))] + dims
        found = g.find(lambda v: v.dtype == g.type and v.dims == dims)
        operands.append(found or (g.weights(dims) if g.chance(0.3)
                                  else g.input(dims)))
    if not any(not o.constant for o in operands):
        operands[0] = g.input(operands[0].dims)
    g.node("Einsum", operands, equation=equation)


DRAWS = {
    unary: 10, contribUnary: 1, binary: 12, integer: 2, bits: 1, compare: 2,
    logical: 1, where: 3, clip: 2, cast: 3, transpose: 6, reshape: 5,
    reshapeComputed: 2, flatten: 1, squeeze: 3, expand: 2, tile: 2, concat: 4,
    split: 3, slice_: 4, pad: 3, depthSpace: 1, trilu: 1, gather: 3,
    gatherElements: 1, gatherNd: 1, oneHot: 1, argument: 2, range_: 1,
    constantOfShape: 1, eyeLike: 1, reduce: 7, softmax: 4, matmul: 8, gemm: 3,
    fusedMatmul: 1, einsum: 3,
}
