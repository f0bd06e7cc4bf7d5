# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Matrix products on the simulated GPU against float64: each side along k and
# across it, batches that broadcast, sizes that no tile divides, rows that are
# not aligned, open sizes, epilogues. Each engine runs three times, with the
# simulator's eager, lazy and random schedules and all of its checks, and gives
# the same bits each time. Tile kernels have no bank conflicts.

import json
import os
import pathlib
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

import common
from common import Failed

SCHEDULES = ("eager", "lazy", "random:1")


def product(name, lhs, rhs, turnLhs=False, turnRhs=False, dtype="float32",
            epilogue="", weights=False, shapes=None):
    """Logical shapes of both sides; `turn`: as memory has them the other way
    round, with a Transpose between."""
    return dict(name=name, lhs=lhs, rhs=rhs, turnLhs=turnLhs, turnRhs=turnRhs,
                dtype=dtype, epilogue=epilogue, weights=weights, shapes=shapes)


def table(full):
    f32 = [
        product("aligned", [128, 64], [64, 128]),
        product("edges", [50, 40], [40, 37]),
        product("turned lhs", [40, 50], [50, 36], turnLhs=True),
        product("turned rhs", [33, 48], [48, 70], turnRhs=True),
        product("both turned", [20, 28], [28, 44], turnLhs=True, turnRhs=True),
        product("odd", [19, 23], [23, 29]),
        product("one row", [1, 200], [200, 100], weights=True),
        product("one column", [65, 33], [33, 1]),
        product("k of one", [17, 1], [1, 18]),
        product("batches", [3, 20, 24], [3, 24, 28]),
        product("broadcast", [2, 1, 20, 24], [3, 24, 28]),
        product("batches in rows", [3, 21, 40], [40, 36], weights=True),
        product("bias", [40, 64], [64, 48], epilogue="bias", weights=True),
        product("residual", [30, 36], [36, 52], epilogue="residual"),
        product("open", [21, 40], [40, 36], shapes=["m", "k", "n"]),
        product("open, odd", [21, 39], [39, 35], shapes=["m", "k", "n"]),
    ]
    return f32


def build(case, path):
    kind = {"float32": TensorProto.FLOAT,
            "float16": TensorProto.FLOAT16}[case["dtype"]]
    nodes, inputs, initializers, feeds = [], [], [], {}
    random = np.random.default_rng(len(case["name"]))

    def side(name, shape, turned, constant, names):
        value = random.standard_normal(shape).astype(case["dtype"])
        stored = value.swapaxes(-1, -2).copy() if turned else value
        source = name + "_stored" if turned else name
        if constant:
            initializers.append(numpy_helper.from_array(stored, source))
        else:
            feeds[source] = stored
            dims = names or list(stored.shape)
            inputs.append(helper.make_tensor_value_info(source, kind, dims))
        if turned:
            order = list(range(len(shape)))
            order[-2:] = order[:-3:-1]
            nodes.append(helper.make_node("Transpose", [source], [name],
                                          perm=order))
        return value.astype("float64")

    names = case["shapes"]
    lhs = side("a", case["lhs"], case["turnLhs"], False,
               names and [names[0], names[1]])
    rhs = side("b", case["rhs"], case["turnRhs"], case["weights"],
               names and [names[1], names[2]])
    nodes.append(helper.make_node("MatMul", ["a", "b"], ["c"]))
    expected = lhs @ rhs
    scale = np.abs(lhs) @ np.abs(rhs)
    last = "c"
    if case["epilogue"] == "bias":
        bias = random.standard_normal(expected.shape[-1]).astype(case["dtype"])
        initializers.append(numpy_helper.from_array(bias, "bias"))
        nodes.append(helper.make_node("Add", ["c", "bias"], ["d"]))
        nodes.append(helper.make_node("Relu", ["d"], ["e"]))
        expected = np.maximum(expected + bias.astype("float64"), 0)
        last = "e"
    elif case["epilogue"] == "residual":
        other = random.standard_normal(expected.shape).astype(case["dtype"])
        feeds["r"] = other
        inputs.append(helper.make_tensor_value_info("r", kind,
                                                    list(other.shape)))
        nodes.append(helper.make_node("Tanh", ["c"], ["d"]))
        nodes.append(helper.make_node("Add", ["d", "r"], ["e"]))
        expected = np.tanh(expected) + other.astype("float64")
        last = "e"
    output = helper.make_tensor_value_info(
        last, kind, [names[0], names[2]] if names else list(expected.shape))
    graph = helper.make_graph(nodes, "g", inputs, [output], initializers)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)],
                           ir_version=8), path)
    return feeds, expected, scale, last


def conflicts(report):
    """Bank conflicts of all kernels in a simulator's report."""
    return sum(kernel["shared"]["conflicts"]
               for kernel in json.loads(report.read_text())["kernels"])


def run(tools, driver, folder, case):
    model, engine = folder / "m.onnx", folder / "m.tenon"
    feeds, expected, scale, name = build(case, model)
    tools.compile(model, engine, "--target=cuda:sm_80", "--ptxas=none")
    results = []
    counts = folder / "report.json"
    os.environ["TENON_SIMCUDA_REPORT"] = str(counts)
    for schedule in SCHEDULES:
        os.environ["TENON_SIMCUDA_SCHEDULE"] = schedule
        results.append(tools.infer(engine, feeds, folder, 2, "--device=cuda",
                                   f"--cuda-driver={driver}")[name])
    for schedule, result in zip(SCHEDULES[1:], results[1:]):
        if result.tobytes() != results[0].tobytes():
            raise Failed(f"{schedule} differs from {SCHEDULES[0]}")
    if conflicts(counts):
        raise Failed(f"{conflicts(counts)} bank conflicts")
    error = np.abs(results[0].astype("float64") - expected)
    # A rounded product of f32 is off by 2^-24 of itself, a sum in some order
    # by at most the number of its steps times that; tanh and the like add 4.
    k = case["lhs"][-1]
    step = 2.0 ** -24 if case["dtype"] == "float32" else 2.0 ** -11
    bound = step * (np.abs(expected) + 4 + (k * 2.0 ** -24 / step + 2) * scale)
    if not (error <= bound).all():
        raise Failed(f"error {error.max():.2e}, bound {bound.max():.2e}")
    return f"error {error.max():.1e} of {bound.max():.1e}"


def main():
    args = common.arguments("matrix products on the simulated GPU")
    tools = common.Tools(args.bin)
    driver = pathlib.Path(args.bin).resolve().parent / "lib/simcuda/libcuda.so.1"
    report = common.Report("cudaMatmul")
    with common.workFolder() as work:
        for case in table(args.set == "full"):
            report.check(case["name"], run, tools, driver, pathlib.Path(work),
                         case)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
