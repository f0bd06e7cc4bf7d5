//===- WidenFloats.cpp - Compute narrow floats in f32 ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Lets a target without f16 or bf16 arithmetic run models of these types.
// Values are visited in the order of the program:
//
//   1. What cannot change its type (arguments, constants, results of ops of
//      other dialects) gets a cast to f32, which all its users take.
//   2. A cast of the model to a narrow type stays, since it rounds, and gets a
//      cast back to f32.
//   3. Every other graph op computes in f32: its results change their type.
//   4. Where a narrow value is demanded (function results, ops of other
//      dialects), the f32 value is cast back, or the narrow one taken that it
//      came from.
//   5. If all products of a function (without any: all its ops) were of one
//      narrow type, the function keeps that type as `graph.float_type`: targets
//      that have it lower to it again.
//
// Before and after as IR are in Passes.td; the model case is @chain in
// test/compiler/Graph/widen-floats.mlir.
//
//===----------------------------------------------------------------------===//

#include "compiler/Graph/Match.h"
#include "compiler/Graph/Passes.h"
#include "compiler/Graph/Precision.h"
#include "mlir/IR/Builders.h"

#define DEBUG_TYPE "graph-widen-floats"

namespace mlir::tenon::graph {

#define GEN_PASS_DEF_WIDENFLOATSPASS
#include "compiler/Graph/Passes.h.inc"

namespace {

struct WidenFloats : impl::WidenFloatsPassBase<WidenFloats> {
  using WidenFloatsPassBase::WidenFloatsPassBase;

  void runOnOperation() override;

private:
  bool isNarrow(Type type) const {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor)
      return false;
    Type element = tensor.getElementType();
    return (widenF16 && element.isF16()) || (widenBf16 && element.isBF16());
  }
  Type wide(Type type) const {
    return withElement(cast<RankedTensorType>(type),
                       Float32Type::get(type.getContext()));
  }

  void keepFloatTypeOf(func::FuncOp function);
  void widenUsersOf(Value value);
  void widenGraphOp(Operation *op);
  void widenCast(CastOp op);
  Value narrowed(Value value, Type type, Operation *user);

  /// The narrow type that a value of f32 had before.
  DenseMap<Value, Type> narrowTypes;
  /// The narrow twin of a value of f32.
  DenseMap<Value, Value> narrowValues;
};

} // namespace

/// Keeps the one narrow type of all products, or of all ops if there is none.
void WidenFloats::keepFloatTypeOf(func::FuncOp function) {
  DenseSet<Type> products, all;
  function.walk([&](Operation *op) {
    if (!isa<GraphDialect>(op->getDialect()) || isa<ConstantOp, CastOp>(op))
      return;
    for (Value result : op->getResults()) {
      if (!isFloat(result))
        continue;
      all.insert(elementOf(result));
      if (isa<MatmulOp, ConvOp, ConvTransposeOp, AttentionOp>(op))
        products.insert(elementOf(result));
    }
  });
  const DenseSet<Type> &types = products.empty() ? all : products;
  if (types.size() != 1)
    return;
  Type type = *types.begin();
  if ((widenF16 && type.isF16()) || (widenBf16 && type.isBF16()))
    function->setAttr(kFloatTypeAttr, TypeAttr::get(type));
}

/// Casts `value` to f32 right behind it, for all its users.
void WidenFloats::widenUsersOf(Value value) {
  OpBuilder builder(&getContext());
  builder.setInsertionPointAfterValue(value);
  auto cast = CastOp::create(builder, value.getLoc(), wide(value.getType()),
                             value, TypeAttr::get(builder.getF32Type()));
  value.replaceAllUsesExcept(cast, cast);
  narrowTypes[cast] = value.getType();
  narrowValues[cast] = value;
}

/// cast(x) ==> cast(cast(x) to f32); a cast between equal types vanishes.
void WidenFloats::widenCast(CastOp op) {
  Value input = op.getInput();
  // What the input was before: rounding to that type again changes nothing.
  Type before = narrowTypes.lookup(input);
  bool isSame = before && elementOf(op).isF32();
  if (before && isNarrow(op.getType()) &&
      cast<RankedTensorType>(before).getElementType() == elementOf(op))
    isSame = true;
  if (isSame) {
    op.getResult().replaceAllUsesWith(input);
    op.erase();
    return;
  }
  if (isNarrow(op.getType()))
    widenUsersOf(op.getResult());
}

void WidenFloats::widenGraphOp(Operation *op) {
  for (Value result : op->getResults()) {
    if (!isNarrow(result.getType()))
      continue;
    narrowTypes[result] = result.getType();
    result.setType(wide(result.getType()));
  }
}

/// `value` as its user demands it; one cast for all users.
Value WidenFloats::narrowed(Value value, Type type, Operation *user) {
  Value &narrow = narrowValues[value];
  if (narrow)
    return narrow;
  OpBuilder builder(user);
  builder.setInsertionPointAfterValue(value);
  Type element = cast<RankedTensorType>(type).getElementType();
  narrow = CastOp::create(builder, value.getLoc(), type, value,
                          TypeAttr::get(element));
  return narrow;
}

void WidenFloats::runOnOperation() {
  narrowTypes.clear();
  narrowValues.clear();
  SmallVector<Operation *> ops;
  SmallVector<std::pair<OpOperand *, Type>> demands;
  WalkResult walk = getOperation()->walk<WalkOrder::PreOrder>(
      [&](Operation *op) -> WalkResult {
        if (isa<KernelOp>(op)) {
          op->emitError("expected no graph.kernel yet: run ")
              << DEBUG_TYPE << " before fusion";
          return WalkResult::interrupt();
        }
        ops.push_back(op);
        if (isa<GraphDialect>(op->getDialect()))
          return WalkResult::advance();
        for (OpOperand &operand : op->getOpOperands())
          if (isNarrow(operand.get().getType()))
            demands.emplace_back(&operand, operand.get().getType());
        return WalkResult::advance();
      });
  if (walk.wasInterrupted())
    return signalPassFailure();

  for (Operation *op : ops)
    if (auto function = dyn_cast<func::FuncOp>(op))
      keepFloatTypeOf(function);
  for (Operation *op : ops) {
    bool isGraphOp = isa<GraphDialect>(op->getDialect());
    if (auto cast = dyn_cast<CastOp>(op)) {
      widenCast(cast);
      continue;
    }
    if (isGraphOp && !isa<ConstantOp>(op)) {
      widenGraphOp(op);
      continue;
    }
    for (Value result : op->getResults())
      if (isNarrow(result.getType()))
        widenUsersOf(result);
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (Value argument : block.getArguments())
          if (isNarrow(argument.getType()))
            widenUsersOf(argument);
  }
  for (auto [operand, type] : demands)
    if (operand->get().getType() != type)
      operand->set(narrowed(operand->get(), type, operand->getOwner()));
  // Casts of constants and arguments whose users have all gone.
  for (auto [value, narrow] : narrowValues)
    if (auto cast = value.getDefiningOp<CastOp>(); cast && value.use_empty())
      cast.erase();
}

} // namespace mlir::tenon::graph
