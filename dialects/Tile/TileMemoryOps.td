//===- TileMemoryOps.td - Shared memory and the pipeline ---*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Steps of a whole block. All threads must reach them.
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECTS_TILE_TILEMEMORYOPS_TD
#define TENON_DIALECTS_TILE_TILEMEMORYOPS_TD

include "dialects/Tile/TileDialect.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"

def Tile_AllocOp : Tile_Op<"alloc", [MemoryEffects<[MemAlloc]>]> {
  let summary = "A tile of the block's shared memory";
  let description = [{
    Lives as long as the kernel. The lowering gives each its place in the
    block's dynamic shared memory, and the function the attribute
    `tile.shared_bytes`: what a launch must ask for.

    Example:

    ```mlir
    %a = tile.alloc : !tile.shared<64x32xf16, "(64:32)(32:1)swizzle<3,3,3>", 3>
    ```
  }];
  let results = (outs Tile_SharedType:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
}

def Tile_CopyAsyncOp : Tile_Op<"copy_async", [AttrSizedOperandSegments]> {
  let summary = "Start to copy a tile from global memory";
  let description = [{
    Element (r, c) of stage `slot` becomes

        source[(row + r) * pitch + column + c]  if row + r < rows and
                                                   column + c < columns
        0                                       otherwise

    A bound that is not given holds for the whole tile. `atom` is the
    instruction that moves one run of elements of a row; `source`, `pitch`
    and `column` must keep runs aligned to its size. Threads take runs as
    `copyMap` says (Atoms.h). The copy is done when a `tile.wait` covers its
    group and a barrier has passed.

    Example: 128 threads, 16 bytes each, rows at the edge are filled up with
    zeros.

    ```mlir
    tile.copy_async %x[%row, %k] pitch %lda rows %m to %a[%slot]
        using "SM80_CP_ASYNC_CG_16" threads 128
        : !llvm.ptr<1>, !tile.shared<64x32xf16, "(64:32)(32:1)", 3>
    ```
  }];
  let arguments = (ins Tile_GlobalPointer:$source, I64:$row, I64:$column,
      I64:$pitch, Optional<I64>:$rows, Optional<I64>:$columns,
      Tile_SharedType:$tile, I64:$slot, StrAttr:$atom,
      ConfinedAttr<I64Attr, [IntPositive]>:$threads);
  let assemblyFormat = [{
    $source `[` $row `,` $column `]` `pitch` $pitch (`rows` $rows^)?
    (`columns` $columns^)? `to` $tile `[` $slot `]` `using` $atom
    `threads` $threads attr-dict `:` type($source) `,` type($tile)
  }];
  let hasVerifier = 1;
}

def Tile_ProduceOp : Tile_Op<"produce", [
    SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "Compute the elements of a tile";
  let description = [{
    For what `tile.copy_async` cannot do: elements that need a conversion, rows
    that are not aligned, strides in both directions. The region gets a row and
    a column, counted from `row` and `column`, and yields the `vector` elements
    from there on as they are stored: a scalar if `vector` is 1. Runs are dealt
    to threads as `copyMap` says. Visible to others after a barrier.

    Example:

    ```mlir
    tile.produce %a[%slot] at(%row, %k) vector 1 threads 128 {
    ^bb0(%r: i64, %c: i64):
      ...
      tile.yield %v : f16
    } : !tile.shared<64x32xf16, "(64:32)(32:1)", 1>
    ```
  }];
  let arguments = (ins Tile_SharedType:$tile, I64:$slot, I64:$row, I64:$column,
      ConfinedAttr<I64Attr, [IntPositive]>:$vector,
      ConfinedAttr<I64Attr, [IntPositive]>:$threads);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $tile `[` $slot `]` `at` `(` $row `,` $column `)` `vector` $vector
    `threads` $threads $body attr-dict `:` type($tile)
  }];
  let hasVerifier = 1;
}

def Tile_CommitOp : Tile_Op<"commit"> {
  let summary = "Make one group of the copies since the last commit";
  let description = [{
    Of the calling thread. A group may be empty, which keeps counts simple.

    Example:

    ```mlir
    tile.commit
    ```
  }];
  let assemblyFormat = "attr-dict";
}

def Tile_WaitOp : Tile_Op<"wait"> {
  let summary = "Wait until at most `pending` groups of copies are not done";
  let description = [{
    For the calling thread's copies only: a `tile.barrier` must follow before
    others' elements are read.

    Example:

    ```mlir
    tile.wait 1
    ```
  }];
  let arguments = (ins ConfinedAttr<I64Attr, [IntNonNegative]>:$pending);
  let assemblyFormat = "$pending attr-dict";
}

def Tile_BarrierOp : Tile_Op<"barrier"> {
  let summary = "Wait for all threads of the block";
  let description = [{
    Example:

    ```mlir
    tile.barrier
    ```
  }];
  let assemblyFormat = "attr-dict";
}

def Tile_PipelineOp : Tile_Op<"pipeline", [
    AllTypesMatch<["init", "results"]>]> {
  let summary = "A loop whose loads run some steps ahead";
  let description = [{
    Runs `compute` for steps 0 .. `count` - 1, with values carried from one
    step to the next. `load` is run for each step too, `stages` - 1 steps
    ahead, and writes into slot `step % stages` of its tiles with
    `tile.copy_async` or `tile.produce`. Waits and barriers are the pipeline's:
    when `compute` runs, its slot is ready. After the last step no copy is
    under way and all threads have done with the tiles.

        stages 3      load 0 | load 1 | load 2 | load 3 |  ...
                                      | comp 0 | comp 1 |  ...

    `load` gets the step and the slot, `compute` also the carried values.

    Example:

    ```mlir
    %sum = tile.pipeline %count stages 3 init(%zero) load {
    ^bb0(%step: i64, %slot: i64):
      tile.copy_async ...
      tile.yield
    } compute {
    ^bb0(%step: i64, %slot: i64, %acc: !tile.fragment<...>):
      ...
      tile.yield %next : !tile.fragment<...>
    } : !tile.fragment<...>
    ```
  }];
  let arguments = (ins I64:$count, Variadic<AnyType>:$init,
      ConfinedAttr<I64Attr, [IntPositive]>:$stages);
  let results = (outs Variadic<AnyType>:$results);
  let regions = (region SizedRegion<1>:$load, SizedRegion<1>:$compute);
  let assemblyFormat = [{
    $count `stages` $stages (`init` `(` $init^ `)`)? `load` $load `compute`
    $compute attr-dict (`:` type($results)^)?
  }];
  let hasVerifier = 1;
}

def Tile_YieldOp : Tile_Op<"yield", [Pure, ReturnLike, Terminator]> {
  let summary = "End a region of a tile op";
  let description = [{
    Example:

    ```mlir
    tile.yield %v : f16
    ```
  }];
  let arguments = (ins Variadic<AnyType>:$values);
  let builders = [OpBuilder<(ins)>];
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
}

#endif // TENON_DIALECTS_TILE_TILEMEMORYOPS_TD
