//===- Passes.td - From tiles to instructions of a thread --*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// In the order in which the compiler runs them, on the module of one kernel.
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_TILE_PASSES_TD
#define TENON_COMPILER_TILE_PASSES_TD

include "mlir/Pass/PassBase.td"

def ExpandPipelinesPass : Pass<"tile-expand-pipelines"> {
  let summary = "Turn tile.pipeline into loops, waits and barriers";
  let description = [{
    The loads of the first steps come before the loop; step i waits for its own
    and starts that of step i + stages - 1, into the slot that step i - 1 has
    read. One barrier a step says both that the loads of a slot are seen by all
    and that all have done with the slot that is filled next.

    ```mlir
    %r = tile.pipeline %n stages 3 init(%x) load {
    ^bb0(%step: i64, %slot: i64):
      LOAD
      tile.yield
    } compute {
    ^bb0(%step: i64, %slot: i64, %v: f32):
      COMPUTE
      tile.yield %next : f32
    } : f32

    ==>

    scf.for %s = 0 to 2 {
      scf.if %s < %n { LOAD(%s, %s) }
      tile.commit
    }
    %r:3 = scf.for %i = 0 to %n iter_args(%slot = 0, %free = 2, %v = %x) {
      tile.wait 1
      tile.barrier
      scf.if %i + 2 < %n { LOAD(%i + 2, %free) }
      tile.commit
      COMPUTE(%i, %slot, %v)
      scf.yield (%slot + 1) % 3, (%free + 1) % 3, %next
    }
    tile.wait 0
    tile.barrier
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tenon::tile::TileDialect"];
}

def LowerTilePass : Pass<"tile-lower"> {
  let summary = "Turn tile ops into instructions of a thread";
  let description = [{
    A shared tile becomes a pointer into the block's dynamic shared memory, a
    fragment the registers that one thread holds of it (also where `scf` ops
    carry it), and each op the instructions of one thread: see LowerMemory.cpp
    and LowerFragments.cpp. Functions get `tile.shared_bytes`. Pipelines must
    be expanded before.

    ```mlir
    %t = tile.alloc : !tile.shared<16x16xf16, "(16:16)(16:1)", 1>
    %a = tile.load %t[%slot][0, 0] using "SM75_LDSM_X4" : ...

    ==>

    %0 = llvm.mlir.addressof @tile_shared : !llvm.ptr<3>
    %1 = nvvm.ldmatrix %address {num = 4 : i32, ...}
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::NVVM::NVVMDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tenon::tile::TileDialect"];
}

#endif // TENON_COMPILER_TILE_PASSES_TD
