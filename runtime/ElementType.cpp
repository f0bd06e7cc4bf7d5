//===- ElementType.cpp - Sizes and names of element types -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/ElementType.h"

using namespace tenon::runtime;

namespace {
struct ElementInfo {
  const char *name;
  int bits;
  int alignment;
};
} // namespace

static const ElementInfo kElements[] = {
    {"undefined", 0, 1},      {"float32", 32, 4},   {"uint8", 8, 1},
    {"int8", 8, 1},           {"uint16", 16, 2},    {"int16", 16, 2},
    {"int32", 32, 4},         {"int64", 64, 8},     {"string", 0, 1},
    {"bool", 8, 1},           {"float16", 16, 2},   {"float64", 64, 8},
    {"uint32", 32, 4},        {"uint64", 64, 8},    {"complex64", 64, 4},
    {"complex128", 128, 8},   {"bfloat16", 16, 2},  {"float8e4m3fn", 8, 1},
    {"float8e4m3fnuz", 8, 1}, {"float8e5m2", 8, 1}, {"float8e5m2fnuz", 8, 1},
    {"uint4", 4, 1},          {"int4", 4, 1},       {"float4e2m1", 4, 1},
    {"float8e8m0", 8, 1},     {"uint2", 2, 1},      {"int2", 2, 1}};
static const int kElementCount = sizeof(kElements) / sizeof(kElements[0]);

static const ElementInfo &elementInfo(int type) {
  return kElements[type >= 0 && type < kElementCount ? type : 0];
}

int tenon::runtime::elementBits(int type) { return elementInfo(type).bits; }
const char *tenon::runtime::elementName(int type) {
  return elementInfo(type).name;
}
int tenon::runtime::elementAlignment(int type) {
  return elementInfo(type).alignment;
}

TenonElementType tenon::runtime::elementTypeFromName(const std::string &name) {
  for (int type = 1; type < kElementCount; ++type)
    if (name == kElements[type].name)
      return TenonElementType(type);
  return TENON_UNDEFINED;
}

bool tenon::runtime::tensorBytes(int type, const int64_t *dims, int rank,
                                 int64_t &bytes) {
  int64_t bits = elementBits(type);
  bool empty = false;
  for (int i = 0; i < rank; ++i) {
    if (dims[i] < 0)
      return false;
    empty |= dims[i] == 0;
  }
  bytes = 0;
  if (bits == 0)
    return false;
  if (empty)
    return true;
  for (int i = 0; i < rank; ++i)
    if (__builtin_mul_overflow(bits, dims[i], &bits))
      return false;
  bytes = bits / 8 + (bits % 8 != 0);
  return true;
}
