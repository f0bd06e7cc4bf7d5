//===- Operations.h - What a stream can be asked to do ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An API function checks its arguments, turns them into an Operation, and hands
// that to the context's StreamSet, which decides when it is executed:
//
//   cuMemcpyHtoDAsync(d, h, n, s)
//     -> makeCopy        INVALID_VALUE if d..d+n is no memory of the device
//     -> streams.submit(s, Copy{...}, Wait::No)
//     -> ... execute(context, Copy{...})   when the stream comes to it
//
// Operations are plain data: a graph keeps them as its nodes.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_DRIVER_OPERATIONS_H
#define TENON_SIM_DRIVER_OPERATIONS_H

#include "sim/driver/Cuda.h"
#include "sim/exec/Launch.h"

#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

namespace tenon::sim::driver {

class Context;
struct Function;

/// `depth` slices of `height` rows of `width` bytes. An address is the
/// device's if its memory holds it, and the host's else.
struct Copy {
  uint64_t to = 0, from = 0;
  uint64_t width = 0, height = 1, depth = 1;
  uint64_t toPitch = 0, toSlice = 0, fromPitch = 0, fromSlice = 0; ///< bytes
  /// The source's bytes at the time of the call, see stage().
  std::shared_ptr<const std::vector<char>> staged;

  uint64_t bytes() const { return width * height * depth; }
};

/// `height` rows of `width` elements get `value`.
struct Fill {
  uint64_t to = 0;
  uint32_t value = 0;
  unsigned elementBytes = 1; ///< 1, 2 or 4
  uint64_t width = 0, height = 1, pitch = 0;
};

struct KernelLaunch {
  std::shared_ptr<Function> function;
  exec::LaunchRequest request; ///< `number` is given when it is executed
};

/// cuMemFreeAsync.
struct Release {
  uint64_t address = 0;
};

using Operation = std::variant<Copy, Fill, KernelLaunch, Release>;

/// Bytes that the host or a stream touches; for the order between them.
struct Access {
  uint64_t address = 0, size = 0;
  bool write = false;
};

/// What executing it has shown.
struct Executed {
  bool record = false;           ///< asks for `touched`
  uint64_t warpInstructions = 0; ///< of a kernel
  std::vector<Access> touched;   ///< by a kernel, by address
};

/// Executes it now. A fault becomes the context's (Context::fault) and is
/// returned; findings are written to the log. Takes no lock of the driver.
CUresult execute(Context &context, const Operation &operation,
                 Executed *executed = nullptr);

/// Of a copy, fill or release; what a kernel touches is not known beforehand.
std::vector<Access> accesses(const Operation &operation);

// --- Memory of the host beside the device's ---------------------------------
// As on hardware, an asynchronous copy from pageable memory has read its source
// when the call returns, and one into pageable memory is complete.

/// Whether a side of the copy is host memory that is neither pinned nor
/// managed.
bool readsPageable(Context &context, const Copy &copy);
bool writesPageable(Context &context, const Copy &copy);
/// Takes the source's bytes now.
void stage(Copy &copy);

// --- From the API's structures ----------------------------------------------
// Each checks everything that can be known before execution and gives the
// error that the driver gives.

CUresult makeCopy(Context &context, uint64_t to, uint64_t from, uint64_t bytes,
                  Copy &copy);
CUresult makeCopy(Context &context, const CUDA_MEMCPY2D &what, Copy &copy);
CUresult makeCopy(Context &context, const CUDA_MEMCPY3D &what, Copy &copy);
CUresult makeFill(Context &context, const CUDA_MEMSET_NODE_PARAMS_v2 &what,
                  Fill &fill);
CUresult makeLaunch(Context &context, const CUlaunchConfig &config,
                    CUfunction function, void **parameters, void **extra,
                    KernelLaunch &launch);
CUresult makeLaunch(Context &context, const CUDA_KERNEL_NODE_PARAMS_v2 &what,
                    KernelLaunch &launch);

} // namespace tenon::sim::driver

#endif // TENON_SIM_DRIVER_OPERATIONS_H
