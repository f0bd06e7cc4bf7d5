// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s -tile-expand-pipelines | FileCheck %s

func.func private @load(i64, i64)
func.func private @compute(i64, i64, f32) -> f32

// CHECK-LABEL: func.func @three_stages(
// CHECK-SAME: %[[N:.*]]: i64, %[[V:.*]]: f32)
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : i64
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : i64
// CHECK-DAG: %[[C2:.*]] = arith.constant 2 : i64
// CHECK: scf.for %[[S:.*]] = %[[C0]] to %[[C2]] step %[[C1]]
// CHECK: %[[IN:.*]] = arith.cmpi slt, %[[S]], %[[N]]
// CHECK: scf.if %[[IN]] {
// CHECK:   func.call @load(%[[S]], %[[S]])
// CHECK: }
// CHECK: tile.commit
// CHECK: %[[R:.*]]:3 = scf.for %[[I:.*]] = %[[C0]] to %[[N]] step %[[C1]] iter_args(%[[SLOT:.*]] = %[[C0]], %[[FREE:.*]] = %[[C2]], %[[X:.*]] = %[[V]])
// CHECK-NEXT: tile.wait 1
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: %[[AHEAD:.*]] = arith.addi %[[I]], %[[C2]]
// CHECK-NEXT: %[[MORE:.*]] = arith.cmpi slt, %[[AHEAD]], %[[N]]
// CHECK-NEXT: scf.if %[[MORE]] {
// CHECK-NEXT:   func.call @load(%[[AHEAD]], %[[FREE]])
// CHECK-NEXT: }
// CHECK-NEXT: tile.commit
// CHECK: %[[NEXT:.*]] = func.call @compute(%[[I]], %[[SLOT]], %[[X]])
// CHECK: scf.yield %{{.*}}, %{{.*}}, %[[NEXT]]
// CHECK: tile.wait 0
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: return %[[R]]#2
func.func @three_stages(%n: i64, %v: f32) -> f32 {
  %r = tile.pipeline %n stages 3 init(%v) load {
  ^bb0(%step: i64, %slot: i64):
    func.call @load(%step, %slot) : (i64, i64) -> ()
    tile.yield
  } compute {
  ^bb0(%step: i64, %slot: i64, %x: f32):
    %y = func.call @compute(%step, %slot, %x) : (i64, i64, f32) -> f32
    tile.yield %y : f32
  } : f32
  return %r : f32
}

// CHECK-LABEL: func.func @one_stage(
// CHECK: scf.for %[[I:[a-z0-9]*]] =
// CHECK-NEXT: func.call @load(%[[I]], %[[C0:[a-z0-9_]*]])
// CHECK-NEXT: tile.commit
// CHECK-NEXT: tile.wait 0
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: func.call @compute(%[[I]], %[[C0]], %{{.*}})
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: scf.yield
// CHECK-NEXT: }
// CHECK-NEXT: return
func.func @one_stage(%n: i64, %v: f32) -> f32 {
  %r = tile.pipeline %n stages 1 init(%v) load {
  ^bb0(%step: i64, %slot: i64):
    func.call @load(%step, %slot) : (i64, i64) -> ()
    tile.yield
  } compute {
  ^bb0(%step: i64, %slot: i64, %x: f32):
    %y = func.call @compute(%step, %slot, %x) : (i64, i64, f32) -> f32
    tile.yield %y : f32
  } : f32
  return %r : f32
}
