//===- ApiFixture.h - Tests through the driver API --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The tests are linked with the library, and run once for each schedule: ctest
// sets TENON_SIMCUDA_SCHEDULE. Messages of the library go to a file that the
// tests read.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_TEST_UNIT_SIM_STREAM_APIFIXTURE_H
#define TENON_TEST_UNIT_SIM_STREAM_APIFIXTURE_H

#include "sim/driver/Cuda.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#define ASSERT_CU(CALL) ASSERT_EQ(CALL, CUDA_SUCCESS)
#define EXPECT_CU(CALL) EXPECT_EQ(CALL, CUDA_SUCCESS)

class ApiTest : public ::testing::Test {
protected:
  void SetUp() override;
  void TearDown() override;

  static bool isLazy();
  static bool isEager();

  /// What the library has written since the test began, without the prefix.
  std::string log();

  CUdeviceptr allocate(size_t bytes = 4096);
  /// Pinned memory, zeroed.
  uint32_t *pinned(size_t bytes = 4096);
  CUstream stream(unsigned flags = CU_STREAM_NON_BLOCKING);
  CUevent event(unsigned flags = CU_EVENT_DEFAULT);

  /// `data[i] = value` resp. `+= value` and `*= value` for `count` words, by
  /// one block.
  CUresult set(CUstream stream, CUdeviceptr data, uint32_t value,
               uint32_t count = 64);
  CUresult add(CUstream stream, CUdeviceptr data, uint32_t value,
               uint32_t count = 64);
  CUresult multiply(CUstream stream, CUdeviceptr data, uint32_t value,
                    uint32_t count = 64);
  /// Stores at address 0.
  CUresult fault(CUstream stream);
  /// Waits until a word is not 0.
  CUresult spin(CUstream stream, CUdeviceptr word);

  /// The first word, after everything has been done.
  uint32_t read(CUdeviceptr data);

  CUfunction function(const char *name);
  /// Parameters of set, add and multiply; they point into this object.
  CUDA_KERNEL_NODE_PARAMS parameters(const char *name, CUdeviceptr data,
                                     uint32_t value, uint32_t count = 64);

  CUcontext context = nullptr;

private:
  struct Values {
    CUdeviceptr data = 0;
    uint32_t value = 0, count = 0;
    void *pointers[3] = {};
  };
  CUmodule module_ = nullptr;
  size_t logBegin_ = 0;
  std::vector<std::unique_ptr<Values>> values_;
};

#endif // TENON_TEST_UNIT_SIM_STREAM_APIFIXTURE_H
