//===- ContextTest.cpp - Runs, shapes, outputs, states --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/runtime/EngineBuilder.h"

#include <atomic>
#include <cmath>
#include <gtest/gtest.h>
#include <thread>

using namespace tenon;
using namespace tenon::test;
using schema::ExprCode;
using schema::ExprOp;

TEST(Context, RunsAndOwnsOutputs) {
  EngineBuilder b = addOneEngine();
  Session s(b, 2);
  std::vector<float> x(16, 2.0f);
  std::vector<TenonTensor> out(1);
  EXPECT_EQ("", s.run({tensor(x, {4, 4})}, out));
  EXPECT_EQ(std::vector<float>(16, 3.0f), floats(out[0]));
  EXPECT_EQ(2, out[0].rank);
  EXPECT_EQ(4, out[0].dims[0]);
  EXPECT_EQ(TENON_FLOAT32, out[0].type);
}

TEST(Context, ReusedOutputTensorGrows) {
  EngineBuilder b = addOneEngine();
  Session s(b);
  std::vector<float> x(256, 0.0f);
  std::vector<TenonTensor> out(1);
  for (int64_t batch : {1, 64, 2}) {
    EXPECT_EQ("", s.run({tensor(x, {batch, 4})}, out));
    EXPECT_EQ(batch, out[0].dims[0]);
    EXPECT_EQ(std::vector<float>(size_t(batch * 4), 1.0f), floats(out[0]));
  }
}

TEST(Context, ZeroSizedBatch) {
  EngineBuilder b = addOneEngine();
  Session s(b, 2);
  std::vector<float> none;
  std::vector<TenonTensor> out(1);
  EXPECT_EQ("", s.run({tensor(none, {0, 4})}, out));
  EXPECT_EQ(0, out[0].dims[0]);
}

TEST(Context, ShapeErrorsNameInputDimensionAndRule) {
  EngineBuilder b = addOneEngine();
  Session s(b);
  std::vector<float> x(1024);
  std::vector<TenonTensor> out(1);
  EXPECT_EQ("input 'x': dimension 0 (batch) is 65, must be at most 64",
            s.run({tensor(x, {65, 4})}, out));
  EXPECT_EQ("input 'x': dimension 1 is 3, expected 4",
            s.run({tensor(x, {4, 3})}, out));
  EXPECT_EQ("input 'x': expected rank 2, got 1", s.run({tensor(x, {4})}, out));
  EXPECT_EQ("input 'x': dimension 0 (batch) is -1, must be at least 0",
            s.run({tensor(x, {-1, 4})}, out));
  std::vector<int64_t> integers(16);
  EXPECT_EQ("input 'x': expected type float32, got int64",
            s.run({tensor(integers, {4, 4})}, out));
  EXPECT_EQ("expected 1 inputs ('x'), got 0", s.run({}, out));
  TenonTensor small = tensor(x, {4, 4});
  small.bytes = 60;
  EXPECT_EQ("input 'x': 60 bytes at data, its shape needs 64",
            s.run({small}, out));
  small = tensor(x, {4, 4});
  small.data = nullptr;
  EXPECT_EQ("input 'x': its data is null", s.run({small}, out));
  EXPECT_EQ("", s.run({tensor(x, {4, 4})}, out)) << "still usable";
}

TEST(Context, CallersOutputMustSuffice) {
  EngineBuilder b = addOneEngine();
  Session s(b);
  std::vector<float> x(16), y(16, -1.0f);
  std::vector<TenonTensor> out = {tensor(y, {})};
  EXPECT_EQ("", s.run({tensor(x, {4, 4})}, out));
  EXPECT_EQ(y.data(), out[0].data);
  EXPECT_EQ(1.0f, y[15]);
  out[0].bytes = 63;
  EXPECT_EQ("output 'y': 63 bytes at data, it needs 64",
            s.run({tensor(x, {4, 4})}, out));
  out[0].bytes = 0;
  EXPECT_EQ("output 'y': 0 bytes at data, it needs 64",
            s.run({tensor(x, {4, 4})}, out));
  std::vector<TenonTensor> none;
  EXPECT_EQ("expected 1 outputs, got 0", s.run({tensor(x, {4, 4})}, none));
}

TEST(Context, MisalignedDataIsRefused) {
  EngineBuilder b = addOneEngine();
  Session s(b);
  std::vector<float> x(32);
  TenonTensor in = tensor(x, {4, 4});
  in.data = reinterpret_cast<char *>(x.data()) + 2;
  std::vector<TenonTensor> out(1);
  std::string message = s.run({in}, out);
  EXPECT_NE(std::string::npos,
            message.find("is not aligned to its elements (4 bytes)"))
      << message;
}

TEST(Context, AllocatorGivesOutputs) {
  EngineBuilder b = addOneEngine();
  Session s(b);
  std::vector<float> x(16), memory(16);
  TenonRunOptions options = {};
  options.struct_size = sizeof(options);
  options.allocate_user = &memory;
  options.allocate = [](void *user, int32_t output, uint64_t bytes) -> void * {
    EXPECT_EQ(0, output);
    EXPECT_EQ(64u, bytes);
    return static_cast<std::vector<float> *>(user)->data();
  };
  TenonTensor in = tensor(x, {4, 4}), out = {};
  TenonError error;
  ASSERT_EQ(TENON_OK,
            tenon_context_run(s.context, &in, 1, &out, 1, &options, &error));
  EXPECT_EQ(memory.data(), out.data);
  EXPECT_EQ(1.0f, memory[0]);
  options.allocate = [](void *, int32_t, uint64_t) -> void * {
    return nullptr;
  };
  out = {};
  EXPECT_EQ(TENON_OUT_OF_MEMORY,
            tenon_context_run(s.context, &in, 1, &out, 1, &options, &error));
}

TEST(Context, OutputShapesNeedNoData) {
  EngineBuilder b = addOneEngine();
  Session s(b);
  TenonTensor in = {}, out = {};
  in.type = TENON_FLOAT32;
  in.rank = 2;
  in.dims[0] = 7;
  in.dims[1] = 4;
  TenonError error;
  ASSERT_EQ(TENON_OK,
            tenon_context_output_shapes(s.context, &in, 1, &out, 1, &error));
  EXPECT_EQ(7, out.dims[0]);
  EXPECT_EQ(112u, out.bytes);
  EXPECT_EQ(TENON_OK, tenon_context_reserve(s.context, &in, 1, &error));
}

/// x[batch, n] => temporaries, each 4 * batch * n bytes => y.
static EngineBuilder chainEngine(int length) {
  EngineBuilder b;
  uint32_t batch = b.symbol("batch", 1, 1000, 0, 0);
  Indices dims = {b.symbolExpr(batch), b.constant(256)};
  uint32_t tasks = b.mul(dims[0], dims[1]);
  uint32_t size = b.mul(tasks, b.constant(4));
  uint32_t x = b.input("x", dims), y = b.output("y", dims);
  uint32_t last = x;
  for (int i = 0; i < length; ++i) {
    uint32_t next = i + 1 == length ? y : b.temp(size);
    b.launch("add_one", {last, next}, 1, {}, tasks);
    last = next;
  }
  return b;
}

TEST(Context, TemporariesShareTheArena) {
  EngineBuilder b = chainEngine(10);
  Session s(b, 2);
  std::vector<float> x(2 * 256, 1.0f);
  std::vector<TenonTensor> out(1);
  EXPECT_EQ("", s.run({tensor(x, {2, 256})}, out));
  EXPECT_EQ(std::vector<float>(512, 11.0f), floats(out[0]));
  TenonMemoryInfo info = {};
  info.struct_size = sizeof(info);
  ASSERT_EQ(TENON_OK, tenon_context_memory(s.context, &info));
  EXPECT_EQ(2u * 2048u, info.arena_bytes) << "two live at a time, not nine";
}

TEST(Context, CallersArena) {
  EngineBuilder b = chainEngine(3);
  TenonEngine *engine = b.load();
  alignas(64) static char memory[4096];
  TenonContextOptions options = {};
  options.struct_size = sizeof(options);
  options.threads = 1;
  options.arena = memory;
  options.arena_bytes = sizeof(memory);
  TenonContext *context;
  TenonError error;
  ASSERT_EQ(TENON_OK, tenon_context_create(engine, &options, &context, &error));
  std::vector<float> x(3 * 256, 0.0f);
  TenonTensor in = tensor(x, {2, 256}), out = {};
  EXPECT_EQ(TENON_OK,
            tenon_context_run(context, &in, 1, &out, 1, nullptr, &error));
  EXPECT_EQ(3.0f, floats(out)[511]);
  in = tensor(x, {3, 256});
  EXPECT_EQ(TENON_BUFFER_TOO_SMALL,
            tenon_context_run(context, &in, 1, &out, 1, nullptr, &error));
  EXPECT_STREQ("the caller's arena has 4096 bytes, these input shapes need "
               "6144",
               error.message);
  tenon_context_destroy(context);
  tenon_engine_destroy(engine);
}

TEST(Context, ManyShapesThroughAFewPlans) {
  EngineBuilder b = chainEngine(4);
  Session s(b, 2);
  std::vector<float> x(100 * 256, 1.0f);
  std::vector<TenonTensor> out(1);
  for (int round = 0; round < 3; ++round)
    for (int64_t batch = 1; batch <= 40; ++batch) {
      ASSERT_EQ("", s.run({tensor(x, {batch, 256})}, out));
      std::vector<float> y = floats(out[0]);
      ASSERT_EQ(size_t(batch * 256), y.size());
      EXPECT_EQ(5.0f, y.front());
      EXPECT_EQ(5.0f, y.back());
    }
}

TEST(Context, BitIdenticalForAnyNumberOfThreads) {
  EngineBuilder b;
  Indices dims = {b.constant(301), b.constant(67)};
  uint32_t x = b.input("x", dims), y = b.output("y", {dims[0]});
  b.launch("sum_rows", {x, y}, 1, {dims[1]}, dims[0]);
  std::vector<float> data(301 * 67);
  for (size_t i = 0; i < data.size(); ++i)
    data[i] = std::sin(float(i)) * 1e3f;
  std::vector<float> expected;
  for (int threads : {1, 2, 3, 8}) {
    Session s(b, threads);
    for (int round = 0; round < 20; ++round) {
      std::vector<TenonTensor> out(1);
      ASSERT_EQ("", s.run({tensor(data, {301, 67})}, out));
      if (expected.empty())
        expected = floats(out[0]);
      EXPECT_EQ(expected, floats(out[0])) << threads << " threads";
    }
  }
}

TEST(Context, ManyContextsOnManyThreads) {
  EngineBuilder b = chainEngine(6);
  TenonEngine *engine = b.load();
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      TenonContextOptions options = {};
      options.struct_size = sizeof(options);
      options.threads = 1 + t % 2;
      TenonContext *context;
      if (tenon_context_create(engine, &options, &context, nullptr))
        return;
      std::vector<float> x(512, float(t));
      for (int i = 0; i < 50; ++i) {
        TenonTensor in = tensor(x, {1 + i % 2, 256}), out = {};
        if (tenon_context_run(context, &in, 1, &out, 1, nullptr, nullptr) ==
                TENON_OK &&
            floats(out).back() == float(t) + 6)
          ++right;
      }
      tenon_context_destroy(context);
    });
  // The handle may go while contexts live.
  for (std::thread &thread : threads)
    thread.join();
  tenon_engine_destroy(engine);
  EXPECT_EQ(200, right.load());
}

TEST(Context, OutlivesTheEngineHandle) {
  EngineBuilder b = addOneEngine();
  TenonEngine *engine = b.load();
  TenonContext *context;
  ASSERT_EQ(TENON_OK, tenon_context_create(engine, nullptr, &context, nullptr));
  tenon_engine_destroy(engine);
  std::vector<float> x(4);
  TenonTensor in = tensor(x, {1, 4}), out = {};
  EXPECT_EQ(TENON_OK,
            tenon_context_run(context, &in, 1, &out, 1, nullptr, nullptr));
  tenon_context_destroy(context);
}

/// state += x; y = state
static EngineBuilder stateEngine() {
  EngineBuilder b;
  uint32_t n = b.symbol("n", 1, 100, 0, 0);
  Indices dims = {b.symbolExpr(n)};
  uint32_t x = b.input("x", dims), sum = b.state("sum", dims);
  uint32_t y = b.output("y", dims);
  b.launch("accumulate", {x, sum, y}, 1, {}, dims[0]);
  return b;
}

TEST(Context, StateIsKeptResetAndCopied) {
  EngineBuilder b = stateEngine();
  Session s(b);
  TenonTensor view;
  TenonError error;
  EXPECT_EQ(TENON_INVALID_ARGUMENT,
            tenon_context_state(s.context, 0, &view, &error));
  EXPECT_STREQ("state 0 has no memory yet: run or reserve first",
               error.message);
  std::vector<float> x = {1, 2, 3};
  std::vector<TenonTensor> out(1);
  EXPECT_EQ("", s.run({tensor(x, {3})}, out));
  EXPECT_EQ("", s.run({tensor(x, {3})}, out));
  EXPECT_EQ((std::vector<float>{2, 4, 6}), floats(out[0]));
  ASSERT_EQ(TENON_OK, tenon_context_state(s.context, 0, &view, &error));
  EXPECT_EQ((std::vector<float>{2, 4, 6}), floats(view));

  TenonContext *fork;
  ASSERT_EQ(TENON_OK, tenon_context_create(s.engine, nullptr, &fork, &error));
  ASSERT_EQ(TENON_OK, tenon_context_copy_state(fork, s.context, &error));
  ASSERT_EQ(TENON_OK, tenon_context_reset(s.context, &error));
  EXPECT_EQ("", s.run({tensor(x, {3})}, out));
  EXPECT_EQ((std::vector<float>{1, 2, 3}), floats(out[0]));
  TenonTensor in = tensor(x, {3}), forked = {};
  ASSERT_EQ(TENON_OK,
            tenon_context_run(fork, &in, 1, &forked, 1, nullptr, &error));
  EXPECT_EQ((std::vector<float>{3, 6, 9}), floats(forked));
  tenon_context_destroy(fork);

  std::vector<float> longer = {1, 1, 1, 1};
  EXPECT_EQ("", s.run({tensor(longer, {4})}, out));
  EXPECT_EQ(longer, floats(out[0])) << "another size starts from zero";
}

TEST(Context, OutputMaySharesTheInputsMemory) {
  EngineBuilder b;
  Indices dims = {b.constant(4)};
  uint32_t x = b.input("x", dims), y = b.output("y", dims);
  b.engine.bindings[1]->alias = 0;
  b.launch("add_one", {x, y}, 1, {}, dims[0]);
  Session s(b);
  std::vector<float> data = {1, 2, 3, 4}, other(4);
  std::vector<TenonTensor> out(1);
  EXPECT_EQ("", s.run({tensor(data, {4})}, out));
  EXPECT_EQ(data.data(), out[0].data);
  EXPECT_EQ((std::vector<float>{2, 3, 4, 5}), data);
  out[0] = tensor(other, {4});
  EXPECT_EQ("output 'y' shares the memory of 'x': its data must be null or "
            "the same",
            s.run({tensor(data, {4})}, out));
  TenonBindingInfo info = {};
  info.struct_size = sizeof(info);
  ASSERT_EQ(TENON_OK, tenon_engine_binding(s.engine, TENON_OUTPUT, 0, &info));
  EXPECT_EQ(0, info.alias);
}

TEST(Context, CancelEndsARunningInference) {
  EngineBuilder b;
  Indices two = {b.constant(2)};
  uint32_t flag = b.state("flag", two, schema::ElementType::Int32);
  uint32_t x = b.input("x", two), y = b.output("y", two);
  b.launch("wait_for_flag", {flag}, 0, {}, b.constant(1));
  b.launch("add_one", {x, y}, 1, {}, two[0]);
  Session s(b);
  std::vector<float> data(2);
  TenonTensor in = tensor(data, {2}), out = {}, view = {};
  TenonError error;
  ASSERT_EQ(TENON_OK, tenon_context_reserve(s.context, &in, 1, &error));
  ASSERT_EQ(TENON_OK, tenon_context_state(s.context, 0, &view, &error));
  auto *flags = static_cast<volatile int32_t *>(view.data);
  TenonStatus status = TENON_OK;
  std::thread runner([&] {
    status = tenon_context_run(s.context, &in, 1, &out, 1, nullptr, &error);
  });
  while (!flags[0])
    std::this_thread::yield();
  // Meanwhile the context is busy for everybody else.
  EXPECT_EQ(TENON_BUSY,
            tenon_context_run(s.context, &in, 1, &out, 1, nullptr, nullptr));
  tenon_context_cancel(s.context);
  flags[1] = 1;
  runner.join();
  EXPECT_EQ(TENON_CANCELLED, status);
  EXPECT_STREQ("the run was cancelled", error.message);
  EXPECT_EQ(TENON_OK,
            tenon_context_run(s.context, &in, 1, &out, 1, nullptr, &error))
      << "a cancel is for one run";
}

TEST(Context, ProfileCountsEveryInstruction) {
  EngineBuilder b = addOneEngine();
  auto &launch = *b.variant().instructions[0]->operation.AsLaunch();
  launch.flops = int32_t(b.constant(100));
  launch.bytes = int32_t(b.constant(400));
  Session s(b, 1, true);
  std::vector<float> x(4);
  std::vector<TenonTensor> out(1);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ("", s.run({tensor(x, {1, 4})}, out));
  ASSERT_EQ(1, tenon_context_profile_count(s.context));
  TenonProfileRow row = {};
  row.struct_size = sizeof(row);
  ASSERT_EQ(TENON_OK, tenon_context_profile(s.context, 0, &row));
  EXPECT_STREQ("add_one", row.kernel);
  EXPECT_STREQ("test", row.family);
  EXPECT_STREQ("#test.plain", row.schedule);
  ASSERT_EQ(1, row.node_count);
  EXPECT_STREQ("Add_0", row.nodes[0]);
  EXPECT_EQ(3u, row.calls);
  EXPECT_EQ(300.0, row.flops);
  EXPECT_EQ(1200.0, row.bytes);
  tenon_context_profile_reset(s.context);
  ASSERT_EQ(TENON_OK, tenon_context_profile(s.context, 0, &row));
  EXPECT_EQ(0u, row.calls);
}
