//===- Environment.h - TENON_SIMCUDA_* --------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The only place that reads environment variables:
//
//   TENON_SIMCUDA_DEVICE    a100 | a10 | ... | path of a description
//   TENON_SIMCUDA_SCHEDULE  eager | lazy | random[:SEED]
//   TENON_SIMCUDA_CHECKS    all | none | default | NAME | -NAME, ...
//   TENON_SIMCUDA_OPTIONS   deterministic=1,mma=exact,threads=2,watchdog=N
//   TENON_SIMCUDA_SAMPLE    blocks of each launch to execute
//   TENON_SIMCUDA_REPORT    file for the counters (JSON)
//   TENON_SIMCUDA_LOG       file for messages; standard error otherwise
//   TENON_SIMCUDA_FAULTS    alloc=N,launch=N,lost=N,slow-copies=10x|100ms
//
// A value that cannot be read is an error that names the variable, the place in
// it, what was expected, and the values there are; cuInit fails with it.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_DRIVER_ENVIRONMENT_H
#define TENON_SIM_DRIVER_ENVIRONMENT_H

#include "sim/Options.h"

#include <cstdint>
#include <functional>
#include <string>
#include <variant>

namespace tenon::sim::driver {

/// Faults to inject. Counts begin at 1 with the first of the process; 0: none.
struct Faults {
  uint64_t allocation = 0; ///< which allocation finds no memory
  uint64_t launch = 0;     ///< which launch is refused
  uint64_t lost = 0;       ///< at which launch the device is lost
  double copyFactor = 1;   ///< copies take so much longer ...
  double copySeconds = 0;  ///< ... and this in addition, in simulated time
};

struct Settings {
  std::string device = "a100";
  Options options;
  Faults faults;
  std::string reportPath, logPath;
  std::string ptxas; ///< program that measures registers; empty: estimated
};

/// Text of a variable, or nullptr.
using Lookup = std::function<const char *(const char *)>;

/// The alternative is what is wrong.
std::variant<Settings, std::string> readSettings(const Lookup &lookup);
std::variant<Settings, std::string> readEnvironment();

} // namespace tenon::sim::driver

#endif // TENON_SIM_DRIVER_ENVIRONMENT_H
