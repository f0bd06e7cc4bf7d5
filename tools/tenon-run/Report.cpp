//===- Report.cpp - What tenon-run prints ---------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/tenon-run/Report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sys/resource.h>

using namespace tenon;
using namespace tenon::tools;

Latency tenon::tools::summarize(std::vector<double> seconds) {
  Latency latency;
  if (seconds.empty())
    return latency;
  std::sort(seconds.begin(), seconds.end());
  auto percentile = [&](double percent) {
    size_t rank = size_t(std::ceil(percent / 100 * double(seconds.size())));
    return 1e3 * seconds[std::max<size_t>(rank, 1) - 1];
  };
  double sum = 0;
  for (double time : seconds)
    sum += time;
  latency.min = 1e3 * seconds.front();
  latency.p10 = percentile(10);
  latency.p50 = percentile(50);
  latency.p90 = percentile(90);
  latency.p99 = percentile(99);
  latency.mean = 1e3 * sum / double(seconds.size());
  return latency;
}

static Difference compareOne(const std::string &name, const Array &actual,
                             const Array &expected, double rtol, double atol) {
  Difference result;
  result.name = name;
  if (actual.shape != expected.shape) {
    result.fault = "shape " + shapeText(actual.shape) + ", expected " +
                   shapeText(expected.shape);
    return result;
  }
  std::vector<double> a, b;
  if (!toDoubles(actual, a) || !toDoubles(expected, b) ||
      a.size() != b.size()) {
    result.fault =
        "type " + actual.type + " cannot be compared with " + expected.type;
    return result;
  }
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::isfinite(b[i]))
      result.magnitude = std::max(result.magnitude, std::fabs(b[i]));
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i])))
      continue;
    double difference = std::fabs(a[i] - b[i]);
    result.largest = std::isfinite(difference)
                         ? std::max(result.largest, difference)
                         : INFINITY;
  }
  result.limit = atol + rtol * result.magnitude;
  result.passed = result.largest <= result.limit;
  return result;
}

std::vector<Difference>
tenon::tools::compare(const std::vector<std::pair<std::string, Array>> &outputs,
                      const std::map<std::string, Array> &reference,
                      double rtol, double atol) {
  std::vector<Difference> differences;
  for (const auto &[name, expected] : reference) {
    const std::string &wanted = name;
    auto found =
        std::find_if(outputs.begin(), outputs.end(), [&](const auto &output) {
          return output.first == wanted;
        });
    if (found == outputs.end()) {
      Difference missing;
      missing.name = name;
      missing.fault = "the engine has no such output";
      differences.push_back(missing);
      continue;
    }
    differences.push_back(
        compareOne(name, found->second, expected, rtol, atol));
  }
  return differences;
}

uint64_t tenon::tools::peakMemory() {
  struct rusage usage;
  return getrusage(RUSAGE_SELF, &usage) == 0 ? uint64_t(usage.ru_maxrss) * 1024
                                             : 0;
}

static std::string nodeText(const TenonProfileRow &row) {
  std::string text;
  for (int32_t i = 0; i < row.node_count; ++i)
    text += (i ? ", " : "") + std::string(row.nodes[i]);
  return text;
}

static std::vector<TenonProfileRow>
slowestFirst(std::vector<TenonProfileRow> rows) {
  rows.erase(std::remove_if(rows.begin(), rows.end(),
                            [](const auto &row) { return row.calls == 0; }),
             rows.end());
  std::sort(rows.begin(), rows.end(),
            [](const auto &a, const auto &b) { return a.seconds > b.seconds; });
  return rows;
}

std::string
tenon::tools::profileText(const std::vector<TenonProfileRow> &given) {
  std::vector<TenonProfileRow> rows = slowestFirst(given);
  double total = 0;
  size_t kernelWidth = 6, scheduleWidth = 8;
  for (const TenonProfileRow &row : rows) {
    total += row.seconds;
    kernelWidth = std::max(kernelWidth, std::string(row.kernel).size());
    scheduleWidth = std::max(scheduleWidth, std::string(row.schedule).size());
  }
  kernelWidth = std::min<size_t>(kernelWidth, 44);
  scheduleWidth = std::min<size_t>(scheduleWidth, 36);
  std::string text;
  char line[512];
  std::snprintf(line, sizeof(line), "%10s %6s %9s %8s  %-*s  %-*s  %s\n",
                "time us", "share", "GFLOP/s", "GB/s", int(kernelWidth),
                "kernel", int(scheduleWidth), "schedule", "ONNX nodes");
  text += line;
  for (const TenonProfileRow &row : rows) {
    std::snprintf(line, sizeof(line),
                  "%10.2f %5.1f%% %9.2f %8.2f  %-*.*s  %-*.*s  ",
                  1e6 * row.seconds / double(row.calls),
                  total > 0 ? 100 * row.seconds / total : 0,
                  row.seconds > 0 ? 1e-9 * row.flops / row.seconds : 0,
                  row.seconds > 0 ? 1e-9 * row.bytes / row.seconds : 0,
                  int(kernelWidth), int(kernelWidth), row.kernel,
                  int(scheduleWidth), int(scheduleWidth), row.schedule);
    text += line + nodeText(row) + "\n";
  }
  return text;
}

nlohmann::ordered_json
tenon::tools::profileJson(const std::vector<TenonProfileRow> &given) {
  std::vector<TenonProfileRow> rows = slowestFirst(given);
  double total = 0;
  for (const TenonProfileRow &row : rows)
    total += row.seconds;
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const TenonProfileRow &row : rows) {
    std::vector<std::string> nodes(row.nodes, row.nodes + row.node_count);
    list.push_back(
        {{"kernel", row.kernel},
         {"family", row.family},
         {"schedule", row.schedule},
         {"nodes", nodes},
         {"calls", row.calls},
         {"time_us", 1e6 * row.seconds / double(row.calls)},
         {"share", total > 0 ? row.seconds / total : 0},
         {"gflops", row.seconds > 0 ? 1e-9 * row.flops / row.seconds : 0},
         {"gbytes_per_s",
          row.seconds > 0 ? 1e-9 * row.bytes / row.seconds : 0}});
  }
  return list;
}
