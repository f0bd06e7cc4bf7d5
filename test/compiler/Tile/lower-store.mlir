// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s -tile-lower -canonicalize -cse | FileCheck %s

!h = !tile.fragment<16x16xf16, c, "SM80_16x8x16_F32F16F16F32_TN">
!t = !tile.shared<16x16xf16, "(16:16)(16:1)swizzle<1,3,3>", 1>

// Pairs of neighbouring columns.
// CHECK-LABEL: func.func @vectors
// CHECK-COUNT-4: llvm.store %{{.*}}, %{{.*}} {alignment = 4 : i64} : vector<2xf16>, !llvm.ptr<3>
// CHECK-NOT: llvm.store
// CHECK: return
func.func @vectors(%slot: i64) {
  %t = tile.alloc : !t
  %h = tile.zero : !h
  tile.store %h, %t[%slot][0, 0] using "VECTOR" : !h, !t
  return
}

// CHECK-LABEL: func.func @matrices
// CHECK: nvvm.stmatrix %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {{.*}}layout = #nvvm.mma_layout<row>
// CHECK-NOT: nvvm.stmatrix
// CHECK: return
func.func @matrices(%slot: i64) attributes {tile.sm = 90 : i64} {
  %t = tile.alloc : !t
  %h = tile.zero : !h
  tile.store %h, %t[%slot][0, 0] using "SM90_STSM_X4" : !h, !t
  return
}
