# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Models that tenonc must refuse, and some odd ones that it must take. For each
# row of the table: the exit code, words that the message must hold, no sign of
# a crash, and nothing left behind in the output's folder. Models are written in
# ONNX's text format where it can express them.

import os
import pathlib
import re
import resource
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, parser

import common
from common import Failed

CRASH = re.compile(r"Stack dump|PLEASE submit|Assertion|terminate called|"
                   r"AddressSanitizer|runtime error:")
HEAD = '<ir_version: 8, opset_import: ["" : 17]>\n'


def text(graph, head=HEAD):
    return parser.parse_model(head + graph).SerializeToString()


def relu():
    return text("g (float[2,3] x) => (float[2,3] y) { y = Relu(x) }")


def node(kind, inputs, outputs, name, domain="", **attributes):
    return helper.make_node(kind, inputs, outputs, name, domain=domain,
                            **attributes)


def graph(nodes, inputs, outputs, constants=(), opset=17, ir=8):
    def info(value):
        name, shape = value[:2]
        kind = value[2] if len(value) > 2 else TensorProto.FLOAT
        return helper.make_tensor_value_info(name, kind, shape)
    return helper.make_model(
        helper.make_graph(nodes, "g", [info(v) for v in inputs],
                          [info(v) for v in outputs], list(constants)),
        opset_imports=[helper.make_opsetid("", opset)], ir_version=ir)


def external(location, offset=0, length=24):
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2, 3],
                         data_location=TensorProto.EXTERNAL)
    for key, value in dict(location=location, offset=offset,
                           length=length).items():
        tensor.external_data.add(key=key, value=str(value))
    return graph([node("Add", ["x", "w"], ["y"], "sum")], [("x", [2, 3])],
                 [("y", [2, 3])], [tensor]).SerializeToString()


def cycle():
    return graph([node("Add", ["x", "b"], ["a"], "first"),
                  node("Relu", ["a"], ["b"], "second")],
                 [("x", [2, 3])], [("b", [2, 3])]).SerializeToString()


def undefined():
    return graph([node("Add", ["x", "nowhere"], ["y"], "sum")],
                 [("x", [2, 3])], [("y", [2, 3])]).SerializeToString()


def twice():
    return graph([node("Relu", ["x"], ["y"], "first"),
                  node("Exp", ["x"], ["y"], "second")],
                 [("x", [2, 3])], [("y", [2, 3])]).SerializeToString()


def noProducer():
    return graph([node("Relu", ["x"], ["z"], "only")],
                 [("x", [2, 3])], [("y", [2, 3])]).SerializeToString()


def unknownOps():
    return graph([node("Frobnicate", ["x"], ["a"], "strange/one"),
                  node("Relu", ["a"], ["b"], "fine"),
                  node("Twiddle", ["b"], ["y"], "strange/two")],
                 [("x", [2, 3])], [("y", [2, 3])]).SerializeToString()


def unknownDomain():
    model = graph([node("Relu", ["x"], ["y"], "foreign", domain="com.acme")],
                  [("x", [2, 3])], [("y", [2, 3])])
    model.opset_import.append(helper.make_opsetid("com.acme", 1))
    return model.SerializeToString()


def typeMismatch():
    return graph([node("Add", ["x", "n"], ["y"], "sum")],
                 [("x", [2, 3]), ("n", [2, 3], TensorProto.INT64)],
                 [("y", [2, 3])]).SerializeToString()


def shapeMismatch():
    return graph([node("MatMul", ["x", "w"], ["y"], "product")],
                 [("x", [2, 3]), ("w", [4, 5])],
                 [("y", [2, 5])]).SerializeToString()


def badReshape():
    shape = numpy_helper.from_array(np.array([4, 5], np.int64), "shape")
    return graph([node("Reshape", ["x", "shape"], ["y"], "reshaped")],
                 [("x", [2, 3])], [("y", [4, 5])], [shape]).SerializeToString()


def shortWeight():
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2, 3],
                         raw_data=b"\0" * 20)
    return graph([node("Add", ["x", "w"], ["y"], "sum")], [("x", [2, 3])],
                 [("y", [2, 3])], [tensor]).SerializeToString()


def hugeWeight():
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT,
                         dims=[1 << 31, 1 << 31], raw_data=b"\0" * 24)
    return graph([node("Add", ["x", "w"], ["y"], "sum")], [("x", [1])],
                 [("y", None)], [tensor]).SerializeToString()


def hugeInput(power):
    size = [1 << power // 2] * 2
    return graph([node("Relu", ["x"], ["y"], "only")], [("x", size)],
                 [("y", size)]).SerializeToString()


def hugeConstant():
    shape = numpy_helper.from_array(
        np.array([1 << 31, 1 << 31], np.int64), "shape")
    return graph([node("ConstantOfShape", ["shape"], ["c"], "filled"),
                  node("Add", ["x", "c"], ["y"], "sum")],
                 [("x", [1])], [("y", None)], [shape]).SerializeToString()


def missingAttribute():
    return graph([node("Cast", ["x"], ["y"], "converted")], [("x", [2, 3])],
                 [("y", [2, 3])]).SerializeToString()


def futureOpset():
    return graph([node("Relu", ["x"], ["y"], "only")], [("x", [2, 3])],
                 [("y", [2, 3])], opset=9999).SerializeToString()


def futureFormat():
    return graph([node("Relu", ["x"], ["y"], "only")], [("x", [2, 3])],
                 [("y", [2, 3])], ir=99).SerializeToString()


def zeroStride():
    return graph([node("MaxPool", ["x"], ["y"], "pool", kernel_shape=[2, 2],
                       strides=[0, 0])], [("x", [1, 1, 4, 4])],
                 [("y", None)]).SerializeToString()


def zeroGroup():
    weight = numpy_helper.from_array(np.ones((2, 1, 3, 3), np.float32), "w")
    return graph([node("Conv", ["x", "w"], ["y"], "conv", group=0)],
                 [("x", [1, 1, 4, 4])], [("y", None)],
                 [weight]).SerializeToString()


def badPermutation():
    return graph([node("Transpose", ["x"], ["y"], "turned", perm=[0, 0])],
                 [("x", [2, 3])], [("y", None)]).SerializeToString()


def garbage():
    return np.random.default_rng(1).bytes(4096)


# name, bytes of the model, what the message must hold (a regular expression)
BAD = [
    ("empty file", lambda: b"", r"empty|not an ONNX"),
    ("not a protobuf", garbage, r"ONNX"),
    ("text file", lambda: b"hello, this is not a model\n" * 9, r"ONNX"),
    ("truncated", lambda: relu()[:-9], r"ONNX|truncated"),
    ("TensorRT plan", lambda: b"ftrt" + b"\0" * 400,
     r"TensorRT plan.*recompile from ONNX"),
    ("missing external data", lambda: external("absent.bin"), r"absent\.bin"),
    ("external data outside the folder",
     lambda: external("../../../etc/passwd"), r"\.\./|outside"),
    ("external data with an absolute path",
     lambda: external("/etc/passwd"), r"/etc/passwd"),
    ("external data past the end of its file",
     lambda: external("model.onnx", offset=1 << 40), r"past|offset"),
    ("external data of the wrong length",
     lambda: external("model.onnx", length=8), r"length|bytes"),
    ("cyclic graph", cycle, r"cycl|first|second"),
    ("undefined value", undefined, r"nowhere"),
    ("value defined twice", twice, r"'?y'?"),
    ("output that no node computes", noProducer, r"'?y'?"),
    ("unknown operators, all listed", unknownOps,
     r"(?s)strange/one.*strange/two"),
    ("unknown domain", unknownDomain, r"com\.acme"),
    ("type mismatch", typeMismatch, r"sum"),
    ("shape mismatch", shapeMismatch, r"product"),
    ("impossible reshape", badReshape, r"reshaped"),
    ("weight with too few bytes", shortWeight, r"'?w'?"),
    ("weight of 2^62 elements", hugeWeight, r"'?w'?"),
    ("constant of 2^62 elements", hugeConstant, r"filled|large|elements"),
    ("input of 2^62 elements", lambda: hugeInput(62), r"'?x'?"),
    ("input of 2^80 elements", lambda: hugeInput(80), r"'?x'?"),
    ("missing attribute", missingAttribute, r"converted"),
    ("opset of the future", futureOpset, r"9999"),
    ("format of the future", futureFormat, r"99"),
    ("stride of zero", zeroStride, r"pool"),
    ("group of zero", zeroGroup, r"conv"),
    ("permutation that is none", badPermutation, r"turned"),
]

# name, arguments after the model (relu), exit code, words of the message
COMMANDS = [
    ("unknown flag", ["--frobnicate"], 2, r"frobnicate"),
    ("shape of an unknown input", ["--shapes=q:2x3"], 1, r"'?q'?"),
    ("shape of another rank", ["--shapes=x:2x3x4"], 1, r"'?x'?"),
    ("shape that is none", ["--shapes=x:2xq"], 2, r"2xq|shapes"),
    ("negative size", ["--shapes=x:-2x3"], 2, r"-2x3|shapes"),
    ("unknown CPU", ["--cpu=z80"], 2, r"z80"),
]


def expect(done, code, pattern):
    words = done.stderr + done.stdout
    if done.returncode != code:
        raise Failed(f"exit code {done.returncode}, expected {code}\n"
                     f"{words[-800:]}")
    if CRASH.search(words):
        raise Failed(f"signs of a crash:\n{words[-800:]}")
    if not re.search(pattern, done.stderr):
        raise Failed(f"the message lacks /{pattern}/:\n{done.stderr[-800:]}")
    return done.stderr.strip().splitlines()[0][:90]


def refuse(tools, folder, model, flags, code, pattern, **options):
    (folder / "model.onnx").write_bytes(model)
    before = sorted(os.listdir(folder))
    done = tools.run("tenonc", "model.onnx", "-o", "out.tenon", *flags,
                     seconds=60, cwd=folder, **options)
    line = expect(done, code, pattern)
    left = sorted(set(os.listdir(folder)) - set(before))
    if left:
        raise Failed(f"left behind: {left}")
    return line


def unwritable(tools, folder):
    (folder / "model.onnx").write_bytes(relu())
    done = tools.run("tenonc", "model.onnx", "-o", "no/such/folder/x.tenon",
                     seconds=60, cwd=folder)
    expect(done, 1, r"no/such/folder")
    # A rename would replace the pipe.
    os.mkfifo(folder / "pipe")
    done = tools.run("tenonc", "model.onnx", "-o", "pipe", seconds=60,
                     cwd=folder)
    if not (folder / "pipe").is_fifo():
        raise Failed("the pipe was replaced")
    return expect(done, 1, r"'pipe': it is not a regular file")


def fullDisk(tools, folder):
    """A limit on file sizes stands for a full disk: 64 KiB, engine 256 KiB."""
    weight = numpy_helper.from_array(
        np.ones((256, 256), np.float32) * np.arange(256, dtype=np.float32),
        "w")
    model = graph([node("MatMul", ["x", "w"], ["y"], "product")],
                  [("x", [2, 256])], [("y", [2, 256])], [weight])
    limit = (1 << 16, 1 << 16)
    return refuse(
        tools, folder, model.SerializeToString(), [], 1, r"out\.tenon|write|"
        r"space|large", preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, limit))


def checkListsAll(tools, folder):
    (folder / "model.onnx").write_bytes(unknownOps())
    done = tools.run("tenonc", "--check", "model.onnx", seconds=60, cwd=folder)
    words = done.stdout + done.stderr
    for name in ("strange/one", "strange/two", "Frobnicate", "Twiddle"):
        if name not in words:
            raise Failed(f"--check does not name {name}:\n{words[-800:]}")
    if done.returncode != 1:
        raise Failed(f"exit code {done.returncode}, expected 1")
    (folder / "model.onnx").write_bytes(relu())
    done = tools.run("tenonc", "--check", "model.onnx", seconds=60, cwd=folder)
    if done.returncode != 0:
        raise Failed(f"--check of a supported model: {done.stderr[-800:]}")
    return ""


def usage(tools, *_):
    for tool, args in (("tenonc", []), ("tenon-run", []),
                       ("tenonc", ["absent.onnx", "-o"])):
        done = tools.run(tool, *args, seconds=60)
        if done.returncode != 2 or not done.stderr:
            raise Failed(f"{tool} {args}: exit code {done.returncode}, "
                         f"expected 2 and a message")
    done = tools.run("tenonc", "absent.onnx", "-o", "x.tenon", seconds=60)
    return expect(done, 1, r"absent\.onnx")


def agrees(tools, folder, model, feeds):
    """An odd model that is legal: as onnxruntime computes it."""
    path = folder / "model.onnx"
    path.write_bytes(model)
    tools.compile(path, folder / "model.tenon")
    got = tools.infer(folder / "model.tenon", feeds, folder)
    difference = common.compare(common.oracle(path, feeds), got)
    if difference > common.TOLERANCE["fp32"]:
        raise Failed(f"difference {difference:.2e}")
    return f"difference {difference:.1e}"


def oddModels():
    """Legal, and often got wrong: (name, model, inputs)"""
    x = np.arange(6, dtype=np.float32).reshape(2, 3) - 2
    empty = text("g (float[0,3] x) => (float[0,3] y) { y = Relu(x) }")
    yield "no elements", empty, {"x": x[:0]}
    dynamic = text("g (float[n,3] x) => (float[n,3] y) { y = Relu(x) }")
    yield "no elements in a dynamic size", dynamic, {"x": x[:0]}
    weight = numpy_helper.from_array(
        np.array([[np.nan, 1, 2], [np.inf, 3, -np.inf]], np.float32), "w")
    yield "NaN and Inf in a weight", graph(
        [node("Add", ["x", "w"], ["y"], "sum")], [("x", [2, 3])],
        [("y", [2, 3])], [weight]).SerializeToString(), {"x": x}
    scalar = graph([node("Exp", ["x"], ["y"], "only")], [("x", [])],
                   [("y", [])])
    yield "no dimensions", scalar.SerializeToString(), {"x": np.array(0.5, np.float32)}
    through = text("g (float[2,3] x) => (float[2,3] y) { y = Identity(x) }")
    yield "output is the input", through, {"x": x}
    names = graph([node("Relu", ["in:0"], ["a/b:0"], "scope/relu:0")],
                  [("in:0", [2, 3])], [("a/b:0", [2, 3])])
    yield "names with : and /", names.SerializeToString(), {"in:0": x}
    anonymous = graph([node("Relu", ["x"], ["t"], ""),
                       node("Exp", ["t"], ["y"], "")],
                      [("x", ["?", "?"])], [("y", None)])
    yield "sizes named ?, each its own", anonymous.SerializeToString(), {"x": x}
    unused = graph([node("Relu", ["x"], ["y"], "only")], [("x", [2, 3])],
                   [("y", [2, 3])])
    unused.opset_import.append(helper.make_opsetid("com.unused", 3))
    yield "a domain that is imported and not used", (
        unused.SerializeToString()), {"x": x}
    listed = graph([node("Add", ["x", "w"], ["y"], "sum")],
                   [("x", [2, 3]), ("w", [3])], [("y", [2, 3])],
                   [numpy_helper.from_array(np.ones(3, np.float32), "w")])
    yield "an initializer among the inputs", listed.SerializeToString(), {
        "x": x}
    same = graph([node("Relu", ["x"], ["y"], "a"),
                  node("Relu", ["x"], ["z"], "b")], [("x", [2, 3])],
                 [("y", [2, 3]), ("z", [2, 3])])
    yield "two outputs of equal value", same.SerializeToString(), {"x": x}
    constant = graph([node("Relu", ["w"], ["y"], "folded")], [],
                     [("y", [3])], [numpy_helper.from_array(
                         np.array([-1, 0, 2], np.float32), "w")])
    yield "no inputs at all", constant.SerializeToString(), {}


def inFolder(test, tools, *args, **options):
    with common.workFolder() as folder:
        return test(tools, pathlib.Path(folder), *args, **options)


def main():
    args = common.arguments("models that tenonc must refuse, and odd ones")
    report, tools = common.Report("badModel"), common.Tools(args.bin)
    for name, make, pattern in BAD:
        report.check(name, inFolder, refuse, tools, make(), [], 1, pattern)
    for name, flags, code, pattern in COMMANDS:
        report.check(name, inFolder, refuse, tools, relu(), flags, code,
                     pattern)
    report.check("output cannot be written", inFolder, unwritable, tools)
    report.check("disk full", inFolder, fullDisk, tools)
    report.check("--check lists everything", inFolder, checkListsAll, tools)
    report.check("wrong usage", inFolder, usage, tools)
    for name, model, feeds in oddModels():
        report.check(name, inFolder, agrees, tools, model, feeds)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
