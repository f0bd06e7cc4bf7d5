// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s --graph-lower-precision='type=f16 nodes=layer*:f32,layer?.fc:tf32,head:bf16,norm:f16,gone:f16' 2>%t.log | FileCheck %s
// RUN: FileCheck %s --check-prefix=UNUSED < %t.log
// RUN: %tenon-opt %s --graph-lower-precision='nodes=head:f16' | FileCheck %s --check-prefix=ONE
//
// Types of single nodes: the last pattern that matches decides.

// UNUSED-NOT: warning
// UNUSED: warning: --precision=gone:f16 decides for no op: those of its nodes are folded into others, hold no f32, or follow a later --precision
// UNUSED-NOT: warning

// CHECK-LABEL: @nodes
// CHECK-SAME: ["layer1.fc", "tf32", "--precision=layer?.fc:tf32"], ["layer1.act", "f32", "--precision=layer*:f32"], ["layer10.fc", "f32", "--precision=layer*:f32"], ["norm", "f16", "--precision=norm:f16"], ["head", "bf16", "--precision=head:bf16"]
// ONE-LABEL: @nodes
func.func @nodes(%x: tensor<4x4xf32>, %w: tensor<4x4xf32>) -> tensor<4x4xf32> {
  // CHECK: graph.matmul %arg0, %arg1 {graph.precision = "tf32"} : {{.*}} -> tensor<4x4xf32>
  // CHECK: graph.relu {{.*}} -> tensor<4x4xf32>
  // CHECK: graph.matmul %{{.*}}, %arg1 : {{.*}} -> tensor<4x4xf32>
  // CHECK: graph.layer_norm {{.*}} -> tensor<4x4xf16>
  // CHECK: graph.matmul {{.*}} -> tensor<4x4xbf16>
  // ONE: graph.layer_norm {{.*}} -> tensor<4x4xf32>
  // ONE: graph.cast {{.*}} {to = f16}
  // ONE: graph.matmul {{.*}} -> tensor<4x4xf16>
  %0 = graph.matmul %x, %w : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc("layer1.fc")
  %1 = graph.relu %0 : (tensor<4x4xf32>) -> tensor<4x4xf32> loc("layer1.act")
  %2 = graph.matmul %1, %w : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc("layer10.fc")
  %3 = graph.layer_norm %2 {axis = 1 : i64, epsilon = 1.0e-5 : f64} : (tensor<4x4xf32>) -> tensor<4x4xf32> loc("norm")
  %4 = graph.matmul %3, %w : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc("head")
  return %4 : tensor<4x4xf32>
}
