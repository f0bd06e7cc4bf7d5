//===- MemoryOps.cpp - Shared memory and the pipeline ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Verifiers. Tests: test/dialects/Tile/ops.mlir, invalid-memory.mlir.
//
//===----------------------------------------------------------------------===//

#include "dialects/Tile/TileOps.h"

using namespace mlir;
using namespace mlir::tenon::tile;

#define GET_OP_CLASSES
#include "dialects/Tile/TileMemoryOps.cpp.inc"

void TileDialect::registerMemoryOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/Tile/TileMemoryOps.cpp.inc"
      >();
}

/// Whether aligned runs of `vector` columns lie together in the tile, so that
/// one instruction can write them.
static LogicalResult verifyRuns(Operation *op, SharedType tile,
                                int64_t vector) {
  if (contiguous(tile.getLayout(), 1, vector) != vector)
    return op->emitOpError()
           << "expected a tile that keeps runs of " << vector
           << " columns together, got \"" << tile.getLayoutText() << "\"";
  return success();
}

/// Threads are told apart by the bits of their number.
static LogicalResult verifyThreads(Operation *op, int64_t threads) {
  if (!llvm::isPowerOf2_64(threads) || threads > 1024)
    return op->emitOpError()
           << "expected a power of 2 of threads, up to 1024, got " << threads;
  return success();
}

LogicalResult CopyAsyncOp::verify() {
  if (failed(verifyThreads(*this, getThreads())))
    return failure();
  const CopyAtom *atom = findCopyAtom(getAtom());
  if (!atom || atom->kind != CopyKind::Async)
    return emitOpError() << "expected an asynchronous copy atom, got \""
                         << getAtom() << "\"";
  SharedType tile = getTile().getType();
  if (atom->bytes % tile.getElementBytes() != 0)
    return emitOpError() << "expected elements that " << atom->bytes
                         << " bytes hold a whole number of, got "
                         << tile.getElementType();
  return verifyRuns(*this, tile, atom->bytes / tile.getElementBytes());
}

LogicalResult ProduceOp::verify() {
  if (failed(verifyThreads(*this, getThreads())))
    return failure();
  SharedType tile = getTile().getType();
  if (failed(verifyRuns(*this, tile, getVector())))
    return failure();
  Type i64 = IntegerType::get(getContext(), 64);
  Block &block = getBody().front();
  if (block.getArgumentTypes() != ArrayRef<Type>{i64, i64})
    return emitOpError("expected a region of a row and a column, both i64");
  Type element = tile.getElementType();
  if (getVector() > 1)
    element = VectorType::get({int64_t(getVector())}, element);
  auto yield = cast<YieldOp>(block.getTerminator());
  if (yield.getValues().getTypes() != ArrayRef<Type>{element})
    return emitOpError() << "expected the region to yield one " << element;
  return success();
}

LogicalResult PipelineOp::verify() {
  Type i64 = IntegerType::get(getContext(), 64);
  if (getLoad().front().getArgumentTypes() != ArrayRef<Type>{i64, i64})
    return emitOpError("expected a load region of a step and a slot, both i64");
  auto done = dyn_cast<YieldOp>(getLoad().front().getTerminator());
  if (!done || !done.getValues().empty())
    return emitOpError("expected a load region that yields nothing");
  SmallVector<Type> arguments{i64, i64};
  llvm::append_range(arguments, getInit().getTypes());
  if (getCompute().front().getArgumentTypes() != ArrayRef<Type>(arguments))
    return emitOpError(
        "expected a compute region of a step, a slot and the carried values");
  auto next = dyn_cast<YieldOp>(getCompute().front().getTerminator());
  if (!next || next.getValues().getTypes() != getInit().getTypes())
    return emitOpError(
        "expected a compute region that yields the carried values");
  return success();
}

void YieldOp::build(OpBuilder &, OperationState &) {}
