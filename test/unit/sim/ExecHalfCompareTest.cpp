//===- ExecHalfCompareTest.cpp - set and setp of halves, PTX ISA 9.7.7 ----===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/sim/FloatCases.h"

using namespace tenon::sim::ptx;
using namespace tenon::test;

namespace {
class ExecHalfCompare : public testing::TestWithParam<Level> {};
INSTANTIATE_TEST_SUITE_P(Levels, ExecHalfCompare, testing::ValuesIn(levels()),
                         levelName);

/// 9.3.1.
bool holds(Mod compare, FloatFormat format, uint64_t x, uint64_t y) {
  Exact a = decodeFloat(format, x), b = decodeFloat(format, y);
  bool isNaN = a.isNaN || b.isNaN;
  int order = isNaN ? 0 : compareExact(a, b);
  switch (compare) {
  case Mod::Eq:
    return !isNaN && order == 0;
  case Mod::Ne:
    return !isNaN && order != 0;
  case Mod::Lt:
  case Mod::Lo:
    return !isNaN && order < 0;
  case Mod::Le:
  case Mod::Ls:
    return !isNaN && order <= 0;
  case Mod::Gt:
  case Mod::Hi:
    return !isNaN && order > 0;
  case Mod::Ge:
  case Mod::Hs:
    return !isNaN && order >= 0;
  case Mod::Equ:
    return isNaN || order == 0;
  case Mod::Neu:
    return isNaN || order != 0;
  case Mod::Ltu:
    return isNaN || order < 0;
  case Mod::Leu:
    return isNaN || order <= 0;
  case Mod::Gtu:
    return isNaN || order > 0;
  case Mod::Geu:
    return isNaN || order >= 0;
  case Mod::Num:
    return !isNaN;
  default:
    return isNaN;
  }
}

LaneOut compare(const Instruction &i, const LaneIn &in) {
  bool isSet = nameOf(i) == "set";
  Type to = i.types[0], from = i.types[isSet ? 1 : 0];
  FloatFormat format = *formatOf(from);
  bool truth[2];
  for (unsigned half = 0; half < 2; ++half) {
    uint64_t x = in.s[0] >> (16 * half) & 0xffff;
    uint64_t y = in.s[1] >> (16 * half) & 0xffff;
    if (i.has(Mod::Ftz)) {
      x = flushFloat(format, x);
      y = flushFloat(format, y);
    }
    truth[half] = holds(i.get(Field::Compare), format, x, y);
  }
  if (!isPair(from))
    truth[1] = !truth[0]; // q of setp
  for (bool &t : truth)
    switch (i.get(Field::BoolOp)) {
    case Mod::And:
      t = t && in.s[2];
      break;
    case Mod::Or:
      t = t || in.s[2];
      break;
    case Mod::Xor:
      t = t != bool(in.s[2]);
      break;
    default:
      break;
    }
  if (!isSet)
    return {.d = truth[0], .second = truth[1]};
  uint64_t value = 0xffff;
  if (auto own = formatOf(to))
    value = uint64_t(own->bias()) << own->mantissaBits;
  else if (bitsOf(to) == 32 && !isPair(from))
    value = 0xffffffff;
  uint64_t d = truth[0] ? value : 0;
  if (isPair(from) && truth[1])
    d |= value << 16;
  return {.d = d};
}

TEST_P(ExecHalfCompare, SetAndSetp) {
  checkFloats(
      GetParam(), {"set", "setp"}, compare,
      [](const std::string &text) {
        std::string modifiers = text.substr(0, text.find(' '));
        return modifiers.ends_with("f16") || modifiers.ends_with("f16x2");
      },
      3);
}
} // namespace
