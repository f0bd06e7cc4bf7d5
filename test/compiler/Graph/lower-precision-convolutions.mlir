// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s --graph-lower-precision=tf32 | FileCheck %s
// RUN: %tenon-opt %s --graph-lower-precision='nodes=three:tf32' | FileCheck %s --check-prefix=NODE
//
// TF32 is a type of Tensor Cores, on which convolutions with one tap run, as
// products of matrices. The others stay in f32, and say so.

!x = tensor<2x16x7x5xf32>
!y = tensor<2x8x7x5xf32>

// CHECK-LABEL: @taps
// CHECK-SAME: ["one", "tf32", "f32 is the type of the model; --tf32"]
// CHECK-SAME: ["three", "f32", "f32 is the type of the model; convolutions of several taps do not use TF32"]
// NODE-LABEL: @taps
// NODE-SAME: ["three", "f32", "--precision=three:tf32; convolutions of several taps do not use TF32"]
func.func @taps(%x: !x, %p: tensor<8x16x1x1xf32>, %t: tensor<8x16x1x3xf32>) -> (!y, tensor<2x8x7x3xf32>) {
  // CHECK: graph.conv {{.*}}graph.precision = "tf32"
  // CHECK: graph.conv
  // CHECK-NOT: graph.precision
  // NODE-NOT: graph.precision =
  %0 = graph.conv %x, %p {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (!x, tensor<8x16x1x1xf32>) -> !y loc("one")
  %1 = graph.conv %x, %t {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (!x, tensor<8x16x1x3xf32>) -> tensor<2x8x7x3xf32> loc("three")
  return %0, %1 : !y, tensor<2x8x7x3xf32>
}
