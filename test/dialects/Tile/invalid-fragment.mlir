// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s -split-input-file -verify-diagnostics
//
// One case for each check of fragments.

func.func @load_atom(%i: i64) {
  %t = tile.alloc : !tile.shared<64x32xf16, "(64:32)(32:1)", 1>
  // expected-error @+1 {{expected VECTOR or an atom of the SM75_LDSM family, got "VECTOR_4"}}
  %a = tile.load %t[%i][0, 0] using "VECTOR_4" : !tile.shared<64x32xf16, "(64:32)(32:1)", 1> -> !tile.fragment<16x16xf16, a, "SM80_16x8x16_F32F16F16F32_TN">
  return
}

// -----

func.func @load_rows(%i: i64) {
  %t = tile.alloc : !tile.shared<64x32xf16, "(64:32)(32:1)", 1>
  // expected-error @+1 {{expected a fragment of role a, b or c}}
  %a = tile.load %t[%i][0, 0] using "VECTOR" : !tile.shared<64x32xf16, "(64:32)(32:1)", 1> -> !tile.fragment<16x1xf16, rows, "SM80_16x8x16_F32F16F16F32_TN">
  return
}

// -----

func.func @load_element(%i: i64) {
  %t = tile.alloc : !tile.shared<64x32xf16, "(64:32)(32:1)", 1>
  // expected-error @+1 {{expected a fragment of 'f16', got 'bf16'}}
  %a = tile.load %t[%i][0, 0] using "VECTOR" : !tile.shared<64x32xf16, "(64:32)(32:1)", 1> -> !tile.fragment<16x16xbf16, a, "SM80_16x8x16_F32BF16BF16F32_TN">
  return
}

// -----

func.func @load_position(%i: i64) {
  %t = tile.alloc : !tile.shared<64x32xf16, "(64:32)(32:1)", 1>
  // expected-error @+1 {{expected a position of a row and a column}}
  %a = tile.load %t[%i][0] using "VECTOR" : !tile.shared<64x32xf16, "(64:32)(32:1)", 1> -> !tile.fragment<16x16xf16, a, "SM80_16x8x16_F32F16F16F32_TN">
  return
}

// -----

func.func @load_outside(%i: i64) {
  %t = tile.alloc : !tile.shared<64x32xf16, "(64:32)(32:1)", 1>
  // expected-error @+1 {{expected columns within a tile of 32, got 24 to 40}}
  %a = tile.load %t[%i][0, 24] using "VECTOR" : !tile.shared<64x32xf16, "(64:32)(32:1)", 1> -> !tile.fragment<16x16xf16, a, "SM80_16x8x16_F32F16F16F32_TN">
  return
}

// -----

func.func @load_outside_transposed(%i: i64) {
  %t = tile.alloc : !tile.shared<64x32xf16, "(64:32)(32:1)", 1>
  // expected-error @+1 {{expected rows within a tile of 64, got 56 to 72}}
  %a = tile.load %t[%i][56, 0] transposed using "SM75_LDSM_X4_T" : !tile.shared<64x32xf16, "(64:32)(32:1)", 1> -> !tile.fragment<16x16xf16, a, "SM80_16x8x16_F32F16F16F32_TN">
  return
}

// -----

func.func @load_bytes(%i: i64) {
  %t = tile.alloc : !tile.shared<64x32xi8, "(64:1)(32:64)", 1>
  // expected-error @+1 {{expected a tile with 8-bit elements together along k, or ldmatrix}}
  %a = tile.load %t[%i][0, 0] using "VECTOR" : !tile.shared<64x32xi8, "(64:1)(32:64)", 1> -> !tile.fragment<16x32xi8, a, "SM80_16x8x32_S32S8S8S32_TN">
  return
}

// -----

func.func @load_matrix_c(%i: i64) {
  %t = tile.alloc : !tile.shared<64x32xf16, "(64:32)(32:1)", 1>
  // expected-error @+1 {{expected a fragment that SM75_LDSM_X4 can load: a or b of a matrix instruction}}
  %a = tile.load %t[%i][0, 0] using "SM75_LDSM_X4" : !tile.shared<64x32xf16, "(64:32)(32:1)", 1> -> !tile.fragment<16x8xf16, c, "SM80_16x8x16_F32F16F16F32_TN">
  return
}

// -----

func.func @load_matrix_transposed(%i: i64) {
  %t = tile.alloc : !tile.shared<64x32xf16, "(64:32)(32:1)", 1>
  // expected-error @+1 {{expected transposing atom, got SM75_LDSM_X4}}
  %a = tile.load %t[%i][0, 0] transposed using "SM75_LDSM_X4" : !tile.shared<64x32xf16, "(64:32)(32:1)", 1> -> !tile.fragment<16x16xf16, a, "SM80_16x8x16_F32F16F16F32_TN">
  return
}

// -----

func.func @load_matrix_straight(%i: i64) {
  %t = tile.alloc : !tile.shared<64x32xf16, "(64:32)(32:1)", 1>
  // expected-error @+1 {{expected no transposing atom, got SM75_LDSM_X4_T}}
  %a = tile.load %t[%i][0, 0] using "SM75_LDSM_X4_T" : !tile.shared<64x32xf16, "(64:32)(32:1)", 1> -> !tile.fragment<16x16xf16, a, "SM80_16x8x16_F32F16F16F32_TN">
  return
}

// -----

func.func @load_transposed_words(%i: i64) {
  %t = tile.alloc : !tile.shared<64x32xf32, "(64:32)(32:1)", 1>
  // expected-error @+1 {{expected elements of 16 bits to transpose, got 'f32'}}
  %a = tile.load %t[%i][0, 0] transposed using "SM75_LDSM_X4_T" : !tile.shared<64x32xf32, "(64:32)(32:1)", 1> -> !tile.fragment<16x8xf32, a, "SM80_16x8x8_F32TF32TF32F32_TN">
  return
}

// -----

func.func @load_together(%i: i64) {
  %t = tile.alloc : !tile.shared<64x32xf16, "(64:1)(32:64)", 1>
  // expected-error @+1 {{expected a tile that keeps 16 bytes of a row together, got "(64:1)(32:64)"}}
  %a = tile.load %t[%i][0, 0] using "SM75_LDSM_X4" : !tile.shared<64x32xf16, "(64:1)(32:64)", 1> -> !tile.fragment<16x16xf16, a, "SM80_16x8x16_F32F16F16F32_TN">
  return
}

// -----

func.func @load_count(%i: i64) {
  %t = tile.alloc : !tile.shared<64x32xf16, "(64:32)(32:1)", 1>
  // expected-error @+1 {{expected a multiple of 4 matrices, got 2}}
  %a = tile.load %t[%i][0, 0] using "SM75_LDSM_X4" : !tile.shared<64x32xf16, "(64:32)(32:1)", 1> -> !tile.fragment<8x16xf16, b, "SM80_16x8x16_F32F16F16F32_TN">
  return
}

// -----

func.func @store_atom(%i: i64) {
  %t = tile.alloc : !tile.shared<16x8xf16, "(16:8)(8:1)", 1>
  %c = tile.zero : !tile.fragment<16x8xf16, c, "SM80_16x8x16_F32F16F16F32_TN">
  // expected-error @+1 {{expected VECTOR or an atom of the SM90_STSM family, got "SM75_LDSM_X2"}}
  tile.store %c, %t[%i][0, 0] using "SM75_LDSM_X2" : !tile.fragment<16x8xf16, c, "SM80_16x8x16_F32F16F16F32_TN">, !tile.shared<16x8xf16, "(16:8)(8:1)", 1>
  return
}

// -----

func.func @store_sm(%i: i64) {
  %t = tile.alloc : !tile.shared<16x8xf16, "(16:8)(8:1)", 1>
  %c = tile.zero : !tile.fragment<16x8xf16, c, "SM80_16x8x16_F32F16F16F32_TN">
  // expected-error @+1 {{SM90_STSM_X2 needs sm_90, the code is for sm_80}}
  tile.store %c, %t[%i][0, 0] using "SM90_STSM_X2" : !tile.fragment<16x8xf16, c, "SM80_16x8x16_F32F16F16F32_TN">, !tile.shared<16x8xf16, "(16:8)(8:1)", 1>
  return
}

// -----

func.func @store_role(%i: i64) {
  %t = tile.alloc : !tile.shared<64x32xf16, "(64:32)(32:1)", 1>
  %c = tile.zero : !tile.fragment<16x16xf16, a, "SM80_16x8x16_F32F16F16F32_TN">
  // expected-error @+1 {{expected a fragment of role c}}
  tile.store %c, %t[%i][0, 0] using "VECTOR" : !tile.fragment<16x16xf16, a, "SM80_16x8x16_F32F16F16F32_TN">, !tile.shared<64x32xf16, "(64:32)(32:1)", 1>
  return
}

// -----

func.func @store_element(%i: i64) {
  %t = tile.alloc : !tile.shared<16x8xf16, "(16:8)(8:1)", 1>
  %c = tile.zero : !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN">
  // expected-error @+1 {{expected a tile of 'f32', got 'f16'}}
  tile.store %c, %t[%i][0, 0] using "VECTOR" : !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN">, !tile.shared<16x8xf16, "(16:8)(8:1)", 1>
  return
}

// -----

func.func @store_outside(%i: i64) {
  %t = tile.alloc : !tile.shared<16x8xf16, "(16:8)(8:1)", 1>
  %c = tile.zero : !tile.fragment<16x8xf16, c, "SM80_16x8x16_F32F16F16F32_TN">
  // expected-error @+1 {{expected rows within a tile of 16, got 8 to 24}}
  tile.store %c, %t[%i][8, 0] using "VECTOR" : !tile.fragment<16x8xf16, c, "SM80_16x8x16_F32F16F16F32_TN">, !tile.shared<16x8xf16, "(16:8)(8:1)", 1>
  return
}

// -----

func.func @store_bits(%i: i64) attributes {tile.sm = 90 : i64} {
  %t = tile.alloc : !tile.shared<16x8xf32, "(16:8)(8:1)", 1>
  %c = tile.zero : !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN">
  // expected-error @+1 {{expected 16-bit elements of a matrix instruction for SM90_STSM_X2}}
  tile.store %c, %t[%i][0, 0] using "SM90_STSM_X2" : !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN">, !tile.shared<16x8xf32, "(16:8)(8:1)", 1>
  return
}

// -----

func.func @store_together(%i: i64) attributes {tile.sm = 90 : i64} {
  %t = tile.alloc : !tile.shared<16x8xf16, "(16:1)(8:16)", 1>
  %c = tile.zero : !tile.fragment<16x8xf16, c, "SM80_16x8x16_F32F16F16F32_TN">
  // expected-error @+1 {{expected a tile that keeps 16 bytes of a row together, got "(16:1)(8:16)"}}
  tile.store %c, %t[%i][0, 0] using "SM90_STSM_X2" : !tile.fragment<16x8xf16, c, "SM80_16x8x16_F32F16F16F32_TN">, !tile.shared<16x8xf16, "(16:1)(8:16)", 1>
  return
}

// -----

func.func @store_count(%i: i64) attributes {tile.sm = 90 : i64} {
  %t = tile.alloc : !tile.shared<16x8xf16, "(16:8)(8:1)", 1>
  %c = tile.zero : !tile.fragment<16x8xf16, c, "SM80_16x8x16_F32F16F16F32_TN">
  // expected-error @+1 {{expected a multiple of 4 matrices, got 2}}
  tile.store %c, %t[%i][0, 0] using "SM90_STSM_X4" : !tile.fragment<16x8xf16, c, "SM80_16x8x16_F32F16F16F32_TN">, !tile.shared<16x8xf16, "(16:8)(8:1)", 1>
  return
}

// -----

func.func @mma_roles() {
  %a = tile.zero : !tile.fragment<16x16xf16, a, "SM80_16x8x16_F32F16F16F32_TN">
  %b = tile.zero : !tile.fragment<16x16xf16, a, "SM80_16x8x16_F32F16F16F32_TN">
  %c = tile.zero : !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN">
  // expected-error @+1 {{expected operands of roles a, b and c}}
  %d = tile.mma %a, %b, %c : !tile.fragment<16x16xf16, a, "SM80_16x8x16_F32F16F16F32_TN">, !tile.fragment<16x16xf16, a, "SM80_16x8x16_F32F16F16F32_TN">, !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN">
  return
}

// -----

func.func @mma_atoms() {
  %a = tile.zero : !tile.fragment<16x16xf16, a, "SM80_16x8x16_F32F16F16F32_TN">
  %b = tile.zero : !tile.fragment<8x16xf16, b, "SM80_16x8x16_F32F16F16F32_TN">
  %c = tile.zero : !tile.fragment<16x8xf32, c, "SM80_16x8x8_F32TF32TF32F32_TN">
  // expected-error @+1 {{expected operands of one atom}}
  %d = tile.mma %a, %b, %c : !tile.fragment<16x16xf16, a, "SM80_16x8x16_F32F16F16F32_TN">, !tile.fragment<8x16xf16, b, "SM80_16x8x16_F32F16F16F32_TN">, !tile.fragment<16x8xf32, c, "SM80_16x8x8_F32TF32TF32F32_TN">
  return
}

// -----

func.func @mma_sm() {
  %a = tile.zero : !tile.fragment<16x32xf8E4M3FN, a, "SM89_16x8x32_F32E4M3E4M3F32_TN">
  %b = tile.zero : !tile.fragment<8x32xf8E4M3FN, b, "SM89_16x8x32_F32E4M3E4M3F32_TN">
  %c = tile.zero : !tile.fragment<16x8xf32, c, "SM89_16x8x32_F32E4M3E4M3F32_TN">
  // expected-error @+1 {{SM89_16x8x32_F32E4M3E4M3F32_TN needs sm_89, the code is for sm_80}}
  %d = tile.mma %a, %b, %c : !tile.fragment<16x32xf8E4M3FN, a, "SM89_16x8x32_F32E4M3E4M3F32_TN">, !tile.fragment<8x32xf8E4M3FN, b, "SM89_16x8x32_F32E4M3E4M3F32_TN">, !tile.fragment<16x8xf32, c, "SM89_16x8x32_F32E4M3E4M3F32_TN">
  return
}

// -----

func.func @mma_shape() {
  %a = tile.zero : !tile.fragment<32x16xf16, a, "SM80_16x8x16_F32F16F16F32_TN">
  %b = tile.zero : !tile.fragment<8x16xf16, b, "SM80_16x8x16_F32F16F16F32_TN">
  %c = tile.zero : !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN">
  // expected-error @+1 {{expected M x K, N x K and M x N, got 32x16, 8x16 and 16x8}}
  %d = tile.mma %a, %b, %c : !tile.fragment<32x16xf16, a, "SM80_16x8x16_F32F16F16F32_TN">, !tile.fragment<8x16xf16, b, "SM80_16x8x16_F32F16F16F32_TN">, !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN">
  return
}

// -----

func.func @mma_unrounded() {
  %a = tile.zero : !tile.fragment<16x8xf32, a, "SM80_16x8x8_F32TF32TF32F32_TN">
  %b = tile.zero : !tile.fragment<8x8xtf32, b, "SM80_16x8x8_F32TF32TF32F32_TN">
  %c = tile.zero : !tile.fragment<16x8xf32, c, "SM80_16x8x8_F32TF32TF32F32_TN">
  // expected-error @+1 {{expected a of tf32, got f32}}
  %d = tile.mma %a, %b, %c : !tile.fragment<16x8xf32, a, "SM80_16x8x8_F32TF32TF32F32_TN">, !tile.fragment<8x8xtf32, b, "SM80_16x8x8_F32TF32TF32F32_TN">, !tile.fragment<16x8xf32, c, "SM80_16x8x8_F32TF32TF32F32_TN">
  return
}

// -----

func.func @convert_tile() {
  %a = tile.zero : !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN">
  // expected-error @+1 {{expected fragments that differ in their elements only}}
  %d = tile.convert %a : !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN"> -> !tile.fragment<32x8xf16, c, "SM80_16x8x16_F32F16F16F32_TN">
  return
}

// -----

func.func @convert_types() {
  %a = tile.zero : !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN">
  // expected-error @+1 {{expected f32 to tf32, or f32, f16 and bf16 among each other, got 'f32' to 'i32'}}
  %d = tile.convert %a : !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN"> -> !tile.fragment<16x8xi32, c, "SM80_16x8x16_F32F16F16F32_TN">
  return
}

// -----

func.func @split_types() {
  %a = tile.zero : !tile.fragment<16x8xf32, a, "SM80_16x8x8_F32TF32TF32F32_TN">
  // expected-error @+1 {{expected f32 to tf32 of the same tile, got}}
  %d, %e = tile.split %a : !tile.fragment<16x8xf32, a, "SM80_16x8x8_F32TF32TF32F32_TN"> -> !tile.fragment<32x8xtf32, a, "SM80_16x8x8_F32TF32TF32F32_TN">
  return
}

// -----

func.func @map_inputs(%i: i64) {
  %a = tile.zero : !tile.fragment<32x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN">
  // expected-error @+1 {{expected inputs of the result's tile, or its rows, got}}
  %b = tile.map %a {
  ^bb0(%x: f32):
    tile.yield %x : f32
  } : !tile.fragment<32x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN"> -> !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN">
  return
}

// -----

func.func @map_packed(%i: i64) {
  %a = tile.zero : !tile.fragment<16x16xf16, a, "SM80_16x8x16_F32F16F16F32_TN">
  // expected-error @+1 {{expected an element a register, got}}
  %b = tile.map %a {
  ^bb0(%x: f16):
    tile.yield %x : f16
  } : !tile.fragment<16x16xf16, a, "SM80_16x8x16_F32F16F16F32_TN"> -> !tile.fragment<16x16xf16, a, "SM80_16x8x16_F32F16F16F32_TN">
  return
}

// -----

func.func @map_result(%i: i64) {
  %a = tile.zero : !tile.fragment<16x8xf32, a, "SM80_16x8x8_F32TF32TF32F32_TN">
  // expected-error @+1 {{expected an element a register, got}}
  %b = tile.map %a {
  ^bb0(%x: f32):
    tile.yield %x : f32
  } : !tile.fragment<16x8xf32, a, "SM80_16x8x8_F32TF32TF32F32_TN"> -> !tile.fragment<16x8xtf32, a, "SM80_16x8x8_F32TF32TF32F32_TN">
  return
}

// -----

func.func @map_arguments(%i: i64) {
  %a = tile.zero : !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN">
  // expected-error @+1 {{expected a region of one element of each input}}
  %b = tile.map %a {
  ^bb0(%x: f32, %y: f32):
    tile.yield %x : f32
  } : !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN"> -> !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN">
  return
}

// -----

func.func @map_yield(%i: i64) {
  %a = tile.zero : !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN">
  // expected-error @+1 {{expected the region to yield one 'f32'}}
  %b = tile.map %a {
  ^bb0(%x: f32):
    tile.yield %i : i64
  } : !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN"> -> !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN">
  return
}

// -----

func.func @reduce_roles(%i: i64) {
  %a = tile.zero : !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN">
  // expected-error @+1 {{expected role c to}}
  %b = tile.reduce %a {
  ^bb0(%x: f32, %y: f32):
    tile.yield %x : f32
  } : !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN"> -> !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN">
  return
}

// -----

func.func @reduce_element(%i: i64) {
  %a = tile.zero : !tile.fragment<16x8xf16, c, "SM80_16x8x16_F32F16F16F32_TN">
  // expected-error @+1 {{expected elements that threads can exchange, f32 or i32, got 'f16'}}
  %b = tile.reduce %a {
  ^bb0(%x: f16, %y: f16):
    tile.yield %x : f16
  } : !tile.fragment<16x8xf16, c, "SM80_16x8x16_F32F16F16F32_TN"> -> !tile.fragment<16x1xf16, rows, "SM80_16x8x16_F32F16F16F32_TN">
  return
}

// -----

func.func @for_each_role(%i: i64) {
  %a = tile.zero : !tile.fragment<16x1xf32, rows, "SM80_16x8x16_F32F16F16F32_TN">
  // expected-error @+1 {{expected a fragment of role c}}
  tile.for_each %a at(%i, %i) vector 1 {
  ^bb0(%m: i64, %n: i64, %x: f32):
  } : !tile.fragment<16x1xf32, rows, "SM80_16x8x16_F32F16F16F32_TN">
  return
}

// -----

func.func @for_each_vector(%i: i64) {
  %a = tile.zero : !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN">
  // expected-error @+1 {{expected runs of 4 columns in a thread, SM80_16x8x16_F32F16F16F32_TN has shorter ones}}
  tile.for_each %a at(%i, %i) vector 4 {
  ^bb0(%m: i64, %n: i64, %x: vector<4xf32>):
  } : !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN">
  return
}

// -----

func.func @for_each_arguments(%i: i64) {
  %a = tile.zero : !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN">
  // expected-error @+1 {{expected a region of a row and a column, both i64, and 'vector<2xf32>'}}
  tile.for_each %a at(%i, %i) vector 2 {
  ^bb0(%m: i64, %n: i64, %x: f32):
  } : !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN">
  return
}

// -----

func.func @for_each_yield(%i: i64) {
  %a = tile.zero : !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN">
  // expected-error @+1 {{expected the region to yield nothing}}
  tile.for_each %a at(%i, %i) vector 1 {
  ^bb0(%m: i64, %n: i64, %x: f32):
    tile.yield %x : f32
  } : !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN">
  return
}

// -----

func.func @map_nothing(%x: f32) {
  // expected-error @+1 {{expected at least one input}}
  %b = "tile.map"() ({
    tile.yield %x : f32
  }) : () -> !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN">
  return
}

// -----

func.func @any_packed() {
  %a = tile.zero : !tile.fragment<16x16xf16, a, "SM80_16x8x16_F32F16F16F32_TN">
  // expected-error @+1 {{expected an element a register, got '!tile.fragment<16x16xf16, a, "SM80_16x8x16_F32F16F16F32_TN">'}}
  %b = tile.any %a {
  ^bb0(%x: f16):
    %y = arith.cmpf ogt, %x, %x : f16
    tile.yield %y : i1
  } : !tile.fragment<16x16xf16, a, "SM80_16x8x16_F32F16F16F32_TN">
  return
}

// -----

func.func @any_yields() {
  %c = tile.zero : !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN">
  // expected-error @+1 {{expected the region to yield one 'i1'}}
  %b = tile.any %c {
  ^bb0(%x: f32):
    tile.yield %x : f32
  } : !tile.fragment<16x8xf32, c, "SM80_16x8x16_F32F16F16F32_TN">
  return
}
