// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s --graph-lower-precision=tf32 | FileCheck %s
// RUN: %tenon-opt %s --graph-lower-precision='nodes=three:tf32' | FileCheck %s --check-prefix=NODE
// RUN: %tenon-opt %s --graph-lower-precision=type=bf16 | FileCheck %s --check-prefix=BF16
// RUN: %tenon-opt %s --graph-lower-precision=type=f16 | FileCheck %s --check-prefix=F16
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
  // CHECK-NOT: graph.precision =
  // NODE-NOT: graph.precision =
  %0 = graph.conv %x, %p {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (!x, tensor<8x16x1x1xf32>) -> !y loc("one")
  %1 = graph.conv %x, %t {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (!x, tensor<8x16x1x3xf32>) -> tensor<2x8x7x3xf32> loc("three")
  return %0, %1 : !y, tensor<2x8x7x3xf32>
}

// A constant bias that bf16 would round stays in f32, one that it holds does not.
// BF16-LABEL: @bias
// BF16-SAME: ["odd", "bf16", "--bf16; its bias stays in f32"], ["even", "bf16", "--bf16"]
// BF16: graph.conv {{.*}} : (tensor<1x1x4xbf16>, tensor<2x1x3xbf16>, tensor<2xf32>) -> tensor<1x2x2xbf16>
// BF16: graph.conv_transpose {{.*}} : (tensor<1x2x2xbf16>, tensor<2x1x3xbf16>, tensor<1xbf16>) -> tensor<1x1x4xbf16>
// F16-LABEL: @bias
// F16: graph.conv {{.*}}, tensor<2xf16>)
func.func @bias(%x: tensor<1x1x4xf32>, %f: tensor<2x1x3xf32>) -> tensor<1x1x4xf32> {
  %odd = graph.constant dense<[0.1, 0.2]> : tensor<2xf32> -> tensor<2xf32>
  %even = graph.constant dense<0.25> : tensor<1xf32> -> tensor<1xf32>
  %0 = graph.conv %x, %f, %odd {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<1x1x4xf32>, tensor<2x1x3xf32>, tensor<2xf32>) -> tensor<1x2x2xf32> loc("odd")
  %1 = graph.conv_transpose %0, %f, %even {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, output_padding = array<i64: 0>, groups = 1 : i64} : (tensor<1x2x2xf32>, tensor<2x1x3xf32>, tensor<1xf32>) -> tensor<1x1x4xf32> loc("even")
  return %1 : tensor<1x1x4xf32>
}
