//===- CheckRules.h - What forms cannot say ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Conditions of PTX ISA 9.7 between modifiers, and the first target of single
// modifiers. comparePtxas.py finds where they and ptxas differ.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_PTX_CHECKRULES_H
#define TENON_SIM_PTX_CHECKRULES_H

#include "sim/ptx/Check.h"
#include "sim/ptx/Instructions.h"

namespace tenon::sim::ptx {

/// What is wrong with an instruction whose modifiers and operands fit `form`;
/// empty if nothing is.
std::string brokenRule(const Module &module, const Form &form,
                       const Instruction &instruction);

/// The first target that has the form with these modifiers.
unsigned firstTarget(const Form &form, const Instruction &instruction);

} // namespace tenon::sim::ptx

#endif // TENON_SIM_PTX_CHECKRULES_H
