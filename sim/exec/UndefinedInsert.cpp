//===- UndefinedInsert.cpp - Bit-fields in memory never written ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The first value that a bit-field gets is put among bits that nobody wrote:
//
//   ld.u8 %rs1, [%rd1+3];   and.b16 %rs2, %rs1, -2;
//   or.b16 %rs3, %rs2, 1;   st.u8 [%rd1+3], %rs3;
//
// The undefined bits go back to where they came from, which says nothing of
// them. Marks are of bytes, so the byte counts as written from then on.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/UndefinedTracker.h"
#include "sim/ptx/Instructions.h"

#include <algorithm>
#include <vector>

using namespace tenon::sim;
using namespace tenon::sim::exec;
using ptx::Instruction;
using ptx::Operand;

/// How far the load may lie before the store.
static constexpr uint32_t kReach = 64;

static bool samePlace(const Operand &a, const Operand &b) {
  return a.base == b.base && a.index == b.index && a.value == b.value;
}

/// The bytes of which `and` or `bfi` decides at least a bit.
static uint32_t bytesDecided(const Instruction &instruction,
                             std::string_view name) {
  unsigned bytes = ptx::bitsOf(instruction.types[0]) / 8;
  uint32_t decided = 0;
  auto number = [&](size_t i) -> const Operand * {
    const Operand &operand = instruction.operands[i];
    return operand.kind == Operand::Kind::Immediate ? &operand : nullptr;
  };
  if (name == "and") {
    const Operand *mask = number(2);
    for (unsigned i = 0; mask && i < bytes; ++i)
      decided |= uint32_t((mask->value >> (8 * i) & 0xff) != 0xff) << i;
  } else if (name == "bfi") { // PTX ISA 9.7.1.20: a into b at c, d bits
    const Operand *first = number(3), *count = number(4);
    for (unsigned i = 0; first && count && i < bytes; ++i)
      decided |= uint32_t(first->value < 8 * (i + 1) &&
                          first->value + count->value > 8 * i)
                 << i;
  }
  return decided;
}

uint32_t tenon::sim::exec::bytesInserted(const Program &program, uint32_t load,
                                         uint32_t store) {
  if (load >= store || store - load > kReach ||
      program.infos[load].function != program.infos[store].function)
    return 0;
  const Instruction *from = program.instruction(load),
                    *to = program.instruction(store);
  if (!from || !to || from->operands.size() < 2 || to->operands.size() < 2 ||
      from->operands[1].kind != Operand::Kind::Address ||
      !samePlace(from->operands[1], to->operands[0]) ||
      to->operands[1].kind != Operand::Kind::Register ||
      ptx::bitsOf(from->types[0]) != ptx::bitsOf(to->types[0]))
    return 0;
  // Backwards from what is stored to what was loaded.
  std::vector<uint32_t> wanted = {to->operands[1].index};
  uint32_t decided = 0;
  for (uint32_t pc = store; pc-- > load;) {
    const Instruction *at = program.instruction(pc);
    if (program.infos[pc].instruction == ptx::kNone || !at ||
        at->operands.empty() || at->operands[0].kind != Operand::Kind::Register)
      continue;
    std::string_view name = ptx::opcodes()[at->opcode].name;
    if (name == "st" || name == "red")
      continue; // its first operand is no destination
    uint32_t destination = at->operands[0].index;
    if (to->operands[0].base == Operand::Kind::Register &&
        destination == to->operands[0].index)
      return 0; // another address by then
    auto found = std::find(wanted.begin(), wanted.end(), destination);
    if (found == wanted.end())
      continue;
    if (pc == load)
      return decided;
    if (at->guard == ptx::kNone)
      wanted.erase(found);
    if (name != "and" && name != "or" && name != "bfi" && name != "mov" &&
        name != "cvt" && name != "prmt")
      continue; // a value that is put in
    decided |= bytesDecided(*at, name);
    for (size_t i = 1; i < at->operands.size(); ++i)
      if (at->operands[i].kind == Operand::Kind::Register)
        wanted.push_back(at->operands[i].index);
  }
  return 0;
}
