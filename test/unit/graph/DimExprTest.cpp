//===- DimExprTest.cpp - Laws of size expressions -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Expressions are built at random over three symbols, beside a plain function
// that computes the same from values. Each law is checked by evaluation at
// random values, or, where the normal form promises it, by equality of
// attributes. The generator has a fixed seed.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/GraphOps.h"
#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"
#include <random>

using namespace mlir;
using namespace mlir::tenon::graph;

namespace {

constexpr int kRounds = 2000;

class DimExprTest : public testing::Test {
protected:
  DimExprTest() { context.loadDialect<GraphDialect>(); }

  DimExpr c(int64_t value) { return DimExpr::constant(&context, value); }
  DimExpr s(StringRef name) { return DimExpr::symbol(&context, name); }
  DimExpr p(StringRef text) {
    auto expr = DimExpr::parse(&context, text);
    EXPECT_TRUE(expr) << text.str();
    return expr ? *expr : c(0);
  }

  int64_t pick(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random);
  }

  /// A random expression; products and divisions stay small.
  DimExpr any(int depth) {
    if (depth == 0)
      return pick(0, 2) ? s(std::string(1, "HNW"[pick(0, 2)]))
                        : c(pick(-6, 12));
    DimExpr a = any(depth - 1), b = any(depth - 1);
    switch (pick(0, 8)) {
    case 0:
      return a + b;
    case 1:
      return a - b;
    case 2:
      return any(0) * a;
    case 3:
      return a.floorDiv(pick(1, 6));
    case 4:
      return a.ceilDiv(pick(1, 6));
    case 5:
      return a.mod(pick(1, 6));
    case 6:
      return DimExpr::min(a, b);
    case 7:
      return DimExpr::max(a, b);
    default:
      return DimExpr::select(any(0), a, b);
    }
  }

  struct Values {
    int64_t h, n, w;
    int64_t operator()(StringAttr name) const {
      switch (name.getValue()[0]) {
      case 'H':
        return h;
      case 'N':
        return n;
      default:
        return w;
      }
    }
  };
  Values values() { return {pick(0, 40), pick(0, 9), pick(0, 1000)}; }

  int64_t at(DimExpr e, const Values &v) {
    auto value = e.evaluate(v);
    EXPECT_TRUE(value) << e.str();
    return value.value_or(0);
  }

  static int64_t floorDivide(int64_t a, int64_t b) {
    int64_t q = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
  }

  MLIRContext context;
  std::mt19937_64 random{20240229};
};

TEST_F(DimExprTest, OperationsMeanWhatTheySay) {
  for (int i = 0; i < kRounds; ++i) {
    DimExpr a = any(3), b = any(3);
    Values v = values();
    int64_t x = at(a, v), y = at(b, v), d = pick(1, 9);
    EXPECT_EQ(at(a + b, v), x + y) << a.str() << " ; " << b.str();
    EXPECT_EQ(at(a - b, v), x - y) << a.str() << " ; " << b.str();
    EXPECT_EQ(at(a * b, v), x * y) << a.str() << " ; " << b.str();
    EXPECT_EQ(at(-a, v), -x) << a.str();
    EXPECT_EQ(at(a.floorDiv(d), v), floorDivide(x, d)) << a.str() << " / " << d;
    EXPECT_EQ(at(a.ceilDiv(d), v), -floorDivide(-x, d)) << a.str() << " " << d;
    EXPECT_EQ(at(a.mod(d), v), x - d * floorDivide(x, d))
        << a.str() << " " << d;
    EXPECT_EQ(at(DimExpr::min(a, b), v), std::min(x, y));
    EXPECT_EQ(at(DimExpr::max(a, b), v), std::max(x, y));
    EXPECT_EQ(at(DimExpr::select(a, b, c(7)), v), x > 0 ? y : 7);
  }
}

TEST_F(DimExprTest, RingAxiomsHoldAsEqualAttributes) {
  for (int i = 0; i < kRounds; ++i) {
    DimExpr a = any(2), b = any(2), d = any(2);
    EXPECT_EQ(a + b, b + a);
    EXPECT_EQ((a + b) + d, a + (b + d));
    EXPECT_EQ(a * b, b * a);
    EXPECT_EQ((a * b) * d, a * (b * d))
        << a.str() << ";" << b.str() << ";" << d.str();
    EXPECT_EQ(a * (b + d), a * b + a * d);
    EXPECT_EQ(a + c(0), a);
    EXPECT_EQ(a * c(1), a);
    EXPECT_EQ(a - a, c(0));
    EXPECT_EQ(a * c(0), c(0));
  }
}

TEST_F(DimExprTest, MinAndMaxAreCommutativeAndIdempotent) {
  for (int i = 0; i < kRounds; ++i) {
    DimExpr a = any(2), b = any(2);
    Values v = values();
    EXPECT_EQ(DimExpr::min(a, a), a);
    EXPECT_EQ(DimExpr::max(a, a), a);
    EXPECT_EQ(at(DimExpr::min(a, b), v), at(DimExpr::min(b, a), v));
    EXPECT_EQ(at(DimExpr::max(a, b), v), at(DimExpr::max(b, a), v));
    EXPECT_EQ(at(DimExpr::min(a, b) + DimExpr::max(a, b), v), at(a + b, v));
  }
}

TEST_F(DimExprTest, QuotientTimesDivisorPlusRemainderIsTheSame) {
  for (int i = 0; i < kRounds; ++i) {
    DimExpr a = any(3);
    int64_t d = pick(1, 9);
    EXPECT_EQ(a.floorDiv(d) * d + a.mod(d), a) << a.str() << " by " << d;
    DimExpr rest = a.mod(d);
    Values v = values();
    EXPECT_GE(at(rest, v), 0);
    EXPECT_LT(at(rest, v), d);
  }
}

TEST_F(DimExprTest, QuotientsAreInNormalForm) {
  EXPECT_EQ(p("(4*H + 2) floordiv 4"), s("H"));
  EXPECT_EQ(p("(H floordiv 2) floordiv 3"), p("H floordiv 6"));
  EXPECT_EQ(p("(4*H + W) floordiv 4"), p("H + (W floordiv 4)"));
  EXPECT_EQ(p("((H floordiv 2) + 1) floordiv 2"), p("(H + 2) floordiv 4"));
  EXPECT_EQ((s("H") * 2 + 2).floorDiv(2), s("H") + 1);
  // What a stride-2 convolution with padding 1 and kernel 3 gives, twice.
  DimExpr once = (s("H") + 2 - 3).floorDiv(2) + 1;
  DimExpr twice = (once + 2 - 3).floorDiv(2) + 1;
  EXPECT_EQ(twice.str(), "((H + 3) floordiv 4)");
}

TEST_F(DimExprTest, ExactDivisionUndoesMultiplication) {
  int found = 0;
  for (int i = 0; i < kRounds; ++i) {
    DimExpr a = any(2), b = any(1);
    if (b.isConstant(0)) {
      EXPECT_FALSE(a.exactDiv(b));
      continue;
    }
    auto quotient = (a * b).exactDiv(b);
    if (!quotient)
      continue;
    ++found;
    EXPECT_EQ(*quotient, a) << a.str() << " times " << b.str();
  }
  EXPECT_GT(found, kRounds / 2);
  EXPECT_EQ(p("N*H + 2*N").exactDiv(s("N")), p("H + 2"));
  EXPECT_EQ(p("N*H + 2*N").exactDiv(p("H + 2")), s("N"));
  EXPECT_FALSE(p("N*H + 2").exactDiv(s("N")));
  EXPECT_FALSE(p("3*N").exactDiv(c(2)));
}

TEST_F(DimExprTest, BoundsAndDivisorHoldForAllValues) {
  for (int i = 0; i < kRounds; ++i) {
    DimExpr a = any(3);
    int64_t low = a.lowerBound(), high = a.upperBound();
    int64_t divisor = a.knownDivisor();
    EXPECT_LE(low, high);
    EXPECT_GE(divisor, 1);
    for (int k = 0; k < 8; ++k) {
      int64_t x = at(a, values());
      EXPECT_LE(low, x) << a.str();
      EXPECT_GE(high, x) << a.str();
      EXPECT_EQ(x % divisor, 0) << a.str() << " by " << divisor;
    }
  }
}

TEST_F(DimExprTest, KnownBounds) {
  EXPECT_EQ(p("N + 3").lowerBound(), 3);
  EXPECT_EQ(p("5 - N").upperBound(), 5);
  EXPECT_EQ(p("min(N, 7)").upperBound(), 7);
  EXPECT_EQ(p("8*N + 12*H").knownDivisor(), 4);
  EXPECT_EQ(c(0).knownDivisor(), 1);
}

TEST_F(DimExprTest, TextReadsBackAsTheSame) {
  for (int i = 0; i < kRounds; ++i) {
    DimExpr a = any(4);
    auto back = DimExpr::parse(&context, a.str());
    ASSERT_TRUE(back) << a.str();
    EXPECT_EQ(*back, a) << a.str();
  }
  for (StringRef name :
       {"a b", "it's", "'", "?", "min", "3x", "x:0", "", "N.1"})
    EXPECT_EQ(p((s(name) * 2 + 1).str()), s(name) * 2 + 1) << name.str();
  DimExpr lowest = c(std::numeric_limits<int64_t>::min());
  EXPECT_EQ(p(lowest.str()), lowest);
}

TEST_F(DimExprTest, Prints) {
  EXPECT_EQ(p("N - 8").str(), "N - 8");
  EXPECT_EQ(p("8 - N").str(), "-N + 8");
  EXPECT_EQ(p("W*2 - H*3").str(), "-3*H + 2*W");
  EXPECT_EQ(p("past + 1").str(), "past + 1");
  EXPECT_EQ(p("(N+1)*(H+1)").str(), "H*N + H + N + 1");
  EXPECT_EQ(p("((N - 1) floordiv H) * 2").str(), "2*((N - 1) floordiv H)");
}

TEST_F(DimExprTest, RejectsOtherText) {
  for (StringRef text :
       {"", " ", "2*", "+", "N M", "(N", "N)", "min(N)", "select(N, H)",
        "N floordiv 0", "N floordiv -1", "floordiv", "'open",
        "99999999999999999999", "N % 2", "a:b"})
    EXPECT_FALSE(DimExpr::parse(&context, text)) << text.str();
  EXPECT_FALSE(DimExpr::parse(&context, std::string(100000, '(')));
  EXPECT_FALSE(DimExpr::parse(&context, std::string(100000, '-')));
}

TEST_F(DimExprTest, SubstituteIsEvaluationInSteps) {
  for (int i = 0; i < kRounds; ++i) {
    DimExpr a = any(3), inner = any(1);
    Values v = values();
    int64_t h = at(inner, v);
    DimExpr replaced = a.substitute([&](StringAttr name) {
      return name.getValue() == "H" ? inner : DimExpr();
    });
    EXPECT_EQ(replaced.evaluate(v), a.evaluate(Values{h, v.n, v.w}))
        << a.str() << " with H = " << inner.str();
  }
}

TEST_F(DimExprTest, WalkVisitsSymbolsInOrder) {
  std::string seen;
  p("min(N, W) + H*(W floordiv 3)").walkSymbols([&](StringAttr name) {
    seen += name.getValue();
  });
  EXPECT_EQ(seen.size(), 4u);
  for (char name : {'H', 'N', 'W'})
    EXPECT_NE(seen.find(name), std::string::npos);
}

TEST_F(DimExprTest, ArithmeticWrapsInsteadOfOverflowing) {
  int64_t lowest = std::numeric_limits<int64_t>::min();
  int64_t highest = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(c(highest) + 1, c(lowest));
  EXPECT_EQ(c(lowest) * -1, c(lowest));
  EXPECT_EQ(c(0) - lowest, c(lowest));
  EXPECT_EQ(c(lowest).exactDiv(c(-1)), c(lowest));
  auto tooLarge = (s("N") * s("N") * s("N")).evaluate([](StringAttr) {
    return int64_t(1) << 30;
  });
  EXPECT_FALSE(tooLarge);
}

TEST_F(DimExprTest, DivisionByZeroHasNoValue) {
  DimExpr e = s("N").floorDiv(s("H"));
  EXPECT_FALSE(e.evaluate(Values{0, 4, 0}));
  EXPECT_EQ(e.evaluate(Values{2, 5, 0}), 2);
  DimExpr guarded = DimExpr::select(s("H"), e, c(7));
  EXPECT_EQ(guarded.evaluate(Values{0, 4, 0}), 7);
}

TEST_F(DimExprTest, OrderIsTotal) {
  SmallVector<DimExpr> all;
  for (int i = 0; i < 60; ++i)
    all.push_back(any(2));
  for (DimExpr a : all)
    for (DimExpr b : all) {
      EXPECT_EQ(compareDims(a, b), -compareDims(b, a));
      EXPECT_EQ(compareDims(a, b) == 0, a == b);
      for (DimExpr d : all)
        if (compareDims(a, b) < 0 && compareDims(b, d) < 0)
          EXPECT_LT(compareDims(a, d), 0);
    }
}

TEST_F(DimExprTest, MinTakesSizesBelowToTheEndMarks) {
  EXPECT_EQ(DimExpr::min(s("N"), c(std::numeric_limits<int32_t>::max())),
            s("N"));
  EXPECT_EQ(DimExpr::min(s("N"), s("N") + 1), s("N"));
  EXPECT_EQ(DimExpr::max(s("N"), s("N") + 1), s("N") + 1);
  EXPECT_EQ(DimExpr::min(s("N"), c(0)), c(0));
  EXPECT_EQ(DimExpr::select(s("N") + 1, s("H"), s("W")), s("H"));
  // What an engine file makes of a condition.
  EXPECT_EQ(p("select(less(0, H), N, W)"),
            DimExpr::select(s("H"), s("N"), s("W")));
  EXPECT_EQ(p("floordiv(H, 3) + mod(N, 4) + ceildiv(W, 2)"),
            s("H").floorDiv(3) + s("N").mod(4) + s("W").ceilDiv(2));
  EXPECT_EQ(DimExpr::select(c(0), s("H"), s("W")), s("W"));
}

} // namespace
