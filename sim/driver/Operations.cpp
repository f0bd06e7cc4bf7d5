//===- Operations.cpp - Copies, fills and launches ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Addresses are looked up twice: when the operation is made, for the error code
// of the call, and when it executes, since memory may have been freed between;
// that is then an illegal address as on hardware.
//
//===----------------------------------------------------------------------===//

#include "sim/driver/Operations.h"

#include "sim/driver/Driver.h"
#include "sim/driver/Memory.h"
#include "sim/driver/Module.h"
#include "sim/driver/Ranges.h"
#include "sim/driver/Report.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

using namespace tenon::sim;
using namespace tenon::sim::driver;

// --- Copies ------------------------------------------------------------------

/// Whether a side of a copy may be `size` bytes at `address`: all in memory
/// that the device knows, or the host's own.
static bool isUsable(const DeviceMemory &memory, uint64_t address,
                     uint64_t size) {
  if (isMapped(memory, address, size))
    return true;
  return address != 0 && !DeviceMemory::isDeviceAddress(address) &&
         !memory.find(address);
}

/// Bytes from the first to the last of a box.
static uint64_t extent(uint64_t width, uint64_t height, uint64_t depth,
                       uint64_t pitch, uint64_t slice) {
  return (depth - 1) * slice + (height - 1) * pitch + width;
}
static uint64_t sourceExtent(const Copy &copy) {
  return extent(copy.width, copy.height, copy.depth, copy.fromPitch,
                copy.fromSlice);
}
static uint64_t targetExtent(const Copy &copy) {
  return extent(copy.width, copy.height, copy.depth, copy.toPitch,
                copy.toSlice);
}

static CUresult checkCopy(Context &context, Copy &copy) {
  if (copy.bytes() == 0)
    return CUDA_SUCCESS;
  // Rows that follow each other are one row.
  if (copy.fromPitch == copy.width && copy.toPitch == copy.width) {
    copy.width *= copy.height;
    copy.height = 1;
    if (copy.depth > 1 && copy.fromSlice == copy.width &&
        copy.toSlice == copy.width) {
      copy.width *= copy.depth;
      copy.depth = 1;
    }
  }
  if (!isUsable(context.memory, copy.from, sourceExtent(copy)) ||
      !isUsable(context.memory, copy.to, targetExtent(copy)))
    return CUDA_ERROR_INVALID_VALUE;
  return CUDA_SUCCESS;
}

CUresult tenon::sim::driver::makeCopy(Context &context, uint64_t to,
                                      uint64_t from, uint64_t bytes,
                                      Copy &copy) {
  copy = {};
  copy.to = to;
  copy.from = from;
  copy.width = copy.toPitch = copy.fromPitch = bytes;
  copy.toSlice = copy.fromSlice = bytes;
  return checkCopy(context, copy);
}

/// The base address that a side of a 2D or 3D copy names.
static CUresult baseOf(CUmemorytype type, const void *host, CUdeviceptr device,
                       uint64_t &base) {
  switch (type) {
  case CU_MEMORYTYPE_HOST:
    base = reinterpret_cast<uint64_t>(host);
    return CUDA_SUCCESS;
  case CU_MEMORYTYPE_DEVICE:
  case CU_MEMORYTYPE_UNIFIED:
    base = device;
    return CUDA_SUCCESS;
  case CU_MEMORYTYPE_ARRAY:
    return CUDA_ERROR_NOT_SUPPORTED; // no textures
  }
  return CUDA_ERROR_INVALID_VALUE;
}

CUresult tenon::sim::driver::makeCopy(Context &context,
                                      const CUDA_MEMCPY2D &what, Copy &copy) {
  CUDA_MEMCPY3D box{};
  box.srcXInBytes = what.srcXInBytes;
  box.srcY = what.srcY;
  box.srcMemoryType = what.srcMemoryType;
  box.srcHost = what.srcHost;
  box.srcDevice = what.srcDevice;
  box.srcPitch = what.srcPitch;
  box.dstXInBytes = what.dstXInBytes;
  box.dstY = what.dstY;
  box.dstMemoryType = what.dstMemoryType;
  box.dstHost = what.dstHost;
  box.dstDevice = what.dstDevice;
  box.dstPitch = what.dstPitch;
  box.WidthInBytes = what.WidthInBytes;
  box.Height = what.Height;
  box.Depth = 1;
  return makeCopy(context, box, copy);
}

CUresult tenon::sim::driver::makeCopy(Context &context,
                                      const CUDA_MEMCPY3D &what, Copy &copy) {
  copy = {};
  uint64_t from = 0, to = 0;
  if (CUresult error =
          baseOf(what.srcMemoryType, what.srcHost, what.srcDevice, from))
    return error;
  if (CUresult error =
          baseOf(what.dstMemoryType, what.dstHost, what.dstDevice, to))
    return error;
  copy.width = what.WidthInBytes;
  copy.height = what.Height;
  copy.depth = what.Depth;
  if (copy.bytes() == 0)
    return CUDA_SUCCESS;
  // A pitch or height of 0 means that of the box.
  copy.fromPitch =
      what.srcPitch ? what.srcPitch : what.srcXInBytes + copy.width;
  copy.toPitch = what.dstPitch ? what.dstPitch : what.dstXInBytes + copy.width;
  uint64_t fromRows = what.srcHeight ? what.srcHeight : what.srcY + copy.height;
  uint64_t toRows = what.dstHeight ? what.dstHeight : what.dstY + copy.height;
  if (copy.fromPitch < what.srcXInBytes + copy.width ||
      copy.toPitch < what.dstXInBytes + copy.width ||
      (copy.depth > 1 && (fromRows < what.srcY + copy.height ||
                          toRows < what.dstY + copy.height)))
    return CUDA_ERROR_INVALID_VALUE;
  copy.fromSlice = copy.fromPitch * fromRows;
  copy.toSlice = copy.toPitch * toRows;
  if (from == 0 || to == 0)
    return CUDA_ERROR_INVALID_VALUE;
  copy.from = from + what.srcXInBytes + what.srcY * copy.fromPitch +
              what.srcZ * copy.fromSlice;
  copy.to = to + what.dstXInBytes + what.dstY * copy.toPitch +
            what.dstZ * copy.toSlice;
  return checkCopy(context, copy);
}

static bool isPageable(Context &context, uint64_t address) {
  return !DeviceMemory::isDeviceAddress(address) &&
         !context.memory.find(address);
}
bool tenon::sim::driver::readsPageable(Context &context, const Copy &copy) {
  return copy.bytes() != 0 && isPageable(context, copy.from);
}
bool tenon::sim::driver::writesPageable(Context &context, const Copy &copy) {
  return copy.bytes() != 0 && isPageable(context, copy.to);
}

void tenon::sim::driver::stage(Copy &copy) {
  auto bytes = std::make_shared<std::vector<char>>(copy.bytes());
  char *to = bytes->data();
  for (uint64_t z = 0; z < copy.depth; ++z)
    for (uint64_t y = 0; y < copy.height; ++y, to += copy.width)
      std::memcpy(to,
                  reinterpret_cast<const char *>(copy.from) +
                      z * copy.fromSlice + y * copy.fromPitch,
                  copy.width);
  copy.staged = std::move(bytes);
}

namespace {

/// Where `size` bytes lie in this process, up to the end of the allocation.
struct Piece {
  char *bytes = nullptr;
  uint64_t size = 0, address = 0;
  std::shared_ptr<const Allocation> allocation; ///< null: the host's
};

/// False if the device has lost the memory meanwhile.
bool resolve(const DeviceMemory &memory, uint64_t address, uint64_t size,
             Piece &piece) {
  piece.address = address;
  // The last one mostly holds the next row as well.
  if (!piece.allocation || !piece.allocation->contains(address, size))
    piece.allocation = memory.find(address);
  if (piece.allocation) {
    piece.bytes =
        piece.allocation->bytes + (address - piece.allocation->address);
    piece.size = std::min(size, piece.allocation->end() - address);
    return true;
  }
  piece.bytes = reinterpret_cast<char *>(address);
  piece.size = size;
  return !DeviceMemory::isDeviceAddress(address);
}

bool copyRow(const DeviceMemory &memory, uint64_t to, uint64_t from,
             const char *staged, uint64_t size, Piece &target, Piece &source) {
  while (size != 0) {
    if (!resolve(memory, to, size, target))
      return false;
    uint64_t count = target.size;
    if (staged) {
      std::memcpy(target.bytes, staged, count);
      staged += count;
    } else {
      if (!resolve(memory, from, count, source))
        return false;
      count = source.size;
      std::memmove(target.bytes, source.bytes, count);
    }
    if (target.allocation) {
      if (!staged && source.allocation)
        DeviceMemory::copyShadow(*target.allocation, to, *source.allocation,
                                 from, count);
      else
        DeviceMemory::markWritten(*target.allocation, to, count);
    }
    to += count;
    from += count;
    size -= count;
  }
  return true;
}

} // namespace

/// An operation of the host's that met memory which is gone.
static CUresult illegalAddress(Context &context, const char *what,
                               uint64_t address) {
  char text[64];
  snprintf(text, sizeof text, "0x%llx", (unsigned long long)address);
  std::string line = std::string(what) + " at " + text +
                     ": the memory was freed before it was executed";
  if (auto nearest = context.memory.nearest(address))
    line += "; nearest is allocation " + std::to_string(nearest->number) +
            " of " + std::to_string(nearest->size) + " bytes" +
            (nearest->freed ? ", freed" : "");
  context.driver.log(line);
  context.setFault(CUDA_ERROR_ILLEGAL_ADDRESS);
  return CUDA_ERROR_ILLEGAL_ADDRESS;
}

static CUresult execute(Context &context, const Copy &copy, Executed &) {
  if (copy.bytes() == 0)
    return CUDA_SUCCESS;
  Piece target, source;
  const char *staged = copy.staged ? copy.staged->data() : nullptr;
  for (uint64_t z = 0; z < copy.depth; ++z)
    for (uint64_t y = 0; y < copy.height; ++y) {
      uint64_t to = copy.to + z * copy.toSlice + y * copy.toPitch;
      uint64_t from = copy.from + z * copy.fromSlice + y * copy.fromPitch;
      if (!copyRow(context.memory, to, from, staged, copy.width, target,
                   source))
        return illegalAddress(context, "copy", to);
      if (staged)
        staged += copy.width;
    }
  return CUDA_SUCCESS;
}

// --- Fills -------------------------------------------------------------------

CUresult tenon::sim::driver::makeFill(Context &context,
                                      const CUDA_MEMSET_NODE_PARAMS_v2 &what,
                                      Fill &fill) {
  fill = {};
  fill.to = what.dst;
  fill.value = what.value;
  fill.elementBytes = what.elementSize;
  fill.width = what.width;
  fill.height = what.height;
  fill.pitch = what.height > 1 ? what.pitch : what.width * what.elementSize;
  if (what.elementSize != 1 && what.elementSize != 2 && what.elementSize != 4)
    return CUDA_ERROR_INVALID_VALUE;
  if (fill.width == 0 || fill.height == 0)
    return CUDA_SUCCESS;
  uint64_t row = fill.width * fill.elementBytes;
  if (fill.to % fill.elementBytes || fill.pitch % fill.elementBytes ||
      fill.pitch < row ||
      !isMapped(context.memory, fill.to, (fill.height - 1) * fill.pitch + row))
    return CUDA_ERROR_INVALID_VALUE;
  return CUDA_SUCCESS;
}

static void fillBytes(char *bytes, uint64_t size, const Fill &fill) {
  if (fill.elementBytes == 1) {
    std::memset(bytes, int(fill.value & 0xFF), size);
    return;
  }
  for (uint64_t at = 0; at < size; at += fill.elementBytes)
    std::memcpy(bytes + at, &fill.value, fill.elementBytes); // little-endian
}

static CUresult execute(Context &context, const Fill &fill, Executed &) {
  for (uint64_t y = 0; fill.width != 0 && y < fill.height; ++y) {
    uint64_t row = fill.to + y * fill.pitch;
    if (!forPieces(context.memory, row, fill.width * fill.elementBytes,
                   [&](const Allocation &piece, uint64_t at, uint64_t size) {
                     fillBytes(piece.bytes + (at - piece.address), size, fill);
                     DeviceMemory::markWritten(piece, at, size);
                   }))
      return illegalAddress(context, "memset", row);
  }
  return CUDA_SUCCESS;
}

// --- Launches and the rest ---------------------------------------------------

static CUresult errorOf(exec::Fault fault) {
  switch (fault) {
  case exec::Fault::None:
    return CUDA_SUCCESS;
  case exec::Fault::IllegalAddress:
    return CUDA_ERROR_ILLEGAL_ADDRESS;
  case exec::Fault::MisalignedAddress:
    return CUDA_ERROR_MISALIGNED_ADDRESS;
  case exec::Fault::InvalidAddressSpace:
    return CUDA_ERROR_INVALID_ADDRESS_SPACE;
  case exec::Fault::InvalidPc:
    return CUDA_ERROR_INVALID_PC;
  case exec::Fault::IllegalInstruction:
    return CUDA_ERROR_ILLEGAL_INSTRUCTION;
  case exec::Fault::HardwareStackError:
    return CUDA_ERROR_HARDWARE_STACK_ERROR;
  case exec::Fault::Assert:
    return CUDA_ERROR_ASSERT;
  case exec::Fault::Trap:
    return CUDA_ERROR_LAUNCH_FAILED;
  case exec::Fault::Timeout:
    return CUDA_ERROR_LAUNCH_TIMEOUT;
  case exec::Fault::OutOfResources:
    return CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
  case exec::Fault::CooperativeTooLarge:
    return CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE;
  }
  return CUDA_ERROR_UNKNOWN;
}

/// Faults of a launch that never began leave the context as it was.
static bool isSticky(CUresult error) {
  return error != CUDA_SUCCESS && error != CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES &&
         error != CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE;
}

static CUresult execute(Context &context, const KernelLaunch &launch,
                        Executed &executed) {
  Driver &driver = context.driver;
  exec::LaunchRequest request = launch.request;
  if (CUresult error = driver.countLaunch(request.number)) {
    context.setFault(error);
    return error;
  }
  exec::LaunchLimits limits;
  {
    std::lock_guard lock(context.mutex);
    limits.stackBytes = context.limits[CU_LIMIT_STACK_SIZE];
    limits.printfBytes = context.limits[CU_LIMIT_PRINTF_FIFO_SIZE];
  }
  request.recordTouched = executed.record;
  exec::LaunchOutcome outcome = exec::launch(
      driver.device, context.memory, request, limits, driver.settings.options);
  // What a kernel prints goes where the program's own output goes.
  if (!outcome.printed.empty()) {
    fwrite(outcome.printed.data(), 1, outcome.printed.size(), stdout);
    fflush(stdout);
  }
  executed.warpInstructions = outcome.warpInstructions;
  for (const exec::TouchedRange &range : outcome.touched)
    executed.touched.push_back({range.address, range.size, range.write});
  reportLaunch(driver, outcome);
  CUresult error = errorOf(outcome.fault);
  if (isSticky(error))
    context.setFault(error);
  return error;
}

static CUresult execute(Context &context, const Release &release, Executed &) {
  auto allocation = context.memory.find(release.address);
  if (allocation && allocation->owner == MemoryOwner::Graph)
    return CUDA_SUCCESS; // the node keeps it for the graph's next launch
  forgetAllocation(context.driver, release.address);
  if (!context.memory.release(release.address))
    return illegalAddress(context, "cuMemFreeAsync", release.address);
  return CUDA_SUCCESS;
}

CUresult tenon::sim::driver::execute(Context &context,
                                     const Operation &operation,
                                     Executed *executed) {
  if (CUresult lost = context.driver.lost.load())
    return lost;
  if (CUresult error = context.fault())
    return error;
  Executed unused;
  Executed &result = executed ? *executed : unused;
  return std::visit(
      [&](const auto &what) { return ::execute(context, what, result); },
      operation);
}

std::vector<Access> tenon::sim::driver::accesses(const Operation &operation) {
  std::vector<Access> list;
  if (const auto *copy = std::get_if<Copy>(&operation)) {
    if (copy->bytes() != 0) {
      if (!copy->staged)
        list.push_back({copy->from, sourceExtent(*copy), false});
      list.push_back({copy->to, targetExtent(*copy), true});
    }
  } else if (const auto *fill = std::get_if<Fill>(&operation)) {
    if (fill->width != 0 && fill->height != 0)
      list.push_back(
          {fill->to,
           (fill->height - 1) * fill->pitch + fill->width * fill->elementBytes,
           true});
  } else if (const auto *release = std::get_if<Release>(&operation)) {
    list.push_back({release->address, 1, true});
  }
  return list;
}
