//===- Report.h - What tenon-run prints --------------------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Latency, profile and comparison, as text and as JSON.
// Shown by test/unit/tools/ReportTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_TOOLS_TENON_RUN_REPORT_H
#define TENON_TOOLS_TENON_RUN_REPORT_H

#include "tools/tenon-run/Inputs.h"
#include <nlohmann/json.hpp>

namespace tenon::tools {

struct Latency {
  double min = 0, p10 = 0, p50 = 0, p90 = 0, p99 = 0, mean = 0;
};

/// Of runs in seconds, as milliseconds. A percentile is the smallest time that
/// so many per cent of the runs do not exceed.
Latency summarize(std::vector<double> seconds);

/// How far an output is from its reference.
struct Difference {
  std::string name;
  std::string fault;    // shapes differ, missing …; then no numbers
  double largest = 0;   // |a - b|; infinite where only one is NaN
  double magnitude = 0; // of the reference
  double limit = 0;     // atol + rtol * magnitude
  bool passed = false;
};

/// Compares arrays by name; every one in `reference` must be there.
std::vector<Difference>
compare(const std::vector<std::pair<std::string, Array>> &outputs,
        const std::map<std::string, Array> &reference, double rtol,
        double atol);

/// Peak resident memory of this process in bytes.
uint64_t peakMemory();

std::string profileText(const std::vector<TenonProfileRow> &rows);
nlohmann::ordered_json profileJson(const std::vector<TenonProfileRow> &rows);

} // namespace tenon::tools

#endif // TENON_TOOLS_TENON_RUN_REPORT_H
