// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s --canonicalize | FileCheck %s
//
// Arithmetic on sizes and small integers.

// CHECK-LABEL: @add(
func.func @add()
    -> tensor<2xi64> {
  // CHECK-NEXT: graph.dims <["H + N", 7], tensor<2xi64>>
  %a = graph.dims <[N, 3], tensor<2xi64>> -> tensor<2xi64>
  %b = graph.dims <[H, 4], tensor<2xi64>> -> tensor<2xi64>
  %r = graph.add %a, %b : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  return %r : tensor<2xi64>
}

// CHECK-LABEL: @sub_to_constant(
func.func @sub_to_constant()
    -> tensor<2xi64> {
  // CHECK-NEXT: graph.constant dense<2> : tensor<2xi64>
  %a = graph.dims <["N + 2", 3], tensor<2xi64>> -> tensor<2xi64>
  %b = graph.dims <[N, 1], tensor<2xi64>> -> tensor<2xi64>
  %r = graph.sub %a, %b : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  return %r : tensor<2xi64>
}

// CHECK-LABEL: @mul(
func.func @mul()
    -> tensor<2xi64> {
  // CHECK-NEXT: graph.dims <["2*N", "3*H"], tensor<2xi64>>
  %a = graph.dims <[N, 3], tensor<2xi64>> -> tensor<2xi64>
  %b = graph.dims <[2, H], tensor<2xi64>> -> tensor<2xi64>
  %r = graph.mul %a, %b : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  return %r : tensor<2xi64>
}

// CHECK-LABEL: @div_exact(
func.func @div_exact()
    -> tensor<2xi64> {
  // CHECK-NEXT: graph.dims <["2*N", H], tensor<2xi64>>
  %a = graph.dims <["4*N", "N*H"], tensor<2xi64>> -> tensor<2xi64>
  %b = graph.dims <[2, N], tensor<2xi64>> -> tensor<2xi64>
  %r = graph.div %a, %b : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  return %r : tensor<2xi64>
}

// CHECK-LABEL: @div_floor(
func.func @div_floor()
    -> tensor<2xi64> {
  // CHECK-NEXT: graph.dims <["(N floordiv 2)", 3], tensor<2xi64>>
  %a = graph.dims <[N, 7], tensor<2xi64>> -> tensor<2xi64>
  %b = graph.constant dense<[2, 2]> : tensor<2xi64> -> tensor<2xi64>
  %r = graph.div %a, %b : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  return %r : tensor<2xi64>
}

// CHECK-LABEL: @div_constants_truncate(
func.func @div_constants_truncate()
    -> tensor<2xi64> {
  // CHECK-NEXT: graph.constant dense<-3> : tensor<2xi64>
  %a = graph.constant dense<[-7, 7]> : tensor<2xi64> -> tensor<2xi64>
  %b = graph.constant dense<[2, -2]> : tensor<2xi64> -> tensor<2xi64>
  %r = graph.div %a, %b : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  return %r : tensor<2xi64>
}

// CHECK-LABEL: @div_by_zero_is_zero(
func.func @div_by_zero_is_zero()
    -> tensor<2xi64> {
  // CHECK-NEXT: graph.constant dense<0> : tensor<2xi64>
  %a = graph.constant dense<[5, -5]> : tensor<2xi64> -> tensor<2xi64>
  %b = graph.constant dense<[0, 0]> : tensor<2xi64> -> tensor<2xi64>
  %r = graph.div %a, %b : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  return %r : tensor<2xi64>
}

// CHECK-LABEL: @mod(
func.func @mod()
    -> tensor<2xi64> {
  // CHECK-NEXT: graph.dims <[0, "N - 2*(N floordiv 2)"], tensor<2xi64>>
  %a = graph.dims <["2*N", N], tensor<2xi64>> -> tensor<2xi64>
  %b = graph.constant dense<[2, 2]> : tensor<2xi64> -> tensor<2xi64>
  %r = graph.mod %a, %b : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  return %r : tensor<2xi64>
}

// CHECK-LABEL: @mod_sign_of_divisor(
func.func @mod_sign_of_divisor()
    -> tensor<2xi64> {
  // CHECK-NEXT: graph.constant dense<[2, -2]> : tensor<2xi64>
  %a = graph.constant dense<[-7, 7]> : tensor<2xi64> -> tensor<2xi64>
  %b = graph.constant dense<[3, -3]> : tensor<2xi64> -> tensor<2xi64>
  %r = graph.mod %a, %b : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  return %r : tensor<2xi64>
}

// CHECK-LABEL: @fmod_sign_of_dividend(
func.func @fmod_sign_of_dividend()
    -> tensor<2xi64> {
  // CHECK-NEXT: graph.constant dense<[-1, 1]> : tensor<2xi64>
  %a = graph.constant dense<[-7, 7]> : tensor<2xi64> -> tensor<2xi64>
  %b = graph.constant dense<[3, -3]> : tensor<2xi64> -> tensor<2xi64>
  %r = graph.mod %a, %b {fmod = true} : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  return %r : tensor<2xi64>
}

// CHECK-LABEL: @min(
func.func @min()
    -> tensor<2xi64> {
  // CHECK-NEXT: graph.dims <["min(H, N)", 3], tensor<2xi64>>
  %a = graph.dims <[N, 3], tensor<2xi64>> -> tensor<2xi64>
  %b = graph.dims <[H, 4], tensor<2xi64>> -> tensor<2xi64>
  %r = graph.min %a, %b : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  return %r : tensor<2xi64>
}

// CHECK-LABEL: @max(
func.func @max()
    -> tensor<2xi64> {
  // CHECK-NEXT: graph.dims <["N + 1", 4], tensor<2xi64>>
  %a = graph.dims <["N + 1", 3], tensor<2xi64>> -> tensor<2xi64>
  %b = graph.dims <[N, 4], tensor<2xi64>> -> tensor<2xi64>
  %r = graph.max %a, %b : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  return %r : tensor<2xi64>
}

// CHECK-LABEL: @pow(
func.func @pow()
    -> tensor<2xi64> {
  // CHECK-NEXT: graph.dims <["N*N", 9], tensor<2xi64>>
  %a = graph.dims <[N, 3], tensor<2xi64>> -> tensor<2xi64>
  %b = graph.constant dense<[2, 2]> : tensor<2xi64> -> tensor<2xi64>
  %r = graph.pow %a, %b : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  return %r : tensor<2xi64>
}

// CHECK-LABEL: @wraps_at_32_bits(
func.func @wraps_at_32_bits()
    -> tensor<2xi32> {
  // CHECK-NEXT: graph.constant dense<[-2147483648, 6]> : tensor<2xi32>
  %a = graph.constant dense<[2147483647, 5]> : tensor<2xi32> -> tensor<2xi32>
  %b = graph.constant dense<[1, 1]> : tensor<2xi32> -> tensor<2xi32>
  %r = graph.add %a, %b : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  return %r : tensor<2xi32>
}

// CHECK-LABEL: @compare_eq_is_decided(
func.func @compare_eq_is_decided()
    -> tensor<2xi1> {
  // CHECK-NEXT: graph.constant dense<[false, true]> : tensor<2xi1>
  %a = graph.dims <[N, 3], tensor<2xi64>> -> tensor<2xi64>
  %b = graph.constant dense<[-1, 3]> : tensor<2xi64> -> tensor<2xi64>
  %r = graph.compare %a, %b {predicate = #graph.compare<eq>} : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi1>
  return %r : tensor<2xi1>
}

// CHECK-LABEL: @compare_lt_is_decided(
func.func @compare_lt_is_decided()
    -> tensor<2xi1> {
  // CHECK-NEXT: graph.constant dense<[true, false]> : tensor<2xi1>
  %a = graph.dims <[N, 3], tensor<2xi64>> -> tensor<2xi64>
  %b = graph.dims <["N + 1", 3], tensor<2xi64>> -> tensor<2xi64>
  %r = graph.compare %a, %b {predicate = #graph.compare<lt>} : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi1>
  return %r : tensor<2xi1>
}

// CHECK-LABEL: @compare_undecided(
func.func @compare_undecided()
    -> tensor<2xi1> {
  // CHECK-NEXT: graph.dims <["select(N - 1, 1, 0)", "select(N - 1, 1, 0)"], tensor<2xi1>>
  %a = graph.dims <[N, N], tensor<2xi64>> -> tensor<2xi64>
  %b = graph.constant dense<[1, 1]> : tensor<2xi64> -> tensor<2xi64>
  %r = graph.compare %a, %b {predicate = #graph.compare<gt>} : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi1>
  return %r : tensor<2xi1>
}

// CHECK-LABEL: @div_of_negative_symbol_stays(
func.func @div_of_negative_symbol_stays()
    -> tensor<2xi64> {
  // CHECK: graph.div
  %a = graph.dims <["N - 8", N], tensor<2xi64>> -> tensor<2xi64>
  %b = graph.constant dense<3> : tensor<2xi64> -> tensor<2xi64>
  %r = graph.div %a, %b : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  return %r : tensor<2xi64>
}

// CHECK-LABEL: @neg_and_abs(
func.func @neg_and_abs()
    -> tensor<2xi64> {
  // CHECK-NEXT: graph.dims <[N, "max(N - 5, -N + 5)"], tensor<2xi64>>
  %a = graph.dims <[N, "N - 5"], tensor<2xi64>> -> tensor<2xi64>
  %0 = graph.neg %a : (tensor<2xi64>) -> tensor<2xi64>
  %r = graph.abs %0 : (tensor<2xi64>) -> tensor<2xi64>
  return %r : tensor<2xi64>
}

// CHECK-LABEL: @select_by_size(
func.func @select_by_size()
    -> tensor<2xi64> {
  // CHECK-NEXT: graph.dims <[N, C], tensor<2xi64>>
  %a = graph.dims <[N, -1], tensor<2xi64>> -> tensor<2xi64>
  %m = graph.constant dense<-1> : tensor<i64> -> tensor<i64>
  %s = graph.dims <[B, C], tensor<2xi64>> -> tensor<2xi64>
  %c = graph.compare %a, %m {predicate = #graph.compare<eq>} : (tensor<2xi64>, tensor<i64>) -> tensor<2xi1>
  %r = graph.select %c, %s, %a : (tensor<2xi1>, tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  return %r : tensor<2xi64>
}

// CHECK-LABEL: @logic(
func.func @logic()
    -> tensor<2xi1> {
  // CHECK-NEXT: graph.constant dense<true> : tensor<2xi1>
  %a = graph.constant dense<[true, false]> : tensor<2xi1> -> tensor<2xi1>
  %0 = graph.not %a : (tensor<2xi1>) -> tensor<2xi1>
  %r = graph.or %a, %0 : (tensor<2xi1>, tensor<2xi1>) -> tensor<2xi1>
  return %r : tensor<2xi1>
}

// CHECK-LABEL: @cast_narrows(
func.func @cast_narrows()
    -> tensor<2xi32> {
  // CHECK-NEXT: graph.dims <[N, 1], tensor<2xi32>>
  %a = graph.dims <[N, 4294967297], tensor<2xi64>> -> tensor<2xi64>
  %r = graph.cast %a {to = i32} : (tensor<2xi64>) -> tensor<2xi32>
  return %r : tensor<2xi32>
}

// CHECK-LABEL: @cast_to_bool(
func.func @cast_to_bool()
    -> tensor<2xi1> {
  // CHECK-NEXT: graph.constant dense<[true, false]> : tensor<2xi1>
  %a = graph.dims <["N + 1", 0], tensor<2xi64>> -> tensor<2xi64>
  %r = graph.cast %a {to = i1} : (tensor<2xi64>) -> tensor<2xi1>
  return %r : tensor<2xi1>
}

// CHECK-LABEL: @cast_constants_to_float_and_back(
func.func @cast_constants_to_float_and_back()
    -> tensor<2xi64> {
  // CHECK-NEXT: graph.constant dense<[3, 4]> : tensor<2xi64>
  %a = graph.constant dense<[3, 4]> : tensor<2xi64> -> tensor<2xi64>
  %0 = graph.cast %a {to = f32} : (tensor<2xi64>) -> tensor<2xf32>
  %r = graph.cast %0 {to = i64} : (tensor<2xf32>) -> tensor<2xi64>
  return %r : tensor<2xi64>
}

// CHECK-LABEL: @cast_saturates_and_truncates(
func.func @cast_saturates_and_truncates()
    -> tensor<4xi32> {
  // CHECK-NEXT: graph.constant dense<[-1, 2147483647, 0, -2147483648]> : tensor<4xi32>
  %a = graph.constant dense<[-1.5, 1.0e20, 0x7FC00000, -1.0e20]> : tensor<4xf32> -> tensor<4xf32>
  %r = graph.cast %a {to = i32} : (tensor<4xf32>) -> tensor<4xi32>
  return %r : tensor<4xi32>
}

// CHECK-LABEL: @cast_inexact_to_float_stays(
func.func @cast_inexact_to_float_stays()
    -> tensor<f32> {
  // CHECK: graph.cast
  %a = graph.constant dense<16777217> : tensor<i64> -> tensor<i64>
  %r = graph.cast %a {to = f32} : (tensor<i64>) -> tensor<f32>
  return %r : tensor<f32>
}

// CHECK-LABEL: @size_through_float(
func.func @size_through_float()
    -> tensor<2xi64> {
  // CHECK-NEXT: graph.dims <["2*N", "(H floordiv 2)"], tensor<2xi64>>
  %a = graph.dims <[N, H], tensor<2xi64>> -> tensor<2xi64>
  %0 = graph.cast %a {to = f32} : (tensor<2xi64>) -> tensor<2xf32>
  %f = graph.constant dense<[2.0, 0.5]> : tensor<2xf32> -> tensor<2xf32>
  %1 = graph.mul %0, %f : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %2 = graph.floor %1 : (tensor<2xf32>) -> tensor<2xf32>
  %r = graph.cast %2 {to = i64} : (tensor<2xf32>) -> tensor<2xi64>
  return %r : tensor<2xi64>
}

// CHECK-LABEL: @size_divided_in_float_rounded_up(
func.func @size_divided_in_float_rounded_up()
    -> tensor<2xi64> {
  // CHECK-NEXT: graph.dims <["((N + 3) floordiv 4)", "((H + 3) floordiv 4)"], tensor<2xi64>>
  %a = graph.dims <[N, H], tensor<2xi64>> -> tensor<2xi64>
  %0 = graph.cast %a {to = f32} : (tensor<2xi64>) -> tensor<2xf32>
  %f = graph.constant dense<4.0> : tensor<f32> -> tensor<f32>
  %1 = graph.div %0, %f : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %2 = graph.ceil %1 : (tensor<2xf32>) -> tensor<2xf32>
  %r = graph.cast %2 {to = i64} : (tensor<2xf32>) -> tensor<2xi64>
  return %r : tensor<2xi64>
}

// CHECK-LABEL: @size_times_inexact_float_stays(
func.func @size_times_inexact_float_stays()
    -> tensor<2xi64> {
  // CHECK: graph.cast
  %a = graph.dims <[N, H], tensor<2xi64>> -> tensor<2xi64>
  %0 = graph.cast %a {to = f32} : (tensor<2xi64>) -> tensor<2xf32>
  %f = graph.constant dense<0.1> : tensor<f32> -> tensor<f32>
  %1 = graph.mul %0, %f : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %r = graph.cast %1 {to = i64} : (tensor<2xf32>) -> tensor<2xi64>
  return %r : tensor<2xi64>
}
