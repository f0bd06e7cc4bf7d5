//===- Schedules.cpp - Schedules that the user pins -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Tests: test/compiler/Driver/schedule.test.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Schedules.h"
#include "compiler/Graph/Precision.h"
#include "kernels/Cuda/MatmulSchedule.h"

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

std::string PinnedSchedules::pinned(ArrayRef<StringRef> nodes) const {
  for (const Item &item : llvm::reverse(items))
    if (matchesAny(item.pattern, nodes))
      return item.schedule;
  return {};
}

LogicalResult PinnedSchedules::check(func::FuncOp main) const {
  bool fine = true;
  for (const Item &item : items) {
    auto fail = [&] {
      fine = false;
      return emitError(UnknownLoc::get(main.getContext()))
             << "--schedule='" << item.text << "': ";
    };
    if (item.pattern.empty() || !MatmulSchedule::parse(item.schedule)) {
      fail() << "expected NODE_PATTERN:" << MatmulSchedule::kGrammar
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
    std::string others;
    for (const ProgramRecord *program : programs)
      for (const ProgramRecord::Launch &launch : program->launches) {
        ProgramRecord::Launch one = launch;
        SmallVector<StringRef> nodes = nodesOf(one.op);
        if (!matchesAny(item.pattern, nodes))
          continue;
        if (program->kernels[launch.kernel].takesPins) {
          isUsed = true;
        } else if (others.empty()) {
          const auto *node = llvm::find_if(nodes, [&](StringRef name) {
            return graph::matchesPattern(item.pattern, name);
          });
          others = "node '" + node->str() + "' is in a kernel '" +
                   program->kernels[launch.kernel].candidates[0].schedule +
                   "', which has no other schedule";
        }
      }
    if (isUsed)
      continue;
    fine = false;
    if (others.empty())
      others = "its nodes are in no CUDA kernel: they became constants, or "
               "copies";
    emitError(UnknownLoc::get(context))
        << "--schedule='" << item.text
        << "': matches no kernel of the matmul family; " << others
        << "; --explain=NODE shows the kernel of a node";
  }
  return success(fine);
}

} // namespace mlir::tenon
