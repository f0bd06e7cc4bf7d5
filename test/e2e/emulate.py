# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# A model in f32 with roundings to f16 or bf16 where an engine of --fp16 or
# --bf16 has them: at the values that its kernels hand on, and at the weights
# (compiler/Graph/Precision.h says which constants stay in f32).
# Its outputs in onnxruntime, which computes in f32 between the roundings, say
# what error the precision itself brings.

import re

import numpy as np
import onnx
import onnx.version_converter
from onnx import TensorProto, helper, numpy_helper

KINDS = {"f16": TensorProto.FLOAT16, "bf16": TensorProto.BFLOAT16}
# Magnitudes from which a rounding gives infinity.
INFINITE = {"f16": 65520.0, "bf16": 2.0**128 - 2.0**119}
# What takes numbers, or one for each channel, in f32 beside bf16.
WIDE = {"Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "PRelu", "Where",
        "BatchNormalization"}
VALUE = re.compile(r"^\s*%(\w+) = engine\.(\w+).* : (\w+)\[")
LAUNCH = re.compile(r"^\s*engine\.launch @\w+ .*\bins\(([^)]*)\) "
                    r"outs\(([^)]*)\).* nodes \[([^\]]*)\]")


def numbers(text):
    return re.findall(r"%(\w+)", text)


def launches(program):
    """(types read, types written, names of nodes) of each, from the text that
    tenon-inspect --program prints."""
    types = {}
    for line in program.splitlines():
        if value := VALUE.match(line):
            types[value[1]] = value[3]
        elif found := LAUNCH.match(line):
            yield ([types.get(v, "") for v in numbers(found[1])],
                   [types.get(v, "") for v in numbers(found[2])],
                   re.findall(r'"((?:[^"\\]|\\.)*)"', found[3]))


def weights(graph):
    """Constants of f32 by name: initializers, or nodes, as Paddle has them."""
    for weight in graph.initializer:
        if weight.data_type == TensorProto.FLOAT:
            yield weight.name, numpy_helper.to_array(weight)
    for node in graph.node:
        for a in node.attribute if node.op_type == "Constant" else ():
            if a.name == "value" and a.t.data_type == TensorProto.FLOAT:
                yield node.output[0], numpy_helper.to_array(a.t)


def staysWide(value, users, kind):
    """Whether an engine keeps a constant in f32 that narrow kernels read."""
    if np.abs(value[np.isfinite(value)]).max(initial=0) >= INFINITE[kind]:
        return True  # the lowest number in a mask
    if kind != "bf16" or sum(size != 1 for size in value.shape) > 1:
        return False
    biased = {"Conv", "ConvTranspose"} if value.ndim == 1 else set()
    return all(u.op_type in WIDE | biased for u in users)


def model(path, program):
    """The model at `path` with the roundings of `program`."""
    net = onnx.load(str(path))
    opset = next(o for o in net.opset_import if o.domain in ("", "ai.onnx"))
    if opset.version < 13:  # Cast of bf16
        net = onnx.version_converter.convert_version(net, 13)
    graph = net.graph
    producer = {out: n for n in graph.node for out in n.output}
    consumers = {}
    for node in graph.node:
        for name in node.input:
            consumers.setdefault(name, []).append(node)
    byName = {n.name: n for n in graph.node}
    inputs = {v.name for v in graph.input}
    known = onnx.shape_inference.infer_shapes(net).graph
    floats = {v.name for v in (*known.value_info, *graph.input, *graph.output)
              if v.type.tensor_type.elem_type == TensorProto.FLOAT}
    points = {}    # tensor: type that it is rounded to
    narrow = set()  # nodes whose kernel reads such a type
    kind = None
    for reads, writes, names in launches(program):
        found = {t for t in (*reads, *writes) if t in KINDS}
        if not found:
            continue
        kind = found.pop()
        inside = [byName[n] for n in names if n in byName]
        if any(t in KINDS for t in reads):
            narrow.update(n.name for n in inside)
        if not any(t in KINDS for t in writes):
            continue
        for name in names:
            if name in inputs & floats:
                points[name] = kind
        own = {n.name for n in inside}
        for node in inside:
            for out in node.output:
                if out in floats and any(
                        c.name not in own for c in consumers.get(out, [])):
                    points[out] = kind
    if kind is None:
        raise ValueError("the program has no value in f16 or bf16")
    for name, value in weights(graph):
        users = consumers.get(name, [])
        if users and all(u.name in narrow for u in users) and \
                not staysWide(value, users, kind):
            points[name] = kind
    casts = []
    for name, to in points.items():
        half, back = f"{name}/narrow", f"{name}/rounded"
        for node in consumers.get(name, []):
            for i, operand in enumerate(node.input):
                if operand == name:
                    node.input[i] = back
        casts.append((producer.get(name), [
            helper.make_node("Cast", [name], [half], to=KINDS[to]),
            helper.make_node("Cast", [half], [back], to=TensorProto.FLOAT)]))
    nodes = [n for source, pair in casts if source is None for n in pair]
    after = {}
    for source, pair in casts:
        if source is not None:
            after.setdefault(source.output[0], []).extend(pair)
    for node in list(graph.node):
        nodes.append(node)
        for out in node.output[:1]:
            nodes.extend(after.get(out, []))
    del graph.node[:]
    graph.node.extend(nodes)
    return net


def outputs(path, program, feeds, threads=2):
    """What onnxruntime makes of it; without its optimizations, which would
    remove a cast there and back."""
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    options.graph_optimization_level = \
        onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        model(path, program).SerializeToString(), options,
        providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds)))
