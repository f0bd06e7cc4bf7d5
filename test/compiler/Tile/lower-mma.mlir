// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s -tile-lower | FileCheck %s

!a = !tile.fragment<32x32xf16, a, "SM80_16x8x16_F32F16F16F32_TN">
!b = !tile.fragment<8x32xf16, b, "SM80_16x8x16_F32F16F16F32_TN">
!c = !tile.fragment<32x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN">

// k outermost; the second step adds to the sums of the first.
// CHECK-LABEL: func.func @tiles
// CHECK: %[[D0:.*]] = llvm.call_intrinsic "llvm.nvvm.mma.m16n8k16.row.col.f32.f32"
// CHECK: %[[S0:.*]] = llvm.extractvalue %[[D0]][0]
// CHECK: %[[D1:.*]] = llvm.call_intrinsic "llvm.nvvm.mma.m16n8k16.row.col.f32.f32"
// CHECK: %[[S1:.*]] = llvm.extractvalue %[[D1]][0]
// CHECK: llvm.call_intrinsic "llvm.nvvm.mma.m16n8k16.row.col.f32.f32"({{.*}}, %[[S0]], %{{.*}}, %{{.*}}, %{{.*}}) : (vector<2xf16>,
// CHECK: llvm.call_intrinsic "llvm.nvvm.mma.m16n8k16.row.col.f32.f32"({{.*}}, %[[S1]], %{{.*}}, %{{.*}}, %{{.*}})
// CHECK-NOT: llvm.call_intrinsic
// CHECK: return
func.func @tiles() {
  %a = tile.zero : !a
  %b = tile.zero : !b
  %c = tile.zero : !c
  %d = tile.mma %a, %b, %c : !a, !b, !c
  return
}

// CHECK-LABEL: func.func @bf16
// CHECK: llvm.bitcast %{{.*}} : vector<2xbf16> to i32
// CHECK: llvm.call_intrinsic "llvm.nvvm.mma.m16n8k16.row.col.bf16"(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) : ({{.*}}) -> !llvm.struct<(f32, f32, f32, f32)>
func.func @bf16() attributes {tile.sm = 80 : i64} {
  %a = tile.zero : !tile.fragment<16x16xbf16, a, "SM80_16x8x16_F32BF16BF16F32_TN">
  %b = tile.zero : !tile.fragment<8x16xbf16, b, "SM80_16x8x16_F32BF16BF16F32_TN">
  %c = tile.zero : !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32BF16BF16F32_TN">
  %d = tile.mma %a, %b, %c : !tile.fragment<16x16xbf16, a, "SM80_16x8x16_F32BF16BF16F32_TN">, !tile.fragment<8x16xbf16, b, "SM80_16x8x16_F32BF16BF16F32_TN">, !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32BF16BF16F32_TN">
  return
}

// CHECK-LABEL: func.func @tf32
// CHECK: llvm.call_intrinsic "llvm.nvvm.mma.m16n8k8.row.col.tf32"(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) : ({{.*}}) -> !llvm.struct<(f32, f32, f32, f32)>
func.func @tf32() attributes {tile.sm = 80 : i64} {
  %a = tile.zero : !tile.fragment<16x8xtf32, a, "SM80_16x8x8_F32TF32TF32F32_TN">
  %b = tile.zero : !tile.fragment<8x8xtf32, b, "SM80_16x8x8_F32TF32TF32F32_TN">
  %c = tile.zero : !tile.fragment<16x8xf32, c, "SM80_16x8x8_F32TF32TF32F32_TN">
  %d = tile.mma %a, %b, %c : !tile.fragment<16x8xtf32, a, "SM80_16x8x8_F32TF32TF32F32_TN">, !tile.fragment<8x8xtf32, b, "SM80_16x8x8_F32TF32TF32F32_TN">, !tile.fragment<16x8xf32, c, "SM80_16x8x8_F32TF32TF32F32_TN">
  return
}

// CHECK-LABEL: func.func @s8
// CHECK: llvm.call_intrinsic "llvm.nvvm.mma.m16n8k32.row.col.s8"(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) : ({{.*}}) -> !llvm.struct<(i32, i32, i32, i32)>
func.func @s8() attributes {tile.sm = 80 : i64} {
  %a = tile.zero : !tile.fragment<16x32xi8, a, "SM80_16x8x32_S32S8S8S32_TN">
  %b = tile.zero : !tile.fragment<8x32xi8, b, "SM80_16x8x32_S32S8S8S32_TN">
  %c = tile.zero : !tile.fragment<16x8xi32, c, "SM80_16x8x32_S32S8S8S32_TN">
  %d = tile.mma %a, %b, %c : !tile.fragment<16x32xi8, a, "SM80_16x8x32_S32S8S8S32_TN">, !tile.fragment<8x32xi8, b, "SM80_16x8x32_S32S8S8S32_TN">, !tile.fragment<16x8xi32, c, "SM80_16x8x32_S32S8S8S32_TN">
  return
}

// CHECK-LABEL: func.func @e4m3
// CHECK: llvm.call_intrinsic "llvm.nvvm.mma.m16n8k32.row.col.f32.e4m3.e4m3.f32"(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) : ({{.*}}) -> !llvm.struct<(f32, f32, f32, f32)>
func.func @e4m3() attributes {tile.sm = 89 : i64} {
  %a = tile.zero : !tile.fragment<16x32xf8E4M3FN, a, "SM89_16x8x32_F32E4M3E4M3F32_TN">
  %b = tile.zero : !tile.fragment<8x32xf8E4M3FN, b, "SM89_16x8x32_F32E4M3E4M3F32_TN">
  %c = tile.zero : !tile.fragment<16x8xf32, c, "SM89_16x8x32_F32E4M3E4M3F32_TN">
  %d = tile.mma %a, %b, %c : !tile.fragment<16x32xf8E4M3FN, a, "SM89_16x8x32_F32E4M3E4M3F32_TN">, !tile.fragment<8x32xf8E4M3FN, b, "SM89_16x8x32_F32E4M3E4M3F32_TN">, !tile.fragment<16x8xf32, c, "SM89_16x8x32_F32E4M3E4M3F32_TN">
  return
}

// CHECK-LABEL: func.func @e5m2
// CHECK: llvm.call_intrinsic "llvm.nvvm.mma.m16n8k32.row.col.f32.e5m2.e5m2.f32"(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) : ({{.*}}) -> !llvm.struct<(f32, f32, f32, f32)>
func.func @e5m2() attributes {tile.sm = 89 : i64} {
  %a = tile.zero : !tile.fragment<16x32xf8E5M2, a, "SM89_16x8x32_F32E5M2E5M2F32_TN">
  %b = tile.zero : !tile.fragment<8x32xf8E5M2, b, "SM89_16x8x32_F32E5M2E5M2F32_TN">
  %c = tile.zero : !tile.fragment<16x8xf32, c, "SM89_16x8x32_F32E5M2E5M2F32_TN">
  %d = tile.mma %a, %b, %c : !tile.fragment<16x32xf8E5M2, a, "SM89_16x8x32_F32E5M2E5M2F32_TN">, !tile.fragment<8x32xf8E5M2, b, "SM89_16x8x32_F32E5M2E5M2F32_TN">, !tile.fragment<16x8xf32, c, "SM89_16x8x32_F32E5M2E5M2F32_TN">
  return
}

!fa = !tile.fragment<16x4xf32, a, "FMA_16x32x4_F32F32F32F32">
!fb = !tile.fragment<32x4xf32, b, "FMA_16x32x4_F32F32F32F32">
!fc = !tile.fragment<16x32xf32, c, "FMA_16x32x4_F32F32F32F32">

// 4 x 4 sums, 4 products each.
// CHECK-LABEL: func.func @fma
// CHECK-COUNT-64: llvm.intr.fma
// CHECK-NOT: llvm.intr.fma
// CHECK: return
func.func @fma() {
  %a = tile.zero : !fa
  %b = tile.zero : !fb
  %c = tile.zero : !fc
  %d = tile.mma %a, %b, %c : !fa, !fb, !fc
  return
}
