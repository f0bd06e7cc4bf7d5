//===- Importer.h - Graphs, functions and scopes --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_IMPORT_IMPORTER_H
#define TENON_COMPILER_IMPORT_IMPORTER_H

#include "compiler/Import/Import.h"
#include "compiler/Import/Node.h"
#include "compiler/Import/OnnxFile.h"
#include "compiler/Import/TensorData.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::tenon {

using NodeList = google::protobuf::RepeatedPtrField<::onnx::NodeProto>;

/// The names that nodes of one graph see. A subgraph sees those of the graph
/// around it; the body of a local function sees its operands alone.
struct Scope {
  Scope *parent = nullptr;
  /// A null value is one whose node has a problem.
  llvm::StringMap<Value> values;
  /// Outputs that the importer of their node does not compute, with a text
  /// for the first node that reads one.
  llvm::StringMap<std::string> missing;
  /// Read when first used.
  llvm::StringMap<const ::onnx::TensorProto *> initializers;
  /// Version of each imported domain.
  llvm::StringMap<int64_t> opsets;
  /// Of a local function: what the caller gives its attributes.
  llvm::StringMap<const ::onnx::AttributeProto *> attributes;
  /// Before the name of each node: "caller/".
  std::string prefix;
  unsigned depth = 0;
};

/// A float tensor of sizes, as exact fractions: what Cast(Shape(x)) * 0.5 is.
struct Ratio {
  graph::DimExpr numerator, denominator;
};

/// Something that keeps a node from being imported.
struct Problem {
  Location loc;
  /// "node 'conv1' (Conv): expected ...", or about the model as a whole.
  std::string text;
  SmallVector<std::pair<Location, std::string>> notes;
  DiagnosticSeverity severity;
  /// Node of the main graph that the problem lies in; null if it is another.
  const ::onnx::NodeProto *node;
};

class Importer {
public:
  Importer(MLIRContext *context, StringRef path, const ImportOptions &options,
           ImportedModel::Storage &storage);

  /// Imports the parsed model; look at `getProblems()` whether it is whole.
  OwningOpRef<ModuleOp> run();

  ArrayRef<Problem> getProblems() const { return problems; }
  bool hasErrors() const;
  const Scope &getMainScope() const { return mainScope; }
  Location getFileLocation() const { return fileLoc; }

  //--- For the importers of operators -----------------------------------------

  Sizes &getSizes() { return sizes; }
  ImportedModel::Storage &getStorage() { return storage; }
  const ImportOptions &getOptions() const { return options; }
  /// Fractions of sizes that a float value holds.
  llvm::DenseMap<Value, SmallVector<Ratio>> ratios;

  /// The value of a name; null if it has none (a problem was reported).
  Value lookup(Scope &scope, StringRef name);
  /// Imports a branch in place; one value for each of its outputs.
  FailureOr<SmallVector<Value>> inlineGraph(const ::onnx::GraphProto &graph,
                                            Scope &parent);

private:
  friend class Node;

  bool checkOpsets();
  bool addInitializers(const ::onnx::GraphProto &graph, Scope &scope);
  void importMain(func::FuncOp func);
  void declareInputs(SmallVectorImpl<const ::onnx::ValueInfoProto *> &inputs);
  void importOutputs(func::FuncOp func);
  void importNodes(const NodeList &nodes, Scope &scope,
                   ArrayRef<StringRef> outputs);
  void importNode(const ::onnx::NodeProto &proto, unsigned index, Scope &scope);
  LogicalResult importOperands(Node &node);
  LogicalResult checkKnown(Node &node, StringRef domain);
  LogicalResult importOperator(Node &node, StringRef domain);
  LogicalResult callFunction(Node &node, const ::onnx::FunctionProto &function);
  LogicalResult checkOperands(Node &node, const struct OperatorRow &row);
  bool isDefined(const Scope &scope, StringRef name) const;
  Location locationOf(StringRef name) const;
  void report(Diagnostic &diagnostic);
  void modelError(const Twine &text);

  MLIRContext *context;
  const ImportOptions &options;
  ImportedModel::Storage &storage;
  Location fileLoc;
  OpBuilder builder;
  Sizes sizes;
  Scope mainScope;
  std::vector<Problem> problems;
  llvm::StringMap<const ::onnx::FunctionProto *> functions;
  /// Where diagnostics of the moment belong.
  const ::onnx::NodeProto *mainNode = nullptr;
  std::string nodeText;
};

/// The order in which to import `nodes` so that each comes after those whose
/// outputs it reads, restricted to what `outputs` need. Calls `error` with a
/// node and a text for duplicate names, undefined values and cycles; nodes on
/// a cycle, and what depends on them, are left out.
SmallVector<unsigned>
orderNodes(const NodeList &nodes, ArrayRef<StringRef> outputs,
           llvm::function_ref<bool(StringRef)> isDefinedOutside,
           llvm::function_ref<void(unsigned, const Twine &)> error);

/// The name of a node, or its operator and index.
std::string nameOf(const ::onnx::NodeProto &node, unsigned index);

/// All names that a node reads, those inside of its subgraphs included.
SmallVector<StringRef> namesReadBy(const ::onnx::NodeProto &node);

} // namespace mlir::tenon

#endif // TENON_COMPILER_IMPORT_IMPORTER_H
