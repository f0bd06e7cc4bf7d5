//===- Device.cpp - One CUDA device and a context on it -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/cuda/Device.h"

#include <cinttypes>

using namespace tenon::runtime;
using namespace tenon::runtime::cuda;

namespace {
/// What a result means for the caller.
struct Meaning {
  int result;
  bool sticky; // the driver refuses everything afterwards
  const char *cure;
};
} // namespace

// CUDA Driver API, "CUresult": those that leave the process "in an inconsistent
// state", and those that say that the device is gone.
#define BY_A_KERNEL                                                            \
  "a kernel did it, perhaps an earlier one: run it on the simulated GPU to "   \
  "find "
static constexpr Meaning kMeanings[] = {
    {kDeinitialized, true, "the process is ending"},
    {kStubLibrary, false,
     "this is the toolkit's stub: use the driver's own libcuda.so.1"},
    {kDeviceUnavailable, true,
     "another process may hold the device alone, or it was lost: see "
     "nvidia-smi"},
    {kNoDevice, false,
     "check nvidia-smi and the environment variable CUDA_VISIBLE_DEVICES"},
    {kInvalidDevice, false, "see nvidia-smi -L for the devices there are"},
    {kInvalidContext, false,
     "the CUcontext must live as long as the engine and its contexts"},
    {kEccUncorrectable, true, "the device's memory is damaged"},
    {kJitCompilerNotFound, false,
     "install the driver's libnvidia-ptxjitcompiler"},
    {kNvlinkUncorrectable, true, "see nvidia-smi nvlink"},
    {kUnsupportedPtxVersion, false,
     "the driver is older than the engine's PTX: update the driver"},
    {kContained, true, "the device had to stop this process"},
    {kIllegalAddress, true, BY_A_KERNEL "the access"},
    {kLaunchOutOfResources, false,
     "the kernel needs more registers or shared memory than the device has"},
    {kLaunchTimeout, true, "the device drives a display, which limits kernels"},
    {kContextIsDestroyed, true,
     "the CUcontext must live as long as the engine and its contexts"},
    {kAssert, true, BY_A_KERNEL "the cause"},
    {kHardwareStackError, true, BY_A_KERNEL "the cause"},
    {kIllegalInstruction, true, BY_A_KERNEL "the cause"},
    {kMisalignedAddress, true, BY_A_KERNEL "the access"},
    {kInvalidAddressSpace, true, BY_A_KERNEL "the cause"},
    {kInvalidPc, true, BY_A_KERNEL "the cause"},
    {kLaunchFailed, true, BY_A_KERNEL "the cause"},
    {kSystemDriverMismatch, false,
     "the library and the kernel's driver differ: restart the machine"}};

#undef BY_A_KERNEL

static const Meaning *meaningOf(int result) {
  for (const Meaning &meaning : kMeanings)
    if (meaning.result == result)
      return &meaning;
  return nullptr;
}

Status Device::open(const Options &options, std::shared_ptr<Device> &result) {
  auto device = std::make_shared<Device>();
  TENON_TRY(device->driver.open(options.driver));
  Status status = device->start(options);
  // Whatever is wrong so far, there is no device to run on.
  if (status.failed() && status.code() != TENON_INVALID_ARGUMENT &&
      status.code() != TENON_OUT_OF_MEMORY)
    return Status(TENON_UNSUPPORTED, status.message());
  TENON_TRY(std::move(status));
  result = std::move(device);
  return {};
}

Status Device::start(const Options &options) {
  TENON_TRY(check(driver.init(0), "starting the CUDA driver"));
  TENON_TRY(check(driver.driverVersion(&version), "asking for its version"));
  int count = 0;
  TENON_TRY(check(driver.deviceCount(&count), "counting the CUDA devices"));
  if (count == 0)
    return failure(kNoDevice, "counting the CUDA devices");
  if (options.context) {
    ContextHandle popped;
    auto given = static_cast<ContextHandle>(options.context);
    TENON_TRY(check(driver.contextPush(given), "using the caller's CUcontext"));
    int found = driver.contextDevice(&device);
    driver.contextPop(&popped);
    TENON_TRY(check(found, "asking the caller's CUcontext for its device"));
    handle = given;
    for (int i = 0, other; i < count; ++i)
      if (driver.deviceGet(&other, i) == kSuccess && other == device)
        number = i;
  } else {
    if (options.ordinal < 0 || options.ordinal >= count)
      return fail(TENON_INVALID_ARGUMENT,
                  "CUDA device %d: there %s %d, numbered from 0",
                  options.ordinal, count == 1 ? "is" : "are", count);
    number = options.ordinal;
    TENON_TRY(check(driver.deviceGet(&device, number), "opening the device"));
    TENON_TRY(check(driver.primaryRetain(&handle, device),
                    "taking the device's primary context"));
    retained = true;
  }
  char text[256] = "";
  int major = 0, minor = 0;
  TENON_TRY(check(driver.deviceName(text, int(sizeof(text)) - 1, device),
                  "asking the device for its name"));
  deviceName = text;
  TENON_TRY(check(driver.deviceAttribute(&major, kCapabilityMajor, device),
                  "asking for the compute capability"));
  TENON_TRY(check(driver.deviceAttribute(&minor, kCapabilityMinor, device),
                  "asking for the compute capability"));
  computeCapability = 10 * major + minor;
  return check(
      driver.deviceAttribute(&sharedBytes, kMaxSharedPerBlockOptin, device),
      "asking for the size of shared memory");
}

Device::~Device() {
  if (retained)
    driver.primaryRelease(device);
}

std::string Device::driverName() const {
  return formatText("CUDA %d.%d", version / 1000, version % 1000 / 10);
}

Status Device::failure(int result, const std::string &what) const {
  const Meaning *meaning = meaningOf(result);
  std::string text = what + ": " + driver.nameOf(result);
  if (meaning && *meaning->cure)
    text += std::string(": ") + meaning->cure;
  if (result == kOutOfMemory)
    return Status(TENON_OUT_OF_MEMORY, text + ": free device memory, or run "
                                              "smaller shapes");
  if (meaning && meaning->sticky) {
    std::lock_guard<std::mutex> lock(mutex);
    if (!lost.load()) {
      lostReason = text;
      lost.store(true);
    }
  }
  return Status(TENON_DEVICE_ERROR, text);
}

Status Device::usable() const {
  if (!lost.load(std::memory_order_acquire))
    return {};
  std::lock_guard<std::mutex> lock(mutex);
  return fail(TENON_DEVICE_ERROR,
              "the engine and its contexts are unusable since an earlier "
              "failure (%s): destroy them and load the engine again, in a new "
              "process if that fails",
              lostReason.c_str());
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Status DeviceBuffer::allocate(const std::shared_ptr<Device> &device,
                              uint64_t size, const char *what) {
  release();
  if (size == 0)
    return {};
  Current current(*device);
  TENON_TRY(current.check());
  if (int result = device->api().allocate(&memory, size)) {
    memory = 0;
    return device->failure(result, formatText("allocating %" PRIu64
                                              " bytes of device memory for "
                                              "%s",
                                              size, what));
  }
  owner = device;
  bytes = size;
  return {};
}

void DeviceBuffer::release() {
  if (memory) {
    // After a fault the driver refuses, and has freed everything itself.
    Current current(*owner);
    owner->api().release(memory);
  }
  memory = 0;
  bytes = 0;
  owner.reset();
}

Status PinnedBuffer::allocate(const std::shared_ptr<Device> &device,
                              uint64_t size, const char *what) {
  release();
  if (size == 0)
    return {};
  Current current(*device);
  TENON_TRY(current.check());
  void *pointer = nullptr;
  if (int result =
          device->api().hostAllocate(&pointer, size, kHostAllocPortable))
    return device->failure(result, formatText("allocating %" PRIu64
                                              " bytes of pinned memory for %s",
                                              size, what));
  memory = static_cast<char *>(pointer);
  owner = device;
  bytes = size;
  return {};
}

void PinnedBuffer::release() {
  if (memory) {
    Current current(*owner);
    owner->api().hostRelease(memory);
  }
  memory = nullptr;
  bytes = 0;
  owner.reset();
}
