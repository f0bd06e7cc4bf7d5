//===- CudaDriverTest.cpp - Each error of each driver function ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// On a driver that fails when it is told to (FakeDriver.h): whichever call
// fails, an error says which, nothing is left behind, and what can go on goes
// on.
//
//===----------------------------------------------------------------------===//

#include "test/unit/runtime/CudaBuilder.h"
#include "test/unit/runtime/FakeDriver.h"

#include <cstring>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <set>

using namespace tenon;
using namespace tenon::test;
using schema::ElementType;

namespace {
struct CudaDriver : testing::Test {
  CudaDriver() {
    library = dlopen(TENON_TEST_FAKE_DRIVER, RTLD_NOW | RTLD_LOCAL);
    EXPECT_TRUE(library);
    reset();
  }
  template <typename Function> Function find(const char *name) {
    auto function = reinterpret_cast<Function>(dlsym(library, name));
    EXPECT_TRUE(function) << name;
    return function;
  }
  void reset() { find<FakeReset>("fakeReset")(); }
  void fail(const char *function, int call, int result) {
    find<FakeFail>("fakeFail")(function, call, result);
  }
  int calls(const char *function) {
    return find<FakeCalls>("fakeCalls")(function);
  }
  int alive() { return find<FakeAlive>("fakeAlive")(); }

  static TenonLoadOptions options(Log *log = nullptr) {
    TenonLoadOptions options = simulated(log);
    options.cuda_driver = TENON_TEST_FAKE_DRIVER;
    return options;
  }

  void *library;
};
} // namespace

/// A bit of everything, so that every function of the driver is called: a state
/// and an aliased output, a graph with a kernel, a copy and a fill, a
/// read-back, a derived constant, shared memory to ask for, an error record.
static CudaBuilder richEngine() {
  CudaBuilder b;
  uint32_t n = b.symbolExpr(b.symbol("n", 1, 1000, 0, 0));
  uint32_t some = b.runTimeSymbol("some", 0, 1000);
  uint32_t bytes = b.mul(n, b.constant(4));
  uint32_t x = b.input("x", {n}), state = b.state("sum", {n});
  uint32_t y = b.output("y", {n}), now = b.output("now", {n});
  uint32_t list = b.output("list", {b.symbolExpr(some)});
  b.engine.bindings[3]->alias = 1;
  uint32_t t = b.temp(bytes), number = b.temp(b.constant(8));
  uint32_t w = b.constantValue({1, 2, 3, 4}), d = b.derivedValue(16);
  uint32_t kept = b.temp(b.mul(b.symbolExpr(some), b.constant(4)));
  (void)now;
  b.fill(number, 5);                                // 0, alone
  b.readBack(number, ElementType::UInt8, some);     // 1
  uint32_t launch = b.cuda("gather", {x, t}, 1, n); // 2
  b.kernelOf(launch).shared = 60000;
  b.copy(x, state);                          // 3
  b.fill(y, 0);                              // 4
  b.fill(kept, 1);                           // 5
  b.copy(kept, list);                        // 6
  b.cuda("twice", {w, d}, 1, b.constant(4)); // 7
  b.block(0, 7);
  b.variant().init_block = int32_t(b.block(7, 1));
  return b;
}

/// Load, runs with two sets of shapes, enqueues on two streams, states, and
/// away again. Collects the messages of what failed.
static std::vector<std::string> wholeLife(TenonLoadOptions load, bool profile) {
  std::vector<std::string> messages;
  CudaBuilder b = richEngine();
  std::string message;
  TenonEngine *engine = b.load(&message, load);
  if (!engine)
    return {message};
  TenonContextOptions options = {};
  options.struct_size = sizeof(options);
  options.profile = profile;
  TenonError error;
  auto note = [&](TenonStatus status) {
    if (status != TENON_OK)
      messages.push_back(error.message);
    return status == TENON_OK;
  };
  TenonContext *context = nullptr, *other = nullptr;
  if (note(tenon_context_create(engine, &options, &context, &error)) &&
      note(tenon_context_create(engine, &options, &other, &error))) {
    std::vector<float> data(1000, 1.0f);
    TenonTensor outputs[3] = {};
    auto run = [&](int64_t size) {
      TenonTensor in = tensor(data, {size});
      return note(
          tenon_context_run(context, &in, 1, outputs, 3, nullptr, &error));
    };
    for (int64_t size : {10, 20, 10, 20, 900})
      run(size);
    // What the context gave out is device memory now, and pinned memory.
    TenonTensor view = {};
    (void)tenon_context_state(context, 0, &view,
                              &error); // none after a failure
    for (int k = 0; k < 3; ++k) {
      TenonTensor given[3] = {};
      if (view.data)
        note(tenon_context_enqueue(context, &view, 1, given, 3, nullptr,
                                   reinterpret_cast<void *>(uintptr_t(16 + k)),
                                   &error));
    }
    note(tenon_context_synchronize(context, &error));
    note(tenon_context_copy_state(other, context, &error));
    note(tenon_context_reset(context, &error));
    EXPECT_TRUE(run(10) || run(10))
        << "usable after one failure: " << error.message;
  }
  tenon_context_destroy(context);
  tenon_context_destroy(other);
  tenon_engine_destroy(engine);
  return messages;
}

TEST_F(CudaDriver, WholeLifeCallsEveryFunction) {
  // But those that only a host program's context or an old driver needs.
  const std::set<std::string> never = {"cuCtxGetDevice", "cuGetErrorName",
                                       "cuGetErrorString"};
  std::set<std::string> called;
  for (bool profile : {false, true}) {
    reset();
    EXPECT_EQ(std::vector<std::string>(), wholeLife(options(), profile));
    EXPECT_EQ(0, alive()) << "everything is given back";
#define TENON_DRIVER_FUNCTION(name, symbol, parameters)                        \
  if (calls(symbol))                                                           \
    called.insert(symbol);
#include "runtime/cuda/DriverFunctions.inc"
  }
#define TENON_DRIVER_FUNCTION(name, symbol, parameters)                        \
  EXPECT_EQ(never.count(symbol) == 0, called.count(symbol) == 1) << symbol;
#include "runtime/cuda/DriverFunctions.inc"
}

TEST_F(CudaDriver, AnyFailureIsReportedAndLeavesNothing) {
  // Those that only give back, and those whose failure the runtime has a way
  // around: another graph, and memory whose owner is not known.
  const std::set<std::string> silent = {"cuCtxPopCurrent_v2",
                                        "cuDevicePrimaryCtxRelease_v2",
                                        "cuModuleUnload",
                                        "cuMemFree_v2",
                                        "cuMemFreeHost",
                                        "cuStreamDestroy_v2",
                                        "cuEventDestroy_v2",
                                        "cuGraphDestroy",
                                        "cuGraphExecDestroy",
                                        "cuGraphExecKernelNodeSetParams",
                                        "cuGraphExecMemcpyNodeSetParams",
                                        "cuGraphExecMemsetNodeSetParams",
                                        "cuMemGetAddressRange_v2",
                                        "cuPointerGetAttribute",
                                        "cuCtxPushCurrent_v2"};
  std::vector<const char *> functions;
#define TENON_DRIVER_FUNCTION(name, symbol, parameters)                        \
  functions.push_back(symbol);
#include "runtime/cuda/DriverFunctions.inc"
  for (const char *function : functions)
    for (bool profile : {false, true})
      for (int call = 1; call <= 12; ++call) {
        reset();
        fail(function, call, 999); // CUDA_ERROR_UNKNOWN
        std::vector<std::string> messages = wholeLife(options(), profile);
        if (calls(function) < call)
          break;
        std::string where =
            std::string(function) + ", call " + std::to_string(call);
        bool givesBack = std::strstr(function, "Free") ||
                         std::strstr(function, "Destroy") ||
                         std::strstr(function, "Release") ||
                         std::strstr(function, "Unload") ||
                         std::strstr(function, "PushCurrent");
        if (!silent.count(function)) {
          EXPECT_EQ(1u, messages.size()) << where << ": " << messages.back();
          if (!messages.empty())
            EXPECT_NE(std::string::npos, messages[0].find("CUresult 999"))
                << where << ": " << messages[0];
        }
        if (!givesBack)
          EXPECT_EQ(0, alive()) << where;
      }
}

TEST_F(CudaDriver, OutOfMemoryLeavesTheContextUsable) {
  CudaBuilder b = cudaAddOne();
  Session s(b, options(), {});
  std::vector<float> x(4);
  TenonTensor in = tensor(x, {1, 4}), out = {};
  TenonError error;
  fail("cuMemAlloc_v2", calls("cuMemAlloc_v2") + 1, 2);
  EXPECT_EQ(TENON_OUT_OF_MEMORY,
            tenon_context_run(s.context, &in, 1, &out, 1, nullptr, &error));
  EXPECT_STREQ("allocating 256 bytes of device memory for x: "
               "CUDA_ERROR_OUT_OF_MEMORY (as asked for): free device memory, "
               "or run smaller shapes",
               error.message);
  EXPECT_EQ(TENON_OK,
            tenon_context_run(s.context, &in, 1, &out, 1, nullptr, &error));
}

TEST_F(CudaDriver, AFaultOfTheDeviceEndsEngineAndContexts) {
  CudaBuilder b = cudaAddOne();
  Session s(b, options(), {});
  TenonContext *other = nullptr;
  TenonError error;
  ASSERT_EQ(TENON_OK, tenon_context_create(s.engine, nullptr, &other, &error));
  std::vector<float> x(4);
  TenonTensor in = tensor(x, {1, 4}), out = {};
  fail("cuStreamSynchronize", calls("cuStreamSynchronize") + 1, 700);
  EXPECT_EQ(TENON_DEVICE_ERROR,
            tenon_context_run(s.context, &in, 1, &out, 1, nullptr, &error));
  EXPECT_STREQ("waiting for the device: CUDA_ERROR_ILLEGAL_ADDRESS (as asked "
               "for): a kernel did it, perhaps an earlier one: run it on the "
               "simulated GPU to find the access",
               error.message);
  const char *const since =
      "the engine and its contexts are unusable since an earlier failure "
      "(waiting for the device: CUDA_ERROR_ILLEGAL_ADDRESS (as asked for): a "
      "kernel did it, perhaps an earlier one: run it on the simulated GPU to "
      "find the access): destroy them and load the engine again, in a new "
      "process if that fails";
  // The driver would answer again, but what it says is worth nothing.
  for (TenonContext *context : {s.context, other}) {
    EXPECT_EQ(TENON_DEVICE_ERROR,
              tenon_context_run(context, &in, 1, &out, 1, nullptr, &error));
    EXPECT_STREQ(since, error.message);
    EXPECT_EQ(TENON_DEVICE_ERROR, tenon_context_synchronize(context, &error));
    EXPECT_EQ(TENON_DEVICE_ERROR, tenon_context_reset(context, &error));
    EXPECT_EQ(TENON_DEVICE_ERROR,
              tenon_context_enqueue(context, &in, 1, &out, 1, nullptr, nullptr,
                                    &error));
  }
  EXPECT_EQ(TENON_DEVICE_ERROR,
            tenon_context_copy_state(other, s.context, &error));
  TenonContext *third = nullptr;
  EXPECT_EQ(TENON_DEVICE_ERROR,
            tenon_context_create(s.engine, nullptr, &third, &error));
  tenon_context_destroy(other);
}

TEST_F(CudaDriver, PtxThatIsTooNewForTheDriver) {
  CudaBuilder b = cudaAddOne();
  fail("cuModuleLoadDataEx", 1, 222);
  std::string message;
  EXPECT_FALSE(b.load(&message, options()));
  EXPECT_EQ("loading the sm_80 PTX of kernel 'add_one': "
            "CUDA_ERROR_UNSUPPORTED_PTX_VERSION (as asked for): the driver is "
            "older than the engine's PTX: update the driver",
            message);
}

TEST_F(CudaDriver, ImagesOfOneBlobAreOneModule) {
  CudaBuilder b;
  uint32_t n = b.constant(4);
  uint32_t x = b.input("x", {n}), y = b.output("y", {n});
  uint32_t t = b.temp(b.constant(16));
  b.cuda("add_one", {x, t}, 1, n);
  b.cuda("twice", {t, y}, 1, n);
  Session s(b, options(), {});
  EXPECT_EQ(1, calls("cuModuleLoadDataEx"));
  EXPECT_EQ(2, calls("cuModuleGetFunction"));
}

TEST_F(CudaDriver, TheBestImageThatFitsIsTaken) {
  auto wanted = [&](int capability) {
    CudaBuilder b = cudaAddOne();
    auto &images = b.kernelOf(0).images;
    images.clear();
    for (auto [kind, number] : {std::pair<schema::CudaImageKind, int>{
                                    schema::CudaImageKind::Cubin, 89},
                                {schema::CudaImageKind::Cubin, 86},
                                {schema::CudaImageKind::Ptx, 90},
                                {schema::CudaImageKind::Ptx, 80}}) {
      auto image = std::make_unique<schema::CudaImageT>();
      image->kind = kind;
      image->compute_capability = number;
      image->blob = 0;
      image->tool = std::to_string(number);
      if (kind == schema::CudaImageKind::Ptx)
        image->tool += " PTX";
      images.push_back(std::move(image));
    }
    reset();
    find<FakeSetCapability>("fakeSetCapability")(capability);
    fail("cuModuleLoadDataEx", 1, 999);
    Log log;
    std::string message;
    tenon_engine_destroy(b.load(&message, options(&log)));
    for (const std::string &line : log.lines)
      message += line;
    size_t from = message.find("made by ") + 8;
    return message.substr(from, message.find(')', from) - from);
  };
  EXPECT_EQ("80 PTX", wanted(80));
  EXPECT_EQ("86", wanted(86));
  EXPECT_EQ("86", wanted(87)) << "of the same generation";
  EXPECT_EQ("89", wanted(89));
  EXPECT_EQ("90 PTX", wanted(90));
  EXPECT_EQ("90 PTX", wanted(120));
}

TEST_F(CudaDriver, ARefusedUpdateMakesAnotherGraph) {
  CudaBuilder b = richEngine();
  Log log;
  Session s(b, options(&log), {});
  std::vector<float> x(20);
  std::vector<TenonTensor> out(3);
  EXPECT_EQ("", s.run({tensor(x, {10})}, out));
  size_t before = log.count("instantiated");
  fail("cuGraphExecKernelNodeSetParams", 1, 910);
  EXPECT_EQ("", s.run({tensor(x, {20})}, out));
  EXPECT_EQ(before + 1, log.count("instantiated"));
}
