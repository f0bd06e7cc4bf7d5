# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# operatorModels.py FOLDER: one model for each opset from 7 to 28, which holds
# every operator that the importer supports, in the form that this opset has.
# Beside opsetN.onnx stands opsetN.types: name, element type and sizes of each
# output as onnx's own shape inference gives them.
#
# operatorModels.py --compare TYPES FILE.mlir: whether the function in the file
# has outputs of these types.
#
# A row: first opset, last opset, nodes in ONNX's text format; `Y` stands for
# an output. Operands are the graph inputs and initializers of the header.

import re
import sys

import onnx
import onnx.parser
import onnx.shape_inference

FIRST, LAST = 7, 28

INPUTS = """float[2, 3, 4] a, float[2, 3, 4] b, float[4] v, float[2, 8, 6, 6] img,
 float[2, 8, 9] seq, int64[2, 3] idx, bool[2, 3, 4] p, bool[2, 3, 4] q,
 int64[2, 3, 4] i, float16[2, 3, 4] h, double[2, 3, 4] d, float[1, 3, 1] one,
 float[2, 4, 5] rhs, uint8[2, 3, 4] u"""

INITIALIZERS = """
 float[4, 8, 3, 3] w2 = {%s}, float[4] bias4 = {1, 2, 3, 4},
 float[8, 1, 3, 3] wd = {%s}, float[4, 8, 3] w1 = {%s},
 float[8, 4, 3, 3] wt = {%s},
 float[8] g8 = {1, 1, 1, 1, 1, 1, 1, 1}, float[2] g2 = {1, 1},
 float lo = {0}, float hi = {6}, int64[1] ax1 = {1}, int64[2] ax12 = {1, -1},
 int64[2] ax03 = {0, 3}, int64[3] shape = {0, -1, 2}, int64[3] wide = {5, 3, 2},
 int64[3] reps = {1, 2, 3}, int64[3] starts = {0, 1, -2},
 int64[3] ends = {2, 3, 9223372036854775807}, int64[3] axes = {0, 1, 2},
 int64[3] steps = {1, 1, 1}, int64[6] pads = {0, 1, 0, 0, 0, 2},
 int64[2] pads1 = {1, 2}, float[4] scales = {1, 1, 2, 2},
 int64[4] sizes = {2, 8, 9, 3}, int64[2] sizes23 = {9, 3},
 float[2] scales23 = {2, 0.5}, int64[2] parts = {1, 2}, int64[2] dims = {2, 5},
 int64 r0 = {0}, int64 r5 = {5}, int64 r2 = {2}, int64 depth = {6},
 float[2] offOn = {0, 1}, float[3] three = {1, 2, 3}, int64 k1 = {1}
""" % tuple(",".join(["0.5"] * n) for n in (288, 72, 96, 288))

ROWS = [
    # Elementwise
    *[(since, LAST, f"Y = {op}(a)") for op, since in [
        ("Abs", 7), ("Acos", 7), ("Acosh", 9), ("Asin", 7), ("Asinh", 9),
        ("Atan", 7), ("Atanh", 9), ("Ceil", 7), ("Cos", 7), ("Cosh", 9),
        ("Erf", 9), ("Exp", 7), ("Floor", 7), ("IsInf", 10), ("IsNaN", 9),
        ("Log", 7), ("Neg", 7), ("Reciprocal", 7), ("Round", 11), ("Sign", 9),
        ("Sin", 7), ("Sinh", 9), ("Sqrt", 7), ("Tan", 7), ("Relu", 7),
        ("Sigmoid", 7), ("Tanh", 7), ("Softplus", 7), ("Softsign", 7),
        ("Elu", 7), ("LeakyRelu", 7), ("HardSigmoid", 7), ("HardSwish", 14),
        ("Selu", 7), ("Celu", 12), ("ThresholdedRelu", 10), ("Shrink", 9),
        ("Mish", 18), ("Gelu", 20), ("Swish", 24), ("Identity", 7)]],
    *[(since, LAST, f"Y = {op}(a, one)") for op, since in [
        ("Add", 7), ("Sub", 7), ("Mul", 7), ("Div", 7), ("Pow", 7),
        ("Greater", 7), ("Less", 7), ("GreaterOrEqual", 12),
        ("LessOrEqual", 12), ("PRelu", 7)]],
    (7, 10, "Y = Equal(i, i)"), (11, LAST, "Y = Equal(a, b)"),
    (7, LAST, "Y = Max(a, b)"), (7, LAST, "Y = Min(a, b, a)"),
    (7, LAST, "Y = Sum(a, b, a)"), (8, LAST, "Y = Mean(a, one)"),
    (12, LAST, "Y = Max(i, i)"),
    (10, LAST, "Y = Mod(i, i)"), (10, LAST, "Y = Mod <fmod = 1> (a, b)"),
    (7, LAST, "Y = And(p, q)"), (7, LAST, "Y = Or(p, q)"),
    (7, LAST, "Y = Xor(p, q)"), (7, LAST, "Y = Not(p)"),
    (11, LAST, 'Y = BitShift <direction = "LEFT"> (u, u)'),
    (18, LAST, "Y = BitwiseAnd(i, i)"), (18, LAST, "Y = BitwiseOr(i, i)"),
    (18, LAST, "Y = BitwiseXor(i, i)"), (18, LAST, "Y = BitwiseNot(i)"),
    (9, LAST, "Y = Where(p, a, one)"),
    (12, LAST, "Y = Pow(a, i)"),
    (7, 10, "Y = Clip <min = 0.0, max = 6.0> (a)"),
    (11, LAST, "Y = Clip(a, lo, hi)"), (11, LAST, "Y = Clip(a, , hi)"),
    # Types
    (7, LAST, "Y = Cast <to = 10> (a)"), (7, LAST, "Y = Cast <to = 7> (a)"),
    (13, LAST, "Y = Cast <to = 16> (a)"), (15, LAST, "Y = CastLike(a, d)"),
    (7, LAST, "Y = Add(h, h)"), (7, LAST, "Y = Add(d, d)"),
    (7, LAST, "Y = Add(i, i)"),
    # Convolution and pooling
    (7, LAST, "Y = Conv <pads = [1, 1, 1, 1], strides = [2, 2]> (img, w2)"),
    (7, LAST, 'Y = Conv <auto_pad = "SAME_UPPER"> (img, w2, bias4)'),
    (7, LAST, "Y = Conv <group = 8, dilations = [2, 2]> (img, wd)"),
    (7, LAST, "Y = Conv(seq, w1)"),
    (7, LAST, "Y = ConvTranspose <strides = [2, 2]> (img, wt)"),
    (7, LAST, "Y = ConvTranspose <strides = [2, 2], pads = [1, 1, 1, 1], "
              "output_padding = [1, 1]> (img, wt, bias4)"),
    (7, LAST, "Y = MaxPool <kernel_shape = [3, 3], strides = [2, 2], "
              "pads = [1, 1, 1, 1]> (img)"),
    (10, LAST, "Y = MaxPool <kernel_shape = [3, 3], dilations = [2, 2], "
               "ceil_mode = 1> (img)"),
    (7, LAST, "Y = AveragePool <kernel_shape = [2, 2], "
              "count_include_pad = 1> (img)"),
    (10, LAST, "Y = AveragePool <kernel_shape = [3, 3], strides = [2, 2], "
               "ceil_mode = 1> (img)"),
    (19, LAST, "Y = AveragePool <kernel_shape = [2, 2], dilations = [2, 2]> "
               "(img)"),
    (7, LAST, "Y = GlobalLpPool(img)"),
    (7, LAST, "Y = GlobalAveragePool(img)"), (7, LAST, "Y = GlobalMaxPool(img)"),
    # Products
    (7, LAST, "Y = MatMul(a, rhs)"), (7, LAST, "Y = MatMul(a, v)"),
    (7, 10, "t~ = Flatten <axis = 2> (a) \n Y = Gemm <alpha = 0.5> (t~, t~, lo)"
            .replace("(t~, t~, lo)", "(t~, m44, lo)")),
    (11, LAST, "t~ = Flatten <axis = 2> (a) \n Y = Gemm <transB = 1> (t~, m44)"),
    (7, LAST, "t~ = Flatten <axis = 2> (a) \n "
              "Y = Gemm <alpha = 0.5, beta = 2.0> (t~, m44, v)"),
    (12, LAST, 'Y = Einsum <equation = "bij,bjk->bik"> (a, rhs)'),
    # Normalization
    (7, 13, "Y = BatchNormalization(img, g8, g8, g8, g8)"),
    (14, LAST, "Y = BatchNormalization(img, g8, g8, g8, g8)"),
    (7, LAST, "Y = InstanceNormalization(img, g8, g8)"),
    (17, LAST, "Y = LayerNormalization <axis = -1> (a, v, v)"),
    (18, 20, "Y = GroupNormalization <num_groups = 2> (img, g2, g2)"),
    (21, LAST, "Y = GroupNormalization <num_groups = 2> (img, g8, g8)"),
    (23, LAST, "Y = RMSNormalization(a, v)"),
    (7, LAST, "Y = LpNormalization <axis = 1> (a)"),
    (9, LAST, "Y = MeanVarianceNormalization(img)"),
    (7, LAST, "Y = LRN <size = 3> (img)"),
    # Reduction
    *[row for op in ["ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp",
                     "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd",
                     "ReduceSumSquare"]
      for row in [(7, 17, f"Y = {op} <axes = [1], keepdims = 0> (a)"),
                  (18, LAST, f"Y = {op} <keepdims = 0> (a, ax1)")]],
    (7, 12, "Y = ReduceSum <axes = [1, 2]> (a)"),
    (13, LAST, "Y = ReduceSum(a, ax12)"), (7, LAST, "Y = ReduceSum(a)"),
    (13, LAST, "Y = ReduceSum <noop_with_empty_axes = 1> (a)"),
    (20, LAST, "Y = ReduceMax(p, ax1)"),
    (7, LAST, "Y = ArgMax <axis = 1, keepdims = 0> (a)"),
    (11, LAST, "Y = ArgMin <axis = -1> (a)"),
    (12, LAST, "Y = ArgMax <select_last_index = 1> (a)"),
    (7, LAST, "Y = Softmax(a)"), (7, LAST, "Y = Softmax <axis = 2> (a)"),
    (7, LAST, "Y = LogSoftmax <axis = 1> (a)"),
    (13, LAST, "Y = Hardmax(a)"), (11, LAST, "Y = CumSum(a, ax1)"),
    (11, LAST, "Y = CumSum <exclusive = 1, reverse = 1> (a, ax1)"),
    (26, LAST, "Y = CumProd(a, ax1)"),
    # Movement
    (7, LAST, "Y = Reshape(a, shape)"), (7, LAST, "Y = Flatten(a)"),
    (14, LAST, "Y = Reshape <allowzero = 1> (a, wide0)"),
    (7, LAST, "Y = Transpose <perm = [2, 0, 1]> (a)"),
    (7, LAST, "Y = Transpose(a)"),
    (7, 12, "Y = Squeeze <axes = [0]> (one)"), (7, LAST, "Y = Squeeze(one)"),
    (13, LAST, "Y = Squeeze(one, ax02)"),
    (7, 12, "Y = Unsqueeze <axes = [0, 3]> (a)"),
    (13, LAST, "Y = Unsqueeze(a, ax03)"),
    (7, LAST, "Y = Concat <axis = 1> (a, b, a)"),
    (11, LAST, "Y = Concat <axis = -1> (a, b)"),
    (7, LAST, "Y, z~ = Split <axis = 2> (a)"),
    (7, 12, "Y, z~ = Split <axis = 1, split = [1, 2]> (a)"),
    (13, LAST, "Y, z~ = Split <axis = 1> (a, parts)"),
    (18, LAST, "Y, z~ = Split <axis = 1, num_outputs = 2> (a)"),
    (8, LAST, "Y = Expand(one, wide)"), (7, LAST, "Y = Tile(a, reps)"),
    (7, LAST, "Y = DepthToSpace <blocksize = 2> (img)"),
    (11, LAST, 'Y = DepthToSpace <blocksize = 2, mode = "CRD"> (img)'),
    (7, LAST, "Y = SpaceToDepth <blocksize = 2> (img)"),
    (28, LAST, 'Y = SpaceToDepth <blocksize = 2, mode = "CRD"> (img)'),
    (7, 11, "Y = Dropout <ratio = 0.3> (a)"), (12, LAST, "Y = Dropout(a)"),
    # Indexing
    (7, 9, "Y = Slice <starts = [0, 1], ends = [1, 9], axes = [0, 2]> (a)"),
    (10, LAST, "Y = Slice(a, starts, ends)"),
    (10, LAST, "Y = Slice(a, starts, ends, axes, steps)"),
    (7, LAST, "Y = Gather <axis = 1> (a, idx)"),
    (11, LAST, "Y = GatherND(a, nd)"),
    (12, LAST, "Y = GatherND <batch_dims = 1> (a, nd1)"),
    (11, LAST, "Y = GatherElements <axis = 0> (a, i)"),
    (7, 10, "Y = Pad <pads = [0, 1, 0, 0, 0, 2]> (a)"),
    (11, LAST, "Y = Pad(a, pads, lo)"),
    (11, LAST, 'Y = Pad <mode = "reflect"> (a, pads)'),
    (18, LAST, "Y = Pad(a, pads1, , ax1)"),
    (19, LAST, 'Y = Pad <mode = "wrap"> (a, pads)'),
    (14, LAST, "Y = Trilu(a)"), (14, LAST, "Y = Trilu <upper = 0> (a, k1)"),
    (9, LAST, "t~ = Flatten(a) \n Y = EyeLike(t~)"),
    (9, LAST, "Y = OneHot(idx, depth, offOn)"),
    (11, LAST, "Y = OneHot <axis = 0> (idx, depth, offOn)"),
    # Resize
    (7, 8, "Y = Upsample <scales = [1.0, 1.0, 2.0, 2.0]> (img)"),
    (9, 9, 'Y = Upsample <mode = "linear"> (img, scales)'),
    (10, 10, "Y = Resize(img, scales)"),
    (11, LAST, "Y = Resize(img, , scales)"),
    (11, LAST, 'Y = Resize <mode = "cubic"> (img, , , sizes)'),
    (13, LAST, 'Y = Resize <mode = "linear", coordinate_transformation_mode = '
               '"align_corners"> (img, , scales)'),
    (18, LAST, "Y = Resize <axes = [2, 3]> (img, , , sizes23)"),
    (19, LAST, 'Y = Resize <axes = [2, 3], coordinate_transformation_mode = '
               '"half_pixel_symmetric"> (img, , scales23)'),
    # Constants
    (7, LAST, "Y = Constant <value = float[2] {1, 2}> ()"),
    (12, LAST, "Y = Constant <value_floats = [1.0, 2.0, 3.0]> ()"),
    (12, LAST, "Y = Constant <value_int = 7> ()"),
    (9, LAST, "Y = ConstantOfShape <value = int64[1] {3}> (dims)"),
    (11, LAST, "Y = Range(r0, r5, r2)"),
    (7, LAST, "Y = Shape(a)"), (15, LAST, "Y = Shape <start = 1, end = -1> (a)"),
    (7, LAST, "Y = Size(a)"),
]

EXTRA = """, float[4, 4] m44 = {%s}, int64[3] wide0 = {4, 6, 1},
 int64[2] ax02 = {0, 2}, int64[3, 2] nd = {0, 1, 1, 2, 1, -1},
 int64[2, 1] nd1 = {2, 0}""" % ",".join(["1"] * 16)


def modelOf(opset):
    nodes, outputs = [], []
    for first, last, text in ROWS:
        if not first <= opset <= last:
            continue
        name = f"y{len(outputs)}"
        outputs.append(name)
        nodes.append(text.replace("Y", name, 1).replace("~", name))
    text = (f'<ir_version: 8, opset_import: ["" : {opset}]>\n'
            f"operators ({INPUTS}) => (" +
            ", ".join(f"float {name}" for name in outputs) +
            f")\n<{INITIALIZERS}{EXTRA}>\n{{\n" + "\n".join(nodes) + "\n}\n")
    model = onnx.parser.parse_model(text)
    for output in model.graph.output:
        output.ClearField("type")
    return onnx.shape_inference.infer_shapes(model, data_prop=True)


# onnx's inference does not know these before some opset, or at all.
UNKNOWN = "?"
NAMES = {1: "f32", 2: "ui8", 6: "i32", 7: "i64", 9: "i1", 10: "f16", 11: "f64",
         16: "bf16"}


def write(folder):
    for opset in range(FIRST, LAST + 1):
        model = modelOf(opset)
        known = {info.name: info for info in model.graph.value_info}
        with open(f"{folder}/opset{opset}.types", "w") as types:
            for output in model.graph.output:
                tensor = known.get(output.name, output).type.tensor_type
                if tensor.HasField("shape"):
                    sizes = "x".join(str(d.dim_value) if d.HasField("dim_value")
                                     else UNKNOWN for d in tensor.shape.dim)
                else:
                    sizes = "*"
                node = next(n for n in model.graph.node
                            if output.name in n.output)
                print(output.name, NAMES.get(tensor.elem_type, UNKNOWN),
                      sizes, node.op_type, file=types)
        # A type that is not known stays away: outputs need none here.
        with open(f"{folder}/opset{opset}.onnx", "wb") as out:
            out.write(model.SerializeToString())


def compare(typesPath, mlirPath):
    with open(mlirPath) as text:
        signature = next(l for l in text if "func.func @main" in l)
    results = dict()
    tail = signature.split(") -> ", 1)[1]
    for sizes, element, name in re.findall(
            r"tensor<((?:\d+x)*)(\w+)> \{graph\.name = \"(\w+)\"\}", tail):
        results[name] = (element, sizes.rstrip("x"))
    wrong, count = [], 0
    for line in open(typesPath):
        name, element, sizes, op = line.rstrip("\n").split(" ")
        count += 1
        got = results.get(name)
        same = got and element in (got[0], UNKNOWN) and (
            sizes == "*" or re.fullmatch(
                sizes.replace("?", r"\\d+").replace(r"\\d+", r"\d+"), got[1]))
        if not same:
            wrong.append(f"{op} {name}: expected {element} {sizes}, got {got}")
    print("\n".join(wrong))
    print(f"{count} outputs, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    if sys.argv[1] == "--compare":
        sys.exit(compare(sys.argv[2], sys.argv[3]))
    write(sys.argv[1])
