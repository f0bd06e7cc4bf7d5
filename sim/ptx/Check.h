//===- Check.h - Fits instructions to the table's forms ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Finds the form of an instruction by its modifiers and operands, and fills in
// its typed fields. Operand types are checked by PTX ISA 9.4: sizes agree; bits
// fit any type, signed fits unsigned, floats only themselves; loads, stores and
// conversions take wider registers (9.4.1).
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_PTX_CHECK_H
#define TENON_SIM_PTX_CHECK_H

#include "sim/ptx/Ast.h"
#include "sim/ptx/Instructions.h"

#include <optional>
#include <span>
#include <string>

namespace tenon::sim::ptx {

/// A dotted word after the opcode: a modifier, or a type.
struct ModifierWord {
  Mod mod = Mod::None;
  Type type = Type::None;
  Place place;
};

struct CheckError {
  Place place;
  std::string message;
};

/// Sets form, types, modifiers and fields of `instruction`, whose opcode,
/// suffix and operands are set. The error, if no form fits; its message begins
/// with the instruction's name.
std::optional<CheckError> checkInstruction(const Module &module,
                                           const Function &function,
                                           std::span<const ModifierWord> words,
                                           Instruction &instruction);

/// The type that the form gives an operand of a checked instruction.
Type operandType(const OperandSpec &spec, const Instruction &instruction);

/// Whether a register of type `have` can stand for an operand of type `want`.
bool registerFits(Type have, Type want, bool relaxed);

} // namespace tenon::sim::ptx

#endif // TENON_SIM_PTX_CHECK_H
