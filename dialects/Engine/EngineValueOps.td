//===- EngineValueOps.td - The buffers of a program --------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECTS_ENGINE_ENGINEVALUEOPS_TD
#define TENON_DIALECTS_ENGINE_ENGINEVALUEOPS_TD

include "dialects/Engine/EngineDialect.td"

/// Every value has a size in bytes and says what it holds.
class Engine_ValueOp<string mnemonic, list<Trait> traits = []>
    : Engine_Op<mnemonic, !listconcat([HasParent<"ProgramOp">], traits)> {
  let results = (outs Engine_Buffer:$result);
}

class Engine_BoundOp<string mnemonic> : Engine_ValueOp<mnemonic, [Pure]> {
  let arguments = (ins StrAttr:$binding, Engine_Dim:$size,
                       Engine_TensorAttr:$tensor);
  let assemblyFormat = [{
    $binding `bytes` `(` custom<Dim>($size) `)` `:` custom<Tensor>($tensor)
    attr-dict
  }];
}
def Engine_InputOp : Engine_BoundOp<"input"> {
  let summary = "The memory of an input, only read";
  let description = [{
    Example: `%0 = engine.input "x" bytes("16*batch") : f32[batch, 4]`
  }];
}
def Engine_OutputOp : Engine_BoundOp<"output"> {
  let summary = "The memory of an output";
  let description = [{
    Example: `%1 = engine.output "y" bytes("16*batch") : f32[batch, 4]`
  }];
}
def Engine_StateOp : Engine_BoundOp<"state"> {
  let summary = "Memory that the context keeps from run to run";
  let description = [{
    Example: `%2 = engine.state "cache" bytes(4096) : f16[2, 1024]`
  }];
}

def Engine_TempOp : Engine_ValueOp<"temp"> {
  let summary = "Memory in the arena, for as long as the value is live";
  let description = [{
    Example: `%3 = engine.temp bytes(4096) : f32[1, 1024]`
  }];
  let arguments = (ins Engine_Dim:$size, Engine_TensorAttr:$tensor);
  let assemblyFormat = [{
    `bytes` `(` custom<Dim>($size) `)` `:` custom<Tensor>($tensor) attr-dict
  }];
}

def Engine_ConstantOp : Engine_ValueOp<"constant", [Pure]> {
  let summary = "Bytes that the engine file carries";
  let description = [{
    `value` as it is, or in the order of `recipe` (see PackRecipe), made of the
    ONNX tensors `initializers`. Without a value the constant is derived
    (`engine.init` writes it), or its bytes are in the file that this text was
    printed from.

    Example: `%4 = engine.constant ["conv1.weight"] pack("conv-panels width=16
    block=8") bytes(37632) : f32[64, 3, 7, 7] = dense_resource<w>`
  }];
  let arguments = (ins StrArrayAttr:$initializers,
                       OptionalAttr<StrAttr>:$recipe, Engine_Dim:$size,
                       Engine_TensorAttr:$tensor,
                       OptionalAttr<ElementsAttr>:$value);
  let assemblyFormat = [{
    $initializers (`pack` `(` $recipe^ `)`)? `bytes` `(` custom<Dim>($size) `)`
    `:` custom<Tensor>($tensor) attr-dict (`=` $value^)?
  }];
}

def Engine_AliasOp : Engine_ValueOp<"alias", [Pure]> {
  let summary = "A part of another value's bytes";
  let description = [{
    Example: `%5 = engine.alias %3 at 64 bytes(128) : f32[32]`
  }];
  let arguments = (ins Engine_Buffer:$base, Engine_Dim:$offset,
                       Engine_Dim:$size, Engine_TensorAttr:$tensor);
  let assemblyFormat = [{
    $base `at` custom<Dim>($offset) `bytes` `(` custom<Dim>($size) `)` `:`
    custom<Tensor>($tensor) attr-dict
  }];
}

#endif // TENON_DIALECTS_ENGINE_ENGINEVALUEOPS_TD
