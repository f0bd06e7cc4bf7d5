// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s --graph-recover-patterns | FileCheck %s

!t = tensor<?x8xf32, #graph.shape<[N, 8]>>
!m = tensor<?x1xf32, #graph.shape<[N, 1]>>

// CHECK-LABEL: @with_maximum(
func.func @with_maximum(%x: !t) -> !t {
  // CHECK-NEXT: %[[R:.*]] = graph.softmax %arg0 {axis = 1 : i64}
  // CHECK-NEXT: return %[[R]]
  %0 = graph.reduce %x {kind = #graph.reduce_kind<max>, axes = array<i64: 1>, keep = true} : (!t) -> !m
  %1 = graph.sub %x, %0 : (!t, !m) -> !t
  %2 = graph.exp %1 : (!t) -> !t
  %3 = graph.reduce %2 {kind = #graph.reduce_kind<sum>, axes = array<i64: 1>, keep = true} : (!t) -> !m
  %4 = graph.div %2, %3 : (!t, !m) -> !t
  return %4 : !t
}

// CHECK-LABEL: @without_maximum(
func.func @without_maximum(%x: !t) -> !t {
  // CHECK-NEXT: %[[R:.*]] = graph.softmax %arg0 {axis = 1 : i64}
  // CHECK-NEXT: return %[[R]]
  %2 = graph.exp %x : (!t) -> !t
  %3 = graph.reduce %2 {kind = #graph.reduce_kind<sum>, axes = array<i64: 1>, keep = true} : (!t) -> !m
  %4 = graph.div %2, %3 : (!t, !m) -> !t
  return %4 : !t
}

// CHECK-LABEL: @times_reciprocal(
func.func @times_reciprocal(%x: !t) -> !t {
  // CHECK-NEXT: %[[R:.*]] = graph.softmax %arg0 {axis = 1 : i64}
  // CHECK-NEXT: return %[[R]]
  %2 = graph.exp %x : (!t) -> !t
  %3 = graph.reduce %2 {kind = #graph.reduce_kind<sum>, axes = array<i64: 1>, keep = true} : (!t) -> !m
  %4 = graph.reciprocal %3 : (!m) -> !m
  %5 = graph.mul %4, %2 : (!m, !t) -> !t
  return %5 : !t
}

// CHECK-LABEL: @sum_over_two_axes(
func.func @sum_over_two_axes(%x: !t) -> !t {
  // CHECK: graph.div
  %2 = graph.exp %x : (!t) -> !t
  %3 = graph.reduce %2 {kind = #graph.reduce_kind<sum>, axes = array<i64: 0, 1>, keep = true} : (!t) -> tensor<1x1xf32>
  %4 = graph.div %2, %3 : (!t, tensor<1x1xf32>) -> !t
  return %4 : !t
}

// CHECK-LABEL: @sum_of_others(
func.func @sum_of_others(%x: !t, %y: !t) -> !t {
  // CHECK: graph.div
  %2 = graph.exp %x : (!t) -> !t
  %3 = graph.reduce %y {kind = #graph.reduce_kind<sum>, axes = array<i64: 1>, keep = true} : (!t) -> !m
  %4 = graph.div %2, %3 : (!t, !m) -> !t
  return %4 : !t
}
