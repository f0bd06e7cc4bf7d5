// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s | %tenon-opt | FileCheck %s
// RUN: %tenon-opt %s -mlir-print-op-generic | %tenon-opt | FileCheck %s
//
// Every op of the dialect, as it is read and printed.

// CHECK: module attributes {engine.model = "m"} {
module attributes {engine.model = "m"} {
  // CHECK-NEXT: engine.symbol "batch" from "x"[0] max 64
  engine.symbol "batch" from "x"[0] max 64
  // CHECK-NEXT: engine.symbol "s0"
  engine.symbol "s0"
  // CHECK-NEXT: engine.binding input "x" : f32[batch, 4]
  engine.binding input "x" : f32[batch, 4]
  // CHECK-NEXT: engine.binding output "y" : f32["2*batch", 4]
  engine.binding output "y" : f32["2*batch", 4]
  // CHECK-NEXT: engine.binding state "cache" : f16[2, 1024]
  engine.binding state "cache" : f16[2, 1024]
  // CHECK-NEXT: engine.constraint batch at_most 64, "at most 64"
  engine.constraint batch at_most 64, "at most 64"
  // CHECK-NEXT: engine.program @"x86-64-v3" target(cpu, "x86-64-v3") {
  engine.program @"x86-64-v3" target(cpu, "x86-64-v3") {
    // CHECK-NEXT: engine.kernel @k0 family("matmul") schedule("a b")
    engine.kernel @k0 family("matmul") schedule("a b")
    // CHECK-NEXT: engine.kernel @k1 family("matmul") schedule("")
    engine.kernel @k1 family("matmul") schedule("")
    // CHECK-NEXT: %0 = engine.input "x" bytes("16*batch") : f32[batch, 4]
    %0 = engine.input "x" bytes("16*batch") : f32[batch, 4]
    // CHECK-NEXT: %1 = engine.output "y" bytes("32*batch") : f32["2*batch", 4]
    %1 = engine.output "y" bytes("32*batch") : f32["2*batch", 4]
    // CHECK-NEXT: %2 = engine.state "cache" bytes(4096) : f16[2, 1024]
    %2 = engine.state "cache" bytes(4096) : f16[2, 1024]
    // CHECK-NEXT: %3 = engine.constant ["w", "b"] bytes(16) : f32[4] = dense<1.000000e+00> : tensor<4xf32>
    %3 = engine.constant ["w", "b"] bytes(16) : f32[4] = dense<1.0> : tensor<4xf32>
    // CHECK-NEXT: %4 = engine.constant [] bytes(16) : f32[4]
    %4 = engine.constant [] bytes(16) : f32[4]
    // CHECK-NEXT: %5 = engine.temp bytes("32*batch") : f32["2*batch", 4]
    %5 = engine.temp bytes("32*batch") : f32["2*batch", 4]
    // CHECK-NEXT: %6 = engine.alias %5 at "16*batch" bytes("16*batch") : f32[batch, 4]
    %6 = engine.alias %5 at "16*batch" bytes("16*batch") : f32[batch, 4]
    // CHECK-NEXT: engine.init {
    engine.init {
      // CHECK-NEXT: engine.copy %3 to %4 bytes(16) nodes []
      engine.copy %3 to %4 bytes(16) nodes []
    // CHECK-NEXT: }
    }
    // CHECK-NEXT: engine.launch @k0 if("batch - 3") tasks(1) grain(1) scratch(0) else @k1 tasks(batch) grain(1) scratch(64) ins(%0, %3) outs(%5) scalars [batch, 7] flops(1) bytes("4*batch") nodes ["a", "b"]
    engine.launch @k0 if("batch - 3") tasks(1) grain(1) scratch(0) else @k1 tasks(batch) grain(1) scratch(64) ins(%0, %3) outs(%5) scalars [batch, 7] flops(1) bytes("4*batch") nodes ["a", "b"]
    // CHECK-NEXT: engine.read_back "s0" = %6[0] : i64 nodes []
    engine.read_back "s0" = %6[0] : i64 nodes []
    // CHECK-NEXT: engine.if s0 nodes ["If"] {
    engine.if s0 nodes ["If"] {
      // CHECK-NEXT: engine.fill %1 with 0 nodes []
      engine.fill %1 with 0 nodes []
    // CHECK-NEXT: } else {
    } else {
      // CHECK-NEXT: engine.copy %6 to %1 bytes("16*batch") nodes []
      engine.copy %6 to %1 bytes("16*batch") nodes []
    // CHECK-NEXT: }
    }
    // CHECK-NEXT: engine.while s0 nodes ["L"] before {
    engine.while s0 nodes ["L"] before {
      // CHECK-NEXT: engine.set "s0" = "s0 + 1" nodes []
      engine.set "s0" = "s0 + 1" nodes []
    // CHECK-NEXT: } do {
    } do {
      // CHECK-NEXT: engine.fill %6 with 255 nodes []
      engine.fill %6 with 255 nodes []
    // CHECK-NEXT: }
    }
  // CHECK-NEXT: }
  }
// CHECK-NEXT: }
}
