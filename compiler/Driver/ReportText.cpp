//===- ReportText.cpp - A report for people -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Tests: test/compiler/Driver/report.test.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Report.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/FormatVariadic.h"

namespace mlir::tenon {

using llvm::formatv;
using llvm::raw_string_ostream;

static std::string amount(double value, const char *unit) {
  for (auto [scale, letter] : {std::pair(1e12, "T"), std::pair(1e9, "G"),
                               std::pair(1e6, "M"), std::pair(1e3, "k")})
    if (value >= scale)
      return formatv("{0:F1} {1}{2}", value / scale, letter, unit);
  return formatv("{0:F0} {1}", value, unit);
}

static std::string sizes(ArrayRef<int64_t> list) {
  std::string text;
  for (auto [i, size] : llvm::enumerate(list))
    text += (i ? "x" : "") + std::to_string(size);
  return text;
}

static std::string buffers(const std::vector<BufferReport> &list) {
  std::string text;
  for (const BufferReport &buffer : list)
    text += (text.empty() ? "" : ", ") + bufferText(buffer);
  return text;
}

static void printCuda(raw_string_ostream &os, const LaunchReport &launch) {
  const Cost &cost = *launch.cost;
  os << "    launch    grid " << sizes(launch.grid) << ", block "
     << sizes(launch.block) << ", " << cost.shared
     << " bytes of shared memory, " << cost.registers << " registers";
  if (!cost.registersAreMeasured)
    os << " (estimated: no ptxas)";
  else if (launch.spillBytes > 0)
    os << " (ptxas), SPILLS " << launch.spillBytes << " bytes";
  else
    os << " (ptxas, no spills)";
  os << "\n    occupancy "
     << formatv("{0} blocks, {1} of {2} warps on a multiprocessor; limited by "
                "{3}\n",
                cost.occupancy.blocks, cost.occupancy.warps,
                cost.occupancy.mostWarps, cost.occupancy.limiter);
  os << "    limit     " << nameOf(cost.bound())
     << formatv(", {0:P0} of its peak; alone: compute {1}, DRAM {2}, L2 {3}, "
                "launch {4}\n",
                cost.fractionOfPeak(), timeText(cost.compute),
                timeText(cost.dram), timeText(cost.l2), timeText(cost.launch));
}

static void printLaunch(raw_string_ostream &os, size_t number,
                        const LaunchReport &launch, double total) {
  os << "\n[" << number << "] " << launch.kernel << " (" << launch.family
     << ")";
  if (launch.cost)
    os << formatv("  {0}, {1:P1}", timeText(launch.cost->seconds),
                  total > 0 ? launch.cost->seconds / total : 0);
  os << "\n    nodes     ";
  for (auto [i, node] : llvm::enumerate(launch.nodes))
    os << (i ? ", " : "") << node.node;
  os << "\n    schedule  " << launch.schedule
     << (launch.isPinned ? " (pinned by --schedule)" : "") << "\n";
  os << "    reads     " << buffers(launch.reads) << "\n    writes    "
     << buffers(launch.writes) << "\n";
  os << "    work      " << amount(launch.flops, "FLOP") << ", "
     << amount(launch.bytes, "B") << "\n";
  if (launch.cost)
    printCuda(os, launch);
  if (!launch.otherChoices.empty())
    os << "    otherwise " << llvm::join(launch.otherChoices, ", ")
       << " (at other sizes)\n";
  for (const graph::PrecisionRow &node : launch.nodes)
    if (!node.type.empty())
      os << "    type      " << node.node << " in " << node.type
         << (node.reason.empty() ? "" : ": ") << node.reason << "\n";
}

static void printSummary(raw_string_ostream &os, const TargetReport &target) {
  double flops = 0, bytes = 0, total = target.seconds();
  struct Sum {
    unsigned launches = 0;
    double seconds = 0, flops = 0, bytes = 0;
  };
  llvm::MapVector<StringRef, Sum> families;
  for (const LaunchReport &launch : target.launches) {
    flops += launch.flops;
    bytes += launch.bytes;
    Sum &sum = families[launch.family];
    ++sum.launches;
    sum.seconds += launch.cost ? launch.cost->seconds : 0;
    sum.flops += launch.flops;
    sum.bytes += launch.bytes;
  }
  if (target.device)
    os << "predicted latency " << timeText(total) << ": a model's figure, see "
       << "docs/design/cost-model.md\n";
  os << target.launches.size() << " launches of " << target.kernels
     << " kernels, " << target.otherInstructions << " copies and fills; "
     << amount(flops, "FLOP") << ", " << amount(bytes, "B") << " moved\n";
  os << "weights " << amount(double(target.weightBytes), "B") << ", arena ";
  if (target.arenaBytes)
    os << amount(double(*target.arenaBytes), "B") << "\n";
  else
    os << "not known: " << target.arenaProblem << "\n";
  os << "\n  family      launches        time   share        work       "
        "moved\n";
  auto rows = families.takeVector();
  llvm::sort(rows, [](const auto &a, const auto &b) {
    return std::pair(-a.second.seconds, a.first) <
           std::pair(-b.second.seconds, b.first);
  });
  for (auto &[family, sum] : rows)
    os << formatv("  {0,-10}  {1,8}  {2,10}  {3,6}  {4,10}  {5,10}\n", family,
                  sum.launches, target.device ? timeText(sum.seconds) : "-",
                  target.device && total > 0
                      ? formatv("{0:P1}", sum.seconds / total).str()
                      : "-",
                  amount(sum.flops, "FLOP"), amount(sum.bytes, "B"));
}

std::string reportText(const CompileReport &report) {
  std::string text;
  raw_string_ostream os(text);
  os << "Report on " << report.model << " by " << report.builder << "\n";
  for (const TargetReport &target : report.targets) {
    os << "\n=== " << target.target << " ===\n";
    if (target.device)
      os << conditionsText(*target.device, target.sizes) << "\n";
    printSummary(os, target);
    double total = target.seconds();
    for (auto [i, launch] : llvm::enumerate(target.launches))
      printLaunch(os, i, launch, total);
  }
  return text;
}

} // namespace mlir::tenon
