//===- AllocationTest.cpp - Runs allocate nothing -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Counts every operator new and malloc of the process by standing in for
// malloc (or by AddressSanitizer's hooks): none may occur in a run whose shapes
// were seen before.
//
//===----------------------------------------------------------------------===//

#include "test/unit/runtime/CudaBuilder.h"

#include <atomic>
#include <cstdlib>
#include <gtest/gtest.h>

static std::atomic<int64_t> allocations{0};

#if defined(__SANITIZE_ADDRESS__)
#define TENON_COUNT_BY_HOOK
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TENON_COUNT_BY_HOOK
#endif
#endif

#ifdef TENON_COUNT_BY_HOOK
extern "C" int __sanitizer_install_malloc_and_free_hooks(
    void (*onMalloc)(const volatile void *, size_t),
    void (*onFree)(const volatile void *));

static const int kInstalled = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void *, size_t) { ++allocations; },
    [](const volatile void *) {});
#else
extern "C" void *__libc_malloc(size_t size);
extern "C" void *__libc_calloc(size_t count, size_t size);
extern "C" void *__libc_realloc(void *memory, size_t size);

// Visible to libstdc++, whose operator new must land here.
#define EXPORTED extern "C" __attribute__((visibility("default")))

EXPORTED void *malloc(size_t size) {
  ++allocations;
  return __libc_malloc(size);
}
EXPORTED void *calloc(size_t count, size_t size) {
  ++allocations;
  return __libc_calloc(count, size);
}
EXPORTED void *realloc(void *memory, size_t size) {
  ++allocations;
  return __libc_realloc(memory, size);
}
#endif

using namespace tenon;
using namespace tenon::test;
using schema::ElementType;

static int64_t allocationsOfRun(TenonContext *context, TenonTensor *in,
                                int32_t inputs, TenonTensor *out) {
  TenonError error;
  int64_t before = allocations.load();
  TenonStatus status =
      tenon_context_run(context, in, inputs, out, 1, nullptr, &error);
  int64_t after = allocations.load();
  EXPECT_EQ(TENON_OK, status) << error.message;
  return after - before;
}

TEST(Allocation, CounterCounts) {
#ifdef TENON_COUNT_BY_HOOK
  ASSERT_GT(kInstalled, 0);
#endif
  int64_t before = allocations.load();
  void *volatile memory = std::malloc(100);
  std::free(memory);
  EXPECT_GT(allocations.load(), before);
  // What std::vector and std::string use, from inside the library, too.
  before = allocations.load();
  memory = ::operator new(100);
  ::operator delete(memory);
  EXPECT_GT(allocations.load(), before);
}

TEST(Allocation, NoneForShapesSeenBefore) {
  EngineBuilder b;
  uint32_t n = b.symbolExpr(b.symbol("n", 1, 100000, 0, 0));
  uint32_t bytes = b.mul(n, b.constant(4));
  uint32_t x = b.input("x", {n}), y = b.output("y", {n});
  uint32_t state = b.state("state", {n});
  uint32_t t = b.temp(bytes), view = b.alias(t, b.constant(0), bytes);
  b.launch("add_one", {x, t}, 1, {}, n);
  b.launch("accumulate", {view, state, y}, 1, {}, n);
  for (int threads : {1, 3})
    for (bool profile : {false, true}) {
      Session s(b, threads, profile);
      std::vector<float> data(50000);
      TenonTensor out = {};
      for (int64_t size : {7, 50000, 300}) {
        TenonTensor in = tensor(data, {size});
        allocationsOfRun(s.context, &in, 1, &out);
      }
      // Back to known shapes, in another order, and over and over. (The state
      // changes its size with the shapes, which costs a mapping, not a malloc.)
      for (int round = 0; round < 20; ++round)
        for (int64_t size : {300, 7, 50000}) {
          TenonTensor in = tensor(data, {size});
          EXPECT_EQ(0, allocationsOfRun(s.context, &in, 1, &out));
        }
    }
}

TEST(Allocation, NoneForRunTimeSizesSeenBefore) {
  EngineBuilder b;
  uint32_t count = b.runTimeSymbol("count", 0, 8);
  uint32_t eight = b.constant(8), one = b.constant(1);
  uint32_t size = b.symbolExpr(count);
  uint32_t x = b.input("x", {eight}), y = b.output("y", {size});
  uint32_t number = b.temp(eight);
  uint32_t kept = b.temp(b.mul(size, b.constant(4)));
  b.launch("count_positive", {x, number}, 1, {eight}, one);
  b.readBack(number, ElementType::Int64, count);
  b.launch("keep_positive", {x, kept}, 1, {eight}, one);
  b.launch("add_one", {kept, y}, 1, {}, size);
  Session s(b, 2);
  std::vector<float> all(8, 1.0f), half = {1, -1, 1, -1, 1, -1, 1, -1};
  TenonTensor a = tensor(all, {8}), h = tensor(half, {8}), out = {};
  allocationsOfRun(s.context, &a, 1, &out);
  for (int round = 0; round < 10; ++round) {
    EXPECT_EQ(0, allocationsOfRun(s.context, &h, 1, &out));
    EXPECT_EQ(0, allocationsOfRun(s.context, &a, 1, &out));
  }
}

TEST(Allocation, NoneOnCudaForShapesSeenBefore) {
  // On a driver that allocates nothing itself: what counts is the runtime's.
  CudaBuilder b;
  uint32_t n = b.symbolExpr(b.symbol("n", 1, 100000, 0, 0));
  uint32_t count = b.runTimeSymbol("count", 0, 8);
  uint32_t bytes = b.mul(n, b.constant(4));
  uint32_t x = b.input("x", {n}), y = b.output("y", {n});
  uint32_t state = b.state("state", {b.constant(8)});
  uint32_t t = b.temp(bytes), view = b.alias(t, b.constant(0), bytes);
  uint32_t number = b.temp(b.constant(8));
  uint32_t kept = b.temp(b.mul(b.symbolExpr(count), b.constant(4)));
  b.cuda("add_one", {x, t}, 1, n);
  b.copy(view, y);
  b.fill(number, 5);
  b.readBack(number, ElementType::UInt8, count);
  b.fill(kept, 1);
  b.cuda("gather", {kept, state}, 1, n);
  TenonLoadOptions load = {};
  load.device = TENON_DEVICE_CUDA;
  load.cuda_driver = TENON_TEST_FAKE_DRIVER;
  for (bool profile : {false, true}) {
    TenonContextOptions options = {};
    options.profile = profile;
    Session s(b, load, options);
    std::vector<float> data(50000);
    TenonTensor out = {};
    for (int round = 0; round < 4; ++round)
      for (int64_t size : {7, 50000, 300}) {
        TenonTensor in = tensor(data, {size});
        allocationsOfRun(s.context, &in, 1, &out);
      }
    for (int round = 0; round < 20; ++round)
      for (int64_t size : {300, 7, 50000}) {
        TenonTensor in = tensor(data, {size});
        EXPECT_EQ(0, allocationsOfRun(s.context, &in, 1, &out));
      }
  }
}
