//===- EngineInterfaceOps.td - Bindings, programs, kernels -*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECTS_ENGINE_ENGINEINTERFACEOPS_TD
#define TENON_DIALECTS_ENGINE_ENGINEINTERFACEOPS_TD

include "dialects/Engine/EngineDialect.td"

def Engine_SymbolOp : Engine_Op<"symbol", [HasParent<"::mlir::ModuleOp">]> {
  let summary = "An integer that the engine leaves open";
  let description = [{
    A dimension of an input (`from` names its first place), or, without one, a
    number that a program finds while it runs (`engine.read_back`,
    `engine.set`). `min` and `max` default to 0 and to no limit.

    Example: `engine.symbol "batch" from "x"[0] max 64`
  }];
  let arguments = (ins StrAttr:$name, OptionalAttr<StrAttr>:$input,
                       OptionalAttr<I64Attr>:$dim, OptionalAttr<I64Attr>:$min,
                       OptionalAttr<I64Attr>:$max);
  let assemblyFormat = [{
    $name (`from` $input^ `[` $dim `]`)? (`min` $min^)? (`max` $max^)? attr-dict
  }];
  let hasVerifier = 1;
}

def Engine_BindingOp : Engine_Op<"binding", [HasParent<"::mlir::ModuleOp">]> {
  let summary = "A tensor that the engine shares with its user";
  let description = [{
    Inputs and outputs are the caller's memory; a state is the context's, kept
    from run to run. `alias` names the input or state whose memory an output
    shares.

    Example: `engine.binding input "x" : f32[batch, 4]`
  }];
  let arguments = (ins Engine_BindingKind:$kind, StrAttr:$name,
                       Engine_TensorAttr:$tensor,
                       OptionalAttr<StrAttr>:$alias);
  let assemblyFormat = [{
    $kind $name (`alias` $alias^)? attr-dict `:` custom<Tensor>($tensor)
  }];
  let hasVerifier = 1;
}

def Engine_ConstraintOp : Engine_Op<"constraint",
    [HasParent<"::mlir::ModuleOp">]> {
  let summary = "A rule that input sizes must obey";
  let description = [{
    Checked before every new set of sizes; `text` is the rule in the user's
    words.

    Example: `engine.constraint N equal M, "batch sizes of a and b agree"`
  }];
  let arguments = (ins Engine_Dim:$lhs, Engine_Rule:$rule, Engine_Dim:$rhs,
                       StrAttr:$text);
  let assemblyFormat = [{
    custom<Dim>($lhs) $rule custom<Dim>($rhs) `,` $text attr-dict
  }];
}

def Engine_ProgramOp : Engine_Op<"program", [
    HasParent<"::mlir::ModuleOp">, IsolatedFromAbove, NoTerminator, SingleBlock,
    Symbol, SymbolTable]> {
  let summary = "What one target runs: kernels, values, instructions";
  let description = [{
    `arch` is the ISA level of a CPU ("x86-64-v3") or the architecture of a GPU
    ("sm_80"). Instructions run in order.

    Example:
    ```mlir
    engine.program @main target(cpu, "x86-64-v3") {
      engine.kernel @k0_pointwise family("pointwise") schedule("")
      %0 = engine.input "x" bytes(16) : f32[4]
      %1 = engine.output "y" bytes(16) : f32[4]
      engine.launch @k0_pointwise tasks(4) grain(1) scratch(0)
          ins(%0) outs(%1) scalars [] flops(4) bytes(32) nodes ["Add_0"]
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, Engine_TargetKind:$kind,
                       StrAttr:$arch, OptionalAttr<StrArrayAttr>:$features,
                       OptionalAttr<StrAttr>:$compiled_for);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name `target` `(` $kind `,` $arch (`,` $features^)? `)`
    (`compiled_for` $compiled_for^)? attr-dict-with-keyword $body
  }];
  let hasRegionVerifier = 1;
}

def Engine_KernelOp : Engine_Op<"kernel", [
    HasParent<"ProgramOp">, IsolatedFromAbove, NoTerminator, Symbol]> {
  let summary = "A function of the program's code object";
  let description = [{
    The body holds one `builtin.module` with a public function of this name,
    which obeys the kernel ABI (kernel_abi.h); it is empty once the code is
    machine code. `family` and `schedule` are for people.

    A kernel of a CUDA program says how it is launched.

    Examples: `engine.kernel @k0_conv family("conv") schedule("6x16")`,
    `engine.kernel @k1_relu family("pointwise") schedule("threads") entry
    <block = [128, 1, 1], shared = 0, may_fault = false>`
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$family,
                       StrAttr:$schedule, OptionalAttr<Engine_EntryAttr>:$entry);
  let regions = (region AnyRegion:$body);
  let assemblyFormat = [{
    $sym_name `family` `(` $family `)` `schedule` `(` $schedule `)`
    (`entry` $entry^)? attr-dict-with-keyword ($body^)?
  }];
  let extraClassDeclaration = [{
    /// The module with the code, or null.
    ::mlir::ModuleOp getCode();
  }];
  let hasRegionVerifier = 1;
}

def Engine_InitOp : Engine_Op<"init", [
    HasParent<"ProgramOp">, NoTerminator, SingleBlock]> {
  let summary = "Instructions that run once, when the engine is loaded";
  let description = [{
    They write the derived constants from the others. Values stand outside of
    it.

    Example: `engine.init { engine.copy %1 to %0 bytes(64) }`
  }];
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "attr-dict-with-keyword $body";
}

#endif // TENON_DIALECTS_ENGINE_ENGINEINTERFACEOPS_TD
