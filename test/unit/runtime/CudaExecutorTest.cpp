//===- CudaExecutorTest.cpp - Instructions on the simulated GPU -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The programs of ExecutorTest.cpp, on a CUDA device.
//
//===----------------------------------------------------------------------===//

#include "test/unit/runtime/CudaBuilder.h"

#include <gtest/gtest.h>

using namespace tenon;
using namespace tenon::test;
using schema::ElementType;
using schema::ExprCode;

/// x[8] => count of positive ones => y[count], data-dependent.
static CudaBuilder keepPositiveEngine() {
  CudaBuilder b;
  uint32_t count = b.runTimeSymbol("count", 0, 8);
  Indices eight = {b.constant(8)};
  Indices dims = {b.symbolExpr(count)};
  uint32_t x = b.input("x", eight), y = b.output("y", dims);
  uint32_t number = b.temp(b.constant(8));
  uint32_t kept = b.temp(b.mul(dims[0], b.constant(4)));
  b.cuda("count_positive", {x, number}, 1, eight[0], {}, "NonZero_0");
  b.readBack(number, ElementType::Int64, count);
  b.cuda("keep_positive", {x, kept}, 1, eight[0]);
  b.cuda("add_one", {kept, y}, 1, dims[0]);
  return b;
}

TEST(CudaExecutor, ReadBackSizesTemporariesAndOutputs) {
  CudaBuilder b = keepPositiveEngine();
  CudaSession s(b);
  std::vector<TenonTensor> out(1);
  std::vector<float> one = {-1, -1, 2, -2, -3, -3, -4, -4};
  EXPECT_EQ("", s.run({tensor(one, {8})}, out));
  EXPECT_EQ((std::vector<float>{3}), floats(out[0]));
  std::vector<float> x = {1, -1, 2, -2, 3, -3, 4, -4};
  EXPECT_EQ("", s.run({tensor(x, {8})}, out)) << "the temporary grows";
  EXPECT_EQ((std::vector<float>{2, 3, 4, 5}), floats(out[0]));
  std::vector<float> all(8, 1.0f);
  EXPECT_EQ("", s.run({tensor(all, {8})}, out));
  EXPECT_EQ(std::vector<float>(8, 2.0f), floats(out[0]));

  float memory[4];
  out[0] = {};
  out[0].data = memory;
  out[0].bytes = sizeof(memory);
  EXPECT_EQ("output 'y': 16 bytes at data, it needs 32",
            s.run({tensor(all, {8})}, out));
  EXPECT_EQ("", s.run({tensor(x, {8})}, out));
  EXPECT_EQ(memory, out[0].data);
  EXPECT_EQ(5.0f, memory[3]);
}

TEST(CudaExecutor, ReadBackOutsideOfItsBounds) {
  CudaBuilder b = keepPositiveEngine();
  b.engine.symbols[0]->max = 2;
  CudaSession s(b);
  std::vector<float> x(8, 1.0f), few = {1, -1, -1, -1, -1, -1, -1, 1};
  std::vector<TenonTensor> out(1);
  EXPECT_EQ("instruction 1: 'count' is 8, must be from 0 to 2",
            s.run({tensor(x, {8})}, out));
  EXPECT_EQ("", s.run({tensor(few, {8})}, out)) << "still usable";
  EXPECT_EQ((std::vector<float>{2, 2}), floats(out[0]));
}

/// if (x[0] > 0) y = x + 1 else y = 2x
TEST(CudaExecutor, IfTakesOneBlock) {
  CudaBuilder b;
  uint32_t positive = b.runTimeSymbol("positive", 0, 1);
  Indices one = {b.constant(1)};
  uint32_t x = b.input("x", one), y = b.output("y", one);
  uint32_t number = b.temp(b.constant(8));
  b.cuda("count_positive", {x, number}, 1, one[0]);
  b.readBack(number, ElementType::Int64, positive);
  schema::IfT branch;
  branch.condition = b.symbolExpr(positive);
  branch.then_block = 1;
  branch.else_block = 2;
  b.instruction(std::move(branch));
  b.cuda("add_one", {x, y}, 1, one[0]);
  b.cuda("twice", {x, y}, 1, one[0]);
  b.block(0, 3);
  b.block(3, 1);
  b.block(4, 1);
  CudaSession s(b);
  std::vector<TenonTensor> out(1);
  std::vector<float> plus = {5}, minus = {-5};
  EXPECT_EQ("", s.run({tensor(plus, {1})}, out));
  EXPECT_EQ(6.0f, floats(out[0])[0]);
  EXPECT_EQ("", s.run({tensor(minus, {1})}, out));
  EXPECT_EQ(-10.0f, floats(out[0])[0]);
}

/// y = x; while (y < limit) y *= 2, counting the rounds on the host.
TEST(CudaExecutor, WhileRunsUntilItsConditionFails) {
  CudaBuilder b;
  uint32_t more = b.runTimeSymbol("more", 0, 1);
  uint32_t rounds = b.runTimeSymbol("rounds", 0, 1000);
  uint32_t one = b.constant(1), zero = b.constant(0);
  uint32_t x = b.input("x", {one}), limit = b.input("limit", {one});
  uint32_t y = b.output("y", {one});
  uint32_t trace =
      b.output("trace", {b.symbolExpr(rounds)}, ElementType::UInt8);
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
  b.instruction(std::move(loop));                  // 2
  b.fill(trace, 7);                                // 3
  b.cuda("is_below", {y, limit, flag}, 2, one);    // 4
  b.readBack(flag, ElementType::Bool, more);       // 5
  b.cuda("double_once", {limit, y, flag}, 1, one); // 6
  schema::SetSymbolT step;
  step.symbol = rounds;
  step.expr = b.binary(ExprCode::Add, b.symbolExpr(rounds), one);
  b.instruction(std::move(step)); // 7
  b.block(0, 4);
  b.block(4, 2);
  b.block(6, 2);
  CudaSession s(b);
  std::vector<TenonTensor> out(2);
  std::vector<float> start = {3}, end = {100};
  EXPECT_EQ("", s.run({tensor(start, {1}), tensor(end, {1})}, out));
  EXPECT_EQ(192.0f, floats(out[0])[0]);
  ASSERT_EQ(6, out[1].dims[0]) << "six rounds";
  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(7, static_cast<uint8_t *>(out[1].data)[i]);
  end[0] = 1;
  EXPECT_EQ("", s.run({tensor(start, {1}), tensor(end, {1})}, out));
  EXPECT_EQ(3.0f, floats(out[0])[0]);
  EXPECT_EQ(0, out[1].dims[0]);
}

TEST(CudaExecutor, AliasesAreViews) {
  CudaBuilder b;
  uint32_t size = b.symbolExpr(b.symbol("n", 1, 100, 0, 0));
  uint32_t bytes = b.mul(size, b.constant(4));
  uint32_t whole = b.mul(bytes, b.constant(2));
  uint32_t x = b.input("x", {size});
  uint32_t y = b.output("y", {b.mul(size, b.constant(2))});
  uint32_t both = b.temp(whole);
  uint32_t low = b.alias(both, b.constant(0), bytes);
  uint32_t high = b.alias(both, bytes, bytes);
  b.cuda("add_one", {x, low}, 1, size);
  b.cuda("twice", {x, high}, 1, size);
  b.copy(both, y);
  CudaSession s(b);
  std::vector<TenonTensor> out(1);
  std::vector<float> data = {1, 2, 3};
  EXPECT_EQ("", s.run({tensor(data, {3})}, out));
  EXPECT_EQ((std::vector<float>{2, 3, 4, 2, 4, 6}), floats(out[0]));
}

TEST(CudaExecutor, GuardsChooseTheKernel) {
  CudaBuilder b;
  uint32_t size = b.symbolExpr(b.symbol("n", 0, 100, 0, 0));
  uint32_t x = b.input("x", {size}), y = b.output("y", {size});
  uint32_t launch = b.cuda("add_one", {x, y}, 1, size, {}, "MatMul_7");
  uint32_t other = b.cuda("twice", {x, y}, 1, size);
  auto &choices =
      b.variant().instructions[launch]->operation.AsLaunch()->choices;
  choices[0]->guard =
      int32_t(b.binary(ExprCode::LessEqual, size, b.constant(2)));
  choices.push_back(std::make_unique<schema::LaunchChoiceT>(b.choiceOf(other)));
  b.variant().instructions.pop_back();
  CudaSession s(b);
  std::vector<float> data = {5, 5, 5};
  std::vector<TenonTensor> out(1);
  EXPECT_EQ("", s.run({tensor(data, {2})}, out));
  EXPECT_EQ((std::vector<float>{6, 6}), floats(out[0]));
  EXPECT_EQ("", s.run({tensor(data, {3})}, out));
  EXPECT_EQ((std::vector<float>{10, 10, 10}), floats(out[0]));

  choices.pop_back();
  CudaSession t(b);
  EXPECT_EQ("instruction 0 (kernel 'add_one', nodes 'MatMul_7'): none of its "
            "kernels takes these sizes",
            t.run({tensor(data, {3})}, out));
}

TEST(CudaExecutor, GridMustBeOneOfTheDevice) {
  CudaBuilder b = cudaAddOne();
  std::vector<float> data(4);
  std::vector<TenonTensor> out(1);
  b.choiceOf(0).grid[1] = b.constant(65536);
  EXPECT_EQ("instruction 0 (kernel 'add_one', nodes 'Add_0'): 65536 blocks "
            "along y, expected 1 to 65535",
            CudaSession(b).run({tensor(data, {1, 4})}, out));
  b.choiceOf(0).grid[1] = b.constant(0);
  EXPECT_EQ("instruction 0 (kernel 'add_one', nodes 'Add_0'): 0 blocks along "
            "y, expected 1 to 65535",
            CudaSession(b).run({tensor(data, {1, 4})}, out));
}

TEST(CudaExecutor, KernelErrorsNameNodesAndIndex) {
  CudaBuilder b;
  Indices n = {b.constant(300)};
  uint32_t x = b.input("x", n);
  uint32_t indices = b.input("indices", n, ElementType::Int64);
  uint32_t y = b.output("y", n);
  uint32_t t = b.temp(b.constant(1200));
  b.cuda("add_one", {x, t}, 1, n[0]);
  b.cuda("gather", {t, indices, y}, 2, n[0], {n[0]}, "Gather_3");
  CudaSession s(b);
  std::vector<float> data(300, 2.0f);
  std::vector<int64_t> where(300, 7);
  std::vector<TenonTensor> out(1);
  EXPECT_EQ("", s.run({tensor(data, {300}), tensor(where, {300})}, out));
  where[123] = 300;
  EXPECT_EQ("instruction 1 (kernel 'gather', nodes 'Gather_3'): index 300 is "
            "out of range, expected below 300",
            s.run({tensor(data, {300}), tensor(where, {300})}, out));
  where[123] = -1;
  TenonTensor in[] = {tensor(data, {300}), tensor(where, {300})};
  EXPECT_EQ(TENON_KERNEL_ERROR, tenon_context_run(s.context, in, 2, out.data(),
                                                  1, nullptr, nullptr));
  where[123] = 0;
  EXPECT_EQ("", s.run({tensor(data, {300}), tensor(where, {300})}, out));
  EXPECT_EQ(std::vector<float>(300, 3.0f), floats(out[0]));
}

TEST(CudaExecutor, CopiesThatOverlapAreRefused) {
  CudaBuilder b;
  uint32_t x = b.input("x", {b.constant(4)}),
           y = b.output("y", {b.constant(4)});
  uint32_t t = b.temp(b.constant(20));
  uint32_t low = b.alias(t, b.constant(0), b.constant(16));
  uint32_t high = b.alias(t, b.constant(4), b.constant(16));
  b.copy(x, low);
  b.copy(low, low); // nothing to do
  b.copy(low, y);
  std::vector<float> data = {1, 2, 3, 4};
  std::vector<TenonTensor> out(1);
  CudaSession s(b);
  EXPECT_EQ("", s.run({tensor(data, {4})}, out));
  EXPECT_EQ(data, floats(out[0]));
  b.variant().instructions[1]->operation.AsCopy()->target = high;
  EXPECT_EQ("instruction 1: a copy whose source and target overlap",
            CudaSession(b).run({tensor(data, {4})}, out));
}

TEST(CudaExecutor, DynamicSharedMemoryBeyondWhatNeedsNoAsking) {
  CudaBuilder b;
  uint32_t n = b.constant(32), bytes = b.constant(60000);
  uint32_t x = b.input("x", {n}), y = b.output("y", {n});
  uint32_t launch = b.cuda("reverse", {x, y}, 1, n, {bytes});
  b.kernelOf(launch).shared = 60000;
  CudaSession s(b);
  std::vector<float> data(32), expected(32);
  for (size_t i = 0; i < 32; ++i)
    data[i] = expected[31 - i] = float(i);
  std::vector<TenonTensor> out(1);
  EXPECT_EQ("", s.run({tensor(data, {32})}, out));
  EXPECT_EQ(expected, floats(out[0]));
}

TEST(CudaExecutor, ProfileMeasuresEachInstruction) {
  CudaBuilder b = keepPositiveEngine();
  auto &launch = *b.variant().instructions[0]->operation.AsLaunch();
  launch.flops = int32_t(b.constant(100));
  launch.bytes = int32_t(b.constant(400));
  TenonContextOptions options = {};
  options.profile = 1;
  Log log;
  CudaSession s(b, &log, options);
  std::vector<float> x(8, 1.0f);
  std::vector<TenonTensor> out(1);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ("", s.run({tensor(x, {8})}, out));
  EXPECT_EQ(std::vector<float>(8, 2.0f), floats(out[0]));
  ASSERT_EQ(4, tenon_context_profile_count(s.context));
  TenonProfileRow row = {};
  row.struct_size = sizeof(row);
  ASSERT_EQ(TENON_OK, tenon_context_profile(s.context, 0, &row));
  EXPECT_STREQ("count_positive", row.kernel);
  EXPECT_STREQ("NonZero_0", row.nodes[0]);
  EXPECT_EQ(3u, row.calls);
  EXPECT_EQ(300.0, row.flops);
  EXPECT_EQ(1200.0, row.bytes);
  EXPECT_GT(row.seconds, 0.0);
  EXPECT_EQ(0u, log.count("CUDA graph"))
      << "each instruction alone, to be measured";
}
