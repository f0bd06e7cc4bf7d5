//===- Lower.h - Patterns of tile-lower -----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_TILE_LOWER_H
#define TENON_COMPILER_TILE_LOWER_H

#include "dialects/Tile/TileOps.h"
#include "mlir/Transforms/DialectConversion.h"

namespace mlir::tenon::tile {

/// On `tile.alloc` while lowering: where it lies in shared memory.
inline constexpr llvm::StringLiteral kOffsetAttr = "tile.offset";
/// The block's dynamic shared memory.
inline constexpr llvm::StringLiteral kSharedSymbol = "tile_shared";

void populateMemoryPatterns(const TypeConverter &types,
                            RewritePatternSet &patterns);
void populateAccessPatterns(const TypeConverter &types,
                            RewritePatternSet &patterns);
void populateFragmentPatterns(const TypeConverter &types,
                              RewritePatternSet &patterns);

/// Copies the ops of a region of one block to the builder's place, with its
/// arguments replaced, and returns what it yields.
SmallVector<Value> inlineRegion(OpBuilder &b, Region &region,
                                ValueRange arguments);

} // namespace mlir::tenon::tile

#endif // TENON_COMPILER_TILE_LOWER_H
