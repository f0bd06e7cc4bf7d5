# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Softmax, norms, reductions and pointwise kernels on the simulated GPU against
# float64: types, widths from 1 to 32768, sizes open and known. Each engine runs
# with the simulator's eager, lazy and random schedules and all of its checks,
# and gives the same bits each time, also with schedules of every kind that are
# pinned to nodes. What speed depends on is counted: no bank conflicts, and the
# sectors of memory that aligned rows ask for are no more than their bytes need.

import json
import os
import pathlib
import sys

import ml_dtypes
import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

import common
from common import Failed

SCHEDULES = ("eager", "lazy", "random:7")
TYPES = {"f32": (np.float32, TensorProto.FLOAT, 2.0 ** -24, 2.0 ** -120),
         "f16": (np.float16, TensorProto.FLOAT16, 2.0 ** -11, 2.0 ** -24),
         "bf16": (ml_dtypes.bfloat16, TensorProto.BFLOAT16, 2.0 ** -8,
                  2.0 ** -120)}
F32 = 2.0 ** -24
# Roundings that a sum of any length here goes through: a thread's own elements
# (64 at most), the lanes of a vector, threads.
STEPS = 64 + 8 + 9


class Net:
    """A model under construction, with inputs and what must come out."""

    def __init__(self):
        self.nodes, self.inputs, self.outputs = [], [], []
        self.initializers, self.feeds, self.expected = [], {}, {}
        self.random = np.random.default_rng(3)
        self.names = set()
        self.pins = []  # of a pattern for nodes and a schedule

    def input(self, name, value, kind, dims=None):
        self.feeds[name] = value
        self.inputs.append(helper.make_tensor_value_info(
            name, kind, dims or list(value.shape)))
        return value

    def weight(self, name, value):
        self.names.add(name)
        self.initializers.append(numpy_helper.from_array(value, name))
        return value

    def node(self, op, inputs, output, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [output], name=output,
                                           **attributes))

    def output(self, name, kind, expected, bound, dims=None):
        """`expected` in float64; `bound` is the largest error."""
        self.outputs.append(helper.make_tensor_value_info(
            name, kind, dims or list(expected.shape)))
        self.expected[name] = (expected, bound)

    def save(self, path):
        graph = helper.make_graph(self.nodes, "g", self.inputs, self.outputs,
                                  self.initializers)
        save(helper.make_model(graph, ir_version=10,
                               opset_imports=[helper.make_opsetid("", 20)]),
             path)


def wide(value):
    with np.errstate(invalid="ignore"):  # NaN stays one
        return np.asarray(value).astype("float64")


def softmaxOf(x, axis, type):
    _, _, unit, tiny = TYPES[type]
    with np.errstate(invalid="ignore"):
        distance = x - x.max(axis, keepdims=True, initial=-np.inf)
        power = np.exp(distance)
        y = power / power.sum(axis, keepdims=True)
    steps = STEPS + 8 + 2 * np.abs(np.nan_to_num(distance, neginf=0))
    return y, y * (unit + F32 * steps) + tiny


def normOf(x, scale, bias, epsilon, type):
    _, _, unit, tiny = TYPES[type]
    mean = x.mean(-1, keepdims=True)
    factor = 1 / np.sqrt(((x - mean) ** 2).mean(-1, keepdims=True) + epsilon)
    y = (x - mean) * factor * scale + bias
    # The mean is off by roundings of the elements' size.
    shift = 8 * F32 * np.abs(x).max(-1, keepdims=True) * factor
    size = np.abs((x - mean) * factor * scale) + np.abs(bias)
    return y, shift * np.abs(scale) + size * (unit + F32 * STEPS) + tiny


def rows(net, type, x, name, dims=None, only=None):
    """All kinds of rows over the last dimension of x, or one."""
    number, kind, unit, tiny = TYPES[type]
    width = x.shape[-1]
    v = wide(x)
    reduced = dims and dims[:-1] + [1]
    if "last" not in net.names:
        net.weight("last", np.array([-1], "int64"))

    def out(suffix, op, expected, bound, shape, *more, **attributes):
        if only and suffix != only:
            return
        # Inputs of their own: what kernels share could become a kernel.
        net.input(name + suffix + "_x", x, kind, dims)
        net.node(op, [name + suffix + "_x", *more], name + suffix, **attributes)
        net.output(name + suffix, kind, expected, bound, shape)

    y, bound = softmaxOf(v, -1, type)
    out("_softmax", "Softmax", y, bound, dims, axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.log(y)
    out("_log", "LogSoftmax", log,
        np.abs(log) * unit + F32 * (STEPS + 4 * np.abs(log)) + tiny, dims,
        axis=-1)
    if not dims:
        scale, bias = (net.weight(name + end, sample(net.random, [width], type))
                       for end in ("_s", "_b"))
        y, bound = normOf(v, wide(scale), wide(bias), 1e-5, type)
        out("_norm", "LayerNormalization", y, bound, dims, name + "_s",
            name + "_b", axis=-1, epsilon=1e-5)
    magnitude = np.abs(v).mean(-1, keepdims=True)
    mean = v.mean(-1, keepdims=True)
    out("_mean", "ReduceMean", mean,
        np.abs(mean) * unit + F32 * STEPS * magnitude + tiny, reduced, "last")
    top = v.max(-1, keepdims=True)
    out("_max", "ReduceMax", top, np.zeros_like(top), reduced, "last")
    norm = np.sqrt((v ** 2).sum(-1, keepdims=True))
    if type != "f16":  # squares would leave f16's range in the reference
        out("_l2", "ReduceL2", norm, norm * (unit + F32 * STEPS) + tiny,
            reduced, "last")


def sample(random, shape, type, mean=0.0, deviation=3.0):
    value = random.standard_normal(shape) * deviation + mean
    return value.astype(TYPES[type][0])


ALIGNED = (32, 768, 1024, 4096)
ODD = (1, 2, 31, 33, 127, 1000, 5000)


def widths(type, sizes, deep=5):
    net = Net()
    for width in sizes:
        # A warp takes several short rows: some of the last one's have none.
        count = 1 if width > 10000 else deep
        rows(net, type, sample(net.random, [count, width], type), f"w{width}")
    return net


def openWidths(type):
    def build(shape):
        net = Net()
        rows(net, type, sample(net.random, shape, type), "x", ["n", "w"])
        return net
    return build


def farMean():
    """Mean 10^4, deviation 1: E[x^2] - E[x]^2 would be noise."""
    net = Net()
    for width in (768, 5000, 32768):
        x = sample(net.random, [2, width], "f32", 1e4, 1.0)
        scale = net.weight(f"s{width}", np.ones(width, "float32"))
        net.input(f"x{width}", x, TensorProto.FLOAT)
        net.node("LayerNormalization", [f"x{width}", f"s{width}"],
                 f"y{width}", axis=-1)
        y, bound = normOf(wide(x), wide(scale), np.zeros(width), 1e-5, "f32")
        net.output(f"y{width}", TensorProto.FLOAT, y, bound)
    return net


def infinities():
    """Masked attention: -inf in places, in whole vectors, in whole rows."""
    net = Net()
    for width in (64, 1000, 4096, 20000):
        x = sample(net.random, [6, width], "f32")
        x[0, ::2] = -np.inf
        x[1, : width // 2] = -np.inf
        x[2, 1:] = -np.inf
        x[3, :] = -np.inf
        x[4, 5] = np.inf
        x[5, 3] = np.nan
        net.input(f"x{width}", x, TensorProto.FLOAT)
        net.node("Softmax", [f"x{width}"], f"y{width}", axis=-1)
        net.output(f"y{width}", TensorProto.FLOAT,
                   *softmaxOf(wide(x), -1, "f32"))
    return net


# --- Pointwise ---------------------------------------------------------------

def pointwise(type):
    """Each way in which operands lie beside each other."""
    number, kind, unit, tiny = TYPES[type]
    net = Net()

    def add(title, a, b, known=True):
        x = net.input(title + "a", sample(net.random, a, type), kind)
        y = net.input(title + "b", sample(net.random, b, type), kind)
        net.node("Add", [title + "a", title + "b"], title + "c")
        net.node("Relu", [title + "c"], title)
        total = wide(x) + wide(y)
        net.output(title, kind, np.maximum(total, 0),
                   np.abs(total) * unit + tiny)

    add("same", [3, 5, 64], [3, 5, 64])
    add("odd", [999], [999])
    add("single", [4, 100], [1])
    add("channel", [2, 6, 8, 8], [6, 1, 1])
    add("channel_odd", [2, 6, 7, 7], [6, 1, 1])
    add("row", [9, 48], [48])
    add("row_odd", [9, 45], [45])
    add("column", [9, 48], [9, 1])
    add("outer", [9, 1, 16], [1, 7, 16])
    add("cross", [40, 1], [1, 56])
    return net


def conversions():
    """Every number of f16 and bf16, and roundings halfway between."""
    net = Net()
    halves = np.arange(65536, dtype=np.uint16)
    for type in ("f16", "bf16"):
        number, kind, _, _ = TYPES[type]
        values = halves.view(number)
        values = values[~np.isnan(wide(values))]
        x = net.input("n" + type, values, kind)
        net.node("Cast", ["n" + type], "w" + type, to=TensorProto.FLOAT)
        net.output("w" + type, TensorProto.FLOAT, wide(x), 0)
        # Between each number and the next: the middle, and one step beside.
        single = values.astype(np.float32).view(np.uint32)
        middle = np.uint32(1 << (12 if type == "f16" else 15))
        near = np.concatenate([single + middle, single + middle - 1,
                               single + middle + 1]).view(np.float32)
        near = near[np.isfinite(near)]
        net.input("s" + type, near, TensorProto.FLOAT)
        net.node("Cast", ["s" + type], "r" + type, to=kind)
        with np.errstate(over="ignore"):
            net.output("r" + type, kind, wide(near.astype(number)), 0)
    return net


def integers():
    net = Net()
    for title, number, kind in (("i8", np.int8, TensorProto.INT8),
                                ("u8", np.uint8, TensorProto.UINT8),
                                ("i32", np.int32, TensorProto.INT32),
                                ("i64", np.int64, TensorProto.INT64)):
        for size in (160, 163):
            name = f"{title}_{size}"
            x = net.input(name, net.random.integers(0, 100, size)
                          .astype(number), kind)
            y = net.input(name + "y", net.random.integers(0, 100, size)
                          .astype(number), kind)
            net.node("Sub", [name, name + "y"], name + "d")
            net.output(name + "d", kind, wide(x - y), 0)
            net.node("Less", [name, name + "y"], name + "l")
            net.output(name + "l", TensorProto.BOOL, wide(x < y), 0)
    return net


def openPointwise(shape, schedule=None):
    net = Net()
    net.pins = [("y", schedule)] if schedule else []
    dims = ["n", 6, "h", "w"]
    b = net.weight("b", sample(net.random, [6, 1, 1], "f16"))
    x = net.input("x", sample(net.random, shape, "f16"), TensorProto.FLOAT16,
                  dims)
    net.node("Add", ["x", "b"], "y")
    total = wide(x) + wide(b)
    net.output("y", TensorProto.FLOAT16, total,
               np.abs(total) * 2.0 ** -11 + 2.0 ** -24, dims)
    return net


# --- Pinned schedules --------------------------------------------------------

def pinnedRows(type):
    """Each kind of row with each number of threads: rows that several of them
    share, rows of which they have nothing, parts that are empty."""
    net = Net()
    kinds = ("_softmax", "_norm", "_mean", "_log", "_max")
    number = 0

    def pin(width, threads, vector, place, count=3, suffix=None, parts=1):
        nonlocal number
        name = f"p{number}"
        one = suffix or kinds[number % len(kinds)]
        if one == "_norm":  # whose scale and bias can be wider
            vector = min(vector, 4)
        number += 1
        rows(net, type, sample(net.random, [count, width], type), name,
             only=one)
        net.pins.append((name + one, f"rows<threads {threads}, vector {vector},"
                                     f" {place}, parts {parts}>"))

    most = 4 if type == "f32" else 8
    for threads in (1, 2, 8, 32, 64, 128, 512):
        for vector in (1, 2, most):
            for place in ("registers", "memory"):
                if place == "memory" or threads >= 4:
                    pin(104, threads, vector, place)
    for threads in (1, 32, 64, 256):
        pin(1003, threads, 1, "memory")
        pin(2, threads, 1, "registers", 5)
        pin(40, threads, 4, "memory", 0)
    for threads, vector, parts in ((64, 1, 3), (256, most, 2), (512, 1, 16),
                                   (128, most, 64)):
        pin(1000, threads, vector, "memory", 2, "_mean", parts)
    return net


def pinnedOpenRows(type, schedule):
    def build(shape):
        net = openWidths(type)(shape)
        net.pins = [("*", schedule)]
        return net
    return build


def pinnedPointwise():
    net = Net()
    for number, (shape, vector, threads) in enumerate((
            ([9, 64], 4, 32), ([9, 64], 2, 1024), ([9, 64], 1, 64),
            ([999], 4, 256), ([1], 4, 512), ([0, 8], 4, 64))):
        x, y = (net.input(f"{side}{number}", sample(net.random, shape, "f32"),
                          TensorProto.FLOAT) for side in "xy")
        net.node("Add", [f"x{number}", f"y{number}"], f"c{number}")
        net.output(f"c{number}", TensorProto.FLOAT, wide(x) + wide(y),
                   np.abs(wide(x) + wide(y)) * F32)
        net.pins.append((f"c{number}",
                         f"pointwise<vector {vector}, threads {threads}>"))
    return net


# --- Running -----------------------------------------------------------------

def compareAll(net, results):
    worst = 0.0
    for name, (expected, bound) in net.expected.items():
        result = results[name]
        if result.dtype.kind == "V":
            result = result.view(ml_dtypes.bfloat16)
        result = wide(result).reshape(expected.shape)
        same = (result == expected) | (np.isnan(result) & np.isnan(expected))
        with np.errstate(invalid="ignore"):
            error = np.where(same, 0, np.abs(result - expected))
        bound = np.broadcast_to(bound, expected.shape)
        fine = same | (error <= bound)
        if not fine.all():
            at = np.unravel_index(np.argmin(fine), fine.shape)
            raise Failed(f"{name}: {result[at]} at {at}, expected "
                         f"{expected[at]} within {bound[at]:.2e}")
        rest = error[error > 0] / bound[error > 0]
        worst = max(worst, rest.max(initial=0.0))
    return worst


def checkCounts(path, aligned):
    for kernel in json.loads(path.read_text())["kernels"]:
        name = kernel["kernel"]
        if kernel["shared"]["conflicts"]:
            raise Failed(f"{name}: {kernel['shared']['conflicts']} conflicts")
        if kernel["localBytes"]:
            raise Failed(f"{name} uses local memory")
        if not aligned:
            continue
        wideLoads = 0
        for line in kernel["lines"]:
            count = line.get("global")
            if not count or not line["class"].startswith("global"):
                continue
            if ".v4.b32" in line["text"]:
                wideLoads += line["class"] == "global-load"
                if count["sectors"] > count["requestedSectors"]:
                    raise Failed(f"{name}: {count['sectors']} sectors for "
                                 f"{count['bytes']} bytes: {line['text']}")
        # The second launch of a split reduction has a few results to combine.
        if not wideLoads and not name.endswith("_combine"):
            raise Failed(f"{name} has no loads of 16 bytes")


def inferAll(tools, driver, folder, engine, net, aligned):
    results = []
    counts = folder / "report.json"
    for schedule in SCHEDULES:
        os.environ["TENON_SIMCUDA_SCHEDULE"] = schedule
        os.environ["TENON_SIMCUDA_REPORT"] = str(counts)
        results.append(tools.infer(engine, net.feeds, folder, 2,
                                   "--device=cuda", f"--cuda-driver={driver}"))
        checkCounts(counts, aligned)
    for schedule, other in zip(SCHEDULES[1:], results[1:]):
        for name, result in results[0].items():
            if other[name].tobytes() != result.tobytes():
                raise Failed(f"{name}: {schedule} differs from eager")
    return compareAll(net, results[0])


def compiled(tools, folder, net):
    model, engine = folder / "m.onnx", folder / "m.tenon"
    net.save(model)
    tools.compile(model, engine, "--target=cuda:sm_80", "--ptxas=none",
                  *(f"--schedule={node}:{schedule}"
                    for node, schedule in net.pins))
    text = engine.read_bytes()
    for node, schedule in net.pins:
        if f"#tenon.{schedule}".encode() not in text:
            raise Failed(f"no kernel has the schedule of {node}, {schedule}")
    return engine


def known(tools, driver, folder, build, aligned=False):
    net = build()
    engine = compiled(tools, folder, net)
    worst = inferAll(tools, driver, folder, engine, net, aligned)
    return f"largest error {worst:.2f} of the bound"


def opened(tools, driver, folder, build, shapes):
    """One engine for all shapes."""
    engine = compiled(tools, folder, build(shapes[0]))
    worst = max(inferAll(tools, driver, folder, engine, build(shape), False)
                for shape in shapes)
    return f"largest error {worst:.2f} of the bound"


def main():
    args = common.arguments("row and pointwise kernels on the simulated GPU")
    tools = common.Tools(args.bin)
    driver = common.simulator(tools)
    report = common.Report("cudaRows")
    openShapes = [[3, 128], [5, 33], [2, 1], [1, 1024], [2, 1001], [1, 2048],
                  [0, 768]]
    with common.workFolder() as work:
        place = (tools, driver, pathlib.Path(work))
        for type in TYPES:
            report.check(f"aligned rows of {type}", known, *place,
                         lambda: widths(type, ALIGNED), True)
            report.check(f"odd rows of {type}", known, *place,
                         lambda: widths(type, ODD))
            report.check(f"long rows of {type}", known, *place,
                         lambda: widths(type, [32768]), True)
            report.check(f"open rows of {type}", opened, *place,
                         openWidths(type), openShapes)
            report.check(f"pointwise {type}", known, *place,
                         lambda: pointwise(type))
        report.check("mean of 10^4", known, *place, farMean, True)
        report.check("infinities", known, *place, infinities)
        report.check("conversions", known, *place, conversions)
        report.check("integers", known, *place, integers)
        report.check("open pointwise", opened, *place, openPointwise,
                     [[2, 6, 4, 8], [1, 6, 3, 5], [0, 6, 4, 4]])
        for type in TYPES:
            report.check(f"pinned rows of {type}", known, *place,
                         lambda: pinnedRows(type))
        for schedule in ("rows<threads 64, vector 4, registers, parts 1>",
                         "rows<threads 8, vector 2, memory, parts 1>"):
            report.check(f"open {schedule}", opened, *place,
                         pinnedOpenRows("f32", schedule),
                         [[3, 128], [5, 33], [1, 2500], [0, 768]])
        report.check("pinned pointwise", known, *place, pinnedPointwise)
        report.check("pinned open pointwise", opened, *place,
                     lambda shape: openPointwise(
                         shape, "pointwise<vector 4, threads 64>"),
                     [[2, 6, 4, 8], [1, 6, 3, 5], [0, 6, 4, 4]])
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
