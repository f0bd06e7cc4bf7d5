# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Reductions and softmax over any axes, argmax and transposes on the simulated
# GPU against float64, as cudaRows.py does for rows: three schedules, all checks,
# the same bits each time, no bank conflicts, no sector of aligned columns asked
# for in vain. Few results of many elements are spread over many blocks. Schedules
# of every kind are pinned, too.

import json
import os
import pathlib
import sys

import numpy as np
from onnx import TensorProto

import common
from common import Failed
from cudaRows import (F32, STEPS, TYPES, Net, known, opened, sample, softmaxOf,
                      wide)


def softmaxes(type, shapes):
    def build():
        net = Net()
        kind = TYPES[type][1]
        for number, (shape, axis) in enumerate(shapes):
            name = f"s{number}"
            x = net.input(name, sample(net.random, shape, type), kind)
            if number == 0 and x.size:
                x[..., 0] = -np.inf  # whole columns without a maximum
                x[:, 1, 1] = -np.inf
            for op in ("Softmax", "LogSoftmax"):
                net.input(name + op + "x", x, kind)
                net.node(op, [name + op + "x"], name + op, axis=axis)
                y, bound = softmaxOf(wide(x), axis, type)
                if op == "LogSoftmax":
                    with np.errstate(divide="ignore", invalid="ignore"):
                        y = np.log(y)
                        bound = (np.abs(y) * (TYPES[type][2] + 4 * F32)
                                 + F32 * STEPS)
                net.output(name + op, kind, y, bound)
            del net.feeds[name], net.inputs[-3]
        return net
    return build


REDUCE = {"ReduceSum": np.sum, "ReduceMean": np.mean, "ReduceMax": np.max,
          "ReduceMin": np.min,
          "ReduceL1": lambda x, axis, keepdims: np.sum(np.abs(x), axis,
                                                       keepdims=keepdims),
          "ReduceL2": lambda x, axis, keepdims: np.sqrt(
              np.sum(x ** 2, axis, keepdims=keepdims))}


def reduction(net, title, op, value, kind, axes, keep, unit, dims=None,
              out=None):
    net.input(title + "x", value, kind, dims)
    if title + "axes" not in net.names:
        net.weight(title + "axes", np.array(axes, "int64"))
    net.node(op, [title + "x", title + "axes"], title, keepdims=keep)
    v = wide(value)
    expected = np.asarray(REDUCE[op](v, axis=tuple(axes), keepdims=bool(keep)))
    size = np.asarray(REDUCE["ReduceSum"](np.abs(v), axis=tuple(axes),
                                          keepdims=bool(keep)))
    count = max(v.size // max(expected.size, 1), 1)
    if op == "ReduceMean":
        size = size / count
    elif op != "ReduceSum":
        size = np.abs(expected)
    if op in ("ReduceMax", "ReduceMin"):
        bound = 0
    else:
        steps = STEPS + 64 + count / 256
        bound = np.abs(expected) * unit + F32 * steps * size
    net.output(title, kind, expected, bound if unit else 0, out)


def reductions(type, cases):
    def build():
        net = Net()
        for number, (op, shape, axes, keep) in enumerate(cases):
            value = sample(net.random, shape, type, 0.5)
            reduction(net, f"r{number}", op, value, TYPES[type][1], axes, keep,
                      TYPES[type][2])
        return net
    return build


CASES = [("ReduceSum", [50, 96], [0], 0), ("ReduceMean", [4, 50, 33], [1], 1),
         ("ReduceMax", [3, 17, 64], [1], 0), ("ReduceL2", [9, 40, 8], [1], 0),
         ("ReduceMin", [2, 3, 4, 5, 8], [1, 3], 0),
         ("ReduceMean", [4, 6, 32], [0, 2], 1),
         ("ReduceSum", [8, 3, 7, 7], [0, 2, 3], 0),
         ("ReduceMean", [2, 5, 7, 7], [2, 3], 0),
         ("ReduceL1", [5, 1, 16, 1], [1, 2], 1),
         ("ReduceMean", [5, 33, 1], [1], 0), ("ReduceSum", [7, 1, 1], [0], 0),
         ("ReduceMax", [1, 300, 1, 40], [1, 2], 1),
         ("ReduceSum", [0, 40], [0], 0), ("ReduceSum", [6, 0, 4], [1], 0)]


def aligned(type):
    """Columns that are whole vectors, with few rows and with many, where threads
    take as many as 16 bytes hold."""
    def build():
        net = reductions(type, [("ReduceSum", [50, 96], [0], 0),
                                ("ReduceMean", [3, 100, 128], [1], 1),
                                ("ReduceMax", [2, 9, 4, 64], [1], 0)])()
        vector = 4 if type == "f32" else 8
        net.pins = [("*", f"columns<vector {vector}, warps 4, parts 1>")]
        return net
    return build


# One block would do all of the work.
SPLIT = [("ReduceMean", [300, 400], [0, 1], 0),
         ("ReduceMax", [2, 50000], [1], 1),
         ("ReduceSum", [9000, 8], [0], 0), ("ReduceL2", [4000, 33], [0], 0),
         ("ReduceSum", [2, 60, 50, 64], [1, 2], 0)]


def split(tools, driver, folder, build):
    text = known(tools, driver, folder, build)
    kernels = json.loads((folder / "report.json").read_text())["kernels"]
    for kernel in kernels:
        if "combine" not in kernel["kernel"] and kernel["blocks"] < 8:
            raise Failed(f"{kernel['kernel']} has {kernel['blocks']} blocks")
    if not any("combine" in kernel["kernel"] for kernel in kernels):
        raise Failed("nothing was split")
    return text


def numbers():
    """Reductions of integers and of doubles, along rows and columns, one large
    enough to be split."""
    net = Net()
    for number, kind, ops in (
            (np.int32, TensorProto.INT32, ("ReduceSum", "ReduceMax")),
            (np.int64, TensorProto.INT64, ("ReduceSum", "ReduceMin")),
            (np.int8, TensorProto.INT8, ("ReduceMax", "ReduceMin")),
            (np.uint8, TensorProto.UINT8, ("ReduceMax",)),
            (np.float64, TensorProto.DOUBLE, ("ReduceSum", "ReduceMean"))):
        for op in ops:
            for shape, axis in (([6, 70], 1), ([70, 48], 0), ([1, 9000], 1)):
                title = f"{op}{np.dtype(number).name}{shape[0]}"
                low = 0 if number == np.uint8 else -100
                value = net.random.integers(low, 100, shape).astype(number)
                reduction(net, title, op, value, kind, [axis], 0,
                          2.0 ** -50 if number == np.float64 else 0)
    return net


def openReductions(shape, schedule=None):
    net = Net()
    net.pins = [("*", schedule)] if schedule else []
    dims = ["a", "b", "c"]
    for axis, out in ((0, ["b", "c"]), (1, ["a", "c"]), (2, ["a", "b"])):
        value = sample(net.random, shape, "f32")
        reduction(net, f"r{axis}", "ReduceSum",
                  value, TensorProto.FLOAT, [axis], 0, F32, dims, out)
    x = net.input("x", sample(net.random, shape, "f32"), TensorProto.FLOAT,
                  dims)
    net.node("Softmax", ["x"], "y", axis=1)
    net.output("y", TensorProto.FLOAT, *softmaxOf(wide(x), 1, "f32"), dims)
    return net


def arguments(type):
    def build():
        net = Net()
        number, kind, _, _ = TYPES[type]
        for width in (1, 3, 32, 100, 1000, 5000):
            # Few different values: which of the equal ones counts.
            value = net.random.integers(-3, 4, [7, width]).astype(number)
            if width > 3:
                value[1, 2] = np.nan
                value[2, 0] = np.nan
                value[3] = np.nan
                value[4] = -np.inf
                value[5] = np.inf
            for op, pick in (("ArgMax", np.argmax), ("ArgMin", np.argmin)):
                for last in (0, 1):
                    title = f"{op}{width}_{last}"
                    net.input(title + "x", value, kind)
                    net.node(op, [title + "x"], title, axis=1, keepdims=last,
                             select_last_index=last)
                    v = wide(value)
                    # Never what is not a number, unless it comes first.
                    v = np.where(np.isnan(v), -np.inf if op == "ArgMax"
                                 else np.inf, v)
                    found = (pick(v, 1) if not last
                             else width - 1 - pick(v[:, ::-1], 1))
                    if width > 3:
                        found[[2, 3]] = 0
                        if last and op == "ArgMax":
                            found[4] = width - 1
                    net.output(title, TensorProto.INT64,
                               found[:, None] if last else found, 0)
        return net
    return build


def integerArguments():
    net = Net()
    for number, kind in ((np.int32, TensorProto.INT32),
                         (np.int64, TensorProto.INT64),
                         (np.uint8, TensorProto.UINT8)):
        value = net.random.integers(0, 9, [40, 24]).astype(number)
        value[3] = 0
        title = np.dtype(number).name
        net.input(title + "x", value, kind)
        net.node("ArgMax", [title + "x"], title, axis=1, keepdims=0)
        net.output(title, TensorProto.INT64, np.argmax(value, 1), 0)
    return net


def groups():
    """Norms whose rows are split dimensions, as GroupNorm has them."""
    net = Net()
    value = sample(net.random, [2, 6, 5, 7], "f32", 2.0)
    scale = net.weight("scale", sample(net.random, [6], "f32"))
    bias = net.weight("bias", sample(net.random, [6], "f32"))
    for title, count in (("instance", 6), ("group", 2)):
        net.input(title + "x", value, TensorProto.FLOAT)
        v = wide(value).reshape(2, count, -1)
        mean = v.mean(-1, keepdims=True)
        factor = 1 / np.sqrt(v.var(-1, keepdims=True) + 1e-5)
        y = ((v - mean) * factor).reshape(value.shape)
        y = y * wide(scale)[:, None, None] + wide(bias)[:, None, None]
        if title == "instance":
            net.node("InstanceNormalization", [title + "x", "scale", "bias"],
                     title, epsilon=1e-5)
        else:
            net.weight("shape", np.array([2, 2, -1], "int64"))
            net.weight("ones", np.ones([105], "float32"))
            net.weight("back", np.array([2, 6, 5, 7], "int64"))
            net.weight("s4", scale[:, None, None])
            net.weight("b4", bias[:, None, None])
            net.node("Reshape", [title + "x", "shape"], "g1")
            net.node("LayerNormalization", ["g1", "ones"], "g2", axis=-1)
            net.node("Reshape", ["g2", "back"], "g3")
            net.node("Mul", ["g3", "s4"], "g4")
            net.node("Add", ["g4", "b4"], title)
        net.output(title, TensorProto.FLOAT, y, F32 * STEPS * (np.abs(y) + 8))
    return net


# Turned so that another dimension becomes the innermost.
TRANSPOSES = [([64, 96], [1, 0]), ([33, 70], [1, 0]), ([128, 64], [1, 0]),
              ([2, 24, 14, 14], [0, 2, 3, 1]), ([2, 9, 7, 16], [0, 3, 1, 2]),
              ([3, 40, 50], [2, 1, 0]), ([5, 1, 45, 12], [3, 2, 1, 0])]


def transposes(number, kind, cases=TRANSPOSES):
    """Plain, and with an operand beside the turned one."""
    def build():
        net = Net()
        for i, (shape, order) in enumerate(cases):
            value = net.random.integers(0, 100, shape).astype(number)
            net.input(f"x{i}", value, kind)
            net.node("Transpose", [f"x{i}"], f"y{i}", perm=order)
            turned = wide(value).transpose(order)
            net.output(f"y{i}", kind, turned, 0)
            other = net.random.integers(0, 100, turned.shape).astype(number)
            net.input(f"a{i}", value, kind)
            net.input(f"b{i}", other, kind)
            net.node("Transpose", [f"a{i}"], f"t{i}", perm=order)
            net.node("Sub", [f"t{i}", f"b{i}"], f"s{i}")
            net.node("Add", [f"s{i}", f"b{i}"], f"z{i}")
            net.output(f"z{i}", kind, turned, 0)
        return net
    return build


def openTranspose(shape):
    net = Net()
    value = net.random.standard_normal(shape).astype("float16")
    net.input("x", value, TensorProto.FLOAT16, ["n", "a", "b"])
    net.node("Transpose", ["x"], "y", perm=[0, 2, 1])
    net.output("y", TensorProto.FLOAT16, wide(value).transpose(0, 2, 1), 0,
               ["n", "b", "a"])
    return net


def pinnedColumns():
    """Vectors, warps that share rows, blocks that share them: some have none;
    searched rows; tiles; anchors by their definition."""
    net = Net()
    number = 0

    def pin(node, schedule):
        nonlocal number
        number += 1
        net.pins.append((node, schedule))

    for vector in (1, 2, 4):
        for warps in (1, 2, 8):
            for parts in (1, 3, 40):
                name = f"r{number}"
                reduction(net, name, ("ReduceSum", "ReduceMax")[number % 2],
                          sample(net.random, [50, 36], "f32"),
                          TensorProto.FLOAT, [0], 0, F32)
                pin(name, f"columns<vector {vector}, warps {warps}, parts "
                          f"{parts}>")
            for op in ("Softmax", "LogSoftmax"):
                name = f"s{number}"
                x = net.input(name + "x", sample(net.random, [2, 9, 12], "f32"),
                              TensorProto.FLOAT)
                net.node(op, [name + "x"], name, axis=1)
                y, bound = softmaxOf(wide(x), 1, "f32")
                if op == "LogSoftmax":
                    y, bound = np.log(y), (np.abs(np.log(y)) * 5 + STEPS) * F32
                net.output(name, TensorProto.FLOAT, y, bound)
                pin(name, f"columns<vector {vector}, warps {warps}, parts 1>")
    for title, shape, axes in (("one", [1, 20], [0]), ("none", [0, 20], [0]),
                               ("no_columns", [20, 0], [0])):
        reduction(net, title, "ReduceSum", sample(net.random, shape, "f32"),
                  TensorProto.FLOAT, axes, 0, F32)
        pin(title, "columns<vector 1, warps 8, parts 1>")
    for threads in (1, 8, 32, 64, 512):
        for vector in (1, 4):
            name = f"a{number}"
            value = net.random.integers(-3, 4, [7, 52]).astype("float32")
            net.input(name + "x", value, TensorProto.FLOAT)
            net.node("ArgMax", [name + "x"], name, axis=1, keepdims=0)
            net.output(name, TensorProto.INT64, np.argmax(value, 1), 0)
            pin(name, f"argrows<threads {threads}, vector {vector}>")
    for kind, type in ((TensorProto.FLOAT, np.float32),
                       (TensorProto.FLOAT16, np.float16),
                       (TensorProto.INT64, np.int64),
                       (TensorProto.UINT8, np.uint8)):
        for schedule in ("transpose<tile 64, warps 4>",
                         "transpose<tile 64, warps 16>",
                         "transpose<tile 32, warps 1>",
                         "transpose<tile 32, warps 16>",
                         "pointwise<vector 1, threads 64>"):
            name = f"t{number}"
            value = net.random.integers(0, 100, [3, 70, 42]).astype(type)
            net.input(name + "x", value, kind)
            net.node("Transpose", [name + "x"], name, perm=[0, 2, 1])
            net.output(name, kind, wide(value).transpose(0, 2, 1), 0)
            pin(name, schedule)
    for threads in (32, 256):
        name = f"m{number}"
        value = sample(net.random, [2, 3, 9, 7], "f32")
        net.input(name + "x", value, TensorProto.FLOAT)
        net.node("MaxPool", [name + "x"], name, kernel_shape=[2, 2],
                 strides=[2, 2])
        net.output(name, TensorProto.FLOAT,
                   wide(value)[:, :, :8, :6].reshape(2, 3, 4, 2, 3, 2)
                   .max((3, 5)), 0)
        pin(name, f"scalar<threads {threads}>")
    return net


def coalesced(tools, driver, folder, build):
    """Both sides of a turn of aligned sizes in as many sectors as it has."""
    text = known(tools, driver, folder, build)
    for kernel in json.loads((folder / "report.json").read_text())["kernels"]:
        count = kernel["global"]
        if count["sectors"] > count["requestedSectors"]:
            raise Failed(f"{kernel['kernel']}: {count['sectors']} sectors for "
                         f"{count['bytes']} bytes")
    return text


def main():
    args = common.arguments("reductions over any axes on the simulated GPU")
    tools = common.Tools(args.bin)
    driver = common.simulator(tools)
    report = common.Report("cudaColumns")
    shapes = [([3, 40, 16], 1), ([5, 48], 0), ([2, 33, 5, 8], 1),
              ([1, 1000, 12], 1), ([2, 3, 7], 1), ([2, 5, 1], 1)]
    openShapes = [[3, 40, 8], [2, 5, 7], [1, 1, 1], [4, 100, 33], [2, 0, 4]]
    with common.workFolder() as work:
        place = (tools, driver, pathlib.Path(work))
        for type in TYPES:
            report.check(f"softmax over columns of {type}", known, *place,
                         softmaxes(type, shapes))
            report.check(f"reductions of {type}", known, *place,
                         reductions(type, CASES))
            report.check(f"aligned columns of {type}", known, *place,
                         aligned(type), True)
            report.check(f"argmax and argmin of {type}", known, *place,
                         arguments(type))
        report.check("split reductions", split, *place,
                     reductions("f32", SPLIT))
        report.check("split reductions of f16", split, *place,
                     reductions("f16", SPLIT[:1] + SPLIT[3:]))
        report.check("integers and doubles", known, *place, numbers)
        report.check("argmax of integers", known, *place, integerArguments)
        for number, kind in ((np.float32, TensorProto.FLOAT),
                             (np.float16, TensorProto.FLOAT16),
                             (np.int64, TensorProto.INT64),
                             (np.uint8, TensorProto.UINT8)):
            report.check(f"transposes of {np.dtype(number).name}", known,
                         *place, transposes(number, kind))
            report.check(f"aligned transposes of {np.dtype(number).name}",
                         coalesced, *place,
                         transposes(number, kind, [([64, 128], [1, 0]),
                                                   ([2, 64, 8, 8],
                                                    [0, 2, 3, 1])]))
        report.check("open transpose", opened, *place, openTranspose,
                     [[2, 64, 32], [1, 33, 35], [3, 1, 5], [0, 4, 4]])
        report.check("pinned schedules", known, *place, pinnedColumns)
        report.check("pinned open columns", opened, *place,
                     lambda shape: openReductions(
                         shape, "columns<vector 4, warps 2, parts 1>"),
                     openShapes)
        report.check("groups", known, *place, groups)
        report.check("open sizes", opened, *place, openReductions, openShapes)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
