//===- NvtxTest.cpp - Ranges that a profiler sees -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/runtime/CudaBuilder.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

using namespace tenon;
using namespace tenon::test;

static std::string ranges() {
  void *library = dlopen(TENON_TEST_FAKE_PROFILER, RTLD_NOW);
  EXPECT_TRUE(library);
  auto get = reinterpret_cast<const char *(*)()>(dlsym(library, "fakeRanges"));
  return get ? get() : "?";
}

TEST(Nvtx, RangesHaveTheNamesOfNodes) {
  CudaBuilder b;
  uint32_t n = b.constant(4);
  uint32_t x = b.input("x", {n}), y = b.output("y", {n});
  uint32_t t = b.temp(b.constant(16));
  b.cuda("add_one", {x, t}, 1, n, {}, "Add_0");
  b.cuda("twice", {t, y}, 1, n, {}, "Mul_1");
  std::vector<float> data(4);
  auto run = [&](Session &session) {
    std::vector<TenonTensor> out(1);
    return session.run({tensor(data, {4})}, out);
  };
  TenonLoadOptions load = simulated();
  load.nvtx = "/no/such/profiler.so";
  {
    Log log;
    load.log = simulated(&log).log;
    load.log_user = &log;
    Session s(b, load, {});
    EXPECT_EQ(1u, log.count("nvtx: cannot open /no/such/profiler.so"))
        << "a warning";
    EXPECT_EQ("", run(s));
  }
  load.log = nullptr;
  load.nvtx = TENON_TEST_FAKE_PROFILER;
  (void)ranges();
  {
    Session s(b, load, {});
    EXPECT_EQ("", run(s));
    EXPECT_EQ("test('Add_0', 'Mul_1'())", ranges()) << "a graph is one range";
  }
  TenonContextOptions options = {};
  options.profile = 1;
  Session s(b, load, options);
  EXPECT_EQ("", run(s));
  EXPECT_EQ("test('Add_0'()'Mul_1'())", ranges());
  CudaSession other(b);
  EXPECT_EQ("", run(other));
  EXPECT_EQ("", ranges()) << "for those that ask for them";
}
