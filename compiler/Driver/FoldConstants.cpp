//===- FoldConstants.cpp - Evaluate what depends on constants alone -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// There is one implementation of each op's meaning: the kernels. So folding
// compiles the constant part of a model as an engine of its own (for
// x86-64-v3, whatever the target: the result must not depend on the machine)
// and runs it, all of a model in one go.
//
//   1. Foldable: a pure op with static results whose operands are constants or
//      foldable. What only grows a constant (a broadcast, a tile) stays, so
//      that engines do not grow; splats stay splats.
//   2. The foldable ops whose results others use become a function without
//      arguments, which goes the usual way and is run.
//   3. Its results replace the ops as constants.
//
// Tests: test/compiler/Driver/fold-constants.test.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Pipeline.h"
#include "compiler/Target/CPU/CodeObject.h"
#include "compiler/Target/EngineFile/ConstantData.h"
#include "dialects/Graph/GraphOps.h"
#include "mlir/IR/IRMapping.h"
#include "runtime/include/tenon/tenon.h"
#include "llvm/Support/Threading.h"

namespace mlir::tenon {

namespace {

int64_t bytesOf(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return tensor.getNumElements() *
         std::max<int64_t>(1, tensor.getElementTypeBitWidth() / 8);
}

class ConstantFolder {
public:
  ConstantFolder(func::FuncOp main, CompileContext &context)
      : main(main), context(context) {}

  LogicalResult run() {
    for (Operation &op : main.getBody().front())
      if (isFoldable(&op))
        foldable.insert(&op);
    SmallVector<Operation *> needed;
    for (Operation *op : foldable)
      if (llvm::any_of(op->getUsers(), [&](Operation *user) {
            return !foldable.contains(user);
          }))
        needed.push_back(op);
    if (needed.empty())
      return success();

    OwningOpRef<ModuleOp> module = extract(needed);
    if (failed(runFusion(*module)))
      return failure();
    CompileContext inner;
    inner.optLevel = 2;
    inner.threads = context.threads;
    inner.onInternalError = context.onInternalError;
    Target target{*lookupCpuTarget("x86-64-v3")};
    EngineModule engine = beginEngine(*module, "constants");
    BuiltEngine built;
    if (failed(addProgram(*module, target, inner, engine)) ||
        failed(lowerKernelCode(engine, inner)) ||
        failed(buildEngine(engine, inner, built)))
      return failure();
    std::vector<uint8_t> bytes =
        ::tenon::writeEngineToMemory(built.engine, built.blobs);
    if (failed(evaluate(bytes, needed)))
      return failure();
    for (Operation *op : llvm::reverse(foldable))
      if (op->use_empty())
        op->erase();
    return success();
  }

private:
  bool isFoldable(Operation *op) {
    if (isa<graph::ConstantOp, graph::DimsOp>(op) || op->getNumRegions() ||
        op->getNumResults() != 1 || op->getNumOperands() == 0 ||
        !isa<graph::GraphDialect>(op->getDialect()))
      return false;
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    if (!type.hasStaticShape())
      return false;
    int64_t operandBytes = 0;
    for (Value v : op->getOperands()) {
      Operation *def = v.getDefiningOp();
      if (!def || (!isa<graph::ConstantOp>(def) && !foldable.contains(def)))
        return false;
      operandBytes += bytesOf(v.getType());
    }
    // A cast may widen; nothing else may grow a constant that is not small.
    constexpr int64_t kSmall = 64 << 10;
    int64_t bytes = bytesOf(type);
    return bytes <= kSmall || bytes <= 4 * operandBytes;
  }

  OwningOpRef<ModuleOp> extract(ArrayRef<Operation *> needed) {
    OpBuilder b(main.getContext());
    Location loc = main.getLoc();
    OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
    b.setInsertionPointToEnd(module->getBody());
    SmallVector<Type> types;
    for (Operation *op : needed)
      types.push_back(op->getResult(0).getType());
    auto function =
        func::FuncOp::create(b, loc, "main", b.getFunctionType({}, types));
    for (unsigned i = 0; i < types.size(); ++i)
      function.setResultAttr(i, "graph.name",
                             b.getStringAttr("c" + llvm::Twine(i)));
    b.setInsertionPointToStart(function.addEntryBlock());
    IRMapping mapping;
    for (Operation *op : foldable) {
      for (Value v : op->getOperands())
        if (!mapping.contains(v))
          b.clone(*v.getDefiningOp(), mapping);
      b.clone(*op, mapping);
    }
    SmallVector<Value> results;
    for (Operation *op : needed)
      results.push_back(mapping.lookup(op->getResult(0)));
    func::ReturnOp::create(b, loc, results);
    return module;
  }

  LogicalResult evaluate(ArrayRef<uint8_t> bytes,
                         ArrayRef<Operation *> needed) {
    TenonError error;
    TenonEngine *engine = nullptr;
    TenonContext *runner = nullptr;
    auto fail = [&]() -> LogicalResult {
      tenon_context_destroy(runner);
      tenon_engine_destroy(engine);
      return main->emitError("cannot evaluate the model's constants: ")
             << error.message;
    };
    TenonLoadOptions load{};
    load.struct_size = sizeof(load);
    if (tenon_engine_load_memory(bytes.data(), bytes.size(), 1, &load, &engine,
                                 &error) != TENON_OK)
      return fail();
    TenonContextOptions options{};
    options.struct_size = sizeof(options);
    options.threads = int32_t(context.threads);
    if (tenon_context_create(engine, &options, &runner, &error) != TENON_OK)
      return fail();
    std::vector<TenonTensor> outputs(needed.size());
    SmallVector<size_t> sizes;
    for (auto [output, op] : llvm::zip(outputs, needed)) {
      size_t size = bytesOf(op->getResult(0).getType());
      context.constantPool.emplace_back(std::max<size_t>(size, 1));
      output.data = context.constantPool.back().data();
      output.bytes = context.constantPool.back().size();
      sizes.push_back(size);
    }
    if (tenon_context_run(runner, nullptr, 0, outputs.data(), outputs.size(),
                          nullptr, &error) != TENON_OK)
      return fail();
    tenon_context_destroy(runner);
    tenon_engine_destroy(engine);
    for (auto [output, op, size] : llvm::zip(outputs, needed, sizes))
      replace(op, ArrayRef(static_cast<const char *>(output.data), size));
    return success();
  }

  void replace(Operation *op, ArrayRef<char> bytes) {
    OpBuilder b(op);
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    StringAttr name = nameFor(op);
    ElementsAttr value =
        makeConstant(type, bytes, name ? name.getValue() : "folded");
    auto constant =
        graph::ConstantOp::create(b, op->getLoc(), type, value, name);
    op->replaceUsesWithIf(constant->getResults(), [&](OpOperand &use) {
      return !foldable.contains(use.getOwner());
    });
  }

  /// The initializer that the value is made of: the first with a name.
  StringAttr nameFor(Operation *op) {
    for (Value v : op->getOperands()) {
      Operation *def = v.getDefiningOp();
      if (auto constant = dyn_cast<graph::ConstantOp>(def)) {
        if (constant.getNameAttr())
          return constant.getNameAttr();
      } else if (StringAttr name = nameFor(def)) {
        return name;
      }
    }
    return {};
  }

  func::FuncOp main;
  CompileContext &context;
  llvm::SetVector<Operation *> foldable;
};

} // namespace

LogicalResult foldConstants(ModuleOp module, CompileContext &context) {
  return ConstantFolder(mainOf(module), context).run();
}

namespace {
struct FoldConstantsPass
    : PassWrapper<FoldConstantsPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(FoldConstantsPass)

  void getDependentDialects(DialectRegistry &registry) const override {
    registerCpuTargetDialects(registry);
    registry.insert<engine::EngineDialect, graph::GraphDialect>();
  }
  void runOnOperation() override {
    // The module keeps pointing to what was computed: it outlives the pass.
    static CompileContext context;
    if (!mainOf(getOperation())) {
      getOperation().emitError("expected a function @main");
      return signalPassFailure();
    }
    context.threads =
        std::max(1u, llvm::hardware_concurrency().compute_thread_count());
    if (failed(foldConstants(getOperation(), context)))
      signalPassFailure();
  }
};
} // namespace

std::unique_ptr<Pass> createFoldConstantsPass() {
  return std::make_unique<FoldConstantsPass>();
}

} // namespace mlir::tenon
