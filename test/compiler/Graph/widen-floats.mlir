// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s --graph-widen-floats | FileCheck %s
// RUN: %tenon-opt %s --graph-widen-floats=f16=false \
// RUN:   | FileCheck %s --check-prefix=BF16
//
// f16 and bf16 compute in f32; what the caller sees keeps its type.

!h = tensor<4xf16>
!b = tensor<4xbf16>
!f = tensor<4xf32>

// CHECK-LABEL: @chain(
// CHECK-SAME: %[[X:.*]]: tensor<4xf16>) -> tensor<4xf16>
// BF16-LABEL: @chain(
func.func @chain(%x: !h) -> !h {
  // CHECK-NEXT: %[[W:.*]] = graph.cast %[[X]] {to = f32}
  // CHECK-NEXT: %[[C:.*]] = graph.constant dense<2.000000e+00> : tensor<4xf16>
  // CHECK-NEXT: %[[CW:.*]] = graph.cast %[[C]] {to = f32}
  // CHECK-NEXT: %[[E:.*]] = graph.exp %[[W]] : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK-NEXT: %[[M:.*]] = graph.mul %[[E]], %[[CW]] : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  // CHECK-NEXT: %[[R:.*]] = graph.cast %[[M]] {to = f16}
  // CHECK-NEXT: return %[[R]]
  // BF16: graph.exp %{{.*}} : (tensor<4xf16>) -> tensor<4xf16>
  %c = graph.constant dense<2.0> : !h -> !h
  %0 = graph.exp %x : (!h) -> !h
  %1 = graph.mul %0, %c : (!h, !h) -> !h
  return %1 : !h
}

// CHECK-LABEL: @bfloat(
// BF16-LABEL: @bfloat(
func.func @bfloat(%x: !b) -> !b {
  // CHECK: graph.exp %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
  // BF16: graph.exp %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
  %0 = graph.exp %x : (!b) -> !b
  return %0 : !b
}

// An argument that is returned is not converted at all.
// CHECK-LABEL: @argument_returned(
func.func @argument_returned(%x: !h) -> !h {
  // CHECK-NEXT: return %arg0
  return %x : !h
}

// A value that two results return is cast once.
// CHECK-LABEL: @returned_twice(
func.func @returned_twice(%x: !h) -> (!h, !h) {
  // CHECK: graph.exp
  // CHECK-NEXT: %[[R:.*]] = graph.cast %{{.*}} {to = f16}
  // CHECK-NEXT: return %[[R]], %[[R]]
  %0 = graph.exp %x : (!h) -> !h
  return %0, %0 : !h, !h
}

// The model's own cast rounds, so it stays.
// CHECK-LABEL: @rounding_cast_stays(
func.func @rounding_cast_stays(%x: !f) -> !f {
  // CHECK-NEXT: %[[N:.*]] = graph.cast %arg0 {to = f16}
  // CHECK-NEXT: %[[W:.*]] = graph.cast %[[N]] {to = f32}
  // CHECK-NEXT: %[[E:.*]] = graph.exp %[[W]]
  // CHECK-NEXT: return %[[E]] : tensor<4xf32>
  %0 = graph.cast %x {to = f16} : (!f) -> !h
  %1 = graph.exp %0 : (!h) -> !h
  %2 = graph.cast %1 {to = f32} : (!h) -> !f
  return %2 : !f
}

// CHECK-LABEL: @cast_between_narrow_types(
func.func @cast_between_narrow_types(%x: !h) -> !b {
  // CHECK-NEXT: %[[W:.*]] = graph.cast %arg0 {to = f32}
  // CHECK-NEXT: %[[N:.*]] = graph.cast %[[W]] {to = bf16}
  // CHECK-NEXT: return %[[N]]
  %0 = graph.cast %x {to = bf16} : (!h) -> !b
  return %0 : !b
}

// CHECK-LABEL: @integers_untouched(
func.func @integers_untouched(%x: tensor<4xi32>) -> tensor<4xi32> {
  // CHECK-NEXT: graph.add %arg0, %arg0
  // CHECK-NEXT: return
  %0 = graph.add %x, %x : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  return %0 : tensor<4xi32>
}

// Symbolic sizes survive.
// CHECK-LABEL: @dynamic_batch(
func.func @dynamic_batch(%x: tensor<?x4xf16, #graph.shape<[N, 4]>>)
    -> tensor<?x4xf16, #graph.shape<[N, 4]>> {
  // CHECK: graph.relu %{{.*}} -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %0 = graph.relu %x : (tensor<?x4xf16, #graph.shape<[N, 4]>>) -> tensor<?x4xf16, #graph.shape<[N, 4]>>
  return %0 : tensor<?x4xf16, #graph.shape<[N, 4]>>
}

// The type of all products is kept for targets that have it: here the sums of
// f32 do not count.
// CHECK-LABEL: @products_of_f16(
// CHECK-SAME: attributes {graph.float_type = f16}
// BF16-LABEL: @products_of_f16(
// BF16-NOT: graph.float_type
func.func @products_of_f16(%x: tensor<4x4xf16>, %y: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %0 = graph.matmul %x, %x : (tensor<4x4xf16>, tensor<4x4xf16>) -> tensor<4x4xf16>
  %1 = graph.cast %0 {to = f32} : (tensor<4x4xf16>) -> tensor<4x4xf32>
  %2 = graph.add %1, %y : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %2 : tensor<4x4xf32>
}

// CHECK-LABEL: @products_of_two_types(
// CHECK-NOT: graph.float_type
func.func @products_of_two_types(%x: tensor<4x4xf16>, %y: tensor<4x4xf32>) -> (tensor<4x4xf16>, tensor<4x4xf32>) {
  %0 = graph.matmul %x, %x : (tensor<4x4xf16>, tensor<4x4xf16>) -> tensor<4x4xf16>
  %1 = graph.matmul %y, %y : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %0, %1 : tensor<4x4xf16>, tensor<4x4xf32>
}
