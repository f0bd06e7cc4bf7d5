//===- Matrix.cpp - Warp-level matrix instructions, PTX ISA 9.7.14 --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/forms/Forms.h"

using namespace tenon::sim::ptx;

// clang-format off
static constexpr FormRow kRows[] = {
    {"wmma.load", ".a|.b .sync .aligned LAYOUTA WMMA16 WMSPACE? .f16", ">FL [] .b32?", "9.7.14.4.3", 70},
    {"wmma.load", ".a|.b .sync .aligned LAYOUTA WMMA16 WMSPACE? .u8|.s8", ">FL [] .b32?", "9.7.14.4.3", 72},
    {"wmma.load", ".a|.b .sync .aligned LAYOUTA WMMA16 WMSPACE? .bf16", ">FL [] .b32?", "9.7.14.4.3", 80},
    {"wmma.load", ".a|.b .sync .aligned LAYOUTA .m16n16k8 WMSPACE? .tf32", ">FL [] .b32?", "9.7.14.4.3", 80},
    {"wmma.load", ".a|.b .sync .aligned LAYOUTA .m8n8k4 WMSPACE? .f64", ">FL [] .b32?", "9.7.14.4.3", 80},
    {"wmma.load", ".a .sync .aligned .row .m8n8k32 WMSPACE? .u4|.s4", ">FL [] .b32?", "9.7.14.4.3", 75},
    {"wmma.load", ".b .sync .aligned .col .m8n8k32 WMSPACE? .u4|.s4", ">FL [] .b32?", "9.7.14.4.3", 75},
    {"wmma.load", ".a .sync .aligned .row .m8n8k128 WMSPACE? .b1", ">FL [] .b32?", "9.7.14.4.3", 75},
    {"wmma.load", ".b .sync .aligned .col .m8n8k128 WMSPACE? .b1", ">FL [] .b32?", "9.7.14.4.3", 75},
    {"wmma.load", ".c .sync .aligned LAYOUTA WMMA16 WMSPACE? .f16|.f32", ">FL [] .b32?", "9.7.14.4.3", 70},
    {"wmma.store", ".d .sync .aligned LAYOUTA WMMA16 WMSPACE? .f16|.f32", "[] FL .b32?", "9.7.14.4.4", 70},
    {"wmma.load", ".c .sync .aligned LAYOUTA WMMA16 WMSPACE? .s32", ">FL [] .b32?", "9.7.14.4.3", 72},
    {"wmma.store", ".d .sync .aligned LAYOUTA WMMA16 WMSPACE? .s32", "[] FL .b32?", "9.7.14.4.4", 72},
    {"wmma.load", ".c .sync .aligned LAYOUTA .m16n16k8 WMSPACE? .f32", ">FL [] .b32?", "9.7.14.4.3", 80},
    {"wmma.store", ".d .sync .aligned LAYOUTA .m16n16k8 WMSPACE? .f32", "[] FL .b32?", "9.7.14.4.4", 80},
    {"wmma.load", ".c .sync .aligned LAYOUTA .m8n8k4 WMSPACE? .f64", ">FL [] .b32?", "9.7.14.4.3", 80},
    {"wmma.store", ".d .sync .aligned LAYOUTA .m8n8k4 WMSPACE? .f64", "[] FL .b32?", "9.7.14.4.4", 80},
    {"wmma.load", ".c .sync .aligned LAYOUTA .m8n8k32|.m8n8k128 WMSPACE? .s32", ">FL [] .b32?", "9.7.14.4.3", 75},
    {"wmma.store", ".d .sync .aligned LAYOUTA .m8n8k32|.m8n8k128 WMSPACE? .s32", "[] FL .b32?", "9.7.14.4.4", 75},
    {"wmma.mma", ".sync .aligned LAYOUTA LAYOUTB WMMA16 .f16|.f32 .f16|.f32", ">FD FA FB FC", "9.7.14.4.5", 70},
    {"wmma.mma", ".sync .aligned LAYOUTA LAYOUTB WMMA16 .s32 .u8 .u8 .s32 .satfinite?", ">FD FA FB FC", "9.7.14.4.5", 72},
    {"wmma.mma", ".sync .aligned LAYOUTA LAYOUTB WMMA16 .s32 .s8 .s8 .s32 .satfinite?", ">FD FA FB FC", "9.7.14.4.5", 72},
    {"wmma.mma", ".sync .aligned LAYOUTA LAYOUTB WMMA16 .f32 .bf16 .bf16 .f32", ">FD FA FB FC", "9.7.14.4.5", 80},
    {"wmma.mma", ".sync .aligned LAYOUTA LAYOUTB .m16n16k8 .f32 .tf32 .tf32 .f32", ">FD FA FB FC", "9.7.14.4.5", 80},
    {"wmma.mma", ".sync .aligned LAYOUTA LAYOUTB .m8n8k4 RND? .f64 .f64 .f64 .f64", ">FD FA FB FC", "9.7.14.4.5", 80},
    // As nvcc writes it; the ISA has the rounding before the types.
    {"wmma.mma", ".sync .aligned LAYOUTA LAYOUTB .m8n8k4 .f64 .f64 .f64 .f64 RND", ">FD FA FB FC", "9.7.14.4.5", 80},
    {"wmma.mma", ".sync .aligned .row COLB .m8n8k32 .s32 .u4 .u4 .s32 .satfinite?", ">FD FA FB FC", "9.7.14.4.5", 75},
    {"wmma.mma", ".sync .aligned .row COLB .m8n8k32 .s32 .s4 .s4 .s32 .satfinite?", ">FD FA FB FC", "9.7.14.4.5", 75},
    {"wmma.mma", ".xor .popc .sync .aligned .row COLB .m8n8k128 .s32 .b1 .b1 .s32", ">FD FA FB FC", "9.7.14.4.5", 75},
    {"wmma.mma", ".and .popc .sync .aligned .row COLB .m8n8k128 .s32 .b1 .b1 .s32", ">FD FA FB FC", "9.7.14.4.5", 80},
    {"mma", ".sync .aligned .m8n8k4 LAYOUTA LAYOUTB .f16 .f16 .f16 .f16", ">FD FA FB FC", "9.7.14.5.14", 70},
    {"mma", ".sync .aligned .m8n8k4 LAYOUTA LAYOUTB .f32 .f16 .f16 .f16|.f32", ">FD FA FB FC", "9.7.14.5.14", 70},
    {"mma", ".sync .aligned .m16n8k8 .row COLB .f16 .f16 .f16 .f16", ">FD FA FB FC", "9.7.14.5.14", 75},
    {"mma", ".sync .aligned .m16n8k8 .row COLB .f32 .f16 .f16 .f32", ">FD FA FB FC", "9.7.14.5.14", 75},
    {"mma", ".sync .aligned .m16n8k16 .row COLB .f16 .f16 .f16 .f16", ">FD FA FB FC", "9.7.14.5.14", 80},
    {"mma", ".sync .aligned .m16n8k16 .row COLB .f32 .f16 .f16 .f32", ">FD FA FB FC", "9.7.14.5.14", 80},
    {"mma", ".sync .aligned .m16n8k8|.m16n8k16 .row COLB .f32 .bf16 .bf16 .f32", ">FD FA FB FC", "9.7.14.5.14", 80},
    {"mma", ".sync .aligned .m16n8k4|.m16n8k8 .row COLB .f32 .tf32 .tf32 .f32", ">FD FA FB FC", "9.7.14.5.14", 80},
    {"mma", ".sync .aligned .m16n8k32|.m16n8k16 .row COLB .f32 .e4m3|.e5m2 .e4m3|.e5m2 .f32", ">FD FA FB FC", "9.7.14.5.14", 89},
    {"mma", ".sync .aligned .m16n8k32|.m16n8k16 .row COLB .f16 .e4m3|.e5m2 .e4m3|.e5m2 .f16", ">FD FA FB FC", "9.7.14.5.14", 89},
    {"mma", ".sync .aligned .m8n8k4 .row COLB RND? .f64 .f64 .f64 .f64", ">FD FA FB FC", "9.7.14.5.14", 80},
    {"mma", ".sync .aligned .m16n8k4|.m16n8k8|.m16n8k16 .row COLB RND? .f64 .f64 .f64 .f64", ">FD FA FB FC", "9.7.14.5.14", 90},
    {"mma", ".sync .aligned .m8n8k16 .row COLB .satfinite? .s32 .u8|.s8 .u8|.s8 .s32", ">FD FA FB FC", "9.7.14.5.14", 75},
    {"mma", ".sync .aligned .m16n8k16|.m16n8k32 .row COLB .satfinite? .s32 .u8|.s8 .u8|.s8 .s32", ">FD FA FB FC", "9.7.14.5.14", 80},
    {"mma", ".sync .aligned .m8n8k32 .row COLB .satfinite? .s32 .u4|.s4 .u4|.s4 .s32", ">FD FA FB FC", "9.7.14.5.14", 75},
    {"mma", ".sync .aligned .m16n8k32|.m16n8k64 .row COLB .satfinite? .s32 .u4|.s4 .u4|.s4 .s32", ">FD FA FB FC", "9.7.14.5.14", 80},
    {"mma", ".sync .aligned .m8n8k128 .row COLB .s32 .b1 .b1 .s32 .xor .popc", ">FD FA FB FC", "9.7.14.5.14", 75},
    {"mma", ".sync .aligned .m8n8k128 .row COLB .s32 .b1 .b1 .s32 .and .popc", ">FD FA FB FC", "9.7.14.5.14", 80},
    {"mma", ".sync .aligned .m16n8k128|.m16n8k256 .row COLB .s32 .b1 .b1 .s32 .xor|.and .popc", ">FD FA FB FC", "9.7.14.5.14", 80},
    {"ldmatrix", ".sync .aligned .m8n8 .x1|.x2|.x4 .trans? SHARED? .b16", ">{X}.b32 []", "9.7.14.5.15", 75},
    {"stmatrix", ".sync .aligned .m8n8 .x1|.x2|.x4 .trans? SHARED? .b16", "[] {X}.b32", "9.7.14.5.16", 90},
    {"movmatrix", ".sync .aligned .m8n8 .trans .b16", ">.b32 .b32", "9.7.14.5.17", 75},
    {"mma", ".sp|.sp::ordered_metadata .sync .aligned .m16n8k16|.m16n8k32 .row COLB .f16 .f16 .f16 .f16", ">FD FA FB FC .b32 #", "9.7.14.6.3", 80},
    {"mma", ".sp|.sp::ordered_metadata .sync .aligned .m16n8k16|.m16n8k32 .row COLB .f32 .f16 .f16 .f32", ">FD FA FB FC .b32 #", "9.7.14.6.3", 80},
    {"mma", ".sp|.sp::ordered_metadata .sync .aligned .m16n8k16|.m16n8k32 .row COLB .f32 .bf16 .bf16 .f32", ">FD FA FB FC .b32 #", "9.7.14.6.3", 80},
    {"mma", ".sp|.sp::ordered_metadata .sync .aligned .m16n8k8|.m16n8k16 .row COLB .f32 .tf32 .tf32 .f32", ">FD FA FB FC .b32 #", "9.7.14.6.3", 80},
    {"mma", ".sp|.sp::ordered_metadata .sync .aligned .m16n8k64 .row COLB .f32 .e4m3|.e5m2 .e4m3|.e5m2 .f32", ">FD FA FB FC .b32 #", "9.7.14.6.3", 89},
    {"mma", ".sp|.sp::ordered_metadata .sync .aligned .m16n8k32|.m16n8k64 .row COLB .satfinite? .s32 .u8|.s8 .u8|.s8 .s32", ">FD FA FB FC .b32 #", "9.7.14.6.3", 80},
    {"mma", ".sp|.sp::ordered_metadata .sync .aligned .m16n8k64|.m16n8k128 .row COLB .satfinite? .s32 .u4|.s4 .u4|.s4 .s32", ">FD FA FB FC .b32 #", "9.7.14.6.3", 80},
};
// clang-format on

std::span<const FormRow> tenon::sim::ptx::matrixForms() { return kRows; }
