//===- Plan.h - What follows from the shapes of the inputs -------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Shapes => numbers for all symbols and expressions => bytes of all values =>
// their places in the arena. A context keeps the plans of the last shapes.
//
// Shown by test/unit/runtime/ContextTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_RUNTIME_PLAN_H
#define TENON_RUNTIME_PLAN_H

#include "runtime/MemoryPlan.h"

namespace tenon::runtime {

struct Plan {
  std::vector<int64_t> shapes; // the key: all input dims, one after another
  Numbers symbols, exprs;
  // By value. Bytes, -1 if not known before the program runs (or never).
  std::vector<int64_t> bytes;
  // Temp: offset in the arena. Alias: offset from its base. Else 0.
  std::vector<int64_t> place;
  uint64_t arenaBytes = 0;
  uint64_t scratchBytes = 0; // for one thread, a multiple of 64
  uint64_t lastUse = 0;
  uint64_t id = 0;   // of this plan among all of its context
  uint64_t uses = 0; // how often it was found
};

/// Plans the main program for inputs that have passed Interface::checkInputs.
/// Sets all but `shapes` and what counts uses.
Status planShapes(const TenonTensor *inputs, const ExprTable &exprs,
                  const Interface &interface, const Program &program,
                  const Lifetimes &lifetimes, Plan &plan);

/// Plans the init program, which has no inputs.
Status planInit(const ExprTable &exprs, const Interface &interface,
                const Program &program, const Lifetimes &lifetimes, Plan &plan);

} // namespace tenon::runtime

#endif // TENON_RUNTIME_PLAN_H
