//===- BuildTest.cpp - Creating graph ops ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// dialects/Graph/Build.h: inference, diagnostics, folding at creation.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/Build.h"
#include "mlir/IR/BuiltinOps.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace mlir::tenon::graph;

namespace {

class BuildTest : public testing::Test {
protected:
  BuildTest()
      : builder(&context), loc(builder.getUnknownLoc()),
        handler(&context, [&](Diagnostic &diag) { errors += diag.str(); }) {
    context.loadDialect<GraphDialect>();
    module = ModuleOp::create(loc);
    builder.setInsertionPointToStart(module->getBody());
  }
  DimExpr c(int64_t value) { return DimExpr::constant(&context, value); }
  DimExpr s(StringRef name) { return DimExpr::symbol(&context, name); }

  /// A value that nothing folds.
  Value input(ArrayRef<DimExpr> dims) {
    blocks.push_back(std::make_unique<Block>());
    return blocks.back()->addArgument(tensorType(dims, builder.getF32Type()),
                                      loc);
  }
  size_t opCount() {
    return std::distance(module->getBody()->begin(), module->getBody()->end());
  }

  MLIRContext context;
  OpBuilder builder;
  Location loc;
  std::string errors;
  ScopedDiagnosticHandler handler;
  // Declared first, so that the ops that use the arguments die first.
  SmallVector<std::unique_ptr<Block>> blocks;
  OwningOpRef<ModuleOp> module;
};

TEST_F(BuildTest, InfersTheResultType) {
  Value x = input({s("N"), c(4)}), y = input({c(4)});
  auto sum = tryCreate<AddOp>(builder, loc, {x, y});
  ASSERT_TRUE(succeeded(sum));
  EXPECT_EQ(sum->getType(), x.getType());
}

TEST_F(BuildTest, ReportsInsteadOfAborting) {
  Value x = input({c(3), c(64)}), y = input({c(32), c(8)});
  EXPECT_TRUE(failed(tryCreate<MatmulOp>(builder, loc, {x, y})));
  EXPECT_EQ(errors,
            "'graph.matmul': expected inner sizes to agree, got 64 and 32");
  EXPECT_EQ(opCount(), 0u);
}

TEST_F(BuildTest, ReportsMissingAttributes) {
  EXPECT_TRUE(failed(tryCreate<SoftmaxOp>(builder, loc, input({c(3)}))));
  EXPECT_EQ(errors, "'graph.softmax': expected attribute 'axis'");
}

TEST_F(BuildTest, ReportsAttributesOfAnotherType) {
  EXPECT_TRUE(failed(tryCreate<SoftmaxOp>(
      builder, loc, input({c(3)}),
      builder.getNamedAttr("axis", builder.getStringAttr("last")))));
  EXPECT_FALSE(errors.empty());
}

TEST_F(BuildTest, FillsInDefaults) {
  Value x = input({c(3), c(4)});
  auto product = tryCreate<MatmulOp>(builder, loc, {x, input({c(4), c(5)})});
  ASSERT_TRUE(succeeded(product));
  auto op = product->getDefiningOp<MatmulOp>();
  ASSERT_TRUE(op.getTransposeRhsAttr());
  EXPECT_FALSE(op.getTransposeRhs());
}

TEST_F(BuildTest, FoldsToAnOperand) {
  Value x = input({s("N"), c(4)});
  EXPECT_EQ(createReshape(builder, loc, x, {s("N"), c(4)}), x);
  EXPECT_EQ(opCount(), 0u);
  Value there = createTranspose(builder, loc, x, {1, 0});
  EXPECT_EQ(createTranspose(builder, loc, there, {1, 0}), x);
  EXPECT_EQ(opCount(), 1u);
  EXPECT_EQ(createCast(builder, loc, x, builder.getF32Type()), x);
}

TEST_F(BuildTest, FoldsSizesToConstants) {
  Type i64 = builder.getI64Type();
  Value a = createSizes(builder, loc, {s("N"), c(3)}, i64);
  Value b = createSizes(builder, loc, {c(2)}, i64);
  EXPECT_TRUE(a.getDefiningOp<DimsOp>());
  EXPECT_TRUE(b.getDefiningOp<ConstantOp>());
  auto product = tryCreate<MulOp>(builder, loc, {a, b});
  ASSERT_TRUE(succeeded(product));
  auto dims = product->getDefiningOp<DimsOp>();
  ASSERT_TRUE(dims);
  EXPECT_EQ(DimExpr(dims.getValue().getDims()[0]), s("N") * 2);
  Value scalar = createSizes(builder, loc, {s("N")}, i64, true);
  EXPECT_EQ(cast<RankedTensorType>(scalar.getType()).getRank(), 0);
}

TEST_F(BuildTest, NullOperandsAreAbsent) {
  Value x = input({s("N"), c(4)}), bias = input({c(4)});
  SmallVector<NamedAttribute> attrs{
      builder.getNamedAttr("axis", builder.getI64IntegerAttr(1)),
      builder.getNamedAttr("epsilon", builder.getF64FloatAttr(1e-5))};
  auto norm = tryCreate<LayerNormOp>(builder, loc, {x, Value(), bias}, attrs);
  ASSERT_TRUE(succeeded(norm)) << errors;
  auto op = norm->getDefiningOp<LayerNormOp>();
  EXPECT_FALSE(op.getScale());
  EXPECT_EQ(op.getBias(), bias);
}

} // namespace
