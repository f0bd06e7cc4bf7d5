//===- Report.h - What TENON_SIMCUDA_REPORT writes --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Collects the counters of launches and the findings of checks, and writes them
// as JSON (docs/simcuda-report.schema.json):
//
//   device, options
//   kernels    one entry a kernel: sums over its launches, and by PTX line
//   launches   the first ones, each by itself
//   findings
//
// The text depends only on what was added, not on the order of threads: all is
// sorted, and holds no times of the host.
//
// Of a launch of which only some blocks ran, `launches` has what was counted,
// and `kernels` what the whole grid would have, blocks of the grid / blocks run
// times as much. Unique sectors, which blocks share, are then too many.
//
// Threads: every member function locks.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_REPORT_REPORT_H
#define TENON_SIM_REPORT_REPORT_H

#include "sim/exec/Counters.h"
#include "sim/exec/Launch.h"

#include <memory>
#include <string>

namespace tenon::sim::report {

class ReportSink {
public:
  /// Keeps the `detailed` launches with the lowest numbers, and at most
  /// kMaxFindings findings.
  ReportSink(const DeviceDescription &device, const Options &options,
             size_t detailed = 16);
  ~ReportSink();
  ReportSink(const ReportSink &) = delete;
  ReportSink &operator=(const ReportSink &) = delete;

  void addLaunch(const exec::KernelCounters &counters);
  void addFinding(const exec::Finding &finding);

  /// The report as of now.
  std::string text() const;

  /// Writes it under a temporary name beside `path`, then renames. What went
  /// wrong, for a message; empty: nothing.
  std::string write(const std::string &path) const;

  static constexpr size_t kMaxFindings = 1000;

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace tenon::sim::report

#endif // TENON_SIM_REPORT_REPORT_H
