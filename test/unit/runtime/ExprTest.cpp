//===- ExprTest.cpp - Expressions over symbols ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/Expr.h"
#include "test/unit/runtime/EngineBuilder.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace tenon;
using namespace tenon::runtime;
using namespace tenon::test;
using schema::ExprCode;
using schema::ExprOp;

namespace {
/// The builder's expressions, decoded; symbol 0 is bound, symbol 1 is not.
struct Table {
  explicit Table(EngineBuilder &b) {
    builder.Finish(schema::Engine::Pack(builder, &b.engine));
    status = table.decode(*schema::GetEngine(builder.GetBufferPointer()));
  }
  flatbuffers::FlatBufferBuilder builder;
  ExprTable table;
  Status status;
};

/// Evaluates one expression over symbols (a, b); "undefined" or the number.
std::string evaluate(std::initializer_list<ExprOp> ops, int64_t a = 0,
                     int64_t b = 0) {
  EngineBuilder builder;
  builder.symbol("a", 0, 100, 0, 0);
  builder.symbol("b", 0, 100, 0, 0);
  builder.expr(ops);
  Table table(builder);
  if (table.status.failed())
    return table.status.message();
  Numbers symbols, results;
  symbols.resize(2);
  symbols.set(0, a);
  symbols.set(1, b);
  results.resize(1);
  table.table.evaluate(0, symbols, results);
  int64_t value;
  return results.get(0, value) ? std::to_string(value) : "undefined";
}

std::string binary(ExprCode code, int64_t a, int64_t b) {
  return evaluate({ExprOp(0, ExprCode::Symbol), ExprOp(1, ExprCode::Symbol),
                   ExprOp(0, code)},
                  a, b);
}
} // namespace

TEST(Expr, DivisionRoundsDownOrUp) {
  for (int64_t a : {-7, -6, -1, 0, 1, 6, 7})
    for (int64_t b : {-3, -2, 2, 3}) {
      int64_t down = int64_t(std::floor(double(a) / double(b)));
      int64_t up = int64_t(std::ceil(double(a) / double(b)));
      EXPECT_EQ(std::to_string(down), binary(ExprCode::FloorDiv, a, b));
      EXPECT_EQ(std::to_string(up), binary(ExprCode::CeilDiv, a, b));
      EXPECT_EQ(std::to_string(a - down * b), binary(ExprCode::Mod, a, b));
    }
}

TEST(Expr, Comparisons) {
  EXPECT_EQ("3", binary(ExprCode::Min, 3, 4));
  EXPECT_EQ("4", binary(ExprCode::Max, 3, 4));
  EXPECT_EQ("0", binary(ExprCode::Equal, 3, 4));
  EXPECT_EQ("1", binary(ExprCode::Equal, 4, 4));
  EXPECT_EQ("1", binary(ExprCode::Less, 3, 4));
  EXPECT_EQ("0", binary(ExprCode::Less, 4, 4));
  EXPECT_EQ("1", binary(ExprCode::LessEqual, 4, 4));
}

TEST(Expr, OverflowAndDivisionByZeroAreUndefined) {
  EXPECT_EQ("undefined", binary(ExprCode::Add, INT64_MAX, 1));
  EXPECT_EQ("undefined", binary(ExprCode::Sub, INT64_MIN, 1));
  EXPECT_EQ("undefined", binary(ExprCode::Mul, INT64_MAX, 2));
  EXPECT_EQ("undefined", binary(ExprCode::FloorDiv, 1, 0));
  EXPECT_EQ("undefined", binary(ExprCode::CeilDiv, INT64_MIN, -1));
  EXPECT_EQ("undefined", binary(ExprCode::Mod, 1, 0));
}

TEST(Expr, SelectIgnoresTheOtherBranch) {
  auto select = [](int64_t a) {
    // a ? 100 / a : 7
    return evaluate({ExprOp(0, ExprCode::Symbol), ExprOp(100, ExprCode::Const),
                     ExprOp(0, ExprCode::Symbol), ExprOp(0, ExprCode::FloorDiv),
                     ExprOp(7, ExprCode::Const), ExprOp(0, ExprCode::Select)},
                    a);
  };
  EXPECT_EQ("7", select(0));
  EXPECT_EQ("33", select(3));
}

TEST(Expr, MalformedProgramsAreRefused) {
  EXPECT_EQ("exprs[0]: leaves 0 numbers on the stack, expected 1",
            evaluate({}));
  EXPECT_EQ("exprs[0]: leaves 2 numbers on the stack, expected 1",
            evaluate({ExprOp(1, ExprCode::Const), ExprOp(1, ExprCode::Const)}));
  EXPECT_EQ("exprs[0].ops[1]: expected 2 operands, got 1",
            evaluate({ExprOp(1, ExprCode::Const), ExprOp(1, ExprCode::Add)}));
  EXPECT_EQ("exprs[0].ops[0]: symbol 2 is past the end (2 symbols)",
            evaluate({ExprOp(2, ExprCode::Symbol)}));
  EXPECT_EQ("exprs[0].ops[0]: symbol -1 is past the end (2 symbols)",
            evaluate({ExprOp(-1, ExprCode::Symbol)}));
  EXPECT_EQ("exprs[0].ops[0]: expression 0 is not an earlier one",
            evaluate({ExprOp(0, ExprCode::Expr)}));
  EXPECT_EQ("exprs[0].ops[0]: unknown code 99",
            evaluate({ExprOp(0, ExprCode(99))}));
  EngineBuilder deep;
  deep.expr({});
  for (int i = 0; i < 33; ++i)
    deep.engine.exprs[0]->ops.emplace_back(1, ExprCode::Const);
  EXPECT_EQ("exprs[0].ops[32]: needs a stack of more than 32",
            Table(deep).status.message());
}

TEST(Expr, DependencesAreTransitive) {
  EngineBuilder b;
  uint32_t bound = b.symbol("bound", 0, 9, 0, 0);
  uint32_t free = b.runTimeSymbol("free", 0, 9);
  uint32_t two = b.constant(2);                 // 0
  uint32_t x = b.mul(b.symbolExpr(bound), two); // 1, 2
  uint32_t y = b.mul(b.symbolExpr(free), x);    // 3, 4
  Table t(b);
  ASSERT_FALSE(t.status.failed());
  EXPECT_TRUE(t.table.isConstant(two));
  EXPECT_FALSE(t.table.isConstant(x));
  EXPECT_FALSE(t.table.isDynamic(x));
  EXPECT_TRUE(t.table.isDynamic(y));
  EXPECT_EQ((std::vector<uint8_t>{0, 1, 1, 0, 1}), t.table.dependents(bound));
  EXPECT_EQ((std::vector<uint8_t>{0, 0, 0, 1, 1}), t.table.dependents(free));
  std::vector<uint8_t> used(5, 0);
  t.table.markUsed(x, used);
  EXPECT_EQ((std::vector<uint8_t>{1, 1, 1, 0, 0}), used);
}

TEST(Expr, Text) {
  EngineBuilder b;
  uint32_t h = b.symbolExpr(b.symbol("h", 0, 9, 0, 0));
  uint32_t w = b.symbolExpr(b.symbol("", 0, 9, 0, 1));
  uint32_t sum = b.binary(ExprCode::Add, h, b.constant(1));
  uint32_t half = b.binary(ExprCode::FloorDiv, sum, b.constant(2));
  uint32_t all = b.mul(sum, b.mul(half, w));
  Table t(b);
  EXPECT_EQ("h + 1", t.table.text(sum));
  EXPECT_EQ("floordiv(h + 1, 2)", t.table.text(half));
  EXPECT_EQ("(h + 1)*(floordiv(h + 1, 2)*s1)", t.table.text(all));
}
