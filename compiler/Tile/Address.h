//===- Address.h - Arithmetic of lanes and addresses ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Which address does a thread use? The layouts say so as functions from the
// thread's number; here they become instructions. All layouts of kernels are
// *linear in bits*: the address of thread 5 = 101b is made of what bit 0 adds
// and what bit 2 adds, where "adds" means the sum, or the exclusive or if the
// layout is swizzled. So a few shifts and masks are enough, whatever the layout
// is made of, and a check over all threads proves them right while compiling.
//
// One op uses many addresses that differ by constants. `TileAddress` makes the
// thread's part once and then adds what fits into an instruction's immediate:
//
//     address(g) = (thread part ^ c) + d         c: bits under the swizzle
//
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_TILE_ADDRESS_H
#define TENON_COMPILER_TILE_ADDRESS_H

#include "dialects/Tile/TileOps.h"
#include "mlir/IR/Builders.h"

namespace mlir::tenon::tile {

/// Constants.
Value constantI32(OpBuilder &b, Location loc, int64_t value);
Value constantI64(OpBuilder &b, Location loc, int64_t value);

/// The number of the thread in its block, and in its warp, as i32.
Value threadNumber(OpBuilder &b, Location loc);
Value laneNumber(OpBuilder &b, Location loc);

/// f(index) as i32, for an index (i32) below 2^bits; none if f is not linear in
/// bits: by exclusive or if `exclusive`, else by addition.
std::optional<Value> emitBits(OpBuilder &b, Location loc, Value index,
                              unsigned bits, function_ref<int64_t(int64_t)> f,
                              bool exclusive);

/// Addresses in one stage of a tile, for a thread number of some bits.
class TileAddress {
public:
  /// `base`: where the tile begins (!llvm.ptr<3>); `slot`: i64.
  TileAddress(OpBuilder &b, Location loc, SharedType tile, Value base,
              Value slot, Value index, unsigned bits);

  /// Moves all addresses by `position` (i64, a multiple of `multiple`) along
  /// dimension `dim`. Before the first `at`.
  LogicalResult move(unsigned dim, Value position, int64_t multiple);

  /// The pointer of the element (row, column) that `where` gives for an index;
  /// what `move` adds is not in it. None if that is not linear in bits.
  FailureOr<Value> at(function_ref<std::pair<int64_t, int64_t>(int64_t)> where);

private:
  Value combine(Value x, Value y);

  OpBuilder &b;
  Location loc;
  SharedType tile;
  Layout layout;
  Value stage, index;
  unsigned bits;
  bool exclusive;
  SmallVector<int64_t> first; // the offset in bytes of each index, for `common`
  Value moved;                // what `move` adds, in bytes; null: nothing
  int64_t used = 0;           // bits that may be set in what is not constant
  Value common;               // offset of the first `at`
  DenseMap<int64_t, Value> variants;
};

} // namespace mlir::tenon::tile

#endif // TENON_COMPILER_TILE_ADDRESS_H
