// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s -split-input-file -verify-diagnostics
//
// One case for each check of types.

// expected-error @+1 {{expected a tile of 2 dimensions, got 1}}
func.func private @rank() -> !tile.shared<64xf16, "(64:1)", 1>

// -----

// expected-error @+1 {{expected an element type of whole bytes, got 'i1'}}
func.func private @element() -> !tile.shared<64x32xi1, "(64:32)(32:1)", 1>

// -----

// expected-error @+1 {{expected rows and columns above 0, got 0x32}}
func.func private @empty() -> !tile.shared<0x32xf16, "(1:32)(32:1)", 1>

// -----

// expected-error @+1 {{expected at least 1 stage, got 0}}
func.func private @stages() -> !tile.shared<64x32xf16, "(64:32)(32:1)", 0>

// -----

// expected-error @+1 {{expected a layout such as "(64:32)(32:1)", got "64:32"}}
func.func private @layout() -> !tile.shared<64x32xf16, "64:32", 1>

// -----

// The text of a type is its identity: no second way to write it.
// expected-error @+1 {{expected a layout such as "(64:32)(32:1)", got "(64:32) (32:1)"}}
func.func private @spaces() -> !tile.shared<64x32xf16, "(64:32) (32:1)", 1>

// -----

// expected-error @+1 {{expected a layout of (64)(32), got "(32:1)(64:32)"}}
func.func private @size() -> !tile.shared<64x32xf16, "(32:1)(64:32)", 1>

// -----

// expected-error @+1 {{unknown atom "SM80_1x1x1"}}
func.func private @atom() -> !tile.fragment<16x8xf32, c, "SM80_1x1x1">

// -----

// expected-error @+1 {{expected a, b, c or rows, got d}}
func.func private @role() -> !tile.fragment<16x8xf32, d, "SM80_16x8x16_F32F16F16F32_TN">

// -----

// expected-error @+1 {{expected a number as element, got 'index'}}
func.func private @number() -> !tile.fragment<16x8xindex, c, "SM80_16x8x16_F32F16F16F32_TN">

// -----

// expected-error @+1 {{expected a multiple of 16x8 as c of SM80_16x8x16_F32F16F16F32_TN, got 16x12}}
func.func private @shape() -> !tile.fragment<16x12xf32, c, "SM80_16x8x16_F32F16F16F32_TN">

// -----

// expected-error @+1 {{expected a multiple of 16x1 as rows of SM80_16x8x16_F32F16F16F32_TN, got 16x2}}
func.func private @rows() -> !tile.fragment<16x2xf32, rows, "SM80_16x8x16_F32F16F16F32_TN">

// -----

// expected-error @+1 {{expected elements of type f16 as a of SM80_16x8x16_F32F16F16F32_TN, got 'bf16'}}
func.func private @type() -> !tile.fragment<16x16xbf16, a, "SM80_16x8x16_F32F16F16F32_TN">
