//===- Schedules.h - Schedules that the user pins -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_DRIVER_SCHEDULES_H
#define TENON_COMPILER_DRIVER_SCHEDULES_H

#include "compiler/Engine/BuildProgram.h"
#include "kernels/Schedule.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::tenon {

/// Schedules by the names of ONNX nodes: "NODE_PATTERN:SCHEDULE", `*` and `?`
/// stand for any characters. Of those that match one of a kernel's nodes and
/// are of its families, the last item counts. What no item matches is the cost
/// model's to choose.
class PinnedSchedules : public ScheduleSource {
public:
  PinnedSchedules() = default;
  explicit PinnedSchedules(ArrayRef<std::string> items);

  std::vector<std::string> pinned(ArrayRef<StringRef> nodes) const override;

  /// Reports an error for each item that is no schedule, or whose pattern
  /// matches no node of `main`.
  LogicalResult check(func::FuncOp main) const;
  /// Reports an error for each item that matches no kernel of its family in any
  /// of the programs.
  LogicalResult checkUsed(MLIRContext *context,
                          ArrayRef<const ProgramRecord *> programs) const;

private:
  struct Item {
    std::string text, pattern, schedule;
  };
  SmallVector<Item, 0> items;
};

/// The names of the ONNX nodes of a launch.
SmallVector<StringRef> nodesOf(engine::LaunchOp launch);

} // namespace mlir::tenon

#endif // TENON_COMPILER_DRIVER_SCHEDULES_H
