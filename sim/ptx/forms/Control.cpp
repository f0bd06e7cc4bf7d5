//===- Control.cpp - Control flow and the rest, 9.7.12 and 9.7.19 ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/forms/Forms.h"

using namespace tenon::sim::ptx;

// clang-format off
static constexpr FormRow kRows[] = {
    {"bra", ".uni?", "@", "9.7.12.3"},
    {"brx.idx", ".uni?", ".u32 TABLE", "9.7.12.4", 30},
    {"call", ".uni?", "CALL", "9.7.12.5", 20},
    {"ret", ".uni?", "", "9.7.12.6"},
    {"exit", "", "", "9.7.12.7"},
    {"brkpt", "", "", "9.7.19.1", 11},
    {"nanosleep", ".u32", "T", "9.7.19.2", 70},
    {"pmevent", "", "#", "9.7.19.3", 11},
    {"pmevent.mask", "", "#", "9.7.19.3", 20},
    {"trap", "", "", "9.7.19.4"},
};
// clang-format on

std::span<const FormRow> tenon::sim::ptx::controlForms() { return kRows; }
