# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Finds the first tensor of a model, in the order of its nodes, that differs
# from onnxruntime's: for debugging, not a test.
#
#   firstDifference.py --model=NAME[:OPTION=VALUE,...]|MODEL.onnx [--bin=FOLDER]
#       [--all]     every tensor at once (no kernel is fused across them)
#       [--bound=1e-4]
#
# Without --all, a few tensors at a time are made outputs (--mark-output), which
# leaves fusion elsewhere as it is, and the interval is narrowed.

import pathlib
import sys

import numpy as np
import onnx

import common
from common import Failed

AT_ONCE = 8


def differences(tools, folder, path, feeds, names):
    model = onnx.load(path)
    outputs = {o.name for o in model.graph.output}
    for name in names:
        if name not in outputs:
            model.graph.output.append(onnx.ValueInfoProto(name=name))
    onnx.save(model, folder / "marked.onnx")
    expected = common.oracle(folder / "marked.onnx", feeds)
    tools.compile(path, folder / "model.tenon",
                  *(f"--mark-output={n}" for n in names if n not in outputs))
    got = tools.infer(folder / "model.tenon", feeds, folder)
    for name in names:
        try:
            if name not in got:
                raise Failed("not an output")
            yield name, common.compare({name: expected[name]},
                                       {name: got[name]})
        except Failed as failure:
            yield name, str(failure)


def bad(value, bound):
    return isinstance(value, str) or not value <= bound


def search(tools, folder, path, feeds, order, bound):
    low, high = 0, len(order) - 1  # the first bad one lies in [low, high]
    while low < high:
        count = min(AT_ONCE, high - low)
        places = sorted({low + (high - low) * i // count
                         for i in range(count)})
        found = list(differences(tools, folder, path, feeds,
                                 [order[p] for p in places]))
        for place, (name, value) in zip(places, found):
            print(f"  {place:5} {name}: {value}", flush=True)
            if bad(value, bound):
                high = place
                break
            low = place + 1
    return order[low]


def main():
    import inputs
    import models
    args = common.arguments(
        "the first tensor that differs", all=dict(action="store_true"),
        bound=dict(type=float, default=1e-4), model=dict(default=None))
    tools = common.Tools(args.bin)
    name, options = models.parse(args.model)
    if args.model.endswith(".onnx"):
        path, feeds = args.model, inputs.zoo(args.model)
    else:
        from cases import CASES
        from runModel import feedsOf
        path = models.get(name, **options)
        run = next(c.runs[0] for c in CASES if c.model == name)
        feeds = feedsOf(run, path)
    model = onnx.load(str(path), load_external_data=False)
    skip = {"Constant", "Shape"}
    order = [o for n in model.graph.node if n.op_type not in skip
             for o in n.output if o]
    maker = {o: n for n in model.graph.node for o in n.output}
    with common.workFolder() as temporary:
        folder = pathlib.Path(temporary)
        np.savez(folder / "in.npz", **feeds)
        if args.all:
            for tensor, value in differences(tools, folder, str(path), feeds,
                                             order):
                print(f"{'BAD ' if bad(value, args.bound) else 'ok  '} "
                      f"{maker[tensor].op_type:20} {tensor}: {value}")
        else:
            first = search(tools, folder, str(path), feeds, order, args.bound)
            node = maker[first]
            print(f"first: '{first}' of node '{node.name}' ({node.op_type})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
