//===- Show.cpp - Tables of a report --------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/simcuda-report/Report.h"
#include "tools/simcuda-report/Table.h"

#include <algorithm>
#include <regex>

using namespace tenon;
using namespace tenon::tools;

const std::vector<std::string> &tools::sortKeys() {
  static const std::vector<std::string> kKeys = {
      "instructions", "mma",       "sectors",  "efficiency",
      "conflicts",    "occupancy", "launches", "name"};
  return kKeys;
}

static double warpsOf(const Json &kernel) {
  return kernel["instructions"]["warps"].get<double>();
}
static double mmaOf(const Json &kernel) {
  double sum = 0;
  for (const auto &[type, flops] : kernel["mmaFlops"].items())
    sum += flops.get<double>();
  return sum;
}

/// What is greatest comes first; the least efficient and the least occupied
/// are what one looks for.
static double weight(const Json &kernel, const std::string &sort) {
  if (sort == "mma")
    return mmaOf(kernel);
  if (sort == "sectors")
    return kernel["global"]["sectors"].get<double>();
  if (sort == "efficiency")
    return -kernel["global"]["efficiency"].get<double>();
  if (sort == "conflicts")
    return kernel["shared"]["conflicts"].get<double>();
  if (sort == "occupancy")
    return -kernel["occupancy"]["fraction"].get<double>();
  if (sort == "launches")
    return kernel["launches"].get<double>();
  return sort == "name" ? 0 : warpsOf(kernel);
}

/// Puts what weighs most first, at most `top` of it; equals keep their order.
template <typename T, typename F>
static std::vector<T> heaviest(const std::vector<T> &values, size_t top,
                               F weight) {
  std::vector<std::pair<double, size_t>> order;
  for (size_t i = 0; i < values.size(); ++i)
    order.push_back({-weight(values[i]), i});
  std::sort(order.begin(), order.end());
  std::vector<T> result;
  for (size_t i = 0; i < std::min(top, order.size()); ++i)
    result.push_back(values[order[i].second]);
  return result;
}

std::vector<Json> tools::selectKernels(const Json &report, const View &view) {
  std::vector<Json> kernels;
  std::regex wanted;
  try {
    wanted = view.kernels;
  } catch (const std::regex_error &) {
    throw BadReport("--kernel=" + view.kernels +
                    ": not a regular expression (ECMAScript); quote characters "
                    "like ( and * with a backslash");
  }
  for (const Json &kernel : report["kernels"])
    if (std::regex_search(kernel["kernel"].get<std::string>(), wanted))
      kernels.push_back(kernel);
  return heaviest(kernels, view.top, [&](const Json &kernel) {
    return weight(kernel, view.sort);
  });
}

static std::string orDash(const Json &text) {
  return text == "" ? "-" : text.get<std::string>();
}
static std::string efficiencyOf(const Json &global) {
  return global["sectors"] > 0 ? percent(global["efficiency"].get<double>())
                               : "-";
}
/// Wavefronts more than needed, as a share of all.
static std::string conflictsOf(const Json &shared) {
  double wavefronts = shared["wavefronts"].get<double>();
  return wavefronts > 0
             ? percent(shared["conflicts"].get<double>() / wavefronts)
             : "-";
}
static std::string dimensions(const Json &dim) {
  std::string text = dim[0].dump();
  if (dim[1] != 1 || dim[2] != 1)
    text += "x" + dim[1].dump();
  if (dim[2] != 1)
    text += "x" + dim[2].dump();
  return text;
}

static std::string header(const Json &report) {
  return report["device"]["name"].get<std::string>() + ", " +
         report["launchCount"].dump() + " launches of " +
         std::to_string(report["kernels"].size()) + " kernels, " +
         report["findingCount"].dump() + " findings\n";
}

static std::string findingsText(const Json &report, const View &view) {
  std::string text;
  size_t shown = 0;
  for (const Json &finding : report["findings"]) {
    if (shown++ == view.top) {
      text += "... and " +
              std::to_string(report["findings"].size() - view.top) +
              " more, see --top\n";
      break;
    }
    text += finding["kernel"].get<std::string>() + ": " +
            finding["what"].get<std::string>() + ", " +
            finding["count"].dump() +
            " times\n  ptx:" + finding["ptxLine"].dump() + ": " +
            finding["text"].get<std::string>() + "\n";
  }
  return text.empty() ? ""
                      : "\n" + bold("findings", view.colours) + "\n" + text;
}

std::string tools::summaryText(const Json &report, const View &view) {
  double all = 0;
  for (const Json &kernel : report["kernels"])
    all += warpsOf(kernel);
  Table table({"<kernel", "launches", "warp instr", "share", "regs",
               "occupancy", "<limit", "<busiest", "mma util", "sectors",
               "coalescing", "conflicts"});
  bool sampled = false;
  for (const Json &kernel : selectKernels(report, view)) {
    bool partly = kernel["sampledLaunches"] > 0;
    sampled |= partly;
    table.add({kernel["kernel"].get<std::string>() + (partly ? " *" : ""),
               kernel["launches"].dump(), shortNumber(warpsOf(kernel)),
               percent(all > 0 ? warpsOf(kernel) / all : 0),
               kernel["registers"].dump() +
                   (kernel["registersFrom"] == "ptxas" ? "" : "~"),
               percent(kernel["occupancy"]["fraction"].get<double>()),
               orDash(kernel["occupancy"]["limit"]), orDash(kernel["busiest"]),
               mmaOf(kernel) > 0
                   ? percent(kernel["mmaUtilization"].get<double>())
                   : "-",
               shortNumber(kernel["global"]["sectors"].get<double>()),
               efficiencyOf(kernel["global"]), conflictsOf(kernel["shared"])});
  }
  std::string text = header(report) + "\n";
  text +=
      table.isEmpty() ? "no kernel was launched\n" : table.text(view.colours);
  if (sampled)
    text += "* only some blocks ran: scaled to the whole grid\n";
  return text + findingsText(report, view);
}

static std::string countsText(const Json &counts, double all, const char *name,
                              bool colours) {
  std::vector<std::string> keys;
  for (const auto &[key, count] : counts.items())
    keys.push_back(key);
  auto warpsOf = [&](const std::string &key) {
    return counts[key]["warps"].get<double>();
  };
  Table table({std::string("<") + name, "warp instr", "share", "lanes"});
  for (const std::string &key : heaviest(keys, keys.size(), warpsOf))
    table.add({key, shortNumber(warpsOf(key)),
               percent(all > 0 ? warpsOf(key) / all : 0),
               percent(counts[key]["threads"].get<double>() / 32 /
                       std::max(warpsOf(key), 1.0))});
  return table.isEmpty() ? "" : table.text(colours) + "\n";
}

static std::string sourceOf(const Json &line) {
  if (!line.contains("sourceLine"))
    return "-";
  std::string file = line["sourceFile"].get<std::string>();
  return file.substr(file.find_last_of('/') + 1) + ":" +
         line["sourceLine"].dump();
}

/// A table of the lines with the greatest `weight`; those without any are left
/// out.
template <typename F>
static std::string linesText(const Json &kernel, const View &view,
                             const char *title, F weight) {
  std::vector<const Json *> lines;
  for (const Json &line : kernel["lines"])
    if (weight(line) > 0)
      lines.push_back(&line);
  Table table({"ptx", "<source", "warp instr", "coalescing", "conflicts",
               "<instruction"});
  for (const Json *line :
       heaviest(lines, view.top, [&](const Json *l) { return weight(*l); }))
    table.add({(*line)["ptxLine"].dump(), sourceOf(*line),
               shortNumber((*line)["warps"].get<double>()),
               line->contains("global") ? efficiencyOf((*line)["global"]) : "-",
               line->contains("shared") ? conflictsOf((*line)["shared"]) : "-",
               (*line)["text"].get<std::string>()});
  return table.isEmpty() ? ""
                         : bold(title, view.colours) + "\n" +
                               table.text(view.colours) + "\n";
}

static std::string kernelText(const Json &kernel, const View &view) {
  std::string text =
      bold(kernel["kernel"].get<std::string>(), view.colours) + "\n";
  text += "  launches    " + kernel["launches"].dump() + ", the first with " +
          dimensions(kernel["grid"]) + " blocks of " +
          dimensions(kernel["block"]) + " threads";
  if (kernel["sampledLaunches"] > 0)
    text += "; " + kernel["sampledLaunches"].dump() +
            " ran only some blocks: scaled";
  text += "\n  registers   " + kernel["registers"].dump() +
          (kernel["registersFrom"] == "ptxas" ? " (ptxas)" : " (estimate)") +
          ", local " + kernel["localBytes"].dump() + " bytes\n  shared      " +
          kernel["sharedMemory"]["static"].dump() + " static + " +
          kernel["sharedMemory"]["dynamic"].dump() +
          " dynamic bytes\n  occupancy   " +
          percent(kernel["occupancy"]["fraction"].get<double>()) + ", " +
          kernel["occupancy"]["blocks"].dump() + " blocks, limited by " +
          orDash(kernel["occupancy"]["limit"]) + "\n  global      " +
          shortNumber(kernel["global"]["bytes"].get<double>()) + " bytes, " +
          shortNumber(kernel["global"]["sectors"].get<double>()) +
          " sectors, coalescing " + efficiencyOf(kernel["global"]) +
          "\n  shared      " +
          shortNumber(kernel["shared"]["wavefronts"].get<double>()) +
          " wavefronts, conflicts " + conflictsOf(kernel["shared"]) + "\n";
  for (const char *type : {"f16", "f32", "f64"})
    if (double flops = kernel["flops"][type].get<double>(); flops > 0)
      text += std::string("  ") + type + "         " + shortNumber(flops) +
              " flops\n";
  for (const auto &[type, flops] : kernel["mmaFlops"].items())
    text += "  mma         " + type + ": " + shortNumber(flops.get<double>()) +
            " operations\n";
  if (!kernel["busiest"].get<std::string>().empty())
    text += "  busiest     " + kernel["busiest"].get<std::string>() +
            ", Tensor Cores at " +
            percent(kernel["mmaUtilization"].get<double>()) + " of it\n";
  text += "\n";
  double all = warpsOf(kernel);
  text += countsText(kernel["classes"], all, "class", view.colours);
  text += countsText(kernel["pipes"], all, "pipe", view.colours);
  text += linesText(kernel, view, "hottest instructions", [](const Json &line) {
    return line["warps"].get<double>();
  });
  text += linesText(kernel, view, "bank conflicts", [](const Json &line) {
    return line.contains("shared") ? line["shared"]["conflicts"].get<double>()
                                   : 0;
  });
  text += linesText(kernel, view, "uncoalesced accesses", [](const Json &line) {
    // Sectors of which no byte was asked for.
    return line.contains("global")
               ? line["global"]["sectors"].get<double>() -
                     line["global"]["requestedSectors"].get<double>()
               : 0;
  });
  return text;
}

static void requireKernels(const std::vector<Json> &kernels, const Json &report,
                           const View &view) {
  if (!kernels.empty() || view.kernels.empty())
    return;
  std::string known;
  for (const Json &kernel : report["kernels"])
    known += (known.empty() ? "" : ", ") + kernel["kernel"].get<std::string>();
  throw BadReport("--kernel=" + view.kernels +
                  ": no kernel matches, expected one of " + known);
}

std::string tools::detailText(const Json &report, const View &view) {
  std::vector<Json> kernels = selectKernels(report, view);
  requireKernels(kernels, report, view);
  std::string text = header(report) + "\n";
  for (const Json &kernel : kernels)
    text += kernelText(kernel, view);
  return text;
}

std::string tools::jsonText(const Json &report, const View &view) {
  std::vector<Json> kernels = selectKernels(report, view);
  requireKernels(kernels, report, view);
  Json json = {{"device", report["device"]}, {"kernels", kernels}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}
