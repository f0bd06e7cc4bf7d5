//===- Logic.cpp - Comparison, logic, conversion, 9.7.6 to 9.7.9 ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/forms/Forms.h"

using namespace tenon::sim::ptx;

// clang-format off
static constexpr FormRow kRows[] = {
    {"set", "CMP .ftz? .u32|.s32|.f32 SETT", ">T U U", "9.7.6.1"},
    {"set", "CMP BOOL .ftz? .u32|.s32|.f32 SETT", ">T U U !.pred", "9.7.6.1"},
    {"setp", "CMP .ftz? SETT", ">.pred|| T T", "9.7.6.2"},
    {"setp", "CMP BOOL .ftz? SETT", ">.pred|| T T !.pred", "9.7.6.2"},
    {"selp", "INT|.b16|.b32|.b64|.f32|.f64", ">T T T !.pred", "9.7.6.3"},
    {"slct", "INT|.b16|.b32|.b64|.f32|.f64 .s32", ">T T T .s32", "9.7.6.4"},
    {"slct", ".ftz? INT|.b16|.b32|.b64|.f32|.f64 .f32", ">T T T .f32", "9.7.6.4"},
    {"set", "CMP .ftz? .f16 SETT|.f16", ">T U U", "9.7.7.1", 53},
    {"set", "CMP BOOL .ftz? .f16 SETT|.f16", ">T U U !.pred", "9.7.7.1", 53},
    {"set", "CMP .bf16 SETT|.f16|.bf16", ">T U U", "9.7.7.1", 90},
    {"set", "CMP BOOL .bf16 SETT|.f16|.bf16", ">T U U !.pred", "9.7.7.1", 90},
    {"set", "CMP .ftz? .u16|.s16|.u32|.s32 .f16", ">T U U", "9.7.7.1", 53},
    {"set", "CMP BOOL .ftz? .u16|.s16|.u32|.s32 .f16", ">T U U !.pred", "9.7.7.1", 53},
    {"set", "CMP .u16|.s16|.u32|.s32 .bf16", ">T U U", "9.7.7.1", 90},
    {"set", "CMP BOOL .u16|.s16|.u32|.s32 .bf16", ">T U U !.pred", "9.7.7.1", 90},
    {"set", "CMP .ftz? .f16x2|.u32|.s32 .f16x2", ">T U U", "9.7.7.1", 53},
    {"set", "CMP BOOL .ftz? .f16x2|.u32|.s32 .f16x2", ">T U U !.pred", "9.7.7.1", 53},
    {"set", "CMP .bf16x2|.u32|.s32 .bf16x2", ">T U U", "9.7.7.1", 90},
    {"set", "CMP BOOL .bf16x2|.u32|.s32 .bf16x2", ">T U U !.pred", "9.7.7.1", 90},
    {"setp", "CMP .ftz? HALF", ">.pred|| T T", "9.7.7.2", 53},
    {"setp", "CMP BOOL .ftz? HALF", ">.pred|| T T !.pred", "9.7.7.2", 53},
    {"setp", "CMP BHALF", ">.pred|| T T", "9.7.7.2", 90},
    {"setp", "CMP BOOL BHALF", ">.pred|| T T !.pred", "9.7.7.2", 90},

    {"and", ".pred|.b16|.b32|.b64", ">T !T !T", "9.7.8.1"},
    {"or", ".pred|.b16|.b32|.b64", ">T !T !T", "9.7.8.2"},
    {"xor", ".pred|.b16|.b32|.b64", ">T !T !T", "9.7.8.3"},
    {"not", ".pred|.b16|.b32|.b64", ">T !T", "9.7.8.4"},
    {"cnot", ".b16|.b32|.b64", ">T T", "9.7.8.5"},
    {"lop3", ".b32", ">T T T T #", "9.7.8.6", 50},
    {"lop3", "BOOLAO .b32", ">T_| T T T # !.pred", "9.7.8.6", 70},
    {"shf", ".l|.r .clamp|.wrap .b32", ">T T T .u32", "9.7.8.7", 32},
    {"shl", ".b16|.b32|.b64", ">T T .u32", "9.7.8.8"},
    {"shr", "INT|.b16|.b32|.b64", ">T T .u32", "9.7.8.9"},

    {"mov", ".pred|INT|.b16|.b32|.b64|.b128|.f32|.f64", ">M M", "9.7.9.3"},
    {"shfl", "SHFL .b32", ">T_| T .b32 .b32", "9.7.9.5", 30},
    {"shfl", ".sync SHFL .b32", ">T_| T .b32 .b32 .b32", "9.7.9.6", 30},
    {"prmt", ".b32 PRMT?", ">T T T .b32", "9.7.9.7", 20},
    {"isspacep", ".const|.global|.local|.shared|.shared::cta|.param|.param::entry", ">.pred A", "9.7.9.19", 20},
    {"isspacep", ".shared::cluster", ">.pred A", "9.7.9.19", 90},
    {"cvta", ".to? .const|.global|.local|.shared|.shared::cta|.shared::cluster|.param|.param::entry .u32|.u64", ">T A", "9.7.9.20", 20},
    {"cvt", ".sat? INT8 INT8", ">T~ U~", "9.7.9.21"},
    {"cvt", "RNDI .ftz? .sat? INT8 .f32", ">T~ U~", "9.7.9.21"},
    {"cvt", "RNDI .sat? INT8 .f16|.f64", ">T~ U~", "9.7.9.21"},
    {"cvt", "RND .sat? .f16|.f64 INT8", ">T~ U~", "9.7.9.21"},
    {"cvt", "RND .ftz? .sat? .f32 INT8", ">T~ U~", "9.7.9.21"},
    {"cvt", "RND .ftz? .sat? .f16 .f32", ">T U", "9.7.9.21"},
    {"cvt", "RND .sat? .f16 .f64", ">T U", "9.7.9.21"},
    {"cvt", "RND .ftz? .sat? .f32 .f64", ">T U", "9.7.9.21"},
    {"cvt", ".ftz? .sat? .f32 .f16", ">T U", "9.7.9.21"},
    {"cvt", ".sat? .f64 .f16", ">T U", "9.7.9.21"},
    {"cvt", ".ftz? .sat? .f64 .f32", ">T U", "9.7.9.21"},
    {"cvt", "RNDI? .sat? .f16 .f16", ">T U", "9.7.9.21"},
    {"cvt", "RNDI? .ftz? .sat? .f32 .f32", ">T U", "9.7.9.21"},
    {"cvt", "RNDI? .sat? .f64 .f64", ">T U", "9.7.9.21"},
    {"cvt", "RND .bf16 INT|.f16|.f64", ">T U~", "9.7.9.21", 90},
    {"cvt", "RNDI? .bf16 .bf16", ">T U", "9.7.9.21", 90},
    {"cvt", "RNDI INT .bf16", ">T~ U", "9.7.9.21", 90},
    {"cvt", "RND .f16 .bf16", ">T U", "9.7.9.21", 90},
    {"cvt", ".f64 .bf16", ">T U", "9.7.9.21", 90},
    {"cvt", ".rn|.rz .relu? .satfinite? .f16|.bf16 .f32", ">T U", "9.7.9.21", 80},
    {"cvt", ".rn|.rz .satfinite .relu .f16|.bf16 .f32", ">T U", "9.7.9.21", 80},
    {"cvt", ".rn|.rz .relu? .satfinite? .f16x2|.bf16x2 .f32", ">T U U", "9.7.9.21", 80},
    {"cvt", ".rn|.rz .satfinite .relu .f16x2|.bf16x2 .f32", ">T U U", "9.7.9.21", 80},
    {"cvt", ".rn|.rz .ftz .bf16 .f32", ">T U", "9.7.9.21", 80},
    {"cvt", ".f32 .bf16", ">T U", "9.7.9.21", 80},
    {"cvt", ".ftz .f32 .bf16", ">T U", "9.7.9.21", 90},
    {"cvt", ".rna .satfinite? .tf32 .f32", ">T U", "9.7.9.21", 80},
    {"cvt", ".rn|.rz .relu? .tf32 .f32", ">T U", "9.7.9.21", 90},
    {"cvt", ".rn|.rz .satfinite .relu? .tf32 .f32", ">T U", "9.7.9.21", 100},
    {"cvt", ".rn .satfinite .relu? .e4m3x2|.e5m2x2 .f32", ">T U U", "9.7.9.21", 89},
    {"cvt", ".rn .satfinite .relu? .e4m3x2|.e5m2x2 .f16x2", ">T U", "9.7.9.21", 89},
    {"cvt", ".rn .relu? .f16x2 .e4m3x2|.e5m2x2", ">T U", "9.7.9.21", 89},
    {"cvt.pack", ".sat .u16|.s16 .s32", ">.b32 U U", "9.7.9.22", 72},
    {"cvt.pack", ".sat .u2|.s2|.u4|.s4|.u8|.s8 .s32 .b32", ">.b32 U U .b32", "9.7.9.22", 72},
};
// clang-format on

std::span<const FormRow> tenon::sim::ptx::logicForms() { return kRows; }
