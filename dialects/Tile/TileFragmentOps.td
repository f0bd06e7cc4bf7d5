//===- TileFragmentOps.td - Tiles in registers -------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Steps of one warp. All its threads must reach them together.
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECTS_TILE_TILEFRAGMENTOPS_TD
#define TENON_DIALECTS_TILE_TILEFRAGMENTOPS_TD

include "dialects/Tile/TileDialect.td"

def Tile_ZeroOp : Tile_Op<"zero", [Pure]> {
  let summary = "A fragment of zeros";
  let description = [{
    Example:

    ```mlir
    %0 = tile.zero : !tile.fragment<64x32xf32, c, "SM80_16x8x16_F32F16F16F32_TN">
    ```
  }];
  let results = (outs Tile_FragmentType:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
}

class Tile_SharedAccessOp<string mnemonic, list<Trait> traits = []>
    : Tile_Op<mnemonic, traits> {
  code accessDeclaration = [{
    /// Rows and columns of the tile that the fragment covers.
    std::pair<int64_t, int64_t> extents();
  }];
}

def Tile_LoadOp : Tile_SharedAccessOp<"load"> {
  let summary = "Load a fragment from shared memory";
  let description = [{
    Element (i, j) of the fragment is the tile's element (row + i, column + j),
    or, `transposed`, (row + j, column + i): of an operand whose rows lie along
    k in memory. `atom` names the instruction: one of the `SM75_LDSM` family,
    or `VECTOR`, plain loads as wide as the layout lets them be.

    A row or column that is not a constant must be a multiple of what the
    fragment covers in that direction.

    Example:

    ```mlir
    %a = tile.load %tile[%slot][%row, 16] using "SM75_LDSM_X4"
        : !tile.shared<64x32xf16, "(64:32)(32:1)swizzle<3,3,3>", 3>
          -> !tile.fragment<32x16xf16, a, "SM80_16x8x16_F32F16F16F32_TN">
    ```
  }];
  let arguments = (ins Tile_SharedType:$tile, I64:$slot,
      Variadic<I64>:$position, DenseI64ArrayAttr:$staticPosition,
      StrAttr:$atom, UnitAttr:$transposed);
  let results = (outs Tile_FragmentType:$result);
  let assemblyFormat = [{
    $tile `[` $slot `]`
    custom<Position>($position, type($position), $staticPosition) (`transposed` $transposed^)?
    `using` $atom attr-dict `:` type($tile) `->` type($result)
  }];
  let builders = [OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$tile,
      "::mlir::Value":$slot, "::llvm::ArrayRef<::mlir::OpFoldResult>":$position,
      "bool":$transposed, "::llvm::StringRef":$atom)>];
  let hasVerifier = 1;
  let extraClassDeclaration = accessDeclaration;
}

def Tile_StoreOp : Tile_SharedAccessOp<"store"> {
  let summary = "Store a fragment to shared memory";
  let description = [{
    The tile's element (row + i, column + j) becomes element (i, j) of the
    fragment, a `c`. `atom` is `VECTOR`, or one of the `SM90_STSM` family for
    16-bit elements.

    Example:

    ```mlir
    tile.store %c, %tile[%slot][%row, 0] using "VECTOR"
        : !tile.fragment<32x16xf16, c, "SM80_16x8x16_F32F16F16F32_TN">,
          !tile.shared<64x16xf16, "(64:16)(16:1)", 1>
    ```
  }];
  let arguments = (ins Tile_FragmentType:$fragment, Tile_SharedType:$tile,
      I64:$slot, Variadic<I64>:$position, DenseI64ArrayAttr:$staticPosition,
      StrAttr:$atom);
  let assemblyFormat = [{
    $fragment `,` $tile `[` $slot `]`
    custom<Position>($position, type($position), $staticPosition) `using` $atom attr-dict
    `:` type($fragment) `,` type($tile)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = accessDeclaration # [{
    bool getTransposed() { return false; }
  }];
}

def Tile_MmaOp : Tile_Op<"mma", [Pure, AllTypesMatch<["c", "result"]>]> {
  let summary = "Multiply fragments and add";
  let description = [{
    result = c + a b^T, with `a` M x K, `b` N x K: for each of the atom's tiles
    of the result, one instruction for each of its steps along k, in order.

    Example:

    ```mlir
    %1 = tile.mma %a, %b, %0
        : !tile.fragment<32x16xf16, a, "SM80_16x8x16_F32F16F16F32_TN">,
          !tile.fragment<16x16xf16, b, "SM80_16x8x16_F32F16F16F32_TN">,
          !tile.fragment<32x16xf32, c, "SM80_16x8x16_F32F16F16F32_TN">
    ```
  }];
  let arguments = (ins Tile_FragmentType:$a, Tile_FragmentType:$b,
      Tile_FragmentType:$c);
  let results = (outs Tile_FragmentType:$result);
  let assemblyFormat = [{
    $a `,` $b `,` $c attr-dict `:` type($a) `,` type($b) `,` type($c)
  }];
  let hasVerifier = 1;
}

def Tile_ConvertOp : Tile_Op<"convert", [Pure]> {
  let summary = "Convert the elements of a fragment";
  let description = [{
    Between float types, to the nearest, ties to even; to tf32, ties away from
    zero (`cvt.rna`).

    Example:

    ```mlir
    %1 = tile.convert %0
        : !tile.fragment<16x8xf32, a, "SM80_16x8x8_F32TF32TF32F32_TN">
          -> !tile.fragment<16x8xtf32, a, "SM80_16x8x8_F32TF32TF32F32_TN">
    ```
  }];
  let arguments = (ins Tile_FragmentType:$input);
  let results = (outs Tile_FragmentType:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_SplitOp : Tile_Op<"split", [Pure,
    AllTypesMatch<["big", "small"]>]> {
  let summary = "Split f32 numbers into two tf32 numbers";
  let description = [{
    big = tf32(input) and small = tf32(input - big): 11 + 11 bits, so that
    small a * big b + big a * small b + big a * big b, summed in f32, is as good
    as a product in f32. Infinities become NaN in such a product, as small is
    inf - inf.

    Example:

    ```mlir
    %big, %small = tile.split %0
        : !tile.fragment<16x8xf32, a, "SM80_16x8x8_F32TF32TF32F32_TN">
          -> !tile.fragment<16x8xtf32, a, "SM80_16x8x8_F32TF32TF32F32_TN">
    ```
  }];
  let arguments = (ins Tile_FragmentType:$input);
  let results = (outs Tile_FragmentType:$big, Tile_FragmentType:$small);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($big)";
  let hasVerifier = 1;
}

def Tile_MapOp : Tile_Op<"map", [SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "Compute each element from those at its place";
  let description = [{
    The region gets one element of each input and yields that of the result. An
    input of role `rows` gives each element of a row the row's number.

    Example:

    ```mlir
    %1 = tile.map %0, %max {
    ^bb0(%x: f32, %m: f32):
      %d = arith.subf %x, %m : f32
      tile.yield %d : f32
    } : !tile.fragment<16x8xf32, c, "...">, !tile.fragment<16x1xf32, rows, "...">
        -> !tile.fragment<16x8xf32, c, "...">
    ```
  }];
  let arguments = (ins Variadic<Tile_FragmentType>:$inputs);
  let results = (outs Tile_FragmentType:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $inputs $body attr-dict `:` type($inputs) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_ReduceOp : Tile_Op<"reduce", [
    SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "Combine the elements of each row";
  let description = [{
    The region combines two numbers; it should be associative and commutative
    up to rounding. The order is fixed: a thread's elements from left to right,
    then the threads of a row by butterflies, so all of them get the same bits.

    Example:

    ```mlir
    %max = tile.reduce %0 {
    ^bb0(%x: f32, %y: f32):
      %m = arith.maximumf %x, %y : f32
      tile.yield %m : f32
    } : !tile.fragment<16x8xf32, c, "...">
        -> !tile.fragment<16x1xf32, rows, "...">
    ```
  }];
  let arguments = (ins Tile_FragmentType:$input);
  let results = (outs Tile_FragmentType:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $input $body attr-dict `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_AnyOp : Tile_Op<"any", [SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "Whether the region holds for an element of the fragment";
  let description = [{
    The same for all threads of a warp, which must come here together: true if
    the region yields true for an element of any of them.

    Example:

    ```mlir
    %some = tile.any %0 {
    ^bb0(%x: f32):
      %negative = arith.cmpf olt, %x, %zero : f32
      tile.yield %negative : i1
    } : !tile.fragment<16x8xf32, c, "...">
    ```
  }];
  let arguments = (ins Tile_FragmentType:$fragment);
  let results = (outs I1:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$fragment $body attr-dict `:` type($fragment)";
  let hasVerifier = 1;
}

def Tile_ForEachOp : Tile_Op<"for_each", [
    SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "Run an epilogue on each element";
  let description = [{
    For each run of `vector` neighbouring elements of a row that a thread
    holds: the region gets the row and column of the first, counted from `row`
    and `column`, and the elements, a scalar if `vector` is 1.

    Example:

    ```mlir
    tile.for_each %c at(%row, %column) vector 2 {
    ^bb0(%m: i64, %n: i64, %v: vector<2xf32>):
      ...
    } : !tile.fragment<32x16xf32, c, "SM80_16x8x16_F32F16F16F32_TN">
    ```
  }];
  let arguments = (ins Tile_FragmentType:$fragment, I64:$row, I64:$column,
      ConfinedAttr<I64Attr, [IntPositive]>:$vector);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $fragment `at` `(` $row `,` $column `)` `vector` $vector $body attr-dict
    `:` type($fragment)
  }];
  let hasVerifier = 1;
}

#endif // TENON_DIALECTS_TILE_TILEFRAGMENTOPS_TD
