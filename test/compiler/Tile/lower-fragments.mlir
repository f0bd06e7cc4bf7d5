// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s -tile-lower | FileCheck %s

!c = !tile.fragment<16x16xf32, c, "SM80_16x8x16_F32F16F16F32_TN">
!h = !tile.fragment<16x16xf16, c, "SM80_16x8x16_F32F16F16F32_TN">
!r = !tile.fragment<16x1xf32, rows, "SM80_16x8x16_F32F16F16F32_TN">
!x = !tile.fragment<16x8xf32, a, "SM80_16x8x8_F32TF32TF32F32_TN">
!y = !tile.fragment<16x8xtf32, a, "SM80_16x8x8_F32TF32TF32F32_TN">
!t = !tile.shared<16x8xf32, "(16:8)(8:1)", 1>

func.func private @see(i64, i64, vector<2xf32>)
func.func private @number(f32) -> f32
func.func private @join(f32, f32) -> f32

// scf ops carry registers.
// CHECK-LABEL: func.func @carried
// CHECK: scf.for {{.*}} -> (f32, f32, f32, f32, f32, f32, f32, f32)
func.func @carried(%n: i64) {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %c = tile.zero : !c
  %r = scf.for %i = %zero to %n step %one iter_args(%v = %c) -> (!c) : i64 {
    %w = tile.map %v {
    ^bb0(%e: f32):
      %f = func.call @number(%e) : (f32) -> f32
      tile.yield %f : f32
    } : !c -> !c
    scf.yield %w : !c
  }
  return
}

// Each element once; the row's number for all of a row.
// CHECK-LABEL: func.func @map_rows
// CHECK-COUNT-2: call @number
// CHECK-COUNT-8: arith.subf
// CHECK-NOT: arith.subf
// CHECK: return
func.func @map_rows() {
  %c = tile.zero : !c
  %r = tile.zero : !r
  %s = tile.map %r {
  ^bb0(%e: f32):
    %f = func.call @number(%e) : (f32) -> f32
    tile.yield %f : f32
  } : !r -> !r
  %d = tile.map %c, %s {
  ^bb0(%e: f32, %m: f32):
    %f = arith.subf %e, %m : f32
    %g = func.call @number(%f) : (f32) -> f32
    tile.yield %g : f32
  } : !c, !r -> !c
  return
}

// Two rows: three joins each of a thread's four elements, then two butterflies.
// CHECK-LABEL: func.func @reduce
// CHECK-COUNT-6: call @join
// CHECK: nvvm.shfl.sync bfly %c-1_i32{{[_0-9]*}}, %{{.*}}, %c1_i32{{[_0-9]*}}, %c31_i32{{[_0-9]*}}
// CHECK: call @join
// CHECK: nvvm.shfl.sync bfly %c-1_i32{{[_0-9]*}}, %{{.*}}, %c1_i32{{[_0-9]*}}, %c31_i32{{[_0-9]*}}
// CHECK: call @join
// CHECK: nvvm.shfl.sync bfly %c-1_i32{{[_0-9]*}}, %{{.*}}, %c2_i32{{[_0-9]*}}, %c31_i32{{[_0-9]*}}
// CHECK: call @join
// CHECK: nvvm.shfl.sync bfly %c-1_i32{{[_0-9]*}}, %{{.*}}, %c2_i32{{[_0-9]*}}, %c31_i32{{[_0-9]*}}
// CHECK: call @join
// CHECK-NOT: nvvm.shfl
// CHECK: return
func.func @reduce() {
  %c = tile.zero : !c
  %r = tile.reduce %c {
  ^bb0(%e: f32, %f: f32):
    %g = func.call @join(%e, %f) : (f32, f32) -> f32
    tile.yield %g : f32
  } : !c -> !r
  return
}

// CHECK-LABEL: func.func @convert
// CHECK-SAME: %[[X:.*]]: i64
// CHECK-COUNT-8: arith.truncf %{{.*}} : f32 to f16
func.func @convert(%i: i64) {
  %c = tile.zero : !c
  %s = tile.map %c {
  ^bb0(%e: f32):
    %f = func.call @number(%e) : (f32) -> f32
    tile.yield %f : f32
  } : !c -> !c
  %h = tile.convert %s : !c -> !h
  %t = tile.alloc : !tile.shared<16x16xf16, "(16:16)(16:1)", 1>
  tile.store %h, %t[%i][0, 0] using "VECTOR" : !h, !tile.shared<16x16xf16, "(16:16)(16:1)", 1>
  return
}

// CHECK-LABEL: func.func @round
// CHECK-COUNT-4: nvvm.convert.float.to.tf32 %{{.*}} {rnd = #nvvm.fp_rnd_mode<rna>}
// CHECK-NOT: nvvm.convert
// CHECK: return
func.func @round(%i: i64) {
  %t = tile.alloc : !t
  %x = tile.load %t[%i][0, 0] using "VECTOR" : !t -> !x
  %y = tile.convert %x : !x -> !y
  return
}

// CHECK-LABEL: func.func @split
// CHECK: %[[X:.*]] = llvm.load
// CHECK: %[[BIG:.*]] = nvvm.convert.float.to.tf32 %[[X]] {rnd = #nvvm.fp_rnd_mode<rna>}
// CHECK: %[[KNOWN:.*]] = llvm.bitcast %[[BIG]] : i32 to f32
// CHECK: %[[REST:.*]] = arith.subf %[[X]], %[[KNOWN]] : f32
// CHECK: nvvm.convert.float.to.tf32 %[[REST]] {rnd = #nvvm.fp_rnd_mode<rna>}
func.func @split(%i: i64) {
  %t = tile.alloc : !t
  %x = tile.load %t[%i][0, 0] using "VECTOR" : !t -> !x
  %y, %z = tile.split %x : !x -> !y
  return
}

// Row t / 4 and column 2 (t % 4); then 8 rows down, then 8 columns on.
// CHECK-LABEL: func.func @for_each(
// CHECK-SAME: %[[M:.*]]: i64, %[[N:.*]]: i64)
// CHECK: %[[R:.*]] = arith.addi %[[M]], %{{.*}} : i64
// CHECK: %[[C:.*]] = arith.addi %[[N]], %{{.*}} : i64
// CHECK: call @see(%[[R]], %[[C]], %{{.*}})
// CHECK: %[[R8:.*]] = arith.addi %[[R]], %c8_i64{{[_0-9]*}}
// CHECK: call @see(%[[R8]], %[[C]], %{{.*}})
// CHECK: %[[C8:.*]] = arith.addi %[[C]], %c8_i64{{[_0-9]*}}
// CHECK: call @see(%[[R]], %[[C8]], %{{.*}})
// CHECK: %[[R9:.*]] = arith.addi %[[R]], %c8_i64{{[_0-9]*}}
// CHECK: %[[C9:.*]] = arith.addi %[[C]], %c8_i64{{[_0-9]*}}
// CHECK: call @see(%[[R9]], %[[C9]], %{{.*}})
// CHECK-NOT: call @see
// CHECK: return
func.func @for_each(%m: i64, %n: i64) {
  %c = tile.zero : !c
  tile.for_each %c at(%m, %n) vector 2 {
  ^bb0(%r: i64, %s: i64, %v: vector<2xf32>):
    func.call @see(%r, %s, %v) : (i64, i64, vector<2xf32>) -> ()
  } : !c
  return
}

// All registers of a thread, then all threads of the warp.
// CHECK-LABEL: func.func @any
// CHECK-COUNT-8: arith.cmpf
// CHECK: %[[SOME:.*]] = arith.ori
// CHECK-NOT: arith.ori
// CHECK: nvvm.vote.sync any %{{.*}}, %[[SOME]] -> i1
func.func @any(%limit: f32) -> i1 {
  %c = tile.zero : !c
  %some = tile.any %c {
  ^bb0(%e: f32):
    %above = arith.cmpf ogt, %e, %limit : f32
    tile.yield %above : i1
  } : !c
  return %some : i1
}
