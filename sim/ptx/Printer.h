//===- Printer.h - A module back to PTX text --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The text parses to an equal module: constant expressions are computed, names
// with a count (`%r<4>`) keep it, comments are gone.
//
// Shown by test/unit/sim/PrinterTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_PTX_PRINTER_H
#define TENON_SIM_PTX_PRINTER_H

#include "sim/ptx/Ast.h"

#include <string>

namespace tenon::sim::ptx {

std::string toText(const Module &module);

/// One instruction with its guard, as messages quote it: `@!%p1 bra L;`
std::string toText(const Module &module, const Function &function,
                   const Instruction &instruction);

} // namespace tenon::sim::ptx

#endif // TENON_SIM_PTX_PRINTER_H
