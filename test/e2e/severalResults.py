# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Pointwise kernels with several results, on the CPU and on the simulated GPU
# (all checks, three orders), against float64: the state of an LSTM, results of
# different types, values that are used inside and outside, broadcasts, sizes
# that no vector divides, sizes that are open, channel blocks with a halo.

import pathlib
import sys

import numpy as np
from onnx import TensorProto, helper

import common
import cudaRows
from common import Failed
from cudaRows import F32, TYPES, Net, sample, wide

# Functions of a few roundings each, in a chain of three.
STEPS = 64


def bound(value, type):
    _, _, unit, tiny = TYPES[type]
    return np.abs(value) * (unit + F32 * STEPS) + unit + tiny


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def cell(type, shape, dims=None):
    """c = f c0 + i g, h = o tanh(c): the gates are slices of one product."""
    number, kind, _, _ = TYPES[type]
    net = Net()
    width = shape[-1]
    gates = net.input("gates", sample(net.random, [*shape[:-1], 4 * width],
                                      type), kind,
                      dims and [*dims[:-1], 4 * width])
    c0 = net.input("c0", sample(net.random, shape, type), kind, dims)
    for i, name in enumerate("ifgo"):
        for end, value in (("start", i * width), ("end", (i + 1) * width)):
            net.weight(name + end, np.array([value], "int64"))
    net.weight("last", np.array([-1], "int64"))
    for name in "ifgo":
        net.node("Slice", ["gates", name + "start", name + "end", "last"],
                 name + "gate")
        net.node("Tanh" if name == "g" else "Sigmoid", [name + "gate"], name)
    net.node("Mul", ["f", "c0"], "kept")
    net.node("Mul", ["i", "g"], "new")
    net.node("Add", ["kept", "new"], "c")
    net.node("Tanh", ["c"], "t")
    net.node("Mul", ["o", "t"], "h")
    i, f, g, o = np.split(wide(gates), 4, axis=-1)
    c = sigmoid(f) * wide(c0) + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
    # Of two terms, each rounded.
    size = np.abs(sigmoid(f) * wide(c0)) + np.abs(sigmoid(i) * np.tanh(g))
    net.output("c", kind, c, bound(size, type), dims)
    net.output("h", kind, h, bound(size, type), dims)
    return net


def mixed(shape, dims=None):
    """Sine, cosine, a comparison and a count of one tensor and a row."""
    net = Net()
    b = net.weight("b", sample(net.random, shape[-1:], "f32"))
    x = net.input("x", sample(net.random, shape, "f32"), TensorProto.FLOAT,
                  dims)
    net.node("Add", ["x", "b"], "sum")
    net.node("Sin", ["sum"], "sin")
    net.node("Cos", ["sum"], "cos")
    net.node("Less", ["x", "b"], "less")
    net.node("Cast", ["sum"], "half", to=TensorProto.FLOAT16)
    y = wide(x) + wide(b)
    # The sum is rounded before: that much the argument is off.
    near = np.abs(y) * F32 + F32 * STEPS
    net.output("sin", TensorProto.FLOAT, np.sin(y), near, dims)
    net.output("cos", TensorProto.FLOAT, np.cos(y), near, dims)
    net.output("less", TensorProto.BOOL, wide(x < b), 0, dims)
    net.output("half", TensorProto.FLOAT16, y,
               np.abs(y) * (2.0 ** -11 + F32) + 2.0 ** -24, dims)
    return net


def blocked():
    """Between convolutions, on the CPU: channel blocks with a halo."""
    net = Net()
    shape, channels = [2, 12, 9, 7], 12
    x = net.input("x", sample(net.random, shape, "f32"), TensorProto.FLOAT)
    # One tap each, so that float64 needs no convolution: pixel and channel.
    taps = np.zeros([channels, channels, 3, 3], "float32")
    taps[range(channels), range(channels), 1, 1] = 1
    net.weight("w", taps)
    net.node("Conv", ["x", "w"], "in", pads=[1, 1, 1, 1])
    for op, name in (("Tanh", "t"), ("Softsign", "s")):
        net.node(op, ["in"], name)
        net.node("Conv", [name, "w"], name + "out", pads=[1, 1, 1, 1])
    v = wide(x)
    for name, y in (("t", np.tanh(v)), ("s", v / (1 + np.abs(v)))):
        net.output(name + "out", TensorProto.FLOAT, y, bound(y, "f32"))
    return net


def countOf(tools, engine, target):
    program = tools.must("tenon-inspect", engine, "--program",
                         f"--target={target}").stdout
    return program.count("engine.launch")


def check(tools, driver, folder, build, shapes, launches):
    """One engine for all shapes, on both targets, with so many kernels."""
    model, engine = folder / "m.onnx", folder / "m.tenon"
    build(shapes[0]).save(model)
    tools.compile(model, engine, "--target=cpu,cuda:sm_80", "--ptxas=none")
    for target, expected in launches.items():
        count = countOf(tools, engine, target)
        if count != expected:
            raise Failed(f"{count} launches for {target}, expected {expected}")
    worst = 0.0
    for shape in shapes:
        net = build(shape)
        results = tools.infer(engine, net.feeds, folder, 2, "--device=cpu")
        worst = max(worst, cudaRows.compareAll(net, results),
                    cudaRows.inferAll(tools, driver, folder, engine, net,
                                      False))
    return f"largest error {worst:.2f} of the bound"


def main():
    args = common.arguments("pointwise kernels with several results")
    tools = common.Tools(args.bin)
    driver = common.simulator(tools)
    report = common.Report("severalResults")
    one = {"x86-64-v3": 1, "sm_80": 1}
    with common.workFolder() as work:
        place = (tools, driver, pathlib.Path(work))
        for type in ("f32", "f16"):
            # CPUs widen what is read in four places first.
            count = one if type == "f32" else {"x86-64-v3": 2, "sm_80": 1}
            for shape in ([5, 64], [3, 7], [1, 1], [2, 3, 1000]):
                title = "x".join(map(str, shape))
                report.check(f"cell {type} {title}", check, *place,
                             lambda s: cell(type, s), [shape], count)
            report.check(f"cell {type} open", check, *place,
                         lambda s: cell(type, s, ["n", "t", 40]),
                         [[2, 3, 40], [1, 1, 40], [0, 3, 40]], count)
        for shape in ([6, 64], [3, 5, 33], [1], [4, 1025]):
            title = "x".join(map(str, shape))
            report.check(f"mixed {title}", check, *place, mixed, [shape], one)
        report.check("mixed open", check, *place,
                     lambda s: mixed(s, ["n", "m", 17]),
                     [[2, 3, 17], [1, 1, 17], [5, 0, 17]], one)
        report.check("blocked", check, *place, lambda s: blocked(), [None],
                     {"x86-64-v3": 7})
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
