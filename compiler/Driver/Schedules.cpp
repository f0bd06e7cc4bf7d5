//===- Schedules.cpp - Schedules that the user pins -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Tests: test/compiler/Driver/schedule.test.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Schedules.h"
#include "compiler/Graph/Precision.h"
#include "kernels/Cuda/ScheduleText.h"
#include "llvm/ADT/StringExtras.h"

namespace mlir::tenon {

SmallVector<StringRef> nodesOf(engine::LaunchOp launch) {
  SmallVector<StringRef> nodes;
  for (auto node : launch.getNodes().getAsRange<StringAttr>())
    nodes.push_back(node.getValue());
  return nodes;
}

static bool matchesAny(StringRef pattern, ArrayRef<StringRef> nodes) {
  return llvm::any_of(nodes, [&](StringRef node) {
    return graph::matchesPattern(pattern, node);
  });
}

PinnedSchedules::PinnedSchedules(ArrayRef<std::string> texts) {
  for (StringRef text : texts) {
    // At the last colon: names of nodes may hold some, schedules do not.
    auto [pattern, schedule] = text.rsplit(':');
    items.push_back({text.str(), pattern.str(), schedule.str()});
  }
}

std::vector<std::string>
PinnedSchedules::pinned(ArrayRef<StringRef> nodes) const {
  std::vector<std::string> found;
  for (const Item &item : llvm::reverse(items))
    if (matchesAny(item.pattern, nodes))
      found.push_back(item.schedule);
  return found;
}

/// The families whose schedules a kernel has: "matmul or gemv".
static SmallVector<std::string>
familiesOf(const ProgramRecord::Kernel &kernel) {
  SmallVector<std::string> families;
  for (const Candidate &one : kernel.candidates) {
    std::string family = scheduleFamily(one.schedule);
    if (!llvm::is_contained(families, family))
      families.push_back(family);
  }
  return families;
}

LogicalResult PinnedSchedules::check(func::FuncOp main) const {
  bool fine = true;
  for (const Item &item : items) {
    auto fail = [&] {
      fine = false;
      return emitError(UnknownLoc::get(main.getContext()))
             << "--schedule='" << item.text << "': ";
    };
    std::string expected = expectedSchedule(item.schedule);
    if (item.pattern.empty() && expected.empty())
      expected = "SCHEDULE";
    if (!expected.empty()) {
      fail() << "expected NODE_PATTERN:" << expected
             << ", as --explain prints it";
      continue;
    }
    std::string problem = graph::noSuchNode(main, item.pattern);
    if (!problem.empty())
      fail() << problem;
  }
  return success(fine);
}

LogicalResult
PinnedSchedules::checkUsed(MLIRContext *context,
                           ArrayRef<const ProgramRecord *> programs) const {
  bool fine = true;
  for (const Item &item : items) {
    bool isUsed = false;
    std::string others, family = scheduleFamily(item.schedule);
    for (const ProgramRecord *program : programs)
      for (const ProgramRecord::Launch &launch : program->launches) {
        ProgramRecord::Launch one = launch;
        SmallVector<StringRef> nodes = nodesOf(one.op);
        if (!matchesAny(item.pattern, nodes))
          continue;
        SmallVector<std::string> families =
            familiesOf(program->kernels[launch.kernel]);
        if (llvm::is_contained(families, family)) {
          isUsed = true;
        } else if (others.empty()) {
          const auto *node = llvm::find_if(nodes, [&](StringRef name) {
            return graph::matchesPattern(item.pattern, name);
          });
          others = "node '" + node->str() + "' is in a kernel with schedules " +
                   llvm::join(families, "<..> and ") + "<..>";
        }
      }
    if (isUsed)
      continue;
    fine = false;
    if (others.empty())
      others = "its nodes are in no CUDA kernel: they became constants, or "
               "copies";
    emitError(UnknownLoc::get(context))
        << "--schedule='" << item.text << "': matches no kernel with schedules "
        << family << "<..>; " << others << "; --explain=NODE lists them";
  }
  return success(fine);
}

} // namespace mlir::tenon
