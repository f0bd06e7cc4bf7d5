//===- Names.cpp - Opcodes that compute on rows ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One look-up a row of the instruction table, kept by the opcode's index.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/alu/Names.h"
#include "sim/ptx/Instructions.h"

using namespace tenon::sim;
using namespace tenon::sim::exec;

static Name find(std::string_view spelling) {
#define X(name, text)                                                          \
  if (spelling == (text))                                                      \
    return Name::name;
  TENON_SIM_ALU_NAMES(X)
#undef X
  return Name::Other;
}

Name tenon::sim::exec::nameOf(const ptx::Instruction &instruction) {
  static const std::vector<Name> names = [] {
    std::vector<Name> all;
    for (const ptx::Opcode &opcode : ptx::opcodes())
      all.push_back(find(opcode.name));
    return all;
  }();
  return names[instruction.opcode];
}
