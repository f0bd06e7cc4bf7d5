// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s --graph-recover-patterns | FileCheck %s
//
// Layer and RMS normalization in the forms that exporters write.

!t = tensor<?x4x8xf32, #graph.shape<[N, 4, 8]>>
!m = tensor<?x4x1xf32, #graph.shape<[N, 4, 1]>>
!v = tensor<8xf32>
!s = tensor<f32>

// PyTorch before opset 17, and PaddlePaddle.
// CHECK-LABEL: @torch(
func.func @torch(%x: !t) -> !t {
  // CHECK-DAG: %[[G:.*]] = graph.constant dense<3.000000e+00>
  // CHECK-DAG: %[[B:.*]] = graph.constant dense<4.000000e+00>
  // CHECK: %[[R:.*]] = graph.layer_norm %arg0 scale %[[G]] bias %[[B]] {axis = 2 : i64, epsilon = 9.99{{.*}}E-6 : f64}
  // CHECK-NEXT: return %[[R]]
  %two = graph.constant dense<2.0> : !s -> !s
  %eps = graph.constant dense<9.99999974e-06> : !s -> !s
  %g = graph.constant dense<3.0> : !v -> !v
  %b = graph.constant dense<4.0> : !v -> !v
  %0 = graph.reduce %x {kind = #graph.reduce_kind<mean>, axes = array<i64: 2>, keep = true} : (!t) -> !m
  %1 = graph.sub %x, %0 : (!t, !m) -> !t
  %2 = graph.pow %1, %two : (!t, !s) -> !t
  %3 = graph.reduce %2 {kind = #graph.reduce_kind<mean>, axes = array<i64: 2>, keep = true} : (!t) -> !m
  %4 = graph.add %3, %eps : (!m, !s) -> !m
  %5 = graph.sqrt %4 : (!m) -> !m
  %6 = graph.div %1, %5 : (!t, !m) -> !t
  %7 = graph.mul %6, %g : (!t, !v) -> !t
  %8 = graph.add %7, %b : (!t, !v) -> !t
  return %8 : !t
}

// Two subtractions of the mean, weights of full rank.
// CHECK-LABEL: @mean_subtracted_twice(
func.func @mean_subtracted_twice(%x: !t) -> !t {
  // CHECK-DAG: %[[W:.*]] = graph.reshape %{{.*}} -> tensor<8xf32>
  // CHECK: %[[R:.*]] = graph.layer_norm %arg0 scale %[[W]] {axis = 2
  // CHECK-NEXT: return %[[R]]
  %eps = graph.constant dense<1.0e-06> : tensor<1xf32> -> tensor<1xf32>
  %g = graph.constant dense<3.0> : tensor<1x1x8xf32> -> tensor<1x1x8xf32>
  %0 = graph.reduce %x {kind = #graph.reduce_kind<mean>, axes = array<i64: 2>, keep = true} : (!t) -> !m
  %1 = graph.sub %x, %0 : (!t, !m) -> !t
  %again = graph.sub %x, %0 : (!t, !m) -> !t
  %2 = graph.mul %1, %1 : (!t, !t) -> !t
  %3 = graph.reduce %2 {kind = #graph.reduce_kind<mean>, axes = array<i64: 2>, keep = true} : (!t) -> !m
  %4 = graph.add %3, %eps : (!m, tensor<1xf32>) -> !m
  %5 = graph.sqrt %4 : (!m) -> !m
  %6 = graph.div %again, %5 : (!t, !m) -> !t
  %7 = graph.mul %g, %6 : (tensor<1x1x8xf32>, !t) -> !t
  return %7 : !t
}

// TensorFlow multiplies out: x * g + (b - mean * g), g = rsqrt(...) * scale.
// CHECK-LABEL: @tensorflow(
func.func @tensorflow(%x: !t) -> !t {
  // CHECK-DAG: %[[G:.*]] = graph.constant dense<3.000000e+00>
  // CHECK-DAG: %[[B:.*]] = graph.constant dense<4.000000e+00>
  // CHECK: %[[R:.*]] = graph.layer_norm %arg0 scale %[[G]] bias %[[B]] {axis = 2
  // CHECK-NEXT: return %[[R]]
  %eps = graph.constant dense<1.0e-03> : !s -> !s
  %g = graph.constant dense<3.0> : !v -> !v
  %b = graph.constant dense<4.0> : !v -> !v
  %0 = graph.reduce %x {kind = #graph.reduce_kind<mean>, axes = array<i64: 2>, keep = true} : (!t) -> !m
  %1 = graph.sub %x, %0 : (!t, !m) -> !t
  %2 = graph.mul %1, %1 : (!t, !t) -> !t
  %3 = graph.reduce %2 {kind = #graph.reduce_kind<mean>, axes = array<i64: 2>, keep = true} : (!t) -> !m
  %4 = graph.add %3, %eps : (!m, !s) -> !m
  %5 = graph.sqrt %4 : (!m) -> !m
  %6 = graph.reciprocal %5 : (!m) -> !m
  %7 = graph.mul %6, %g : (!m, !v) -> !t
  %8 = graph.mul %x, %7 : (!t, !t) -> !t
  %9 = graph.mul %0, %7 : (!m, !t) -> !t
  %10 = graph.sub %b, %9 : (!v, !t) -> !t
  %11 = graph.add %8, %10 : (!t, !t) -> !t
  return %11 : !t
}

// Llama: x * (1 / sqrt(mean(x^2) + eps)), then the weight on the left.
// CHECK-LABEL: @rms_llama(
func.func @rms_llama(%x: !t) -> !t {
  // CHECK-DAG: %[[G:.*]] = graph.constant dense<3.000000e+00>
  // CHECK: %[[R:.*]] = graph.layer_norm %arg0 scale %[[G]] {axis = 2 : i64, {{.*}}rms = true}
  // CHECK-NEXT: return %[[R]]
  %one = graph.constant dense<1.0> : !s -> !s
  %two = graph.constant dense<2.0> : !s -> !s
  %eps = graph.constant dense<1.0e-06> : !s -> !s
  %g = graph.constant dense<3.0> : !v -> !v
  %0 = graph.pow %x, %two : (!t, !s) -> !t
  %1 = graph.reduce %0 {kind = #graph.reduce_kind<mean>, axes = array<i64: 2>, keep = true} : (!t) -> !m
  %2 = graph.add %1, %eps : (!m, !s) -> !m
  %3 = graph.sqrt %2 : (!m) -> !m
  %4 = graph.div %one, %3 : (!s, !m) -> !m
  %5 = graph.mul %x, %4 : (!t, !m) -> !t
  %6 = graph.mul %g, %5 : (!v, !t) -> !t
  return %6 : !t
}

// CHECK-LABEL: @rms_divides(
func.func @rms_divides(%x: !t) -> !t {
  // CHECK: %[[R:.*]] = graph.layer_norm %arg0 {axis = 2 : i64, {{.*}}rms = true}
  // CHECK-NEXT: return %[[R]]
  %eps = graph.constant dense<1.0e-06> : !s -> !s
  %0 = graph.mul %x, %x : (!t, !t) -> !t
  %1 = graph.reduce %0 {kind = #graph.reduce_kind<mean>, axes = array<i64: 2>, keep = true} : (!t) -> !m
  %2 = graph.add %1, %eps : (!m, !s) -> !m
  %3 = graph.sqrt %2 : (!m) -> !m
  %4 = graph.div %x, %3 : (!t, !m) -> !t
  return %4 : !t
}

// Over the last two dimensions.
// CHECK-LABEL: @two_axes(
func.func @two_axes(%x: !t) -> !t {
  // CHECK: graph.layer_norm %arg0 {axis = 1
  %eps = graph.constant dense<1.0e-06> : !s -> !s
  %0 = graph.reduce %x {kind = #graph.reduce_kind<mean>, axes = array<i64: 1, 2>, keep = true} : (!t) -> tensor<?x1x1xf32, #graph.shape<[N, 1, 1]>>
  %1 = graph.sub %x, %0 : (!t, tensor<?x1x1xf32, #graph.shape<[N, 1, 1]>>) -> !t
  %2 = graph.mul %1, %1 : (!t, !t) -> !t
  %3 = graph.reduce %2 {kind = #graph.reduce_kind<mean>, axes = array<i64: 1, 2>, keep = true} : (!t) -> tensor<?x1x1xf32, #graph.shape<[N, 1, 1]>>
  %4 = graph.add %3, %eps : (tensor<?x1x1xf32, #graph.shape<[N, 1, 1]>>, !s) -> tensor<?x1x1xf32, #graph.shape<[N, 1, 1]>>
  %5 = graph.rsqrt %4 : (tensor<?x1x1xf32, #graph.shape<[N, 1, 1]>>) -> tensor<?x1x1xf32, #graph.shape<[N, 1, 1]>>
  %6 = graph.mul %1, %5 : (!t, tensor<?x1x1xf32, #graph.shape<[N, 1, 1]>>) -> !t
  return %6 : !t
}

// A residual is no bias.
// CHECK-LABEL: @residual_stays(
func.func @residual_stays(%x: !t, %y: !t) -> !t {
  // CHECK: %[[N:.*]] = graph.layer_norm %arg0 {axis = 2
  // CHECK-NEXT: graph.add %[[N]], %arg1
  %0 = graph.layer_norm %x {axis = 2 : i64, epsilon = 1.0e-6 : f64} : (!t) -> !t
  %1 = graph.add %0, %y : (!t, !t) -> !t
  return %1 : !t
}

// Normalizing channels, not the last dimensions: no layer_norm.
// CHECK-LABEL: @middle_axis(
func.func @middle_axis(%x: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  // CHECK-NOT: graph.layer_norm
  // CHECK: graph.sqrt
  %eps = graph.constant dense<1.0e-06> : !s -> !s
  %0 = graph.reduce %x {kind = #graph.reduce_kind<mean>, axes = array<i64: 1>, keep = true} : (tensor<2x4x8xf32>) -> tensor<2x1x8xf32>
  %1 = graph.sub %x, %0 : (tensor<2x4x8xf32>, tensor<2x1x8xf32>) -> tensor<2x4x8xf32>
  %2 = graph.mul %1, %1 : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %3 = graph.reduce %2 {kind = #graph.reduce_kind<mean>, axes = array<i64: 1>, keep = true} : (tensor<2x4x8xf32>) -> tensor<2x1x8xf32>
  %4 = graph.add %3, %eps : (tensor<2x1x8xf32>, !s) -> tensor<2x1x8xf32>
  %5 = graph.sqrt %4 : (tensor<2x1x8xf32>) -> tensor<2x1x8xf32>
  %6 = graph.div %1, %5 : (tensor<2x4x8xf32>, tensor<2x1x8xf32>) -> tensor<2x4x8xf32>
  return %6 : tensor<2x4x8xf32>
}

// The squares are of another tensor.
// CHECK-LABEL: @other_squares(
func.func @other_squares(%x: !t, %y: !t) -> !t {
  // CHECK-NOT: graph.layer_norm
  // CHECK: graph.div
  %eps = graph.constant dense<1.0e-06> : !s -> !s
  %0 = graph.mul %y, %y : (!t, !t) -> !t
  %1 = graph.reduce %0 {kind = #graph.reduce_kind<mean>, axes = array<i64: 2>, keep = true} : (!t) -> !m
  %2 = graph.add %1, %eps : (!m, !s) -> !m
  %3 = graph.sqrt %2 : (!m) -> !m
  %4 = graph.div %x, %3 : (!t, !m) -> !t
  return %4 : !t
}
