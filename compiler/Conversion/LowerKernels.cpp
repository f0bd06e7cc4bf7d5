//===- LowerKernels.cpp - From graph.kernel to code -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LowerKernels.h"
#include "compiler/Conversion/TypicalSizes.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/raw_ostream.h"

namespace mlir::tenon {

using graph::DimExpr;
using graph::DimExprAttr;

DimExpr KernelLaunch::translate(DimExpr expr) const {
  return expr.substitute([&](StringAttr name) -> DimExpr {
    unsigned i;
    if (name.getValue().drop_front().getAsInteger(10, i) || i >= symbols.size())
      return {};
    return DimExpr::symbol(expr.getContext(), symbols[i].getValue());
  });
}

namespace {

/// Renames the symbols of a kernel's types and attributes to s0, s1, .. in
/// order of first appearance and returns the old names.
SmallVector<StringAttr> renameSymbols(graph::KernelOp kernel) {
  MLIRContext *context = kernel.getContext();
  SmallVector<StringAttr> symbols;
  DenseMap<StringAttr, unsigned> numbers;
  AttrTypeReplacer replacer;
  replacer.addReplacement(
      [&](DimExprAttr attr) -> std::optional<std::pair<Attribute, WalkResult>> {
        DimExpr renamed = DimExpr(attr).substitute([&](StringAttr name) {
          auto [it, isNew] = numbers.try_emplace(name, symbols.size());
          if (isNew)
            symbols.push_back(name);
          return DimExpr::symbol(context, "s" + std::to_string(it->second));
        });
        return std::make_pair(Attribute(renamed.getAttr()), WalkResult::skip());
      });
  // In the order of arguments, then ops: the order must not depend on hashes.
  auto replace = [&](Value v) { v.setType(replacer.replace(v.getType())); };
  for (BlockArgument argument : kernel.getBody().getArguments())
    replace(argument);
  for (Operation &op : kernel.getBody().front()) {
    op.setAttrs(cast<DictionaryAttr>(replacer.replace(op.getAttrDictionary())));
    for (Value result : op.getResults())
      replace(result);
  }
  for (Value result : kernel->getResults())
    replace(result);
  return symbols;
}

/// The kernel without what does not change its code.
std::string keyOf(graph::KernelOp kernel) {
  std::string text;
  llvm::raw_string_ostream os(text);
  kernel->print(os, OpPrintingFlags().useLocalScope().printGenericOpForm());
  return text;
}

/// What a kernel of a GPU is built for beside its body, as text for its key:
/// sizes to expect, and a schedule that it must have.
std::string addChoice(graph::KernelOp kernel, ArrayRef<StringAttr> symbols,
                      const TypicalSizes &sizes, KernelTarget &target) {
  std::string text;
  target.typicalSizes.clear();
  for (StringAttr symbol : symbols) {
    target.typicalSizes.push_back(sizes(symbol.getValue()));
    text += " " + std::to_string(target.typicalSizes.back());
  }
  target.pinned.clear();
  if (target.schedules) {
    SmallVector<StringRef> nodes;
    if (auto list = kernel->getAttrOfType<ArrayAttr>("graph.nodes"))
      for (auto node : list.getAsRange<StringAttr>())
        nodes.push_back(node.getValue());
    target.pinned = target.schedules->pinned(nodes);
    for (const std::string &pin : target.pinned)
      text += " " + pin;
  }
  return text;
}

std::string functionName(graph::KernelOp kernel, unsigned number) {
  return ("k" + llvm::Twine(number) + "_" + kernel.getFamily()).str();
}

} // namespace

FailureOr<LoweredKernels> lowerKernels(func::FuncOp function,
                                       const KernelTarget &target) {
  LoweredKernels result;
  llvm::StringMap<unsigned> known;
  bool failed = false;
  KernelTarget own = target;
  TypicalSizes sizes(function);
  function.walk([&](graph::KernelOp kernel) {
    // A copy that stands alone: operands of its own types.
    OpBuilder b(kernel);
    OwningOpRef<ModuleOp> scope = ModuleOp::create(kernel.getLoc());
    b.setInsertionPointToEnd(scope->getBody());
    auto copy = cast<graph::KernelOp>(kernel->clone());
    copy->removeAttr("graph.nodes");
    KernelLaunch launch;
    launch.symbols = renameSymbols(copy);
    // Placeholders for the operands, whose types must match the arguments.
    SmallVector<Value> operands;
    for (BlockArgument argument : copy.getBody().getArguments()) {
      auto placeholder = UnrealizedConversionCastOp::create(
          b, kernel.getLoc(), TypeRange{argument.getType()}, ValueRange());
      operands.push_back(placeholder.getResult(0));
    }
    copy->setOperands(operands);
    b.insert(copy);
    std::string key = keyOf(copy);
    if (target.isCuda()) {
      key += addChoice(kernel, launch.symbols, sizes, own);
      own.kernelText = key;
    }
    auto [it, isNew] = known.try_emplace(key, result.kernels.size());
    launch.kernel = it->second;
    if (isNew) {
      std::string name = functionName(kernel, result.kernels.size());
      auto built = buildKernel(copy, name, own);
      if (mlir::failed(built)) {
        failed = true;
        return WalkResult::interrupt();
      }
      result.kernels.push_back(std::move(*built));
    }
    result.launches.insert({kernel, launch});
    return WalkResult::advance();
  });
  if (failed)
    return failure();
  return std::move(result);
}

} // namespace mlir::tenon
