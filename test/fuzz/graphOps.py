# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Draws of graphs.py, first part: pointwise operators, types, reductions, and
# products of matrices. Each draw is a function that adds one node
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


def scalar64(g, number):
    return g.constant(np.array(number, np.int64))


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
    if op == "Hardmax" and not x.elements:
        raise Rejected("nothing is the largest")
    axis = g.rng.randrange(x.rank)
    g.node(op, [x], axis=negative(g, axis, x.rank))


# --- Products ----------------------------------------------------------------
def depthOf(g):
    if g.large:
        return g.pick((256, 500, 1024, 1500, 3000))
    return g.pick((1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 32, 33, 64, 65, 100,
                   128, 200, 300))


def rightOf(g, x, axis):
    """An operand with as many rows as X has on AXIS: constant or given."""
    rows = x.dims[axis]
    columns = g.pick((1, 2, 3, 8, 13, 16, 17, 32, 33, 64, 70))
    if g.large:
        columns = g.pick((1, 8, 65, 128, 130, 200))
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
        x = g.input(g.axisDims([g.pick((1, 2, 5, 17, 40)), depthOf(g)]))
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
    logical: 1, where: 3, clip: 2, cast: 3, reduce: 7, softmax: 4, matmul: 8,
    gemm: 3, fusedMatmul: 1, einsum: 3,
}
