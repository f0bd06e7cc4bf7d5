//===- Import.h - From an ONNX file to the graph dialect ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Reads a model and writes it as one `func.func @main` of graph ops:
//
//   ir_version 8, opset 17                func.func @main(
//   input  x: float[N, 3, 4]         ⇒      %x: tensor<?x3x4xf32,
//   #shape<[N,..]>> y = Reshape(x, [0, 12])                   {graph.name =
//   "x"}) output y                                -> (tensor<?x12xf32, ..>
//                                               {graph.name = "y"})
//                                           attributes {graph.symbols = [...],
//                                                       graph.constraints = ..}
//
// Steps: parse (OnnxFile) · name the sizes of the inputs (InputShapes) · sort
// the nodes, inline local functions, import node by node (Importer, and the
// tables of the topic files) · apply what the model implies about its sizes
// (Sizes) · remove what is not used.
//
// Tests: test/compiler/Import, test/unit/import.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_IMPORT_IMPORT_H
#define TENON_COMPILER_IMPORT_IMPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include <memory>
#include <string>
#include <vector>

namespace llvm {
class raw_ostream;
}

namespace mlir::tenon {

struct ImportOptions {
  /// Sizes of inputs by name, in place of the declared ones; -1 leaves a
  /// dimension dynamic.
  llvm::StringMap<SmallVector<int64_t>> shapes;
  /// Tensors of the model that become outputs beside the declared ones.
  std::vector<std::string> markOutputs;
  /// Whether weights may lie in other files of the model's folder.
  bool allowExternalData = true;
};

/// What the weights of an imported module point into: the parsed model and the
/// mapped files. Must outlive the module and every attribute taken from it.
class ImportedModel {
public:
  struct Storage;
  ImportedModel();
  ImportedModel(ImportedModel &&);
  ImportedModel &operator=(ImportedModel &&);
  ~ImportedModel();

  Storage &getStorage() { return *storage; }

private:
  std::unique_ptr<Storage> storage;
};

/// Imports the model at `path`. Null on failure: then all problems have been
/// emitted as errors, each at the location of its node,
/// `loc("conv1"("model.onnx":0:0))`.
///
/// @main has, as attributes of arguments and results, `graph.name` (the exact
/// ONNX name), and on the function
///   graph.symbols      [{name = "N", input = 0, dim = 0}, ...]: each symbol
///                      is that size of that argument
///   graph.constraints  [#graph.constraint<lhs, rhs, "text">, ...]: must hold
///                      between the symbols, beside the sizes that the
///                      argument types state
OwningOpRef<ModuleOp> importOnnx(MLIRContext &context, StringRef path,
                                 const ImportOptions &options,
                                 ImportedModel &holder);

/// Lists, node by node, all that keeps the model from being imported, and at
/// which tensors it could be cut. Success if nothing does. Problems with the
/// file itself are emitted as errors.
LogicalResult checkOnnx(MLIRContext &context, StringRef path,
                        const ImportOptions &options, llvm::raw_ostream &os);

/// The table of supported operators as Markdown: operator, opsets, domain.
void printOperators(llvm::raw_ostream &os);

} // namespace mlir::tenon

#endif // TENON_COMPILER_IMPORT_IMPORT_H
