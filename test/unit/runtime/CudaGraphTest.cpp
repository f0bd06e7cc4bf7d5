//===- CudaGraphTest.cpp - When graphs are made, and when updated ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the cache of graphs does is seen in the log, which has a line for each
// that is instantiated; what it gives to the device is seen in the results.
//
//===----------------------------------------------------------------------===//

#include "test/unit/runtime/CudaBuilder.h"

#include <gtest/gtest.h>

using namespace tenon;
using namespace tenon::test;
using schema::ElementType;
using schema::ExprCode;

/// y[n] = 2 * (x[n] + 1) and z = the first four of y, in one graph.
static CudaBuilder chain() {
  CudaBuilder b;
  uint32_t n = b.symbolExpr(b.symbol("n", 4, 100000, 0, 0));
  uint32_t x = b.input("x", {n}), y = b.output("y", {n});
  uint32_t z = b.output("z", {b.constant(8)});
  uint32_t t = b.temp(b.mul(n, b.constant(4)));
  uint32_t head = b.alias(y, b.constant(0), b.constant(16));
  b.cuda("add_one", {x, t}, 1, n);
  b.cuda("twice", {t, y}, 1, n);
  b.fill(z, 0);
  b.copy(head, z);
  return b;
}

static const char *const kMade = "instantiated a CUDA graph of 4 nodes";

static void expectChain(CudaSession &s, int64_t size, float seed) {
  std::vector<float> x(size_t(size), seed);
  std::vector<TenonTensor> out(2);
  ASSERT_EQ("", s.run({tensor(x, {size})}, out));
  EXPECT_EQ(std::vector<float>(size_t(size), 2 * (seed + 1)), floats(out[0]));
  std::vector<float> z(8, 0.0f);
  std::fill(z.begin(), z.begin() + 4, 2 * (seed + 1));
  EXPECT_EQ(z, floats(out[1]));
}

TEST(CudaGraph, OneForAllRunsOfTheSameShapes) {
  CudaBuilder b = chain();
  Log log;
  CudaSession s(b, &log);
  for (int i = 0; i < 5; ++i)
    expectChain(s, 40, float(i));
  EXPECT_EQ(1u, log.count(kMade));
}

TEST(CudaGraph, OtherPointersAreUpdated) {
  CudaBuilder b = chain();
  Log log;
  CudaSession s(b, &log);
  // The context's buffers move when they grow.
  for (int64_t size : {4, 10, 1000, 50000})
    expectChain(s, size, float(size));
  EXPECT_EQ(1u, log.count(kMade));
}

TEST(CudaGraph, GrowingShapesNeverInstantiateAgain) {
  CudaBuilder b = chain();
  Log log;
  CudaSession s(b, &log);
  for (int64_t step = 4; step < 200; ++step)
    expectChain(s, step, float(step));
  EXPECT_EQ(1u, log.count(kMade));
}

TEST(CudaGraph, ShapesThatComeBackGetTheirOwn) {
  CudaBuilder b = chain();
  Log log;
  CudaSession s(b, &log);
  for (int round = 0; round < 6; ++round)
    for (int64_t size : {40, 400, 4000})
      expectChain(s, size, float(round));
  // The last that took the first one over keeps it.
  EXPECT_EQ(3u, log.count(kMade));
}

TEST(CudaGraph, TheCacheIsBounded) {
  CudaBuilder b = chain();
  TenonContextOptions options = {};
  options.plans = 30;
  Log log;
  CudaSession s(b, &log, options);
  for (int round = 0; round < 3; ++round)
    for (int64_t size = 10; size < 30; ++size)
      expectChain(s, size, float(round));
  EXPECT_EQ(8u, log.count(kMade));
}

TEST(CudaGraph, OtherKernelsMakeAnother) {
  CudaBuilder b;
  uint32_t n = b.symbolExpr(b.symbol("n", 0, 100, 0, 0));
  uint32_t x = b.input("x", {n}), y = b.output("y", {n});
  uint32_t t = b.temp(b.mul(n, b.constant(4)));
  uint32_t first = b.cuda("add_one", {x, t}, 1, n);
  b.cuda("twice", {t, y}, 1, n);
  auto &choices =
      b.variant().instructions[first]->operation.AsLaunch()->choices;
  choices[0]->guard = int32_t(b.binary(ExprCode::LessEqual, n, b.constant(2)));
  choices.push_back(std::make_unique<schema::LaunchChoiceT>(b.choiceOf(1)));
  Log log;
  CudaSession s(b, &log);
  std::vector<float> data = {5, 5, 5};
  std::vector<TenonTensor> out(1);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ("", s.run({tensor(data, {2})}, out));
    EXPECT_EQ((std::vector<float>{12, 12}), floats(out[0]));
    EXPECT_EQ("", s.run({tensor(data, {3})}, out));
    EXPECT_EQ((std::vector<float>{20, 20, 20}), floats(out[0]));
  }
  EXPECT_EQ(2u, log.count("instantiated a CUDA graph of 2 nodes"));
}

TEST(CudaGraph, ALoopUpdatesTheGraphOfItsBody) {
  // for (i = 0; i < n; ++i) { t = x + 1; y[i] = 2t }, a row of 4 each
  CudaBuilder b;
  uint32_t i = b.runTimeSymbol("i", 0, 1000);
  uint32_t n = b.symbolExpr(b.symbol("n", 1, 100, 0, 0));
  uint32_t four = b.constant(4), row = b.constant(16), one = b.constant(1);
  uint32_t x = b.input("x", {n, four}), y = b.output("y", {n, four});
  uint32_t t = b.temp(row);
  uint32_t from = b.alias(x, b.mul(b.symbolExpr(i), row), row);
  uint32_t to = b.alias(y, b.mul(b.symbolExpr(i), row), row);
  schema::SetSymbolT reset;
  reset.symbol = i;
  reset.expr = b.constant(0);
  b.instruction(std::move(reset));
  schema::WhileT loop;
  loop.condition = b.binary(ExprCode::Less, b.symbolExpr(i), n);
  loop.body_block = 1;
  b.instruction(std::move(loop));
  b.cuda("add_one", {from, t}, 1, four);
  b.cuda("twice", {t, to}, 1, four);
  schema::SetSymbolT step;
  step.symbol = i;
  step.expr = b.binary(ExprCode::Add, b.symbolExpr(i), one);
  b.instruction(std::move(step));
  b.block(0, 2);
  b.block(2, 3);
  Log log;
  CudaSession s(b, &log);
  std::vector<float> data(400), expected(400);
  for (size_t k = 0; k < data.size(); ++k) {
    data[k] = float(k);
    expected[k] = 2 * (float(k) + 1);
  }
  std::vector<TenonTensor> out(1);
  EXPECT_EQ("", s.run({tensor(data, {100, 4})}, out));
  EXPECT_EQ(expected, floats(out[0]));
  EXPECT_EQ(1u, log.count("instantiated"));
}
