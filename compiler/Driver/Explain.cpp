//===- Explain.cpp - Why a kernel got its schedule ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// One table a kernel, the candidates in the order of choice (by predicted time,
// which counts more where no device has shown it), those that cannot run last:
//
//     predicted     limit  of peak  blocks  warps  limited by  shared  regs ...
//   *   12.3 us   compute     71 %       2   8/64  registers   65536   124 ...
//
// Tests: test/compiler/Driver/explain.test.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Report.h"
#include "compiler/Driver/Schedules.h"
#include "llvm/Support/FormatVariadic.h"

namespace mlir::tenon {

using llvm::formatv;

static constexpr const char *kRow =
    "  {0,1} {1,10}  {2,-7}  {3,7}  {4,6}  {5,5}  {6,-13}  {7,6}  {8,9}  {9}\n";

/// Why `one` is not the chosen one, though it has no problem.
static std::string whyNot(const Candidate &one, const Candidate &chosen,
                          const DeviceInfo &device) {
  if (one.cost.seconds > chosen.cost.seconds || one.handicap <= chosen.handicap)
    return whyLost(one.cost, chosen.cost, device);
  return formatv("not tried on a device: must promise {0:P0} more",
                 one.handicap / chosen.handicap - 1);
}

/// Why the chosen candidate was taken.
static StringRef whyChosen(const ProgramRecord::Kernel &kernel) {
  if (!kernel.pinned.empty())
    return "pinned by --schedule";
  if (kernel.candidates.size() == 1)
    return "the only way of its family";
  const Candidate &chosen = kernel.candidates[kernel.chosen];
  bool isFastest = llvm::none_of(kernel.candidates, [&](const Candidate &one) {
    return one.problem.empty() && one.cost.seconds < chosen.cost.seconds;
  });
  return isFastest ? "the least predicted time"
                   : "what promises more was not tried on a device";
}

static void printTable(llvm::raw_string_ostream &os,
                       const ProgramRecord::Kernel &kernel,
                       const DeviceInfo &device) {
  SmallVector<unsigned> order(
      llvm::to_vector(llvm::seq<unsigned>(0, kernel.candidates.size())));
  llvm::sort(order, [&](unsigned a, unsigned b) {
    const Candidate &x = kernel.candidates[a], &y = kernel.candidates[b];
    if (x.problem.empty() != y.problem.empty())
      return x.problem.empty();
    return std::pair(x.weighed(), a) < std::pair(y.weighed(), b);
  });
  os << formatv(kRow, "", "predicted", "limit", "of peak", "blocks", "warps",
                "limited by", "shared", "registers", "schedule");
  const Candidate &chosen = kernel.candidates[kernel.chosen];
  for (unsigned i : order) {
    const Candidate &one = kernel.candidates[i];
    const Cost &cost = one.cost;
    std::string why = !one.problem.empty() ? one.problem
                      : i == kernel.chosen ? ""
                                           : whyNot(one, chosen, device);
    os << formatv(
        kRow, i == kernel.chosen ? "*" : "", timeText(cost.seconds),
        nameOf(cost.bound()), formatv("{0:P0}", cost.fractionOfPeak()),
        cost.occupancy.blocks,
        formatv("{0}/{1}", cost.occupancy.warps, cost.occupancy.mostWarps),
        cost.occupancy.limiter, cost.shared,
        formatv("{0}{1}", cost.registersAreMeasured ? "" : "~", cost.registers),
        one.schedule);
    if (!why.empty())
      os << "        " << why << "\n";
  }
}

static void printKernel(llvm::raw_string_ostream &os,
                        const ProgramRecord &record, unsigned number,
                        ArrayRef<engine::LaunchOp> launches,
                        const DeviceInfo &device) {
  const ProgramRecord::Kernel &kernel = record.kernels[number];
  engine::LaunchOp first = launches.front();
  auto choice = cast<engine::ChoiceAttr>(first.getChoices()[0]);
  os << "\nkernel " << choice.getKernel().getValue() << "\n";
  for (engine::LaunchOp launch : launches) {
    os << "  nodes   ";
    for (auto [i, node] : llvm::enumerate(nodesOf(launch)))
      os << (i ? ", " : "") << node;
    os << "\n";
  }
  auto print = [&](const char *what, ValueRange values) {
    os << what;
    for (auto [i, value] : llvm::enumerate(values))
      os << (i ? ", " : "") << bufferText(bufferReport(value, record.sizes));
    os << "\n";
  };
  print("  reads   ", first.getIns());
  print("  writes  ", first.getOuts());
  const Candidate &chosen = kernel.candidates[kernel.chosen];
  os << "  chosen  " << chosen.schedule << ", " << whyChosen(kernel) << "\n\n";
  printTable(os, kernel, device);
}

std::string explainKernels(const EngineModule &engine, StringRef pattern) {
  std::string text;
  llvm::raw_string_ostream os(text);
  for (auto [target, record] :
       llvm::zip_equal(engine.targets, engine.records)) {
    if (!target->cuda())
      continue;
    // The first launch of each kernel's launches stands for it.
    std::map<unsigned, SmallVector<engine::LaunchOp>> found;
    for (ProgramRecord::Launch launch : record.launches)
      if (launch.step == 0 &&
          llvm::any_of(nodesOf(launch.op), [&](StringRef node) {
            return graph::matchesPattern(pattern, node);
          }))
        found[launch.kernel].push_back(launch.op);
    if (found.empty())
      continue;
    DeviceInfo device = target->tunedFor();
    os << (text.empty() ? "" : "\n") << target->name() << ", "
       << conditionsText(device, record.sizes.rows()) << "\n";
    for (auto &[number, launches] : found)
      printKernel(os, record, number, launches, device);
  }
  return text;
}

} // namespace mlir::tenon
