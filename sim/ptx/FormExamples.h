//===- FormExamples.h - Instructions made from the table --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Writes instructions that a form of the table describes, and ones that differ
// from them by a modifier or a type. Their operands are registers of the frame
// `frameBegin` to `frameEnd`, so that any assembler can be asked about them:
// comparePtxas.py asks ptxas.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_PTX_FORMEXAMPLES_H
#define TENON_SIM_PTX_FORMEXAMPLES_H

#include "sim/ptx/Instructions.h"

#include <string>
#include <vector>

namespace tenon::sim::ptx {

/// The text of a module around one instruction a line.
std::string frameBegin(const std::string &target);
extern const char *const kFrameEnd;

/// Instructions of the form, without a target: all combinations of its
/// modifiers where they are few, else each alternative at least once.
std::vector<std::string> examplesOf(const Form &form);

/// Each of the form's plain instructions with one modifier left out, added or
/// exchanged for one that another form of the opcode has, or another type.
std::vector<std::string> mutantsOf(const Form &form);

/// The form's plain instructions with one operand replaced by others.
std::vector<std::string> operandMutantsOf(const Form &form);

} // namespace tenon::sim::ptx

#endif // TENON_SIM_PTX_FORMEXAMPLES_H
