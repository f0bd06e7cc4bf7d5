// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s --graph-recover-patterns | FileCheck %s
//
// Activations that exporters write as arithmetic.

!t = tensor<?x8xf32, #graph.shape<[N, 8]>>
!s = tensor<f32>

// CHECK-LABEL: @pow_two(
func.func @pow_two(%x: !t) -> !t {
  // CHECK-NEXT: %[[R:.*]] = graph.mul %arg0, %arg0
  // CHECK-NEXT: return %[[R]]
  %c = graph.constant dense<2.0> : !s -> !s
  %0 = graph.pow %x, %c : (!t, !s) -> !t
  return %0 : !t
}

// CHECK-LABEL: @pow_three(
func.func @pow_three(%x: !t) -> !t {
  // CHECK-NEXT: %[[S:.*]] = graph.mul %arg0, %arg0
  // CHECK-NEXT: %[[R:.*]] = graph.mul %[[S]], %arg0
  // CHECK-NEXT: return %[[R]]
  %c = graph.constant dense<3.0> : !s -> !s
  %0 = graph.pow %x, %c : (!t, !s) -> !t
  return %0 : !t
}

// CHECK-LABEL: @roots(
func.func @roots(%x: !t) -> (!t, !t, !t) {
  // CHECK-NEXT: %[[A:.*]] = graph.sqrt %arg0
  // CHECK-NEXT: %[[B:.*]] = graph.rsqrt %arg0
  // CHECK-NEXT: %[[C:.*]] = graph.reciprocal %arg0
  // CHECK-NEXT: return %[[A]], %[[B]], %[[C]]
  %a = graph.constant dense<0.5> : !s -> !s
  %b = graph.constant dense<-0.5> : !s -> !s
  %c = graph.constant dense<-1.0> : !s -> !s
  %0 = graph.pow %x, %a : (!t, !s) -> !t
  %1 = graph.pow %x, %b : (!t, !s) -> !t
  %2 = graph.pow %x, %c : (!t, !s) -> !t
  return %0, %1, %2 : !t, !t, !t
}

// CHECK-LABEL: @pow_stays(
func.func @pow_stays(%x: !t) -> !t {
  // CHECK: graph.pow
  %c = graph.constant dense<2.5> : !s -> !s
  %0 = graph.pow %x, %c : (!t, !s) -> !t
  return %0 : !t
}

// CHECK-LABEL: @div_by_power_of_two(
func.func @div_by_power_of_two(%x: !t) -> !t {
  // CHECK-NEXT: %[[C:.*]] = graph.constant dense<1.250000e-01> : tensor<f32>
  // CHECK-NEXT: graph.mul %arg0, %[[C]]
  %c = graph.constant dense<8.0> : !s -> !s
  %0 = graph.div %x, %c : (!t, !s) -> !t
  return %0 : !t
}

// CHECK-LABEL: @div_stays(
func.func @div_stays(%x: !t, %n: tensor<4xi32>) -> (!t, tensor<4xi32>) {
  // CHECK: graph.div
  // CHECK: graph.div
  %c = graph.constant dense<6.0> : !s -> !s
  %d = graph.constant dense<4> : tensor<i32> -> tensor<i32>
  %0 = graph.div %x, %c : (!t, !s) -> !t
  %1 = graph.div %n, %d : (tensor<4xi32>, tensor<i32>) -> tensor<4xi32>
  return %0, %1 : !t, tensor<4xi32>
}

// CHECK-LABEL: @one_over_sqrt(
func.func @one_over_sqrt(%x: !t) -> !t {
  // CHECK-NEXT: %[[R:.*]] = graph.rsqrt %arg0
  // CHECK-NEXT: return %[[R]]
  %c = graph.constant dense<1.0> : !s -> !s
  %0 = graph.sqrt %x : (!t) -> !t
  %1 = graph.div %c, %0 : (!s, !t) -> !t
  return %1 : !t
}

// CHECK-LABEL: @min_of_max(
func.func @min_of_max(%x: !t) -> !t {
  // CHECK-NEXT: %[[R:.*]] = graph.clamp %arg0 {high = 2.000000e+00 : f64, low = -1.000000e+00 : f64}
  // CHECK-NEXT: return %[[R]]
  %a = graph.constant dense<-1.0> : !s -> !s
  %b = graph.constant dense<2.0> : !s -> !s
  %0 = graph.max %x, %a : (!t, !s) -> !t
  %1 = graph.min %b, %0 : (!s, !t) -> !t
  return %1 : !t
}

// CHECK-LABEL: @relu6(
func.func @relu6(%x: !t) -> !t {
  // CHECK-NEXT: %[[R:.*]] = graph.clamp %arg0 {high = 6.000000e+00 : f64, low = 0.000000e+00 : f64}
  // CHECK-NEXT: return %[[R]]
  %b = graph.constant dense<6.0> : !s -> !s
  %0 = graph.relu %x : (!t) -> !t
  %1 = graph.min %0, %b : (!t, !s) -> !t
  return %1 : !t
}

// CHECK-LABEL: @max_zero(
func.func @max_zero(%x: !t) -> !t {
  // CHECK-NEXT: %[[R:.*]] = graph.relu %arg0
  // CHECK-NEXT: return %[[R]]
  %z = graph.constant dense<0.0> : !s -> !s
  %0 = graph.max %x, %z : (!t, !s) -> !t
  return %0 : !t
}

// A bound that makes the result larger than x is no clamp.
// CHECK-LABEL: @max_broadcasts(
func.func @max_broadcasts(%x: tensor<1x8xf32>) -> tensor<4x8xf32> {
  // CHECK: graph.max
  %z = graph.constant dense<0.0> : tensor<4x1xf32> -> tensor<4x1xf32>
  %0 = graph.max %x, %z : (tensor<1x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// CHECK-LABEL: @sigmoid_of_exp(
func.func @sigmoid_of_exp(%x: !t) -> !t {
  // CHECK-NEXT: %[[R:.*]] = graph.sigmoid %arg0
  // CHECK-NEXT: return %[[R]]
  %c = graph.constant dense<1.0> : !s -> !s
  %0 = graph.neg %x : (!t) -> !t
  %1 = graph.exp %0 : (!t) -> !t
  %2 = graph.add %1, %c : (!t, !s) -> !t
  %3 = graph.div %c, %2 : (!s, !t) -> !t
  return %3 : !t
}

// CHECK-LABEL: @silu(
func.func @silu(%x: !t) -> !t {
  // CHECK-NEXT: %[[R:.*]] = graph.silu %arg0
  // CHECK-NEXT: return %[[R]]
  %0 = graph.sigmoid %x : (!t) -> !t
  %1 = graph.mul %0, %x : (!t, !t) -> !t
  return %1 : !t
}

// PaddlePaddle's swish multiplies by beta = 1, a vector of one element.
// CHECK-LABEL: @silu_paddle(
func.func @silu_paddle(%x: !t) -> !t {
  // CHECK-NEXT: %[[R:.*]] = graph.silu %arg0
  // CHECK-NEXT: return %[[R]]
  %c = graph.constant dense<1.0> : tensor<1xf32> -> tensor<1xf32>
  %0 = graph.mul %x, %c : (!t, tensor<1xf32>) -> !t
  %1 = graph.sigmoid %0 : (!t) -> !t
  %2 = graph.mul %x, %1 : (!t, !t) -> !t
  return %2 : !t
}

// CHECK-LABEL: @silu_of_quotient(
func.func @silu_of_quotient(%x: !t) -> !t {
  // CHECK-NEXT: %[[R:.*]] = graph.silu %arg0
  // CHECK-NEXT: return %[[R]]
  %c = graph.constant dense<1.0> : !s -> !s
  %0 = graph.neg %x : (!t) -> !t
  %1 = graph.exp %0 : (!t) -> !t
  %2 = graph.add %1, %c : (!t, !s) -> !t
  %3 = graph.div %x, %2 : (!t, !t) -> !t
  return %3 : !t
}

// CHECK-LABEL: @gate_is_no_silu(
func.func @gate_is_no_silu(%x: !t, %y: !t) -> !t {
  // CHECK-NEXT: graph.sigmoid
  // CHECK-NEXT: graph.mul
  %0 = graph.sigmoid %y : (!t) -> !t
  %1 = graph.mul %x, %0 : (!t, !t) -> !t
  return %1 : !t
}

// CHECK-LABEL: @hard_sigmoid_of_line(
func.func @hard_sigmoid_of_line(%x: !t) -> !t {
  // CHECK-NEXT: %[[R:.*]] = graph.hard_sigmoid %arg0 {alpha = 2.000000e-01 : f64, beta = 5.000000e-01 : f64}
  // CHECK-NEXT: return %[[R]]
  %a = graph.constant dense<0.2> : tensor<f64> -> tensor<f64>
  %a32 = graph.cast %a {to = f32} : (tensor<f64>) -> !s
  %b = graph.constant dense<0.5> : !s -> !s
  %0 = graph.mul %x, %a32 : (!t, !s) -> !t
  %1 = graph.add %0, %b : (!t, !s) -> !t
  %2 = graph.clamp %1 {low = 0.0, high = 1.0} : (!t) -> !t
  return %2 : !t
}

// CHECK-LABEL: @hard_sigmoid_of_six(
func.func @hard_sigmoid_of_six(%x: !t) -> !t {
  // CHECK-NEXT: %[[R:.*]] = graph.hard_sigmoid %arg0 {alpha = 0.1666{{.*}}, beta = 5.000000e-01 : f64}
  // CHECK-NEXT: return %[[R]]
  %three = graph.constant dense<3.0> : !s -> !s
  %six = graph.constant dense<6.0> : !s -> !s
  %0 = graph.add %x, %three : (!t, !s) -> !t
  %1 = graph.clamp %0 {low = 0.0, high = 6.0} : (!t) -> !t
  %2 = graph.div %1, %six : (!t, !s) -> !t
  return %2 : !t
}

// PaddlePaddle: x * clip(x + 3, 0, 6) / 6.
// CHECK-LABEL: @hard_swish_paddle(
func.func @hard_swish_paddle(%x: !t) -> !t {
  // CHECK-NEXT: %[[R:.*]] = graph.hard_swish %arg0 {alpha = 0.1666{{.*}}, beta = 5.000000e-01 : f64}
  // CHECK-NEXT: return %[[R]]
  %three = graph.constant dense<3.0> : !s -> !s
  %six = graph.constant dense<6.0> : !s -> !s
  %0 = graph.add %x, %three : (!t, !s) -> !t
  %1 = graph.clamp %0 {low = 0.0, high = 6.0} : (!t) -> !t
  %2 = graph.mul %x, %1 : (!t, !t) -> !t
  %3 = graph.div %2, %six : (!t, !s) -> !t
  return %3 : !t
}

// PyTorch before opset 14: x * relu6(x + 3) / 6, the quotient first.
// CHECK-LABEL: @hard_swish_torch(
func.func @hard_swish_torch(%x: !t) -> !t {
  // CHECK-NEXT: %[[R:.*]] = graph.hard_swish %arg0 {alpha = 0.1666{{.*}}, beta = 5.000000e-01 : f64}
  // CHECK-NEXT: return %[[R]]
  %three = graph.constant dense<3.0> : !s -> !s
  %six = graph.constant dense<6.0> : !s -> !s
  %0 = graph.add %x, %three : (!t, !s) -> !t
  %1 = graph.relu %0 : (!t) -> !t
  %2 = graph.min %1, %six : (!t, !s) -> !t
  %3 = graph.div %2, %six : (!t, !s) -> !t
  %4 = graph.mul %3, %x : (!t, !t) -> !t
  return %4 : !t
}

// CHECK-LABEL: @hard_swish_of_hard_sigmoid(
func.func @hard_swish_of_hard_sigmoid(%x: !t) -> !t {
  // CHECK-NEXT: %[[R:.*]] = graph.hard_swish %arg0 {alpha = 2.000000e-01 : f64, beta = 5.000000e-01 : f64}
  // CHECK-NEXT: return %[[R]]
  %0 = graph.hard_sigmoid %x {alpha = 0.2, beta = 0.5} : (!t) -> !t
  %1 = graph.mul %x, %0 : (!t, !t) -> !t
  return %1 : !t
}

// CHECK-LABEL: @scales_do_not_cancel(
func.func @scales_do_not_cancel(%x: !t) -> !t {
  // CHECK-NOT: graph.hard_swish
  // CHECK: graph.clamp
  %three = graph.constant dense<3.0> : !s -> !s
  %five = graph.constant dense<5.0> : !s -> !s
  %0 = graph.add %x, %three : (!t, !s) -> !t
  %1 = graph.clamp %0 {low = 0.0, high = 6.0} : (!t) -> !t
  %2 = graph.mul %x, %1 : (!t, !t) -> !t
  %3 = graph.div %2, %five : (!t, !s) -> !t
  return %3 : !t
}
