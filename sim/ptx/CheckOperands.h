//===- CheckOperands.h - Fits operands to a form ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The operands of an instruction whose modifiers fit a form, against the
// operands of that form.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_PTX_CHECKOPERANDS_H
#define TENON_SIM_PTX_CHECKOPERANDS_H

#include "sim/ptx/Check.h"
#include "sim/ptx/Instructions.h"

namespace tenon::sim::ptx {

/// The operand, for messages: "register 'r1' of type .b32".
std::string describe(const Function &function, const Operand &operand);

class OperandChecker {
public:
  OperandChecker(const Module &module, const Function &function,
                 const Form &form, const Instruction &instruction)
      : module(module), function(function), form(form),
        instruction(instruction) {}

  /// False with `error` and how many operands fit.
  bool check();
  CheckError error;
  size_t fitted = 0;

private:
  bool checkNegations();
  bool checkAll(size_t spec, size_t operand);
  bool checkOne(const OperandSpec &spec, const Operand &operand);
  bool checkScalar(const OperandSpec &spec, Type type, const Operand &operand);
  bool checkGroup(const OperandSpec &spec, Type type, unsigned count,
                  const Operand &operand);
  bool checkFragment(const OperandSpec &spec, Type type, unsigned count,
                     const Operand &operand);
  bool checkAddress(const Operand &operand);
  bool checkAnything(const OperandSpec &spec, const Operand &operand);
  bool fail(const Operand &operand, std::string message) {
    error = {operand.place, std::move(message)};
    return false;
  }

  const Module &module;
  const Function &function;
  const Form &form;
  const Instruction &instruction;
};

} // namespace tenon::sim::ptx

#endif // TENON_SIM_PTX_CHECKOPERANDS_H
