//===- LowerMemory.cpp - Shared memory and copies -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
//   tile.alloc       the address of @tile_shared, plus an offset
//   tile.copy_async  for each run of the thread: cp.async, whose source size is
//                    0 outside of the bounds, so that the rest becomes zeros
//   tile.produce     for each run of the thread: its region; then the stores
//   commit, wait, barrier    the instruction of that name
//
// A thread's runs are `threads` runs apart (copyMap): where it reads and writes
// is worked out once, and differs by constants from run to run.
//
// Tests: test/compiler/Tile/lower-memory.mlir.
//
//===----------------------------------------------------------------------===//

#include "compiler/Tile/Address.h"
#include "compiler/Tile/Lower.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::tenon::tile {

namespace {

struct LowerAlloc : OpConversionPattern<AllocOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(AllocOp op, OneToNOpAdaptor,
                                ConversionPatternRewriter &b) const override {
    auto offset = op->getAttrOfType<IntegerAttr>(kOffsetAttr);
    if (!offset)
      return b.notifyMatchFailure(op, "not in a function");
    Type pointer = LLVM::LLVMPointerType::get(b.getContext(), 3);
    Value base =
        LLVM::AddressOfOp::create(b, op.getLoc(), pointer, kSharedSymbol);
    if (offset.getInt() != 0)
      base =
          LLVM::GEPOp::create(b, op.getLoc(), pointer, b.getI8Type(), base,
                              ArrayRef<LLVM::GEPArg>{int32_t(offset.getInt())},
                              LLVM::GEPNoWrapFlags::inbounds);
    b.replaceOp(op, base);
    return success();
  }
};

/// Calls `each` for every run of a thread with the run's row and column in the
/// tile, as i64, and its address.
class Runs {
public:
  Runs(OpBuilder &b, Location loc, SharedType tile, int64_t vector,
       int64_t threads)
      : b(b), loc(loc), tile(tile), vector(vector), threads(threads),
        map(copyMap(tile.getRows(), tile.getColumns(), vector, threads)) {}

  LogicalResult
  forEach(Value base, Value slot,
          function_ref<void(Value row, Value column, Value address)> each) {
    Value thread = threadNumber(b, loc);
    unsigned bits = llvm::Log2_64(threads);
    TileAddress address(b, loc, tile, base, slot, thread, bits);
    auto rowOf = [&](int64_t t) { return map({t, 0, 0}) / tile.getColumns(); };
    auto columnOf = [&](int64_t t) {
      return map({t, 0, 0}) % tile.getColumns();
    };
    auto row = emitBits(b, loc, thread, bits, rowOf, false);
    auto column = emitBits(b, loc, thread, bits, columnOf, false);
    if (!row || !column)
      return failure();
    Value row64 = arith::ExtUIOp::create(b, loc, b.getI64Type(), *row);
    Value column64 = arith::ExtUIOp::create(b, loc, b.getI64Type(), *column);
    int64_t runs = tile.getRows() * tile.getColumns() / vector;
    for (int64_t round = 0; round < map.size(2); ++round) {
      int64_t first = map({0, 0, round});
      auto where = [&](int64_t t) {
        int64_t element = map({t, 0, round});
        return std::pair(element / tile.getColumns(),
                         element % tile.getColumns());
      };
      FailureOr<Value> pointer = address.at(where);
      // Rounds go down by whole rows, or along one.
      int64_t down = first / tile.getColumns(),
              along = first % tile.getColumns();
      for (int64_t t = 0; t < threads; ++t)
        if (where(t) != std::pair(rowOf(t) + down, columnOf(t) + along))
          return failure();
      if (failed(pointer))
        return failure();
      OpBuilder::InsertionGuard keep(b);
      int64_t left = runs - round * threads;
      if (left < threads) {
        Value inside = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult,
                                             thread, constantI32(b, loc, left));
        auto guard = scf::IfOp::create(b, loc, inside, /*withElse=*/false);
        b.setInsertionPoint(guard.thenBlock()->getTerminator());
      }
      each(offset(row64, down), offset(column64, along), *pointer);
    }
    return success();
  }

private:
  Value offset(Value value, int64_t by) {
    if (by == 0)
      return value;
    return arith::AddIOp::create(b, loc, value, constantI64(b, loc, by));
  }

  OpBuilder &b;
  Location loc;
  SharedType tile;
  int64_t vector, threads;
  Layout map;
};

struct LowerCopyAsync : OpConversionPattern<CopyAsyncOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(CopyAsyncOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    SharedType tile = op.getTile().getType();
    const CopyAtom &atom = *findCopyAtom(op.getAtom());
    int64_t bytes = tile.getElementBytes();
    Value firstRow = adaptor.getRow().front();
    Value firstColumn = adaptor.getColumn().front();
    Value pitch = adaptor.getPitch().front();
    Value zero = constantI32(b, loc, 0), full = constantI32(b, loc, atom.bytes);
    auto copy = [&](Value row, Value column, Value address) {
      row = arith::AddIOp::create(b, loc, row, firstRow);
      column = arith::AddIOp::create(b, loc, column, firstColumn);
      Value element = arith::AddIOp::create(
          b, loc, arith::MulIOp::create(b, loc, row, pitch), column);
      Value source = LLVM::GEPOp::create(
          b, loc, op.getSource().getType(), storage(b, tile),
          adaptor.getSource().front(), ArrayRef<LLVM::GEPArg>{element});
      Value size;
      if (op.getColumns()) {
        // The last run of a row may have some elements only.
        Value left =
            arith::SubIOp::create(b, loc, adaptor.getColumns().front(), column);
        Value some = arith::MaxSIOp::create(
            b, loc,
            arith::MinSIOp::create(b, loc, left,
                                   constantI64(b, loc, atom.bytes / bytes)),
            constantI64(b, loc, 0));
        size = arith::TruncIOp::create(b, loc, b.getI32Type(), some);
        if (bytes > 1)
          size =
              arith::MulIOp::create(b, loc, size, constantI32(b, loc, bytes));
      }
      if (op.getRows()) {
        Value inside = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt,
                                             row, adaptor.getRows().front());
        size =
            arith::SelectOp::create(b, loc, inside, size ? size : full, zero);
      }
      NVVM::CpAsyncOp::create(b, loc, address, source, uint32_t(atom.bytes),
                              atom.bytes == 16
                                  ? NVVM::LoadCacheModifierKind::CG
                                  : NVVM::LoadCacheModifierKind::CA,
                              size);
    };
    Runs runs(b, loc, tile, atom.bytes / bytes, op.getThreads());
    if (failed(runs.forEach(adaptor.getTile().front(),
                            adaptor.getSlot().front(), copy)))
      return op.emitOpError("expected a tile whose runs are linear in the bits "
                            "of a thread's number");
    b.eraseOp(op);
    return success();
  }

private:
  /// 8-bit floats have no LLVM type: their size is what counts.
  static Type storage(OpBuilder &b, SharedType tile) {
    return b.getIntegerType(tile.getElementBytes() * 8);
  }
};

struct LowerProduce : OpConversionPattern<ProduceOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ProduceOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    SharedType tile = op.getTile().getType();
    int64_t vector = op.getVector();
    auto store = [&](Value value, Value address) {
      LLVM::StoreOp::create(b, loc, value, address,
                            vector * tile.getElementBytes());
    };
    // All values first, then all stores: so the loads of a thread are on their
    // way together, instead of one waiting for the other.
    Block *block = op->getBlock();
    SmallVector<std::pair<Value, Value>> stores;
    auto produce = [&](Value row, Value column, Value address) {
      row = arith::AddIOp::create(b, loc, row, adaptor.getRow().front());
      column =
          arith::AddIOp::create(b, loc, column, adaptor.getColumn().front());
      Value value = inlineRegion(b, op.getBody(), {row, column}).front();
      if (b.getInsertionBlock() == block)
        stores.emplace_back(value, address);
      else // a thread behind the last run
        store(value, address);
    };
    Runs runs(b, loc, tile, vector, op.getThreads());
    if (failed(runs.forEach(adaptor.getTile().front(),
                            adaptor.getSlot().front(), produce)))
      return op.emitOpError("expected a tile whose runs are linear in the bits "
                            "of a thread's number");
    for (auto [value, address] : stores)
      store(value, address);
    b.eraseOp(op);
    return success();
  }
};

struct LowerCommit : OpConversionPattern<CommitOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(CommitOp op, OneToNOpAdaptor,
                                ConversionPatternRewriter &b) const override {
    b.replaceOpWithNewOp<NVVM::CpAsyncCommitGroupOp>(op);
    return success();
  }
};

struct LowerWait : OpConversionPattern<WaitOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(WaitOp op, OneToNOpAdaptor,
                                ConversionPatternRewriter &b) const override {
    b.replaceOpWithNewOp<NVVM::CpAsyncWaitGroupOp>(op,
                                                   uint32_t(op.getPending()));
    return success();
  }
};

struct LowerBarrier : OpConversionPattern<BarrierOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(BarrierOp op, OneToNOpAdaptor,
                                ConversionPatternRewriter &b) const override {
    b.replaceOpWithNewOp<NVVM::Barrier0Op>(op);
    return success();
  }
};

} // namespace

void populateMemoryPatterns(const TypeConverter &types,
                            RewritePatternSet &patterns) {
  patterns.add<LowerAlloc, LowerBarrier, LowerCommit, LowerCopyAsync,
               LowerProduce, LowerWait>(types, patterns.getContext());
}

} // namespace mlir::tenon::tile
