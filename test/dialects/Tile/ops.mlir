// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s | %tenon-opt | FileCheck %s
//
// Every op, read and written.

!smem = !tile.shared<64x32xf16, "(64:32)(32:1)swizzle<3,3,3>", 3>
!a = !tile.fragment<32x16xf16, a, "SM80_16x8x16_F32F16F16F32_TN">
!b = !tile.fragment<16x16xf16, b, "SM80_16x8x16_F32F16F16F32_TN">
!c = !tile.fragment<32x16xf32, c, "SM80_16x8x16_F32F16F16F32_TN">
!h = !tile.fragment<32x16xf16, c, "SM80_16x8x16_F32F16F16F32_TN">
!r = !tile.fragment<32x1xf32, rows, "SM80_16x8x16_F32F16F16F32_TN">
!x = !tile.fragment<16x8xf32, a, "SM80_16x8x8_F32TF32TF32F32_TN">
!t = !tile.fragment<16x8xtf32, a, "SM80_16x8x8_F32TF32TF32F32_TN">

// CHECK-LABEL: func.func @memory
func.func @memory(%p: !llvm.ptr<1>, %i: i64, %n: i64, %v: f16) {
  // CHECK: %[[A:.*]] = tile.alloc : <64x32xf16, "(64:32)(32:1)swizzle<3,3,3>", 3>
  %a = tile.alloc : !smem
  // CHECK: tile.copy_async %{{.*}}[%{{.*}}, %{{.*}}] pitch %{{.*}} to %[[A]][%{{.*}}] using "SM80_CP_ASYNC_CG_16" threads 128 : <1>, <64x32xf16,
  tile.copy_async %p[%i, %i] pitch %n to %a[%i] using "SM80_CP_ASYNC_CG_16" threads 128 : !llvm.ptr<1>, !smem
  // CHECK: tile.copy_async {{.*}} pitch %{{.*}} rows %{{.*}} columns %{{.*}} to
  tile.copy_async %p[%i, %i] pitch %n rows %n columns %n to %a[%i] using "SM80_CP_ASYNC_CA_4" threads 64 : !llvm.ptr<1>, !smem
  // CHECK: tile.commit
  tile.commit
  // CHECK: tile.wait 1
  tile.wait 1
  // CHECK: tile.barrier
  tile.barrier
  // CHECK: tile.produce %[[A]][%{{.*}}] at(%{{.*}}, %{{.*}}) vector 1 threads 128
  // CHECK: tile.yield %{{.*}} : f16
  tile.produce %a[%i] at(%i, %n) vector 1 threads 128 {
  ^bb0(%r: i64, %c: i64):
    tile.yield %v : f16
  } : !smem
  return
}

// CHECK-LABEL: func.func @fragments
func.func @fragments(%i: i64, %row: i64) {
  %s = tile.alloc : !smem
  %o = tile.alloc : !tile.shared<64x16xf16, "(64:16)(16:1)", 1>
  // CHECK: tile.load %{{.*}}[%{{.*}}] [%{{.*}}, 16] using "SM75_LDSM_X4" : <64x32xf16,
  %a = tile.load %s[%i][%row, 16] using "SM75_LDSM_X4" : !smem -> !a
  // CHECK: tile.load %{{.*}}[%{{.*}}] [0, %{{.*}}] transposed using "SM75_LDSM_X4_T"
  %b = tile.load %s[%i][0, %row] transposed using "SM75_LDSM_X4_T" : !smem -> !b
  // CHECK: tile.zero : <32x16xf32, c, "SM80_16x8x16_F32F16F16F32_TN">
  %zero = tile.zero : !c
  // CHECK: tile.mma %{{.*}}, %{{.*}}, %{{.*}} :
  %c = tile.mma %a, %b, %zero : !a, !b, !c
  // CHECK: tile.reduce %{{.*}} {
  // CHECK: -> <32x1xf32, rows,
  %max = tile.reduce %c {
  ^bb0(%x: f32, %y: f32):
    %m = arith.maximumf %x, %y : f32
    tile.yield %m : f32
  } : !c -> !r
  // CHECK: tile.map %{{.*}}, %{{.*}} {
  %d = tile.map %c, %max {
  ^bb0(%x: f32, %m: f32):
    %y = arith.subf %x, %m : f32
    tile.yield %y : f32
  } : !c, !r -> !c
  // CHECK: tile.for_each %{{.*}} at(%{{.*}}, %{{.*}}) vector 2 {
  tile.for_each %d at(%row, %i) vector 2 {
  ^bb0(%m: i64, %n: i64, %v: vector<2xf32>):
  } : !c
  // CHECK: tile.convert %{{.*}} : {{.*}}xf32, c, {{.*}} -> {{.*}}xf16, c
  %h = tile.convert %d : !c -> !h
  // CHECK: tile.store %{{.*}}, %{{.*}}[%{{.*}}] [%{{.*}}, 0] using "VECTOR"
  tile.store %h, %o[%i][%row, 0] using "VECTOR" : !h, !tile.shared<64x16xf16, "(64:16)(16:1)", 1>
  return
}

// CHECK-LABEL: func.func @split
func.func @split(%i: i64) {
  %s = tile.alloc : !tile.shared<16x8xf32, "(16:8)(8:1)", 1>
  %x = tile.load %s[%i][0, 0] using "VECTOR" : !tile.shared<16x8xf32, "(16:8)(8:1)", 1> -> !x
  // CHECK: %{{.*}}, %{{.*}} = tile.split %{{.*}} : {{.*}}xf32, a, {{.*}} -> {{.*}}xtf32, a
  %big, %small = tile.split %x : !x -> !t
  return
}

// CHECK-LABEL: func.func @pipeline
func.func @pipeline(%n: i64, %v: f32) -> f32 {
  // CHECK: tile.pipeline %{{.*}} stages 3 init(%{{.*}}) load {
  // CHECK: } compute {
  // CHECK: } : f32
  %r = tile.pipeline %n stages 3 init(%v) load {
  ^bb0(%step: i64, %slot: i64):
    tile.yield
  } compute {
  ^bb0(%step: i64, %slot: i64, %x: f32):
    tile.yield %x : f32
  } : f32
  // CHECK: tile.pipeline %{{.*}} stages 1 load {
  tile.pipeline %n stages 1 load {
  ^bb0(%step: i64, %slot: i64):
    tile.yield
  } compute {
  ^bb0(%step: i64, %slot: i64):
    tile.yield
  }
  return %r : f32
}
