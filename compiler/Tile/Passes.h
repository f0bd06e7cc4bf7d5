//===- Passes.h - From tiles to instructions of a thread ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_TILE_PASSES_H
#define TENON_COMPILER_TILE_PASSES_H

#include "dialects/Tile/TileOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Pass/Pass.h"

namespace mlir::tenon::tile {

#define GEN_PASS_DECL
#include "compiler/Tile/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "compiler/Tile/Passes.h.inc"

} // namespace mlir::tenon::tile

#endif // TENON_COMPILER_TILE_PASSES_H
