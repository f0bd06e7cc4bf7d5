//===- Classify.cpp - What kind of work an instruction is -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Opcodes whose kind does not depend on types stand in a table; for the others
// the table names the function that looks at types and state spaces.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/Classify.h"
#include "sim/ptx/Instructions.h"

#include <algorithm>
#include <unordered_map>

using namespace tenon::sim;
using namespace tenon::sim::exec;
using namespace tenon::sim::ptx;

const char *tenon::sim::exec::pipeName(Pipe pipe) {
  static constexpr const char *kNames[] = {
      "alu", "fma", "fp16", "fp64", "sfu", "tensor", "load-store", "control"};
  static_assert(std::size(kNames) == size_t(Pipe::Count));
  return pipe < Pipe::Count ? kNames[size_t(pipe)] : "?";
}

const char *tenon::sim::exec::opClassName(OpClass c) {
  static constexpr const char *kNames[] = {
      "integer",       "logic",         "compare",        "move",
      "convert",       "float32",       "float16",        "float64",
      "special",       "mma",           "matrix-load",    "global-load",
      "global-store",  "shared-load",   "shared-store",   "local-load",
      "local-store",   "constant-load", "parameter-load", "generic-load",
      "generic-store", "atomic",        "async-copy",     "shuffle",
      "vote",          "barrier",       "fence",          "branch",
      "call",          "other"};
  static_assert(std::size(kNames) == size_t(OpClass::Count));
  return c < OpClass::Count ? kNames[size_t(c)] : "?";
}

static bool isHalf(Type type) {
  return type == Type::F16 || type == Type::F16x2 || type == Type::BF16 ||
         type == Type::BF16x2;
}
static bool isFloat(Type type) {
  return type == Type::F32 || type == Type::F64 || isHalf(type);
}
/// Values in a register of the type.
static unsigned lanesOf(Type type) {
  return type == Type::F16x2 || type == Type::BF16x2 ? 2 : 1;
}

/// add, sub, mul, fma, mad: PTX ISA 9.7.1, 9.7.3 to 9.7.5.
static Classification arithmetic(const Instruction &instruction,
                                 bool multiplies, unsigned operations) {
  Type type = instruction.types[0];
  uint64_t flops = uint64_t(operations) * lanesOf(type);
  if (type == Type::F32)
    return {OpClass::Float32, Pipe::Fma, "", flops};
  if (type == Type::F64)
    return {OpClass::Float64, Pipe::Fp64, "", flops};
  if (isHalf(type))
    return {OpClass::Float16, Pipe::Fp16, "", flops};
  return {OpClass::Integer, multiplies ? Pipe::Fma : Pipe::Alu, "", 0};
}
static Classification additive(const Instruction &instruction) {
  return arithmetic(instruction, false, 1);
}
static Classification multiply(const Instruction &instruction) {
  return arithmetic(instruction, true, 1);
}
static Classification multiplyAdd(const Instruction &instruction) {
  return arithmetic(instruction, true, 2);
}

/// min, max, abs, neg, copysign: no operations as peaks count them.
static Classification minimum(const Instruction &instruction) {
  Classification result = arithmetic(instruction, false, 0);
  if (result.opClass != OpClass::Float64)
    result.pipe = Pipe::Alu;
  return result;
}

/// div, rcp, sqrt, rsqrt: 9.7.3.8 to 9.7.3.17. The approximate ones are one
/// instruction of the special function unit, the others begin with one and go
/// on with multiply-adds. Integers divide by way of floats.
static Classification divide(const Instruction &instruction) {
  Type type = instruction.types[0];
  bool approximate = instruction.has(Mod::Approx) || instruction.has(Mod::Full);
  if (!isFloat(type))
    return {OpClass::Integer, Pipe::Sfu, "", 0};
  if (type == Type::F64)
    return {approximate ? OpClass::Special : OpClass::Float64,
            approximate ? Pipe::Sfu : Pipe::Fp64, "", 1};
  return {approximate ? OpClass::Special : OpClass::Float32, Pipe::Sfu, "", 1};
}

/// setp, set: by the type that is compared.
static Classification compare(const Instruction &instruction) {
  Type type =
      instruction.types[instruction.typeCount ? instruction.typeCount - 1 : 0];
  if (type == Type::F64)
    return {OpClass::Compare, Pipe::Fp64, "", 0};
  return {OpClass::Compare, isHalf(type) ? Pipe::Fp16 : Pipe::Alu, "", 0};
}

/// cvt, 9.7.9.21: between integers of up to 32 bits the ALU; else the unit that
/// also does special functions.
static Classification convert(const Instruction &instruction) {
  auto isShort = [](Type type) {
    return isInteger(type) && bitsOf(type) <= 32;
  };
  bool simple = isShort(instruction.types[0]) && isShort(instruction.types[1]);
  return {OpClass::Convert, simple ? Pipe::Alu : Pipe::Sfu, "", 0};
}

enum class Access : uint8_t { Load, Store };

static OpClass accessClass(Mod space, Access access) {
  bool load = access == Access::Load;
  switch (space) {
  case Mod::Global:
    return load ? OpClass::GlobalLoad : OpClass::GlobalStore;
  case Mod::Shared:
  case Mod::SharedCta:
  case Mod::SharedCluster:
    return load ? OpClass::SharedLoad : OpClass::SharedStore;
  case Mod::Local:
    return load ? OpClass::LocalLoad : OpClass::LocalStore;
  case Mod::Const:
    return OpClass::ConstantLoad;
  case Mod::Param:
  case Mod::ParamEntry:
  case Mod::ParamFunc:
    // Arguments are stored into registers of the callee.
    return load ? OpClass::ParameterLoad : OpClass::Move;
  default:
    return load ? OpClass::GenericLoad : OpClass::GenericStore;
  }
}
static Classification access(const Instruction &instruction, Access access) {
  OpClass opClass = accessClass(instruction.get(Field::Space), access);
  // Parameters are operands from the constant bank, or registers.
  bool moves = opClass == OpClass::ParameterLoad || opClass == OpClass::Move;
  return {opClass, moves ? Pipe::Alu : Pipe::LoadStore, "", 0};
}
static Classification load(const Instruction &instruction) {
  return access(instruction, Access::Load);
}
static Classification store(const Instruction &instruction) {
  return access(instruction, Access::Store);
}
/// `ldu` names no space, and reads global memory (9.7.9.10).
static Classification loadUniform(const Instruction &) {
  return {OpClass::GlobalLoad, Pipe::LoadStore, "", 0};
}

/// The name of a type of matrix elements in `mma` throughputs.
static std::string matrixType(Type type) {
  switch (type) {
  case Type::E4M3:
  case Type::E5M2:
    return "fp8";
  case Type::U8:
  case Type::S8:
    return "int8";
  case Type::U4:
  case Type::S4:
    return "int4";
  default:
    return std::string(spelling(type));
  }
}

/// `m16n8k16` as 16 * 8 * 16.
static uint64_t volume(Mod shape) {
  uint64_t product = 1, number = 0;
  std::string_view text = spelling(shape);
  for (size_t i = 1; i <= text.size(); ++i) {
    if (i < text.size() && text[i] >= '0' && text[i] <= '9') {
      number = 10 * number + uint64_t(text[i] - '0');
    } else {
      product *= number;
      number = 0;
    }
  }
  return product;
}

/// mma and wmma.mma. Types are D, A, B, C; wmma with halves names only D and C.
static Classification matrixMultiply(const Instruction &instruction) {
  Mod shape = instruction.get(Field::Shape);
  Type element = instruction.typeCount >= 4 ? instruction.types[1] : Type::F16;
  Classification result = {OpClass::Mma, Pipe::Tensor,
                           matrixType(element) + "." +
                               std::string(spelling(instruction.types[0])),
                           2 * volume(shape)};
  if (instruction.has(Mod::Sp) || instruction.has(Mod::SpOrdered))
    result.mmaType += ".sp";
  // 9.7.14.5.1: each of the four quad pairs multiplies matrices of its own.
  if (shape == Mod::M8N8K4 && element == Type::F16)
    result.flops *= 4;
  return result;
}

namespace {
struct Row {
  std::string_view opcodes; ///< separated by blanks
  OpClass opClass;
  Pipe pipe;
  Classification (*look)(const Instruction &) = nullptr;
};
} // namespace

static constexpr Row kRows[] = {
    {"add sub", OpClass::Integer, Pipe::Alu, additive},
    {"mul", OpClass::Integer, Pipe::Fma, multiply},
    {"fma mad", OpClass::Integer, Pipe::Fma, multiplyAdd},
    {"min max abs neg copysign", OpClass::Integer, Pipe::Alu, minimum},
    {"div rcp sqrt rsqrt", OpClass::Integer, Pipe::Sfu, divide},
    {"rem", OpClass::Integer, Pipe::Sfu},
    {"sin cos lg2 ex2 tanh", OpClass::Special, Pipe::Sfu},
    {"addc subc sad vabsdiff4 bfe bfi szext bmsk fns", OpClass::Integer,
     Pipe::Alu},
    {"mul24 mad24 madc dp4a dp2a", OpClass::Integer, Pipe::Fma},
    {"popc clz bfind brev", OpClass::Integer, Pipe::Sfu},

    {"setp set", OpClass::Compare, Pipe::Alu, compare},
    {"testp selp slct isspacep", OpClass::Compare, Pipe::Alu},
    {"and or xor not cnot lop3 shf shl shr prmt", OpClass::Logic, Pipe::Alu},
    {"mov cvta stacksave stackrestore alloca movmatrix", OpClass::Move,
     Pipe::Alu},
    {"cvt", OpClass::Convert, Pipe::Sfu, convert},
    {"cvt.pack", OpClass::Convert, Pipe::Alu},

    {"ld wmma.load", OpClass::GenericLoad, Pipe::LoadStore, load},
    {"st wmma.store", OpClass::GenericStore, Pipe::LoadStore, store},
    {"ldu", OpClass::GlobalLoad, Pipe::LoadStore, loadUniform},
    {"ldmatrix", OpClass::MatrixLoad, Pipe::LoadStore},
    {"stmatrix", OpClass::SharedStore, Pipe::LoadStore},
    {"atom red", OpClass::Atomic, Pipe::LoadStore},
    {"cp.async cp.async.commit_group cp.async.wait_group cp.async.wait_all "
     "cp.async.mbarrier.arrive",
     OpClass::AsyncCopy, Pipe::LoadStore},
    {"prefetch prefetchu applypriority discard", OpClass::Other,
     Pipe::LoadStore},
    {"createpolicy.fractional createpolicy.range createpolicy.cvt",
     OpClass::Other, Pipe::Alu},

    {"mma wmma.mma", OpClass::Mma, Pipe::Tensor, matrixMultiply},

    {"shfl", OpClass::Shuffle, Pipe::LoadStore},
    {"vote match activemask redux elect", OpClass::Vote, Pipe::Control},
    {"bar.sync bar.arrive bar.red bar.cta.sync bar.cta.arrive bar.cta.red "
     "barrier.sync barrier.arrive barrier.red barrier.cta.sync "
     "barrier.cta.arrive barrier.cta.red bar.warp.sync",
     OpClass::Barrier, Pipe::Control},
    {"mbarrier.init mbarrier.inval mbarrier.arrive mbarrier.arrive.noComplete "
     "mbarrier.arrive_drop mbarrier.arrive_drop.noComplete mbarrier.test_wait "
     "mbarrier.try_wait mbarrier.pending_count",
     OpClass::Barrier, Pipe::LoadStore},
    {"membar membar.proxy.alias fence fence.proxy.alias", OpClass::Fence,
     Pipe::LoadStore},
    {"bra brx.idx ret exit", OpClass::Branch, Pipe::Control},
    {"call", OpClass::Call, Pipe::Control},
    {"brkpt nanosleep pmevent pmevent.mask trap "
     "griddepcontrol.launch_dependents griddepcontrol.wait",
     OpClass::Other, Pipe::Control},
};

/// The row of each opcode, by its index; nullptr for the refused ones.
static std::vector<const Row *> rowsByOpcode() {
  std::unordered_map<std::string_view, const Row *> byName;
  for (const Row &row : kRows) {
    for (std::string_view rest = row.opcodes; !rest.empty();) {
      size_t end = std::min(rest.find(' '), rest.size());
      byName[rest.substr(0, end)] = &row;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  std::vector<const Row *> rows;
  for (const Opcode &opcode : opcodes()) {
    auto at = byName.find(opcode.name);
    rows.push_back(at == byName.end() ? nullptr : at->second);
  }
  return rows;
}

Classification tenon::sim::exec::classify(const Instruction &instruction) {
  static const std::vector<const Row *> kByOpcode = rowsByOpcode();
  const Row *row = kByOpcode[instruction.opcode];
  if (!row)
    return {};
  if (row->look)
    return row->look(instruction);
  return {row->opClass, row->pipe, "", 0};
}
