//===- Parser.h - PTX text to a checked module ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `parse` takes any bytes and returns a module, or every error it found (at
// most kMaxErrors). Time and memory are bounded by the length of the text and
// the limits below; recursion by kMaxDepth.
//
// Shown by test/unit/sim/ParserTest.cpp and DamageTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_PTX_PARSER_H
#define TENON_SIM_PTX_PARSER_H

#include "sim/ptx/Ast.h"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tenon::sim::ptx {

inline constexpr unsigned kMaxErrors = 20;
inline constexpr unsigned kMaxDepth = 128;
inline constexpr uint32_t kMaxRegisters = 1u << 20;    ///< of a function
inline constexpr uint32_t kMaxAllRegisters = 1u << 24; ///< of a module
inline constexpr uint32_t kMaxVariables = 1u << 18;    ///< of a module

struct Diagnostic {
  uint32_t line = 0, column = 0;
  std::string message;

  /// `ptx:12:8: add.s32: expected 3 operands, got 2`
  std::string text() const {
    return "ptx:" + std::to_string(line) + ":" + std::to_string(column) + ": " +
           message;
  }
};
using Diagnostics = std::vector<Diagnostic>;

std::variant<Module, Diagnostics> parse(std::string_view text);

} // namespace tenon::sim::ptx

#endif // TENON_SIM_PTX_PARSER_H
