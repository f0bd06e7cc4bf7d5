# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Draws of graphs.py, second part: operators that move elements, by shape or by
# index.

import numpy as np
from onnx import TensorProto, helper

from graphDraw import Rejected
from graphOps import BOOL, I32, I64, U8, negative, scalar, scalar64


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
    value = helper.make_tensor("value", *g.pick((
        (TensorProto.FLOAT, [1], [0.5]), (TensorProto.INT64, [1], [3]))))
    g.node("ConstantOfShape", [g.node("Shape", [x])], value=value)


def eyeLike(g):
    g.node("EyeLike", [g.operand(2, 2)], k=g.pick((-1, 0, 0, 2)),
           dtype=TensorProto.FLOAT)


DRAWS = {
    transpose: 6, reshape: 5, reshapeComputed: 2, flatten: 1, squeeze: 3,
    expand: 2, tile: 2, concat: 4, split: 3, slice_: 4, pad: 3, depthSpace: 1,
    trilu: 1, gather: 3, gatherElements: 1, gatherNd: 1, oneHot: 1,
    argument: 2, range_: 1, constantOfShape: 1, eyeLike: 1,
}
