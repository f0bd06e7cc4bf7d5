// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s | %tenon-opt | FileCheck %s
//
// Each pointwise op, as it is read and printed.

// CHECK-LABEL: @unary
func.func @unary(%x: tensor<?x4xf32, #graph.shape<[N, 4]>>) {
  // CHECK: graph.abs %{{.*}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %abs = graph.abs %x
      : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  // CHECK: graph.neg %{{.*}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %neg = graph.neg %x
      : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  // CHECK: graph.sign %{{.*}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %sign = graph.sign %x
      : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  // CHECK: graph.reciprocal %{{.*}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %reciprocal = graph.reciprocal %x
      : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  // CHECK: graph.sqrt %{{.*}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %sqrt = graph.sqrt %x
      : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  // CHECK: graph.rsqrt %{{.*}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %rsqrt = graph.rsqrt %x
      : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  // CHECK: graph.exp %{{.*}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %exp = graph.exp %x
      : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  // CHECK: graph.log %{{.*}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %log = graph.log %x
      : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  // CHECK: graph.erf %{{.*}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %erf = graph.erf %x
      : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  // CHECK: graph.sin %{{.*}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %sin = graph.sin %x
      : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  // CHECK: graph.cos %{{.*}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %cos = graph.cos %x
      : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  // CHECK: graph.tan %{{.*}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %tan = graph.tan %x
      : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  // CHECK: graph.asin %{{.*}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %asin = graph.asin %x
      : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  // CHECK: graph.acos %{{.*}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %acos = graph.acos %x
      : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  // CHECK: graph.atan %{{.*}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %atan = graph.atan %x
      : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  // CHECK: graph.sinh %{{.*}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %sinh = graph.sinh %x
      : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  // CHECK: graph.cosh %{{.*}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %cosh = graph.cosh %x
      : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  // CHECK: graph.tanh %{{.*}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %tanh = graph.tanh %x
      : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  // CHECK: graph.asinh %{{.*}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %asinh = graph.asinh %x
      : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  // CHECK: graph.acosh %{{.*}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %acosh = graph.acosh %x
      : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  // CHECK: graph.atanh %{{.*}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %atanh = graph.atanh %x
      : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  // CHECK: graph.relu %{{.*}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %relu = graph.relu %x
      : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  // CHECK: graph.sigmoid %{{.*}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %sigmoid = graph.sigmoid %x
      : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  // CHECK: graph.softplus %{{.*}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %softplus = graph.softplus %x
      : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  // CHECK: graph.floor %{{.*}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %floor = graph.floor %x
      : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  // CHECK: graph.ceil %{{.*}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %ceil = graph.ceil %x
      : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  // CHECK: graph.round %{{.*}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %round = graph.round %x
      : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  // CHECK: graph.silu %{{.*}} : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %silu = graph.silu %x
      : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  return
}

// CHECK-LABEL: @unary_with_parameters
func.func @unary_with_parameters(%x: tensor<4xf32>) {
  // CHECK: graph.gelu %{{.*}} : 
  %gelu6741 = graph.gelu %x : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: graph.gelu %{{.*}} {approximate_tanh = true}
  %gelu6838 = graph.gelu %x {approximate_tanh = true} : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: graph.clamp %{{.*}} {high = 6.000000e+00 : f64, low = 0.000000e+00 : f64}
  %clamp6984 = graph.clamp %x {low = 0.0 : f64, high = 6.0 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: graph.leaky_relu %{{.*}} {alpha = 5.000000e-01 : f64}
  %leaky_relu7171 = graph.leaky_relu %x {alpha = 0.5 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: graph.elu %{{.*}} {alpha = 5.000000e-01 : f64}
  %elu7332 = graph.elu %x {alpha = 0.5 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: graph.hard_sigmoid %{{.*}} {alpha = 5.000000e-01 : f64, beta = 2.500000e-01 : f64}
  %hard_sigmoid7472 = graph.hard_sigmoid %x {alpha = 0.5 : f64, beta = 0.25 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: graph.hard_swish %{{.*}} {alpha = 5.000000e-01 : f64, beta = 2.500000e-01 : f64}
  %hard_swish7685 = graph.hard_swish %x {alpha = 0.5 : f64, beta = 0.25 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// CHECK-LABEL: @tests_give_i1
func.func @tests_give_i1(%x: tensor<?xf32, #graph.shape<[N]>>) {
  // CHECK: graph.is_nan %{{.*}} -> tensor<?xi1, #graph.shape<[N]>>
  %0 = graph.is_nan %x
      : (tensor<?xf32, #graph.shape<[N]>>) -> tensor<?xi1, #graph.shape<[N]>>
  // CHECK: graph.is_inf %{{.*}} {negative = false}
  %1 = graph.is_inf %x {negative = false}
      : (tensor<?xf32, #graph.shape<[N]>>) -> tensor<?xi1, #graph.shape<[N]>>
  // CHECK: graph.not %{{.*}} -> tensor<?xi1, #graph.shape<[N]>>
  %2 = graph.not %0
      : (tensor<?xi1, #graph.shape<[N]>>) -> tensor<?xi1, #graph.shape<[N]>>
  return
}

// CHECK-LABEL: @cast
func.func @cast(%x: tensor<4xf16>) -> tensor<4xf32> {
  // CHECK: graph.cast %{{.*}} {to = f32} : (tensor<4xf16>) -> tensor<4xf32>
  %0 = graph.cast %x {to = f32} : (tensor<4xf16>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @binary_broadcasts
func.func @binary_broadcasts(%x: tensor<?x1x4xf32, #graph.shape<[N, 1, 4]>>,
                             %y: tensor<3x1xf32>) {
  // CHECK: graph.add %{{.*}}, %{{.*}} : (tensor<?x1x4xf32, #graph.shape<[N, 1, 4]>>, tensor<3x1xf32>) -> tensor<?x3x4xf32, #graph.shape<[N, 3, 4]>>
  %add = graph.add %x, %y
      : (tensor<?x1x4xf32, #graph.shape<[N, 1, 4]>>, tensor<3x1xf32>)
      -> tensor<?x3x4xf32, #graph.shape<[N, 3, 4]>>
  // CHECK: graph.sub %{{.*}}, %{{.*}} : (tensor<?x1x4xf32, #graph.shape<[N, 1, 4]>>, tensor<3x1xf32>) -> tensor<?x3x4xf32, #graph.shape<[N, 3, 4]>>
  %sub = graph.sub %x, %y
      : (tensor<?x1x4xf32, #graph.shape<[N, 1, 4]>>, tensor<3x1xf32>)
      -> tensor<?x3x4xf32, #graph.shape<[N, 3, 4]>>
  // CHECK: graph.mul %{{.*}}, %{{.*}} : (tensor<?x1x4xf32, #graph.shape<[N, 1, 4]>>, tensor<3x1xf32>) -> tensor<?x3x4xf32, #graph.shape<[N, 3, 4]>>
  %mul = graph.mul %x, %y
      : (tensor<?x1x4xf32, #graph.shape<[N, 1, 4]>>, tensor<3x1xf32>)
      -> tensor<?x3x4xf32, #graph.shape<[N, 3, 4]>>
  // CHECK: graph.div %{{.*}}, %{{.*}} : (tensor<?x1x4xf32, #graph.shape<[N, 1, 4]>>, tensor<3x1xf32>) -> tensor<?x3x4xf32, #graph.shape<[N, 3, 4]>>
  %div = graph.div %x, %y
      : (tensor<?x1x4xf32, #graph.shape<[N, 1, 4]>>, tensor<3x1xf32>)
      -> tensor<?x3x4xf32, #graph.shape<[N, 3, 4]>>
  // CHECK: graph.max %{{.*}}, %{{.*}} : (tensor<?x1x4xf32, #graph.shape<[N, 1, 4]>>, tensor<3x1xf32>) -> tensor<?x3x4xf32, #graph.shape<[N, 3, 4]>>
  %max = graph.max %x, %y
      : (tensor<?x1x4xf32, #graph.shape<[N, 1, 4]>>, tensor<3x1xf32>)
      -> tensor<?x3x4xf32, #graph.shape<[N, 3, 4]>>
  // CHECK: graph.min %{{.*}}, %{{.*}} : (tensor<?x1x4xf32, #graph.shape<[N, 1, 4]>>, tensor<3x1xf32>) -> tensor<?x3x4xf32, #graph.shape<[N, 3, 4]>>
  %min = graph.min %x, %y
      : (tensor<?x1x4xf32, #graph.shape<[N, 1, 4]>>, tensor<3x1xf32>)
      -> tensor<?x3x4xf32, #graph.shape<[N, 3, 4]>>
  // CHECK: graph.prelu %{{.*}}, %{{.*}} : (tensor<?x1x4xf32, #graph.shape<[N, 1, 4]>>, tensor<3x1xf32>) -> tensor<?x3x4xf32, #graph.shape<[N, 3, 4]>>
  %prelu = graph.prelu %x, %y
      : (tensor<?x1x4xf32, #graph.shape<[N, 1, 4]>>, tensor<3x1xf32>)
      -> tensor<?x3x4xf32, #graph.shape<[N, 3, 4]>>
  // CHECK: graph.pow %{{.*}}, %{{.*}} : (tensor<?x1x4xf32, #graph.shape<[N, 1, 4]>>, tensor<3x1xf32>) -> tensor<?x3x4xf32, #graph.shape<[N, 3, 4]>>
  %pow = graph.pow %x, %y
      : (tensor<?x1x4xf32, #graph.shape<[N, 1, 4]>>, tensor<3x1xf32>)
      -> tensor<?x3x4xf32, #graph.shape<[N, 3, 4]>>
  // CHECK: graph.mod %{{.*}}, %{{.*}} {fmod = true}
  %mod = graph.mod %x, %y {fmod = true}
      : (tensor<?x1x4xf32, #graph.shape<[N, 1, 4]>>, tensor<3x1xf32>)
      -> tensor<?x3x4xf32, #graph.shape<[N, 3, 4]>>
  return
}

// CHECK-LABEL: @bitwise
func.func @bitwise(%x: tensor<4xui32>, %y: tensor<4xui32>) {
  // CHECK: graph.and %{{.*}}, %{{.*}} : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
  %and = graph.and %x, %y : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
  // CHECK: graph.or %{{.*}}, %{{.*}} : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
  %or = graph.or %x, %y : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
  // CHECK: graph.xor %{{.*}}, %{{.*}} : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
  %xor = graph.xor %x, %y : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
  // CHECK: graph.shift_left %{{.*}}, %{{.*}} : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
  %shift_left = graph.shift_left %x, %y : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
  // CHECK: graph.shift_right %{{.*}}, %{{.*}} : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
  %shift_right = graph.shift_right %x, %y : (tensor<4xui32>, tensor<4xui32>) -> tensor<4xui32>
  return
}

// CHECK-LABEL: @pow_of_mixed_types
func.func @pow_of_mixed_types(%x: tensor<4xf32>, %y: tensor<i32>) {
  // CHECK: graph.pow %{{.*}}, %{{.*}} : (tensor<4xf32>, tensor<i32>) -> tensor<4xf32>
  %0 = graph.pow %x, %y : (tensor<4xf32>, tensor<i32>) -> tensor<4xf32>
  return
}

// CHECK-LABEL: @compare_and_select
func.func @compare_and_select(%x: tensor<4xf32>, %y: tensor<2x1xf32>)
    -> tensor<2x4xf32> {
  // CHECK: graph.compare %{{.*}}, %{{.*}} {predicate = #graph.compare<lt>} : (tensor<4xf32>, tensor<2x1xf32>) -> tensor<2x4xi1>
  %0 = graph.compare %x, %y {predicate = #graph.compare<lt>}
      : (tensor<4xf32>, tensor<2x1xf32>) -> tensor<2x4xi1>
  // CHECK: graph.select %{{.*}}, %{{.*}}, %{{.*}} : (tensor<2x4xi1>, tensor<4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  %1 = graph.select %0, %x, %y
      : (tensor<2x4xi1>, tensor<4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}
