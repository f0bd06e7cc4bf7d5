//===- Op.h - A decoded instruction -----------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX is decoded once (Decode.h) into an array of `Op`s, each with the function
// that executes it for a whole warp. The function finds its operands through
// rows (Vector.h):
//
//   PTX      @%p1 add.s32 %r3, %r1, 4;
//   Op       run = addS32, guard = p1, d = row of r3, a = row of r1,
//            b = a constant row that holds 4 in each lane
//
// Rules that every handler may rely on, because the decoder keeps them:
//  - d, e are the destinations, a, b, c, f the sources, in the order in which
//    the form lists them (sim/ptx/forms). An absent or sunk (`_`) destination
//    is a scratch row: handlers always write.
//  - Numbers, addresses of variables and negated predicates have become rows:
//    handlers never look at what kind of operand it was.
//  - Operands of kind Constant (`#`) are in `imm`, without rows.
//  - A row has one slot a lane, of 2, 4 or 8 bytes (8-bit registers take 2);
//    128-bit registers are two rows of 8 bytes, low half first. A predicate is
//    one uint32_t. Rows are aligned to 64 bytes, predicates to 4.
//  - Operands in braces are lists: `list` and `listCount` (see Program::lists),
//    one after the other if there are several.
//  - Handlers write only the lanes of Warp::mask.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_OP_H
#define TENON_SIM_EXEC_OP_H

#include <cstdint>

namespace tenon::sim::exec {

struct Op;
struct Warp;

/// What the warp does after an op.
enum class Step : uint8_t {
  Next,   ///< go on at Warp::pc
  Switch, ///< the running lanes changed: choose lanes again
  Wait,   ///< nothing was done: the same op again when more lanes have come
  Block,  ///< done, but go on only after a barrier
  Yield,  ///< done, and this is a loop that waits: let others run
  Fault,  ///< the launch ends
};

using Handler = Step (*)(Warp &warp, const Op &op);

/// A row: byte offset from Warp::base[0], the registers of the frame, or, with
/// the low bit set, from Warp::base[1], the constants of the program.
using Row = uint32_t;
inline constexpr Row kNoRow = ~0u;

struct Op {
  Handler run = nullptr;
  Row guard = kNoRow;     ///< predicate of `@p`
  uint32_t guardFlip = 0; ///< ~0 for `@!p`
  Row d = kNoRow, e = kNoRow;
  Row a = kNoRow, b = kNoRow, c = kNoRow, f = kNoRow;
  uint32_t list = 0; ///< first of Program::lists
  uint16_t listCount = 0;
  /// Free for the family of the handler: a truth table, a mode, a width.
  uint16_t mode = 0;
  int64_t imm = 0; ///< constant operand, offset of an address, target
};
static_assert(sizeof(Op) <= 64, "one op, one line of the cache");

/// What a handler's selection depends on beside the instruction itself: the
/// width of the registers, which loads, stores and conversions may take wider
/// than the type (PTX ISA 9.4.1). Bytes of a lane in the row: 2, 4 or 8; 0 for
/// a predicate or where there is no such operand; 16 for 128 bits.
struct RowWidths {
  uint8_t d = 0, e = 0, a = 0, b = 0, c = 0, f = 0;
};

} // namespace tenon::sim::exec

#endif // TENON_SIM_EXEC_OP_H
