// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s -tile-lower -canonicalize -cse | FileCheck %s

!t = !tile.shared<64x32xf16, "(64:32)(32:1)swizzle<3,3,3>", 2>

// CHECK: llvm.mlir.global external @tile_shared() {addr_space = 3 : i32, alignment = 128 : i64} : !llvm.array<0 x i8>

// The second tile begins behind two stages of 4096 bytes.
// CHECK-LABEL: func.func @alloc
// CHECK-SAME: attributes {tile.shared_bytes = 10240 : i64}
// CHECK: %[[BASE:.*]] = llvm.mlir.addressof @tile_shared : !llvm.ptr<3>
// CHECK: %[[SECOND:.*]] = llvm.getelementptr inbounds %[[BASE]][8192]
// CHECK: %[[AT:.*]] = llvm.getelementptr inbounds %[[SECOND]][%{{.*}}]
// CHECK: llvm.store %{{.*}}, %[[AT]]
// CHECK: %[[FIRST:.*]] = llvm.getelementptr inbounds %[[BASE]][%{{.*}}]
// CHECK: %[[TO:.*]] = llvm.getelementptr inbounds %[[FIRST]][%{{.*}}]
// CHECK: llvm.store %{{.*}}, %[[TO]]
func.func @alloc(%i: i64, %v: vector<8xf16>) {
  %a = tile.alloc : !t
  %b = tile.alloc : !tile.shared<16x64xf16, "(16:64)(64:1)", 1>
  tile.produce %b[%i] at(%i, %i) vector 8 threads 128 {
  ^bb0(%r: i64, %c: i64):
    tile.yield %v : vector<8xf16>
  } : !tile.shared<16x64xf16, "(16:64)(64:1)", 1>
  tile.produce %a[%i] at(%i, %i) vector 8 threads 256 {
  ^bb0(%r: i64, %c: i64):
    tile.yield %v : vector<8xf16>
  } : !t
  return
}

// 128 threads, 8 halves each: two rounds, 32 rows apart, whose shared addresses
// differ by a constant. Thread t: row t / 4, piece t % 4.
// CHECK-LABEL: func.func @copy(
// CHECK-SAME: %[[P:.*]]: !llvm.ptr<1>, %[[ROW:.*]]: i64, %[[K:.*]]: i64, %[[PITCH:.*]]: i64, %[[SLOT:.*]]: i64)
// CHECK: %[[T:.*]] = nvvm.read.ptx.sreg.tid.x : i32
// CHECK-NOT: arith.cmpi
// CHECK: nvvm.cp.async.shared.global %[[TO:.*]], %{{.*}}, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
// CHECK: %[[NEXT:.*]] = llvm.getelementptr inbounds %[[TO]][2048] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
// CHECK: nvvm.cp.async.shared.global %[[NEXT]], %{{.*}}, 16, cache = cg
// CHECK-NOT: nvvm.cp.async
// CHECK: return
func.func @copy(%p: !llvm.ptr<1>, %row: i64, %k: i64, %pitch: i64, %slot: i64) {
  %a = tile.alloc : !t
  tile.copy_async %p[%row, %k] pitch %pitch to %a[%slot] using "SM80_CP_ASYNC_CG_16" threads 128 : !llvm.ptr<1>, !t
  return
}

// Rows past the end: source size 0. Columns: what is left, from 0 to 2 halves.
// CHECK-LABEL: func.func @copy_bounds(
// CHECK-SAME: %[[P:.*]]: !llvm.ptr<1>, %[[I:.*]]: i64, %[[M:.*]]: i64, %[[N:.*]]: i64)
// CHECK: %[[LEFT:.*]] = arith.subi %[[N]], %[[COLUMN:.*]] : i64
// CHECK: %[[MIN:.*]] = arith.minsi %[[LEFT]], %c2_i64
// CHECK: %[[SOME:.*]] = arith.maxsi %[[MIN]], %c0_i64
// CHECK: %[[COUNT:.*]] = arith.trunci %[[SOME]] : i64 to i32
// CHECK: %[[BYTES:.*]] = arith.muli %[[COUNT]], %c2_i32
// CHECK: %[[IN:.*]] = arith.cmpi slt, %{{.*}}, %[[M]]
// CHECK: %[[SIZE:.*]] = arith.select %[[IN]], %[[BYTES]], %c0_i32
// CHECK: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 4, cache = ca, %[[SIZE]]
func.func @copy_bounds(%p: !llvm.ptr<1>, %i: i64, %m: i64, %n: i64) {
  %a = tile.alloc : !tile.shared<8x32xf16, "(8:32)(32:1)", 1>
  tile.copy_async %p[%i, %i] pitch %n rows %m columns %n to %a[%i] using "SM80_CP_ASYNC_CA_4" threads 128 : !llvm.ptr<1>, !tile.shared<8x32xf16, "(8:32)(32:1)", 1>
  return
}

// 64 runs for 128 threads: half of them have nothing to do.
// CHECK-LABEL: func.func @copy_few
// CHECK: %[[BUSY:.*]] = arith.cmpi ult, %{{.*}}, %c64_i32
// CHECK: scf.if %[[BUSY]] {
// CHECK: nvvm.cp.async.shared.global
// CHECK: }
// CHECK-NOT: nvvm.cp.async
// CHECK: return
func.func @copy_few(%p: !llvm.ptr<1>, %i: i64) {
  %a = tile.alloc : !tile.shared<16x32xf16, "(16:32)(32:1)swizzle<3,3,3>", 1>
  tile.copy_async %p[%i, %i] pitch %i to %a[%i] using "SM80_CP_ASYNC_CG_16" threads 128 : !llvm.ptr<1>, !tile.shared<16x32xf16, "(16:32)(32:1)swizzle<3,3,3>", 1>
  return
}

func.func private @element(i64, i64) -> f16

// All elements first, then the stores.
// CHECK-LABEL: func.func @produce(
// CHECK-SAME: %[[ROW:.*]]: i64, %[[K:.*]]: i64)
// CHECK: %[[R:.*]] = arith.addi %{{.*}}, %[[ROW]] : i64
// CHECK: %[[C:.*]] = arith.addi %{{.*}}, %[[K]] : i64
// CHECK: %[[V:.*]] = call @element(%[[R]], %[[C]])
// CHECK: %[[W:.*]] = call @element
// CHECK: llvm.store %[[V]], %{{.*}} {alignment = 2 : i64} : f16, !llvm.ptr<3>
// CHECK: llvm.store %[[W]]
// CHECK-NOT: llvm.store
// CHECK: return
func.func @produce(%row: i64, %k: i64) {
  %a = tile.alloc : !tile.shared<8x32xf16, "(8:32)(32:1)", 1>
  tile.produce %a[%k] at(%row, %k) vector 1 threads 128 {
  ^bb0(%r: i64, %c: i64):
    %v = func.call @element(%r, %c) : (i64, i64) -> f16
    tile.yield %v : f16
  } : !tile.shared<8x32xf16, "(8:32)(32:1)", 1>
  return
}

// CHECK-LABEL: func.func @synchronization
// CHECK-NEXT: nvvm.cp.async.commit.group
// CHECK-NEXT: nvvm.cp.async.wait.group 2
// CHECK-NEXT: nvvm.barrier0
func.func @synchronization() {
  tile.commit
  tile.wait 2
  tile.barrier
  return
}
