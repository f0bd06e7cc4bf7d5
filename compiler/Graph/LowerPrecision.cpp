//===- LowerPrecision.cpp - Compute in f16, bf16 or TF32 ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Gives each op of f32 the type that Precision.cpp decides. In the order of
// the block:
//
//   1. Operands become what the op takes: constants are rounded at once, what
//      was widened before is taken as it was, other values get a cast. A cast
//      down stands behind its value, for all users, so that it becomes the end
//      of the kernel that computes the value; a cast up stands before its one
//      user, which reads through it.
//   2. A lowered op changes the type of its result. Where it keeps constants in
//      f32, it stays in f32 between a cast up and a cast down, which kernels
//      skip where they go on with the value (`keep_digits`).
//   3. Function results get back the type that the model declares, and the
//      model's own casts to the type that a value has now vanish.
//
// What each op of a node became, and why, is kept on the function as
// `graph.precision_rows`. Before and after as IR are in Passes.td; tests are
// test/compiler/Graph/lower-precision*.mlir.
//
//===----------------------------------------------------------------------===//

#include "compiler/Graph/Match.h"
#include "compiler/Graph/Passes.h"
#include "compiler/Graph/Precision.h"
#include "dialects/Graph/Build.h"
#include "mlir/IR/AsmState.h"

#define DEBUG_TYPE "graph-lower-precision"

namespace mlir::tenon::graph {

#define GEN_PASS_DEF_LOWERPRECISIONPASS
#include "compiler/Graph/Passes.h.inc"

namespace {

bool isFloatTensor(Value value) {
  auto tensor = dyn_cast<RankedTensorType>(value.getType());
  return tensor && isa<FloatType>(tensor.getElementType());
}

bool isNarrow(Type element) { return element.isF16() || element.isBF16(); }

bool hasF32Result(Operation *op) {
  return op->getNumResults() == 1 && isFloatTensor(op->getResult(0)) &&
         elementOf(op->getResult(0)).isF32();
}

std::string textOf(Type type) {
  return type.isF16() ? "f16" : type.isBF16() ? "bf16" : "f32";
}

/// Constants of more elements lie in blobs, which the context does not unique.
constexpr size_t kInlineElements = 64;

class Lowering {
public:
  Lowering(func::FuncOp function, FloatType narrow, const Precision &precision,
           StringRef reason)
      : function(function), b(function.getContext()),
        rules(function.getContext(), narrow, precision, reason) {}

  void run() {
    SmallVector<Operation *> ops;
    for (Operation &op : function.getBody().front()) {
      ops.push_back(&op);
      if (!isa<GraphDialect>(op.getDialect()))
        demands[&op] = llvm::to_vector(op.getOperandTypes());
    }
    for (Operation *op : ops)
      visit(op);
    for (Operation *op : llvm::reverse(ops))
      if (isa<ConstantOp, CastOp>(op) && op->use_empty())
        op->erase();
    for (StringRef text : rules.unused())
      emitWarning(b.getUnknownLoc())
          << text << " decides for no op: those of its nodes are folded into "
          << "others, hold no f32, or follow a later --precision";
    function->setAttr(kPrecisionRowsAttr, b.getArrayAttr(rows));
  }

private:
  void visit(Operation *op) {
    if (isa<ConstantOp, DimsOp>(op))
      return;
    if (auto cast = dyn_cast<CastOp>(op)) {
      if (!hasF32Result(op))
        return visitCast(cast);
      if (isFloatTensor(cast.getInput()) &&
          isNarrow(elementOf(cast.getInput())))
        return; // exact: users take its operand where they can
    }
    if (!isa<GraphDialect>(op->getDialect())) {
      for (auto [operand, type] :
           llvm::zip_equal(op->getOpOperands(), demands.lookup(op)))
        if (isFloatTensor(operand.get()))
          operand.set(as(operand.get(), getElementTypeOrSelf(type), op));
      upcasts.clear();
      return;
    }
    if (!hasF32Result(op)) {
      // Comparisons and the like: exact in f32, and free.
      takeOperands(op->getOpOperands(), b.getF32Type());
      return;
    }
    Decision decision = rules.decide(op);
    note(op, decision);
    if (decision.keepsConstants && op->hasTrait<Pointwise>()) {
      takeOperands(op->getOpOperands(), b.getF32Type());
      return narrowResult(op, decision.element);
    }
    if (auto cast = dyn_cast<CastOp>(op)) {
      // Its operand has a type of its own.
      if (isNarrow(decision.element))
        cast.setTo(decision.element);
    } else {
      // A convolution's bias that stays is its last operand.
      MutableArrayRef<OpOperand> operands = op->getOpOperands();
      takeOperands(operands.drop_back(decision.keepsConstants ? 1 : 0),
                   decision.element);
    }
    if (decision.tf32)
      op->setAttr(kPrecisionAttr, b.getStringAttr("tf32"));
    if (isNarrow(decision.element))
      retype(op->getResult(0), decision.element);
  }

  void retype(Value value, Type element) {
    lowered.insert(value);
    value.setType(withElement(tensorOf(value), element));
  }

  /// The value of `op` in the type `element`, for all users.
  void narrowResult(Operation *op, Type element) {
    Value value = op->getResult(0);
    b.setInsertionPointAfter(op);
    auto cast =
        CastOp::create(b, op->getLoc(), withElement(tensorOf(value), element),
                       value, element, /*keep_digits=*/true);
    value.replaceAllUsesExcept(cast.getResult(), cast);
    lowered.insert(cast.getResult());
  }

  /// A cast of the model to something else than f32: cast(x) of the type that
  /// x has now ==> x.
  void visitCast(CastOp op) {
    Value input = op.getInput();
    Type to = elementOf(op.getResult());
    if (isNarrow(to) && elementOf(input) == to) {
      op.getResult().replaceAllUsesWith(input);
      return;
    }
    Value inner = widenedFrom(input, to);
    if (inner)
      op.getResult().replaceAllUsesWith(inner);
  }

  /// What `value`, a cast to f32, was in the type `element`; null if it was
  /// not.
  static Value widenedFrom(Value value, Type element) {
    auto cast = value.getDefiningOp<CastOp>();
    if (cast && elementOf(value).isF32() && isNarrow(element) &&
        elementOf(cast.getInput()) == element)
      return cast.getInput();
    return {};
  }

  void takeOperands(MutableArrayRef<OpOperand> operands, Type element) {
    for (OpOperand &operand : operands) {
      Value value = operand.get();
      if (!isFloatTensor(value))
        continue;
      // Of another type since the model was made (f64, or narrow beside f32)?
      bool ours = elementOf(value).isF32() || lowered.contains(value);
      if (ours)
        operand.set(as(value, element, operand.getOwner()));
    }
    upcasts.clear();
  }

  /// `value` in the type `element` for `user`.
  Value as(Value value, Type element, Operation *user) {
    if (elementOf(value) == element)
      return value;
    if (Value inner = widenedFrom(value, element))
      return inner;
    bool isUp = !isNarrow(element);
    Value &known = isUp ? upcasts[value] : twins[{value, element}];
    if (known)
      return known;
    if (auto constant = value.getDefiningOp<ConstantOp>())
      return known = round(constant, cast<FloatType>(element));
    if (isUp)
      b.setInsertionPoint(user);
    else
      b.setInsertionPointAfterValue(value);
    known =
        CastOp::create(b, value.getLoc(), withElement(tensorOf(value), element),
                       value, element);
    return known;
  }

  /// A constant of f32, rounded.
  Value round(ConstantOp constant, FloatType type) {
    ArrayRef<float> from = floatsOf(constant);
    std::vector<uint16_t> to(from.size());
    if (type.isF16())
      llvm::transform(from, to.begin(), bitsOfF16);
    else
      llvm::transform(from, to.begin(), bitsOfBf16);
    RankedTensorType rounded =
        withElement(tensorOf(constant.getResult()), type);
    ArrayRef<char> bytes(reinterpret_cast<const char *>(to.data()),
                         to.size() * sizeof(uint16_t));
    bool isDense = isa<DenseElementsAttr>(constant.getValue());
    ElementsAttr value;
    if (isDense && from.size() <= kInlineElements)
      value = DenseElementsAttr::getFromRawBuffer(rounded, bytes);
    else
      value = DenseResourceElementsAttr::get(
          rounded,
          constant.getNameAttr() ? constant.getName()->str()
                                 : std::string("rounded"),
          HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes,
                                                        alignof(uint64_t)));
    b.setInsertionPointAfter(constant);
    return ConstantOp::create(b, constant.getLoc(), rounded, value,
                              constant.getNameAttr());
  }

  void note(Operation *op, const Decision &decision) {
    SmallVector<StringRef> names = nodeNames(op->getLoc());
    std::string type = decision.tf32 ? "tf32" : textOf(decision.element);
    remark::passed(op->getLoc(),
                   remark::RemarkOpts::name(DEBUG_TYPE).category("tenon"))
        << op->getName().stripDialect().str() << " in " << type << ": "
        << decision.reason;
    if (names.empty())
      return;
    Attribute row =
        b.getStrArrayAttr({llvm::join(names, ", "), type, decision.reason});
    if (known.insert(row).second)
      rows.push_back(row);
  }

  func::FuncOp function;
  OpBuilder b;
  PrecisionRules rules;
  /// Values of f32 in the model that have another type now.
  DenseSet<Value> lowered;
  /// What ops of other dialects take: the types of the model.
  DenseMap<Operation *, SmallVector<Type>> demands;
  /// A value in another, lower type.
  DenseMap<std::pair<Value, Type>, Value> twins;
  /// Operands of the op at hand, widened.
  DenseMap<Value, Value> upcasts;
  SmallVector<Attribute> rows;
  DenseSet<Attribute> known;
};

struct LowerPrecision : impl::LowerPrecisionPassBase<LowerPrecision> {
  using LowerPrecisionPassBase::LowerPrecisionPassBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    MLIRContext *context = &getContext();
    if (function.getBody().empty())
      return;
    Precision precision;
    precision.type = type;
    precision.tf32 = tf32;
    precision.nodes.assign(nodes.begin(), nodes.end());
    std::string reason = "--" + std::string(type == "f16" ? "fp16" : "bf16");
    FloatType narrow;
    if (precision.type.empty()) {
      if (auto own = function->getAttrOfType<TypeAttr>(kFloatTypeAttr)) {
        narrow = cast<FloatType>(own.getValue());
        reason = "the type of the model";
      }
    } else if (precision.type == "f16") {
      narrow = Float16Type::get(context);
    } else if (precision.type == "bf16") {
      narrow = BFloat16Type::get(context);
    } else if (precision.type != "f32") {
      function.emitError("unknown type '")
          << precision.type << "', expected f32, f16 or bf16";
      return signalPassFailure();
    }
    WalkResult walk = function.walk([](KernelOp op) {
      op->emitError("expected no graph.kernel yet: run ")
          << DEBUG_TYPE << " before fusion";
      return WalkResult::interrupt();
    });
    if (walk.wasInterrupted())
      return signalPassFailure();
    if (narrow || precision.tf32 || !precision.nodes.empty())
      Lowering(function, narrow, precision, reason).run();
  }
};

} // namespace
} // namespace mlir::tenon::graph
