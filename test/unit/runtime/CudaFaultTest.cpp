//===- CudaFaultTest.cpp - Faults of the simulated GPU --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the simulated GPU injects (docs/simcuda.md, "Faults on purpose") and
// what it finds. Each runs in a process of its own: the simulator reads its
// environment once, and a lost device stays lost.
//
//===----------------------------------------------------------------------===//

#include "test/unit/runtime/CudaBuilder.h"

#include <cstdio>
#include <cstdlib>
#include <gtest/gtest.h>

using namespace tenon;
using namespace tenon::test;

namespace {
struct CudaFault : testing::Test {
  CudaFault() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};
} // namespace

/// Runs y = 2 * (x + 1) `runs` times, each with its status and message on
/// standard error.
static void runs(const char *faults, int runs, const char *kernel = "twice") {
  setenv("TENON_SIMCUDA_FAULTS", faults, 1);
  CudaBuilder b;
  uint32_t n = b.constant(4);
  uint32_t x = b.input("x", {n}), y = b.output("y", {n});
  uint32_t t = b.temp(b.constant(16));
  b.cuda("add_one", {x, t}, 1, n, {}, "Add_0");
  b.cuda(kernel, {t, y}, 1, n, {}, "Mul_1");
  std::string message;
  TenonEngine *engine = b.load(&message, simulated());
  if (!engine)
    std::fprintf(stderr, "load: %s\n", message.c_str());
  TenonContext *context = nullptr;
  TenonError error;
  if (engine && tenon_context_create(engine, nullptr, &context, &error))
    std::fprintf(stderr, "create: %s\n", error.message);
  for (int i = 0; context && i < runs; ++i) {
    std::vector<float> data = {1, 2, 3, 4};
    TenonTensor in = tensor(data, {4}), out = {};
    TenonStatus status =
        tenon_context_run(context, &in, 1, &out, 1, nullptr, &error);
    bool right =
        status == TENON_OK && floats(out) == std::vector<float>{4, 6, 8, 10};
    std::fprintf(stderr, "run %d: %s: %s\n", i, tenon_status_name(status),
                 status  ? error.message
                 : right ? "right"
                         : "wrong");
  }
  tenon_context_destroy(context);
  tenon_engine_destroy(engine);
  std::exit(0);
}

TEST_F(CudaFault, NoFault) {
  EXPECT_EXIT(runs("", 2), testing::ExitedWithCode(0),
              "run 0: ok: right\nrun 1: ok: right");
}

TEST_F(CudaFault, NoMemory) {
  EXPECT_EXIT(runs("alloc=1", 1), testing::ExitedWithCode(0),
              "load: allocating 256 bytes of device memory for constants: "
              "CUDA_ERROR_OUT_OF_MEMORY");
  // The arena, in the first run; the second one makes it.
  EXPECT_EXIT(runs("alloc=2", 2), testing::ExitedWithCode(0),
              "run 0: out-of-memory: allocating 256 bytes of device memory for "
              "activations: CUDA_ERROR_OUT_OF_MEMORY.*\n"
              "run 1: ok: right");
}

TEST_F(CudaFault, DeviceLost) {
  EXPECT_EXIT(runs("lost=1", 2), testing::ExitedWithCode(0),
              "run 0: device-error: .*CUDA_ERROR_DEVICE_UNAVAILABLE.*\n"
              "run 1: device-error: the engine and its contexts are unusable "
              "since an earlier failure");
}

TEST_F(CudaFault, LaunchFails) {
  EXPECT_EXIT(runs("launch=1", 2), testing::ExitedWithCode(0),
              "run 0: device-error: .*CUDA_ERROR_LAUNCH_FAILED.*\n"
              "run 1: device-error: the engine and its contexts are unusable "
              "since an earlier failure");
}

TEST_F(CudaFault, IllegalAddress) {
  EXPECT_EXIT(runs("", 2, "crash"), testing::ExitedWithCode(0),
              "run 0: device-error: .*CUDA_ERROR_ILLEGAL_ADDRESS.* a kernel "
              "did it, perhaps an earlier one.*\n"
              "run 1: device-error: the engine and its contexts are unusable "
              "since an earlier failure");
}
