# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The oracle: onnxruntime on the CPU, and how far a result is from its own.
# Shared by the demo, the tests and the benchmarks.

import numpy as np


class Mismatch(Exception):
    """Two results that cannot be compared, in words."""


def overrideShapes(model, shapes):
    """Declares other input sizes, as tenonc --shapes does (model is changed)."""
    for value in model.graph.input:
        if value.name in shapes:
            dims = value.type.tensor_type.shape
            dims.Clear()
            for size in shapes[value.name]:
                dims.dim.add().dim_value = size
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]


def session(path, shapes=None, threads=2):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    source = str(path)
    if shapes:
        import onnx
        model = onnx.load(source)
        overrideShapes(model, shapes)
        source = model.SerializeToString()
    return onnxruntime.InferenceSession(source, options,
                                        providers=["CPUExecutionProvider"])


def outputs(reference, feeds):
    """A session's outputs by name."""
    names = [output.name for output in reference.get_outputs()]
    return dict(zip(names, reference.run(names, feeds)))


def difference(expected, got):
    """
    The largest difference of any output over that output's largest magnitude.
    Raises where names, shapes, types or the places of NaN and Inf differ, and
    where integers differ at all.
    """
    if sorted(expected) != sorted(got):
        raise Mismatch(f"outputs {sorted(got)}, expected {sorted(expected)}")
    worst = 0.0
    for name, reference in expected.items():
        value = got[name]
        if value.shape != reference.shape or value.dtype != reference.dtype:
            raise Mismatch(
                f"output '{name}': {value.dtype}{list(value.shape)}, "
                f"expected {reference.dtype}{list(reference.shape)}")
        if reference.dtype.kind not in "fc":
            if not np.array_equal(value, reference):
                raise Mismatch(f"output '{name}': integers differ")
            continue
        a, b = value.astype(np.float64), reference.astype(np.float64)
        special = ~np.isfinite(b)
        if not np.array_equal(a[special], b[special], equal_nan=True):
            raise Mismatch(f"output '{name}': NaN or Inf in other places")
        a, b = a[~special], b[~special]
        if not b.size:
            continue
        if not np.isfinite(a).all():
            raise Mismatch(f"output '{name}': NaN or Inf, expected finite")
        scale = max(np.abs(b).max(), 1e-30)
        worst = max(worst, float(np.abs(a - b).max() / scale))
    return worst


def parseShapes(flags):
    """['--shapes=x:1x3,y:4'] -> {'x': [1, 3], 'y': [4]}; names may hold ':'."""
    shapes = {}
    for part in ",".join(f.split("=", 1)[1] for f in flags).split(","):
        name, colon, sizes = part.rpartition(":")
        if colon:
            shapes[name] = [int(size) for size in sizes.split("x")]
    return shapes


def shapesFlag(shapes):
    return "--shapes=" + ",".join(
        f"{name}:{'x'.join(map(str, dims))}" for name, dims in shapes.items())
