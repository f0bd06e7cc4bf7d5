//===- CudaContextTest.cpp - Inferences on the simulated GPU --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/runtime/CudaBuilder.h"

#include <gtest/gtest.h>

using namespace tenon;
using namespace tenon::test;

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
