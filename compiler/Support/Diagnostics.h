//===- Diagnostics.h - Reasons and remarks --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// How a pass says why it did not do something. Debian's MLIR 22 is built
// without assertions, so `-debug-only` is not there; remarks are:
//
//   tenon-opt --graph-fold-affine --remarks-filter=tenon model.mlir
//
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_SUPPORT_DIAGNOSTICS_H
#define TENON_COMPILER_SUPPORT_DIAGNOSTICS_H

#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"

namespace mlir::tenon {

/// Turns each reason that a pattern gives for not applying into a remark. Pass
/// it to the driver: `GreedyRewriteConfig().setListener(&reasons)`. Costs
/// nothing where nobody asked for remarks.
struct ReasonsAsRemarks : RewriterBase::Listener {
  explicit ReasonsAsRemarks(StringRef pass) : pass(pass) {}

  void notifyMatchFailure(Location loc,
                          function_ref<void(Diagnostic &)> reason) override {
    if (!loc.getContext()->getRemarkEngine())
      return;
    Diagnostic diag(loc, DiagnosticSeverity::Remark);
    reason(diag);
    remark::missed(loc, remark::RemarkOpts::name(pass).category("tenon"))
        << diag.str();
  }

  StringRef pass;
};

} // namespace mlir::tenon

#endif // TENON_COMPILER_SUPPORT_DIAGNOSTICS_H
