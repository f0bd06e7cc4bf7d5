//===- ExecutorTest.cpp - Instructions, run-time sizes, faults ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/runtime/EngineBuilder.h"

#include <gtest/gtest.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

using namespace tenon;
using namespace tenon::test;
using schema::ElementType;
using schema::ExprCode;
using schema::ExprOp;

/// x[8] => count of positive ones => y[count], data-dependent.
static EngineBuilder keepPositiveEngine() {
  EngineBuilder b;
  uint32_t count = b.runTimeSymbol("count", 0, 8);
  Indices eight = {b.constant(8)};
  Indices dims = {b.symbolExpr(count)};
  uint32_t x = b.input("x", eight), y = b.output("y", dims);
  uint32_t number = b.temp(b.constant(8));
  uint32_t kept = b.temp(b.mul(dims[0], b.constant(4)));
  uint32_t one = b.constant(1);
  b.launch("count_positive", {x, number}, 1, {eight[0]}, one, "NonZero_0");
  b.readBack(number, ElementType::Int64, count);
  b.launch("keep_positive", {x, kept}, 1, {eight[0]}, one);
  b.launch("add_one", {kept, y}, 1, {}, dims[0]);
  return b;
}

TEST(Executor, ReadBackSizesTemporariesAndOutputs) {
  EngineBuilder b = keepPositiveEngine();
  Session s(b, 2);
  std::vector<TenonTensor> out(1);
  std::vector<float> x = {1, -1, 2, -2, 3, -3, 4, -4};
  EXPECT_EQ("", s.run({tensor(x, {8})}, out));
  EXPECT_EQ((std::vector<float>{2, 3, 4, 5}), floats(out[0]));
  std::vector<float> all(8, 1.0f);
  EXPECT_EQ("", s.run({tensor(all, {8})}, out));
  EXPECT_EQ(std::vector<float>(8, 2.0f), floats(out[0]));
  std::vector<float> none(8, -1.0f);
  EXPECT_EQ("", s.run({tensor(none, {8})}, out));
  EXPECT_EQ(0, out[0].dims[0]);

  float memory[3];
  out[0] = {};
  out[0].data = memory;
  out[0].bytes = sizeof(memory);
  EXPECT_EQ("output 'y': 12 bytes at data, it needs 16",
            s.run({tensor(x, {8})}, out));
}

TEST(Executor, DataDependentOutputShapesAreUnknownBefore) {
  EngineBuilder b = keepPositiveEngine();
  Session s(b);
  std::vector<float> x(8);
  TenonTensor in = tensor(x, {8}), out = {};
  ASSERT_EQ(TENON_OK,
            tenon_context_output_shapes(s.context, &in, 1, &out, 1, nullptr));
  EXPECT_EQ(-1, out.dims[0]);
  EXPECT_EQ(0u, out.bytes);
}

TEST(Executor, ReadBackOutsideOfItsBounds) {
  EngineBuilder b = keepPositiveEngine();
  b.engine.symbols[0]->max = 2;
  Session s(b);
  std::vector<float> x(8, 1.0f);
  std::vector<TenonTensor> out(1);
  EXPECT_EQ("instruction 1: 'count' is 8, must be from 0 to 2",
            s.run({tensor(x, {8})}, out));
}

/// if (x[0] > 0) y = x + 1 else y = 2x
TEST(Executor, IfTakesOneBlock) {
  EngineBuilder b;
  uint32_t positive = b.runTimeSymbol("positive", 0, 1);
  Indices one = {b.constant(1)};
  uint32_t x = b.input("x", one), y = b.output("y", one);
  uint32_t number = b.temp(b.constant(8));
  b.launch("count_positive", {x, number}, 1, {one[0]}, one[0]);
  b.readBack(number, ElementType::Int64, positive);
  schema::IfT branch;
  branch.condition = b.symbolExpr(positive);
  branch.then_block = 1;
  branch.else_block = 2;
  b.instruction(std::move(branch));
  b.launch("add_one", {x, y}, 1, {}, one[0]);
  b.launch("twice", {x, y}, 1, {}, one[0]);
  b.block(0, 3);
  b.block(3, 1);
  b.block(4, 1);
  Session s(b);
  std::vector<TenonTensor> out(1);
  std::vector<float> plus = {5}, minus = {-5};
  EXPECT_EQ("", s.run({tensor(plus, {1})}, out));
  EXPECT_EQ(6.0f, floats(out[0])[0]);
  EXPECT_EQ("", s.run({tensor(minus, {1})}, out));
  EXPECT_EQ(-10.0f, floats(out[0])[0]);
}

/// y = x; while (y < limit) y *= 2, counting the rounds on the host.
static EngineBuilder whileEngine() {
  EngineBuilder b;
  uint32_t more = b.runTimeSymbol("more", 0, 1);
  uint32_t rounds = b.runTimeSymbol("rounds", 0, 1000);
  uint32_t one = b.constant(1), zero = b.constant(0);
  uint32_t x = b.input("x", {one}), limit = b.input("limit", {one});
  uint32_t y = b.output("y", {one});
  uint32_t count = b.output("trace", {b.symbolExpr(rounds)});
  uint32_t flag = b.temp(one);
  schema::SetSymbolT reset;
  reset.symbol = rounds;
  reset.expr = zero;
  b.copy(x, y);                    // 0
  b.instruction(std::move(reset)); // 1
  schema::WhileT loop;
  loop.condition_block = 1;
  loop.condition = b.symbolExpr(more);
  loop.body_block = 2;
  b.instruction(std::move(loop)); // 2
  schema::FillT fill;
  fill.target = count;
  b.instruction(std::move(fill));                        // 3
  b.launch("is_below", {y, limit, flag}, 2, {}, one);    // 4
  b.readBack(flag, ElementType::Bool, more);             // 5
  b.launch("double_once", {limit, y, flag}, 1, {}, one); // 6
  schema::SetSymbolT step;
  step.symbol = rounds;
  step.expr = b.binary(ExprCode::Add, b.symbolExpr(rounds), one);
  b.instruction(std::move(step)); // 7
  b.block(0, 4);
  b.block(4, 2);
  b.block(6, 2);
  return b;
}

TEST(Executor, WhileRunsUntilItsConditionFails) {
  EngineBuilder b = whileEngine();
  Session s(b);
  std::vector<TenonTensor> out(2);
  std::vector<float> x = {3}, limit = {100};
  EXPECT_EQ("", s.run({tensor(x, {1}), tensor(limit, {1})}, out));
  EXPECT_EQ(192.0f, floats(out[0])[0]);
  EXPECT_EQ(6, out[1].dims[0]) << "six rounds";
  limit[0] = 1;
  EXPECT_EQ("", s.run({tensor(x, {1}), tensor(limit, {1})}, out));
  EXPECT_EQ(3.0f, floats(out[0])[0]);
  EXPECT_EQ(0, out[1].dims[0]);
}

TEST(Executor, AliasesAreViews) {
  EngineBuilder b;
  uint32_t n = b.symbol("n", 1, 100, 0, 0);
  uint32_t size = b.symbolExpr(n), four = b.constant(4);
  uint32_t bytes = b.mul(size, four);
  uint32_t whole = b.mul(bytes, b.constant(2));
  uint32_t x = b.input("x", {size});
  uint32_t y = b.output("y", {b.mul(size, b.constant(2))});
  uint32_t both = b.temp(whole);
  uint32_t low = b.alias(both, b.constant(0), bytes);
  uint32_t high = b.alias(both, bytes, bytes);
  b.launch("add_one", {x, low}, 1, {}, size);
  b.launch("twice", {x, high}, 1, {}, size);
  b.copy(both, y);
  Session s(b);
  std::vector<TenonTensor> out(1);
  std::vector<float> data = {1, 2, 3};
  EXPECT_EQ("", s.run({tensor(data, {3})}, out));
  EXPECT_EQ((std::vector<float>{2, 3, 4, 2, 4, 6}), floats(out[0]));
}

TEST(Executor, GuardsChooseTheKernel) {
  EngineBuilder b;
  uint32_t n = b.symbol("n", 0, 100, 0, 0);
  uint32_t size = b.symbolExpr(n);
  b.input("x", {size});
  uint32_t y = b.output("y", {b.constant(1)}, ElementType::Int64);
  uint32_t launch = b.launch("choice_small", {y}, 0, {size}, b.constant(1));
  b.launch("choice_large", {y}, 0, {size}, b.constant(0)); // adds the kernel
  auto &choices =
      b.variant().instructions[launch]->operation.AsLaunch()->choices;
  choices[0]->guard =
      int32_t(b.binary(ExprCode::LessEqual, size, b.constant(16)));
  auto other = std::make_unique<schema::LaunchChoiceT>();
  other->kernel = 1;
  other->tasks = b.constant(1);
  choices.push_back(std::move(other));
  Session s(b);
  std::vector<float> data(100);
  std::vector<TenonTensor> out(1);
  EXPECT_EQ("", s.run({tensor(data, {16})}, out));
  EXPECT_EQ(16, *static_cast<int64_t *>(out[0].data));
  EXPECT_EQ("", s.run({tensor(data, {17})}, out));
  EXPECT_EQ(-17, *static_cast<int64_t *>(out[0].data));
}

TEST(Executor, NoGuardHolds) {
  EngineBuilder b;
  uint32_t y = b.output("y", {b.constant(1)}, ElementType::Int64);
  uint32_t launch = b.launch("choice_small", {y}, 0, {b.constant(5)},
                             b.constant(1), "MatMul_7");
  b.variant().instructions[launch]->operation.AsLaunch()->choices[0]->guard =
      int32_t(b.constant(0));
  Session s(b);
  std::vector<TenonTensor> out(1);
  EXPECT_EQ("instruction 0 (kernel 'choice_small', nodes 'MatMul_7'): none of "
            "its kernels takes these sizes",
            s.run({}, out));
}

TEST(Executor, KernelErrorsNameNodesAndIndex) {
  EngineBuilder b;
  Indices n = {b.constant(300)};
  uint32_t x = b.input("x", n);
  uint32_t indices = b.input("indices", n, ElementType::Int64);
  uint32_t y = b.output("y", n);
  b.launch("gather", {x, indices, y}, 2, {n[0]}, n[0], "Gather_3");
  for (int threads : {1, 3}) {
    Session s(b, threads);
    std::vector<float> data(300, 2.0f);
    std::vector<int64_t> where(300, 7);
    std::vector<TenonTensor> out(1);
    EXPECT_EQ("", s.run({tensor(data, {300}), tensor(where, {300})}, out));
    where[123] = 300;
    EXPECT_EQ("instruction 0 (kernel 'gather', nodes 'Gather_3'): index 300 "
              "is out of range, expected below 300",
              s.run({tensor(data, {300}), tensor(where, {300})}, out));
    where[123] = -1;
    TenonTensor in[] = {tensor(data, {300}), tensor(where, {300})};
    EXPECT_EQ(
        TENON_KERNEL_ERROR,
        tenon_context_run(s.context, in, 2, out.data(), 1, nullptr, nullptr));
    where[123] = 0;
    EXPECT_EQ("", s.run({tensor(data, {300}), tensor(where, {300})}, out));
  }
}

TEST(Executor, EachThreadHasItsScratch) {
  EngineBuilder b;
  Indices n = {b.constant(500)};
  uint32_t y = b.output("y", n);
  uint32_t launch = b.launch("use_scratch", {y}, 0, {}, n[0]);
  b.variant().instructions[launch]->operation.AsLaunch()->choices[0]->scratch =
      int32_t(b.constant(64));
  for (int threads : {1, 2, 4}) {
    Session s(b, threads);
    std::vector<TenonTensor> out(1);
    EXPECT_EQ("", s.run({}, out));
    EXPECT_EQ(std::vector<float>(500, 120.0f), floats(out[0]));
  }
}

#if defined(__x86_64__)
TEST(Executor, KernelsSeeTheDefinedFloatState) {
  EngineBuilder b;
  Indices n = {b.constant(1000)};
  uint32_t y = b.output("y", n, ElementType::UInt32);
  b.launch("float_state", {y}, 0, {}, n[0]);
  Session s(b, 3);
  unsigned mine = _mm_getcsr() | 0x8040; // flush and denormals as zero
  _mm_setcsr(mine);
  std::vector<TenonTensor> out(1);
  std::string message = s.run({}, out);
  unsigned after = _mm_getcsr();
  _mm_setcsr(0x1f80);
  EXPECT_EQ("", message);
  EXPECT_EQ(mine, after) << "the caller's state comes back";
  const auto *states = static_cast<const uint32_t *>(out[0].data);
  for (int i = 0; i < 1000; ++i)
    ASSERT_EQ(0x1f80u, states[i] & ~0x3fu) << i;
}
#endif

TEST(Executor, UndefinedNumbersAreErrorsWhereTheyAreNeeded) {
  EngineBuilder b;
  uint32_t n = b.symbol("n", 0, 100, 0, 0);
  uint32_t size = b.symbolExpr(n);
  uint32_t x = b.input("x", {size}), y = b.output("y", {size});
  uint32_t quotient = b.binary(ExprCode::FloorDiv, b.constant(100), size);
  b.launch("sum_rows", {x, y}, 1, {quotient}, size, "Div_1");
  Session s(b);
  std::vector<float> data(10000);
  std::vector<TenonTensor> out(1);
  EXPECT_EQ("", s.run({tensor(data, {0})}, out)) << "no tasks: not needed";
  b.variant().instructions[0]->operation.AsLaunch()->choices[0]->tasks =
      b.constant(1);
  Session t(b);
  EXPECT_EQ("instruction 0 (kernel 'sum_rows', nodes 'Div_1'): scalar "
            "floordiv(100, n) is not defined for these sizes (overflow, or "
            "division by zero)",
            t.run({tensor(data, {0})}, out));
}

TEST(Executor, CopyIsChecked) {
  EngineBuilder b;
  uint32_t n = b.symbol("n", 1, 100, 0, 0);
  uint32_t x = b.input("x", {b.symbolExpr(n)});
  uint32_t y = b.output("y", {b.constant(4)});
  b.copy(x, y);
  Session s(b);
  std::vector<float> data(8);
  std::vector<TenonTensor> out(1);
  EXPECT_EQ("", s.run({tensor(data, {4})}, out));
  EXPECT_EQ("instruction 0: copy of 32 bytes from 32 bytes to 16",
            s.run({tensor(data, {8})}, out));
}
