// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s -tile-lower -split-input-file -verify-diagnostics
//
// What only the lowering can see: addresses that bits of a thread's number do
// not add up to.

func.func @rows_of_24(%p: !llvm.ptr<1>, %i: i64) {
  %a = tile.alloc : !tile.shared<16x24xf16, "(16:24)(24:1)", 1>
  // expected-error @+2 {{expected a tile whose runs are linear in the bits of a thread's number}}
  // expected-error @+1 {{failed to legalize operation 'tile.copy_async'}}
  tile.copy_async %p[%i, %i] pitch %i to %a[%i] using "SM80_CP_ASYNC_CG_16" threads 32 : !llvm.ptr<1>, !tile.shared<16x24xf16, "(16:24)(24:1)", 1>
  return
}

// -----

func.func @produce_rows_of_24(%i: i64, %v: f16) {
  %a = tile.alloc : !tile.shared<16x24xf16, "(16:24)(24:1)", 1>
  // expected-error @+2 {{expected a tile whose runs are linear in the bits of a thread's number}}
  // expected-error @+1 {{failed to legalize operation 'tile.produce'}}
  tile.produce %a[%i] at(%i, %i) vector 1 threads 32 {
  ^bb0(%r: i64, %c: i64):
    tile.yield %v : f16
  } : !tile.shared<16x24xf16, "(16:24)(24:1)", 1>
  return
}

// -----

// A swizzled tile is addressed by exclusive or: a fragment of 48 rows does not
// leave the bits of a row number that is a multiple of 48 alone.
func.func @moved_by_48(%i: i64) {
  %a = tile.alloc : !tile.shared<128x16xf16, "(128:16)(16:1)swizzle<1,3,3>", 1>
  // expected-error @+2 {{expected a tile whose addresses are linear in the bits of a lane}}
  // expected-error @+1 {{failed to legalize operation 'tile.load'}}
  %f = tile.load %a[%i][%i, 0] using "SM75_LDSM_X4" : !tile.shared<128x16xf16, "(128:16)(16:1)swizzle<1,3,3>", 1> -> !tile.fragment<48x16xf16, a, "SM80_16x8x16_F32F16F16F32_TN">
  return
}
