//===- Compare.cpp - Two reports, kernel by kernel ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each counter's value in both reports, and the second by the first. Counters
// that are 0 in both are left out.
//
//===----------------------------------------------------------------------===//

#include "tools/simcuda-report/Report.h"
#include "tools/simcuda-report/Table.h"

#include <algorithm>
#include <cstdio>
#include <map>

using namespace tenon;
using namespace tenon::tools;

using Counters = std::vector<std::pair<std::string, double>>;

static Counters countersOf(const Json &kernel) {
  Counters counters = {
      {"launches", kernel["launches"].get<double>()},
      {"registers", kernel["registers"].get<double>()},
      {"occupancy %", 100 * kernel["occupancy"]["fraction"].get<double>()},
      {"warp instructions", kernel["instructions"]["warps"].get<double>()},
      {"thread instructions", kernel["instructions"]["threads"].get<double>()},
      {"global bytes", kernel["global"]["bytes"].get<double>()},
      {"global sectors", kernel["global"]["sectors"].get<double>()},
      {"shared wavefronts", kernel["shared"]["wavefronts"].get<double>()},
      {"bank conflicts", kernel["shared"]["conflicts"].get<double>()}};
  for (const auto &[name, count] : kernel["classes"].items())
    counters.push_back({"class " + name, count["warps"].get<double>()});
  for (const auto &[name, count] : kernel["pipes"].items())
    counters.push_back({"pipe " + name, count["warps"].get<double>()});
  for (const auto &[name, flops] : kernel["mmaFlops"].items())
    counters.push_back({"mma " + name, flops.get<double>()});
  for (const auto &[name, clocks] : kernel["clocks"].items())
    counters.push_back({"clocks " + name, clocks.get<double>()});
  return counters;
}

static std::string ratioOf(double before, double after) {
  if (before == after)
    return "=";
  if (before == 0)
    return "new";
  char text[32];
  std::snprintf(text, sizeof(text), "%.3fx", after / before);
  return text;
}

static std::string kernelText(const Json &before, const Json &after,
                              const View &view) {
  Counters rows = countersOf(before);
  size_t known = rows.size();
  std::map<std::string, double> values;
  for (const auto &[name, value] : countersOf(after)) {
    values[name] = value;
    if (std::none_of(rows.begin(), rows.begin() + known,
                     [&](const auto &row) { return row.first == name; }))
      rows.push_back({name, 0});
  }
  Table table({"<counter", "first", "second", "ratio"});
  for (const auto &[name, value] : rows)
    if (value != 0 || values[name] != 0)
      table.add({name, shortNumber(value), shortNumber(values[name]),
                 ratioOf(value, values[name])});
  return bold(before["kernel"].get<std::string>(), view.colours) + "\n" +
         table.text(view.colours) + "\n";
}

std::string tools::compareText(const Json &report, const Json &other,
                               const View &view) {
  std::map<std::string, const Json *> seconds;
  for (const Json &kernel : other["kernels"])
    seconds[kernel["kernel"].get<std::string>()] = &kernel;
  View all = view;
  all.top = SIZE_MAX;
  std::string text, gone, added;
  size_t shown = 0;
  for (const Json &kernel : selectKernels(report, all)) {
    std::string name = kernel["kernel"].get<std::string>();
    auto at = seconds.find(name);
    if (at == seconds.end())
      gone += "only in the first: " + name + "\n";
    else if (shown++ < view.top)
      text += kernelText(kernel, *at->second, view);
    seconds.erase(name);
  }
  for (const Json &kernel : selectKernels(other, all))
    if (seconds.contains(kernel["kernel"].get<std::string>()))
      added +=
          "only in the second: " + kernel["kernel"].get<std::string>() + "\n";
  if (text.empty() && gone.empty() && added.empty())
    return "no kernel to compare\n";
  return text + gone + added;
}
