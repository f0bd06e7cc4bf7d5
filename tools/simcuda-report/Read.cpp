//===- Read.cpp - A report file to checked JSON ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Checks what the tables take for granted: each field that they use is there
// and of its kind.
//
//===----------------------------------------------------------------------===//

#include "tools/simcuda-report/Report.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

using namespace tenon;
using namespace tenon::tools;

namespace {

class Checker {
public:
  explicit Checker(const std::string &file) : file(file) {}

  [[noreturn]] void fail(const std::string &what) const {
    throw BadReport(file + ": " + what +
                    "; expected a report that TENON_SIMCUDA_REPORT wrote");
  }

  const Json &field(const Json &object, const std::string &path,
                    const char *name) const {
    if (!object.is_object())
      fail(path + " is no object");
    auto at = object.find(name);
    if (at == object.end())
      fail((path.empty() ? "" : path + ": ") + "missing '" + name + "'");
    return *at;
  }
  void numbers(const Json &object, const std::string &path,
               std::initializer_list<const char *> names) const {
    for (const char *name : names)
      if (const Json &value = field(object, path, name);
          !value.is_number() || value < 0)
        fail(path + "." + name + " is no count");
  }
  void texts(const Json &object, const std::string &path,
             std::initializer_list<const char *> names) const {
    for (const char *name : names)
      if (!field(object, path, name).is_string())
        fail(path + "." + name + " is no text");
  }
  const Json &array(const Json &object, const std::string &path,
                    const char *name) const {
    const Json &value = field(object, path, name);
    if (!value.is_array())
      fail((path.empty() ? "" : path + ".") + name + " is no list");
    return value;
  }

private:
  const std::string &file;
};

} // namespace

static void checkMemory(const Checker &check, const Json &object,
                        const std::string &path, bool required) {
  if (required || object.contains("global"))
    check.numbers(check.field(object, path, "global"), path + ".global",
                  {"bytes", "sectors", "requestedSectors", "efficiency"});
  if (required || object.contains("shared"))
    check.numbers(check.field(object, path, "shared"), path + ".shared",
                  {"bytes", "wavefronts", "ideal", "conflicts"});
}

static void checkLine(const Checker &check, const Json &line,
                      const std::string &path) {
  check.texts(line, path, {"function", "text", "class", "pipe"});
  check.numbers(line, path, {"ptxLine", "warps", "threads"});
  if (line.contains("sourceLine")) {
    check.numbers(line, path, {"sourceLine"});
    check.texts(line, path, {"sourceFile"});
  }
  checkMemory(check, line, path, false);
}

static void checkKernel(const Checker &check, const Json &kernel,
                        const std::string &path) {
  check.texts(kernel, path, {"kernel", "busiest", "registersFrom"});
  check.numbers(kernel, path,
                {"launches", "sampledLaunches", "registers", "localBytes",
                 "blocks", "mmaUtilization"});
  for (const char *name : {"grid", "block"}) {
    const Json &dimensions = check.array(kernel, path, name);
    if (dimensions.size() != 3 || !dimensions[0].is_number() ||
        !dimensions[1].is_number() || !dimensions[2].is_number())
      check.fail(path + "." + name + " is not x, y, z");
  }
  check.numbers(check.field(kernel, path, "sharedMemory"),
                path + ".sharedMemory", {"static", "dynamic"});
  check.numbers(check.field(kernel, path, "occupancy"), path + ".occupancy",
                {"blocks", "fraction"});
  check.texts(kernel["occupancy"], path + ".occupancy", {"limit"});
  check.numbers(check.field(kernel, path, "instructions"),
                path + ".instructions", {"warps", "threads"});
  check.numbers(check.field(kernel, path, "flops"), path + ".flops",
                {"f16", "f32", "f64"});
  for (const char *name : {"classes", "pipes"})
    for (const auto &[key, count] : check.field(kernel, path, name).items())
      check.numbers(count, path + "." + name + "." + key, {"warps", "threads"});
  for (const char *name : {"mmaFlops", "clocks"})
    for (const auto &[key, count] : check.field(kernel, path, name).items())
      if (!count.is_number())
        check.fail(path + "." + name + "." + key + " is no count");
  checkMemory(check, kernel, path, true);
  const Json &lines = check.array(kernel, path, "lines");
  for (size_t i = 0; i < lines.size(); ++i)
    checkLine(check, lines[i], path + ".lines[" + std::to_string(i) + "]");
}

Json tools::readReport(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf()))
    throw BadReport(path + ": cannot read the report: " +
                    std::strerror(errno ? errno : EIO));
  Checker check(path);
  Json report = Json::parse(text.str(), nullptr, false);
  if (report.is_discarded() || !report.is_object())
    check.fail("not a JSON object");
  if (check.field(report, "", "version") != 1)
    throw BadReport(path + ": version " + report["version"].dump() +
                    ", expected 1; use the simcuda-report of the simulator "
                    "that wrote it");
  check.texts(check.field(report, "", "device"), "device", {"key", "name"});
  check.numbers(report, "", {"launchCount", "findingCount"});
  const Json &kernels = check.array(report, "", "kernels");
  for (size_t i = 0; i < kernels.size(); ++i)
    checkKernel(check, kernels[i], "kernels[" + std::to_string(i) + "]");
  const Json &findings = check.array(report, "", "findings");
  for (size_t i = 0; i < findings.size(); ++i) {
    std::string at = "findings[" + std::to_string(i) + "]";
    check.texts(findings[i], at, {"what", "kernel", "text"});
    check.numbers(findings[i], at, {"ptxLine", "count"});
  }
  return report;
}
