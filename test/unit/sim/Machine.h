//===- Machine.h - Runs PTX in tests ----------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A simulated device that loads PTX text, holds arrays and launches kernels:
//
//   Machine machine;
//   auto out = machine.array<uint32_t>(32);
//   machine.load(R"(... .entry k(.param .u64 out) ...)");
//   machine.launch("k", 1, 32, {out.address});
//   EXPECT_EQ(machine.read<uint32_t>(out)[5], 5u);
//
//===----------------------------------------------------------------------===//

#ifndef TENON_TEST_SIM_MACHINE_H
#define TENON_TEST_SIM_MACHINE_H

#include "sim/exec/Launch.h"

#include <gtest/gtest.h>

#include <cstring>

namespace tenon::sim::test {

class Machine {
public:
  explicit Machine(std::string device = "a100")
      : description(std::get<DeviceDescription>(findDevice(device))),
        memory(uint64_t(1) << 32) {}

  DeviceDescription description;
  DeviceMemory memory;
  Options options;
  exec::LaunchLimits limits;
  std::shared_ptr<exec::LoadedModule> module;
  std::string loadMessage;

  struct Array {
    uint64_t address = 0;
    std::shared_ptr<const Allocation> allocation;
  };
  /// Unwritten; `fill` writes it.
  template <typename T> Array array(size_t count) {
    Array result;
    result.allocation = memory.allocate(count * sizeof(T));
    result.address = result.allocation->address;
    return result;
  }
  template <typename T> Array array(const std::vector<T> &values) {
    Array result = array<T>(values.size());
    std::memcpy(result.allocation->bytes, values.data(),
                values.size() * sizeof(T));
    DeviceMemory::markWritten(*result.allocation, result.address,
                              values.size() * sizeof(T));
    return result;
  }
  template <typename T> std::vector<T> read(const Array &array) const {
    std::vector<T> result(array.allocation->size / sizeof(T));
    std::memcpy(result.data(), array.allocation->bytes,
                result.size() * sizeof(T));
    return result;
  }

  /// Adds .version, .target and .address_size before the text.
  bool load(const std::string &body, const std::string &target = "sm_80") {
    auto loaded = exec::load(".version 8.4\n.target " + target +
                                 "\n.address_size 64\n" + body,
                             description, memory);
    if (auto *error = std::get_if<exec::LoadError>(&loaded)) {
      loadMessage = error->message;
      ADD_FAILURE() << error->message;
      return false;
    }
    module = std::move(std::get<std::unique_ptr<exec::LoadedModule>>(loaded));
    return true;
  }

  /// Parameters are 64-bit values, cut to the size of each.
  exec::LaunchOutcome launch(const std::string &name, exec::Dim3 grid,
                             exec::Dim3 block,
                             const std::vector<uint64_t> &values,
                             uint64_t dynamicShared = 0,
                             bool cooperative = false) {
    exec::LaunchRequest request;
    request.module = module;
    request.kernel = module->kernel(name);
    if (!request.kernel) {
      ADD_FAILURE() << "no kernel " << name;
      return {};
    }
    request.grid = grid;
    request.block = block;
    request.dynamicShared = dynamicShared;
    request.cooperative = cooperative;
    request.parameters.resize(request.kernel->parameterBytes);
    for (size_t i = 0; i < values.size(); ++i)
      std::memcpy(request.parameters.data() +
                      request.kernel->parameters[i].offset,
                  &values[i],
                  std::min<uint64_t>(8, request.kernel->parameters[i].size));
    return exec::launch(description, memory, request, limits, options);
  }

  /// The same, and nothing may be wrong.
  void run(const std::string &name, exec::Dim3 grid, exec::Dim3 block,
           const std::vector<uint64_t> &values, uint64_t dynamicShared = 0) {
    auto outcome = launch(name, grid, block, values, dynamicShared);
    EXPECT_EQ(outcome.fault, exec::Fault::None);
    for (const exec::Finding &finding : outcome.findings)
      ADD_FAILURE() << finding.text();
  }
};

/// Each schedule in which a test shall hold.
struct ScheduleCase {
  const char *name;
  Schedule schedule;
  uint64_t seed;
};
/// For names of tests, which would else show the bytes.
inline void PrintTo(const ScheduleCase &each, std::ostream *stream) {
  *stream << each.name;
}
inline const ScheduleCase kSchedules[] = {
    {"eager", Schedule::Eager, 0},    {"lazy", Schedule::Lazy, 0},
    {"random1", Schedule::Random, 1}, {"random2", Schedule::Random, 2},
    {"random3", Schedule::Random, 3},
};

} // namespace tenon::sim::test

#endif // TENON_TEST_SIM_MACHINE_H
