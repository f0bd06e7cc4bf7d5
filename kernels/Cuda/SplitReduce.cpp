//===- SplitReduce.cpp - Few results of many elements on GPUs -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The mean of a whole tensor has one row, the sum of [100000, 64] over its rows
// 64 columns: a block or two would do all the work. So several blocks take
// parts of a row or column and leave what they come to in a workspace, and a
// second launch combines the parts of each result, in the order of their
// numbers:
//
//   rows      workspace [row][part]     some lanes of a warp a row
//   columns   workspace [part][column]  a thread a column
//
// Only for known sizes: whether it pays is weighed here, not on the device.
//
// Tests: test/e2e/cudaColumns.py.
//
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/Reductions.h"
#include "kernels/Cuda/Threads.h"
#include "kernels/Reduce/ReduceMath.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>

namespace mlir::tenon {

using graph::DimExpr;

namespace {

constexpr int64_t kMostParts = 1024;

/// The second launch.
class CombineBuilder {
public:
  CombineBuilder(graph::KernelOp kernel, graph::ReduceOp op, int64_t parts,
                 bool rows, StringRef name, const KernelTarget &target)
      : kernel(kernel), op(op), parts(parts), threads(rows ? 32 : 1),
        e(kernel, name, target, /*workspaces=*/1),
        math(e, op.getKind(), getElementTypeOrSelf(op.getInput())),
        reducer(e, name, threads), dims(graph::dimsOf(op.getInput())) {}

  KernelCode build() {
    DimExpr one = DimExpr::constant(kernel.getContext(), 1);
    DimExpr results = one, length = one;
    SmallVector<int64_t> kept;
    for (int64_t d = 0; d < int64_t(dims.size()); ++d) {
      bool own = llvm::is_contained(op.getAxes(), d);
      if (!own)
        kept.push_back(d);
      DimExpr &size = own ? length : results;
      size = size * dims[d];
    }
    int64_t resultsOfBlock = e.blockThreads / threads;
    Value thread = e.threadIndex(0);
    Value number = e.add(e.mul(e.blockIndex(0), e.constant(resultsOfBlock)),
                         e.div(thread, e.constant(threads)));
    // Groups of lanes are whole warps, which leave together.
    e.ifThen(e.less(number, e.dim(results)), [&] {
      Value total = threads == 1 ? column(number, e.dim(results))
                                 : row(number, e.rem(thread, e.constant(32)));
      SmallVector<Index> at = e.zeros(dims.size());
      e.split(number, kept, dims,
              [&](int64_t d, Value i) { at[d] = e.uniform(i); });
      at = reducedPosition(e, op, at);
      Value result = math.finish(total, e.dim(length));
      auto store = [&] {
        e.bind(op.getResult(),
               [result](ArrayRef<Index>, int64_t) { return result; });
        Value end = epilogueEnd(e.yield()->getOperand(0));
        e.store(0, end, e.emit(end, at, 1), at, 1);
      };
      e.ifThen(e.equal(e.rem(thread, e.constant(threads)), e.constant(0)),
               store);
    });
    KernelCode code;
    code.family = "reduce";
    code.schedule = llvm::formatv("sum of {0} parts", parts);
    code.flops = results * parts;
    code.tasks = results;
    code.grid = {results.ceilDiv(resultsOfBlock), one, one};
    code.block = {e.blockThreads, 1, 1};
    return finishThreads(e, std::move(code));
  }

private:
  Value part(Value slot) {
    return e.loadVector(e.workspacePointer(0), slot, math.identity().getType(),
                        1);
  }
  Value column(Value number, Value results) {
    Value total;
    for (int64_t k = 0; k < parts; ++k) {
      Value x = part(e.add(e.mul(e.constant(k), results), number));
      total = total ? math.combine(total, x) : x;
    }
    return total;
  }
  Value row(Value number, Value lane) {
    Value from = e.mul(number, e.constant(parts));
    Value total = e.loopWith(lane, e.constant(parts), 32, math.identity(),
                             [&](Value k, ValueRange so) {
                               return SmallVector<Value>{
                                   math.combine(so[0], part(e.add(from, k)))};
                             })[0];
    return reducer.reduce(total,
                          [&](Value a, Value b) { return math.combine(a, b); });
  }

  graph::KernelOp kernel;
  graph::ReduceOp op;
  int64_t parts, threads;
  Emitter e;
  ReduceMath math;
  GroupReducer reducer;
  SmallVector<DimExpr> dims;
};

} // namespace

std::string problemOfParts(graph::KernelOp kernel, int64_t parts) {
  auto op = dyn_cast<graph::ReduceOp>(anchorOf(kernel));
  if (!op)
    return "only reductions have parts";
  int64_t results = 1, length = 1;
  for (auto [d, size] : llvm::enumerate(graph::dimsOf(op.getInput()))) {
    auto known = size.asConstant();
    if (!known)
      return "parts are for sizes that are known";
    (llvm::is_contained(op.getAxes(), int64_t(d)) ? length : results) *= *known;
  }
  if (parts > std::min(length, kMostParts))
    return llvm::formatv("expected up to {0} parts, got {1}",
                         std::min(length, kMostParts), parts);
  // 32 bits for all offsets.
  if (results == 0 || results * length > int64_t(1) << 30)
    return "parts are for 1 to 2^30 elements";
  return "";
}

int64_t triedParts(graph::KernelOp kernel, int64_t results, int64_t length,
                   bool rows) {
  // Blocks that keep a device busy; elements of a row, or rows of columns, that
  // are worth one. A block has a row, or some 128 columns.
  constexpr int64_t kEnoughBlocks = 256, kLeastElements = 4096, kLeastRows = 64,
                    kMost = 64;
  if (!problemOfParts(kernel, 1).empty())
    return 1;
  int64_t blocks =
      std::max<int64_t>(rows ? results : llvm::divideCeil(results, 128), 1);
  int64_t parts =
      std::min({kEnoughBlocks / blocks,
                length / (rows ? kLeastElements : kLeastRows), kMost});
  return int64_t(llvm::bit_floor(uint64_t(std::max<int64_t>(parts, 1))));
}

ThreadWork combineOfParts(double results, int64_t parts, bool rows) {
  ThreadWork work;
  double threads = results * (rows ? 32 : 1), share = double(parts);
  work.blocks = std::max(1.0, std::ceil(threads / work.threads));
  work.bytes = results * 4 * (share + 1);
  work.instructions = threads * kThreadStart + results * share * kOfAccess;
  work.cycles = kTrip;
  if (rows) {
    CombineWork combine = combineWork(32);
    work.instructions += threads * combine.instructions;
    work.cycles += combine.cycles;
  }
  return work;
}

void splitReduce(graph::KernelOp kernel, StringRef name,
                 const KernelTarget &target, const ThreadSchedule &schedule,
                 KernelCode part, BuiltKernel &built) {
  auto op = cast<graph::ReduceOp>(anchorOf(kernel));
  bool rows = schedule.kind == ThreadKind::rows;
  std::string combineName = (name + "_combine").str();
  KernelCode combine =
      CombineBuilder(kernel, op, schedule.parts, rows, combineName, target)
          .build();
  combine.name = combineName;
  DimExpr results =
      productOf(kernel.getContext(), graph::dimsOf(op.getResult()));
  combine.cost = costOf(combineOfParts(double(typicalSize(target, results)),
                                       schedule.parts, rows),
                        deviceOf(target));

  Type element = getElementTypeOrSelf(op.getInput());
  int64_t bytes = element.isF16() || element.isBF16()
                      ? 4
                      : std::max(1u, element.getIntOrFloatBitWidth() / 8);
  built.workspaceBytes.push_back(results * (schedule.parts * bytes));
  unsigned operands = kernel->getNumOperands(), workspace = operands + 1;
  KernelStep first, second;
  for (unsigned i = 0; i < operands; ++i) {
    first.ins.push_back(i);
    second.ins.push_back(i);
  }
  first.outs.push_back(workspace);
  second.outs = {operands, workspace};
  first.choices.push_back(std::move(part));
  second.choices.push_back(std::move(combine));
  built.steps.push_back(std::move(first));
  built.steps.push_back(std::move(second));
}

} // namespace mlir::tenon
