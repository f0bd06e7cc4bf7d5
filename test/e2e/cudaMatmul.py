# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Matrix products on the simulated GPU against float64: each side along k and
# across it, batches that broadcast, sizes that no tile divides, rows that are
# not aligned, open sizes, epilogues, thin sides, parts of k. Each engine runs
# three times, with the simulator's eager, lazy and random schedules and all of
# its checks, and gives the same bits each time. No kernel has bank conflicts.

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
            epilogue="", weights=False, shapes=None, chosen="", moved=0):
    """Logical shapes of both sides; `turn`: as memory has them the other way
    round, with a Transpose between. `chosen`: what the engine must hold, a part
    of a schedule. `moved`: how often sectors are moved at most, on average."""
    return dict(name=name, lhs=lhs, rhs=rhs, turnLhs=turnLhs, turnRhs=turnRhs,
                dtype=dtype, epilogue=epilogue, weights=weights, shapes=shapes,
                chosen=chosen, moved=moved)


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
    # A thin side: vectors of the other one, which is read once. What is moved
    # above that is the thin side, which each block (across) or each warp
    # (along) reads anew.
    thin = [
        product("row by columns", [1, 1024], [1024, 512], dtype="float16",
                weights=True, chosen="gemv<across, 1x", moved=1.1),
        product("row by rows", [1, 1024], [1024, 512], turnRhs=True,
                dtype="float16", weights=True, chosen="gemv<along, 1x",
                moved=2.05),
        product("four rows, bias", [4, 520], [520, 264], dtype="float16",
                epilogue="bias", weights=True, chosen="gemv<across, 4x",
                moved=1.5),
        product("three rows in f32", [3, 256], [256, 512], turnRhs=True,
                epilogue="residual", chosen="gemv<along, 4x"),
        product("column", [515, 256], [256, 1], chosen="gemv<along turned, 1x",
                moved=2.05),
        product("two columns", [264, 520], [520, 2], dtype="float16",
                chosen="gemv<along turned, 2x"),
        product("rows of batches", [2, 1, 72], [72, 136], weights=True),
        product("row of each batch", [3, 1, 512], [3, 512, 512],
                dtype="float16", chosen="gemv<across, 1x"),
        product("odd row", [1, 333], [333, 77], dtype="float16"),
    ]
    # Long k, small result: parts of sums, added by a second launch.
    parts = [
        product("parts", [16, 4096], [4096, 64], dtype="float16",
                epilogue="bias", weights=True, chosen="sum of parts"),
        product("parts of f32", [24, 3000], [3000, 40], epilogue="residual",
                chosen="sum of parts"),
        product("parts in batches", [2, 20, 2048], [2, 2048, 24],
                chosen="sum of parts"),
    ]
    # One engine for all numbers of rows: each size has a code of its own.
    ranges = [
        product(f"{rows} of open rows", [rows, 1024], [1024, 2048],
                dtype="float16", epilogue="bias", weights=True,
                shapes=["m", 1024, 2048], chosen="gemv<across, 4x")
        for rows in (1, 4, 5, 16, 17, 129)
    ]
    depths = [
        product(f"{depth} of open k", [20, depth], [depth, 40],
                shapes=[20, "k", 40])
        for depth in (7, 64, 200)
    ]
    # Nothing to do, and sums of nothing.
    empty = [
        product("no rows", [0, 40], [40, 36], shapes=["m", 40, 36]),
        product("no k", [5, 0], [0, 36], shapes=[5, "k", 36]),
    ]
    return f32 + thin + parts + ranges + depths + empty


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


def counted(report):
    """Bank conflicts of all kernels in a simulator's report, and sectors that
    were moved for each that there is to move."""
    kernels = json.loads(report.read_text())["kernels"]
    moved = sum(k["global"]["sectors"] for k in kernels)
    unique = sum(k["global"]["uniqueReadSectors"] +
                 k["global"]["uniqueWrittenSectors"] for k in kernels)
    return (sum(k["shared"]["conflicts"] for k in kernels),
            moved / max(unique, 1))


def run(tools, driver, folder, case):
    model, engine = folder / "m.onnx", folder / "m.tenon"
    feeds, expected, scale, name = build(case, model)
    tools.compile(model, engine, "--target=cuda:sm_80", "--ptxas=none")
    if case["chosen"].encode() not in engine.read_bytes():
        raise Failed(f"has no schedule with '{case['chosen']}'")
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
    conflicts, times = counted(counts)
    if conflicts:
        raise Failed(f"{conflicts} bank conflicts")
    if case["moved"] and times > case["moved"]:
        raise Failed(f"moves sectors {times:.2f} times")
    error = np.abs(results[0].astype("float64") - expected)
    # A rounded product of f32 is off by 2^-24 of itself, a sum in some order
    # by at most the number of its steps times that; tanh and the like add 4.
    k = case["lhs"][-1]
    step = 2.0 ** -24 if case["dtype"] == "float32" else 2.0 ** -11
    bound = step * (np.abs(expected) + 4 + (k * 2.0 ** -24 / step + 2) * scale)
    if results[0].shape != expected.shape:
        raise Failed(f"shape {results[0].shape}, expected {expected.shape}")
    if not (error <= bound).all():
        raise Failed(f"error {error.max():.2e}, bound {bound.max():.2e}")
    return f"error {error.max(initial=0):.1e} of {bound.max(initial=0):.1e}"


def main():
    args = common.arguments("matrix products on the simulated GPU")
    tools = common.Tools(args.bin)
    driver = common.simulator(tools)
    report = common.Report("cudaMatmul")
    with common.workFolder() as work:
        for case in table(args.set == "full"):
            report.check(case["name"], run, tools, driver, pathlib.Path(work),
                         case)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
