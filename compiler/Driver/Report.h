//===- Report.h - What an engine consists of, and why ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// What `tenonc --report` and `--explain` tell of the kernels that were built:
// the facts first, as structs, then their text or JSON (docs/report.md,
// docs/report.schema.json). The same model and options give the same bytes.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_DRIVER_REPORT_H
#define TENON_COMPILER_DRIVER_REPORT_H

#include "compiler/Driver/Pipeline.h"

namespace mlir::tenon {

/// A buffer that a launch reads or writes.
struct BufferReport {
  std::string type; // "f16"
  SmallVector<int64_t> shape;
};

/// A launch of the program, in the order in which they run.
struct LaunchReport {
  std::string kernel, family, schedule;
  /// Node, type and reason; the latter are empty where nothing was decided.
  std::vector<graph::PrecisionRow> nodes;
  std::vector<BufferReport> reads, writes;
  double flops = 0, bytes = 0;
  /// Functions that run in place of `kernel` at other sizes.
  std::vector<std::string> otherChoices;

  // --- CUDA ----------------------------------------------------------------

  std::optional<Cost> cost;
  SmallVector<int64_t> grid, block; // along x, y, z
  int64_t spillBytes = -1;          // -1: there was no ptxas
  bool isPinned = false;
};

/// A program of the engine.
struct TargetReport {
  std::string target;
  std::optional<DeviceInfo> device; // CUDA: what it is tuned for
  std::string ptxas;                // its version; empty: none was at hand
  SmallVector<TypicalSizes::Row, 0> sizes;
  std::vector<LaunchReport> launches;
  unsigned kernels = 0;
  unsigned otherInstructions = 0; // copies and the like
  int64_t weightBytes = 0;
  std::optional<uint64_t> arenaBytes; // none: see arenaProblem
  std::string arenaProblem;

  double seconds() const; // predicted, of all launches
};

struct CompileReport {
  std::string model, builder;
  std::vector<TargetReport> targets;
};

/// Gathers it from the engine's module and what was recorded with it. `path`:
/// the engine's file, whose memory is planned; empty: none was written.
CompileReport gatherReport(const EngineModule &engine, const std::string &path);

std::string reportText(const CompileReport &report);
std::string reportJson(const CompileReport &report);

/// All candidates of each CUDA kernel that holds a node that `pattern` matches;
/// an empty text if there is none.
std::string explainKernels(const EngineModule &engine, StringRef pattern);

// --- Shared by both texts --------------------------------------------------

/// "12.3 us", "4.56 ms".
std::string timeText(double seconds);
/// "tuned for a100 (NVIDIA A100-SXM4-80GB), at batch = 1 (assumed), ..."
std::string conditionsText(const DeviceInfo &device,
                           ArrayRef<TypicalSizes::Row> sizes);
/// "f16[1,128,768]"
std::string bufferText(const BufferReport &buffer);
BufferReport bufferReport(Value value, const TypicalSizes &sizes);

} // namespace mlir::tenon

#endif // TENON_COMPILER_DRIVER_REPORT_H
