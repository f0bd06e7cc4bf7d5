//===- ShapeTest.cpp - Symbolic shapes of tensor types --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// dialects/Graph/Shape.h: types from sizes and back, broadcasting, vectors of
// sizes.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/GraphOps.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace mlir::tenon::graph;

namespace {

class ShapeTest : public testing::Test {
protected:
  ShapeTest() : builder(&context) { context.loadDialect<GraphDialect>(); }
  DimExpr c(int64_t value) { return DimExpr::constant(&context, value); }
  DimExpr s(StringRef name) { return DimExpr::symbol(&context, name); }

  MLIRContext context;
  OpBuilder builder;
};

TEST_F(ShapeTest, TypeOfStaticSizesHasNoEncoding) {
  auto type = tensorType({c(2), c(3)}, builder.getF32Type());
  EXPECT_EQ(type, RankedTensorType::get({2, 3}, builder.getF32Type()));
  EXPECT_EQ(dimsOf(Type(type)), (SmallVector<DimExpr>{c(2), c(3)}));
}

TEST_F(ShapeTest, SizesGoThroughTheType) {
  SmallVector<DimExpr> dims{s("N"), c(3), s("H") * 2};
  auto type = tensorType(dims, builder.getF32Type());
  EXPECT_TRUE(type.isDynamicDim(0));
  EXPECT_EQ(type.getDimSize(1), 3);
  EXPECT_EQ(dimsOf(Type(type)), dims);
  auto unsure =
      RankedTensorType::get({ShapedType::kDynamic}, builder.getF32Type());
  EXPECT_EQ(dimsOf(Type(unsure))[0], s("?"));
}

TEST_F(ShapeTest, LayoutAndElementChangeAlone) {
  auto layout = LayoutAttr::get(&context, 8, {});
  auto type = tensorType({s("N"), c(16)}, builder.getF32Type());
  auto blocked = withLayout(type, layout);
  EXPECT_EQ(layoutOf(blocked), layout);
  EXPECT_FALSE(layoutOf(type));
  EXPECT_EQ(withLayout(blocked, {}), type);
  auto half = withElement(blocked, builder.getF16Type());
  EXPECT_EQ(layoutOf(half), layout);
  EXPECT_EQ(dimsOf(Type(half)), dimsOf(Type(type)));
  EXPECT_TRUE(
      mlir::tenon::graph::detail::sameShapes(Type(blocked), Type(type)));
  EXPECT_FALSE(mlir::tenon::graph::detail::sameShapes(Type(half), Type(type)));
}

TEST_F(ShapeTest, BroadcastTakesTheSizeThatIsNotOne) {
  EXPECT_EQ(broadcastDims(c(1), s("N")), s("N"));
  EXPECT_EQ(broadcastDims(s("N"), c(1)), s("N"));
  EXPECT_EQ(broadcastDims(c(4), c(4)), c(4));
  EXPECT_FALSE(broadcastDims(c(4), c(3)));
  EXPECT_FALSE(broadcastDims(s("N") + 4, c(3)));
  EXPECT_EQ(broadcastDims(c(0), c(1)), c(0));
}

TEST_F(ShapeTest, BroadcastOfTwoExpressionsAssumesThemEqual) {
  SmallVector<std::pair<DimExpr, DimExpr>> heard;
  auto hear = [&](DimExpr a, DimExpr b) { heard.push_back({a, b}); };
  EXPECT_EQ(broadcastDims(s("N"), c(3), hear), c(3));
  EXPECT_EQ(broadcastDims(s("N"), s("M"), hear), s("M"));
  EXPECT_EQ(broadcastDims(s("N") * 2, s("W"), hear), s("W"));
  EXPECT_EQ(broadcastDims(s("N"), s("N"), hear), s("N"));
  EXPECT_EQ(heard.size(), 3u);
}

TEST_F(ShapeTest, BroadcastAlignsAtTheEnd) {
  auto both = broadcastShapes(&context, {s("N"), c(1), c(4)}, {c(3), c(1)});
  ASSERT_TRUE(both);
  EXPECT_EQ(shapeString(*both), "Nx3x4");
  EXPECT_FALSE(broadcastShapes(&context, {c(2)}, {c(2), c(3)}));
}

TEST_F(ShapeTest, ShapeStrings) {
  EXPECT_EQ(shapeString({}), "scalar");
  EXPECT_EQ(shapeString({c(4), s("N"), s("H") + 1}), "4xNx(H + 1)");
}

TEST_F(ShapeTest, SmallConstantsAreSizes) {
  auto type = RankedTensorType::get({2}, builder.getI64Type());
  auto dense = builder.getI64TensorAttr({4, -1});
  EXPECT_EQ(dimElements(dense), (SmallVector<DimExpr>{c(4), c(-1)}));
  SmallVector<DimExpr> sizes{s("N"), c(3)};
  Attribute vector = dimElementsAttr(sizes, type);
  EXPECT_TRUE(isa<DimVectorAttr>(vector));
  EXPECT_EQ(dimElements(vector), sizes);
  EXPECT_EQ(dimElementsAttr({c(4), c(-1)}, type), dense);
}

TEST_F(ShapeTest, OtherConstantsAreNoSizes) {
  EXPECT_FALSE(dimElements({}));
  EXPECT_FALSE(dimElements(builder.getF32FloatAttr(1)));
  EXPECT_FALSE(dimElements(builder.getI64TensorAttr(SmallVector<int64_t>(65))));
  auto floats = DenseElementsAttr::get(
      RankedTensorType::get({1}, builder.getF32Type()), 1.0f);
  EXPECT_FALSE(dimElements(floats));
}

TEST_F(ShapeTest, ConstantsWrapAroundAtTheElementType) {
  auto bytes = RankedTensorType::get({1}, builder.getIntegerType(8));
  auto unsignedBytes =
      RankedTensorType::get({1}, builder.getIntegerType(8, false));
  EXPECT_EQ(dimElements(dimElementsAttr({c(200)}, bytes)),
            (SmallVector<DimExpr>{c(-56)}));
  EXPECT_EQ(dimElements(dimElementsAttr({c(-56)}, unsignedBytes)),
            (SmallVector<DimExpr>{c(200)}));
}

TEST_F(ShapeTest, SmallResourcesAreSizes) {
  auto type = RankedTensorType::get({2}, builder.getIntegerType(32));
  SmallVector<int32_t> values{7, -2};
  auto attr = DenseI32ResourceElementsAttr::get(
      type, "shape",
      HeapAsmResourceBlob::allocateAndCopyInferAlign<int32_t>(values));
  EXPECT_EQ(dimElements(attr), (SmallVector<DimExpr>{c(7), c(-2)}));
}

} // namespace
