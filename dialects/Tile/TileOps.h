//===- TileOps.h - Operations of the tile dialect -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECTS_TILE_TILEOPS_H
#define TENON_DIALECTS_TILE_TILEOPS_H

#include "dialects/Tile/Atoms.h"
#include "dialects/Tile/Layout.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/Tile/TileDialect.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/Tile/TileTypes.h.inc"

namespace mlir::tenon::tile {

/// On a function or module: the compute capability that its code is for, such
/// as 80. Without it, 80.
inline constexpr llvm::StringLiteral kSmAttr = "tile.sm";
/// On a lowered function: the dynamic shared memory that a launch must ask for.
inline constexpr llvm::StringLiteral kSharedBytesAttr = "tile.shared_bytes";

int64_t smOf(Operation *op);

/// A position in a tile as it stands in the text of ops: `[%row, 16]`. A
/// static position of `ShapedType::kDynamic` means the next operand.
ParseResult
parsePosition(OpAsmParser &parser,
              SmallVectorImpl<OpAsmParser::UnresolvedOperand> &operands,
              SmallVectorImpl<Type> &types, DenseI64ArrayAttr &fixed);
void printPosition(OpAsmPrinter &printer, Operation *op, OperandRange operands,
                   TypeRange types, DenseI64ArrayAttr fixed);

} // namespace mlir::tenon::tile

#define GET_OP_CLASSES
#include "dialects/Tile/TileMemoryOps.h.inc"
#define GET_OP_CLASSES
#include "dialects/Tile/TileFragmentOps.h.inc"

#endif // TENON_DIALECTS_TILE_TILEOPS_H
