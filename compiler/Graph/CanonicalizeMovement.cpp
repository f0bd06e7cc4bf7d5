//===- CanonicalizeMovement.cpp - Shorten chains that only move data ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Removes transposes, reshapes, slices and broadcasts where that can be
// proven, and brings the rest into one form: slices first, right behind what
// they read; then reshapes; then at most one transpose. Every pattern makes
// less work or moves a slice up, so that the rewrite comes to an end. The
// folders of the ops join what is adjacent; the patterns in Move*.cpp look
// further. An example as IR is in Passes.td; the tests in
// test/compiler/Graph/canonicalize-movement-*.mlir.
//
//===----------------------------------------------------------------------===//

#include "compiler/Graph/MovePatterns.h"
#include "compiler/Graph/Passes.h"
#include "compiler/Graph/Rewrite.h"
#include "dialects/Graph/GraphOps.h"

#define DEBUG_TYPE "graph-canonicalize-movement"

namespace mlir::tenon::graph {

#define GEN_PASS_DEF_CANONICALIZEMOVEMENTPASS
#include "compiler/Graph/Passes.h.inc"

namespace {

struct CanonicalizeMovement
    : impl::CanonicalizeMovementPassBase<CanonicalizeMovement> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    addTransposePatterns(patterns);
    addReshapePatterns(patterns);
    addSlicePatterns(patterns);
    addConvolutionPatterns(patterns);
    if (failed(
            rewriteGreedily(getOperation(), std::move(patterns), DEBUG_TYPE)))
      signalPassFailure();
  }
};

} // namespace
} // namespace mlir::tenon::graph
