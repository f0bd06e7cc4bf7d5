// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s -tile-lower | FileCheck %s

!t = !tile.shared<64x32xf16, "(64:32)(32:1)swizzle<3,3,3>", 2>
!a = !tile.fragment<32x16xf16, a, "SM80_16x8x16_F32F16F16F32_TN">

// Two atoms below each other, four matrices each: the second 16 rows of 64
// bytes further, which no swizzled bit touches. The slot is 4096 bytes.
// CHECK-LABEL: func.func @matrices(
// CHECK-SAME: %[[SLOT:.*]]: i64, %{{.*}}: i64)
// CHECK: %[[S:.*]] = arith.trunci %[[SLOT]] : i64 to i32
// CHECK: %[[BYTES:.*]] = arith.muli %[[S]], %c4096_i32{{[_0-9]*}}
// CHECK: %[[STAGE:.*]] = llvm.getelementptr inbounds %{{.*}}[%[[BYTES]]]
// CHECK: %[[P:.*]] = llvm.getelementptr inbounds %[[STAGE]][%{{.*}}]
// CHECK: %[[L:.*]] = nvvm.ldmatrix %[[P]] {{.*}}layout = #nvvm.mma_layout<row>, num = 4 : i32
// CHECK: %[[W:.*]] = llvm.extractvalue %[[L]][0]
// CHECK: llvm.bitcast %[[W]] : i32 to vector<2xf16>
// CHECK: %[[P2:.*]] = llvm.getelementptr inbounds %[[STAGE]][%{{.*}}]
// CHECK: %[[Q:.*]] = llvm.getelementptr inbounds %[[P2]][1024]
// CHECK: nvvm.ldmatrix %[[Q]]
// CHECK-NOT: nvvm.ldmatrix
// CHECK: return
func.func @matrices(%slot: i64, %row: i64) {
  %t = tile.alloc : !t
  %a = tile.load %t[%slot][%row, 0] using "SM75_LDSM_X4" : !t -> !a
  return
}

// The step along k changes a bit that the swizzle moves: exclusive or.
// CHECK-LABEL: func.func @next_step
// CHECK: %[[BASE:.*]] = llvm.mlir.addressof
// CHECK: %[[P:.*]] = llvm.getelementptr inbounds %[[BASE]][%[[AT:.*]]]
// CHECK: nvvm.ldmatrix %[[P]]
// CHECK: %[[NEXT:.*]] = arith.xori %[[AT]], %c32_i32{{[_0-9]*}}
// CHECK: %[[Q:.*]] = llvm.getelementptr inbounds %[[BASE]][%[[NEXT]]]
// CHECK: nvvm.ldmatrix %[[Q]]
func.func @next_step(%slot: i64) {
  %t = tile.alloc : !tile.shared<16x32xf16, "(16:32)(32:1)swizzle<3,3,3>", 1>
  %a = tile.load %t[%slot][0, 0] using "SM75_LDSM_X4" : !tile.shared<16x32xf16, "(16:32)(32:1)swizzle<3,3,3>", 1> -> !tile.fragment<16x32xf16, a, "SM80_16x8x16_F32F16F16F32_TN">
  return
}

// Rows of the tile lie along k: ldmatrix turns them.
// CHECK-LABEL: func.func @transposed
// CHECK: nvvm.ldmatrix %{{.*}} {{.*}}layout = #nvvm.mma_layout<col>, num = 2 : i32
func.func @transposed(%slot: i64) {
  %t = tile.alloc : !tile.shared<16x64xf16, "(16:64)(64:1)swizzle<3,3,3>", 1>
  %b = tile.load %t[%slot][0, 8] transposed using "SM75_LDSM_X2_T" : !tile.shared<16x64xf16, "(16:64)(64:1)swizzle<3,3,3>", 1> -> !tile.fragment<8x16xf16, b, "SM80_16x8x16_F32F16F16F32_TN">
  return
}

// Four neighbouring rows of a k-major tile: four runs of four numbers of k.
// CHECK-LABEL: func.func @vectors_along_k
// CHECK-COUNT-4: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<3> -> vector<4xf32>
// CHECK-NOT: llvm.load
// CHECK: return
func.func @vectors_along_k(%slot: i64) {
  %t = tile.alloc : !tile.shared<16x16xf32, "(16:16)(16:1)swizzle<3,2,4>", 1>
  %a = tile.load %t[%slot][0, 0] using "VECTOR" : !tile.shared<16x16xf32, "(16:16)(16:1)swizzle<3,2,4>", 1> -> !tile.fragment<16x4xf32, a, "FMA_16x32x4_F32F32F32F32">
  return
}

// The same fragment, rows of the tile along k: runs of four neighbouring rows.
// CHECK-LABEL: func.func @vectors_across_k
// CHECK-COUNT-4: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<3> -> vector<4xf32>
// CHECK-NOT: llvm.load
// CHECK: return
func.func @vectors_across_k(%slot: i64) {
  %t = tile.alloc : !tile.shared<4x16xf32, "(4:16)(16:1)", 1>
  %a = tile.load %t[%slot][0, 0] transposed using "VECTOR" : !tile.shared<4x16xf32, "(4:16)(16:1)", 1> -> !tile.fragment<16x4xf32, a, "FMA_16x32x4_F32F32F32F32">
  return
}

// tf32 across k: four words.
// CHECK-LABEL: func.func @words
// CHECK-COUNT-4: llvm.load %{{.*}} {alignment = 4 : i64} : !llvm.ptr<3> -> f32
// CHECK-NOT: llvm.load
// CHECK: return
func.func @words(%slot: i64) {
  %t = tile.alloc : !tile.shared<8x32xf32, "(8:32)(32:1)swizzle<2,3,2>", 1>
  %a = tile.load %t[%slot][0, 0] transposed using "VECTOR" : !tile.shared<8x32xf32, "(8:32)(32:1)swizzle<2,3,2>", 1> -> !tile.fragment<16x8xf32, a, "SM80_16x8x8_F32TF32TF32F32_TN">
  return
}

// 8-bit numbers: a register of four at once.
// CHECK-LABEL: func.func @bytes
// CHECK-COUNT-4: llvm.load %{{.*}} {alignment = 4 : i64} : !llvm.ptr<3> -> i32
// CHECK-NOT: llvm.load
// CHECK: return
func.func @bytes(%slot: i64) {
  %t = tile.alloc : !tile.shared<16x32xi8, "(16:32)(32:1)", 1>
  %a = tile.load %t[%slot][0, 0] using "VECTOR" : !tile.shared<16x32xi8, "(16:32)(32:1)", 1> -> !tile.fragment<16x32xi8, a, "SM80_16x8x32_S32S8S8S32_TN">
  return
}

// Halves that lie apart are put into pairs one by one.
// CHECK-LABEL: func.func @halves
// CHECK: %[[X:.*]] = llvm.load %{{.*}} {alignment = 2 : i64} : !llvm.ptr<3> -> f16
// CHECK: %[[P:.*]] = llvm.mlir.poison : vector<2xf16>
// CHECK: llvm.insertelement %[[X]], %[[P]]
func.func @halves(%slot: i64) {
  %t = tile.alloc : !tile.shared<16x16xf16, "(16:1)(16:16)", 1>
  %a = tile.load %t[%slot][0, 0] using "VECTOR" : !tile.shared<16x16xf16, "(16:1)(16:16)", 1> -> !tile.fragment<16x16xf16, a, "SM80_16x8x16_F32F16F16F32_TN">
  return
}
