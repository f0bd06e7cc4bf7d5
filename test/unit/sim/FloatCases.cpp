//===- FloatCases.cpp - Sources for tests of floating point ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/sim/FloatCases.h"

using namespace tenon::sim::ptx;

namespace tenon::test {

std::optional<FloatFormat> formatOf(Type type) {
  switch (type) {
  case Type::F16:
  case Type::F16x2:
    return kF16;
  case Type::BF16:
  case Type::BF16x2:
    return kBF16;
  case Type::F32:
    return kF32;
  case Type::F64:
    return kF64;
  case Type::TF32:
    return kTF32;
  case Type::E4M3x2:
    return kE4M3;
  case Type::E5M2x2:
    return kE5M2;
  default:
    return std::nullopt;
  }
}
bool isPair(Type type) {
  return type == Type::F16x2 || type == Type::BF16x2 || type == Type::E4M3x2 ||
         type == Type::E5M2x2;
}
Round roundOf(const Instruction &instruction) {
  switch (instruction.get(Field::Rounding)) {
  case Mod::Rz:
  case Mod::Rzi:
    return Round::Zero;
  case Mod::Rm:
  case Mod::Rmi:
    return Round::Down;
  case Mod::Rp:
  case Mod::Rpi:
    return Round::Up;
  case Mod::Rna:
    return Round::NearestAway;
  default:
    return Round::Nearest;
  }
}
std::string_view nameOf(const Instruction &instruction) {
  return opcodes()[instruction.opcode].name;
}

uint64_t randomFloat(FloatFormat format, std::mt19937_64 &random) {
  int m = format.mantissaBits, fields = 1 << format.exponentBits;
  uint64_t mantissa = random() & ((uint64_t(1) << m) - 1);
  if (random() % 2) // few bits: ties, exact results
    mantissa = mantissa & ~((uint64_t(1) << random() % unsigned(m + 1)) - 1);
  int exponent = 0;
  switch (random() % 8) {
  case 0: // anything
    exponent = int(random() % unsigned(fields));
    break;
  case 1: { // zero, least, greatest, infinity
    static constexpr int kEnds[] = {0, 1, 2, -1, -2, -3};
    exponent = (kEnds[random() % 6] + fields) % fields;
    uint64_t ends[] = {0, 0, 1, (uint64_t(1) << m) - 1, mantissa};
    mantissa = ends[random() % 5];
    break;
  }
  case 2: // subnormal, and what makes such products
    exponent = random() % 2 ? 0 : int(random() % unsigned(fields / 2));
    break;
  case 3: // one and the like
    exponent = format.bias();
    mantissa = random() % 2 ? 0 : mantissa;
    break;
  case 4: // whole numbers, and halves
    exponent = format.bias() + int(random() % unsigned(m + 2)) - 1;
    break;
  default:
    exponent = format.bias() + int(random() % 13) - 6;
    break;
  }
  exponent = std::clamp(exponent, 0, fields - 1);
  return (random() & 1) << (format.bits() - 1) | uint64_t(exponent) << m |
         mantissa;
}

uint64_t saturateFloat(FloatFormat format, uint64_t bits) {
  uint64_t one = uint64_t(format.bias()) << format.mantissaBits;
  bool isNegative = bits >> (format.bits() - 1) & 1;
  if (isNaNBits(format, bits) || isNegative)
    return 0;
  return std::min(bits, one);
}
uint64_t reluFloat(FloatFormat format, uint64_t bits) {
  if (isNaNBits(format, bits))
    return bits;
  return bits >> (format.bits() - 1) & 1 ? 0 : bits;
}

void checkFloatVariant(Level level, const Variant &variant,
                       const Reference &reference, unsigned rounds) {
  auto prepare = [&](OneOp &op, uint32_t, std::mt19937_64 &random) {
    const Instruction &i = op.instruction();
    size_t source = 0;
    for (const OperandSpec &spec : forms()[i.form].operands) {
      if (spec.destination)
        continue;
      Type type = spec.typeSlot == 0xff ? spec.type : i.types[spec.typeSlot];
      size_t s = source++;
      auto format = formatOf(type);
      if (!format)
        continue;
      for (unsigned lane = 0; lane < 32; ++lane) {
        uint64_t value = randomFloat(*format, random);
        if (isPair(type))
          value |= randomFloat(*format, random) << format->bits();
        // Near the source before it, or near its negative.
        if (s && random() % 6 == 0)
          value = op.get(variant.sources[s - 1], lane) + random() % 3 - 1;
        if (s && random() % 12 == 0)
          value ^= uint64_t(1) << (format->bits() - 1);
        if (type == Type::TF32 || random() % 32 == 0)
          continue;
        op.set(variant.sources[s], lane, value);
      }
    }
  };
  auto eachLane = [&](const Instruction &i, const LaneIn(&in)[32], uint32_t,
                      LaneOut(&out)[32]) {
    for (unsigned lane = 0; lane < 32; ++lane)
      out[lane] = reference(i, in[lane]);
  };
  checkVariant(level, variant, eachLane, prepare, rounds);
}

void checkFloats(Level level, const std::vector<std::string> &opcodes,
                 const Reference &reference,
                 const std::function<bool(const std::string &)> &accept,
                 unsigned rounds) {
  for (const std::string &opcode : opcodes) {
    std::vector<Variant> variants = variantsOf(opcode, accept);
    EXPECT_FALSE(variants.empty()) << opcode;
    for (const Variant &variant : variants)
      checkFloatVariant(level, variant, reference, rounds);
  }
}

bool mentions(const std::string &text, const std::string &part) {
  std::string modifiers = text.substr(0, text.find(' '));
  for (size_t at = modifiers.find(part); at != std::string::npos;
       at = modifiers.find(part, at + 1)) {
    size_t end = at + part.size();
    if (end == modifiers.size() || modifiers[end] == '.')
      return true;
  }
  return false;
}

} // namespace tenon::test
