//===- Diagnostics.h - MLIR diagnostics in the user's words ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_DRIVER_DIAGNOSTICS_H
#define TENON_COMPILER_DRIVER_DIAGNOSTICS_H

#include "compiler/include/tenon/compiler.h"
#include "mlir/IR/Diagnostics.h"
#include <mutex>

namespace mlir::tenon {

/// Turns diagnostics of a context into lines for CompileOptions::diagnostic:
/// "model.onnx: node 'conv1': expected ...".
class DiagnosticReporter {
public:
  DiagnosticReporter(MLIRContext &context,
                     const ::tenon::CompileOptions &options);
  ~DiagnosticReporter();

  void report(const std::string &severity, const std::string &text);
  unsigned errors() const { return errorCount; }

private:
  MLIRContext &context;
  const ::tenon::CompileOptions &options;
  DiagnosticEngine::HandlerID handler;
  std::mutex mutex;
  unsigned errorCount = 0;
};

} // namespace mlir::tenon

#endif // TENON_COMPILER_DRIVER_DIAGNOSTICS_H
