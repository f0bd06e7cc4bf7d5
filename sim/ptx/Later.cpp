//===- Later.cpp - Modifiers of later architectures -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/Later.h"

using namespace tenon::sim::ptx;

// PTX ISA 9.1, 9.7: the target notes of each instruction.
static constexpr LaterWord kWords[] = {
    {"", "multicast::cluster", 90},
    {"", "mbarrier::complete_tx::bytes", 90},
    {"", "bulk_group", 90},
    {"mbarrier", "shared::cluster", 90},
    {"fence", "sync_restrict*", 90},
    {"fence", "proxy", 90},
    {"stmatrix", "b8", 100},
    {"stmatrix", "m16n8", 100},
    {"ldmatrix", "b8*", 100},
    {"ldmatrix", "m16n16", 100},
    {"ldmatrix", "m8n16", 100},
    {"ld", "v8", 100},
    {"st", "v8", 100},
    {"ld", "L2::evict*", 100},
    {"st", "L2::evict*", 100},
    {"", "f32x2", 100},
    {"", "e2m1*", 100},
    {"", "e2m3*", 100},
    {"", "e3m2*", 100},
    {"", "e4m3x4", 100},
    {"", "e5m2x4", 100},
    {"", "ue8m0*", 100},
    {"", "ue4m3*", 100},
    {"", "s2f6x2", 100},
    {"", "scaled*", 100},
    {"cvt", "rs", 100},
    {"mma", "kind*", 100},
    {"mma", "block_scale", 100},
    {"mma", "scale_vec*", 100},
};

std::span<const LaterWord> tenon::sim::ptx::laterWords() { return kWords; }

std::string_view tenon::sim::ptx::architectureName(unsigned sm) {
  return sm < 100 ? "Hopper" : "Blackwell";
}

std::string tenon::sim::ptx::comesLater(std::string_view opcode,
                                        std::string_view word) {
  for (const LaterWord &row : kWords) {
    bool isOpcode =
        row.opcode.empty() || (opcode.starts_with(row.opcode) &&
                               (opcode.size() == row.opcode.size() ||
                                opcode[row.opcode.size()] == '.'));
    bool isWord =
        row.word.ends_with('*')
            ? word.starts_with(row.word.substr(0, row.word.size() - 1))
            : word == row.word;
    if (isOpcode && isWord)
      return "comes with " + std::string(architectureName(row.sm)) + " (sm_" +
             std::to_string(row.sm) + ")";
  }
  return {};
}
