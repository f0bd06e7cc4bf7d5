//===- Transpose.cpp - Moves that turn the innermost dimension on GPUs ----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Takes pointwise kernels one of whose operands is a view that runs along
// another dimension, K, than the result, L. Memory is read and written best
// along rows, so a block moves a square tile through shared memory:
//
//           K ->                               L ->
//      +-----------+                      +-----------+
//    L | warps read|  -> shared memory -> | warps     | K
//      | along K   |                      | write     |
//      +-----------+                      | along L   |
//
// 32 lanes have W neighbours each, 4 bytes together where the type is smaller.
// Both ways, lane x takes elements x * W + b: in shared memory they lie at b *
// 32 + x, in rows of one word more than a tile. So neither way has conflicts:
//
//   element (k, l)  ->  word  place(k) * (T + 1) + place(l),
//   place(x * W + b) = b * 32 + x
//
// All other operands are read where the result is written, along L.
//
// Tests: test/e2e/cudaColumns.py.
//
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/ThreadFamily.h"
#include "kernels/Cuda/Threads.h"
#include "kernels/Emit/Domain.h"
#include "kernels/Emit/StridedView.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>

namespace mlir::tenon {

using graph::DimExpr;

namespace {

/// Elements along a tile and warps of a block at most.
constexpr int64_t kMostTile = 64, kMostWarps = 16;

bool moves(Operation *op) {
  return isa_and_nonnull<graph::TransposeOp, graph::SliceOp, graph::BroadcastOp,
                         graph::ReshapeOp>(op);
}

/// A value that runs across the result, and how.
struct Turned {
  Value value;
  /// Dimensions of the result that are walked as one, outermost first: along
  /// which memory of the value runs, and of the result.
  SmallVector<int64_t> along, across;
};

/// The dimensions above `inner` that are one with it in the view.
SmallVector<int64_t> groupOf(ArrayRef<DimExpr> dims, ArrayRef<DimExpr> strides,
                             int64_t inner) {
  SmallVector<int64_t> group = {inner};
  for (int64_t d = inner; d-- > 0;) {
    int64_t below = group.front();
    if (d + 1 != below || strides[d] != strides[below] * dims[below])
      break;
    group.insert(group.begin(), d);
  }
  return group;
}

std::optional<Turned> turnedOf(Value value, ArrayRef<DimExpr> dims) {
  auto view = viewOf(value, [](Value v) { return !moves(v.getDefiningOp()); });
  if (!view)
    return std::nullopt;
  int64_t inner = mergedAxis(dims, 0);
  if (view->strides[inner].isConstant(1) || view->strides[inner].isConstant(0))
    return std::nullopt;
  for (int64_t d = 0; d < inner; ++d)
    if (view->strides[d].isConstant(1) && !dims[d].isConstant(1)) {
      Turned turned{value, groupOf(dims, view->strides, d),
                    groupOf(dims, view->strides, inner)};
      if (llvm::is_contained(turned.across, d))
        return std::nullopt;
      return turned;
    }
  return std::nullopt;
}

/// The value that runs across the result of the kernel's pointwise ops; none if
/// there is none, several, or one that is also read elsewhere.
std::optional<Turned> findTurned(Value yielded) {
  SmallVector<DimExpr> dims = graph::dimsOf(yielded);
  if (dims.size() < 2)
    return std::nullopt;
  std::optional<Turned> found;
  bool several = false;
  SmallVector<Value> work = {yielded};
  llvm::SmallPtrSet<void *, 8> seen;
  while (!work.empty()) {
    Value value = work.pop_back_val();
    Operation *op = value.getDefiningOp();
    if (!op || graph::dimsOf(value) != dims ||
        !seen.insert(value.getAsOpaquePointer()).second)
      continue;
    if (op->hasTrait<graph::Pointwise>()) {
      llvm::append_range(work, op->getOperands());
      continue;
    }
    if (!moves(op))
      continue;
    if (auto turned = turnedOf(value, dims)) {
      several |= found.has_value();
      found = turned;
    }
  }
  if (!found || several)
    return std::nullopt;
  // Users that broadcast it would want other elements than the tile's.
  for (Operation *user : found->value.getUsers()) {
    bool same = user->hasTrait<graph::Pointwise>() &&
                graph::dimsOf(user->getResult(0)) == dims;
    if (!same && !isa<graph::YieldOp>(user))
      return std::nullopt;
  }
  return found;
}

DimExpr sizeOf(ArrayRef<DimExpr> dims, ArrayRef<int64_t> group) {
  DimExpr size = DimExpr::constant(dims[0].getContext(), 1);
  for (int64_t d : group)
    size = size * dims[d];
  return size;
}

class TransposeBuilder {
public:
  TransposeBuilder(graph::KernelOp kernel, const Turned &turned,
                   const ThreadSchedule &schedule, StringRef name,
                   const KernelTarget &target)
      : kernel(kernel), turned(turned), width(schedule.tile / kWarpThreads),
        tile(schedule.tile), warps(schedule.warps), name(name),
        e(kernel, name, target), value(e.yield()->getOperand(0)),
        dims(graph::dimsOf(value)) {}

  /// None where a lane's elements do not lie beside each other.
  std::optional<KernelCode> build() {
    MLIRContext *context = kernel.getContext();
    DimExpr one = DimExpr::constant(context, 1);
    DimExpr sizeK = sizeOf(dims, turned.along),
            sizeL = sizeOf(dims, turned.across);
    DimExpr tilesK = sizeK.ceilDiv(tile), tilesL = sizeL.ceilDiv(tile);
    SmallVector<int64_t> others;
    DimExpr tiles = tilesK * tilesL;
    for (int64_t d = 0; d < int64_t(dims.size()); ++d)
      if (!llvm::is_contained(turned.along, d) &&
          !llvm::is_contained(turned.across, d)) {
        others.push_back(d);
        tiles = tiles * dims[d];
      }

    Value thread = e.threadIndex(0);
    lane = e.rem(thread, e.constant(kWarpThreads));
    warp = e.div(thread, e.constant(kWarpThreads));
    Value number = e.blockIndex(0);
    Value l = e.rem(number, e.dim(tilesL));
    number = e.div(number, e.dim(tilesL));
    Value k = e.rem(number, e.dim(tilesK));
    number = e.div(number, e.dim(tilesK));
    at = e.zeros(dims.size());
    e.split(number, others, dims,
            [&](int64_t d, Value i) { at[d] = e.uniform(i); });
    startK = e.mul(k, e.constant(tile));
    startL = e.mul(l, e.constant(tile));
    endK = e.dim(sizeK);
    endL = e.dim(sizeL);
    Type element = e.computeType(getElementTypeOrSelf(turned.value));
    word = element.getIntOrFloatBitWidth() < 32 ? e.b.getI32Type() : element;
    array = sharedArray(e, name + "_tile", word, tile * (tile + 1));

    // Most tiles are whole; only the others ask for each element.
    Value wholeK = within(e.add(startK, e.constant(tile)), endK, sizeK);
    Value wholeL = within(e.add(startL, e.constant(tile)), endL, sizeL);
    Value whole = arith::AndIOp::create(e.b, e.loc, wholeK, wholeL);
    bool always =
        sizeK.knownDivisor() % tile == 0 && sizeL.knownDivisor() % tile == 0;
    auto phase = [&](function_ref<void(bool)> body) {
      if (always)
        body(true);
      else
        e.ifThen(whole, [&] { body(true); }, [&] { body(false); });
    };
    phase([&](bool all) { read(all); });
    NVVM::Barrier0Op::create(e.b, e.loc);
    phase([&](bool all) { write(all); });
    if (width > 1 && e.brokeVectors())
      return std::nullopt;

    KernelCode code;
    code.family = "transpose";
    code.flops = productOf(context, dims);
    code.tasks = tiles;
    code.grid = {tiles, one, one};
    code.block = {warps * kWarpThreads, 1, 1};
    return finishThreads(e, std::move(code));
  }

private:
  Value within(Value end, Value size, DimExpr known) {
    if (known.knownDivisor() % tile == 0)
      return arith::ConstantOp::create(e.b, e.loc, e.b.getBoolAttr(true));
    return arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::sle, end,
                                 size);
  }

  /// The tile's word of an element, numbers within the tile.
  Value wordAt(Value placeK, Value placeL) {
    Value number = e.add(e.mul(placeK, e.constant(tile + 1)), placeL);
    return sharedAt(e, array, word, number);
  }
  /// Where a warp's row of a tile lies: warp + warps * j, any of its W
  /// elements.
  Value rowNumber(int64_t j) { return e.add(warp, e.constant(j * warps)); }
  Value rowPlace(Value row) {
    return e.add(e.mul(e.rem(row, e.constant(width)), e.constant(32)),
                 e.div(row, e.constant(width)));
  }
  Value lanePlace(int64_t b) { return e.add(lane, e.constant(b * 32)); }

  void set(SmallVector<Index> &position, ArrayRef<int64_t> group, Value i,
           bool vector) {
    e.split(i, group, dims, [&](int64_t d, Value own) {
      position[d] = vector && d == group.back() && width > 1
                        ? e.consecutive(own, width)
                        : e.uniform(own);
    });
  }

  /// Loads along K, a row of the tile for each warp and step.
  void read(bool all) {
    Type element = e.computeType(getElementTypeOrSelf(turned.value));
    Type type = Emitter::vectorOf(element, width);
    SmallVector<Value> loaded;
    Value k = e.add(startK, e.mul(lane, e.constant(width)));
    auto inside = [&](int64_t j) {
      Value row = e.add(startL, rowNumber(j));
      return arith::AndIOp::create(e.b, e.loc, e.less(k, endK),
                                   e.less(row, endL))
          .getResult();
    };
    for (int64_t j = 0; j < tile / warps; ++j) {
      auto load = [&] {
        SmallVector<Index> position(at);
        set(position, turned.along, k, true);
        set(position, turned.across, e.add(startL, rowNumber(j)), false);
        return e.emit(turned.value, position, width);
      };
      loaded.push_back(
          all ? load() : e.ifElse(inside(j), type, load, [&]() -> Value {
            return arith::ConstantOp::create(e.b, e.loc, e.b.getZeroAttr(type));
          }));
    }
    for (auto [j, v] : llvm::enumerate(loaded))
      for (int64_t b = 0; b < width; ++b) {
        Value one =
            width == 1
                ? v
                : vector::ExtractOp::create(e.b, e.loc, v, b).getResult();
        if (one.getType() != word)
          one = arith::ExtUIOp::create(e.b, e.loc, word, one);
        LLVM::StoreOp::create(e.b, e.loc, one,
                              wordAt(lanePlace(b), rowPlace(rowNumber(j))));
      }
  }

  /// Stores along L.
  void write(bool all) {
    Type element = e.computeType(getElementTypeOrSelf(turned.value));
    Value l = e.add(startL, e.mul(lane, e.constant(width)));
    for (int64_t j = 0; j < tile / warps; ++j) {
      Value row = rowNumber(j), k = e.add(startK, row);
      auto store = [&] {
        Value v;
        if (width > 1)
          v = LLVM::PoisonOp::create(e.b, e.loc,
                                     Emitter::vectorOf(element, width));
        for (int64_t b = 0; b < width; ++b) {
          Value one = LLVM::LoadOp::create(e.b, e.loc, word,
                                           wordAt(rowPlace(row), lanePlace(b)));
          if (one.getType() != element)
            one = arith::TruncIOp::create(e.b, e.loc, element, one);
          v = width == 1
                  ? one
                  : vector::InsertOp::create(e.b, e.loc, one, v, b).getResult();
        }
        SmallVector<Index> position(at);
        set(position, turned.along, k, false);
        set(position, turned.across, l, true);
        e.bind(turned.value, [v](ArrayRef<Index>, int64_t) { return v; });
        e.store(0, value, e.emit(value, position, width), position, width);
      };
      if (all) {
        store();
        continue;
      }
      Value inside =
          arith::AndIOp::create(e.b, e.loc, e.less(k, endK), e.less(l, endL));
      e.ifThen(inside, store);
    }
  }

  graph::KernelOp kernel;
  Turned turned;
  int64_t width, tile, warps;
  StringRef name;
  Emitter e;
  Value value;
  SmallVector<DimExpr> dims;
  SmallVector<Index> at; // of the tile, but for its own dimensions
  Value lane, warp, startK, startL, endK, endL, array;
  Type word;
};

class TransposeFamily : public ThreadFamily {
public:
  TransposeFamily(graph::KernelOp kernel, const KernelTarget &target,
                  Turned given)
      : ThreadFamily(kernel, target), turned(std::move(given)),
        yielded(kernel.getBody().front().getTerminator()->getOperand(0)),
        dims(graph::dimsOf(yielded)), sizeK(sizeOf(dims, turned.along)),
        sizeL(sizeOf(dims, turned.across)) {}

  std::vector<ThreadSchedule> schedules() const override {
    std::vector<ThreadSchedule> all;
    ThreadSchedule one{ThreadKind::transpose};
    for (one.tile = kMostTile; one.tile >= kWarpThreads; one.tile /= 2)
      for (int64_t warps : {8, 4, 16}) {
        one.warps = warps;
        all.push_back(one);
      }
    return all;
  }
  std::string problem(const ThreadSchedule &s) const override {
    std::string problem =
        problemOfPower("tile", s.tile, kWarpThreads, kMostTile);
    if (problem.empty())
      problem = problemOfPower("warps", s.warps, 1, kMostWarps);
    if (!problem.empty())
      return problem;
    int64_t width = s.tile / kWarpThreads;
    for (int64_t d : {turned.along.back(), turned.across.back()})
      if (dims[d].knownDivisor() % width != 0)
        return llvm::formatv("lanes have {0} neighbours, which do not surely "
                             "divide both dimensions",
                             width);
    return "";
  }
  int untried(const ThreadSchedule &s) const override {
    bool narrow = storedBytes(turned.value) < 4 && storedBytes(yielded) < 4;
    ThreadSchedule large{ThreadKind::transpose};
    large.tile = kMostTile;
    bool isLarge = narrow && problem(large).empty();
    return (s.warps != 8) + (s.tile != (isLarge ? kMostTile : kWarpThreads));
  }

  ThreadWork work(const ThreadSchedule &s) const override {
    ThreadWork work;
    double tile = double(s.tile), width = tile / kWarpThreads;
    double k = std::max(typical(sizeK), 1.0), l = std::max(typical(sizeL), 1.0);
    double others = std::max(1.0, elementsOf(yielded, target) / k / l);
    work.blocks = std::ceil(k / tile) * std::ceil(l / tile) * others;
    work.threads = double(s.warps) * kWarpThreads;
    work.flops = body.flops;
    work.bytes = body.bytes;
    // Along K one operand is read, along L all else is read and written.
    double read =
        elementsOf(turned.value, target) * double(storedBytes(turned.value));
    auto sectors = [&](DimExpr size, Value v) {
      double bytes = double(storedBytes(v));
      bool aligned = size.knownDivisor() * storedBytes(v) % 32 == 0;
      return sectorsForBytes(std::min(tile, typical(size)) * bytes, aligned);
    };
    work.l2Bytes = read * sectors(sizeK, turned.value) +
                   std::max(0.0, body.bytes - read) * sectors(sizeL, yielded);
    // All of a tile takes instructions, also what lies outside.
    double elements = work.blocks * tile * tile;
    double beside = std::max(0.0, body.accesses / (k * l * others) - 1);
    double inTile = kOfShared + kOfAccess / width;
    work.instructions =
        work.blocks * work.threads *
            (kThreadStart + kOfDimension * double(dims.size())) +
        elements * (inTile + kOfShared + beside * kOfAccess / width) +
        body.instructions;
    double rows = tile / double(s.warps);
    work.cycles = kTrip + kMeeting + kNearTrip +
                  rows * width * (2 * kOfShared + kOfAccess) * kOfStep;
    work.shared =
        s.tile * (s.tile + 1) * std::max<int64_t>(4, storedBytes(turned.value));
    work.registers = int64_t(24 + rows * width * 2);
    return work;
  }

  std::optional<KernelCode> build(const ThreadCase &from, StringRef name,
                                  const KernelTarget &target) const override {
    return TransposeBuilder(kernel, turned, from.schedule, name, target)
        .build();
  }

private:
  /// Instructions of an access to shared memory.
  static constexpr double kOfShared = 2;

  Turned turned;
  Value yielded;
  SmallVector<DimExpr> dims;
  DimExpr sizeK, sizeL;
};

} // namespace

ThreadFamilyPtr transposeFamily(graph::KernelOp kernel,
                                const KernelTarget &target) {
  if (anchorOf(kernel) || kernel->getNumResults() != 1)
    return nullptr;
  Value yielded = kernel.getBody().front().getTerminator()->getOperand(0);
  auto turned = findTurned(yielded);
  if (!turned)
    return nullptr;
  return std::make_unique<TransposeFamily>(kernel, target, *turned);
}

} // namespace mlir::tenon
