//===- ExpandPipelines.cpp - tile.pipeline to loops -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The IR before and after is in Passes.td. With one stage there is nothing to
// run ahead: each step loads, waits, computes, and a second barrier keeps the
// next load from overtaking. Test: test/compiler/Tile/expand-pipelines.mlir.
//
//===----------------------------------------------------------------------===//

#include "compiler/Tile/Address.h"
#include "compiler/Tile/Lower.h"
#include "compiler/Tile/Passes.h"

#define DEBUG_TYPE "tile-expand-pipelines"

namespace mlir::tenon::tile {

#define GEN_PASS_DEF_EXPANDPIPELINESPASS
#include "compiler/Tile/Passes.h.inc"

namespace {

class Expansion {
public:
  explicit Expansion(PipelineOp op)
      : op(op), b(op), loc(op.getLoc()), stages(op.getStages()),
        zero(constantI64(b, loc, 0)), one(constantI64(b, loc, 1)) {}

  void run() {
    SmallVector<Value> results = stages == 1 ? single() : several();
    op->replaceAllUsesWith(results);
    op->erase();
  }

private:
  void synchronize(int64_t pending) {
    WaitOp::create(b, loc, pending);
    BarrierOp::create(b, loc);
  }

  /// if (step < count) load(step, slot); one group, even if empty.
  void load(Value step, Value slot, bool check) {
    if (check) {
      Value inside = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt,
                                           step, op.getCount());
      auto guard = scf::IfOp::create(b, loc, inside, /*withElse=*/false);
      OpBuilder::InsertionGuard keep(b);
      b.setInsertionPoint(guard.thenBlock()->getTerminator());
      inlineRegion(b, op.getLoad(), {step, slot});
    } else {
      inlineRegion(b, op.getLoad(), {step, slot});
    }
    CommitOp::create(b, loc);
  }

  SmallVector<Value> compute(Value step, Value slot, ValueRange carried) {
    SmallVector<Value> arguments{step, slot};
    llvm::append_range(arguments, carried);
    return inlineRegion(b, op.getCompute(), arguments);
  }

  scf::ForOp loop(ValueRange init) {
    auto loop = scf::ForOp::create(b, loc, zero, op.getCount(), one, init);
    if (init.empty())
      b.setInsertionPoint(loop.getBody()->getTerminator());
    else
      b.setInsertionPointToEnd(loop.getBody());
    return loop;
  }

  SmallVector<Value> single() {
    scf::ForOp steps = loop(op.getInit());
    Value step = steps.getInductionVar();
    load(step, zero, /*check=*/false);
    synchronize(0);
    SmallVector<Value> next = compute(step, zero, steps.getRegionIterArgs());
    BarrierOp::create(b, loc);
    if (!next.empty())
      scf::YieldOp::create(b, loc, next);
    b.setInsertionPointAfter(steps);
    return SmallVector<Value>(steps.getResults());
  }

  SmallVector<Value> several() {
    Value ahead = constantI64(b, loc, stages - 1);
    {
      auto first = scf::ForOp::create(b, loc, zero, ahead, one);
      OpBuilder::InsertionGuard keep(b);
      b.setInsertionPoint(first.getBody()->getTerminator());
      load(first.getInductionVar(), first.getInductionVar(), /*check=*/true);
    }
    SmallVector<Value> init{zero, ahead};
    llvm::append_range(init, op.getInit());
    scf::ForOp steps = loop(init);
    Value step = steps.getInductionVar();
    Value slot = steps.getRegionIterArg(0), free = steps.getRegionIterArg(1);
    synchronize(stages - 2);
    load(arith::AddIOp::create(b, loc, step, ahead), free, /*check=*/true);
    SmallVector<Value> next{successor(slot), successor(free)};
    llvm::append_range(
        next, compute(step, slot, steps.getRegionIterArgs().drop_front(2)));
    scf::YieldOp::create(b, loc, next);
    b.setInsertionPointAfter(steps);
    synchronize(0);
    return llvm::to_vector(ValueRange(steps.getResults()).drop_front(2));
  }

  /// (slot + 1) % stages, without a division.
  Value successor(Value slot) {
    Value next = arith::AddIOp::create(b, loc, slot, one);
    Value last = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, next,
                                       constantI64(b, loc, stages));
    return arith::SelectOp::create(b, loc, last, zero, next);
  }

  PipelineOp op;
  OpBuilder b;
  Location loc;
  int64_t stages;
  Value zero, one;
};

struct ExpandPipelinesPass
    : public impl::ExpandPipelinesPassBase<ExpandPipelinesPass> {
  void runOnOperation() override {
    SmallVector<PipelineOp> pipelines;
    getOperation()->walk([&](PipelineOp op) { pipelines.push_back(op); });
    for (PipelineOp op : pipelines)
      Expansion(op).run();
  }
};

} // namespace

} // namespace mlir::tenon::tile
