// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s --graph-recover-patterns | FileCheck %s
//
// GELU in the orders that exporters write.

!t = tensor<?x8xf32, #graph.shape<[N, 8]>>
!s = tensor<f32>

// PyTorch: x * (1 + erf(x / sqrt 2)) * 0.5
// CHECK-LABEL: @torch(
func.func @torch(%x: !t) -> !t {
  // CHECK-NEXT: %[[R:.*]] = graph.gelu %arg0 : ({{.*}}) -> tensor<?x8xf32, #graph.shape<[N, 8]>>
  // CHECK-NEXT: return %[[R]]
  %root = graph.constant dense<1.4142135381698608> : !s -> !s
  %one = graph.constant dense<1.0> : !s -> !s
  %half = graph.constant dense<0.5> : !s -> !s
  %0 = graph.div %x, %root : (!t, !s) -> !t
  %1 = graph.erf %0 : (!t) -> !t
  %2 = graph.add %1, %one : (!t, !s) -> !t
  %3 = graph.mul %x, %2 : (!t, !t) -> !t
  %4 = graph.mul %3, %half : (!t, !s) -> !t
  return %4 : !t
}

// PaddlePaddle: 0.5 * x first.
// CHECK-LABEL: @half_first(
func.func @half_first(%x: !t) -> !t {
  // CHECK-NEXT: %[[R:.*]] = graph.gelu %arg0 :
  // CHECK-NEXT: return %[[R]]
  %root = graph.constant dense<1.4142135> : !s -> !s
  %one = graph.constant dense<1.0> : tensor<1xf32> -> tensor<1xf32>
  %half = graph.constant dense<0.5> : !s -> !s
  %0 = graph.div %x, %root : (!t, !s) -> !t
  %1 = graph.erf %0 : (!t) -> !t
  %2 = graph.add %one, %1 : (tensor<1xf32>, !t) -> !t
  %3 = graph.mul %half, %x : (!s, !t) -> !t
  %4 = graph.mul %3, %2 : (!t, !t) -> !t
  return %4 : !t
}

// TensorFlow: x * (0.5 * (1 + erf(x * 0.7071)))
// CHECK-LABEL: @tensorflow(
func.func @tensorflow(%x: !t) -> !t {
  // CHECK-NEXT: %[[R:.*]] = graph.gelu %arg0 :
  // CHECK-NEXT: return %[[R]]
  %root = graph.constant dense<0.70710676> : !s -> !s
  %one = graph.constant dense<1.0> : !s -> !s
  %half = graph.constant dense<0.5> : !s -> !s
  %0 = graph.mul %x, %root : (!t, !s) -> !t
  %1 = graph.erf %0 : (!t) -> !t
  %2 = graph.add %1, %one : (!t, !s) -> !t
  %3 = graph.mul %2, %half : (!t, !s) -> !t
  %4 = graph.mul %x, %3 : (!t, !t) -> !t
  return %4 : !t
}

// CHECK-LABEL: @divided_by_two(
func.func @divided_by_two(%x: !t) -> !t {
  // CHECK-NEXT: %[[R:.*]] = graph.gelu %arg0 :
  // CHECK-NEXT: return %[[R]]
  %root = graph.constant dense<1.4142135> : !s -> !s
  %one = graph.constant dense<1.0> : !s -> !s
  %two = graph.constant dense<2.0> : !s -> !s
  %0 = graph.div %x, %root : (!t, !s) -> !t
  %1 = graph.erf %0 : (!t) -> !t
  %2 = graph.add %1, %one : (!t, !s) -> !t
  %3 = graph.mul %x, %2 : (!t, !t) -> !t
  %4 = graph.div %3, %two : (!t, !s) -> !t
  return %4 : !t
}

// GPT-2 and TensorFlow: the tanh form with a cube.
// CHECK-LABEL: @tanh_of_cube(
func.func @tanh_of_cube(%x: !t) -> !t {
  // CHECK-NEXT: %[[R:.*]] = graph.gelu %arg0 {approximate_tanh = true}
  // CHECK-NEXT: return %[[R]]
  %three = graph.constant dense<3.0> : !s -> !s
  %c = graph.constant dense<0.044714998453855515> : !s -> !s
  %p = graph.constant dense<0.7978845834732056> : !s -> !s
  %one = graph.constant dense<1.0> : !s -> !s
  %half = graph.constant dense<0.5> : !s -> !s
  %0 = graph.pow %x, %three : (!t, !s) -> !t
  %1 = graph.mul %0, %c : (!t, !s) -> !t
  %2 = graph.add %x, %1 : (!t, !t) -> !t
  %3 = graph.mul %2, %p : (!t, !s) -> !t
  %4 = graph.tanh %3 : (!t) -> !t
  %5 = graph.add %4, %one : (!t, !s) -> !t
  %6 = graph.mul %x, %half : (!t, !s) -> !t
  %7 = graph.mul %6, %5 : (!t, !t) -> !t
  return %7 : !t
}

// PyTorch's fast form: sqrt(2/pi) * x * (1 + 0.044715 * x * x)
// CHECK-LABEL: @tanh_of_product(
func.func @tanh_of_product(%x: !t) -> !t {
  // CHECK-NEXT: %[[R:.*]] = graph.gelu %arg0 {approximate_tanh = true}
  // CHECK-NEXT: return %[[R]]
  %c = graph.constant dense<0.044715> : !s -> !s
  %p = graph.constant dense<0.79788456> : !s -> !s
  %one = graph.constant dense<1.0> : !s -> !s
  %half = graph.constant dense<0.5> : !s -> !s
  %0 = graph.mul %x, %p : (!t, !s) -> !t
  %1 = graph.mul %x, %c : (!t, !s) -> !t
  %2 = graph.mul %1, %x : (!t, !t) -> !t
  %3 = graph.add %2, %one : (!t, !s) -> !t
  %4 = graph.mul %0, %3 : (!t, !t) -> !t
  %5 = graph.tanh %4 : (!t) -> !t
  %6 = graph.add %5, %one : (!t, !s) -> !t
  %7 = graph.mul %x, %half : (!t, !s) -> !t
  %8 = graph.mul %7, %6 : (!t, !t) -> !t
  return %8 : !t
}

// CHECK-LABEL: @other_argument(
func.func @other_argument(%x: !t) -> !t {
  // CHECK-NOT: graph.gelu
  // CHECK: graph.erf
  %root = graph.constant dense<1.5> : !s -> !s
  %one = graph.constant dense<1.0> : !s -> !s
  %half = graph.constant dense<0.5> : !s -> !s
  %0 = graph.div %x, %root : (!t, !s) -> !t
  %1 = graph.erf %0 : (!t) -> !t
  %2 = graph.add %1, %one : (!t, !s) -> !t
  %3 = graph.mul %x, %2 : (!t, !t) -> !t
  %4 = graph.mul %3, %half : (!t, !s) -> !t
  return %4 : !t
}

// CHECK-LABEL: @other_factor(
func.func @other_factor(%x: !t, %y: !t) -> !t {
  // CHECK-NOT: graph.gelu
  // CHECK: graph.erf
  %root = graph.constant dense<1.4142135> : !s -> !s
  %one = graph.constant dense<1.0> : !s -> !s
  %half = graph.constant dense<0.5> : !s -> !s
  %0 = graph.div %x, %root : (!t, !s) -> !t
  %1 = graph.erf %0 : (!t) -> !t
  %2 = graph.add %1, %one : (!t, !s) -> !t
  %3 = graph.mul %y, %2 : (!t, !t) -> !t
  %4 = graph.mul %3, %half : (!t, !s) -> !t
  return %4 : !t
}

// A model in f16 holds sqrt 2 as 1.4140625.
// CHECK-LABEL: @root_in_half_precision(
func.func @root_in_half_precision(%x: !t) -> !t {
  // CHECK-NEXT: %[[R:.*]] = graph.gelu %arg0 :
  // CHECK-NEXT: return %[[R]]
  %h = graph.constant dense<1.4140625> : tensor<f16> -> tensor<f16>
  %root = graph.cast %h {to = f32} : (tensor<f16>) -> !s
  %one = graph.constant dense<1.0> : !s -> !s
  %half = graph.constant dense<0.5> : !s -> !s
  %0 = graph.div %x, %root : (!t, !s) -> !t
  %1 = graph.erf %0 : (!t) -> !t
  %2 = graph.add %1, %one : (!t, !s) -> !t
  %3 = graph.mul %x, %2 : (!t, !t) -> !t
  %4 = graph.mul %3, %half : (!t, !s) -> !t
  return %4 : !t
}
