//===- Control.cpp - Branches ---------------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// An If whose condition is known when the model is compiled (exporters write
// such for "squeeze if the size is 1") becomes the branch that it takes. Others
// are control flow on data, which this version does not have. Tests:
// test/compiler/Import/control.onnxtxt.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Importer.h"
#include "compiler/Import/Operators.h"

using namespace mlir::tenon::graph;

namespace mlir::tenon {

static LogicalResult importIf(Node &node) {
  auto condition = node.constantInts(node.input(0));
  if (!condition || condition->size() != 1)
    return node.unsupported("control flow is not in this version: its "
                            "condition depends on data");
  StringRef name = (*condition)[0] ? "then_branch" : "else_branch";
  auto *branch = node.attr(name);
  if (!branch || !branch->has_g())
    return node.fail("expected the attribute '" + name + "'");
  auto values = node.importer.inlineGraph(branch->g(), node.scope);
  if (failed(values))
    return failure();
  if (values->size() < node.results.size())
    return node.fail("'" + name + "' has " + Twine(values->size()) +
                     " outputs, expected " + Twine(node.results.size()));
  for (unsigned i = 0; i < unsigned(node.results.size()); ++i)
    if (failed(node.setOutput(i, (*values)[i])))
      return failure();
  return success();
}

ArrayRef<OperatorRow> controlOperators() {
  static const OperatorRow rows[] = {
      {"If", 7, kMaxOpset, 1, 1, Elements::Bool, importIf},
  };
  return rows;
}

} // namespace mlir::tenon
