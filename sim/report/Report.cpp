//===- Report.cpp - What TENON_SIMCUDA_REPORT writes ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Shown by test/unit/sim/report/ReportTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "sim/report/Report.h"
#include "sim/report/Totals.h"

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <unistd.h>

using namespace tenon::sim;
using namespace tenon::sim::exec;
using namespace tenon::sim::report;
using Json = nlohmann::ordered_json;

namespace {

using LineKey = std::tuple<std::string, uint32_t, std::string>;
LineKey keyOf(const InstructionCounters &instruction) {
  return {instruction.function, instruction.ptxLine, instruction.ptxText};
}

/// An instruction's counters; what is counted may be scaled.
struct Line {
  InstructionCounters first;
  Totals totals;
};

/// Sums over the launches of a kernel.
struct KernelSums {
  KernelCounters first; ///< of the lowest number, without instructions
  uint64_t launches = 0, sampled = 0;
  double blocks = 0;
  Totals totals;
  std::map<LineKey, Line> lines;
};

double scaleOf(const KernelCounters &launch) {
  uint64_t blocks = launch.grid.count();
  return launch.blocksRun > 0 && launch.blocksRun < blocks
             ? double(blocks) / double(launch.blocksRun)
             : 1;
}

} // namespace

struct ReportSink::State {
  mutable std::mutex mutex;
  DeviceDescription device;
  Options options;
  size_t detailed;
  uint64_t launchCount = 0, findingCount = 0;
  std::map<uint64_t, KernelCounters> launches;
  std::map<std::string, KernelSums> kernels;
  std::map<std::string, Json> findings; ///< by what they are sorted by
};

/// A count: whole numbers without a fraction.
static Json number(double value) {
  if (value >= 0 && value < 9e15)
    return uint64_t(std::llround(value));
  return value;
}
static Json ratio(double value) { return std::round(value * 1e6) / 1e6; }

static Json dimensions(const Dim3 &dim) { return {dim.x, dim.y, dim.z}; }

static Json count(const Totals::Count &count) {
  return {{"warps", number(count.warps)}, {"threads", number(count.threads)}};
}

static Json globalOf(const Totals &totals) {
  double requested = std::ceil(totals.globalBytes / 32);
  return {
      {"bytes", number(totals.globalBytes)},
      {"requestedSectors", number(requested)},
      {"sectors", number(totals.globalSectors)},
      {"efficiency", ratio(totals.globalSectors > 0
                               ? totals.globalBytes / 32 / totals.globalSectors
                               : 1)}};
}

static Json sharedOf(const Totals &totals) {
  return {{"bytes", number(totals.sharedBytes)},
          {"wavefronts", number(totals.sharedWavefronts)},
          {"ideal", number(totals.sharedIdeal)},
          {"conflicts", number(totals.sharedWavefronts - totals.sharedIdeal)}};
}

static void putTotals(Json &json, const Totals &totals,
                      const DeviceDescription &device) {
  json["instructions"] = count(totals.all);
  Json &classes = json["classes"] = Json::object();
  for (size_t i = 0; i < totals.classes.size(); ++i)
    if (totals.classes[i].warps > 0)
      classes[opClassName(OpClass(i))] = count(totals.classes[i]);
  Json &pipes = json["pipes"] = Json::object();
  for (size_t i = 0; i < totals.pipes.size(); ++i)
    if (totals.pipes[i].warps > 0)
      pipes[pipeName(Pipe(i))] = count(totals.pipes[i]);
  json["flops"] = {{"f16", number(totals.f16Flops)},
                   {"f32", number(totals.f32Flops)},
                   {"f64", number(totals.f64Flops)}};
  Json &mma = json["mmaFlops"] = Json::object();
  for (const auto &[type, flops] : totals.mmaFlops)
    mma[type] = number(flops);
  json["global"] = globalOf(totals);
  json["global"]["uniqueReadSectors"] = number(totals.uniqueRead);
  json["global"]["uniqueWrittenSectors"] = number(totals.uniqueWritten);
  json["shared"] = sharedOf(totals);

  double most = 0, tensor = 0;
  std::string busiest;
  Json &clocks = json["clocks"] = Json::object();
  for (const auto &[unit, busy] : totals.clocks(device)) {
    clocks[unit] = number(std::ceil(busy));
    if (busy > most) {
      most = busy;
      busiest = unit;
    }
    if (unit == "tensor")
      tensor = busy;
  }
  json["busiest"] = busiest;
  json["mmaUtilization"] = ratio(most > 0 ? tensor / most : 0);
}

static Json lineOf(const Line &line) {
  const InstructionCounters &first = line.first;
  Json json = {{"function", first.function},
               {"ptxLine", first.ptxLine},
               {"text", first.ptxText},
               {"class", opClassName(first.opClass)},
               {"pipe", pipeName(first.pipe)},
               {"warps", number(line.totals.all.warps)},
               {"threads", number(line.totals.all.threads)}};
  if (first.sourceLine > 0) {
    json["sourceFile"] = first.sourceFile;
    json["sourceLine"] = first.sourceLine;
  }
  if (!first.mmaType.empty())
    json["mmaType"] = first.mmaType;
  if (line.totals.globalSectors > 0)
    json["global"] = globalOf(line.totals);
  if (line.totals.sharedWavefronts > 0)
    json["shared"] = sharedOf(line.totals);
  return json;
}

/// How a kernel was launched.
static void putLaunch(Json &json, const KernelCounters &launch) {
  json["grid"] = dimensions(launch.grid);
  json["block"] = dimensions(launch.block);
  json["sharedMemory"] = {{"static", launch.staticShared},
                          {"dynamic", launch.dynamicShared}};
  json["localBytes"] = launch.localBytes;
  json["registers"] = launch.registers;
  json["registersFrom"] = launch.registersMeasured ? "ptxas" : "estimate";
  json["occupancy"] = {{"blocks", launch.blocksPerMultiprocessor},
                       {"fraction", ratio(launch.occupancy)},
                       {"limit", launch.occupancyLimit}};
}

static Json linesOf(const std::map<LineKey, Line> &lines) {
  Json array = Json::array();
  for (const auto &[key, line] : lines)
    if (line.totals.all.warps > 0)
      array.push_back(lineOf(line));
  return array;
}

static void addLines(std::map<LineKey, Line> &lines, Totals &totals,
                     const KernelCounters &launch, double scale) {
  for (const InstructionCounters &instruction : launch.instructions) {
    totals.add(instruction, scale);
    auto [at, isNew] = lines.try_emplace(keyOf(instruction));
    if (isNew)
      at->second.first = instruction;
    at->second.totals.add(instruction, scale);
  }
  totals.uniqueRead += scale * double(launch.uniqueReadSectors);
  totals.uniqueWritten += scale * double(launch.uniqueWrittenSectors);
}

static Json launchOf(const KernelCounters &launch,
                     const DeviceDescription &device) {
  Json json = {{"number", launch.launch}, {"kernel", launch.kernel}};
  putLaunch(json, launch);
  json["blocks"] = launch.grid.count();
  json["blocksRun"] = launch.blocksRun;
  json["scale"] = ratio(scaleOf(launch));
  Totals totals;
  std::map<LineKey, Line> lines;
  addLines(lines, totals, launch, 1);
  putTotals(json, totals, device);
  json["lines"] = linesOf(lines);
  return json;
}

static Json kernelOf(const KernelSums &sums, const DeviceDescription &device) {
  Json json = {{"kernel", sums.first.kernel},
               {"launches", sums.launches},
               {"sampledLaunches", sums.sampled}};
  putLaunch(json, sums.first);
  json["blocks"] = number(sums.blocks);
  putTotals(json, sums.totals, device);
  json["lines"] = linesOf(sums.lines);
  return json;
}

static Json deviceOf(const DeviceDescription &device) {
  Json throughputs = Json::object();
  for (const auto &entry : device.throughputs)
    throughputs[entry.name] = entry.perClock;
  return {{"key", device.key},
          {"name", device.name},
          {"sm", device.sm},
          {"multiprocessors", device.multiprocessors},
          {"clockHz", device.clockHz},
          {"memoryBandwidth", device.memoryBandwidth},
          {"maxWarps", device.maxWarps},
          {"throughputs", throughputs}};
}

static Json optionsOf(const Options &options) {
  static constexpr std::pair<uint32_t, const char *> kChecks[] = {
      {CheckBounds, "bounds"},
      {CheckAlignment, "alignment"},
      {CheckUninitialized, "uninitialized"},
      {CheckSharedRaces, "shared-races"},
      {CheckGlobalRaces, "global-races"},
      {CheckAsyncCopies, "async-copies"},
      {CheckBarriers, "barriers"},
      {CheckLimits, "limits"},
      {CheckStreams, "streams"}};
  static constexpr const char *kSchedules[] = {"eager", "lazy", "random"};
  Json checks = Json::array();
  for (const auto &[bit, name] : kChecks)
    if (options.checks & bit)
      checks.push_back(name);
  return {{"schedule", kSchedules[size_t(options.schedule)]},
          {"seed", options.seed},
          {"checks", checks},
          {"deterministic", options.deterministic},
          {"mma", options.mma == MmaModel::Exact ? "exact" : "device"},
          {"sampleBlocks", options.sampleBlocks}};
}

static const char *faultName(Fault fault) {
  switch (fault) {
  case Fault::None:
    return "none";
  case Fault::IllegalAddress:
    return "illegal-address";
  case Fault::MisalignedAddress:
    return "misaligned-address";
  case Fault::InvalidAddressSpace:
    return "invalid-address-space";
  case Fault::InvalidPc:
    return "invalid-pc";
  case Fault::IllegalInstruction:
    return "illegal-instruction";
  case Fault::HardwareStackError:
    return "hardware-stack-error";
  case Fault::Assert:
    return "assert";
  case Fault::Trap:
    return "trap";
  case Fault::Timeout:
    return "timeout";
  case Fault::OutOfResources:
    return "out-of-resources";
  case Fault::CooperativeTooLarge:
    return "cooperative-too-large";
  }
  return "unknown";
}

static Json findingOf(const Finding &finding) {
  Json json = {{"what", finding.what},
               {"fault", faultName(finding.fault)},
               {"kernel", finding.kernel},
               {"ptxLine", finding.ptxLine},
               {"text", finding.ptxText},
               {"block", dimensions(finding.block)},
               {"thread", dimensions(finding.thread)},
               {"count", finding.count}};
  if (finding.sourceLine > 0) {
    json["sourceFile"] = finding.sourceFile;
    json["sourceLine"] = finding.sourceLine;
  }
  if (finding.hasAddress)
    json["address"] = finding.address;
  if (!finding.note.empty())
    json["note"] = finding.note;
  return json;
}

ReportSink::ReportSink(const DeviceDescription &device, const Options &options,
                       size_t detailed)
    : state(std::make_unique<State>()) {
  state->device = device;
  state->options = options;
  state->detailed = detailed;
}
ReportSink::~ReportSink() = default;

void ReportSink::addLaunch(const KernelCounters &counters) {
  std::lock_guard lock(state->mutex);
  ++state->launchCount;
  KernelSums &sums = state->kernels[counters.kernel];
  if (sums.launches == 0 || counters.launch < sums.first.launch) {
    sums.first = counters;
    sums.first.instructions.clear();
  }
  double scale = scaleOf(counters);
  ++sums.launches;
  sums.sampled += scale != 1;
  sums.blocks += double(counters.grid.count());
  addLines(sums.lines, sums.totals, counters, scale);
  state->launches.insert_or_assign(counters.launch, counters);
  if (state->launches.size() > state->detailed)
    state->launches.erase(std::prev(state->launches.end()));
}

void ReportSink::addFinding(const Finding &finding) {
  std::lock_guard lock(state->mutex);
  ++state->findingCount;
  char line[16];
  std::snprintf(line, sizeof(line), "%010u", finding.ptxLine);
  Json json = findingOf(finding);
  std::string key = finding.kernel + '\0' + line + '\0' +
                    json.dump(-1, ' ', false, Json::error_handler_t::replace);
  auto [at, isNew] = state->findings.try_emplace(key, json);
  // The same one again, of a later launch.
  if (!isNew)
    at->second["count"] = at->second["count"].get<uint64_t>() + finding.count;
  if (state->findings.size() > kMaxFindings)
    state->findings.erase(std::prev(state->findings.end()));
}

std::string ReportSink::text() const {
  std::lock_guard lock(state->mutex);
  Json json = {{"version", 1}};
  json["device"] = deviceOf(state->device);
  json["options"] = optionsOf(state->options);
  json["launchCount"] = state->launchCount;
  Json &kernels = json["kernels"] = Json::array();
  for (const auto &[name, sums] : state->kernels)
    kernels.push_back(kernelOf(sums, state->device));
  Json &launches = json["launches"] = Json::array();
  for (const auto &[number, launch] : state->launches)
    launches.push_back(launchOf(launch, state->device));
  json["findingCount"] = state->findingCount;
  Json &findings = json["findings"] = Json::array();
  for (const auto &[key, finding] : state->findings)
    findings.push_back(finding);
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string ReportSink::write(const std::string &path) const {
  std::string report = text();
  std::string temporary = path + ".tmp." + std::to_string(getpid());
  auto failure = [&] {
    std::string message = path + ": cannot write the report: " +
                          std::strerror(errno ? errno : EIO);
    std::remove(temporary.c_str());
    return message;
  };
  errno = 0;
  {
    std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
    file << report;
    file.close();
    if (!file)
      return failure();
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0)
    return failure();
  return "";
}
