# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# A smaller model that fails in the same way: of the outputs only one, inner values
# as outputs in their place, inner values as inputs (with the numbers they had),
# nodes left out where an operand has the result's type and shape, and one run
# instead of several; as long as anything of that still fails.

import time

import onnx
from onnx import helper

import graphEval


def info(name, arrays, symbols):
    dims = []
    for sizes in zip(*(a.shape for a in arrays)):
        same = len(set(sizes)) == 1
        dims.append(sizes[0] if same else symbols.get(sizes, f"{name}_open"))
    return helper.make_tensor_value_info(
        name, graphEval.elementType(arrays[0]), dims)


def rebuilt(model, nodes, outputs, values, feeds, symbols):
    """A model of NODES for OUTPUTS, what is missing as inputs; None if nothing
    is left. VALUES hold all values of each run."""
    needed, kept = set(outputs), []
    for node in reversed(nodes):
        if needed & set(node.output):
            kept.insert(0, node)
            needed |= {n for n in node.input if n}
    made = {n for node in kept for n in node.output}
    outputs = [o for o in outputs if o in made]
    if not outputs:
        return None
    constants = [t for t in model.graph.initializer if t.name in needed]
    names = {t.name for t in constants}
    inputs = sorted(needed - made - names)
    old = {i.name: i for i in model.graph.input}
    graph = helper.make_graph(
        kept, "graph",
        [old.get(n) or info(n, [v[n] for v in values], symbols) for n in inputs],
        [info(n, [v[n] for v in values], symbols) for n in outputs], constants)
    small = helper.make_model(graph, opset_imports=model.opset_import,
                              ir_version=model.ir_version)
    return small, [{n: v[n] for n in inputs} for v in values[:len(feeds)]]


def renamed(nodes, dropped, name, other):
    """NODES without DROPPED, OTHER in the place of its result NAME."""
    result = []
    for node in nodes:
        if node is dropped:
            continue
        copy = onnx.NodeProto.FromString(node.SerializeToString())
        for i, operand in enumerate(copy.input):
            if operand == name:
                copy.input[i] = other
        result.append(copy)
    return result


def candidates(model, feeds):
    """Smaller models, the smallest first."""
    parts = graphEval.Evaluator(model, feeds[0])
    values = [parts.values(given) for given in feeds]
    nodes = list(model.graph.node)
    outputs = [o.name for o in model.graph.output]
    symbols = {}
    for value in model.graph.input:
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            if dim.dim_param:
                sizes = tuple(f[value.name].shape[axis] for f in feeds)
                symbols[sizes] = dim.dim_param

    def build(kept, wanted):
        return rebuilt(model, kept, wanted, values, feeds, symbols)
    if len(feeds) > 1:
        for i, given in enumerate(feeds):
            yield model, [given]
    if len(outputs) > 1:
        for output in outputs:
            yield build(nodes, [output])
        for output in outputs:
            yield build(nodes, [o for o in outputs if o != output])
    for i, node in enumerate(nodes):  # what is above the node
        yield build([n for n in nodes if n is not node], outputs)
    for node in nodes:  # what is below it
        for name in node.output:
            if name and name not in outputs:
                yield build(nodes, [name])
    for node in nodes:
        for operand in node.input:
            for name in node.output:
                if not operand or not name or name in outputs:
                    continue
                if all(v[operand].shape == v[name].shape
                       and v[operand].dtype == v[name].dtype for v in values):
                    yield build(renamed(nodes, node, name, operand), outputs)


def reduce(model, feeds, fails, seconds=90):
    """FAILS says whether (model, feeds) still shows the finding."""
    end, again = time.monotonic() + seconds, True
    while again and time.monotonic() < end:
        again = False
        for smaller in candidates(model, feeds):
            if time.monotonic() > end:
                break
            if smaller and fails(*smaller):
                model, feeds = smaller
                again = True
                break
    return model, feeds
