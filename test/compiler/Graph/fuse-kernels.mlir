// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s --graph-fuse-kernels | FileCheck %s

// CHECK-LABEL: @matmul_bias_gelu_residual
// CHECK: graph.kernel "matmul"(%arg0, %{{.*}}, %{{.*}}, %arg1) {graph.constants = array<i64: 1
// CHECK: graph.matmul {{.*}}graph.anchor
// CHECK: graph.add
// CHECK: graph.gelu
// CHECK: graph.add
// CHECK: graph.yield
// CHECK-NOT: graph.kernel
func.func @matmul_bias_gelu_residual(%x: tensor<4x8xf32>, %r: tensor<4x2xf32>) -> tensor<4x2xf32> {
  %w = graph.constant dense<0.5> : tensor<8x2xf32> -> tensor<8x2xf32>
  %b = graph.constant dense<[1.0, 2.0]> : tensor<2xf32> -> tensor<2xf32>
  %0 = graph.matmul %x, %w : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
  %1 = graph.add %0, %b : (tensor<4x2xf32>, tensor<2xf32>) -> tensor<4x2xf32>
  %2 = graph.gelu %1 : (tensor<4x2xf32>) -> tensor<4x2xf32>
  %3 = graph.add %2, %r : (tensor<4x2xf32>, tensor<4x2xf32>) -> tensor<4x2xf32>
  return %3 : tensor<4x2xf32>
}

// Weights stay operands (families pack them) even if all elements are equal.
// CHECK-LABEL: @splat_weights
// CHECK: %[[W:.*]] = graph.constant dense<5.000000e-01>
// CHECK: graph.kernel "matmul"(%arg0, %[[W]]) {graph.constants = array<i64: 1>
func.func @splat_weights(%x: tensor<4x8xf32>) -> tensor<4x2xf32> {
  %w = graph.constant dense<0.5> : tensor<8x2xf32> -> tensor<8x2xf32>
  %0 = graph.matmul %x, %w : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
  return %0 : tensor<4x2xf32>
}

// Heads are split by the store of the matmul before and read through views by
// the attention after.
// CHECK-LABEL: @split_heads
// CHECK: graph.kernel "matmul"
// CHECK: graph.matmul
// CHECK-NEXT: graph.reshape
// CHECK-NEXT: graph.transpose
// CHECK-NEXT: graph.yield
func.func @split_heads(%x: tensor<1x4x16xf32>) -> tensor<1x2x4x8xf32> {
  %w = graph.constant dense<0.5> : tensor<16x16xf32> -> tensor<16x16xf32>
  %0 = graph.matmul %x, %w : (tensor<1x4x16xf32>, tensor<16x16xf32>) -> tensor<1x4x16xf32>
  %1 = graph.reshape %0 {sizes = [#graph.expr<"1">, #graph.expr<"4">, #graph.expr<"2">, #graph.expr<"8">]} : (tensor<1x4x16xf32>) -> tensor<1x4x2x8xf32>
  %2 = graph.transpose %1 {perm = array<i64: 0, 2, 1, 3>} : (tensor<1x4x2x8xf32>) -> tensor<1x2x4x8xf32>
  return %2 : tensor<1x2x4x8xf32>
}

// A reshape of a row-major tensor is no kernel.
// CHECK-LABEL: @reshape_is_an_alias
// CHECK-NOT: graph.kernel
// CHECK: graph.reshape
func.func @reshape_is_an_alias(%x: tensor<4x6xf32>) -> tensor<24xf32> {
  %0 = graph.reshape %x {sizes = [#graph.expr<"24">]} : (tensor<4x6xf32>) -> tensor<24xf32>
  return %0 : tensor<24xf32>
}

// A chain of pointwise ops is one kernel; what has two users is computed once.
// CHECK-LABEL: @chain_and_shared
// CHECK: %[[E:.*]] = graph.kernel "pointwise"(%arg0)
// CHECK: graph.exp
// CHECK: graph.kernel "pointwise"(%[[E]])
// CHECK: graph.neg
// CHECK-NEXT: graph.abs
// CHECK: graph.kernel "pointwise"(%[[E]])
// CHECK: graph.sqrt
func.func @chain_and_shared(%x: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %0 = graph.exp %x : (tensor<8xf32>) -> tensor<8xf32>
  %1 = graph.neg %0 : (tensor<8xf32>) -> tensor<8xf32>
  %2 = graph.abs %1 : (tensor<8xf32>) -> tensor<8xf32>
  %3 = graph.sqrt %0 : (tensor<8xf32>) -> tensor<8xf32>
  return %2, %3 : tensor<8xf32>, tensor<8xf32>
}

// Not computed again for each row of a larger result.
// CHECK-LABEL: @no_recomputation_in_broadcast
// CHECK: graph.kernel "pointwise"(%arg0)
// CHECK: graph.tanh
// CHECK: graph.kernel "pointwise"
// CHECK: graph.div
func.func @no_recomputation_in_broadcast(%x: tensor<8xf32>, %y: tensor<64x8xf32>) -> tensor<64x8xf32> {
  %0 = graph.tanh %x : (tensor<8xf32>) -> tensor<8xf32>
  %1 = graph.div %y, %0 : (tensor<64x8xf32>, tensor<8xf32>) -> tensor<64x8xf32>
  return %1 : tensor<64x8xf32>
}

// A softmax reads a narrow value through the cast; where nothing can, the cast
// belongs to the kernel before.
// CHECK-LABEL: @widening_cast
// CHECK: graph.kernel "matmul"{{.*}} -> tensor<4x4xf16>
// CHECK: graph.kernel "softmax"{{.*}}(tensor<4x4xf16>) -> tensor<4x4xf32>
// CHECK-NEXT: bb0
// CHECK-NEXT: graph.cast
// CHECK-NEXT: graph.softmax
// CHECK: graph.kernel "matmul"{{.*}} -> tensor<4x4xf32>
// CHECK-NEXT: bb0
// CHECK-NEXT: graph.matmul
// CHECK-NEXT: graph.cast
// CHECK-NOT: graph.kernel
func.func @widening_cast(%x: tensor<4x4xf16>) -> (tensor<4x4xf32>, tensor<4x4xf32>) {
  %0 = graph.matmul %x, %x : (tensor<4x4xf16>, tensor<4x4xf16>) -> tensor<4x4xf16>
  %1 = graph.cast %0 {to = f32} : (tensor<4x4xf16>) -> tensor<4x4xf32>
  %2 = graph.softmax %1 {axis = 1 : i64} : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %3 = graph.matmul %x, %x {transpose_rhs = true} : (tensor<4x4xf16>, tensor<4x4xf16>) -> tensor<4x4xf16>
  %4 = graph.cast %3 {to = f32} : (tensor<4x4xf16>) -> tensor<4x4xf32>
  return %2, %4 : tensor<4x4xf32>, tensor<4x4xf32>
}

// Sizes are copied into the kernels that read them; as a result of the model they
// have one of their own.
// CHECK-LABEL: @sizes_are_a_result
// CHECK: graph.kernel "pointwise"(%arg0)
// CHECK: graph.dims
// CHECK: %[[OWN:.*]] = graph.kernel "pointwise"()
// CHECK-NEXT: graph.dims
// CHECK: return %{{.*}}, %[[OWN]]
func.func @sizes_are_a_result(%x: tensor<?xi64, #graph.shape<[n]>>) -> (tensor<?xi64, #graph.shape<[n]>>, tensor<1xi64>) {
  %0 = graph.dims <[n], tensor<1xi64>> -> tensor<1xi64>
  %1 = graph.add %x, %0 : (tensor<?xi64, #graph.shape<[n]>>, tensor<1xi64>) -> tensor<?xi64, #graph.shape<[n]>>
  return %1, %0 : tensor<?xi64, #graph.shape<[n]>>, tensor<1xi64>
}
