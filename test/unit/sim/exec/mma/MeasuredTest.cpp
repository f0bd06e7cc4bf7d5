//===- MeasuredTest.cpp - Sums that were measured on devices --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Khattak and Mikaitis publish inputs and results of Tensor Cores beside their
// models (github.com/north-numerical-computing/MATLAB-tensor-core, folder
// model_validation): vectors of A and B, C and D, for each GPU and type. With
//
//   cmake -DTENON_TENSOR_CORE_DATA=<checkout>/model_validation
//
// every result is compared bit by bit; otherwise these tests are skipped. The
// files hold sums of 4 to 32 products, a line each, A and B as f32 in
// hexadecimal, C and D as f32 in binary.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/mma/Formats.h"
#include "sim/exec/mma/Multiply.h"

#include <gtest/gtest.h>

#include <bit>
#include <fstream>
#include <memory>

using namespace tenon::sim;
using namespace tenon::sim::exec;
using ptx::Type;

namespace {

struct Set {
  const char *device;
  unsigned sm;
  const char *format;
  Type type;
  unsigned k;
  Type d;
};

std::vector<float> read(const std::string &path, int base) {
  std::ifstream file(path);
  std::vector<float> result;
  std::string word;
  while (file >> word)
    result.push_back(
        std::bit_cast<float>(uint32_t(std::stoul(word, nullptr, base))));
  return result;
}

class MmaMeasured : public testing::TestWithParam<Set> {};

} // namespace

TEST_P(MmaMeasured, EveryBit) {
  const Set &set = GetParam();
  std::string root = TENON_TENSOR_CORE_DATA;
  if (root.empty())
    GTEST_SKIP() << "TENON_TENSOR_CORE_DATA is not set";
  std::string device = set.device, format = set.format;
  std::string folder = root + "/" + device + "/" + format + "/";
  bool half = set.d == Type::F16;
  auto a = read(folder + "a_" + device + "_" + format + ".txt", 16),
       b = read(folder + "b_" + device + "_" + format + ".txt", 16),
       c = read(folder + "c_" + device + "_fp32.txt", 2),
       d = read(folder + "d_" + device + (half ? "_fp16" : "_fp32") + ".txt",
                2);
  ASSERT_FALSE(d.empty()) << folder;
  ASSERT_EQ(a.size(), d.size() * set.k);
  ASSERT_EQ(b.size(), d.size() * set.k);
  ASSERT_EQ(c.size(), d.size());
  FloatProduct product;
  product.m = 1;
  product.n = 8;
  product.k = product.depth = set.k;
  product.minExponentA = product.minExponentB = minExponentOf(set.type);
  product.halfResult = half;
  AddModel model = addModel(set.sm, set.type, set.d);
  auto x = std::make_unique<FloatMatrices>();
  for (size_t i = 0; i < d.size(); ++i) {
    for (unsigned k = 0; k < set.k; ++k) {
      x->a[0][k] = a[i * set.k + k];
      x->b[k][0] = b[i * set.k + k];
    }
    x->c[0][0] = half ? fromHalf(toHalf(c[i])) : c[i];
    multiplyAdd(*x, product, model);
    ASSERT_EQ(std::bit_cast<uint32_t>(x->d[0][0]),
              std::bit_cast<uint32_t>(d[i]))
        << "sum " << i;
  }
}

// fp8 of H100 and H200 is left out: those sums are now wgmma's.
static const Set kSets[] = {
    {"V100", 70, "fp16", Type::F16, 4, Type::F32},
    {"V100", 70, "fp16", Type::F16, 4, Type::F16},
    {"A100", 80, "fp16", Type::F16, 8, Type::F32},
    {"A100", 80, "fp16", Type::F16, 8, Type::F16},
    {"A100", 80, "bf16", Type::BF16, 8, Type::F32},
    {"A100", 80, "tf32", Type::TF32, 4, Type::F32},
    {"A2", 86, "fp16", Type::F16, 8, Type::F32},
    {"A2", 86, "fp16", Type::F16, 8, Type::F16},
    {"A2", 86, "bf16", Type::BF16, 8, Type::F32},
    {"A2", 86, "tf32", Type::TF32, 4, Type::F32},
    {"L40S", 89, "fp16", Type::F16, 8, Type::F32},
    {"L40S", 89, "fp16", Type::F16, 8, Type::F16},
    {"L40S", 89, "bf16", Type::BF16, 8, Type::F32},
    {"L40S", 89, "tf32", Type::TF32, 4, Type::F32},
    {"L40S", 89, "E4M3", Type::E4M3, 32, Type::F32},
    {"L40S", 89, "E5M2", Type::E5M2, 32, Type::F32},
    {"Ada", 89, "E4M3", Type::E4M3, 32, Type::F16},
    {"Ada", 89, "E5M2", Type::E5M2, 32, Type::F16},
    {"H100", 90, "fp16", Type::F16, 16, Type::F32},
    {"H100", 90, "fp16", Type::F16, 16, Type::F16},
    {"H100", 90, "bf16", Type::BF16, 16, Type::F32},
    {"H100", 90, "tf32", Type::TF32, 4, Type::F32},
    {"H100", 90, "E4M3", Type::E4M3, 32, Type::F16},
    {"H100", 90, "E5M2", Type::E5M2, 32, Type::F16},
};
INSTANTIATE_TEST_SUITE_P(, MmaMeasured, testing::ValuesIn(kSets),
                         [](const auto &info) {
                           const Set &set = info.param;
                           return std::string(set.device) + "_" + set.format +
                                  (set.d == Type::F16 ? "_f16" : "_f32");
                         });
