//===- EngineInstructionOps.td - What a program does -------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECTS_ENGINE_ENGINEINSTRUCTIONOPS_TD
#define TENON_DIALECTS_ENGINE_ENGINEINSTRUCTIONOPS_TD

include "dialects/Engine/EngineDialect.td"

def Engine_LaunchOp : Engine_Op<"launch", [
    AttrSizedOperandSegments, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Runs a kernel";
  let description = [{
    The first of the choices whose guard holds runs, on the buffers `ins` (only
    read) and `outs` (written), in this order, and the `scalars`. `flops` and
    `bytes` are of the whole launch, for profiles; `nodes` are the ONNX nodes
    that it stands for.

    Example:
    ```mlir
    engine.launch @k0_matmul if("16 - M") tasks(1) grain(1) scratch(0)
        else @k1_matmul tasks(M) grain(1) scratch(0)
        ins(%0, %1) outs(%2) scalars [M, 64] flops("128*M") bytes("4*M")
        nodes ["MatMul_0"]
    ```
  }];
  let arguments = (ins Engine_ChoiceArray:$choices,
                       Variadic<Engine_Buffer>:$ins,
                       Variadic<Engine_Buffer>:$outs, Engine_DimArray:$scalars,
                       Engine_Dim:$flops, Engine_Dim:$bytes,
                       StrArrayAttr:$nodes);
  let assemblyFormat = [{
    custom<Choices>($choices) `ins` `(` $ins `)` `outs` `(` $outs `)` `scalars`
    custom<Dims>($scalars) `flops` `(` custom<Dim>($flops) `)` `bytes` `(`
    custom<Dim>($bytes) `)` `nodes` $nodes attr-dict
  }];
  let hasVerifier = 1;
}

def Engine_CopyOp : Engine_Op<"copy"> {
  let summary = "Copies bytes";
  let description = [{
    Example: `engine.copy %0 to %1 bytes("4*N") nodes ["Identity_0"]`
  }];
  let arguments = (ins Engine_Buffer:$source, Engine_Buffer:$target,
                       Engine_Dim:$size, StrArrayAttr:$nodes);
  let assemblyFormat = [{
    $source `to` $target `bytes` `(` custom<Dim>($size) `)` `nodes` $nodes
    attr-dict
  }];
  let hasVerifier = 1;
}

def Engine_FillOp : Engine_Op<"fill"> {
  let summary = "Sets every byte";
  let description = [{
    Example: `engine.fill %1 with 0 nodes []`
  }];
  let arguments = (ins Engine_Buffer:$target,
                       ConfinedAttr<I64Attr, [IntMinValue<0>,
                                              IntMaxValue<255>]>:$byte,
                       StrArrayAttr:$nodes);
  let assemblyFormat = "$target `with` $byte `nodes` $nodes attr-dict";
  let hasVerifier = 1;
}

def Engine_ReadBackOp : Engine_Op<"read_back"> {
  let summary = "Makes a device value a host integer";
  let description = [{
    `symbol` becomes the element of type `type` at `index`.

    Example: `engine.read_back "s0" = %4[0] : i64 nodes ["NonZero_3"]`
  }];
  let arguments = (ins StrAttr:$symbol, Engine_Buffer:$source, Engine_Dim:$index,
                       TypeAttrOf<AnyInteger>:$type, StrArrayAttr:$nodes);
  let assemblyFormat = [{
    $symbol `=` $source `[` custom<Dim>($index) `]` `:` $type `nodes` $nodes
    attr-dict
  }];
}

def Engine_SetOp : Engine_Op<"set"> {
  let summary = "Sets a symbol to an expression";
  let description = [{
    Example: `engine.set "s1" = "s0 + 1" nodes []`
  }];
  let arguments = (ins StrAttr:$symbol, Engine_Dim:$expr, StrArrayAttr:$nodes);
  let assemblyFormat = "$symbol `=` custom<Dim>($expr) `nodes` $nodes attr-dict";
}

def Engine_IfOp : Engine_Op<"if", [NoTerminator, SingleBlock]> {
  let summary = "Runs one of two blocks";
  let description = [{
    The first if `condition` is not 0.

    Example:
    ```mlir
    engine.if s0 nodes ["If_7"] {
      engine.copy %0 to %1 bytes(4) nodes []
    } else {
      engine.fill %1 with 0 nodes []
    }
    ```
  }];
  let arguments = (ins Engine_Dim:$condition, StrArrayAttr:$nodes);
  let regions = (region SizedRegion<1>:$thenRegion, AnyRegion:$elseRegion);
  let assemblyFormat = [{
    custom<Dim>($condition) `nodes` $nodes attr-dict-with-keyword $thenRegion
    (`else` $elseRegion^)?
  }];
}

def Engine_WhileOp : Engine_Op<"while", [NoTerminator, SingleBlock]> {
  let summary = "Repeats a block";
  let description = [{
    Runs `before`, stops if `condition` is 0, runs `body`, and again.

    Example:
    ```mlir
    engine.while s0 nodes ["Loop_2"] before {
      engine.read_back "s0" = %4[0] : i1 nodes []
    } do {
      engine.fill %4 with 0 nodes []
    }
    ```
  }];
  let arguments = (ins Engine_Dim:$condition, StrArrayAttr:$nodes);
  let regions = (region SizedRegion<1>:$before, SizedRegion<1>:$body);
  let assemblyFormat = [{
    custom<Dim>($condition) `nodes` $nodes attr-dict-with-keyword
    `before` $before `do` $body
  }];
}

#endif // TENON_DIALECTS_ENGINE_ENGINEINSTRUCTIONOPS_TD
