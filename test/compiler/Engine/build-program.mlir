// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s -engine-build-program -split-input-file | FileCheck %s
// RUN: %tenon-opt %s -engine-build-program -stage-llvm \
// RUN:     -split-input-file | FileCheck %s --check-prefix=LLVM
//
// A function of kernels becomes an interface and a program. Equal kernels are
// built once, outputs are written in place, the rest is copied.

// CHECK-LABEL: module attributes {engine.model = "main"}
// CHECK-NEXT: engine.symbol "N" from "x"[0]
// CHECK-NEXT: engine.binding input "x" : f32[N, 4]
// CHECK-NEXT: engine.binding output "y" : f32[N, 4]
// CHECK-NEXT: engine.binding output "copy" : f32[N, 4]
// CHECK-NEXT: engine.binding output "flat" : f32["4*N"]
// CHECK-NEXT: engine.constraint N equal M, "the same batch"
// CHECK-NEXT: engine.program @"x86-64-v3" target(cpu, "x86-64-v3") {
// CHECK-NEXT: engine.kernel @k0_pointwise family("pointwise")
// CHECK: func.func @k0_pointwise(
// CHECK: vector
// CHECK-NOT: engine.kernel
// CHECK: %[[X:.*]] = engine.input "x" bytes("16*N") : f32[N, 4]
// CHECK-NEXT: %[[F:.*]] = engine.output "flat" bytes("16*N") : f32[N, 4]
// CHECK-NEXT: %[[Y:.*]] = engine.output "y" bytes("16*N") : f32[N, 4]
// CHECK-NEXT: engine.alias %[[F]] at 0 bytes("16*N") : f32["4*N"]
// CHECK-NEXT: %[[C:.*]] = engine.output "copy" bytes("16*N") : f32[N, 4]
// CHECK: engine.launch @k0_pointwise {{.*}} ins(%[[X]]) outs(%[[F]]) {{.*}} bytes("32*N") nodes ["Relu_0"]
// CHECK: engine.launch @k0_pointwise {{.*}} ins(%[[F]]) outs(%[[Y]]) {{.*}} nodes ["Relu_1"]
// CHECK: engine.copy %[[X]] to %[[C]] bytes("16*N") nodes []

// LLVM: engine.kernel @k0_pointwise family("pointwise")
// LLVM-NEXT: module
// LLVM-NEXT: llvm.func @k0_pointwise(
// LLVM-NOT: scf.
// LLVM-NOT: vector.
// LLVM: engine.launch @k0_pointwise
!t = tensor<?x4xf32, #graph.shape<[N, 4]>>
func.func @main(%x: !t {graph.name = "x"})
    -> (!t {graph.name = "y"}, !t {graph.name = "copy"},
        tensor<?xf32, #graph.shape<["4*N"]>> {graph.name = "flat"})
    attributes {
      graph.symbols = [{name = "N", input = 0 : i64, dim = 0 : i64}],
      graph.constraints = [#graph.constraint<<"N">, <"M">, "the same batch">]} {
  %0 = graph.kernel "pointwise"(%x) {graph.nodes = ["Relu_0"]} : (!t) -> !t {
  ^bb0(%a: !t):
    %1 = graph.relu %a : (!t) -> !t
    graph.yield %1 : !t
  }
  %2 = graph.kernel "pointwise"(%0) {graph.nodes = ["Relu_1"]} : (!t) -> !t {
  ^bb0(%a: !t):
    %1 = graph.relu %a : (!t) -> !t
    graph.yield %1 : !t
  }
  %3 = graph.reshape %0 {sizes = [#graph.expr<"4*N">]}
      : (!t) -> tensor<?xf32, #graph.shape<["4*N"]>>
  return %2, %x, %3 : !t, !t, tensor<?xf32, #graph.shape<["4*N"]>>
}

// -----

// A constant that a kernel reads in an order of its own.
// CHECK-LABEL: engine.model = "packed"
// CHECK: engine.constant ["w"] pack("matmul-panels width=16 block=1") bytes(1024) : f32[16, 8] = dense<1.000000e+00>
// CHECK: engine.launch @k0_matmul
func.func @main(%x: tensor<4x16xf32> {graph.name = "x"})
    -> (tensor<4x8xf32> {graph.name = "y"}) attributes {graph.model = "packed"} {
  %w = graph.constant dense<1.0> : tensor<16x8xf32> name "w" -> tensor<16x8xf32>
  %y = graph.kernel "matmul"(%x, %w) {graph.constants = array<i64: 1>}
      : (tensor<4x16xf32>, tensor<16x8xf32>) -> tensor<4x8xf32> {
  ^bb0(%a: tensor<4x16xf32>, %b: tensor<16x8xf32>):
    %0 = graph.matmul %a, %b {graph.anchor}
        : (tensor<4x16xf32>, tensor<16x8xf32>) -> tensor<4x8xf32>
    graph.yield %0 : tensor<4x8xf32>
  }
  return %y : tensor<4x8xf32>
}
