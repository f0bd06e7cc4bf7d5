//===- Driver.cpp - The state of the driver in a process ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/driver/Driver.h"

#include "sim/driver/Memory.h"

#include <cstdio>
#include <set>
#include <string>
#include <vector>

using namespace tenon::sim;
using namespace tenon::sim::driver;

namespace {
/// Contexts of a thread; the last is the current one.
thread_local std::vector<std::shared_ptr<Context>> contextStack;
} // namespace

Driver &Driver::get() {
  static Driver *const driver = new Driver;
  return *driver;
}

CUresult Driver::initialize() {
  std::lock_guard lock(mutex_);
  if (tried_)
    return result_;
  tried_ = true;
  result_ = CUDA_ERROR_INVALID_VALUE;
  auto read = readEnvironment();
  if (auto *message = std::get_if<std::string>(&read)) {
    log(*message);
    return result_;
  }
  settings = std::move(std::get<Settings>(read));
  auto found = findDevice(settings.device);
  if (auto *message = std::get_if<std::string>(&found)) {
    log("TENON_SIMCUDA_DEVICE: " + *message);
    return result_ = CUDA_ERROR_NO_DEVICE;
  }
  device = std::move(std::get<DeviceDescription>(found));
  memory = std::make_unique<DeviceMemory>(device.memoryBytes);
  primary_ = std::make_shared<Context>(*this, 0, 0, true);
  primary_->alive = false;
  contexts.add(primary_);
  defaultPool = currentPool = std::make_shared<MemoryPool>(true);
  pools.add(defaultPool);
  initialized_ = true;
  return result_ = CUDA_SUCCESS;
}

std::shared_ptr<Context> Driver::current() {
  return contextStack.empty() ? nullptr : contextStack.back();
}

void Driver::setCurrent(std::shared_ptr<Context> context) {
  // As documented: the top is replaced, and removed by NULL.
  if (!contextStack.empty())
    contextStack.pop_back();
  if (context)
    contextStack.push_back(std::move(context));
}

void Driver::push(std::shared_ptr<Context> context) {
  contextStack.push_back(std::move(context));
}

std::shared_ptr<Context> Driver::pop() {
  if (contextStack.empty())
    return nullptr;
  std::shared_ptr<Context> top = std::move(contextStack.back());
  contextStack.pop_back();
  return top;
}

std::shared_ptr<Context> Driver::primary() { return primary_; }

bool Driver::failAllocation() {
  return ++allocations_ == settings.faults.allocation;
}

CUresult Driver::countLaunch(uint64_t &number) {
  number = ++launches_;
  const Faults &faults = settings.faults;
  if (number == faults.lost) {
    // What a GPU that has fallen off the bus gives.
    log("launch " + std::to_string(number) +
        ": the device is lost, as TENON_SIMCUDA_FAULTS asks");
    lost = CUDA_ERROR_DEVICE_UNAVAILABLE;
    return lost;
  }
  if (number == faults.launch) {
    log("launch " + std::to_string(number) +
        " fails, as TENON_SIMCUDA_FAULTS asks");
    return CUDA_ERROR_LAUNCH_FAILED;
  }
  return CUDA_SUCCESS;
}

void Driver::log(std::string_view text) {
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  std::string line = "simcuda: " + std::string(text);
  if (!line.ends_with('\n'))
    line += '\n';
  // Opened each time: few lines are written, and a fork or a crash loses none.
  FILE *file =
      settings.logPath.empty() ? stderr : fopen(settings.logPath.c_str(), "a");
  if (!file)
    file = stderr;
  fwrite(line.data(), 1, line.size(), file);
  if (file != stderr)
    fclose(file);
}

void Driver::logOnce(std::string_view text) {
  static std::mutex mutex;
  static auto *const seen = new std::set<std::string, std::less<>>;
  {
    std::lock_guard lock(mutex);
    if (!seen->emplace(text).second)
      return;
  }
  log(text);
}
