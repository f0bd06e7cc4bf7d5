//===- EngineDialect.td - The engine dialect ---------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `engine` holds what the runtime executes: the interface of an engine, and for
// each target a program of launches, copies, branches and loops over buffers.
// It sits between the kernel families and the engine file.
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECTS_ENGINE_ENGINEDIALECT_TD
#define TENON_DIALECTS_ENGINE_ENGINEDIALECT_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Engine_Dialect : Dialect {
  let name = "engine";
  let cppNamespace = "::mlir::tenon::engine";
  let summary = "The host program of an engine";
  let description = [{
    A module in this dialect is an engine: symbols, bindings and constraints,
    then one `engine.program` for each target. Each op of a program is one
    value or instruction of the engine file, in the same order. See README.md
    in this folder.
  }];
  let dependentDialects = ["::mlir::tenon::graph::GraphDialect"];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let extraClassDeclaration = [{
    void registerAttributes();
    void registerInterfaceOps();
    void registerValueOps();
    void registerInstructionOps();
  }];
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

def Engine_Buffer : TypeDef<Engine_Dialect, "Buffer">,
    BuildableType<"$_builder.getType<::mlir::tenon::engine::BufferType>()"> {
  let mnemonic = "buffer";
  let summary = "Bytes in the memory of the program's device";
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

class Engine_Attr<string name, string attrMnemonic, list<Trait> traits = []>
    : AttrDef<Engine_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

/// A size: `#graph.expr`. Stands as in `#graph.shape`: numbers and names bare,
/// other formulas in quotes.
def Engine_Dim : Attr<
    CPred<"::llvm::isa<::mlir::tenon::graph::DimExprAttr>($_self)">,
    "size expression"> {
  let storageType = "::mlir::tenon::graph::DimExprAttr";
  let returnType = "::mlir::tenon::graph::DimExpr";
  let convertFromStorage = "::mlir::tenon::graph::DimExpr($_self)";
}
def Engine_DimArray : TypedArrayAttrBase<Engine_Dim, "list of sizes">;

def Engine_TensorAttr : Engine_Attr<"Tensor", "tensor"> {
  let summary = "What a buffer holds, for people and for bindings";
  let description = [{
    The logical shape; the buffer may be larger (channel blocks, halos).

    Example: `#engine.tensor<f32[batch, 3, "2*H"]>`, in ops
    `f32[batch, 3, "2*H"]`
  }];
  let parameters = (ins "::mlir::Type":$elementType,
      ArrayRefParameter<"::mlir::tenon::graph::DimExprAttr">:$dims);
  let hasCustomAssemblyFormat = 1;
}

def Engine_ChoiceAttr : Engine_Attr<"Choice", "choice"> {
  let summary = "One way to do a launch";
  let description = [{
    Runs `kernel` over `[0, tasks)` if `guard` is above 0 or absent. `grain` is
    the number of tasks that a thread takes at least, `scratch` the bytes that
    each thread gets. On CUDA, `grid` are the blocks along x, y and z;
    nothing is launched without tasks.

    Examples: `#engine.choice<@k0_matmul if("16 - M") tasks(M) grain(1)
    scratch(0)>`, `#engine.choice<@k1_relu tasks(256) grain(1) scratch(0)
    grid(2, 1, 1)>`
  }];
  let parameters = (ins "::mlir::FlatSymbolRefAttr":$kernel,
                        "::mlir::tenon::graph::DimExprAttr":$guard,
                        "::mlir::tenon::graph::DimExprAttr":$tasks,
                        "::mlir::tenon::graph::DimExprAttr":$grain,
                        "::mlir::tenon::graph::DimExprAttr":$scratch,
      OptionalArrayRefParameter<"::mlir::tenon::graph::DimExprAttr">:$grid);
  let hasCustomAssemblyFormat = 1;
}

def Engine_EntryAttr : Engine_Attr<"Entry", "entry"> {
  let summary = "How an entry function of a GPU is launched";
  let description = [{
    Threads of a block along x, y and z, bytes of dynamic shared memory of a
    block, and whether it may write its error record.

    Example: `#engine.entry<block = [128, 1, 1], shared = 0, may_fault = false>`
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$block,
                        "int64_t":$shared, "bool":$may_fault);
  let assemblyFormat = [{
    `<` `block` `=` `[` $block `]` `,` `shared` `=` $shared `,` `may_fault` `=`
    $may_fault `>`
  }];
}
def Engine_ChoiceArray : TypedArrayAttrBase<Engine_ChoiceAttr,
                                            "list of ways to do a launch">;

class Engine_Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::mlir::tenon::engine";
}

def Engine_BindingKind : Engine_Enum<"BindingKind", "Whose memory a binding is",
  [I32EnumAttrCase<"input", 0>, I32EnumAttrCase<"output", 1>,
   I32EnumAttrCase<"state", 2>]>;

def Engine_Rule : Engine_Enum<"Rule", "What a constraint demands",
  [I32EnumAttrCase<"equal", 0>, I32EnumAttrCase<"at_most", 1>,
   I32EnumAttrCase<"multiple_of", 2>]>;

def Engine_TargetKind : Engine_Enum<"TargetKind", "What a program runs on",
  [I32EnumAttrCase<"cpu", 0>, I32EnumAttrCase<"cuda", 1>]>;

//===----------------------------------------------------------------------===//
// Op base class
//===----------------------------------------------------------------------===//

class Engine_Op<string mnemonic, list<Trait> traits = []>
    : Op<Engine_Dialect, mnemonic, traits>;

#endif // TENON_DIALECTS_ENGINE_ENGINEDIALECT_TD
