//===- SizesTest.cpp - What a model implies about its sizes ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "compiler/Import/Sizes.h"
#include "compiler/Import/Ratios.h"
#include "mlir/IR/MLIRContext.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace mlir::tenon;
using namespace mlir::tenon::graph;

namespace {

class SizesTest : public testing::Test {
protected:
  SizesTest() : sizes(&context) {
    context.loadDialect<GraphDialect, func::FuncDialect>();
    n = add("N", 0, false);
    m = add("M", 1, false);
    x = add("x.2", 2, true);
  }
  DimExpr add(const char *name, unsigned input, bool isMadeUp) {
    return sizes.addSymbol({name, "in", input, 0, isMadeUp});
  }
  DimExpr constant(int64_t value) { return DimExpr::constant(&context, value); }

  MLIRContext context;
  Sizes sizes;
  DimExpr n, m, x;
};

TEST_F(SizesTest, EarlierSymbolStays) {
  EXPECT_TRUE(sizes.assumeEqual(n, m, "rule"));
  EXPECT_EQ(sizes.simplify(m), n);
  EXPECT_EQ(sizes.simplify(m * 2 + 1), n * 2 + 1);
}

TEST_F(SizesTest, NamedSymbolStaysBeforeMadeUpOne) {
  EXPECT_TRUE(sizes.assumeEqual(x, m, "rule"));
  EXPECT_EQ(sizes.simplify(x), m);
}

TEST_F(SizesTest, NumberReplacesSymbol) {
  EXPECT_TRUE(sizes.assumeEqual(n, constant(5), "rule"));
  EXPECT_EQ(sizes.simplify(n + 1), constant(6));
}

TEST_F(SizesTest, SymbolIsReplacedByFormula) {
  EXPECT_TRUE(sizes.assumeEqual(x, n + m, "rule"));
  EXPECT_EQ(sizes.simplify(x * 2), n * 2 + m * 2);
}

TEST_F(SizesTest, MinimumIsReplacedByItsPart) {
  EXPECT_TRUE(sizes.assumeEqual(DimExpr::min(n, constant(512)), n, "rule"));
  EXPECT_EQ(sizes.simplify(DimExpr::min(n, constant(512)) + 3), n + 3);
  EXPECT_EQ(sizes.simplify(n), n);
}

TEST_F(SizesTest, CommonFactorsCancel) {
  EXPECT_TRUE(sizes.assumeEqual(n * m * 12, n * x * 12, "rule"));
  EXPECT_EQ(sizes.simplify(x), m);
}

TEST_F(SizesTest, ImpossibleIsRefused) {
  EXPECT_FALSE(sizes.assumeEqual(constant(2), constant(3), "rule"));
  EXPECT_FALSE(sizes.assumeEqual(n + 1, constant(0), "rule"));
  // For no N and M but zero; and 1 must not become 2.
  EXPECT_FALSE(sizes.assumeEqual(n * m * 64, n * m * 32, "rule"));
  EXPECT_FALSE(sizes.assumeEqual(n * (m + 1), n * m, "rule"));
  EXPECT_EQ(sizes.simplify(constant(1)), constant(1));
  EXPECT_TRUE(sizes.assumeEqual(n, constant(2), "rule"));
  EXPECT_FALSE(sizes.assumeEqual(n, constant(3), "rule"));
}

TEST_F(SizesTest, ReplacementsChain) {
  EXPECT_TRUE(sizes.assumeEqual(x, m, "rule"));
  EXPECT_TRUE(sizes.assumeEqual(m, n, "rule"));
  EXPECT_TRUE(sizes.assumeEqual(n, constant(7), "rule"));
  EXPECT_EQ(sizes.simplify(x), constant(7));
}

TEST_F(SizesTest, CancelKeepsTheQuotient) {
  DimExpr a = n * m * 6, b = n * 4;
  Sizes::cancel(a, b);
  EXPECT_EQ(a, m * 3);
  EXPECT_EQ(b, constant(2));
}

TEST(ToFraction, FloatsOfRealModels) {
  EXPECT_EQ(toFraction(2.0), std::make_pair(int64_t(2), int64_t(1)));
  EXPECT_EQ(toFraction(0.5), std::make_pair(int64_t(1), int64_t(2)));
  EXPECT_EQ(toFraction(double(1.0f / 3)),
            std::make_pair(int64_t(1), int64_t(3)));
  EXPECT_EQ(toFraction(double(0.0625f)),
            std::make_pair(int64_t(1), int64_t(16)));
  EXPECT_EQ(toFraction(0.70710678), std::nullopt);
  EXPECT_EQ(toFraction(std::numeric_limits<double>::quiet_NaN()), std::nullopt);
  EXPECT_EQ(toFraction(std::numeric_limits<double>::infinity()), std::nullopt);
}

} // namespace
