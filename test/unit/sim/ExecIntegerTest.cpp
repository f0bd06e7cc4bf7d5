//===- ExecIntegerTest.cpp - Integer arithmetic, PTX ISA 9.7.1 and 9.7.2 --===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The references compute one lane, in 128 bits where the ISA speaks of whole
// numbers, bit by bit where its semantics do.
//
//===----------------------------------------------------------------------===//

#include "test/unit/sim/OpFixture.h"

using namespace tenon::sim::ptx;
using namespace tenon::test;

namespace {
using Int = __int128;

/// What an instruction says of its numbers.
struct Numbers {
  const Instruction &i;
  unsigned bits;
  bool isSigned;

  explicit Numbers(const Instruction &i)
      : i(i), bits(bitsOf(i.types[0])),
        isSigned(kindOf(i.types[0]) == TypeKind::Signed) {}
  Int value(uint64_t raw) const { return value(raw, bits); }
  Int value(uint64_t raw, unsigned width) const {
    return isSigned ? Int(signedOf(raw, width)) : Int(raw & maskOf(width));
  }
  Int saturate(Int x) const {
    Int most = (Int(1) << (bits - 1)) - 1;
    return x > most ? most : x < -most - 1 ? -most - 1 : x;
  }
  std::string_view opcode() const { return opcodes()[i.opcode].name; }
  bool isHigh() const { return i.get(Field::MulMode) == Mod::Hi; }
};

uint64_t low(Int x, unsigned bits) { return uint64_t(x) & maskOf(bits); }

LaneOut addSub(const Instruction &i, const LaneIn &in) {
  Numbers n(i);
  Int sign = n.opcode() == "add" ? 1 : -1;
  if (i.types[0] == Type::U16x2 || i.types[0] == Type::S16x2) {
    uint64_t lower = low(Int(in.s[0] & 0xffff) + sign * (in.s[1] & 0xffff), 16);
    uint64_t upper = low(Int(in.s[0] >> 16) + sign * Int(in.s[1] >> 16), 16);
    return {.d = upper << 16 | lower};
  }
  Int result = n.value(in.s[0]) + sign * n.value(in.s[1]);
  return {.d = low(i.has(Mod::Sat) ? n.saturate(result) : result, n.bits)};
}

LaneOut product(const Instruction &i, const LaneIn &in) {
  Numbers n(i);
  bool is24 = n.opcode().ends_with("24"), isMad = n.opcode()[1] == 'a';
  unsigned width = is24 ? 24 : n.bits;
  bool isWide = i.get(Field::MulMode) == Mod::Wide;
  unsigned out = isWide ? 2 * n.bits : n.bits;
  // The product of 64 unsigned bits only fits 128 unsigned ones.
  auto whole = (unsigned __int128)n.value(in.s[0], width) *
               (unsigned __int128)n.value(in.s[1], width);
  Int result = Int(whole);
  if (n.isHigh() && n.bits == 64 && !n.isSigned)
    result = Int(whole >> 64);
  else if (n.isHigh())
    result >>= is24 ? 16 : n.bits;
  if (is24 && n.isHigh())
    result = n.value(low(result, 32), 32);
  if (isMad)
    result += n.value(in.s[2], out);
  return {.d = low(i.has(Mod::Sat) ? n.saturate(result) : result, out)};
}

LaneOut quotient(const Instruction &i, const LaneIn &in) {
  Numbers n(i);
  Int a = n.value(in.s[0]), b = n.value(in.s[1]);
  if (b == 0)
    return {.d = maskOf(n.bits)};
  return {.d = low(n.opcode() == "div" ? a / b : a % b, n.bits)};
}

LaneOut sad(const Instruction &i, const LaneIn &in) {
  Numbers n(i);
  Int a = n.value(in.s[0]), b = n.value(in.s[1]);
  return {.d = low(Int(in.s[2]) + (a < b ? b - a : a - b), n.bits)};
}

LaneOut absNeg(const Instruction &i, const LaneIn &in) {
  Numbers n(i);
  Int a = n.value(in.s[0]);
  return {.d = low(n.opcode() == "neg" || a < 0 ? -a : a, n.bits)};
}

LaneOut minMax(const Instruction &i, const LaneIn &in) {
  Numbers n(i);
  bool isPair = i.types[0] == Type::U16x2 || i.types[0] == Type::S16x2;
  bool isSigned = n.isSigned || i.types[0] == Type::S16x2;
  unsigned bits = isPair ? 16 : n.bits;
  auto one = [&](uint64_t x, uint64_t y) {
    Int a = isSigned ? Int(signedOf(x, bits)) : Int(x & maskOf(bits));
    Int b = isSigned ? Int(signedOf(y, bits)) : Int(y & maskOf(bits));
    Int result = n.opcode() == "min" ? std::min(a, b) : std::max(a, b);
    if (i.has(Mod::Relu) && result < 0)
      result = 0;
    return low(result, bits);
  };
  uint64_t d = one(in.s[0], in.s[1]);
  if (isPair)
    d |= one(in.s[0] >> 16, in.s[1] >> 16) << 16;
  return {.d = d};
}

LaneOut counts(const Instruction &i, const LaneIn &in) {
  Numbers n(i);
  uint64_t a = in.s[0] & maskOf(n.bits), d = 0;
  if (n.opcode() == "popc") {
    for (unsigned k = 0; k < n.bits; ++k)
      d += a >> k & 1;
  } else if (n.opcode() == "clz") {
    while (d < n.bits && !(a >> (n.bits - 1 - d) & 1))
      ++d;
  } else if (n.opcode() == "brev") {
    for (unsigned k = 0; k < n.bits; ++k)
      d |= (a >> (n.bits - 1 - k) & 1) << k;
  } else { // bfind
    unsigned msb = n.bits - 1;
    if (n.isSigned && (a >> msb & 1))
      a = ~a & maskOf(n.bits);
    d = 0xffffffff;
    for (int k = int(msb); k >= 0; --k)
      if (a >> k & 1) {
        d = unsigned(k);
        break;
      }
    if (i.has(Mod::Shiftamt) && d != 0xffffffff)
      d = msb - d;
  }
  return {.d = d};
}

LaneOut fields(const Instruction &i, const LaneIn &in) {
  Numbers n(i);
  int msb = int(n.bits) - 1;
  auto bit = [](uint64_t x, int at) { return x >> at & 1; };
  uint64_t d = 0;
  if (n.opcode() == "bfe") {
    int pos = int(in.s[1] & 0xff), len = int(in.s[2] & 0xff);
    uint64_t sbit = !n.isSigned || len == 0
                        ? 0
                        : bit(in.s[0], std::min(pos + len - 1, msb));
    for (int k = 0; k <= msb; ++k)
      d |= (k < len && pos + k <= msb ? bit(in.s[0], pos + k) : sbit) << k;
    return {.d = d};
  }
  int pos = int(in.s[2] & 0xff), len = int(in.s[3] & 0xff);
  d = in.s[1];
  for (int k = 0; k < len && pos + k <= msb; ++k)
    d = (d & ~(uint64_t(1) << (pos + k))) | bit(in.s[0], k) << (pos + k);
  return {.d = d};
}

LaneOut fns(const Instruction &, const LaneIn &in) {
  auto mask = uint32_t(in.s[0]), d = 0xffffffff;
  auto base = int64_t(in.s[1]), offset = signedOf(in.s[2], 32);
  if (base > 31) // undefined: nothing is there
    return {.d = d};
  if (offset == 0)
    return {.d = mask >> base & 1 ? uint64_t(base) : d};
  int64_t count = std::abs(offset) - 1;
  for (int64_t pos = base; pos >= 0 && pos < 32; pos += offset > 0 ? 1 : -1)
    if (mask >> pos & 1) {
      if (count == 0)
        return {.d = uint64_t(pos)};
      --count;
    }
  return {.d = d};
}

LaneOut szextBmsk(const Instruction &i, const LaneIn &in) {
  Numbers n(i);
  auto a = uint32_t(in.s[0]), b = uint32_t(in.s[1]);
  bool clamp = i.has(Mod::Clamp);
  // Shifts by 32 and more leave nothing, as in the ISA's whole numbers.
  auto onesFrom = [](unsigned at) {
    return at >= 32 ? 0 : uint32_t(~uint64_t(0) << at);
  };
  if (n.opcode() == "szext") {
    unsigned b1 = b & 0x1f;
    bool tooLarge = b >= 32 && clamp;
    uint32_t mask = tooLarge ? 0 : onesFrom(b1);
    bool sign =
        b1 != 0 && !tooLarge && n.isSigned && (a >> ((b1 - 1) & 0x1f) & 1);
    return {.d = (a & ~mask) | (sign ? mask : 0)};
  }
  unsigned a1 = a & 0x1f, b1 = b & 0x1f, sum = a1 + b1;
  uint32_t mask0 = onesFrom(a1), mask1 = onesFrom(sum);
  bool beyond = sum >= 32;
  if (clamp && a >= 32) {
    beyond = true;
    mask0 = 0;
  }
  beyond |= clamp && b >= 32;
  if (beyond)
    mask1 = 0;
  else if (b1 == 0)
    mask1 = ~0u;
  return {.d = mask0 & ~mask1};
}

LaneOut dot(const Instruction &i, const LaneIn &in) {
  Numbers n(i);
  bool aSigned = i.types[0] == Type::S32, bSigned = i.types[1] == Type::S32;
  bool isFour = n.opcode() == "dp4a";
  unsigned aBits = isFour ? 8 : 16, first = !isFour && n.isHigh() ? 2 : 0;
  Int sum = Int(in.s[2]);
  for (unsigned k = 0; k < (isFour ? 4u : 2u); ++k) {
    uint64_t x = in.s[0] >> (k * aBits) & maskOf(aBits);
    uint64_t y = in.s[1] >> ((first + k) * 8) & 0xff;
    sum += Int(aSigned ? signedOf(x, aBits) : int64_t(x)) *
           (bSigned ? signedOf(y, 8) : int64_t(y));
  }
  return {.d = low(sum, 32)};
}

/// 9.7.2, on whole numbers: the carry is what does not fit. After a
/// subtraction it is set where nothing was borrowed (alu/Carry.cpp).
LaneOut extended(const Instruction &i, const LaneIn &in) {
  Numbers n(i);
  std::string_view opcode = n.opcode();
  bool reads = opcode == "addc" || opcode == "subc" || opcode == "madc";
  Int carry = reads && in.carry;
  LaneOut out;
  out.writesCarry = i.has(Mod::Cc);
  Int result;
  if (opcode.starts_with("sub")) {
    result = Int(in.s[0]) - Int(in.s[1]) - (reads && !in.carry);
    out.carry = result >= 0;
  } else {
    Int a = Int(in.s[0]);
    if (opcode.starts_with("mad")) {
      unsigned __int128 whole =
          n.isSigned ? (unsigned __int128)(n.value(in.s[0]) * n.value(in.s[1]))
                     : (unsigned __int128)in.s[0] * in.s[1];
      a = Int(uint64_t(n.isHigh() ? whole >> n.bits : whole) & maskOf(n.bits));
      result = a + Int(in.s[2]) + carry;
    } else {
      result = a + Int(in.s[1]) + carry;
    }
    out.carry = result >> n.bits & 1;
  }
  out.d = low(result, n.bits);
  return out;
}

bool hasNoFloat(const std::string &text) {
  return text.find(".f") == std::string::npos &&
         text.find(".bf") == std::string::npos;
}
bool isPlain(const std::string &text) {
  return hasNoFloat(text) && text.find(".cc") == std::string::npos;
}
bool isCarry(const std::string &text) {
  return text.find(".cc") != std::string::npos;
}
} // namespace

class ExecInteger : public testing::TestWithParam<Level> {
protected:
  void check(const std::vector<std::string> &opcodes,
             const Reference &reference,
             const std::function<bool(const std::string &)> &accept = {}) {
    checkForms(GetParam(), opcodes, reference, accept, 64);
  }
};
INSTANTIATE_TEST_SUITE_P(Level, ExecInteger, testing::ValuesIn(levels()),
                         levelName);

TEST_P(ExecInteger, AddSub) { check({"add", "sub"}, addSub, isPlain); }
TEST_P(ExecInteger, Products) {
  check({"mul", "mad", "mul24", "mad24"}, product, isPlain);
}
TEST_P(ExecInteger, Quotients) { check({"div", "rem"}, quotient, hasNoFloat); }
TEST_P(ExecInteger, Sad) { check({"sad"}, sad); }
TEST_P(ExecInteger, AbsNeg) { check({"abs", "neg"}, absNeg, hasNoFloat); }
TEST_P(ExecInteger, MinMax) { check({"min", "max"}, minMax, hasNoFloat); }
TEST_P(ExecInteger, Counts) { check({"popc", "clz", "brev", "bfind"}, counts); }
TEST_P(ExecInteger, Fields) { check({"bfe", "bfi"}, fields); }
TEST_P(ExecInteger, Fns) { check({"fns"}, fns); }
TEST_P(ExecInteger, SzextBmsk) { check({"szext", "bmsk"}, szextBmsk); }
/// 9.7.18.2.3.
LaneOut differences(const Instruction &i, const LaneIn &in) {
  int64_t sum = int64_t(in.s[2] & 0xffffffff);
  uint64_t bytes = 0;
  for (unsigned k = 0; k < 4; ++k) {
    auto part = [&](unsigned source) {
      auto byte = uint8_t(in.s[source] >> 8 * k);
      return i.types[1 + source] == Type::S32 ? int(int8_t(byte)) : int(byte);
    };
    int value = std::abs(part(0) - part(1));
    if (i.has(Mod::Sat))
      value = std::min(value, i.types[0] == Type::S32 ? 127 : 255);
    sum += value;
    bytes |= uint64_t(value & 255) << 8 * k;
  }
  LaneOut out;
  out.d = i.has(Mod::Add) ? uint64_t(sum) & 0xffffffff : bytes;
  return out;
}
TEST_P(ExecInteger, BytesDifferences) { check({"vabsdiff4"}, differences); }
TEST_P(ExecInteger, Dot) { check({"dp4a", "dp2a"}, dot); }
TEST_P(ExecInteger, CarryOut) {
  check({"add", "sub", "mad"}, extended, isCarry);
}
TEST_P(ExecInteger, CarryIn) { check({"addc", "subc", "madc"}, extended); }

// The ISA's own examples, 9.7.1.17, 9.7.1.21 and 9.7.1.22.
TEST_P(ExecInteger, Examples) {
  auto result = [&](const std::string &text) {
    OneOp op(GetParam(), text);
    EXPECT_EQ(op.error(), "");
    op.run(~0u);
    EXPECT_EQ(op.get("r0", 0), op.get("r0", 31)) << text;
    return op.get("r0", 7);
  };
  EXPECT_EQ(result("fns.b32 r0, 0xaaaaaaaa, 3, 1;"), 3u);
  EXPECT_EQ(result("fns.b32 r0, 0xaaaaaaaa, 3, -1;"), 3u);
  EXPECT_EQ(result("fns.b32 r0, 0xaaaaaaaa, 2, 1;"), 3u);
  EXPECT_EQ(result("fns.b32 r0, 0xaaaaaaaa, 2, -1;"), 1u);
  EXPECT_EQ(result("szext.wrap.u32 r0, 0xffffffff, 0;"), 0u);
  EXPECT_EQ(result("bmsk.wrap.b32 r0, 1, 2;"), 6u);
}

// None of these may trap, whether the lane runs or not.
TEST_P(ExecInteger, QuotientsThatTrapOnTheHost) {
  struct Case {
    const char *type;
    char prefix;
    unsigned bits;
  };
  for (Case each :
       {Case{"s16", 'h', 16}, Case{"s32", 'r', 32}, Case{"s64", 'd', 64},
        Case{"u16", 'h', 16}, Case{"u32", 'r', 32}, Case{"u64", 'd', 64}})
    for (const char *opcode : {"div", "rem"})
      for (uint32_t mask : {~0u, 0x0000ffffu, 0u}) {
        std::string p(1, each.prefix);
        bool isSigned = each.type[0] == 's', isDiv = opcode[0] == 'd';
        uint64_t least = uint64_t(1) << (each.bits - 1);
        uint64_t ones = maskOf(each.bits);
        OneOp op(GetParam(), std::string(opcode) + "." + each.type + " " + p +
                                 "0, " + p + "1, " + p + "2;");
        for (unsigned lane = 0; lane < 32; ++lane) {
          op.set(p + "0", lane, 7);
          op.set(p + "1", lane, least);
          op.set(p + "2", lane, lane % 2 ? 0 : ones);
        }
        op.run(mask);
        for (unsigned lane = 0; lane < 32; ++lane) {
          uint64_t expected = !(mask >> lane & 1) ? 7
                              : lane % 2          ? ones
                              : isSigned          ? (isDiv ? least : 0)
                                                  : (isDiv ? 0 : least);
          EXPECT_EQ(op.get(p + "0", lane), expected)
              << opcode << each.type << lane;
        }
      }
}

// Every quotient of small numbers, and around the powers of two, where a
// rounding error would show.
TEST_P(ExecInteger, QuotientsNearBorders) {
  std::vector<uint32_t> numbers;
  for (uint32_t k = 0; k < 40; ++k)
    numbers.push_back(k);
  for (unsigned shift = 5; shift < 32; ++shift)
    for (int k = -2; k <= 2; ++k)
      numbers.push_back((1u << shift) + uint32_t(k));
  for (uint32_t k = 1; k < 4; ++k)
    numbers.push_back(0 - k);
  OneOp div(GetParam(), "div.u32 r0, r1, r2;");
  OneOp divSigned(GetParam(), "div.s32 r0, r1, r2;");
  OneOp div16(GetParam(), "div.u16 h0, h1, h2;");
  for (uint32_t a : numbers)
    for (size_t first = 1; first < numbers.size(); first += 32) {
      auto divisor = [&](unsigned lane) {
        uint32_t b = numbers[(first + lane) % numbers.size()];
        return b ? b : 1;
      };
      for (unsigned lane = 0; lane < 32; ++lane) {
        uint32_t b = divisor(lane);
        div.set("r1", lane, a);
        div.set("r2", lane, b);
        divSigned.set("r1", lane, a);
        divSigned.set("r2", lane, b);
        div16.set("h1", lane, a & 0xffff);
        div16.set("h2", lane, (b & 0xffff) ? b & 0xffff : 1);
      }
      div.run(~0u);
      divSigned.run(~0u);
      div16.run(~0u);
      for (unsigned lane = 0; lane < 32; ++lane) {
        uint32_t b = divisor(lane);
        uint32_t b16 = (b & 0xffff) ? b & 0xffff : 1;
        ASSERT_EQ(div.get("r0", lane), a / b) << a << " / " << b;
        ASSERT_EQ(divSigned.get("r0", lane),
                  uint32_t(int64_t(int32_t(a)) / int32_t(b)))
            << int32_t(a) << " / " << int32_t(b);
        ASSERT_EQ(div16.get("h0", lane), (a & 0xffff) / b16);
      }
    }
}

// A sum of 128 bits in four steps carries from lane's step to step.
TEST_P(ExecInteger, CarryChain) {
  OneOp first(GetParam(), "add.cc.u32 r0, r1, r2;");
  OneOp next(GetParam(), "addc.cc.u32 r0, r1, r2;");
  std::mt19937_64 random(1);
  for (unsigned round = 0; round < 20; ++round) {
    uint32_t a[32][4], b[32][4], sum[32][4];
    for (unsigned lane = 0; lane < 32; ++lane)
      for (unsigned k = 0; k < 4; ++k) {
        a[lane][k] = random() % 3 ? uint32_t(random()) : ~0u;
        b[lane][k] = random() % 3 ? uint32_t(random()) : random() % 2;
      }
    for (unsigned k = 0; k < 4; ++k) {
      OneOp &op = k ? next : first;
      for (unsigned lane = 0; lane < 32; ++lane) {
        op.set("r1", lane, a[lane][k]);
        op.set("r2", lane, b[lane][k]);
        if (k)
          next.setCarry(lane, (k == 1 ? first : next).carry(lane));
      }
      op.run(~0u);
      for (unsigned lane = 0; lane < 32; ++lane)
        sum[lane][k] = uint32_t(op.get("r0", lane));
    }
    auto whole = [](const uint32_t (&x)[4]) {
      return (unsigned __int128)(x[3]) << 96 | (unsigned __int128)(x[2]) << 64 |
             uint64_t(x[1]) << 32 | x[0];
    };
    for (unsigned lane = 0; lane < 32; ++lane)
      ASSERT_TRUE(whole(a[lane]) + whole(b[lane]) == whole(sum[lane])) << lane;
  }
}
