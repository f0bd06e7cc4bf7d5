//===- Integer.cpp - Integer arithmetic, 9.7.1, 9.7.2 and 9.7.18 ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/forms/Forms.h"

using namespace tenon::sim::ptx;

// clang-format off
static constexpr FormRow kRows[] = {
    {"add", "INT", ">T T T", "9.7.1.1"},
    {"add", ".sat .s32", ">T T T", "9.7.1.1"},
    {"add", ".u16x2|.s16x2", ">T T T", "9.7.1.1", 90},
    {"sub", "INT", ">T T T", "9.7.1.2"},
    {"sub", ".sat .s32", ">T T T", "9.7.1.2"},
    {"mul", ".lo|.hi INT", ">T T T", "9.7.1.3"},
    {"mul", ".wide .u16|.u32|.s16|.s32", ">2T T T", "9.7.1.3"},
    {"mad", ".lo|.hi INT", ">T T T T", "9.7.1.4"},
    {"mad", ".hi .sat .s32", ">T T T T", "9.7.1.4"},
    {"mad", ".wide .u16|.u32|.s16|.s32", ">2T T T 2T", "9.7.1.4"},
    {"mul24", ".lo|.hi INT32", ">T T T", "9.7.1.5"},
    {"mad24", ".lo|.hi INT32", ">T T T T", "9.7.1.6"},
    {"mad24", ".hi .sat .s32", ">T T T T", "9.7.1.6"},
    {"sad", "INT", ">T T T T", "9.7.1.7"},
    {"div", "INT", ">T T T", "9.7.1.8"},
    {"rem", "INT", ">T T T", "9.7.1.9"},
    {"abs", ".s16|.s32|.s64", ">T T", "9.7.1.10"},
    {"neg", ".s16|.s32|.s64", ">T T", "9.7.1.11"},
    {"min", "INT", ">T T T", "9.7.1.12"},
    {"min", ".u16x2|.s16x2", ">T T T", "9.7.1.12", 90},
    {"min", ".relu .s16x2|.s32", ">T T T", "9.7.1.12", 90},
    {"max", "INT", ">T T T", "9.7.1.13"},
    {"max", ".u16x2|.s16x2", ">T T T", "9.7.1.13", 90},
    {"max", ".relu .s16x2|.s32", ">T T T", "9.7.1.13", 90},
    {"popc", ".b32|.b64", ">.u32 T", "9.7.1.14", 20},
    {"clz", ".b32|.b64", ">.u32 T", "9.7.1.15", 20},
    {"bfind", ".shiftamt? .u32|.u64|.s32|.s64", ">.u32 T", "9.7.1.16", 20},
    {"fns", ".b32", ">.b32 .b32 .b32 .s32", "9.7.1.17", 30},
    {"brev", ".b32|.b64", ">T T", "9.7.1.18", 20},
    {"bfe", ".u32|.u64|.s32|.s64", ">T T .u32 .u32", "9.7.1.19", 20},
    {"bfi", ".b32|.b64", ">T T T .u32 .u32", "9.7.1.20", 20},
    {"szext", ".wrap|.clamp INT32", ">T T .u32", "9.7.1.21", 70},
    {"bmsk", ".wrap|.clamp .b32", ">T .u32 .u32", "9.7.1.22", 70},
    {"dp4a", "INT32 INT32", ">.u32 .u32 .u32 .u32", "9.7.1.23", 61},
    {"dp2a", ".lo|.hi INT32 INT32", ">.u32 .u32 .u32 .u32", "9.7.1.24", 61},

    {"add", ".cc INTCC", ">T T T", "9.7.2.1"},
    {"addc", ".cc? INTCC", ">T T T", "9.7.2.2"},
    {"sub", ".cc INTCC", ">T T T", "9.7.2.3"},
    {"subc", ".cc? INTCC", ">T T T", "9.7.2.4"},
    {"mad", ".lo|.hi .cc INTCC", ">T T T T", "9.7.2.5", 20},
    {"madc", ".lo|.hi .cc? INTCC", ">T T T T", "9.7.2.6", 20},

    // The video instruction that CUDA's own headers use, without selectors.
    {"vabsdiff4", ".u32|.s32 .u32|.s32 .u32|.s32 .sat?", ">T U V T", "9.7.18.2.3", 30},
    {"vabsdiff4", ".u32|.s32 .u32|.s32 .u32|.s32 .add", ">T U V T", "9.7.18.2.3", 30},
};
// clang-format on

std::span<const FormRow> tenon::sim::ptx::integerForms() { return kRows; }
