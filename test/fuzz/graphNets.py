# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Draws of graphs.py, third part: convolutions, pools, norms, resizing, and the
# patterns of networks that compilers recover (attention, decomposed norms and
# activations, gates, residuals), now and then with a part that breaks the
# pattern: an inner value that is used elsewhere, too.

import math

import numpy as np
from onnx import TensorProto

from graphDraw import Rejected
from graphOps import negative, scalar, swapped

CHANNELS = (1, 2, 3, 4, 7, 8, 16, 17, 24, 33)


def image(g, low=3, high=5):
    """A value with channels and one to three spatial dimensions."""
    def fits(v):
        return (v.dims[1] and v.dims[1] <= 64 and v.elements
                and all(v.least(i) for i in range(v.rank)))
    if g.chance(0.7):
        found = g.find(lambda v: v.dtype == g.type and low <= v.rank <= high
                       and fits(v))
        if found:
            return found
    rank = g.pick([r for r in (3, 4, 4, 4, 5) if low <= r <= high])
    most = (30, 14, 6)[rank - 3]
    dims = [g.pick((1, 1, 2, 3)), g.pick(CHANNELS)]
    dims += [g.rng.randint(1, most) for _ in range(rank - 2)]
    if g.symbols and g.chance(0.5):
        dims[g.pick((0, *range(2, rank)))] = g.pick(g.symbols)
    made = g.input(dims)
    if not fits(made):
        raise Rejected("empty")
    return made


def window(g, x, most=5):
    """Attributes of a window that fits into the image without its padding:
    onnxruntime rounds towards zero where none fits, the standard down."""
    kernel = [g.rng.randint(1, min(most if x.rank < 5 else 3, x.least(i)))
              for i in range(2, x.rank)]
    attributes = {"kernel_shape": kernel}
    if g.chance(0.5):
        attributes["strides"] = [g.pick((1, 1, 2, 3)) for _ in kernel]
    if g.chance(0.2):
        # (Onnxruntime's padding is below zero where strides skip elements.)
        skips = any(s > k for s, k in zip(attributes.get("strides", []), kernel))
        attributes["auto_pad"] = "VALID" if skips else g.pick(
            ("SAME_UPPER", "SAME_LOWER", "VALID"))
    elif g.chance(0.6):
        attributes["pads"] = [g.rng.randint(0, k // 2) for k in kernel * 2]
    return attributes


def conv(g):
    x = image(g)
    channels = x.dims[1]
    group = g.pick([n for n in (1, 1, 1, 2, 3, 4, channels)
                    if channels % n == 0])
    outputs = group * g.pick((1, 1, 2, 3, 5, 8))
    if group == 1:
        outputs = g.pick(CHANNELS)
    attributes = window(g, x)
    if g.chance(0.2) and "auto_pad" not in attributes:
        attributes["dilations"] = [
            g.pick([d for d in (1, 2, 3) if (k - 1) * d < x.least(i + 2)])
            for i, k in enumerate(attributes["kernel_shape"])]
    shape = [outputs, channels // group, *attributes["kernel_shape"]]
    w = g.weights(shape) if g.chance(0.9) else g.input(shape)
    operands = [x, w]
    if g.chance(0.6):
        operands.append(g.weights([outputs], 1))
    if g.chance(0.3):
        del attributes["kernel_shape"]
    y = g.node("Conv", operands, group=group, **attributes)
    if g.chance(0.3):
        y = batchNorm(g, y)
    if g.chance(0.4):
        y = g.node(g.pick(("Relu", "Sigmoid", "HardSwish", "LeakyRelu"))
                   if g.opset >= 14 else "Relu", [y])
    if g.chance(0.3):
        g.node("Add", swapped(g, [y, g.beside(y)]))


def convTranspose(g):
    x = image(g)
    channels = x.dims[1]
    group = g.pick([n for n in (1, 1, 2, channels) if channels % n == 0])
    each = g.pick((1, 2, 3, 8))
    rank = x.rank - 2
    kernel = [g.rng.randint(1, 4 if rank < 3 else 3) for _ in range(rank)]
    attributes = {"strides": [g.pick((1, 2, 2, 3)) for _ in kernel]}
    if g.chance(0.5):
        attributes["pads"] = [g.rng.randint(0, k // 2) for k in kernel * 2]
    elif g.chance(0.3) and all(k >= s for k, s in zip(
            kernel, attributes["strides"])):
        # (Onnxruntime makes less than size * stride of a kernel below stride.)
        attributes["auto_pad"] = g.pick(("SAME_UPPER", "SAME_LOWER", "VALID"))
    if g.chance(0.3):
        attributes["output_padding"] = [g.rng.randint(0, s - 1)
                                        for s in attributes["strides"]]
    if g.chance(0.2):
        attributes["dilations"] = [g.pick((1, 2)) for _ in kernel]
    operands = [x, g.weights([channels, each, *kernel],
                             channels // group * math.prod(kernel))]
    if g.chance(0.6):
        operands.append(g.weights([each * group], 1))
    g.node("ConvTranspose", operands, group=group, **attributes)


def pool(g):
    op = g.pick(("MaxPool", "MaxPool", "AveragePool", "GlobalAveragePool",
                 "GlobalMaxPool", "GlobalLpPool"))
    x = image(g)
    if op.startswith("Global"):
        g.node(op, [x])
        return
    attributes = window(g, x)
    if g.chance(0.3):
        attributes["ceil_mode"] = 1
    if op == "AveragePool" and g.chance(0.5):
        attributes["count_include_pad"] = 1
    if op == "MaxPool" and g.chance(0.3) and "auto_pad" not in attributes:
        attributes["dilations"] = [
            g.pick([d for d in (1, 2) if (k - 1) * d < x.least(i + 2)])
            for i, k in enumerate(attributes["kernel_shape"])]
    g.node(op, [x], **attributes)


def resize(g):
    x = image(g)
    if g.chance(0.1):
        x = g.node("Cast", [x], to=TensorProto.INT32) if x.exact else x
    mode = g.pick(("nearest", "linear", "cubic"))
    # Onnxruntime interpolates two dimensions, cubic ones of images alone.
    spatial = 2 if mode == "cubic" else x.rank - 2
    coordinates = g.pick(("half_pixel", "asymmetric", "align_corners",
                          "pytorch_half_pixel"))
    attributes = {"mode": mode,
                  "coordinate_transformation_mode": coordinates}
    if mode == "nearest":
        attributes["nearest_mode"] = g.pick((
            "floor", "ceil", "round_prefer_floor", "round_prefer_ceil"))
    empty = g.constant(np.zeros(0, np.float32), 0)
    if g.chance(0.5):
        scales = [1, 1] + [g.pick((1, 2, 2, 0.5, 3, 1.5))
                           for _ in range(spatial)]
        g.node("Resize", [x, empty, g.constant(np.array(scales, np.float32))],
               **attributes)
    else:
        if None in x.dims[:2]:
            raise Rejected("sizes")
        sizes = x.dims[:2] + [g.rng.randint(1, 20) for _ in range(spatial)]
        if mode == "nearest":  # others lie on a border that roundings decide
            sizes = [d and d * g.pick((1, 2, 4)) for d in x.dims]
        if None in sizes:
            raise Rejected("sizes")
        g.node("Resize", [x, empty, None, g.integers(sizes)], **attributes)


# --- Norms -------------------------------------------------------------------
def batchNorm(g, x=None):
    x = x or image(g)
    channels = x.dims[1]
    if not channels:
        raise Rejected("channels")
    deviation = g.constant((g.numbers.integers(4, 17, [channels]) / 8)
                           .astype(x.dtype))
    return g.node("BatchNormalization",
                  [x, g.weights([channels], 1), g.weights([channels], 1),
                   g.weights([channels], 1), deviation])


# A large epsilon, for a row of equal numbers would blow up its roundings.
EPSILON = 0.0625


def norm(g):
    op = g.pick(("LayerNormalization", "LayerNormalization",
                 "InstanceNormalization", "GroupNormalization",
                 "RMSNormalization", "BatchNormalization",
                 "MeanVarianceNormalization", "LpNormalization", "LRN",
                 "SkipLayerNormalization", "SkipSimplifiedLayerNormalization"))
    if op == "BatchNormalization":
        batchNorm(g)
    elif op in ("LayerNormalization", "RMSNormalization"):
        x = g.operand(1, 4)
        axis = g.rng.randrange(x.rank)
        dims = x.dims[axis:]
        if None in dims or (op == "RMSNormalization" and g.opset < 23) \
                or g.opset < 17:
            raise Rejected("not here")
        operands = [x, g.weights(dims, 1)]
        if op == "LayerNormalization" and g.chance(0.7):
            operands.append(g.weights(dims, 1))
        g.node(op, operands, axis=negative(g, axis, x.rank), epsilon=EPSILON)
    elif op in ("InstanceNormalization", "GroupNormalization"):
        x = image(g)
        channels = x.dims[1]
        if op == "GroupNormalization" and g.opset < 21:
            raise Rejected("deprecated")
        if op == "InstanceNormalization":
            g.node(op, [x, g.weights([channels], 1), g.weights([channels], 1)],
                   epsilon=EPSILON)
            return
        groups = g.pick([n for n in (1, 2, 4, channels) if channels % n == 0])
        g.node(op, [x, g.weights([channels], 1), g.weights([channels], 1)],
               epsilon=EPSILON, num_groups=groups)
    elif op == "MeanVarianceNormalization":
        x = g.operand(4, 4)
        g.node(op, [x], axes=g.pick(([0, 2, 3], [1], [2, 3])))
    elif op == "LpNormalization":
        x = g.operand(1, 4)
        x = g.node("Add", [g.node("Abs", [x]), scalar(g, 0.5, x)])
        g.node(op, [x], axis=negative(g, g.rng.randrange(x.rank), x.rank),
               p=g.pick((1, 2)))
    elif op == "LRN":
        g.node(op, [image(g, 4, 4)], size=g.pick((1, 3, 5)), alpha=0.125,
               beta=0.75)
    else:
        x = g.operand(3, 3, lambda v: v.dims[-1] and v.dims[-1] > 1)
        dims = [g.symbolOf(s) for s in zip(*(a.shape for a in x.arrays))]
        if None in dims:
            raise Rejected("no such input")
        operands = [x, g.input(dims), g.weights(dims[2:], 1)]
        if op == "SkipLayerNormalization" and g.chance(0.5):
            operands.append(g.weights(dims[2:], 1))
        g.node(op, operands, "com.microsoft", epsilon=EPSILON)


# --- Patterns ----------------------------------------------------------------
def axesOf(g, op, x, axes, **attributes):
    """A reduction, its axes as this opset wants them."""
    if op == "ReduceSum" or g.opset >= 18:
        return g.node(op, [x, g.integers(axes)], **attributes)
    return g.node(op, [x], axes=axes, **attributes)


def masked(g, scores, dims):
    """Scores of queries and keys with what hides some: numbers to add, a low
    number or -Inf in their place, or all keys behind the query."""
    kind = g.pick(("none", "add", "where", "where", "causal"))
    low = g.pick((-np.inf, np.finfo(scores.dtype).min, -1e4))
    batch, heads, rows, length = dims
    if kind == "add":
        dims = g.pick(([batch, 1, 1, length], [rows, length], dims,
                       [1, 1, rows, length]))
        return g.node("Add", swapped(g, [scores, g.input(dims)]))
    if kind == "where":
        dims = g.pick(([batch, 1, 1, length], [rows, length], dims))
        mask = g.input(dims, np.bool_)
        with g.anyNumbers():
            return g.nodes_("Where", [mask, *swapped(g, [scores, g.constant(
                np.array(low, scores.dtype))])])[0]
    if kind == "causal" and not isinstance(length, str):
        mask = np.triu(np.full((rows, length), low, scores.dtype), 1)
        with g.anyNumbers():
            return g.nodes_("Add", [scores, g.constant(np.nan_to_num(
                mask, nan=0.0, neginf=low))])[0]
    return scores


def attention(g):
    """Softmax of scaled, masked products of queries and keys, times values."""
    batch, heads = g.pick((1, 2)), g.pick((1, 2, 3))
    rows, columns = g.pick((1, 3, 8, 17)), g.pick((1, 4, 16, 19))
    depth, width = g.pick((4, 8, 16, 20)), g.pick((4, 8, 17))
    length = g.pick(g.symbols) if g.symbols and g.chance(0.6) else columns
    if 0 in g.symbols.get(length, ()):
        raise Rejected("no keys")
    q = g.input([batch, heads, rows, depth])
    k = g.input([batch, heads, length, depth])
    v = g.input([batch, heads, length, width])
    turned = g.node("Transpose", [k], perm=[0, 1, 3, 2])
    scale = scalar(g, 0.25, q)
    if g.chance(0.5):
        q = g.node("Mul", [q, scale])
        scores = g.node("MatMul", [q, turned])
    else:
        scores = g.node("MatMul", [q, turned])
        scores = g.node(*g.pick((("Mul", [scores, scale]),
                                 ("Div", [scores, scalar(g, 4, q)]))))
    scores = masked(g, scores, [batch, heads, rows, length])
    weights = g.node("Softmax", [scores], axis=g.pick((-1, 3)))
    y = g.node("MatMul", [weights, v])
    if g.chance(0.5):
        y = g.node("Transpose", [y], perm=[0, 2, 1, 3])
        g.node("Reshape", [y, g.integers([0, 0, -1])])
    if g.chance(0.15):
        g.node("ReduceSum", [weights, g.integers([-1])])


def layerNormParts(g):
    x = g.operand(2, 4, lambda v: v.dims[-1] and v.elements)
    axes = [-1]
    mean = axesOf(g, "ReduceMean", x, axes)
    centered = g.node("Sub", [x, mean])
    square = (g.node("Mul", [centered, centered]) if g.chance(0.5) else
              g.node("Pow", [centered, scalar(g, 2, x)]))
    variance = axesOf(g, "ReduceMean", square, axes)
    root = g.node("Sqrt", [g.node("Add", [variance,
                                          scalar(g, EPSILON, x)])])
    y = g.node("Div", [centered, root])
    if g.chance(0.8):
        y = g.node("Mul", swapped(g, [y, g.weights([x.dims[-1]], 1)]))
    if g.chance(0.8):
        y = g.node("Add", swapped(g, [y, g.weights([x.dims[-1]], 1)]))
    if g.chance(0.15):
        g.node("Relu", [g.pick((mean, centered, root))])


def rmsNormParts(g):
    x = g.operand(2, 4, lambda v: v.dims[-1] and v.elements)
    square = g.node("Pow", [x, scalar(g, 2, x)])
    mean = axesOf(g, "ReduceMean", square, [-1])
    root = g.node("Sqrt", [g.node("Add", [mean, scalar(g, EPSILON, x)])])
    y = g.node("Mul", [x, g.node("Reciprocal", [root])])
    g.node("Mul", swapped(g, [y, g.weights([x.dims[-1]], 1)]))


def softmaxParts(g):
    x = g.operand(1, 4, lambda v: v.elements)
    axes = [g.rng.randrange(x.rank)]
    most = axesOf(g, "ReduceMax", x, axes)
    e = g.node("Exp", [g.node("Sub", [x, most])])
    g.node("Div", [e, axesOf(g, "ReduceSum", e, axes)])


def geluParts(g):
    x = g.operand()
    kind = g.pick(("erf", "tanh", "swish", "sigmoid"))
    if kind == "erf":
        e = g.node("Erf", [g.node("Div", [x, scalar(g, math.sqrt(2), x)])])
        e = g.node("Add", [e, scalar(g, 1, x)])
        y = g.node("Mul", swapped(g, [x, e]))
        g.node("Mul", swapped(g, [y, scalar(g, 0.5, x)]))
    elif kind == "tanh":
        cube = g.node("Pow", [x, scalar(g, 3, x)])
        inner = g.node("Add", [x, g.node("Mul", [cube,
                                                 scalar(g, 0.044715, x)])])
        inner = g.node("Mul", [inner, scalar(g, math.sqrt(2 / math.pi), x)])
        t = g.node("Add", [g.node("Tanh", [inner]), scalar(g, 1, x)])
        g.node("Mul", [g.node("Mul", [x, scalar(g, 0.5, x)]), t])
    elif kind == "swish":
        g.node("Mul", swapped(g, [x, g.node("Sigmoid", [x])]))
    else:
        y = g.node("Clip", [g.node("Add", [x, scalar(g, 3, x)]),
                            scalar(g, 0, x), scalar(g, 6, x)])
        g.node("Div", [y, scalar(g, 6, x)])


def gate(g):
    """Squeeze and excite: a pool, a small network, and a product with it."""
    x = image(g, 4, 4)
    channels = x.dims[1]
    s = (g.node("GlobalAveragePool", [x]) if g.chance(0.5) else
         axesOf(g, "ReduceMean", x, [2, 3], keepdims=1))
    inner = max(1, channels // 4)
    s = g.node("Relu", [g.node("Conv", [s, g.weights(
        [inner, channels, 1, 1])])])
    s = g.node("Conv", [s, g.weights([channels, inner, 1, 1])])
    g.node("Mul", swapped(g, [x, g.node("Sigmoid", [s])]))


def heads(g):
    """A projection, parted into heads and put together again."""
    batch, rows, count, depth = (g.pick((1, 2)), g.pick((1, 5, 16)),
                                 g.pick((2, 4)), g.pick((4, 8)))
    x = g.input([batch, rows, count * depth])
    p = g.node("MatMul", [x, g.weights([count * depth, 3 * count * depth],
                                       count * depth)])
    parts = g.nodes_("Split", [p, g.integers([count * depth] * 3)], 3, axis=2)
    split = [g.node("Transpose", [g.node("Reshape", [part, g.integers(
        [0, 0, count, depth])])], perm=[0, 2, 1, 3]) for part in parts]
    k = g.node("Transpose", [split[1]], perm=[0, 1, 3, 2])
    w = g.node("Softmax", [g.node("Mul", [g.node("MatMul", [split[0], k]),
                                          scalar(g, depth ** -0.5, x)])],
               axis=-1)
    y = g.node("Transpose", [g.node("MatMul", [w, split[2]])],
               perm=[0, 2, 1, 3])
    y = g.node("Reshape", [y, g.integers([0, 0, count * depth])])
    g.node("Add", [x, y])


def rotary(g):
    """Rotary embedding: halves turned by sines and cosines."""
    x = g.operand(2, 4, lambda v: v.dims[-1] and v.dims[-1] % 2 == 0)
    half = x.dims[-1] // 2
    a, b = g.nodes_("Split", [x, g.integers([half, half])], 2, axis=-1)
    turned = g.node("Concat", [g.node("Neg", [b]), a], axis=-1)
    cosine, sine = (g.weights([2 * half], 1) for _ in range(2))
    g.node("Add", [g.node("Mul", [x, cosine]), g.node("Mul", [turned, sine])])


def residual(g):
    x = g.operand(2, 4, lambda v: v.dims[-1] and v.elements)
    width = x.dims[-1]
    y = g.node("MatMul", [x, g.weights([width, width], width)])
    y = g.node(g.pick(("Relu", "Tanh", "Sigmoid")), [y])
    g.node("Add", swapped(g, [x, y]))


def shuffle(g):
    """Dimensions parted, turned, and merged: channel shuffles, windows."""
    x = g.operand(2, 4, lambda v: None not in v.dims and 0 not in v.dims)
    axis = g.rng.randrange(x.rank)
    parts = [n for n in range(1, x.dims[axis] + 1) if x.dims[axis] % n == 0]
    n = g.pick(parts)
    dims = [*x.dims[:axis], n, x.dims[axis] // n, *x.dims[axis + 1:]]
    order = list(range(len(dims)))
    g.rng.shuffle(order)
    y = g.node("Transpose", [g.node("Reshape", [x, g.integers(dims)])],
               perm=order)
    y = g.node(*g.pick((("Identity", [y]), ("Relu", [y]))))
    merge = g.rng.randrange(len(dims) - 1)
    dims = [dims[i] for i in order]
    dims[merge:merge + 2] = [dims[merge] * dims[merge + 1]]
    g.node("Reshape", [y, g.integers(dims)])


def roll(g):
    x = g.operand(1, 4, lambda v: all(v.least(i) > 1 for i in range(v.rank)))
    axis = g.rng.randrange(x.rank)
    cut = g.rng.randint(1, x.least(axis) - 1)
    parts = [g.node("Slice", [x, g.integers([a]), g.integers([b]),
                              g.integers([axis])])
             for a, b in ((cut, 2 ** 62), (0, cut))]
    g.node("Concat", parts, axis=axis)


def convOf(g, x, outputs, kernel=1, group=1, **attributes):
    w = g.weights([outputs, x.dims[1] // group, kernel, kernel])
    operands = [x, w] + ([g.weights([outputs], 1)] if g.chance(0.5) else [])
    return g.node("Conv", operands, group=group,
                  pads=[kernel // 2] * 4, **attributes)


def tokens(g, x):
    """Pixels as rows: a norm or a product, and back to an image."""
    channels = x.dims[1]
    y = g.node("Transpose", [x], perm=[0, 2, 3, 1])
    if g.opset >= 17 and g.chance(0.5):
        y = g.node("LayerNormalization", [y, g.weights([channels], 1)],
                   epsilon=EPSILON)
    else:
        y = g.node("MatMul", [y, g.weights([channels] * 2, channels)])
    return g.node("Transpose", [y], perm=[0, 3, 1, 2])


def channelsOf(g, x):
    """Some of the channels."""
    first = g.rng.randrange(x.dims[1])
    return g.node("Slice", [x, g.integers([first]),
                            g.integers([g.pick((x.dims[1], 2 ** 62))]),
                            g.integers([1])])


def parted(g, x):
    first = g.pick((1, 8, x.dims[1] // 2))
    if not 0 < first < x.dims[1]:
        raise Rejected("channels")
    a, b = g.nodes_("Split", [x, g.integers([first, x.dims[1] - first])], 2,
                    axis=1)
    a = g.node("Relu", [a])
    return g.node("Concat", swapped(g, [a, b]), axis=1)


def classified(g, x):
    y = g.node("Flatten", [g.node("GlobalAveragePool", [x])], axis=1)
    g.node("Gemm", [y, g.weights([x.dims[1], 5], x.dims[1])])
    return x


def averaged(g, x):
    if min(x.least(2), x.least(3)) < 2:
        raise Rejected("the window does not fit")
    return g.node("AveragePool", [x], kernel_shape=[2, 2],
                  strides=g.pick(([1, 1], [2, 2])))


STEPS = (
    lambda g, x: g.node("Relu", [x]),
    lambda g, x: g.node("Mul", [x, g.node("Sigmoid", [x])]),
    lambda g, x: g.node("Add", swapped(g, [x, g.weights([x.dims[1], 1, 1], 1)])),
    lambda g, x: g.node("PRelu", [x, g.weights([x.dims[1], 1, 1], 1)]),
    lambda g, x: g.node("Add", [x, convOf(g, x, x.dims[1], 3)]),
    lambda g, x: convOf(g, x, g.pick((1, 3, 8, 16, 24, 40))),
    lambda g, x: convOf(g, x, g.pick((8, 16)), 3, strides=[2, 2]),
    lambda g, x: convOf(g, x, x.dims[1], g.pick((3, 5)), x.dims[1]),
    lambda g, x: g.node("Concat", [x, convOf(g, x, g.pick((3, 8, 16)))], axis=1),
    lambda g, x: g.node("MaxPool", [x], kernel_shape=[3, 3], pads=[1] * 4,
                        strides=g.pick(([1, 1], [2, 2]))),
    averaged,
    lambda g, x: g.node("Resize", [x, None, g.constant(
        np.array([1, 1, 2, 2], np.float32), 0)], mode="nearest",
        nearest_mode="floor", coordinate_transformation_mode="asymmetric"),
    lambda g, x: g.node("Pad", [x, g.integers([0, 0, 1, 0, 0, 0, 0, 2])]),
    lambda g, x: g.node("Softmax", [x], axis=1),
    lambda g, x: g.node("Transpose", [x], perm=[0, 1, 3, 2]),
    lambda g, x: batchNorm(g, x), tokens, channelsOf, parted, classified,
)


def network(g):
    """A small convolutional network: what a blocked layout has to survive."""
    x = image(g, 4, 4)
    x = convOf(g, x, g.pick((8, 16, 16, 24, 20)), g.pick((1, 3)))
    for _ in range(g.rng.randint(1, 5)):
        x = g.pick(STEPS)(g, x)


DRAWS = {
    shuffle: 2, roll: 1, network: 4,
    conv: 7, convTranspose: 3, pool: 4, resize: 3, norm: 6, attention: 2,
    layerNormParts: 2, rmsNormParts: 1, softmaxParts: 1, geluParts: 2, gate: 1,
    heads: 1, rotary: 1, residual: 2,
}
