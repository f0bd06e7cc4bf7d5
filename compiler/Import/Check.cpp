//===- Check.cpp - What keeps a model from being imported -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// `tenonc --check`: imports the model and writes what was found:
//
//   model.onnx: 1 of 4 nodes cannot be compiled
//     node 'nms' (NonMaxSuppression): this operator is not in this version
//   where it could be cut:
//     the part before ends at: 'boxes' 1x100x4xf32, 'scores' 1x5x100xf32
//     the part after begins at: 'selected'
//
// The part before gives what the nodes with problems read; the part after takes
// what they write, and what it reads of the part before. Tests:
// test/compiler/Import/check.test.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Importer.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir::tenon::graph;

namespace mlir::tenon {

namespace {

using Names = llvm::SetVector<StringRef>;

/// The tensors at the border of the nodes with problems.
class Border {
public:
  Border(const Importer &importer, const ::onnx::GraphProto &graph)
      : importer(importer) {
    for (const Problem &problem : importer.getProblems())
      if (problem.node && problem.severity == DiagnosticSeverity::Error)
        broken.insert(problem.node);
    for (const auto &node : graph.node())
      visit(node);
    for (const auto &output : graph.output())
      if (written.contains(output.name()))
        after.insert(output.name());
  }

  size_t numBroken() const { return broken.size(); }

  void print(llvm::raw_ostream &os) const {
    os << "where it could be cut:\n  the part before ends at: ";
    printNames(before, os);
    os << "\n  the part after begins at: ";
    printNames(after, os);
    os << "\n";
  }

private:
  /// A tensor that the part before computes: neither constant nor an input.
  bool isComputed(StringRef name) const {
    Value value = importer.getMainScope().values.lookup(name);
    return value && !value.getDefiningOp<ConstantOp>() &&
           !value.getDefiningOp<DimsOp>() && !isa<BlockArgument>(value);
  }
  bool isSkipped(const ::onnx::NodeProto &node) const {
    return llvm::any_of(node.output(), [&](const auto &name) {
      auto it = importer.getMainScope().values.find(name);
      return it != importer.getMainScope().values.end() && !it->second;
    });
  }

  void visit(const ::onnx::NodeProto &node) {
    if (broken.contains(&node)) {
      for (StringRef name : namesReadBy(node))
        if (isComputed(name))
          before.insert(name);
      for (const auto &output : node.output())
        written.insert(output);
      return;
    }
    if (!isSkipped(node))
      return;
    for (StringRef name : namesReadBy(node))
      if (isComputed(name) || written.contains(name))
        after.insert(name);
  }

  void printNames(const Names &names, llvm::raw_ostream &os) const {
    if (names.empty())
      os << "(nothing)";
    llvm::interleaveComma(names, os, [&](StringRef name) {
      os << "'" << name << "'";
      if (Value value = importer.getMainScope().values.lookup(name)) {
        auto dims = dimsOf(value);
        os << " " << shapeString(dims) << (dims.empty() ? "" : "x")
           << cast<RankedTensorType>(value.getType()).getElementType();
      }
    });
  }

  const Importer &importer;
  llvm::SmallPtrSet<const ::onnx::NodeProto *, 8> broken;
  llvm::StringSet<> written;
  Names before, after;
};

} // namespace

LogicalResult checkOnnx(MLIRContext &context, StringRef path,
                        const ImportOptions &options, llvm::raw_ostream &os) {
  context.loadDialect<GraphDialect, func::FuncDialect>();
  ImportedModel holder;
  Importer importer(&context, path, options, holder.getStorage());
  if (llvm::Error error = parseOnnxFile(path, holder.getStorage()))
    return emitError(importer.getFileLocation())
           << "'" << path << "': " << llvm::toString(std::move(error));
  OwningOpRef<ModuleOp> module = importer.run();

  const auto &graph = holder.getStorage().model.graph();
  StringRef file = llvm::sys::path::filename(path);
  if (!importer.hasErrors()) {
    os << file << ": all " << graph.node_size() << " nodes can be compiled\n";
    return success();
  }
  Border border(importer, graph);
  os << file << ": " << border.numBroken() << " of " << graph.node_size()
     << " nodes cannot be compiled\n";
  for (const Problem &problem : importer.getProblems())
    if (problem.severity == DiagnosticSeverity::Error)
      os << "  " << problem.text << "\n";
  if (border.numBroken())
    border.print(os);
  return failure();
}

} // namespace mlir::tenon
