// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s --graph-canonicalize-movement | FileCheck %s
//
// Transposes that meet through pointwise ops and reductions.

!x = tensor<?x3x8x8xf32, #graph.shape<[N, 3, 8, 8]>>
!l = tensor<?x8x8x3xf32, #graph.shape<[N, 8, 8, 3]>>

// CHECK-LABEL: @cancel_through_pointwise(
func.func @cancel_through_pointwise(%x: !x) -> !x {
  // CHECK-NEXT: %[[R:.*]] = graph.relu %arg0 : ({{.*}}) -> tensor<?x3x8x8xf32, #graph.shape<[N, 3, 8, 8]>>
  // CHECK-NEXT: return %[[R]]
  %0 = graph.transpose %x {perm = array<i64: 0, 2, 3, 1>} : (!x) -> !l
  %1 = graph.relu %0 : (!l) -> !l
  %2 = graph.transpose %1 {perm = array<i64: 0, 3, 1, 2>} : (!l) -> !x
  return %2 : !x
}

// A bias along the last dimension becomes one along the channels.
// CHECK-LABEL: @cancel_with_bias(
func.func @cancel_with_bias(%x: !x) -> !x {
  // CHECK-DAG: %[[B:.*]] = graph.constant
  // CHECK-DAG: %[[C:.*]] = graph.reshape %[[B]] {{.*}} -> tensor<1x3x1x1xf32>
  // CHECK: %[[R:.*]] = graph.add %arg0, %[[C]]
  // CHECK-NEXT: return %[[R]]
  %b = graph.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32> -> tensor<3xf32>
  %0 = graph.transpose %x {perm = array<i64: 0, 2, 3, 1>} : (!x) -> !l
  %1 = graph.add %0, %b : (!l, tensor<3xf32>) -> !l
  %2 = graph.transpose %1 {perm = array<i64: 0, 3, 1, 2>} : (!l) -> !x
  return %2 : !x
}

// Both users of the inner op are inside the tree.
// CHECK-LABEL: @cancel_through_diamond(
func.func @cancel_through_diamond(%x: !x, %y: !x) -> !x {
  // CHECK-NOT: graph.transpose
  // CHECK: graph.add %arg0, %arg1
  // CHECK: graph.sigmoid
  // CHECK: graph.mul
  // CHECK-NEXT: return
  %0 = graph.transpose %x {perm = array<i64: 0, 2, 3, 1>} : (!x) -> !l
  %1 = graph.transpose %y {perm = array<i64: 0, 2, 3, 1>} : (!x) -> !l
  %2 = graph.add %0, %1 : (!l, !l) -> !l
  %3 = graph.sigmoid %2 : (!l) -> !l
  %4 = graph.mul %2, %3 : (!l, !l) -> !l
  %5 = graph.transpose %4 {perm = array<i64: 0, 3, 1, 2>} : (!l) -> !x
  return %5 : !x
}

// One transpose would become another: nothing is won.
// CHECK-LABEL: @other_leaf_needs_one(
func.func @other_leaf_needs_one(%x: !l, %y: !l) -> !x {
  // CHECK: graph.add %arg0, %arg1
  // CHECK-NEXT: graph.transpose
  %0 = graph.add %x, %y : (!l, !l) -> !l
  %1 = graph.transpose %0 {perm = array<i64: 0, 3, 1, 2>} : (!l) -> !x
  return %1 : !x
}

// What is between has another user.
// CHECK-LABEL: @pointwise_used_elsewhere(
func.func @pointwise_used_elsewhere(%x: !x) -> (!x, !l) {
  // CHECK: graph.transpose
  // CHECK-NEXT: graph.relu
  // CHECK-NEXT: graph.transpose
  %0 = graph.transpose %x {perm = array<i64: 0, 2, 3, 1>} : (!x) -> !l
  %1 = graph.relu %0 : (!l) -> !l
  %2 = graph.transpose %1 {perm = array<i64: 0, 3, 1, 2>} : (!l) -> !x
  return %2, %1 : !x, !l
}

// CHECK-LABEL: @join_below(
func.func @join_below(%x: !x, %y: !x) -> !l {
  // CHECK-NEXT: %[[A:.*]] = graph.add %arg0, %arg1
  // CHECK-NEXT: %[[R:.*]] = graph.transpose %[[A]] {perm = array<i64: 0, 2, 3, 1>}
  // CHECK-NEXT: return %[[R]]
  %0 = graph.transpose %x {perm = array<i64: 0, 2, 3, 1>} : (!x) -> !l
  %1 = graph.transpose %y {perm = array<i64: 0, 2, 3, 1>} : (!x) -> !l
  %2 = graph.add %0, %1 : (!l, !l) -> !l
  return %2 : !l
}

// CHECK-LABEL: @different_permutations(
func.func @different_permutations(%x: tensor<4x4x4xf32>) -> tensor<4x4x4xf32> {
  // CHECK: graph.transpose
  // CHECK: graph.transpose
  // CHECK: graph.add
  %0 = graph.transpose %x {perm = array<i64: 0, 2, 1>} : (tensor<4x4x4xf32>) -> tensor<4x4x4xf32>
  %1 = graph.transpose %x {perm = array<i64: 2, 1, 0>} : (tensor<4x4x4xf32>) -> tensor<4x4x4xf32>
  %2 = graph.add %0, %1 : (tensor<4x4x4xf32>, tensor<4x4x4xf32>) -> tensor<4x4x4xf32>
  return %2 : tensor<4x4x4xf32>
}

// TensorFlow's global average pooling: no transpose is left.
// CHECK-LABEL: @reduce_first(
func.func @reduce_first(%x: !x) -> tensor<?x3xf32, #graph.shape<[N, 3]>> {
  // CHECK-NEXT: %[[R:.*]] = graph.reduce %arg0 {axes = array<i64: 2, 3>, keep = false
  // CHECK-NEXT: return %[[R]]
  %0 = graph.transpose %x {perm = array<i64: 0, 2, 3, 1>} : (!x) -> !l
  %1 = graph.reduce %0 {kind = #graph.reduce_kind<mean>, axes = array<i64: 1, 2>, keep = false} : (!l) -> tensor<?x3xf32, #graph.shape<[N, 3]>>
  return %1 : tensor<?x3xf32, #graph.shape<[N, 3]>>
}

// CHECK-LABEL: @reduce_first_keeps_order(
func.func @reduce_first_keeps_order(%x: tensor<2x3x4x5xf32>) -> tensor<5x4x2xf32> {
  // CHECK-NEXT: %[[R:.*]] = graph.reduce %arg0 {axes = array<i64: 1>, {{.*}} -> tensor<2x4x5xf32>
  // CHECK-NEXT: %[[T:.*]] = graph.transpose %[[R]] {perm = array<i64: 2, 1, 0>}
  // CHECK-NEXT: return %[[T]]
  %0 = graph.transpose %x {perm = array<i64: 3, 1, 2, 0>} : (tensor<2x3x4x5xf32>) -> tensor<5x3x4x2xf32>
  %1 = graph.reduce %0 {kind = #graph.reduce_kind<sum>, axes = array<i64: 1>, keep = false} : (tensor<5x3x4x2xf32>) -> tensor<5x4x2xf32>
  return %1 : tensor<5x4x2xf32>
}

// CHECK-LABEL: @matmul_reads_transposed(
func.func @matmul_reads_transposed(%a: tensor<2x4x8xf32>, %b: tensor<2x6x8xf32>) -> tensor<2x4x6xf32> {
  // CHECK-NEXT: %[[R:.*]] = graph.matmul %arg0, %arg1 {transpose_rhs = true}
  // CHECK-NEXT: return %[[R]]
  %0 = graph.transpose %b {perm = array<i64: 0, 2, 1>} : (tensor<2x6x8xf32>) -> tensor<2x8x6xf32>
  %1 = graph.matmul %a, %0 : (tensor<2x4x8xf32>, tensor<2x8x6xf32>) -> tensor<2x4x6xf32>
  return %1 : tensor<2x4x6xf32>
}

// CHECK-LABEL: @matmul_of_other_transpose(
func.func @matmul_of_other_transpose(%a: tensor<2x4x8xf32>, %b: tensor<6x8x2xf32>) -> tensor<2x4x6xf32> {
  // CHECK-NEXT: graph.transpose
  // CHECK-NEXT: graph.matmul
  %0 = graph.transpose %b {perm = array<i64: 2, 1, 0>} : (tensor<6x8x2xf32>) -> tensor<2x8x6xf32>
  %1 = graph.matmul %a, %0 : (tensor<2x4x8xf32>, tensor<2x8x6xf32>) -> tensor<2x4x6xf32>
  return %1 : tensor<2x4x6xf32>
}

// A column costs nothing to transpose: it moves up, and not down again.
// CHECK-LABEL: @column_moves_up_once(
func.func @column_moves_up_once(%x: tensor<6x32x1xf32>) -> tensor<1x32xf32> {
  // CHECK: %[[R:.*]] = graph.reduce %arg0
  // CHECK-NEXT: %[[T:.*]] = graph.reshape %[[R]]
  // CHECK-NEXT: graph.min %[[T]]
  // CHECK-NOT: graph.transpose
  %c = graph.constant dense<-0.75> : tensor<1x1xf32> -> tensor<1x1xf32>
  %0 = graph.reduce %x {axes = array<i64: 0>, keep = false, kind = #graph.reduce_kind<mean>} : (tensor<6x32x1xf32>) -> tensor<32x1xf32>
  %1 = graph.min %0, %c : (tensor<32x1xf32>, tensor<1x1xf32>) -> tensor<32x1xf32>
  %2 = graph.transpose %1 {perm = array<i64: 1, 0>} : (tensor<32x1xf32>) -> tensor<1x32xf32>
  return %2 : tensor<1x32xf32>
}
