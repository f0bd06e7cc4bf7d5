//===- RecoverPatterns.cpp - Find functions that exporters spelt out ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// ONNX has a function for GELU, layer normalization or attention only since
// late opsets, if at all; exporters write them as a dozen small ops, each in
// its own way. A kernel family treats them whole, so they are found here. The
// patterns are in Recover*.cpp, a family a file; an example as IR in
// Passes.td; the tests in test/compiler/Graph/recover-*.mlir.
//
//===----------------------------------------------------------------------===//

#include "compiler/Graph/RecoverPatterns.h"
#include "compiler/Graph/Passes.h"
#include "compiler/Graph/Rewrite.h"
#include "dialects/Graph/GraphOps.h"

#define DEBUG_TYPE "graph-recover-patterns"

namespace mlir::tenon::graph {

#define GEN_PASS_DEF_RECOVERPATTERNSPASS
#include "compiler/Graph/Passes.h.inc"

namespace {

struct RecoverPatterns : impl::RecoverPatternsPassBase<RecoverPatterns> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    addActivationPatterns(patterns);
    addGeluPatterns(patterns);
    addLayerNormPatterns(patterns);
    addSoftmaxPatterns(patterns);
    addAttentionPatterns(patterns);
    if (failed(
            rewriteGreedily(getOperation(), std::move(patterns), DEBUG_TYPE)))
      signalPassFailure();
  }
};

} // namespace
} // namespace mlir::tenon::graph
