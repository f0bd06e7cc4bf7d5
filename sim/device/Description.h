//===- Description.h - What a GPU is made of --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A device as a JSON file describes it (sim/device/*.json). The simulator
// reads limits and names from it, counters use its sizes, and the compiler
// ranks schedules by its throughputs (kernels/Cuda/Device.h). Sizes are bytes, clocks Hz.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_DEVICE_DESCRIPTION_H
#define TENON_SIM_DEVICE_DESCRIPTION_H

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tenon::sim {

struct DeviceDescription {
  std::string key;  ///< `a100`: the file's name
  std::string name; ///< `NVIDIA A100-SXM4-80GB`
  unsigned sm = 80; ///< 10 * major + minor compute capability
  bool integrated = false;

  uint64_t memoryBytes = 0;
  uint64_t l2Bytes = 0;
  unsigned multiprocessors = 0;

  // Of a multiprocessor.
  unsigned maxThreads = 2048, maxBlocks = 32, maxWarps = 64;
  unsigned registers = 65536;
  uint64_t sharedBytes = 164 * 1024;
  unsigned registerGranularity = 256; ///< registers, for each warp
  unsigned sharedGranularity = 128;

  // Of a block or thread.
  unsigned maxThreadsPerBlock = 1024, maxRegistersPerThread = 255;
  uint64_t sharedPerBlock = 48 * 1024;       ///< without opting in
  uint64_t sharedPerBlockOptIn = 163 * 1024; ///< at most
  uint64_t sharedReserved = 1024;            ///< by the driver, for each block

  uint64_t clockHz = 0, memoryClockHz = 0;
  unsigned memoryBusBits = 0;
  double memoryBandwidth = 0; ///< bytes a second
  double l2Bandwidth = 0;     ///< the same, as kernels reach it: an estimate

  /// Operations per clock and multiprocessor, by name (`fp32`, `mma.f16` ...).
  struct Throughput {
    std::string name;
    double perClock = 0;
  };
  std::vector<Throughput> throughputs;
  double throughput(std::string_view operation) const; ///< 0: not known
};

/// The devices that the library knows, by key.
std::vector<std::string> knownDevices();

/// A device by its key, or read from a file if `keyOrPath` holds a slash or
/// ends in `.json`. The alternative is what is wrong, for a message.
std::variant<DeviceDescription, std::string>
findDevice(std::string_view keyOrPath);

} // namespace tenon::sim

#endif // TENON_SIM_DEVICE_DESCRIPTION_H
