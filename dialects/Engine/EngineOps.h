//===- EngineOps.h - Operations of the engine dialect ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECTS_ENGINE_ENGINEOPS_H
#define TENON_DIALECTS_ENGINE_ENGINEOPS_H

#include "dialects/Graph/DimExpr.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/Engine/EngineDialect.h.inc"

#include "dialects/Engine/EngineEnums.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/Engine/EngineTypes.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Engine/EngineAttrs.h.inc"

namespace mlir::tenon::engine {

// How attributes stand in the text of ops (`custom<..>` of the .td files).
ParseResult parseDim(OpAsmParser &parser, graph::DimExprAttr &dim);
void printDim(OpAsmPrinter &printer, Operation *op, graph::DimExprAttr dim);
ParseResult parseDims(OpAsmParser &parser, ArrayAttr &dims);
void printDims(OpAsmPrinter &printer, Operation *op, ArrayAttr dims);
ParseResult parseTensor(OpAsmParser &parser, TensorAttr &tensor);
void printTensor(OpAsmPrinter &printer, Operation *op, TensorAttr tensor);
ParseResult parseChoices(OpAsmParser &parser, ArrayAttr &choices);
void printChoices(OpAsmPrinter &printer, Operation *op, ArrayAttr choices);

/// The value that `buffer` is a part of: the end of its chain of aliases.
Value baseOf(Value buffer);

} // namespace mlir::tenon::engine

#define GET_OP_CLASSES
#include "dialects/Engine/EngineInterfaceOps.h.inc"
#define GET_OP_CLASSES
#include "dialects/Engine/EngineValueOps.h.inc"
#define GET_OP_CLASSES
#include "dialects/Engine/EngineInstructionOps.h.inc"

#endif // TENON_DIALECTS_ENGINE_ENGINEOPS_H
