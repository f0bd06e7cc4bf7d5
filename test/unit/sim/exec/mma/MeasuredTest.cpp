//===- MeasuredTest.cpp - Sums that were measured on devices --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Khattak and Mikaitis publish inputs and results of Tensor Cores beside their
// models: measured.txt holds a part of them and says where they come from.
// Every result must come out bit by bit. With
//
//   cmake -DTENON_TENSOR_CORE_DATA=<checkout>/model_validation
//
// all of them are compared: files of sums of 4 to 32 products, a line each, A
// and B as f32 in hexadecimal, C and D as f32 in binary.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/mma/Formats.h"
#include "sim/exec/mma/Multiply.h"

#include <gtest/gtest.h>

#include <bit>
#include <fstream>
#include <memory>
#include <sstream>

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

void PrintTo(const Set &set, std::ostream *out) {
  *out << set.device << " " << set.format << " to "
       << (set.d == Type::F16 ? "f16" : "f32");
}

/// `a` and `b` have k values for each of c and d.
struct Sums {
  std::vector<float> a, b, c, d;
};

float number(const std::string &word, int base) {
  return std::bit_cast<float>(uint32_t(std::stoul(word, nullptr, base)));
}

#ifdef TENON_TENSOR_CORE_DATA
std::vector<float> read(const std::string &path, int base) {
  std::ifstream file(path);
  std::vector<float> result;
  std::string word;
  while (file >> word)
    result.push_back(number(word, base));
  return result;
}
#endif

/// A set of measured.txt.
Sums readPart(const Set &set) {
  std::ifstream file(TENON_MEASURED_SUMS);
  std::ostringstream wanted;
  wanted << "set " << set.device << " " << set.sm << " " << set.format << " "
         << set.k << " " << (set.d == Type::F16 ? "fp16" : "fp32");
  Sums sums;
  bool here = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("set ")) {
      here = line == wanted.str();
      continue;
    }
    if (!here)
      continue;
    std::istringstream words(line);
    for (unsigned i = 0; i < 2 * set.k + 2; ++i) {
      std::string word;
      words >> word;
      std::vector<float> &to = i < set.k        ? sums.a
                               : i < 2 * set.k  ? sums.b
                               : i == 2 * set.k ? sums.c
                                                : sums.d;
      to.push_back(number(word, 16));
    }
  }
  return sums;
}

void expectEveryBit(const Set &set, const Sums &sums) {
  ASSERT_FALSE(sums.d.empty());
  ASSERT_EQ(sums.a.size(), sums.d.size() * set.k);
  ASSERT_EQ(sums.b.size(), sums.d.size() * set.k);
  ASSERT_EQ(sums.c.size(), sums.d.size());
  bool half = set.d == Type::F16;
  FloatProduct product;
  product.m = 1;
  product.n = 8;
  product.k = product.depth = set.k;
  product.minExponentA = product.minExponentB = minExponentOf(set.type);
  product.halfResult = half;
  AddModel model = addModel(set.sm, set.type, set.d);
  auto x = std::make_unique<FloatMatrices>();
  for (size_t i = 0; i < sums.d.size(); ++i) {
    for (unsigned k = 0; k < set.k; ++k) {
      x->a[0][k] = sums.a[i * set.k + k];
      x->b[k][0] = sums.b[i * set.k + k];
    }
    x->c[0][0] = half ? fromHalf(toHalf(sums.c[i])) : sums.c[i];
    multiplyAdd(*x, product, model);
    ASSERT_EQ(std::bit_cast<uint32_t>(x->d[0][0]),
              std::bit_cast<uint32_t>(sums.d[i]))
        << "sum " << i;
  }
}

class MmaMeasured : public testing::TestWithParam<Set> {};
#ifdef TENON_TENSOR_CORE_DATA
class MmaMeasuredAll : public testing::TestWithParam<Set> {};
#endif

} // namespace

TEST_P(MmaMeasured, EveryBit) {
  expectEveryBit(GetParam(), readPart(GetParam()));
}

#ifdef TENON_TENSOR_CORE_DATA
TEST_P(MmaMeasuredAll, EveryBit) {
  const Set &set = GetParam();
  std::string device = set.device, format = set.format;
  std::string folder =
      std::string(TENON_TENSOR_CORE_DATA) + "/" + device + "/" + format + "/";
  const char *width = set.d == Type::F16 ? "_fp16.txt" : "_fp32.txt";
  expectEveryBit(set, {read(folder + "a_" + device + "_" + format + ".txt", 16),
                       read(folder + "b_" + device + "_" + format + ".txt", 16),
                       read(folder + "c_" + device + "_fp32.txt", 2),
                       read(folder + "d_" + device + width, 2)});
}
#endif

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
static std::string nameOf(const testing::TestParamInfo<Set> &info) {
  const Set &set = info.param;
  return std::string(set.device) + "_" + set.format +
         (set.d == Type::F16 ? "_f16" : "_f32");
}
INSTANTIATE_TEST_SUITE_P(, MmaMeasured, testing::ValuesIn(kSets), nameOf);
#ifdef TENON_TENSOR_CORE_DATA
INSTANTIATE_TEST_SUITE_P(, MmaMeasuredAll, testing::ValuesIn(kSets), nameOf);
#endif
