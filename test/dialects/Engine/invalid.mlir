// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s -split-input-file \
// RUN:     -verify-diagnostics=only-expected
//
// One case for each check of interfaces, values and instructions.

// expected-error @+1 {{expected an input and a dimension, or neither}}
"engine.symbol"() {name = "n", dim = 0 : i64} : () -> ()

// -----

// expected-error @+1 {{expected an input "x" with a dimension 0}}
engine.symbol "n" from "x"[0]

// -----

engine.binding input "x" : f32[n, 4]
// expected-error @+1 {{expected an input "x" with a dimension 2}}
engine.symbol "n" from "x"[2]

// -----

// expected-error @+1 {{expected max >= 3, got 2}}
engine.symbol "n" min 3 max 2

// -----

engine.binding input "x" : f32[4]
// The output of the same name is another binding.
engine.binding output "x" : f32[4]
// expected-error @+1 {{expected one input "x"}}
engine.binding input "x" : f32[4]

// -----

// expected-error @+1 {{expected an input or state "cache" to share memory with}}
engine.binding output "y" alias "cache" : f32[4]

// -----

engine.binding input "x" : f32[4]
engine.program @p target(cpu, "x86-64-v3") {
  // expected-error @+1 {{expected an engine.binding output "x" in the module}}
  %0 = engine.output "x" bytes(16) : f32[4]
}

// -----

engine.program @p target(cpu, "x86-64-v3") {
  // expected-error @+1 {{expected only ops of the engine dialect in an engine.program}}
  %0 = arith.constant 1 : i64
}

// -----

engine.program @p target(cpu, "x86-64-v3") {
  // expected-error @+1 {{expected an empty body, or one builtin.module in it}}
  engine.kernel @k family("matmul") schedule("") {
    %0 = arith.constant 1 : i64
  }
}

// -----

engine.program @p target(cpu, "x86-64-v3") {
  // expected-error @+1 {{expected a function 'k' in the body's module}}
  engine.kernel @k family("matmul") schedule("") {
    builtin.module {
      func.func private @other()
    }
  }
}

// -----

engine.program @p target(cpu, "x86-64-v3") {
  %0 = engine.temp bytes(16) : f32[4]
  // expected-error @+1 {{expected an engine.kernel @k in the program}}
  engine.launch @k tasks(1) grain(1) scratch(0) ins() outs(%0) scalars [] flops(0) bytes(0) nodes []
}

// -----

engine.program @p target(cpu, "x86-64-v3") {
  engine.kernel @k family("matmul") schedule("")
  %0 = engine.temp bytes(16) : f32[4]
  // expected-error @+1 {{expected the last choice to have no guard: one must always run}}
  engine.launch @k if(n) tasks(1) grain(1) scratch(0) ins() outs(%0) scalars [] flops(0) bytes(0) nodes []
}

// -----

engine.binding input "x" : f32[4]
engine.program @p target(cpu, "x86-64-v3") {
  engine.kernel @k family("matmul") schedule("")
  %0 = engine.input "x" bytes(16) : f32[4]
  %1 = engine.alias %0 at 4 bytes(4) : f32[1]
  // expected-error @+1 {{writes an input}}
  engine.launch @k tasks(1) grain(1) scratch(0) ins() outs(%1) scalars [] flops(0) bytes(0) nodes []
}

// -----

engine.program @p target(cpu, "x86-64-v3") {
  %0 = engine.constant [] bytes(16) : f32[4]
  // expected-error @+1 {{writes a constant}}
  engine.fill %0 with 0 nodes []
}

// -----

engine.program @p target(cpu, "x86-64-v3") {
  %0 = engine.constant ["w"] bytes(16) : f32[4] = dense<1.0> : tensor<4xf32>
  %1 = engine.temp bytes(16) : f32[4]
  engine.init {
    // expected-error @+1 {{writes a constant}}
    engine.copy %1 to %0 bytes(16) nodes []
  }
}
