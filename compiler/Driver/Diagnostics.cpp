//===- Diagnostics.cpp - MLIR diagnostics in the user's words -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Diagnostics.h"
#include "mlir/IR/Location.h"

namespace mlir::tenon {

/// "node 'a', 'b'" from the names in a location; empty if there are none. A
/// location without names is a line of the file.
static std::string placeOf(Location location) {
  std::string nodes, line;
  location->walk([&](Location inner) {
    if (auto name = dyn_cast<NameLoc>(inner)) {
      nodes += (nodes.empty() ? "node '" : ", '") + name.getName().str() + "'";
      return WalkResult::skip();
    }
    if (auto file = dyn_cast<FileLineColLoc>(inner)) {
      line = file.getFilename().str();
      if (file.getLine())
        line += ":" + std::to_string(file.getLine());
    }
    return WalkResult::advance();
  });
  return nodes.empty() ? line : nodes;
}

DiagnosticReporter::DiagnosticReporter(MLIRContext &context,
                                       const ::tenon::CompileOptions &options)
    : context(context), options(options) {
  handler = context.getDiagEngine().registerHandler([this](Diagnostic &d) {
    auto severity = [](DiagnosticSeverity s) -> std::string {
      switch (s) {
      case DiagnosticSeverity::Error:
        return "error";
      case DiagnosticSeverity::Warning:
        return "warning";
      case DiagnosticSeverity::Remark:
        return "remark";
      default:
        return "note";
      }
    };
    auto text = [&](Diagnostic &diagnostic) {
      std::string place = placeOf(diagnostic.getLocation());
      std::string what = diagnostic.str();
      // Importers name the node or the file themselves.
      if (place.empty() || StringRef(what).starts_with("node '") ||
          StringRef(what).starts_with("'" + place + "'"))
        return what;
      return place + ": " + what;
    };
    report(severity(d.getSeverity()), text(d));
    for (Diagnostic &note : d.getNotes())
      report("note", text(note));
    return success();
  });
}

DiagnosticReporter::~DiagnosticReporter() {
  context.getDiagEngine().eraseHandler(handler);
}

void DiagnosticReporter::report(const std::string &severity,
                                const std::string &text) {
  std::lock_guard lock(mutex);
  errorCount += severity == "error";
  if (options.diagnostic)
    options.diagnostic(severity, text);
}

} // namespace mlir::tenon
