//===- InferTest.cpp - Symbolic sizes of results --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The expressions that each op infers for its result. (Static sizes are tested
// by test/dialects/Graph/ops-*.mlir: an op whose type differs from the inferred
// one is invalid.)
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/GraphOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace mlir::tenon::graph;

namespace {

class InferTest : public testing::Test {
protected:
  InferTest() { context.loadDialect<GraphDialect, func::FuncDialect>(); }

  /// The shape that the op infers. `op` is its text without result and types,
  /// on arguments %0, %1 ..; `shapes` are the arguments' shapes ("N, 3").
  std::string infer(StringRef op, ArrayRef<StringRef> shapes,
                    StringRef resultRank) {
    std::string types, arguments;
    for (auto [i, shape] : llvm::enumerate(shapes)) {
      std::string type = typeOf(shape);
      types += (i ? ", " : "") + type;
      arguments += (i ? ", %" : "%") + std::to_string(i) + ": " + type;
    }
    std::string result = "tensor<" + resultRank.str() + "f32>";
    std::string text = "func.func private @f(" + arguments +
                       ") { %r = " + op.str() + " : (" + types + ") -> " +
                       result + "\n return }";
    OwningOpRef<ModuleOp> module =
        parseSourceString<ModuleOp>(text, ParserConfig(&context));
    if (!module)
      return "invalid: " + text;
    std::string inferred;
    module->walk([&](InferTypeOpInterface op) {
      SmallVector<Type> results;
      if (failed(op.inferReturnTypes(&context, op->getLoc(), op->getOperands(),
                                     op->getDiscardableAttrDictionary(),
                                     op->getPropertiesStorage(),
                                     op->getRegions(), results)))
        inferred = "failure";
      else
        inferred = shapeString(dimsOf(results[0]));
    });
    return inferred;
  }

  static std::string typeOf(StringRef shape) {
    if (shape.empty())
      return "tensor<f32>";
    std::string sizes;
    bool isDynamic = false;
    SmallVector<StringRef> dims;
    shape.split(dims, ", ");
    for (StringRef dim : dims) {
      bool isNumber = llvm::all_of(dim, llvm::isDigit);
      sizes += (isNumber ? dim.str() : std::string("?")) + "x";
      isDynamic |= !isNumber;
    }
    std::string encoding =
        isDynamic ? ", #graph.shape<[" + shape.str() + "]>" : std::string();
    return "tensor<" + sizes + "f32" + encoding + ">";
  }

  MLIRContext context;
};

TEST_F(InferTest, Pointwise) {
  EXPECT_EQ(infer("graph.relu %0", {"N, 3"}, "?x3x"), "Nx3");
  EXPECT_EQ(infer("graph.add %0, %1", {"N, 1, H", "3, 1"}, "?x3x?x"), "Nx3xH");
  EXPECT_EQ(infer("graph.add %0, %1", {"N", "M"}, "?x"), "M");
  EXPECT_EQ(infer("graph.add %0, %1", {"N", "4"}, "4x"), "4");
  EXPECT_EQ(infer("graph.add %0, %1", {"\"2*N\"", "M"}, "?x"), "M");
}

TEST_F(InferTest, Matmul) {
  EXPECT_EQ(infer("graph.matmul %0, %1", {"B, 12, S, 64", "B, 12, 64, S"},
                  "?x12x?x?x"),
            "Bx12xSxS");
  EXPECT_EQ(infer("graph.matmul %0, %1", {"B, S, 64", "64, 8"}, "?x?x8x"),
            "BxSx8");
  EXPECT_EQ(infer("graph.matmul %0, %1 {transpose_rhs = true}",
                  {"S, 64", "T, 64"}, "?x?x"),
            "SxT");
}

TEST_F(InferTest, ConvHalvesAndKeeps) {
  StringRef attrs =
      "{strides = array<i64: 2, 1>, pads = array<i64: 1, 1, 1, 1>,"
      " dilations = array<i64: 1, 1>, groups = 1 : i64}";
  EXPECT_EQ(infer(("graph.conv %0, %1 " + attrs).str(),
                  {"N, 3, H, W", "8, 3, 3, 3"}, "?x8x?x?x"),
            "Nx8x((H + 1) floordiv 2)xW");
}

TEST_F(InferTest, ConvTransposeDoubles) {
  EXPECT_EQ(
      infer("graph.conv_transpose %0, %1 {strides = array<i64: 2, 2>,"
            " pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>,"
            " output_padding = array<i64: 0, 0>, groups = 1 : i64}",
            {"N, 3, H, W", "3, 8, 2, 2"}, "?x8x?x?x"),
      "Nx8x(2*H)x(2*W)");
}

TEST_F(InferTest, PoolRoundsDownOrUp) {
  auto pool = [&](StringRef kernel, StringRef pads, StringRef ceil) {
    return infer(("graph.pool %0 {kind = #graph.pool_kind<max>, kernel = "
                  "array<i64: " +
                  kernel +
                  ">, strides = array<i64: 2>, pads = "
                  "array<i64: " +
                  pads +
                  ">, dilations = array<i64: 1>, "
                  "ceil_mode = " +
                  ceil + "}")
                     .str(),
                 {"N, 3, W"}, "?x3x?x");
  };
  EXPECT_EQ(pool("2", "0, 0", "false"), "Nx3x(W floordiv 2)");
  EXPECT_EQ(pool("2", "0, 0", "true"), "Nx3x((W + 1) floordiv 2)");
  EXPECT_EQ(pool("3", "1, 1", "false"), "Nx3x((W + 1) floordiv 2)");
  EXPECT_EQ(pool("3", "0, 0", "true"), "Nx3x(W floordiv 2)");
}

TEST_F(InferTest, Reductions) {
  EXPECT_EQ(infer("graph.reduce %0 {kind = #graph.reduce_kind<mean>, "
                  "axes = array<i64: 1>, keep = true}",
                  {"N, S, 8"}, "?x1x8x"),
            "Nx1x8");
  EXPECT_EQ(infer("graph.softmax %0 {axis = 1 : i64}", {"N, S"}, "?x?x"),
            "NxS");
  EXPECT_EQ(infer("graph.layer_norm %0 scale %1 {axis = 1 : i64, epsilon = "
                  "1.0 : f64}",
                  {"N, S, 8", "8"}, "?x?x8x"),
            "NxSx8");
}

TEST_F(InferTest, Attention) {
  EXPECT_EQ(infer("graph.attention %0, %1, %2, %3 {scale = 1.0 : f64}",
                  {"B, 4, S, 64", "B, 4, T, 64", "B, 4, T, 32", "B, 1, 1, T"},
                  "?x4x?x32x"),
            "Bx4xSx32");
}

TEST_F(InferTest, Movement) {
  EXPECT_EQ(infer("graph.reshape %0 {sizes = [#graph.expr<\"N*H\">, "
                  "#graph.expr<\"3\">]}",
                  {"N, H, 3"}, "?x3x"),
            "(H*N)x3");
  EXPECT_EQ(infer("graph.transpose %0 {perm = array<i64: 2, 0, 1>}",
                  {"N, H, 3"}, "3x?x?x"),
            "3xNxH");
  EXPECT_EQ(
      infer("graph.concat %0, %1 {axis = 1 : i64}", {"N, P", "N, S"}, "?x?x"),
      "Nx(P + S)");
  EXPECT_EQ(infer("graph.pad %0 {low = [#graph.expr<\"0\">, "
                  "#graph.expr<\"1\">], high = [#graph.expr<\"0\">, "
                  "#graph.expr<\"W\">], mode = #graph.pad_mode<edge>}",
                  {"N, W"}, "?x?x"),
            "Nx(2*W + 1)");
  EXPECT_EQ(infer("graph.tile %0 {repeats = [#graph.expr<\"2\">, "
                  "#graph.expr<\"R\">]}",
                  {"N, W"}, "?x?x"),
            "(2*N)x(R*W)");
}

} // namespace
