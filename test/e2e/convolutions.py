# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Convolutions of every form against onnxruntime: ordinary and transposed, over
# one to three dimensions, in groups of any size, with odd channel counts,
# uneven padding, epilogues and filters given at run time, in fixed and in
# dynamic sizes. Forms are drawn at random from fixed seeds; the blocks of well-
# known networks stand in a table. A few forms make a model. Each result has the
# same bits with 1, 2 and 3 threads, and no kernel is of the scalar family.

import math
import pathlib
import random
import re
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

import common
from common import Failed

MODELS = {"ci": 4, "full": 60}
FORMS = 6
CHANNELS = (1, 3, 7, 8, 17, 24, 64)
# The order of a sum differs, and onnxruntime rounds products before it adds.
TOLERANCE = 1e-5


def form(kind, inputs, outputs, kernel, size, **options):
    """`inputs` and `outputs` are channels, `size` the input's spatial sizes."""
    rank = len(kernel)
    values = dict(batch=1, group=1, strides=[1] * rank, dilations=[1] * rank,
                  pads=[0] * 2 * rank, extra=[0] * rank, bias=True,
                  epilogue="none", chained=False, given=False)
    values.update(kind=kind, inputs=inputs, outputs=outputs,
                  kernel=list(kernel), size=list(size), **options)
    return values


def table():
    """Upsampling heads, vocoders, and the blocks of well-known networks."""
    def up(kernel, stride, pad, extra=0, **options):
        return form("ConvTranspose", 24, 17, [kernel] * 2, [9, 14],
                    strides=[stride] * 2, pads=[pad] * 4, extra=[extra] * 2,
                    **options)
    yield up(4, 2, 1, epilogue="relu")
    yield up(3, 2, 1, 1, epilogue="residual")
    yield up(2, 1, 0)
    yield up(3, 1, 1)
    yield up(2, 2, 0)
    yield up(2, 3, 0, 2)
    yield form("ConvTranspose", 16, 8, [16], [33], strides=[8], pads=[4, 4])
    yield form("ConvTranspose", 16, 16, [4, 4], [9, 9], strides=[2, 2],
               pads=[1] * 4, group=16)
    yield form("Conv", 128, 128, [3, 3], [7, 7], group=32, pads=[1] * 4)
    yield form("Conv", 60, 60, [1, 1], [7, 9], group=3)
    yield form("Conv", 16, 32, [3, 3], [14, 15], group=16, pads=[1] * 4)
    yield form("Conv", 32, 64, [3, 3, 3], [4, 9, 10], pads=[1] * 6,
               epilogue="residual")
    yield form("Conv", 8, 17, [3, 3, 3], [5, 6, 8], pads=[1] * 6,
               epilogue="pool")
    yield form("Conv", 12, 20, [3, 3], [8, 9], pads=[1] * 4, given=True)


def drawKind(rng):
    kind = rng.choice(("Conv", "ConvTranspose"))
    group, inputs, outputs = 1, rng.choice(CHANNELS), rng.choice(CHANNELS)
    if rng.random() < 0.5:
        group = rng.choice((2, 3, 4, 8, 16))
        inputs = group * rng.choice((1, 1, 2, 3, 4, 8, 20))
        outputs = group * rng.choice((1, 2, 3, 4, 5, 8, 16))
        if rng.random() < 0.3:
            inputs = outputs = group
    return kind, group, inputs, outputs


def draw(rng):
    while True:
        kind, group, inputs, outputs = drawKind(rng)
        rank = rng.choice((1, 2, 2, 2, 2, 3, 3))
        limit = (40, 14, 6)[rank - 1]
        kernel = [rng.randint(1, 5 if rank < 3 else 3) for _ in range(rank)]
        strides = [rng.choice((1, 1, 2, 3)) for _ in range(rank)]
        dilations = [rng.choice((1, 1, 1, 2, 3)) for _ in range(rank)]
        reach = [(k - 1) * d for k, d in zip(kernel, dilations)]
        pads = [rng.randint(0, min(r, 3)) for r in reach + reach]
        transposed = kind == "ConvTranspose"
        extra = [rng.randint(0, s - 1) if transposed else 0 for s in strides]
        values = form(
            kind, inputs, outputs, kernel,
            [rng.randint(1, limit) for _ in range(rank)], group=group,
            batch=rng.choice((1, 1, 2, 3)), strides=strides,
            dilations=dilations, pads=pads, extra=extra,
            bias=rng.random() < 0.6, chained=rng.random() < 0.4,
            given=rng.random() < 0.15,
            epilogue=rng.choice(("none", "relu", "residual", "sigmoid")))
        if all(n >= 1 for n in resultSize(values)):
            return values


def resultSize(f):
    rank, result = len(f["kernel"]), []
    for d in range(rank):
        reach = (f["kernel"][d] - 1) * f["dilations"][d] + 1
        pads = f["pads"][d] + f["pads"][rank + d]
        if f["kind"] == "Conv":
            result.append((f["size"][d] + pads - reach) // f["strides"][d] + 1)
        else:
            result.append((f["size"][d] - 1) * f["strides"][d] + reach +
                          f["extra"][d] - pads)
    return result


def weights(rng, shape):
    return rng.standard_normal(shape).astype(np.float32) / math.sqrt(
        max(1, np.prod(shape[1:])))


def addForm(i, f, dynamic, rng, nodes, inputs, outputs, constants, feeds):
    """One form as nodes of a model, with an input of its own."""
    def constant(name, shape):
        constants.append(numpy_helper.from_array(weights(rng, shape), name))
        return name
    def argument(name, shape, fixed=not dynamic):
        feeds[name] = rng.standard_normal(shape).astype(np.float32)
        dims = [n if fixed or d == 1 else f"{name}{d}"
                for d, n in enumerate(shape)]
        inputs.append(helper.make_tensor_value_info(
            name, TensorProto.FLOAT, dims))
        return name
    group, kernel = f["group"], f["kernel"]
    source = argument(f"x{i}", [f["batch"], f["inputs"], *f["size"]])
    if f["chained"]:  # a blocked input with a halo
        one = constant(f"c{i}", [f["inputs"], f["inputs"], *[1] * len(kernel)])
        nodes.append(helper.make_node("Conv", [source, one], [f"p{i}"]))
        source = f"p{i}"
    shape = ([f["outputs"], f["inputs"] // group] if f["kind"] == "Conv" else
             [f["inputs"], f["outputs"] // group])
    operands = [source, argument(f"w{i}", shape + kernel, True) if f["given"]
                else constant(f"w{i}", shape + kernel)]
    if f["bias"]:
        operands.append(constant(f"b{i}", [f["outputs"]]))
    more = {} if f["kind"] == "Conv" else {"output_padding": f["extra"]}
    nodes.append(helper.make_node(
        f["kind"], operands, [f"y{i}"], kernel_shape=kernel,
        strides=f["strides"], dilations=f["dilations"], pads=f["pads"],
        group=group, name=f"y{i}", **more))
    result = f"y{i}"
    if f["epilogue"] == "residual":
        other = argument(f"r{i}", [f["batch"], f["outputs"], *resultSize(f)])
        nodes.append(helper.make_node("Add", [result, other], [f"z{i}"]))
        result = f"z{i}"
    elif f["epilogue"] == "pool":
        nodes.append(helper.make_node(
            "MaxPool", [result], [f"z{i}"], kernel_shape=[2] * len(kernel),
            strides=[2] * len(kernel), pads=[1, 0] * len(kernel)))
        result = f"z{i}"
    elif f["epilogue"] != "none":
        nodes.append(helper.make_node(f["epilogue"].capitalize(), [result],
                                      [f"z{i}"]))
        result = f"z{i}"
    outputs.append(helper.make_tensor_value_info(result, TensorProto.FLOAT,
                                                 None))


def build(forms, dynamic, seed, path):
    nodes, inputs, outputs, constants, feeds = [], [], [], [], {}
    rng = np.random.default_rng(seed)
    for i, f in enumerate(forms):
        addForm(i, f, dynamic, rng, nodes, inputs, outputs, constants, feeds)
    graph = helper.make_graph(nodes, "g", inputs, outputs, constants)
    save(helper.make_model(graph, ir_version=8,
                           opset_imports=[helper.make_opsetid("", 17)]), path)
    return feeds


def familiesOf(tools, engine, folder):
    """The families of the engine's kernels."""
    report = folder / "report.json"
    tools.must("tenon-run", engine, f"--inputs={folder}/in.npz", "--profile",
               "--quiet", f"--json={report}")
    return set(re.findall(r'"family": "([^"]*)"', report.read_text()))


def agrees(forms, dynamic, bits, seed, tools, folder):
    path, engine = folder / "model.onnx", folder / "model.tenon"
    feeds = build(forms, dynamic, seed, path)
    tools.compile(path, engine, f"--vector-bits={bits}")
    expected = common.oracle(path, feeds)
    got = tools.infer(engine, feeds, folder, 1)
    worst = 0.0
    for name, reference in expected.items():
        difference = common.compare({name: reference}, {name: got[name]})
        worst = max(worst, difference)
        if difference > TOLERANCE:
            raise Failed(f"{name}: difference {difference:.2e}, of "
                         f"{forms[int(name[1:])]}")
    for threads in (2, 3):
        other = tools.infer(engine, feeds, folder, threads)
        for name, value in got.items():
            if value.tobytes() != other[name].tobytes():
                raise Failed(f"{name} differs between 1 and {threads} threads,"
                             f" of {forms[int(name[1:])]}")
    families = familiesOf(tools, engine, folder)
    if "conv" not in families or "scalar" in families:
        raise Failed(f"the families are {sorted(families)}: {forms}")
    return f"difference {worst:.1e}"


def staleMemory(tools, folder):
    """
    NaN in a tensor must not reach one that takes over its memory: what pads
    the last block of channels is zeros, not what was there.
    """
    def constant(name, values):
        return numpy_helper.from_array(values.astype(np.float32), name)
    rng, path = np.random.default_rng(0), folder / "model.onnx"
    nodes = [helper.make_node("Conv", ["x", "w"], ["wide"]),
             helper.make_node("ReduceMean", ["wide"], ["mean"], axes=[1, 2, 3]),
             helper.make_node("Conv", ["y", "v"], ["narrow"]),
             helper.make_node("Conv", ["narrow", "u"], ["result"])]
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8, 9, 9]),
         helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 8, 9, 9])],
        [helper.make_tensor_value_info("mean", TensorProto.FLOAT, None),
         helper.make_tensor_value_info("result", TensorProto.FLOAT, None)],
        [constant("w", weights(rng, [32, 8, 1, 1])),
         constant("v", weights(rng, [17, 8, 1, 1])),
         constant("u", weights(rng, [9, 17, 1, 1]))])
    save(helper.make_model(graph, ir_version=8,
                           opset_imports=[helper.make_opsetid("", 17)]), path)
    tools.compile(path, folder / "model.tenon")
    feeds = {"x": np.full([1, 8, 9, 9], np.nan, np.float32),
             "y": rng.standard_normal([1, 8, 9, 9]).astype(np.float32)}
    got = tools.infer(folder / "model.tenon", feeds, folder, 1)
    difference = common.compare(common.oracle(path, feeds), got)
    if difference > TOLERANCE:
        raise Failed(f"difference {difference:.2e}")
    return f"difference {difference:.1e}"


def main():
    args = common.arguments("convolutions of every form")
    report, tools = common.Report("convolutions"), common.Tools(args.bin)
    with common.workFolder() as name:
        folder = pathlib.Path(name)
        report.check("stale memory", staleMemory, tools, folder)
        for dynamic in (False, True):
            report.check(f"table{' dynamic' * dynamic}", agrees,
                         list(table()), dynamic, 256, 1, tools, folder)
        for seed in range(MODELS[args.set]):
            rng, dynamic = random.Random(seed), bool(seed % 2)
            bits = 512 if seed % 4 > 1 else 256  # as for x86-64-v4
            forms = [draw(rng) for _ in range(FORMS)]
            report.check(f"seed {seed}, {bits} bits{' dynamic' * dynamic}",
                         agrees, forms, dynamic, bits, seed, tools, folder)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
