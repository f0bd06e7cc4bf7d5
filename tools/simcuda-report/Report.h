//===- Report.h - The parts of simcuda-report -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   Read      a report file to JSON, checked so that the rest can trust it
//   Show      tables of its kernels, of one in detail, of its findings
//   Compare   two reports, kernel by kernel
//
//===----------------------------------------------------------------------===//

#ifndef TENON_TOOLS_SIMCUDA_REPORT_REPORT_H
#define TENON_TOOLS_SIMCUDA_REPORT_REPORT_H

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace tenon::tools {

using Json = nlohmann::ordered_json;

/// What is wrong with a file, with the file's name and the cure.
struct BadReport : std::runtime_error {
  using std::runtime_error::runtime_error;
};

Json readReport(const std::string &path);

struct View {
  std::string kernels; ///< a regular expression; empty: all, as a summary
  std::string sort = "instructions";
  size_t top = 20;
  bool colours = false;
};

/// What kernels can be sorted by.
const std::vector<std::string> &sortKeys();

/// Keeps the kernels that match, in order, at most `top` of them.
std::vector<Json> selectKernels(const Json &report, const View &view);

std::string summaryText(const Json &report, const View &view);
std::string detailText(const Json &report, const View &view);
/// The selected kernels with everything.
std::string jsonText(const Json &report, const View &view);
/// `other` measured against `report`.
std::string compareText(const Json &report, const Json &other,
                        const View &view);

} // namespace tenon::tools

#endif // TENON_TOOLS_SIMCUDA_REPORT_REPORT_H
