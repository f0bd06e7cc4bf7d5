//===- Environment.cpp - TENON_SIMCUDA_* ----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each variable is a list of items between commas; a reader throws a Mistake at
// the first that it does not know.
//
// Tests: test/unit/sim/driver/EnvironmentTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "sim/driver/Environment.h"
#include "sim/report/Ptxas.h"

#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <vector>

using namespace tenon::sim;
using namespace tenon::sim::driver;

namespace {

struct Mistake {
  std::string text;
};

struct Item {
  const char *variable;
  std::string_view text;
  size_t column; ///< from 1

  [[noreturn]] void fail(const std::string &why,
                         const std::string &cure) const {
    throw Mistake{std::string(variable) + ": '" + std::string(text) +
                  "' at character " + std::to_string(column) + " " + why +
                  "; " + cure};
  }
};

std::vector<Item> itemsOf(const char *variable, std::string_view text) {
  std::vector<Item> items;
  for (size_t at = 0; at <= text.size();) {
    size_t end = std::min(text.find(',', at), text.size());
    items.push_back({variable, text.substr(at, end - at), at + 1});
    at = end + 1;
  }
  return items;
}

/// `name=value` in two; the value is missing if there is no `=`.
struct Assignment {
  std::string_view name;
  std::optional<std::string_view> value;
};
Assignment split(std::string_view text) {
  size_t at = text.find('=');
  if (at == text.npos)
    return {text, std::nullopt};
  return {text.substr(0, at), text.substr(at + 1)};
}

std::optional<uint64_t> readNumber(std::string_view text) {
  uint64_t value = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

uint64_t numberOf(const Item &item, std::optional<std::string_view> text,
                  const std::string &example) {
  if (std::optional<uint64_t> value = readNumber(text.value_or("")))
    return *value;
  item.fail("has no whole number", "expected, for example, " + example);
}

void readSchedule(const Item &item, Options &options) {
  std::string_view text = item.text;
  if (text == "eager") {
    options.schedule = Schedule::Eager;
  } else if (text == "lazy") {
    options.schedule = Schedule::Lazy;
  } else if (text == "random") {
    options.schedule = Schedule::Random;
  } else if (text.starts_with("random:")) {
    options.schedule = Schedule::Random;
    options.seed = numberOf(item, text.substr(7), "random:7");
  } else {
    item.fail("is no schedule", "expected eager, lazy, random or random:SEED");
  }
}

struct CheckName {
  const char *name;
  uint32_t bit;
};
constexpr CheckName kCheckNames[] = {
    {"bounds", CheckBounds},
    {"alignment", CheckAlignment},
    {"uninitialized", CheckUninitialized},
    {"shared-races", CheckSharedRaces},
    {"global-races", CheckGlobalRaces},
    {"async-copies", CheckAsyncCopies},
    {"barriers", CheckBarriers},
    {"limits", CheckLimits},
    {"streams", CheckStreams},
};

void readCheck(const Item &item, Options &options) {
  std::string_view name = item.text;
  if (name == "all") {
    options.checks = kAllChecks;
  } else if (name == "none") {
    options.checks = CheckAlignment;
  } else if (name == "default") {
    options.checks = kDefaultChecks;
  } else {
    bool off = name.starts_with("-");
    if (off)
      name.remove_prefix(1);
    std::string names;
    for (const CheckName &check : kCheckNames) {
      names += std::string(check.name) + ", ";
      if (name != check.name)
        continue;
      if (off && check.bit == CheckAlignment)
        item.fail("cannot be switched off",
                  "a misaligned access is a fault on every device");
      options.checks =
          off ? options.checks & ~check.bit : options.checks | check.bit;
      return;
    }
    item.fail("is no check",
              "expected all, none, default, or (with '-' before it to switch "
              "it off) one of " +
                  names.substr(0, names.size() - 2));
  }
}

void readOption(const Item &item, Options &options) {
  auto [name, value] = split(item.text);
  if (name == "deterministic" && (value == "0" || value == "1"))
    options.deterministic = value == "1";
  else if (name == "counters" && (value == "0" || value == "1"))
    options.counters = value == "1";
  else if (name == "mma" && (value == "device" || value == "exact"))
    options.mma = value == "exact" ? MmaModel::Exact : MmaModel::Device;
  else if (name == "threads")
    options.threads = unsigned(
        std::min<uint64_t>(numberOf(item, value, "threads=2"), 1u << 16));
  else if (name == "watchdog")
    options.watchdog = numberOf(item, value, "watchdog=100000000");
  else
    item.fail("is no option",
              "expected deterministic=0|1, counters=0|1, mma=device|exact, "
              "threads=N or watchdog=N");
}

/// `10x` or `100ms`, `5s`, `20us`.
void readSlowCopies(const Item &item, std::string_view text, Faults &faults) {
  double value = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  std::string_view unit(end, size_t(text.data() + text.size() - end));
  if (error != std::errc() || !(value >= 0) || value > 1e9)
    unit = "?";
  if (unit == "x" && value >= 1)
    faults.copyFactor = value;
  else if (unit == "s")
    faults.copySeconds = value;
  else if (unit == "ms")
    faults.copySeconds = value * 1e-3;
  else if (unit == "us")
    faults.copySeconds = value * 1e-6;
  else
    item.fail("is neither a factor nor a time",
              "expected, for example, slow-copies=10x or slow-copies=100ms");
}

void readFault(const Item &item, Faults &faults) {
  auto [name, value] = split(item.text);
  uint64_t *count = name == "alloc"    ? &faults.allocation
                    : name == "launch" ? &faults.launch
                    : name == "lost"   ? &faults.lost
                                       : nullptr;
  if (count) {
    *count = numberOf(item, value, std::string(name) + "=3 for the third");
    if (*count == 0)
      item.fail("counts from 0", "the first is 1");
  } else if (name == "slow-copies" && value) {
    readSlowCopies(item, *value, faults);
  } else {
    item.fail("is no fault", "expected alloc=N, launch=N, lost=N, "
                             "slow-copies=10x or slow-copies=100ms");
  }
}

/// Calls `reader` for each item of a variable that is set and not empty.
template <typename Reader>
void forItems(const Lookup &lookup, const char *variable, Reader &&reader) {
  const char *text = lookup(variable);
  if (text && *text)
    for (const Item &item : itemsOf(variable, text))
      reader(item);
}

std::string textOf(const Lookup &lookup, const char *variable,
                   const char *otherwise = "") {
  const char *text = lookup(variable);
  return text && *text ? text : otherwise;
}

} // namespace

std::variant<Settings, std::string>
tenon::sim::driver::readSettings(const Lookup &lookup) {
  Settings settings;
  Options &options = settings.options;
  try {
    settings.device = textOf(lookup, "TENON_SIMCUDA_DEVICE", "a100");
    forItems(lookup, "TENON_SIMCUDA_SCHEDULE",
             [&](const Item &item) { readSchedule(item, options); });
    forItems(lookup, "TENON_SIMCUDA_CHECKS",
             [&](const Item &item) { readCheck(item, options); });
    forItems(lookup, "TENON_SIMCUDA_OPTIONS",
             [&](const Item &item) { readOption(item, options); });
    forItems(lookup, "TENON_SIMCUDA_FAULTS",
             [&](const Item &item) { readFault(item, settings.faults); });
    forItems(lookup, "TENON_SIMCUDA_SAMPLE", [&](const Item &item) {
      options.sampleBlocks = numberOf(item, item.text, "16 (blocks)");
    });
  } catch (const Mistake &mistake) {
    return mistake.text;
  }
  settings.reportPath = textOf(lookup, "TENON_SIMCUDA_REPORT");
  settings.logPath = textOf(lookup, "TENON_SIMCUDA_LOG");
  if (!settings.reportPath.empty())
    options.counters = true;
  std::string ptxas = textOf(lookup, "TENON_SIMCUDA_PTXAS");
  settings.ptxas = report::findPtxas(ptxas, textOf(lookup, "PATH"),
                                     textOf(lookup, "CUDA_HOME"));
  if (settings.ptxas.empty() && !ptxas.empty() && ptxas != "auto")
    return "TENON_SIMCUDA_PTXAS: '" + ptxas +
           "' is no program; name the path of ptxas, or write auto to look in "
           "PATH and CUDA_HOME";
  if (settings.ptxas.empty() && ptxas == "auto")
    return "TENON_SIMCUDA_PTXAS: there is no ptxas in PATH or CUDA_HOME; name "
           "its path, or leave the variable out to have registers estimated";
  return settings;
}

std::variant<Settings, std::string> tenon::sim::driver::readEnvironment() {
  return readSettings([](const char *name) { return std::getenv(name); });
}
