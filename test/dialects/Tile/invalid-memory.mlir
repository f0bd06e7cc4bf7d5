// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s -split-input-file -verify-diagnostics
//
// One case for each check of shared memory and the pipeline.

func.func @copy_atom(%p: !llvm.ptr<1>, %i: i64) {
  %a = tile.alloc : !tile.shared<64x32xf16, "(64:32)(32:1)", 1>
  // expected-error @+1 {{expected an asynchronous copy atom, got "SM75_LDSM_X4"}}
  tile.copy_async %p[%i, %i] pitch %i to %a[%i] using "SM75_LDSM_X4" threads 128 : !llvm.ptr<1>, !tile.shared<64x32xf16, "(64:32)(32:1)", 1>
  return
}

// -----

func.func @copy_threads(%p: !llvm.ptr<1>, %i: i64) {
  %a = tile.alloc : !tile.shared<64x32xf16, "(64:32)(32:1)", 1>
  // expected-error @+1 {{expected a power of 2 of threads, up to 1024, got 96}}
  tile.copy_async %p[%i, %i] pitch %i to %a[%i] using "SM80_CP_ASYNC_CG_16" threads 96 : !llvm.ptr<1>, !tile.shared<64x32xf16, "(64:32)(32:1)", 1>
  return
}

// -----

func.func @copy_element(%p: !llvm.ptr<1>, %i: i64) {
  %a = tile.alloc : !tile.shared<64x32xf64, "(64:32)(32:1)", 1>
  // expected-error @+1 {{expected elements that 4 bytes hold a whole number of, got 'f64'}}
  tile.copy_async %p[%i, %i] pitch %i to %a[%i] using "SM80_CP_ASYNC_CA_4" threads 128 : !llvm.ptr<1>, !tile.shared<64x32xf64, "(64:32)(32:1)", 1>
  return
}

// -----

func.func @copy_runs(%p: !llvm.ptr<1>, %i: i64) {
  %a = tile.alloc : !tile.shared<64x32xf16, "(64:32)(32:1)swizzle<2,1,4>", 1>
  // expected-error @+1 {{expected a tile that keeps runs of 8 columns together, got "(64:32)(32:1)swizzle<2,1,4>"}}
  tile.copy_async %p[%i, %i] pitch %i to %a[%i] using "SM80_CP_ASYNC_CG_16" threads 128 : !llvm.ptr<1>, !tile.shared<64x32xf16, "(64:32)(32:1)swizzle<2,1,4>", 1>
  return
}

// -----

func.func @produce_threads(%i: i64, %v: f16) {
  %a = tile.alloc : !tile.shared<64x32xf16, "(64:32)(32:1)", 1>
  // expected-error @+1 {{expected a power of 2 of threads, up to 1024, got 2048}}
  tile.produce %a[%i] at(%i, %i) vector 1 threads 2048 {
  ^bb0(%r: i64, %c: i64):
    tile.yield %v : f16
  } : !tile.shared<64x32xf16, "(64:32)(32:1)", 1>
  return
}

// -----

func.func @produce_runs(%i: i64, %v: vector<2xf16>) {
  %a = tile.alloc : !tile.shared<64x32xf16, "(64:1)(32:64)", 1>
  // expected-error @+1 {{expected a tile that keeps runs of 2 columns together, got "(64:1)(32:64)"}}
  tile.produce %a[%i] at(%i, %i) vector 2 threads 128 {
  ^bb0(%r: i64, %c: i64):
    tile.yield %v : vector<2xf16>
  } : !tile.shared<64x32xf16, "(64:1)(32:64)", 1>
  return
}

// -----

func.func @produce_arguments(%i: i64, %v: f16) {
  %a = tile.alloc : !tile.shared<64x32xf16, "(64:32)(32:1)", 1>
  // expected-error @+1 {{expected a region of a row and a column, both i64}}
  tile.produce %a[%i] at(%i, %i) vector 1 threads 128 {
  ^bb0(%r: i64):
    tile.yield %v : f16
  } : !tile.shared<64x32xf16, "(64:32)(32:1)", 1>
  return
}

// -----

func.func @produce_yield(%i: i64, %v: f16) {
  %a = tile.alloc : !tile.shared<64x32xf16, "(64:32)(32:1)", 1>
  // expected-error @+1 {{expected the region to yield one 'vector<4xf16>'}}
  tile.produce %a[%i] at(%i, %i) vector 4 threads 128 {
  ^bb0(%r: i64, %c: i64):
    tile.yield %v : f16
  } : !tile.shared<64x32xf16, "(64:32)(32:1)", 1>
  return
}

// -----

func.func @pipeline_load(%n: i64) {
  // expected-error @+1 {{expected a load region of a step and a slot, both i64}}
  tile.pipeline %n stages 2 load {
  ^bb0(%step: i64):
    tile.yield
  } compute {
  ^bb0(%step: i64, %slot: i64):
    tile.yield
  }
  return
}

// -----

func.func @pipeline_load_yield(%n: i64) {
  // expected-error @+1 {{expected a load region that yields nothing}}
  tile.pipeline %n stages 2 load {
  ^bb0(%step: i64, %slot: i64):
    tile.yield %step : i64
  } compute {
  ^bb0(%step: i64, %slot: i64):
    tile.yield
  }
  return
}

// -----

func.func @pipeline_compute(%n: i64, %v: f32) {
  // expected-error @+1 {{expected a compute region of a step, a slot and the carried values}}
  %r = tile.pipeline %n stages 2 init(%v) load {
  ^bb0(%step: i64, %slot: i64):
    tile.yield
  } compute {
  ^bb0(%step: i64, %slot: i64):
    tile.yield %v : f32
  } : f32
  return
}

// -----

func.func @pipeline_yield(%n: i64, %v: f32) {
  // expected-error @+1 {{expected a compute region that yields the carried values}}
  %r = tile.pipeline %n stages 2 init(%v) load {
  ^bb0(%step: i64, %slot: i64):
    tile.yield
  } compute {
  ^bb0(%step: i64, %slot: i64, %x: f32):
    tile.yield
  } : f32
  return
}
