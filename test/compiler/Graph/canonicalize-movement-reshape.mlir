// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s --graph-canonicalize-movement | FileCheck %s
//
// What becomes a reshape, and broadcasts and casts that are idle.

!t = tensor<?x8xf32, #graph.shape<[N, 8]>>

// CHECK-LABEL: @transpose_of_ones(
func.func @transpose_of_ones(%x: tensor<?x1x8x1xf32, #graph.shape<[N, 1, 8, 1]>>) -> tensor<?x8x1x1xf32, #graph.shape<[N, 8, 1, 1]>> {
  // CHECK-NEXT: graph.reshape %arg0
  // CHECK-NEXT: return
  %0 = graph.transpose %x {perm = array<i64: 0, 2, 3, 1>} : (tensor<?x1x8x1xf32, #graph.shape<[N, 1, 8, 1]>>) -> tensor<?x8x1x1xf32, #graph.shape<[N, 8, 1, 1]>>
  return %0 : tensor<?x8x1x1xf32, #graph.shape<[N, 8, 1, 1]>>
}

// CHECK-LABEL: @squeeze_of_unsqueeze(
func.func @squeeze_of_unsqueeze(%x: !t) -> !t {
  // CHECK-NEXT: return %arg0
  %0 = graph.reshape %x {sizes = [#graph.expr<"N">, #graph.expr<"1">, #graph.expr<"8">]} : (!t) -> tensor<?x1x8xf32, #graph.shape<[N, 1, 8]>>
  %1 = graph.reshape %0 {sizes = [#graph.expr<"N">, #graph.expr<"8">]} : (tensor<?x1x8xf32, #graph.shape<[N, 1, 8]>>) -> !t
  return %1 : !t
}

// The 1 goes first, so that the transpose has one dimension less.
// CHECK-LABEL: @drop_ones_first(
func.func @drop_ones_first(%x: tensor<2x7x1x3x4xf32>) -> tensor<2x3x7x4xf32> {
  // CHECK-NEXT: %[[R:.*]] = graph.reshape %arg0 {{.*}} -> tensor<2x7x3x4xf32>
  // CHECK-NEXT: graph.transpose %[[R]] {perm = array<i64: 0, 2, 1, 3>}
  // CHECK-NEXT: return
  %0 = graph.transpose %x {perm = array<i64: 2, 0, 3, 1, 4>} : (tensor<2x7x1x3x4xf32>) -> tensor<1x2x3x7x4xf32>
  %1 = graph.reshape %0 {sizes = [#graph.expr<"2">, #graph.expr<"3">, #graph.expr<"7">, #graph.expr<"4">]} : (tensor<1x2x3x7x4xf32>) -> tensor<2x3x7x4xf32>
  return %1 : tensor<2x3x7x4xf32>
}

// CHECK-LABEL: @reshape_joins(
func.func @reshape_joins(%x: tensor<2x7x3x4xf32>) -> tensor<2x7x12xf32> {
  // CHECK-NEXT: graph.transpose
  // CHECK-NEXT: graph.reshape
  %0 = graph.transpose %x {perm = array<i64: 0, 1, 3, 2>} : (tensor<2x7x3x4xf32>) -> tensor<2x7x4x3xf32>
  %1 = graph.reshape %0 {sizes = [#graph.expr<"2">, #graph.expr<"7">, #graph.expr<"12">]} : (tensor<2x7x4x3xf32>) -> tensor<2x7x12xf32>
  return %1 : tensor<2x7x12xf32>
}

// CHECK-LABEL: @keep_reduced(
func.func @keep_reduced(%x: !t) -> tensor<?x1xf32, #graph.shape<[N, 1]>> {
  // CHECK-NEXT: graph.reduce %arg0 {axes = array<i64: 1>, keep = true
  // CHECK-NEXT: return
  %0 = graph.reduce %x {kind = #graph.reduce_kind<mean>, axes = array<i64: 1>, keep = false} : (!t) -> tensor<?xf32, #graph.shape<[N]>>
  %1 = graph.reshape %0 {sizes = [#graph.expr<"N">, #graph.expr<"1">]} : (tensor<?xf32, #graph.shape<[N]>>) -> tensor<?x1xf32, #graph.shape<[N, 1]>>
  return %1 : tensor<?x1xf32, #graph.shape<[N, 1]>>
}

// CHECK-LABEL: @idle_broadcast(
func.func @idle_broadcast(%x: !t, %y: tensor<8xf32>) -> !t {
  // CHECK-NEXT: graph.add %arg0, %arg1
  // CHECK-NEXT: return
  %0 = graph.broadcast %y {sizes = [#graph.expr<"N">, #graph.expr<"8">]} : (tensor<8xf32>) -> !t
  %1 = graph.add %x, %0 : (!t, !t) -> !t
  return %1 : !t
}

// The broadcast gives the result its size.
// CHECK-LABEL: @needed_broadcast(
func.func @needed_broadcast(%x: tensor<8xf32>, %y: tensor<8xf32>) -> !t {
  // CHECK-NEXT: graph.broadcast
  // CHECK-NEXT: graph.add
  %0 = graph.broadcast %y {sizes = [#graph.expr<"N">, #graph.expr<"8">]} : (tensor<8xf32>) -> !t
  %1 = graph.add %x, %0 : (tensor<8xf32>, !t) -> !t
  return %1 : !t
}

// CHECK-LABEL: @cast_there_and_back(
func.func @cast_there_and_back(%x: tensor<4xf16>) -> tensor<4xf16> {
  // CHECK-NEXT: return %arg0
  %0 = graph.cast %x {to = f32} : (tensor<4xf16>) -> tensor<4xf32>
  %1 = graph.cast %0 {to = f16} : (tensor<4xf32>) -> tensor<4xf16>
  return %1 : tensor<4xf16>
}

// CHECK-LABEL: @cast_through_wider(
func.func @cast_through_wider(%x: tensor<4xi32>) -> tensor<4xf32> {
  // CHECK-NEXT: graph.cast %arg0 {to = f32}
  // CHECK-NEXT: return
  %0 = graph.cast %x {to = i64} : (tensor<4xi32>) -> tensor<4xi64>
  %1 = graph.cast %0 {to = f32} : (tensor<4xi64>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// Rounding to f16 is what the model asked for.
// CHECK-LABEL: @cast_rounds(
func.func @cast_rounds(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: graph.cast
  // CHECK-NEXT: graph.cast
  %0 = graph.cast %x {to = f16} : (tensor<4xf32>) -> tensor<4xf16>
  %1 = graph.cast %0 {to = f32} : (tensor<4xf16>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// Rows that are laid end to end for a product of matrices, and parted again.
// CHECK-LABEL: @rows_end_to_end(
func.func @rows_end_to_end(%x: tensor<?x?x8xf32, #graph.shape<[B, S, 8]>>, %w: tensor<8x4xf32>, %b: tensor<4xf32>) -> tensor<?x?x4xf32, #graph.shape<[B, S, 4]>> {
  // CHECK-NEXT: %[[P:.*]] = graph.matmul %arg0, %arg1 : {{.*}} -> tensor<?x?x4xf32, #graph.shape<[B, S, 4]>>
  // CHECK-NEXT: %[[A:.*]] = graph.add %[[P]], %arg2
  // CHECK-NEXT: %[[R:.*]] = graph.relu %[[A]]
  // CHECK-NEXT: return %[[R]]
  %0 = graph.reshape %x {sizes = [#graph.expr<"B * S">, #graph.expr<"8">]} : (tensor<?x?x8xf32, #graph.shape<[B, S, 8]>>) -> tensor<?x8xf32, #graph.shape<["B * S", 8]>>
  %1 = graph.matmul %0, %w : (tensor<?x8xf32, #graph.shape<["B * S", 8]>>, tensor<8x4xf32>) -> tensor<?x4xf32, #graph.shape<["B * S", 4]>>
  %2 = graph.add %1, %b : (tensor<?x4xf32, #graph.shape<["B * S", 4]>>, tensor<4xf32>) -> tensor<?x4xf32, #graph.shape<["B * S", 4]>>
  %3 = graph.relu %2 : (tensor<?x4xf32, #graph.shape<["B * S", 4]>>) -> tensor<?x4xf32, #graph.shape<["B * S", 4]>>
  %4 = graph.reshape %3 {sizes = [#graph.expr<"B">, #graph.expr<"S">, #graph.expr<"4">]} : (tensor<?x4xf32, #graph.shape<["B * S", 4]>>) -> tensor<?x?x4xf32, #graph.shape<[B, S, 4]>>
  return %4 : tensor<?x?x4xf32, #graph.shape<[B, S, 4]>>
}

// Heads that were put side by side before: the rows stay in two dimensions.
// CHECK-LABEL: @rows_of_heads(
func.func @rows_of_heads(%x: tensor<2x5x3x4xf16>, %w: tensor<6x12xf16>) -> tensor<2x5x6xf16> {
  // CHECK-NEXT: %[[R:.*]] = graph.reshape %arg0 {{.*}} -> tensor<2x5x12xf16>
  // CHECK-NEXT: graph.matmul %[[R]], %arg1 {transpose_rhs = true} : {{.*}} -> tensor<2x5x6xf16>
  // CHECK-NEXT: return
  %0 = graph.reshape %x {sizes = [#graph.expr<"10">, #graph.expr<"12">]} : (tensor<2x5x3x4xf16>) -> tensor<10x12xf16>
  %1 = graph.matmul %0, %w {transpose_rhs = true} : (tensor<10x12xf16>, tensor<6x12xf16>) -> tensor<10x6xf16>
  %2 = graph.reshape %1 {sizes = [#graph.expr<"2">, #graph.expr<"5">, #graph.expr<"6">]} : (tensor<10x6xf16>) -> tensor<2x5x6xf16>
  return %2 : tensor<2x5x6xf16>
}

// Other users want the matrix; and what differs from row to row stays where it is.
// CHECK-LABEL: @rows_stay(
func.func @rows_stay(%x: tensor<2x5x4xf32>, %w: tensor<4x6xf32>, %y: tensor<10x6xf32>) -> (tensor<2x5x6xf32>, tensor<10x6xf32>, tensor<2x5x6xf32>) {
  // CHECK: graph.matmul {{.*}} -> tensor<10x6xf32>
  // CHECK: graph.add {{.*}} -> tensor<10x6xf32>
  // CHECK: graph.reshape {{.*}} -> tensor<2x5x6xf32>
  // CHECK: graph.matmul {{.*}} -> tensor<10x6xf32>
  // CHECK: graph.reshape {{.*}} -> tensor<2x5x6xf32>
  %0 = graph.reshape %x {sizes = [#graph.expr<"10">, #graph.expr<"4">]} : (tensor<2x5x4xf32>) -> tensor<10x4xf32>
  %1 = graph.matmul %0, %w : (tensor<10x4xf32>, tensor<4x6xf32>) -> tensor<10x6xf32>
  %2 = graph.add %1, %y : (tensor<10x6xf32>, tensor<10x6xf32>) -> tensor<10x6xf32>
  %3 = graph.reshape %2 {sizes = [#graph.expr<"2">, #graph.expr<"5">, #graph.expr<"6">]} : (tensor<10x6xf32>) -> tensor<2x5x6xf32>
  %4 = graph.reshape %w {sizes = [#graph.expr<"6">, #graph.expr<"4">]} : (tensor<4x6xf32>) -> tensor<6x4xf32>
  %5 = graph.matmul %0, %4 {transpose_rhs = true} : (tensor<10x4xf32>, tensor<6x4xf32>) -> tensor<10x6xf32>
  %6 = graph.reshape %5 {sizes = [#graph.expr<"2">, #graph.expr<"5">, #graph.expr<"6">]} : (tensor<10x6xf32>) -> tensor<2x5x6xf32>
  return %3, %5, %6 : tensor<2x5x6xf32>, tensor<10x6xf32>, tensor<2x5x6xf32>
}
