//===- Api.h - The library as a program sees it -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tests call the library as programs do: by dlopen of libcuda.so.1 and dlsym.
//
//   OK(CU(cuMemAlloc_v2)(&address, 256));
//
//===----------------------------------------------------------------------===//

#ifndef TENON_TEST_UNIT_SIM_DRIVER_API_H
#define TENON_TEST_UNIT_SIM_DRIVER_API_H

#include "sim/driver/Cuda.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <string>

namespace tenon::sim::test {

void *library();
/// Address of an export; fails the test if there is none.
void *entry(const char *symbol);
std::string nameOf(CUresult error);

/// A primary context, current in the thread; reset at the end.
class Api : public testing::Test {
protected:
  void SetUp() override;
  void TearDown() override;
  CUcontext context = nullptr;
};

/// Kernels: `add(u32 *p, u32 n, u32 v)` adds v to n elements;
/// `shared(u32 *p)` has 1024 bytes of shared memory and uses dynamic ones;
/// `bound` has .maxntid 64; `store(u64 address)` writes a word there.
/// Variables: .global `table` of 16 words, 1 2 3 ...; .const `factor`.
extern const char *const kPtx;

} // namespace tenon::sim::test

#define CU(name)                                                               \
  reinterpret_cast<decltype(&::name)>(tenon::sim::test::entry(#name))
#define OK(call) ASSERT_EQ(tenon::sim::test::nameOf(call), "CUDA_SUCCESS")
#define GIVES(error, call) EXPECT_EQ(tenon::sim::test::nameOf(call), #error)

#endif // TENON_TEST_UNIT_SIM_DRIVER_API_H
