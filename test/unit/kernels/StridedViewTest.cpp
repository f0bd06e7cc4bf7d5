//===- StridedViewTest.cpp - Views through movement ops -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "kernels/Emit/StridedView.h"
#include "dialects/Graph/Build.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace mlir::tenon;
using graph::DimExpr;

namespace {

class StridedViewTest : public testing::Test {
protected:
  StridedViewTest() : b(&context) {
    context.loadDialect<graph::GraphDialect, func::FuncDialect>();
    b.setInsertionPointToEnd(&block);
  }
  DimExpr n(int64_t v) { return DimExpr::constant(&context, v); }
  DimExpr s(const char *name) { return DimExpr::symbol(&context, name); }
  Value argument(ArrayRef<DimExpr> dims) {
    return block.addArgument(graph::tensorType(dims, b.getF32Type()),
                             b.getUnknownLoc());
  }
  std::string strides(Value v) {
    auto view = viewOf(v);
    if (!view)
      return "none";
    std::string text = view->offset.str() + ":";
    for (DimExpr stride : view->strides)
      text += " " + stride.str();
    return text;
  }

  MLIRContext context;
  OpBuilder b;
  Block block;
};

TEST_F(StridedViewTest, ArgumentIsRowMajor) {
  EXPECT_EQ(strides(argument({s("N"), n(3), n(4)})), "0: 12 4 1");
}

TEST_F(StridedViewTest, HeadsAreSplitAndExchanged) {
  Value x = argument({s("B"), s("S"), n(768)});
  Value split = graph::createReshape(b, b.getUnknownLoc(), x,
                                     {s("B"), s("S"), n(12), n(64)});
  Value heads =
      graph::createTranspose(b, b.getUnknownLoc(), split, {0, 2, 1, 3});
  EXPECT_EQ(strides(heads), "0: 768*S 64 768 1");
}

TEST_F(StridedViewTest, ExchangedHeadsDoNotMerge) {
  Value x = argument({n(2), n(12), s("S"), n(64)});
  Value back = graph::createTranspose(b, b.getUnknownLoc(), x, {0, 2, 1, 3});
  Value merged =
      graph::createReshape(b, b.getUnknownLoc(), back, {n(2), s("S"), n(768)});
  EXPECT_EQ(strides(merged), "none");
}

TEST_F(StridedViewTest, BlockedTensorIsNoView) {
  auto layout = graph::LayoutAttr::get(&context, 8, {});
  Value x = block.addArgument(
      graph::tensorType({n(1), n(16), n(4), n(4)}, b.getF32Type(), layout),
      b.getUnknownLoc());
  EXPECT_EQ(strides(x), "none");
}

} // namespace
