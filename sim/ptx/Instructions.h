//===- Instructions.h - The table of PTX instructions -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One table holds every instruction of the PTX ISA, a row for each form (the
// files in forms/). A row is written as text close to the ISA's own notation:
//
//   {"mad", ".lo|.hi .u16|.s16|.u32|.s32", ">T T T T", "9.7.1.4", 10}
//
// Modifiers are slots in order, each a list of alternatives; `?` after a slot
// makes it optional; capital words are sets that many rows share (RND, FTZ,
// INT ...); a row that begins with `*` takes its modifiers in any order.
//
// Operands, one word each:
//   T U V W   a register or number of the first, second ... type modifier
//   .b32      a register or number of that type
//   >T        a destination register;  >T_  also the sink `_`
//   2T        twice as wide
//   T~        register may be wider than the type (PTX ISA 9.4.1)
//   {N}T      as many in braces as .v2 .v4 .v8 say, or one without braces
//   {X}.b32   as many as .x1 .x2 .x4 say;  {4}.b32  exactly four
//   >T|       optionally a second destination, a predicate: d|p
//   >.pred||  optionally a second predicate: p|q
//   !.pred    a predicate that may be negated
//   #         an integer constant
//   []        an address;  @ a label;  FA FB FC FD  matrix fragments
//   M         whatever mov takes;  A  an address by value;  SRC  of cp.async
//   CALL      those of call;  TABLE  the targets of brx.idx
//   ?         at the end: this operand and all that follow may be absent
//
// A row without operands is one that is refused, with the reason.
//
// Shown by test/unit/sim/InstructionsTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_PTX_INSTRUCTIONS_H
#define TENON_SIM_PTX_INSTRUCTIONS_H

#include "sim/ptx/Modifiers.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::sim::ptx {

/// A row as it is written in forms/.
struct FormRow {
  const char *opcode;
  const char *modifiers;
  const char *operands; ///< nullptr: refused
  const char *section;  ///< of PTX ISA 9.1
  unsigned sm = 0;      ///< first target that has it
  const char *reason = nullptr;
};

struct ModifierSlot {
  std::vector<Mod> mods;
  std::vector<Type> types;
  bool optional = false;
  /// The field that the modifiers set, or Count for each one's own.
  Field field = Field::Count;
};

struct OperandSpec {
  enum class Kind : uint8_t {
    Value, ///< register, number or vector of them
    Constant,
    Address,
    Label,
    Fragment,
    Anything,
    Call,
    BranchTable,
  };
  enum class Count : uint8_t { One, Vector, Matrices, Fixed };
  Kind kind = Kind::Value;
  Count countFrom = Count::One;
  uint8_t count = 1;
  uint8_t typeSlot = 0xff; ///< index of the type modifier, or `type`
  Type type = Type::None;
  bool destination = false, sink = false, doubled = false, relaxed = false;
  bool predicatePair = false, secondPredicate = false, negatable = false;
  bool optional = false;
  char fragment = 0;
};

struct Form {
  const FormRow *row;
  uint16_t opcode;
  bool anyOrder = false;
  std::vector<ModifierSlot> slots;
  std::vector<OperandSpec> operands;
  bool refused() const { return !row->operands; }
};

struct Opcode {
  std::string_view name;
  std::vector<uint16_t> forms;
  bool refused = false; ///< every form is
};

const std::vector<Opcode> &opcodes();
const std::vector<Form> &forms();
/// Index of an opcode, or -1.
int findOpcode(std::string_view name);

} // namespace tenon::sim::ptx

#endif // TENON_SIM_PTX_INSTRUCTIONS_H
