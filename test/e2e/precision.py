# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Lower precision on CUDA, on the simulated GPU: engines of --fp16, --bf16 and
# of a model written in f16 against the CPU engine of the same model in f32, and
# against numpy, which rounds where the kernels do.

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import common
import inputs
import models

# f16 keeps 11 bits: a kernel's result is off by up to 4.9e-4 of itself, and the
# nets here are a few kernels deep (the bound that f16 models have elsewhere).
# bf16 keeps 8 bits: eight times as much.
BOUND = {"f16": common.TOLERANCE["fp16"], "bf16": 8 * common.TOLERANCE["fp16"]}
# How much worse than the emulation a run may be: sums in another order move a
# value across the border of a rounding now and then.
SLACK = 2.0
SIZES = dict(rows=5, inner=48, hidden=96, classes=10)


def weights(seed=3):
    draw = np.random.default_rng(seed)
    n = SIZES
    shapes = {"w1": (n["inner"], n["hidden"]), "b1": (n["hidden"],),
              "scale": (n["hidden"],), "shift": (n["hidden"],),
              "w2": (n["hidden"], n["classes"]), "b2": (n["classes"],)}
    return {name: draw.normal(0, 0.3, shape).astype(np.float32)
            for name, shape in shapes.items()}


def network(path, dtype=np.float32):
    """matmul, bias, relu; layer norm; matmul, bias; softmax."""
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    node = helper.make_node
    nodes = [
        node("MatMul", ["x", "w1"], ["m1"], name="fc1"),
        node("Add", ["m1", "b1"], ["a1"], name="bias1"),
        node("Relu", ["a1"], ["h"], name="relu"),
        node("LayerNormalization", ["h", "scale", "shift"], ["n"],
             name="norm", axis=-1, epsilon=1e-5),
        node("MatMul", ["n", "w2"], ["m2"], name="fc2"),
        node("Add", ["m2", "b2"], ["logits"], name="bias2"),
        node("Softmax", ["logits"], ["y"], name="softmax", axis=-1)]
    n = SIZES
    graph = helper.make_graph(
        nodes, "mlp",
        [helper.make_tensor_value_info("x", kind, (n["rows"], n["inner"]))],
        [helper.make_tensor_value_info(name, kind, (n["rows"], n["classes"]))
         for name in ("logits", "y")],
        [numpy_helper.from_array(value.astype(dtype), name)
         for name, value in weights().items()])
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def rounder(kind):
    if kind == "f16":
        return lambda v: v.astype(np.float16).astype(np.float32)
    if kind == "bf16":
        def rounded(v):
            bits = v.astype(np.float32).view(np.uint32)
            odd = (bits >> 16) & 1
            return ((bits + 0x7fff + odd) & 0xffff0000).view(np.float32)
        return rounded
    return lambda v: v.astype(np.float64)


def emulated(x, kind):
    """What the kernels of a type compute; "exact": in f64."""
    r = rounder(kind)
    wide = {"exact": (), "f16": ("scale", "shift"),
            "bf16": ("scale", "shift", "b1", "b2")}[kind]
    w = {name: value if name in wide else r(value)
         for name, value in weights().items()}
    h = r(np.maximum(r(x) @ w["w1"] + w["b1"], 0))
    centred = h - h.mean(-1, keepdims=True)
    deviation = np.sqrt((centred ** 2).mean(-1, keepdims=True) + 1e-5)
    n = r(centred / deviation * w["scale"] + w["shift"])
    logits = r(n @ w["w2"] + w["b2"])
    e = np.exp(logits - logits.max(-1, keepdims=True))
    return {"logits": logits, "y": e / e.sum(-1, keepdims=True)}


def wide(results):
    return {name: value.astype(np.float64) for name, value in results.items()}


class Bench:
    def __init__(self, tools, folder):
        self.tools, self.folder = tools, folder
        driver = common.simulator(tools)
        self.device = ["--device=cuda", f"--cuda-driver={driver}"]

    def cuda(self, model, feeds, *flags):
        """Outputs on the GPU, and what tenonc said."""
        engine = self.folder / "cuda.tenon"
        done = self.tools.must("tenonc", model, "-o", engine, "-v",
                               "--target=cuda:sm_80", "--ptxas=none", *flags)
        return (self.tools.infer(engine, feeds, self.folder, 1, *self.device),
                done.stderr)

    def cpu(self, model, feeds):
        engine = self.folder / "cpu.tenon"
        self.tools.compile(model, engine)
        return self.tools.infer(engine, feeds, self.folder)


def mustSay(log, *texts):
    for text in texts:
        if text not in log:
            raise common.Failed(f"tenonc does not say '{text}':\n{log}")


def mlp(bench, kind, flag, dtype=np.float32):
    model = bench.folder / "mlp.onnx"
    network(model, dtype)
    x = np.random.default_rng(7).normal(
        0, 1, (SIZES["rows"], SIZES["inner"])).astype(dtype)
    got, log = bench.cuda(model, {"x": x}, *([flag] if flag else []))
    why = flag or "the type of the model"
    mustSay(log, f"node 'fc1' in {kind}: {why}",
            "node 'norm' in f32: layer norm stays in f32",
            f"node 'fc2' in {kind}: {why}",
            "node 'softmax' in f32: softmax stays in f32")
    for name, value in got.items():
        if value.dtype != dtype:
            raise common.Failed(f"output '{name}' is {value.dtype}, the model "
                                f"says {np.dtype(dtype)}")
    cpu = common.compare(wide(bench.cpu(model, {"x": x})), wide(got))
    if cpu > BOUND[kind]:
        raise common.Failed(f"differs by {cpu:.2e} from the CPU's, expected "
                            f"at most {BOUND[kind]}")
    exact = emulated(x, "exact")
    error = common.compare(exact, wide(got))
    fair = common.compare(exact, wide(emulated(x, kind)))
    if not error <= SLACK * fair:
        raise common.Failed(f"error {error:.2e}, that of the emulated run is "
                            f"{fair:.2e}")
    # Nothing was lowered if the result is that of f32.
    if error < fair / 100:
        raise common.Failed(f"error {error:.2e}: is this {kind}? the emulated "
                            f"run has {fair:.2e}")
    return f"error {error:.1e}, emulated {fair:.1e}"


def forcedNode(bench):
    """One node in f16, the others in f32; and all in f32 under --fp16."""
    model = bench.folder / "mlp.onnx"
    network(model)
    x = np.random.default_rng(7).normal(
        0, 1, (SIZES["rows"], SIZES["inner"])).astype(np.float32)
    cpu = bench.cpu(model, {"x": x})
    one, log = bench.cuda(model, {"x": x}, "--precision=fc1:f16")
    mustSay(log, "node 'fc1' in f16: --precision=fc1:f16",
            "node 'fc2' in f32")
    none, _ = bench.cuda(model, {"x": x}, "--fp16", "--precision=*:f32")
    rounded, same = common.compare(cpu, one), common.compare(cpu, none)
    if not 1e-5 < rounded <= BOUND["f16"]:
        raise common.Failed(f"one node in f16: difference {rounded:.2e}")
    if same > common.TOLERANCE["fp32"]:
        raise common.Failed(f"all in f32: difference {same:.2e}")
    return f"differences {rounded:.1e} and {same:.1e}"


def factors(bench, taps):
    """A convolution, then factors and summands that bf16 would round in one
    direction: they and the bias keep their digits. The operands of the product
    are bf16 numbers, so the result is rounded where it is stored, and nowhere
    else."""
    steps, draw = 24, np.random.default_rng(5)
    small = lambda *shape: draw.integers(-8, 9, shape).astype(np.float32) / 8
    x, w = small(2, 16, 6, 5), small(8, 16, taps, taps)
    bias = np.full(8, 1.003, np.float32)
    scale = np.float32(1.003)  # in bf16 1.00390625
    shift = np.full((8, 1, 1), 0.1003, np.float32)
    node, value = helper.make_node, "y"
    # A factor right behind the convolution would go into its weights.
    nodes = [node("Conv", ["x", "w", "bias"], ["sum"], name="conv",
                  pads=[taps // 2] * 4),
             node("Abs", ["sum"], ["y"], name="abs")]
    for i in range(steps):
        nodes += [node("Mul", [value, "scale"], [f"m{i}"], name=f"mul{i}"),
                  node("Add", [f"m{i}", "shift"], [f"a{i}"], name=f"add{i}"),
                  node("Abs", [f"a{i}"], [f"y{i}"], name=f"abs{i}")]
        value = f"y{i}"
    graph = helper.make_graph(
        nodes, "factors",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info(value, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(v, k) for k, v in
         dict(w=w, bias=bias, scale=scale, shift=shift).items()])
    path = bench.folder / "factors.onnx"
    onnx.save(helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    got, log = bench.cuda(path, {"x": x}, "--bf16")
    mustSay(log, "node 'conv' in bf16: --bf16; its bias stays in f32",
            "node 'mul0' in bf16: --bf16; its constants stay in f32")
    padded = np.pad(x.astype(np.float64), [(0, 0)] * 2 + [(taps // 2,) * 2] * 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (taps, taps),
                                                       (2, 3))
    y = np.einsum("nchwij,mcij->nmhw", windows, w.astype(np.float64))
    y = np.abs(y + bias.astype(np.float64)[:, None, None])
    for _ in range(steps):
        y = np.abs(y * np.float64(scale) + shift.astype(np.float64))
    # Rounded twice at most: behind the convolution, and behind the chain, by
    # 2^-9 of the value each. With rounded constants it is off by 6e-2.
    bound = 2 * 2.0**-9
    difference = common.compare({value: y}, wide(got))
    if difference > bound:
        raise common.Failed(f"difference {difference:.2e}, expected at most "
                            f"{bound:.2e}")
    return f"difference {difference:.1e}"


def net(bench, name, flag, kind):
    model = models.get(name, opset=17)
    feeds = inputs.zoo(model)
    got, _ = bench.cuda(model, feeds, flag)
    difference = common.compare(bench.cpu(model, feeds), got)
    if difference > BOUND[kind]:
        raise common.Failed(f"difference {difference:.2e}, expected at most "
                            f"{BOUND[kind]}")
    return f"difference {difference:.1e}"


def main():
    args = common.arguments("lower precision on CUDA")
    report, tools = common.Report("precision"), common.Tools(args.bin)
    with common.workFolder() as name:
        bench = Bench(tools, common.pathlib.Path(name))
        report.check("mlp --fp16", mlp, bench, "f16", "--fp16")
        report.check("mlp --bf16", mlp, bench, "bf16", "--bf16")
        for taps in (1, 3):
            report.check(f"factors --bf16, {taps} x {taps} taps", factors, bench,
                         taps)
        report.check("mlp of f16", mlp, bench, "f16", None, np.float16)
        report.check("mlp --precision", forcedNode, bench)
        report.check("mobilenet_v2 --fp16", net, bench, "mobilenet_v2",
                     "--fp16", "f16")
        if args.set == "full":
            report.check("resnet18 --bf16", net, bench, "resnet18", "--bf16",
                         "bf16")
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
