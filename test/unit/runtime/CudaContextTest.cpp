//===- CudaContextTest.cpp - Inferences on the simulated GPU --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/runtime/CudaBuilder.h"
#include "test/unit/runtime/HostProgram.h"

#include <atomic>
#include <cstring>
#include <gtest/gtest.h>
#include <thread>

using namespace tenon;
using namespace tenon::test;
using schema::ElementType;

TEST(CudaContext, RunsAndOwnsOutputs) {
  CudaBuilder b = cudaAddOne();
  CudaSession s(b);
  std::vector<float> x(400);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = float(i);
  std::vector<TenonTensor> out(1);
  EXPECT_EQ("", s.run({tensor(x, {100, 4})}, out));
  for (float &value : x)
    value += 1;
  EXPECT_EQ(x, floats(out[0]));
  EXPECT_EQ(2, out[0].rank);
  EXPECT_EQ(100, out[0].dims[0]);
  EXPECT_EQ(TENON_FLOAT32, out[0].type);
}

TEST(CudaContext, ReusedOutputTensorGrows) {
  CudaBuilder b = cudaAddOne();
  CudaSession s(b);
  std::vector<float> x(256, 0.0f);
  std::vector<TenonTensor> out(1);
  for (int64_t batch : {1, 64, 2}) {
    EXPECT_EQ("", s.run({tensor(x, {batch, 4})}, out));
    EXPECT_EQ(batch, out[0].dims[0]);
    EXPECT_EQ(std::vector<float>(size_t(batch * 4), 1.0f), floats(out[0]));
  }
}

TEST(CudaContext, ZeroSizedBatch) {
  CudaBuilder b = cudaAddOne();
  CudaSession s(b);
  std::vector<float> none;
  std::vector<TenonTensor> out(1);
  EXPECT_EQ("", s.run({tensor(none, {0, 4})}, out));
  EXPECT_EQ(0, out[0].dims[0]);
}

TEST(CudaContext, ErrorsAreThoseOfTheCpu) {
  CudaBuilder b = cudaAddOne();
  CudaSession s(b);
  std::vector<float> x(40000);
  std::vector<TenonTensor> out(1);
  EXPECT_EQ("input 'x': dimension 0 (batch) is 4097, must be at most 4096",
            s.run({tensor(x, {4097, 4})}, out));
  TenonTensor small = tensor(x, {4, 4});
  small.bytes = 60;
  EXPECT_EQ("input 'x': 60 bytes at data, its shape needs 64",
            s.run({small}, out));
  small.data = nullptr;
  EXPECT_EQ("input 'x': its data is null", s.run({small}, out));
  out = {tensor(x, {})};
  out[0].bytes = 63;
  EXPECT_EQ("output 'y': 63 bytes at data, it needs 64",
            s.run({tensor(x, {4, 4})}, out));
  std::vector<TenonTensor> none;
  EXPECT_EQ("expected 1 outputs, got 0", s.run({tensor(x, {4, 4})}, none));
  out[0] = {};
  EXPECT_EQ("", s.run({tensor(x, {4, 4})}, out)) << "still usable";
}

TEST(CudaContext, EveryKindOfMemory) {
  CudaBuilder b = cudaAddOne();
  HostProgram host;
  CudaSession s(b);
  std::vector<float> x = {1, 2, 3, 4}, expected = {2, 3, 4, 5};
  float *pinnedIn = host.pinned(4), *pinnedOut = host.pinned(4);
  std::memcpy(pinnedIn, x.data(), 16);
  std::vector<float> pageable(4);
  // Whole allocations, and those that vector instructions cannot read.
  void *sources[] = {x.data(), pinnedIn, host.device(x), host.device(x, 4)};
  void *targets[] = {pageable.data(), pinnedOut, host.device(4),
                     host.device(4, 4), nullptr};
  for (void *source : sources)
    for (void *target : targets) {
      TenonTensor in = floatsAt(source, {1, 4}), out = {};
      out.data = target;
      out.bytes = target ? 16 : 0;
      TenonError error;
      ASSERT_EQ(TENON_OK,
                tenon_context_run(s.context, &in, 1, &out, 1, nullptr, &error))
          << error.message;
      if (target) {
        EXPECT_EQ(target, out.data);
        EXPECT_EQ(16u, out.bytes);
      }
      bool onDevice = target == targets[2] || target == targets[3];
      EXPECT_EQ(expected, onDevice ? host.read(target, 4) : floats(out));
    }
}

TEST(CudaContext, WrongDevicePointers) {
  CudaBuilder b = cudaAddOne();
  HostProgram host(HostProgram::OwnContext);
  float *foreign = host.device({1, 2, 3, 4});
  std::vector<TenonTensor> out(1);
  std::vector<float> x(16);
  {
    CudaSession s(b); // in the primary context
    std::string message = s.run({floatsAt(foreign, {1, 4})}, out);
    EXPECT_NE(std::string::npos,
              message.find("belongs to another CUcontext: load the engine with "
                           "that one"))
        << message;
    out[0].data = foreign;
    out[0].bytes = 16;
    message = s.run({tensor(x, {1, 4})}, out);
    EXPECT_NE(std::string::npos, message.find("output 'y': its data at "))
        << message;
  }
  TenonLoadOptions options = simulated();
  options.cuda_context = host.context;
  Session s(b, options, {});
  out[0] = {};
  EXPECT_EQ("", s.run({floatsAt(foreign, {1, 4})}, out));
  std::string message = s.run({floatsAt(foreign + 1, {1, 4})}, out);
  EXPECT_NE(std::string::npos, message.find("input 'x': 12 bytes are left in "
                                            "the allocation at "))
      << message;
  out = {floatsAt(foreign, {4, 4})};
  message = s.run({tensor(x, {4, 4})}, out);
  EXPECT_NE(std::string::npos,
            message.find("output 'y': 16 bytes are left in the allocation"))
      << message;
}

TEST(CudaContext, AllocatorGivesDeviceMemory) {
  CudaBuilder b = cudaAddOne();
  HostProgram host;
  CudaSession s(b);
  float *memory = host.device(16);
  std::vector<float> x(16, 1.0f);
  TenonRunOptions options = {};
  options.struct_size = sizeof(options);
  options.allocate_user = memory;
  options.allocate = [](void *user, int32_t output, uint64_t bytes) {
    EXPECT_EQ(0, output);
    EXPECT_EQ(64u, bytes);
    return user;
  };
  TenonTensor in = tensor(x, {4, 4}), out = {};
  TenonError error;
  ASSERT_EQ(TENON_OK,
            tenon_context_run(s.context, &in, 1, &out, 1, &options, &error));
  EXPECT_EQ(memory, out.data);
  EXPECT_EQ(std::vector<float>(16, 2.0f), host.read(memory, 16));
  options.allocate = [](void *, int32_t, uint64_t) -> void * {
    return nullptr;
  };
  out = {};
  EXPECT_EQ(TENON_OUT_OF_MEMORY,
            tenon_context_run(s.context, &in, 1, &out, 1, &options, &error));
}

//===----------------------------------------------------------------------===//
// Enqueue
//===----------------------------------------------------------------------===//

TEST(CudaContext, EnqueueRunsInTheCallersStream) {
  CudaBuilder b = cudaAddOne();
  HostProgram host;
  CudaSession s(b);
  float *a = host.device({1, 2, 3, 4}), *c = host.device(4);
  float *pinned = host.pinned(4);
  TenonError error;
  // a -> c -> a -> pinned, in the order of the stream alone.
  for (auto [from, to] :
       {std::pair<void *, void *>{a, c}, {c, a}, {a, pinned}}) {
    TenonTensor in = floatsAt(from, {1, 4}), out = floatsAt(to, {1, 4});
    ASSERT_EQ(TENON_OK, tenon_context_enqueue(s.context, &in, 1, &out, 1,
                                              nullptr, host.stream, &error))
        << error.message;
    EXPECT_EQ(to, out.data);
  }
  host.wait();
  EXPECT_EQ((std::vector<float>{4, 5, 6, 7}),
            std::vector<float>(pinned, pinned + 4));
  EXPECT_EQ(TENON_OK, tenon_context_synchronize(s.context, &error));
}

TEST(CudaContext, EnqueueOwnsOutputsOnTheDevice) {
  CudaBuilder b = cudaAddOne();
  HostProgram host;
  CudaSession s(b);
  TenonTensor in = floatsAt(host.device({1, 2, 3, 4}), {1, 4}), out = {};
  TenonError error;
  ASSERT_EQ(TENON_OK, tenon_context_enqueue(s.context, &in, 1, &out, 1, nullptr,
                                            nullptr, &error))
      << error.message;
  ASSERT_EQ(TENON_OK, tenon_context_synchronize(s.context, &error));
  EXPECT_EQ((std::vector<float>{2, 3, 4, 5}), host.read(out.data, 4));
  // The same tensor comes back, for a run: then its memory is the host's.
  ASSERT_EQ(TENON_OK,
            tenon_context_run(s.context, &in, 1, &out, 1, nullptr, &error));
  EXPECT_EQ((std::vector<float>{2, 3, 4, 5}), floats(out));
}

TEST(CudaContext, EnqueueTakesNoPageableMemory) {
  CudaBuilder b = cudaAddOne();
  HostProgram host;
  CudaSession s(b);
  std::vector<float> x(4);
  TenonTensor in = tensor(x, {1, 4}), out = {};
  TenonError error;
  ASSERT_EQ(TENON_INVALID_ARGUMENT,
            tenon_context_enqueue(s.context, &in, 1, &out, 1, nullptr,
                                  host.stream, &error));
  EXPECT_TRUE(std::strstr(error.message,
                          "is host memory that is not pinned, which an enqueue "
                          "cannot use: allocate it with cuMemHostAlloc"))
      << error.message;
  in.data = host.device(4);
  out = tensor(x, {1, 4});
  EXPECT_EQ(TENON_INVALID_ARGUMENT,
            tenon_context_enqueue(s.context, &in, 1, &out, 1, nullptr,
                                  host.stream, &error));
  EXPECT_TRUE(std::strstr(error.message, "output 'y'")) << error.message;
}

/// y = x[indices], where an index may be out of range.
static CudaBuilder gatherEngine() {
  CudaBuilder b;
  Indices n = {b.constant(4)};
  uint32_t x = b.input("x", n);
  uint32_t indices = b.input("indices", n, ElementType::Int64);
  uint32_t y = b.output("y", n);
  b.cuda("gather", {x, indices, y}, 2, n[0], {n[0]}, "Gather_0");
  return b;
}

TEST(CudaContext, FaultsOfAnEnqueueComeWithALaterCall) {
  CudaBuilder b = gatherEngine();
  HostProgram host;
  CudaSession s(b);
  auto *indices = reinterpret_cast<int64_t *>(host.pinned(8));
  auto *wrong = reinterpret_cast<int64_t *>(host.pinned(8));
  for (int64_t i = 0; i < 4; ++i)
    wrong[i] = indices[i] = 3 - i;
  wrong[2] = 9;
  float *x = host.device({1, 2, 3, 4}), *y = host.device(4);
  auto enqueue = [&](int64_t *which) {
    TenonTensor in[] = {floatsAt(x, {4}), floatsAt(which, {4})};
    in[1].type = TENON_INT64;
    in[1].bytes = 32;
    TenonTensor out = floatsAt(y, {4});
    TenonError error;
    error.message[0] = 0;
    tenon_context_enqueue(s.context, in, 2, &out, 1, nullptr, host.stream,
                          &error);
    return std::string(error.message);
  };
  const std::string fault =
      "an earlier enqueued inference: instruction 0 (kernel 'gather', nodes "
      "'Gather_0'): index 9 is out of range, expected below 4";
  TenonError error;
  // With the next enqueue, once the device is done.
  EXPECT_EQ("", enqueue(wrong));
  host.wait();
  EXPECT_EQ(fault, enqueue(indices));
  EXPECT_EQ("", enqueue(indices)) << "reported once";
  host.wait();
  EXPECT_EQ((std::vector<float>{4, 3, 2, 1}), host.read(y, 4));
  // With synchronize, and with a run.
  EXPECT_EQ("", enqueue(wrong));
  EXPECT_EQ(TENON_KERNEL_ERROR, tenon_context_synchronize(s.context, &error));
  EXPECT_EQ(fault, error.message);
  EXPECT_EQ(TENON_OK, tenon_context_synchronize(s.context, &error));
  EXPECT_EQ("", enqueue(wrong));
  std::vector<float> data(4);
  std::vector<int64_t> none(4);
  std::vector<TenonTensor> out(1);
  EXPECT_EQ(fault, s.run({tensor(data, {4}), tensor(none, {4})}, out));
  EXPECT_EQ("", s.run({tensor(data, {4}), tensor(none, {4})}, out));
  // More of them than there are records: an early one is not lost.
  EXPECT_EQ("", enqueue(wrong));
  std::string found;
  for (int i = 0; i < 40 && found.empty(); ++i)
    found = enqueue(indices);
  EXPECT_EQ(fault, found);
}

TEST(CudaContext, StreamsOfOneContextAreOrdered) {
  // Both use the arena and the state: the simulated GPU finds it if the second
  // does not wait for the first.
  CudaBuilder b;
  Indices n = {b.constant(1000)};
  uint32_t x = b.input("x", n), state = b.state("sum", n);
  uint32_t y = b.output("y", n), t = b.temp(b.constant(4000));
  b.cuda("add_one", {x, t}, 1, n[0]);
  b.cuda("accumulate", {t, state, y}, 1, n[0]);
  HostProgram host;
  runtime::cuda::StreamHandle other;
  ASSERT_EQ(0, host.driver.streamCreate(&other, 1));
  CudaSession s(b);
  float *data = host.device(std::vector<float>(1000, 1.0f));
  TenonError error;
  for (int i = 0; i < 6; ++i) {
    TenonTensor in = floatsAt(data, {1000}), out = {};
    ASSERT_EQ(TENON_OK,
              tenon_context_enqueue(s.context, &in, 1, &out, 1, nullptr,
                                    i % 2 ? other : host.stream, &error))
        << error.message;
  }
  std::vector<float> more(1000, 1.0f);
  std::vector<TenonTensor> out(1);
  EXPECT_EQ("", s.run({tensor(more, {1000})}, out));
  EXPECT_EQ(std::vector<float>(1000, 14.0f), floats(out[0]));
  ASSERT_EQ(0, host.driver.streamDestroy(other));
}

//===----------------------------------------------------------------------===//
// States and aliases
//===----------------------------------------------------------------------===//

/// state += x; y = state
static CudaBuilder stateEngine() {
  CudaBuilder b;
  Indices n = {b.symbolExpr(b.symbol("n", 1, 100, 0, 0))};
  uint32_t x = b.input("x", n), state = b.state("sum", n);
  uint32_t y = b.output("y", n);
  b.cuda("accumulate", {x, state, y}, 1, n[0]);
  return b;
}

TEST(CudaContext, StateIsKeptResetAndCopied) {
  CudaBuilder b = stateEngine();
  HostProgram host;
  CudaSession s(b);
  std::vector<float> x = {1, 2, 3};
  std::vector<TenonTensor> out(1);
  EXPECT_EQ("", s.run({tensor(x, {3})}, out));
  EXPECT_EQ("", s.run({tensor(x, {3})}, out));
  EXPECT_EQ((std::vector<float>{2, 4, 6}), floats(out[0]));
  TenonTensor view;
  TenonError error;
  ASSERT_EQ(TENON_OK, tenon_context_state(s.context, 0, &view, &error));
  EXPECT_EQ((std::vector<float>{2, 4, 6}), host.read(view.data, 3));
  EXPECT_EQ(12u, view.bytes);

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

TEST(CudaContext, OutputMayShareAStatesMemory) {
  CudaBuilder b;
  Indices n = {b.constant(4)};
  uint32_t x = b.input("x", n), state = b.state("sum", n);
  b.output("now", n); // is the state
  b.engine.bindings[2]->alias = 1;
  uint32_t t = b.temp(b.constant(16));
  b.cuda("accumulate", {x, state, t}, 1, n[0]);
  HostProgram host;
  CudaSession s(b);
  std::vector<float> data = {1, 2, 3, 4}, copy(4);
  std::vector<TenonTensor> out(1);
  EXPECT_EQ("", s.run({tensor(data, {4})}, out));
  EXPECT_EQ(data, floats(out[0])) << "a copy on the host";
  out[0] = tensor(copy, {4});
  EXPECT_EQ("", s.run({tensor(data, {4})}, out));
  EXPECT_EQ((std::vector<float>{2, 4, 6, 8}), copy);
  out[0] = floatsAt(host.device(4), {4});
  EXPECT_EQ("", s.run({tensor(data, {4})}, out));
  EXPECT_EQ((std::vector<float>{3, 6, 9, 12}), host.read(out[0].data, 4));
  TenonTensor view;
  TenonError error;
  ASSERT_EQ(TENON_OK, tenon_context_state(s.context, 0, &view, &error));
  TenonTensor in = floatsAt(host.device(data), {4}), now = {};
  ASSERT_EQ(TENON_OK, tenon_context_enqueue(s.context, &in, 1, &now, 1, nullptr,
                                            nullptr, &error));
  EXPECT_EQ(view.data, now.data) << "in place";
  ASSERT_EQ(TENON_OK, tenon_context_synchronize(s.context, &error));
  EXPECT_EQ((std::vector<float>{4, 8, 12, 16}), host.read(now.data, 4));
}

TEST(CudaContext, TensorsOfEarlierRunsComeBack) {
  // What the context gave out may be gone by then: it is the context's again,
  // not memory that the caller brings.
  CudaBuilder b;
  uint32_t n = b.symbolExpr(b.symbol("n", 1, 5000, 0, 0));
  uint32_t x = b.input("x", {n}), state = b.state("sum", {n});
  b.output("now", {n});
  b.engine.bindings[2]->alias = 1;
  uint32_t y = b.output("y", {n});
  b.cuda("accumulate", {x, state, y}, 1, n);
  HostProgram host;
  CudaSession s(b);
  TenonTensor out[2] = {};
  TenonError error;
  for (int64_t size : {3, 5000, 4, 1000}) {
    std::vector<float> data(size_t(size), 2.0f);
    TenonTensor in = floatsAt(host.device(data), {size});
    ASSERT_EQ(TENON_OK, tenon_context_enqueue(s.context, &in, 1, out, 2,
                                              nullptr, nullptr, &error))
        << error.message;
    ASSERT_EQ(TENON_OK, tenon_context_synchronize(s.context, &error));
    EXPECT_EQ(data, host.read(out[0].data, data.size()));
    in = tensor(data, {size});
    ASSERT_EQ(TENON_OK,
              tenon_context_run(s.context, &in, 1, out, 2, nullptr, &error))
        << error.message;
    std::vector<float> twice(data.size(), 4.0f);
    EXPECT_EQ(twice, floats(out[0]));
    EXPECT_EQ(twice, floats(out[1]));
  }
}

TEST(CudaContext, OutputMayShareAnInputsMemory) {
  CudaBuilder b;
  Indices n = {b.constant(4)};
  uint32_t x = b.input("x", n), y = b.output("y", n);
  b.engine.bindings[1]->alias = 0;
  b.cuda("add_one", {x, y}, 1, n[0]);
  HostProgram host;
  CudaSession s(b);
  std::vector<float> data = {1, 2, 3, 4}, expected = {2, 3, 4, 5}, other(4);
  float *pinned = host.pinned(4);
  std::memcpy(pinned, data.data(), 16);
  float *whole = host.device(data), *part = host.device(data, 4);
  std::vector<TenonTensor> out(1);
  for (float *memory : {data.data(), pinned, whole, part}) {
    out[0] = {};
    EXPECT_EQ("", s.run({floatsAt(memory, {4})}, out));
    EXPECT_EQ(memory, out[0].data);
    EXPECT_EQ(expected, memory == whole || memory == part
                            ? host.read(memory, 4)
                            : std::vector<float>(memory, memory + 4));
  }
  out[0] = tensor(other, {4});
  EXPECT_EQ("output 'y' shares the memory of 'x': its data must be null or "
            "the same",
            s.run({tensor(data, {4})}, out));
}

//===----------------------------------------------------------------------===//
// Contexts
//===----------------------------------------------------------------------===//

TEST(CudaContext, CallersArena) {
  CudaBuilder b;
  uint32_t n = b.symbolExpr(b.symbol("n", 1, 1000, 0, 0));
  uint32_t x = b.input("x", {n}), y = b.output("y", {n});
  uint32_t t = b.temp(b.mul(n, b.constant(4)));
  b.cuda("add_one", {x, t}, 1, n);
  b.cuda("twice", {t, y}, 1, n);
  HostProgram host;
  TenonContextOptions options = {};
  options.struct_size = sizeof(options);
  options.arena = host.device(100);
  options.arena_bytes = 256;
  CudaSession s(b, nullptr, options);
  std::vector<float> data(100, 1.0f);
  std::vector<TenonTensor> out(1);
  EXPECT_EQ("", s.run({tensor(data, {64})}, out));
  EXPECT_EQ(std::vector<float>(64, 4.0f), floats(out[0]));
  EXPECT_EQ("the caller's arena has 256 bytes, these input shapes need 512",
            s.run({tensor(data, {65})}, out));
  TenonMemoryInfo info = {};
  info.struct_size = sizeof(info);
  ASSERT_EQ(TENON_OK, tenon_context_memory(s.context, &info));
  EXPECT_EQ(256u, info.arena_bytes);

  TenonContext *context = nullptr;
  TenonError error;
  options.arena = data.data();
  EXPECT_EQ(TENON_INVALID_ARGUMENT,
            tenon_context_create(s.engine, &options, &context, &error));
  EXPECT_TRUE(std::strstr(error.message, "is not memory of the device"))
      << error.message;
  options.arena = host.device(100) + 1;
  EXPECT_EQ(TENON_INVALID_ARGUMENT,
            tenon_context_create(s.engine, &options, &context, &error));
  EXPECT_TRUE(std::strstr(error.message, "is not aligned to 256 bytes"))
      << error.message;
}

TEST(CudaContext, CallersContextAndStream) {
  CudaBuilder b = stateEngine();
  HostProgram host(HostProgram::OwnContext);
  TenonLoadOptions load = simulated();
  load.cuda_context = host.context;
  TenonContextOptions options = {};
  options.stream = host.stream;
  Session s(b, load, options);
  std::vector<float> x = {1, 2, 3};
  std::vector<TenonTensor> out(1);
  // Another thread has no context: the runtime brings its own.
  std::thread([&] { EXPECT_EQ("", s.run({tensor(x, {3})}, out)); }).join();
  EXPECT_EQ(x, floats(out[0]));
  TenonTensor in = floatsAt(host.device(x), {3}),
              y = floatsAt(host.device(3), {3});
  TenonError error;
  ASSERT_EQ(TENON_OK, tenon_context_enqueue(s.context, &in, 1, &y, 1, nullptr,
                                            nullptr, &error));
  host.wait(); // the context works in this stream
  EXPECT_EQ((std::vector<float>{2, 4, 6}), host.read(y.data, 3));
}

TEST(CudaContext, ManyContextsOnThreads) {
  CudaBuilder b;
  uint32_t n = b.symbolExpr(b.symbol("n", 1, 4096, 0, 0));
  uint32_t x = b.input("x", {n}), y = b.output("y", {n});
  uint32_t w = b.constantValue(std::vector<float>(4096, 3.0f));
  uint32_t t = b.temp(b.mul(n, b.constant(4)));
  b.cuda("add_one", {x, t}, 1, n);
  b.cuda("multiply", {t, w, y}, 2, n);
  CudaSession s(b);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int k = 0; k < 4; ++k)
    threads.emplace_back([&, k] {
      TenonContext *context = nullptr;
      if (tenon_context_create(s.engine, nullptr, &context, nullptr)) {
        ++wrong;
        return;
      }
      TenonTensor out = {};
      for (int i = 0; i < 10; ++i) {
        std::vector<float> data(size_t(100 + 10 * k + i), float(k + i));
        TenonTensor in = tensor(data, {int64_t(data.size())});
        if (tenon_context_run(context, &in, 1, &out, 1, nullptr, nullptr) ||
            floats(out) !=
                std::vector<float>(data.size(), 3.0f * float(k + i + 1)))
          ++wrong;
      }
      tenon_context_destroy(context);
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(0, wrong);
}

TEST(CudaContext, ReservePlansAndAllocates) {
  CudaBuilder b = stateEngine();
  CudaSession s(b);
  TenonTensor in = floatsAt(nullptr, {50}), view = {};
  TenonError error;
  ASSERT_EQ(TENON_OK, tenon_context_reserve(s.context, &in, 1, &error))
      << error.message;
  ASSERT_EQ(TENON_OK, tenon_context_state(s.context, 0, &view, &error));
  EXPECT_EQ(200u, view.bytes);
  TenonTensor out = {};
  ASSERT_EQ(TENON_OK,
            tenon_context_output_shapes(s.context, &in, 1, &out, 1, &error));
  EXPECT_EQ(50, out.dims[0]);
}

TEST(CudaContext, CancelEndsARunningInference) {
  // while (true) { number = count(x); round = 1 - round }
  CudaBuilder b;
  uint32_t round = b.runTimeSymbol("round", 0, 1);
  uint32_t one = b.constant(1);
  uint32_t x = b.input("x", {one});
  uint32_t y = b.output("y", {one}, ElementType::Int64);
  schema::SetSymbolT set;
  set.symbol = round;
  set.expr = b.constant(0);
  b.instruction(schema::SetSymbolT(set));
  schema::WhileT loop;
  loop.condition = one;
  loop.body_block = 1;
  b.instruction(std::move(loop));
  b.cuda("count_positive", {x, y}, 1, one);
  b.readBack(y, ElementType::Int64, round);
  b.block(0, 2);
  b.block(2, 2);
  CudaSession s(b);
  std::vector<float> data = {1};
  TenonTensor in = tensor(data, {1}), out = {};
  TenonError error;
  std::atomic<bool> ended{false};
  TenonStatus status = TENON_OK;
  std::thread runner([&] {
    status = tenon_context_run(s.context, &in, 1, &out, 1, nullptr, &error);
    ended = true;
  });
  // A cancel before the run has begun is for none: ask until it ends.
  while (!ended) {
    tenon_context_cancel(s.context);
    std::this_thread::yield();
  }
  runner.join();
  EXPECT_EQ(TENON_CANCELLED, status);
  EXPECT_STREQ("the run was cancelled", error.message);
}
