//===- Later.h - Modifiers of later architectures ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Instructions of this version have forms that only Hopper and Blackwell know.
// They are refused by name, as whole instructions are (forms/Refused.cpp).
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_PTX_LATER_H
#define TENON_SIM_PTX_LATER_H

#include <span>
#include <string>
#include <string_view>

namespace tenon::sim::ptx {

struct LaterWord {
  std::string_view opcode; ///< and what follows it after a dot; empty: any
  std::string_view word;   ///< without its dot; `*` at the end: any that follow
  unsigned sm;
};
std::span<const LaterWord> laterWords();

/// "comes with Hopper (sm_90)" if the opcode has the word from there on.
std::string comesLater(std::string_view opcode, std::string_view word);

/// "Hopper" of 90 to 99, "Blackwell" after them.
std::string_view architectureName(unsigned sm);

} // namespace tenon::sim::ptx

#endif // TENON_SIM_PTX_LATER_H
