//===- main.cpp - simcuda-report: what the simulated GPU counted ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Exit codes: 0 fine; 1 a report is at fault; 2 wrong usage.
//
//===----------------------------------------------------------------------===//

#include "tools/simcuda-report/Report.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

using namespace tenon::tools;

namespace {
struct Flags {
  std::string report, other;
  View view;
  bool json = false;
};
} // namespace

static void addFlags(CLI::App &app, Flags &flags) {
  app.add_option("REPORT.json", flags.report,
                 "The file that TENON_SIMCUDA_REPORT named")
      ->required();
  app.add_option("--kernel", flags.view.kernels,
                 "Show the kernels whose name matches this regular expression "
                 "in detail: classes, pipes, hottest PTX lines, those with "
                 "bank conflicts and those that waste sectors");
  app.add_option("--sort", flags.view.sort,
                 "Order of kernels; efficiency and occupancy show the lowest "
                 "first")
      ->check(CLI::IsMember(sortKeys()))
      ->capture_default_str();
  app.add_option("--top", flags.view.top, "Most kernels, or lines, to show")
      ->check(CLI::Range(size_t(1), size_t(1000000)))
      ->capture_default_str();
  CLI::Option *json =
      app.add_flag("--json", flags.json, "Print the selected kernels as JSON");
  app.add_option("--diff", flags.other,
                 "Compare with this report: each counter's ratio, it by "
                 "REPORT.json")
      ->excludes(json);
  app.footer(
      "Columns: regs ~ is an estimate, without it ptxas measured; limit is "
      "what "
      "keeps\nmore blocks off a multiprocessor; busiest the unit with most "
      "clocks, and mma util\nthe Tensor Cores' clocks by its; coalescing bytes "
      "asked for by bytes of sectors\nmoved; conflicts the share of "
      "shared-memory "
      "passes that bank conflicts cost.\n\nColours go to terminals only, and "
      "not "
      "where NO_COLOR is set.\n\nExit codes: 0 fine; 1 a report is at fault; 2 "
      "wrong usage");
  app.set_version_flag("--version", "simcuda-report 1");
}

static std::string render(const Flags &flags) {
  Json report = readReport(flags.report);
  if (!flags.other.empty())
    return compareText(report, readReport(flags.other), flags.view);
  if (flags.json)
    return jsonText(report, flags.view);
  return flags.view.kernels.empty() ? summaryText(report, flags.view)
                                    : detailText(report, flags.view);
}

int main(int argc, char **argv) {
  CLI::App app("Shows what the simulated GPU counted", "simcuda-report");
  Flags flags;
  addFlags(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  const char *noColor = std::getenv("NO_COLOR");
  flags.view.colours = isatty(1) && !(noColor && *noColor);
  try {
    std::fputs(render(flags).c_str(), stdout);
    if (std::fflush(stdout) == 0)
      return 0;
    std::fputs("simcuda-report: error: cannot write to standard output\n",
               stderr);
  } catch (const std::exception &error) {
    std::fprintf(stderr, "simcuda-report: error: %s\n", error.what());
  }
  return 1;
}
