// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s --canonicalize | FileCheck %s
//
// Pointwise ops whose result is an operand, and near misses that stay.

// CHECK-LABEL: @add_zero(
func.func @add_zero(
    %x: tensor<4xf32>)
    -> tensor<4xf32> {
  // CHECK-NEXT: return %arg0
  %c = graph.constant dense<0.0> : tensor<f32> -> tensor<f32>
  %r = graph.add %c, %x : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @sub_zero(
func.func @sub_zero(
    %x: tensor<4xf32>)
    -> tensor<4xf32> {
  // CHECK-NEXT: return %arg0
  %c = graph.constant dense<0.0> : tensor<f32> -> tensor<f32>
  %r = graph.sub %x, %c : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @zero_minus_x_stays(
func.func @zero_minus_x_stays(
    %x: tensor<4xf32>)
    -> tensor<4xf32> {
  // CHECK: graph.sub
  %c = graph.constant dense<0.0> : tensor<f32> -> tensor<f32>
  %r = graph.sub %c, %x : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @mul_one(
func.func @mul_one(
    %x: tensor<4xf32>)
    -> tensor<4xf32> {
  // CHECK-NEXT: return %arg0
  %c = graph.constant dense<1.0> : tensor<4xf32> -> tensor<4xf32>
  %r = graph.mul %x, %c : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @mul_one_that_broadcasts_stays(
func.func @mul_one_that_broadcasts_stays(
    %x: tensor<4xf32>)
    -> tensor<2x4xf32> {
  // CHECK: graph.mul
  %c = graph.constant dense<1.0> : tensor<2x4xf32> -> tensor<2x4xf32>
  %r = graph.mul %x, %c : (tensor<4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return %r : tensor<2x4xf32>
}

// CHECK-LABEL: @mul_zero_stays(
func.func @mul_zero_stays(
    %x: tensor<4xf32>)
    -> tensor<4xf32> {
  // CHECK: graph.mul
  %c = graph.constant dense<0.0> : tensor<f32> -> tensor<f32>
  %r = graph.mul %x, %c : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @div_one(
func.func @div_one(
    %x: tensor<4xf32>)
    -> tensor<4xf32> {
  // CHECK-NEXT: return %arg0
  %c = graph.constant dense<1.0> : tensor<f32> -> tensor<f32>
  %r = graph.div %x, %c : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @pow_one(
func.func @pow_one(
    %x: tensor<4xf32>)
    -> tensor<4xf32> {
  // CHECK-NEXT: return %arg0
  %c = graph.constant dense<1> : tensor<i32> -> tensor<i32>
  %r = graph.pow %x, %c : (tensor<4xf32>, tensor<i32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @max_of_same(
func.func @max_of_same(
    %x: tensor<4xf32>)
    -> tensor<4xf32> {
  // CHECK-NEXT: return %arg0
  %r = graph.max %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @relu_of_relu(
func.func @relu_of_relu(
    %x: tensor<4xf32>)
    -> tensor<4xf32> {
  // CHECK-NEXT: %[[R:.*]] = graph.relu %arg0
  // CHECK-NEXT: return %[[R]]
  %0 = graph.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  %r = graph.relu %0 : (tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @neg_of_neg(
func.func @neg_of_neg(
    %x: tensor<4xf32>)
    -> tensor<4xf32> {
  // CHECK-NEXT: return %arg0
  %0 = graph.neg %x : (tensor<4xf32>) -> tensor<4xf32>
  %r = graph.neg %0 : (tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @exp_of_exp_stays(
func.func @exp_of_exp_stays(
    %x: tensor<4xf32>)
    -> tensor<4xf32> {
  // CHECK: graph.exp
  // CHECK: graph.exp
  %0 = graph.exp %x : (tensor<4xf32>) -> tensor<4xf32>
  %r = graph.exp %0 : (tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @cast_to_same(
func.func @cast_to_same(
    %x: tensor<4xf32>)
    -> tensor<4xf32> {
  // CHECK-NEXT: return %arg0
  %r = graph.cast %x {to = f32} : (tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @cast_there_and_back_stays(
func.func @cast_there_and_back_stays(
    %x: tensor<4xf32>)
    -> tensor<4xf32> {
  // CHECK: graph.cast
  // CHECK: graph.cast
  %0 = graph.cast %x {to = f16} : (tensor<4xf32>) -> tensor<4xf16>
  %r = graph.cast %0 {to = f32} : (tensor<4xf16>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @select_of_same(
func.func @select_of_same(
    %x: tensor<4xf32>,
    %c: tensor<4xi1>)
    -> tensor<4xf32> {
  // CHECK-NEXT: return %arg0
  %r = graph.select %c, %x, %x : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @select_true(
func.func @select_true(
    %x: tensor<4xf32>,
    %y: tensor<4xf32>)
    -> tensor<4xf32> {
  // CHECK-NEXT: return %arg0
  %c = graph.constant dense<true> : tensor<i1> -> tensor<i1>
  %r = graph.select %c, %x, %y : (tensor<i1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @select_false(
func.func @select_false(
    %x: tensor<4xf32>,
    %y: tensor<4xf32>)
    -> tensor<4xf32> {
  // CHECK-NEXT: return %arg0
  %c = graph.constant dense<false> : tensor<4xi1> -> tensor<4xi1>
  %r = graph.select %c, %y, %x : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @float_constants_stay(
func.func @float_constants_stay()
    -> tensor<4xf32> {
  // CHECK: graph.mul
  %c = graph.constant dense<2.0> : tensor<4xf32> -> tensor<4xf32>
  %r = graph.mul %c, %c : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @long_integer_constants_stay(
func.func @long_integer_constants_stay()
    -> tensor<65xi64> {
  // CHECK: graph.mul
  %c = graph.constant dense<2> : tensor<65xi64> -> tensor<65xi64>
  %r = graph.mul %c, %c : (tensor<65xi64>, tensor<65xi64>) -> tensor<65xi64>
  return %r : tensor<65xi64>
}
