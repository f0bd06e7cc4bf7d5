# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# tensorModels.py FOLDER: models whose weights are stored in every way that a
# TensorProto knows, right and wrong, which ONNX's text format cannot say.

import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper, numpy_helper

folder = pathlib.Path(sys.argv[1])


def save(name, tensors, **options):
    """Each tensor is an output."""
    nodes = [helper.make_node("Identity", [t.name], [f"{t.name}_out"])
             for t in tensors]
    graph = helper.make_graph(
        nodes, "tensors", [],
        [helper.make_empty_tensor_value_info(f"{t.name}_out")
         for t in tensors], tensors)
    model = helper.make_model(graph, ir_version=10,
                              opset_imports=[helper.make_opsetid("", 21)])
    (folder / f"{name}.onnx").write_bytes(model.SerializeToString())


def raw(name, kind, dims, data):
    tensor = T(name=name, data_type=kind, dims=dims)
    tensor.raw_data = data
    return tensor


def listed(name, kind, dims, field, values):
    tensor = T(name=name, data_type=kind, dims=dims)
    getattr(tensor, field).extend(values)
    return tensor


def external(name, dims, location, offset=None, length=None, kind=T.FLOAT):
    tensor = T(name=name, data_type=kind, dims=dims,
               data_location=T.EXTERNAL)
    for key, value in (("location", location), ("offset", offset),
                       ("length", length)):
        if value is not None:
            tensor.external_data.add(key=key, value=str(value))
    return tensor


save("kinds", [
    listed("f32", T.FLOAT, [2], "float_data", [1.5, -2]),
    listed("f64", T.DOUBLE, [2], "double_data", [1.5, -2]),
    listed("i8", T.INT8, [2], "int32_data", [-1, 127]),
    listed("u8", T.UINT8, [2], "int32_data", [0, 255]),
    listed("i16", T.INT16, [2], "int32_data", [-1, 5]),
    listed("i64", T.INT64, [2], "int64_data", [-1, 2**62]),
    listed("u32", T.UINT32, [2], "uint64_data", [1, 2**32 - 1]),
    listed("u64", T.UINT64, [2], "uint64_data", [1, 2**64 - 1]),
    listed("b", T.BOOL, [3], "int32_data", [1, 0, 1]),
    listed("f16", T.FLOAT16, [2], "int32_data", [0x3C00, 0xC000]),
    listed("bf16", T.BFLOAT16, [2], "int32_data", [0x3F80, 0xC000]),
    raw("i4", T.INT4, [3], b"\xf1\x07"),
    raw("u4", T.UINT4, [3], b"\xf1\x07"),
    raw("scalar", T.FLOAT, [], np.float32(3).tobytes()),
    raw("empty", T.FLOAT, [0, 3], b""),
    raw("nan", T.FLOAT, [2], np.array([np.nan, np.inf], "f4").tobytes()),
    raw("big", T.FLOAT, [300], np.arange(300, dtype="f4").tobytes()),
    raw("splat", T.FLOAT, [300], np.full(300, 2, "f4").tobytes()),
])
save("wrong", [
    raw("short", T.FLOAT, [3], b"\0" * 8),
    listed("few", T.FLOAT, [3], "float_data", [1]),
    raw("negative", T.FLOAT, [-1], b""),
    raw("huge", T.FLOAT, [2**62], b""),
    raw("product", T.FLOAT, [2**30, 2**30], b""),
    listed("string", T.STRING, [1], "string_data", [b"x"]),
    raw("untyped", 0, [1], b"\0"),
    raw("unknown", 99, [1], b"\0"),
])
(folder / "weights.bin").write_bytes(np.arange(400, dtype="f4").tobytes())
(folder / "sub").mkdir(exist_ok=True)
(folder / "sub" / "more.bin").write_bytes(np.arange(8, dtype="f4").tobytes())
save("external", [
    external("all", [400], "weights.bin"),
    external("part", [2], "weights.bin", 8, 8),
    external("odd", [300], "weights.bin", 1, 1200),
    external("below", [8], "sub/more.bin"),
])
outside = folder.parent / (folder.name + "-outside.bin")
outside.write_bytes(b"\0" * 16)
link = folder / "link.bin"
link.symlink_to(outside)
save("refused", [
    external("up", [4], "../" + outside.name),
    external("root", [4], str(outside)),
    external("linked", [4], "link.bin"),
    external("gone", [4], "nothing.bin"),
    external("folder", [4], "sub"),
    external("far", [4], "weights.bin", 1600, 16),
    external("ends", [4], "weights.bin", 1592),
    external("minus", [4], "weights.bin", -4),
    external("word", [4], "weights.bin", "x"),
    external("size", [4], "weights.bin", 0, 8),
    external("nameless", [4], None),
])
