//===- OpFixture.cpp - Runs one instruction on a warp ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/sim/OpFixture.h"
#include "sim/exec/Select.h"
#include "sim/ptx/Parser.h"

#include <cstring>
#include <sstream>

using namespace tenon::sim;
using namespace tenon::sim::exec;
using namespace tenon::sim::ptx;

namespace tenon::test {

static constexpr unsigned kLanes = 32;
static constexpr unsigned kSlot = 512;     ///< of a register, the widest
static constexpr unsigned kRegisters = 64; ///< 8 of each of 6 types, and more
static constexpr unsigned kSpecial = 31; ///< r7 stands for any special register
static constexpr unsigned kFirst = 64;   ///< after the carry flags

std::vector<Level> levels() {
  std::vector<Level> all = {Level::V3};
  if (__builtin_cpu_supports("x86-64-v4"))
    all.push_back(Level::V4);
  return all;
}
std::string levelName(const testing::TestParamInfo<Level> &info) {
  return info.param == Level::V3 ? "v3" : "v4";
}

int64_t signedOf(uint64_t value, unsigned bits) {
  return int64_t(value << (64 - bits)) >> (64 - bits);
}
uint64_t maskOf(unsigned bits) { return ~uint64_t(0) >> (64 - bits); }

struct OneOp::Impl {
  std::shared_ptr<const Module> module;
  Op op;
  RowWidths widths;
  Handler handler = nullptr;
  /// Registers; after them a scratch row.
  alignas(64) char registers[kFirst + (kRegisters + 8) * kSlot] = {};
  alignas(64) char constants[8 * kSlot] = {};
  unsigned constantCount = 0;
  std::vector<Row> lists;
  /// Predicate sources with `!`: from, to.
  std::vector<std::pair<Row, Row>> negations;

  const Function &function() const { return module->functions[0]; }
  const Instruction &instruction() const { return function().instructions[0]; }

  static Row rowOf(uint32_t index) { return kFirst + index * kSlot; }
  Row scratch(unsigned number) const {
    return kFirst + (kRegisters + number) * kSlot;
  }
  Row splat(uint64_t value, unsigned bytes) {
    Row at = constantCount++ * kSlot;
    for (unsigned lane = 0; lane < kLanes; ++lane)
      std::memcpy(constants + at + lane * bytes, &value, bytes);
    return at | 1;
  }
  static unsigned bytesOf(Type type) {
    return type == Type::Pred ? 0 : bitsOf(type) < 16 ? 2 : bitsOf(type) / 8;
  }

  Row rowOf(const Operand &operand, Type type) {
    switch (operand.kind) {
    case Operand::Kind::Register: {
      Row row = rowOf(operand.index);
      if (!operand.negated)
        return row;
      Row to = scratch(4 + unsigned(negations.size()));
      negations.emplace_back(row, to);
      return to;
    }
    case Operand::Kind::Immediate:
      if (type == Type::Pred)
        return splat(operand.value ? ~0u : 0, 4);
      return splat(uint64_t(operand.value), bytesOf(type));
    case Operand::Kind::Special:
      return rowOf(kSpecial);
    default:
      return scratch(0);
    }
  }

  Type typeOf(const OperandSpec &spec) const {
    const Instruction &i = instruction();
    if (spec.kind == OperandSpec::Kind::Anything)
      return i.types[0];
    Type type = spec.typeSlot == 0xff ? spec.type : i.types[spec.typeSlot];
    if (!spec.doubled)
      return type;
    return bitsOf(type) == 16 ? Type::B32 : Type::B64;
  }

  void decode();
  std::pair<char *, unsigned> find(const std::string &name, unsigned lane,
                                   unsigned part);
};

void OneOp::Impl::decode() {
  const Instruction &i = instruction();
  const Form &form = forms()[i.form];
  Row *destinations[] = {&op.d, &op.e};
  uint8_t *destinationWidths[] = {&widths.d, &widths.e};
  Row *sources[] = {&op.a, &op.b, &op.c, &op.f};
  uint8_t *sourceWidths[] = {&widths.a, &widths.b, &widths.c, &widths.f};
  unsigned nextSource = 0;
  for (size_t at = 0; at < i.operands.size(); ++at) {
    const Operand &operand = i.operands[at];
    const OperandSpec &spec = form.operands[at];
    Type type = typeOf(spec);
    if (spec.kind == OperandSpec::Kind::Constant) {
      op.imm = operand.value;
      continue;
    }
    if (operand.kind == Operand::Kind::Vector) {
      op.listCount = operand.count;
      for (unsigned k = 0; k < operand.count; ++k) {
        const Operand &element = function().elements[operand.index + k];
        Type each = bitsOf(type) / operand.count == 64   ? Type::B64
                    : bitsOf(type) / operand.count == 32 ? Type::B32
                                                         : Type::B16;
        lists.push_back(rowOf(element, each));
      }
      continue;
    }
    if (spec.destination) {
      const Operand *parts = operand.kind == Operand::Kind::Pair
                                 ? &function().elements[operand.index]
                                 : &operand;
      for (unsigned k = 0; k < (parts == &operand ? 1u : 2u); ++k) {
        bool isSink = parts[k].kind == Operand::Kind::Sink;
        *destinations[k] = isSink ? scratch(k) : rowOf(parts[k].index);
        // A register may be wider than the instruction's type.
        Type own =
            parts[k].kind == Operand::Kind::Register ? parts[k].type : type;
        *destinationWidths[k] = k ? 0 : uint8_t(bytesOf(own));
      }
      if (parts == &operand)
        op.e = scratch(1);
      continue;
    }
    *sources[nextSource] = rowOf(operand, type);
    if (operand.kind == Operand::Kind::Special ||
        operand.kind == Operand::Kind::Register)
      type = operand.type;
    *sourceWidths[nextSource++] = uint8_t(bytesOf(type));
  }
}

/// A kernel of that instruction alone.
static auto parseOne(const std::string &text) {
  return parse(".version 8.8\n.target sm_100a\n.address_size 64\n"
               ".visible .entry k() {\n"
               ".reg .pred p<8>; .reg .b8 b<8>; .reg .b16 h<8>;\n"
               ".reg .b32 r<8>; .reg .b64 d<8>; .reg .b128 q<8>;\n" +
               text + "\nret;\n}\n");
}

OneOp::OneOp(Level level, const std::string &text)
    : impl(std::make_unique<Impl>()) {
  auto parsed = parseOne(text);
  if (auto *errors = std::get_if<Diagnostics>(&parsed)) {
    problem = errors->at(0).text();
    return;
  }
  impl->module =
      std::make_shared<const Module>(std::move(std::get<Module>(parsed)));
  impl->decode();
  using Select = Handler (*)(const Instruction &, const RowWidths &, Op &);
#define X(name) v3::name,
  static constexpr Select kOfV3[] = {TENON_SIM_FAMILIES(X)};
#undef X
#define X(name) v4::name,
  static constexpr Select kOfV4[] = {TENON_SIM_FAMILIES(X)};
#undef X
  unsigned found = 0;
  for (Select select : level == Level::V4 ? kOfV4 : kOfV3)
    if (Handler handler = select(impl->instruction(), impl->widths, impl->op)) {
      impl->handler = handler;
      ++found;
    }
  if (found != 1)
    problem = text + ": " + std::to_string(found) + " families have a handler";
}
OneOp::OneOp(const OneOp &other)
    : impl(std::make_unique<Impl>(*other.impl)), problem(other.problem) {}
OneOp::~OneOp() = default;

const Instruction &OneOp::instruction() const { return impl->instruction(); }

std::pair<char *, unsigned> OneOp::Impl::find(const std::string &name,
                                              unsigned lane, unsigned part) {
  static const std::string kPrefixes = "pbhrdq";
  auto kind = unsigned(kPrefixes.find(name[0]));
  unsigned index = kind * 8 + unsigned(name[1] - '0');
  static constexpr unsigned kBytes[] = {0, 2, 2, 4, 8, 8};
  return {registers + rowOf(index) + lane * kBytes[kind] + part * 256,
          kBytes[kind]};
}

uint64_t OneOp::get(const std::string &name, unsigned lane,
                    unsigned part) const {
  auto [at, bytes] = impl->find(name, lane, part);
  uint64_t value = 0;
  std::memcpy(&value, at, bytes ? bytes : 4);
  return bytes ? value : value >> lane & 1;
}
void OneOp::set(const std::string &name, unsigned lane, uint64_t value,
                unsigned part) {
  auto [at, bytes] = impl->find(name, lane, part);
  if (bytes) {
    std::memcpy(at, &value, bytes);
    return;
  }
  uint32_t bits;
  std::memcpy(&bits, at, 4);
  bits = (bits & ~(1u << lane)) | uint32_t(value & 1) << lane;
  std::memcpy(at, &bits, 4);
}
bool OneOp::carry(unsigned lane) const {
  uint32_t bits;
  std::memcpy(&bits, impl->registers, 4);
  return bits >> lane & 1;
}
void OneOp::setCarry(unsigned lane, bool value) {
  uint32_t bits;
  std::memcpy(&bits, impl->registers, 4);
  bits = (bits & ~(1u << lane)) | uint32_t(value) << lane;
  std::memcpy(impl->registers, &bits, 4);
}

/// Numbers at the borders of what 8 to 64 bits, f32 and f64 hold.
static uint64_t specialOf(std::mt19937_64 &random) {
  static constexpr uint64_t kSpecial[] = {
      0, 1, 2, ~0ull, ~1ull, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff,
      0x10000, 0x7fffff, 0x800000, 0xffffff, 0x7fffffff, 0x80000000, 0xffffffff,
      0x100000000, 1ull << 63, ~0ull >> 1,
      // f32: 1, -1, inf, NaN, subnormals, -0
      0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00001,
      0x007fffff, 0x807fffff, 0x00800000, 0x80000001,
      // f64
      0x3ff0000000000000, 0xbff0000000000000, 0x7ff0000000000000,
      0xfff0000000000000, 0x7ff8000000000000, 0x000fffffffffffff,
      0x800fffffffffffff, 0x0010000000000000};
  switch (random() % 6) {
  case 0:
    return random() % 70;
  case 1:
    return random();
  case 2:
    return random() >> random() % 64;
  case 3:
    return uint64_t(int64_t(random()) >> random() % 64);
  default:
    return kSpecial[random() % std::size(kSpecial)];
  }
}

/// Such numbers in lanes of some bytes, one after the other.
static const std::vector<char> &poolOf(unsigned width) {
  static std::vector<char> pools[9];
  std::vector<char> &pool = pools[width];
  std::mt19937_64 random(width);
  while (pool.size() < 1u << 16) {
    uint64_t value = specialOf(random);
    const char *bytes = reinterpret_cast<const char *>(&value);
    pool.insert(pool.end(), bytes, bytes + width);
  }
  return pool;
}

void OneOp::fill(std::mt19937_64 &random) {
  char *bytes = impl->registers;
  for (unsigned index = 0; index < kRegisters; ++index) {
    char *row = bytes + Impl::rowOf(index);
    unsigned kind = index / 8;
    unsigned width = kind == 0 ? 4 : kind < 3 ? 2 : kind == 3 ? 4 : 8;
    const std::vector<char> &pool = poolOf(width);
    size_t first = random() % (pool.size() - kSlot) / width * width;
    std::memcpy(row, pool.data() + first, kSlot);
    // Equal numbers in neighbouring registers, for comparisons.
    uint64_t same = random();
    for (unsigned k = 0; index % 8 && k < 4; ++k, same >>= 8) {
      unsigned at = same % (kSlot / width) * width;
      std::memcpy(row + at, row - kSlot + at, width);
    }
    if (kind == 0) {
      auto predicate = uint32_t(random());
      std::memcpy(row, &predicate, 4);
    }
  }
  auto flags = uint32_t(random());
  std::memcpy(bytes, &flags, 4);
}

void OneOp::run(uint32_t mask) {
  for (auto [from, to] : impl->negations) {
    uint32_t bits;
    std::memcpy(&bits, impl->registers + from, 4);
    bits = ~bits;
    std::memcpy(impl->registers + to, &bits, 4);
  }
  Warp warp;
  warp.base[0] = impl->registers;
  warp.base[1] = impl->constants;
  warp.lists = impl->lists.data();
  warp.mask = mask;
  warp.active = ~0u;
  EXPECT_EQ(impl->handler(warp, impl->op), Step::Next);
}

void OneOp::copyFrom(const OneOp &other) {
  std::memcpy(impl->registers, other.impl->registers, sizeof(impl->registers));
}
bool OneOp::sameState(const OneOp &other) const {
  return !std::memcmp(impl->registers, other.impl->registers,
                      kFirst + kRegisters * kSlot);
}

//===----------------------------------------------------------------------===//
// Every form of the table
//===----------------------------------------------------------------------===//

static std::string prefixOf(Type type) {
  if (type == Type::Pred)
    return "p";
  switch (bitsOf(type)) {
  case 16:
    return "h";
  case 64:
    return "d";
  case 128:
    return "q";
  default:
    return "r";
  }
}

/// Operands for a choice of modifiers.
static Variant variantOf(const Form &form, const std::string &modifiers,
                         const std::vector<Type> &types) {
  Variant variant;
  variant.text = form.row->opcode + modifiers + " ";
  for (size_t at = 0; at < form.operands.size(); ++at) {
    const OperandSpec &spec = form.operands[at];
    if (at)
      variant.text += ", ";
    if (spec.kind == OperandSpec::Kind::Constant) {
      variant.text += "0x96";
      continue;
    }
    Type type = spec.kind == OperandSpec::Kind::Anything ? types[0]
                : spec.typeSlot == 0xff                  ? spec.type
                                                         : types[spec.typeSlot];
    if (spec.doubled)
      type = bitsOf(type) == 16 ? Type::B32 : Type::B64;
    if (spec.destination) {
      variant.d = prefixOf(type) + "0";
      variant.text += variant.d;
      if (spec.predicatePair || spec.secondPredicate) {
        variant.second = "p7";
        variant.text += "|p7";
      }
      continue;
    }
    variant.sources.push_back(prefixOf(type) +
                              std::to_string(variant.sources.size() + 1));
    variant.text += variant.sources.back();
  }
  variant.text += ";";
  return variant;
}

static void expandSlots(const Form &form, size_t slot, std::string modifiers,
                        std::vector<Type> types, std::vector<Variant> &all) {
  if (slot == form.slots.size()) {
    all.push_back(variantOf(form, modifiers, types));
    return;
  }
  const ModifierSlot &current = form.slots[slot];
  if (current.optional)
    expandSlots(form, slot + 1, modifiers, types, all);
  for (Mod mod : current.mods)
    expandSlots(form, slot + 1, modifiers + "." + std::string(spelling(mod)),
                types, all);
  for (Type type : current.types) {
    std::vector<Type> more = types;
    more.push_back(type);
    expandSlots(form, slot + 1, modifiers + "." + std::string(spelling(type)),
                more, all);
  }
}

std::vector<Variant>
variantsOf(const std::string &opcode,
           const std::function<bool(const std::string &)> &accept) {
  std::vector<Variant> all, some;
  int index = findOpcode(opcode);
  EXPECT_GE(index, 0) << opcode;
  for (uint16_t form : opcodes()[size_t(index)].forms)
    if (!forms()[form].refused())
      expandSlots(forms()[form], 0, "", {}, all);
  // The table has more combinations than the ISA: the parser refuses those.
  for (Variant &variant : all)
    if ((!accept || accept(variant.text)) &&
        !std::holds_alternative<Diagnostics>(parseOne(variant.text)))
      some.push_back(std::move(variant));
  return some;
}

void checkVariant(Level level, const Variant &variant,
                  const WarpReference &reference, const Prepare &prepare,
                  unsigned rounds) {
  SCOPED_TRACE(variant.text);
  OneOp op(level, variant.text);
  ASSERT_EQ(op.error(), "");
  OneOp expected(op);
  std::mt19937_64 random(std::hash<std::string>()(variant.text));
  for (unsigned round = 0; round < rounds; ++round) {
    uint32_t mask = round == 0   ? ~0u
                    : round == 1 ? 1u << random() % 32
                                 : uint32_t(random());
    op.fill(random);
    if (prepare)
      prepare(op, mask, random);
    LaneIn in[kLanes];
    LaneOut out[kLanes];
    for (unsigned lane = 0; lane < kLanes; ++lane) {
      in[lane].lane = lane;
      in[lane].carry = op.carry(lane);
      for (size_t s = 0; s < variant.sources.size(); ++s)
        in[lane].s[s] = op.get(variant.sources[s], lane);
    }
    reference(op.instruction(), in, mask, out);
    // What must come out: the old state with the results in it.
    expected.copyFrom(op);
    for (unsigned lane = 0; lane < kLanes; ++lane) {
      if (!(mask >> lane & 1))
        continue;
      if (!variant.d.empty())
        expected.set(variant.d, lane, out[lane].d);
      if (!variant.second.empty())
        expected.set(variant.second, lane, out[lane].second);
      if (out[lane].writesCarry)
        expected.setCarry(lane, out[lane].carry);
    }
    op.run(mask);
    for (unsigned lane = 0; lane < kLanes; ++lane)
      if (mask >> lane & 1) {
        const LaneIn &x = in[lane];
        auto where = [&] {
          std::ostringstream text;
          text << "lane " << lane << std::hex;
          for (size_t s = 0; s < variant.sources.size(); ++s)
            text << " 0x" << x.s[s];
          return text.str();
        };
        if (!variant.d.empty())
          ASSERT_EQ(op.get(variant.d, lane), expected.get(variant.d, lane))
              << where();
        if (!variant.second.empty())
          ASSERT_EQ(op.get(variant.second, lane),
                    expected.get(variant.second, lane))
              << where();
        ASSERT_EQ(op.carry(lane), expected.carry(lane)) << where();
      }
    ASSERT_TRUE(op.sameState(expected))
        << "registers or lanes changed that the instruction does not write";
  }
}

void checkVariant(Level level, const Variant &variant,
                  const Reference &reference, unsigned rounds) {
  auto eachLane = [&](const Instruction &instruction, const LaneIn(&in)[kLanes],
                      uint32_t, LaneOut(&out)[kLanes]) {
    for (unsigned lane = 0; lane < kLanes; ++lane)
      out[lane] = reference(instruction, in[lane]);
  };
  checkVariant(level, variant, eachLane, {}, rounds);
}

void checkForms(Level level, const std::vector<std::string> &opcodes,
                const Reference &reference,
                const std::function<bool(const std::string &)> &accept,
                unsigned rounds) {
  for (const std::string &opcode : opcodes) {
    std::vector<Variant> variants = variantsOf(opcode, accept);
    EXPECT_FALSE(variants.empty()) << opcode;
    for (const Variant &variant : variants)
      checkVariant(level, variant, reference, rounds);
  }
}

} // namespace tenon::test
