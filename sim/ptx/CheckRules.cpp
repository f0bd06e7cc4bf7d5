//===- CheckRules.cpp - What forms cannot say -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/CheckRules.h"

#include <algorithm>

using namespace tenon::sim::ptx;

static std::string dotted(Mod mod) { return "." + std::string(spelling(mod)); }
static std::string dotted(Type type) {
  return "." + std::string(spelling(type));
}

// PTX ISA 9.7.9.1, 9.7.9.2 and 9.7.9.8: hints are for global memory, which a
// generic address may be in.
static bool mayBeGlobal(const Instruction &instruction) {
  Mod space = instruction.get(Field::Space);
  return space == Mod::None || space == Mod::Global;
}

static std::string checkHints(const Form &form,
                              const Instruction &instruction) {
  std::string_view opcode = form.row->opcode;
  if (mayBeGlobal(instruction) && instruction.get(Field::Cache) == Mod::None)
    return {};
  if (opcode == "cp.async" || opcode.starts_with("prefetch") ||
      opcode.starts_with("createpolicy") || opcode == "applypriority")
    return {};
  Mod evict = instruction.get(Field::Evict);
  Mod prefetch = instruction.get(Field::Prefetch);
  Mod hint = instruction.has(Mod::L2CacheHint) ? Mod::L2CacheHint : Mod::None;
  for (Mod mod : {evict, prefetch, hint})
    if (mod != Mod::None && !mayBeGlobal(instruction))
      return dotted(mod) + " is for global memory, not " +
             dotted(instruction.get(Field::Space));
  Mod cache = instruction.get(Field::Cache);
  if (evict != Mod::None && cache != Mod::None)
    return dotted(evict) + " and " + dotted(cache) + " exclude each other";
  return {};
}

/// Vectors have at most 128 bits: PTX ISA 5.4.2. Sizes of atomics' vectors are
/// in their forms.
static std::string checkVector(const Form &form,
                               const Instruction &instruction) {
  std::string_view opcode = form.row->opcode;
  if (opcode != "ld" && opcode != "st" && opcode != "ldu")
    return {};
  Mod vector = instruction.get(Field::Vector);
  unsigned count = vector == Mod::V2 ? 2 : vector == Mod::V4 ? 4 : 1;
  unsigned bits = count * bitsOf(instruction.types[0]);
  return bits > 128
             ? "a vector has at most 128 bits, " + dotted(vector) +
                   dotted(instruction.types[0]) + " has " + std::to_string(bits)
             : std::string();
}

/// PTX ISA 9.3.1 and 9.3.2: which comparisons a type has.
static bool compares(Mod compare, Type type) {
  bool isEquality = compare == Mod::Eq || compare == Mod::Ne;
  bool isOrder = compare == Mod::Lt || compare == Mod::Le ||
                 compare == Mod::Gt || compare == Mod::Ge;
  bool isUnsigned = compare == Mod::Lo || compare == Mod::Ls ||
                    compare == Mod::Hi || compare == Mod::Hs;
  switch (kindOf(type)) {
  case TypeKind::Bits:
    return isEquality;
  case TypeKind::Signed:
    return isEquality || isOrder;
  case TypeKind::Unsigned:
    return isEquality || isOrder || isUnsigned;
  default:
    return !isUnsigned;
  }
}

static std::string checkCompare(const Instruction &instruction) {
  Mod compare = instruction.get(Field::Compare);
  if (compare == Mod::None)
    return {};
  // The last type is that of the operands.
  Type type = instruction.types[instruction.typeCount - 1u];
  if (!compares(compare, type))
    return "type " + dotted(type) + " has no comparison " + dotted(compare);
  if (instruction.has(Mod::Ftz) && type != Type::F32 && type != Type::F16 &&
      type != Type::F16x2)
    return ".ftz is for operands of type .f32, .f16 and .f16x2, not " +
           dotted(type);
  return {};
}

/// PTX ISA 9.7.9.21: .sat only where the destination cannot hold every value of
/// the source.
static std::string checkConversion(const Form &form,
                                   const Instruction &instruction) {
  if (form.row->opcode != std::string_view("cvt") || !instruction.has(Mod::Sat))
    return {};
  Type to = instruction.types[0], from = instruction.types[1];
  if (!isInteger(to) || !isInteger(from))
    return {};
  bool toSigned = kindOf(to) == TypeKind::Signed;
  bool fromSigned = kindOf(from) == TypeKind::Signed;
  bool holdsAll = fromSigned ? toSigned && bitsOf(to) >= bitsOf(from)
                  : toSigned ? bitsOf(to) > bitsOf(from)
                             : bitsOf(to) >= bitsOf(from);
  return holdsAll ? dotted(to) + " holds every value of " + dotted(from) +
                        ", expected no .sat"
                  : std::string();
}

/// PTX ISA 9.7.9.5 and 9.7.13.8: gone with PTX 6.4 where threads are scheduled
/// one by one.
static std::string checkSync(const Module &module, const Form &form,
                             const Instruction &instruction) {
  std::string_view opcode = form.row->opcode;
  if ((opcode != "shfl" && opcode != "vote") || instruction.has(Mod::Sync))
    return {};
  bool isGone = module.versionMajor > 6 ||
                (module.versionMajor == 6 && module.versionMinor >= 4);
  return isGone && module.sm >= 70
             ? "expected .sync on sm_70 or later from PTX 6.4 on"
             : std::string();
}

static std::string checkOperandValues(const Form &form,
                                      const Instruction &instruction) {
  std::string_view opcode = form.row->opcode;
  const auto &operands = instruction.operands;
  auto value = [&](size_t at) -> int64_t {
    return at < operands.size() && operands[at].kind == Operand::Kind::Immediate
               ? operands[at].value
               : -1;
  };
  // PTX ISA 9.7.9.16 and 9.7.9.17.
  if ((opcode == "discard" || opcode == "applypriority") && value(1) != 128)
    return "expected a size of 128, got " + std::to_string(value(1));
  // PTX ISA 9.7.9.25.3.1.
  if (opcode == "cp.async") {
    bool isCg = instruction.get(Field::Cache) == Mod::Cg;
    int64_t size = value(2);
    if (isCg ? size != 16 : size != 4 && size != 8 && size != 16)
      return std::string("expected a size of ") + (isCg ? "" : "4, 8 or ") +
             "16, got " + std::to_string(size);
  }
  // PTX ISA 9.7.13.1: 16 barriers, whole warps.
  if (opcode.starts_with("bar.") || opcode.starts_with("barrier.")) {
    if (opcode == "bar.warp.sync")
      return {};
    bool reduces = opcode.ends_with("red");
    size_t at = reduces ? 1 : 0;
    auto isNumber = [&](size_t index) {
      return index < operands.size() &&
             operands[index].kind == Operand::Kind::Immediate;
    };
    if (isNumber(at) && uint64_t(operands[at].value) > 15)
      return "expected a barrier from 0 to 15, got " +
             std::to_string(operands[at].value);
    bool hasCount = operands.size() == at + (reduces ? 3u : 2u);
    if (hasCount && isNumber(at + 1) &&
        (operands[at + 1].value <= 0 || operands[at + 1].value % 32))
      return "expected a multiple of 32 threads, got " +
             std::to_string(operands[at + 1].value);
  }
  // The second destination is part of these forms: PTX ISA 9.7.8.6, 9.7.13.14.
  if ((opcode == "elect" ||
       (opcode == "lop3" && instruction.get(Field::BoolOp) != Mod::None)) &&
      operands[0].kind != Operand::Kind::Pair)
    return "expected a pair d|p as destination";
  return {};
}

std::string tenon::sim::ptx::brokenRule(const Module &module, const Form &form,
                                        const Instruction &instruction) {
  std::string text = checkHints(form, instruction);
  if (text.empty())
    text = checkVector(form, instruction);
  if (text.empty())
    text = checkCompare(instruction);
  if (text.empty())
    text = checkConversion(form, instruction);
  if (text.empty())
    text = checkSync(module, form, instruction);
  if (text.empty())
    text = checkOperandValues(form, instruction);
  return text;
}

unsigned tenon::sim::ptx::firstTarget(const Form &form,
                                      const Instruction &instruction) {
  struct Row {
    Mod mod;
    unsigned sm;
  };
  static constexpr Row kRows[] = {
      {Mod::Cluster, 90},       {Mod::SharedCluster, 90},
      {Mod::L2CacheHint, 80},   {Mod::L2Bytes64, 75},
      {Mod::L2Bytes128, 75},    {Mod::L2Bytes256, 80},
      {Mod::L1EvictNormal, 70}, {Mod::L1EvictUnchanged, 70},
      {Mod::L1EvictFirst, 70},  {Mod::L1EvictLast, 70},
      {Mod::L1NoAllocate, 70},  {Mod::Relaxed, 60},
      {Mod::Acquire, 70},       {Mod::Release, 70},
      {Mod::AcqRel, 70},
  };
  unsigned first = form.row->sm;
  for (const Row &row : kRows)
    if (instruction.has(row.mod))
      first = std::max(first, row.sm);
  return first;
}
