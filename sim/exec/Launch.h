//===- Launch.h - Loading and running kernels -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the driver API needs of the executor:
//
//   load      PTX text -> LoadedModule: parsed, linked, variables placed in
//             device memory, functions decoded
//   launch    runs a kernel of it to its end and says what went wrong
//
// Nothing here keeps state between calls but the device's memory.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_LAUNCH_H
#define TENON_SIM_EXEC_LAUNCH_H

#include "sim/Options.h"
#include "sim/device/Description.h"
#include "sim/memory/DeviceMemory.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tenon::sim::exec {

struct Program;
struct KernelCounters;

/// A `.param` of a kernel: where its value lies in the parameter block.
struct Parameter {
  uint64_t offset = 0, size = 0, alignment = 1;
};

/// A kernel that can be launched.
struct Kernel {
  std::string name;
  std::vector<Parameter> parameters;
  uint64_t parameterBytes = 0;
  uint64_t staticShared = 0; ///< bytes of .shared variables
  uint64_t localBytes = 0;   ///< of .local memory for each thread
  uint64_t localStorage = 0; ///< what the simulator needs for it
  uint64_t constantBytes = 0;
  unsigned maxThreads = 0;   ///< .maxntid or .reqntid, as a product; 0: none
  unsigned required[3] = {}; ///< .reqntid; 0: none
  unsigned registers = 0;    ///< for each thread
  bool registersMeasured = false; ///< by ptxas; else estimated
  unsigned ptxVersion = 0,
           binaryVersion = 0; ///< as CU_FUNC_ATTRIBUTE_*: 84, 80
  std::shared_ptr<const Program> program;
  uint32_t function = 0;         ///< of the program's
  uint32_t dynamicAlignment = 1; ///< of the extern .shared variables it uses
};

struct GlobalVariable {
  std::string name;
  uint64_t address = 0, size = 0;
  bool isConstant = false, isManaged = false;
};

struct LoadedModule {
  std::vector<std::unique_ptr<Kernel>> kernels; ///< in the order of the text
  std::vector<GlobalVariable> variables;        ///< .global and .const
  const Kernel *kernel(std::string_view name) const;
  const GlobalVariable *variable(std::string_view name) const;

  /// Releases the variables' memory.
  ~LoadedModule();
  DeviceMemory *memory = nullptr;
};

struct LoadError {
  enum class Kind : uint8_t {
    InvalidPtx,  ///< CUDA_ERROR_INVALID_PTX
    WrongTarget, ///< CUDA_ERROR_NO_BINARY_FOR_GPU
    Unresolved,  ///< extern symbol: CUDA_ERROR_INVALID_PTX or _NOT_FOUND
    OutOfMemory,
    NotSupported, ///< an instruction that comes later, named in the message
  };
  Kind kind = Kind::InvalidPtx;
  std::string message; ///< lines `ptx:12:8: ...`
};

std::variant<std::unique_ptr<LoadedModule>, LoadError>
load(std::string_view ptx, const DeviceDescription &device,
     DeviceMemory &memory);

struct Dim3 {
  uint32_t x = 1, y = 1, z = 1;
  uint64_t count() const { return uint64_t(x) * y * z; }
  bool operator==(const Dim3 &) const = default;
};

struct LaunchRequest {
  std::shared_ptr<const LoadedModule> module; ///< kept alive
  const Kernel *kernel = nullptr;
  Dim3 grid, block;
  uint64_t dynamicShared = 0;
  std::vector<std::byte> parameters; ///< Kernel::parameterBytes of them
  bool cooperative = false; ///< all blocks resident at once, or refused
  uint64_t number = 0;      ///< of the launch in the process
  /// LaunchOutcome::touched is wanted.
  bool recordTouched = false;
};

/// What hardware would report. Each maps to one CUresult.
enum class Fault : uint8_t {
  None,
  IllegalAddress,
  MisalignedAddress,
  InvalidAddressSpace,
  InvalidPc,
  IllegalInstruction,
  HardwareStackError,
  Assert,
  Trap, ///< CUDA_ERROR_LAUNCH_FAILED
  Timeout,
  OutOfResources, ///< CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES
  CooperativeTooLarge,
};

/// Something that a check found, or the cause of a fault.
struct Finding {
  uint32_t check = 0; ///< one bit of Check, or 0: a fault that is no check's
  Fault fault = Fault::None; ///< what hardware gives for it; None: nothing
  std::string what;          ///< `shared-memory race: ...`, without the place
  std::string kernel;
  uint32_t ptxLine = 0;
  std::string ptxText;
  std::string sourceFile; ///< of .loc; empty: none
  uint32_t sourceLine = 0;
  Dim3 block, thread; ///< of the first lane concerned
  bool hasAddress = false;
  uint64_t address = 0;
  std::string note;   ///< nearest allocation, the other access, and so on
  uint64_t count = 1; ///< how often the same one was met in this launch

  /// The whole as several lines, for stderr.
  std::string text() const;
};

/// Bytes that follow each other in global memory.
struct TouchedRange {
  uint64_t address = 0, size = 0;
  bool write = false;
};

struct LaunchOutcome {
  Fault fault = Fault::None;
  std::vector<Finding> findings;
  /// If Options::counters is set.
  std::shared_ptr<const KernelCounters> counters;
  uint64_t warpInstructions = 0;
  double seconds = 0;  ///< of the simulator itself
  std::string printed; ///< vprintf's output, in order
  /// If LaunchRequest::recordTouched is set: what was read, then what was
  /// written, by accesses that are neither atomic nor strong (PTX ISA 8.4),
  /// which may well be concurrent. kMostTouched of each at most.
  std::vector<TouchedRange> touched;
  static constexpr size_t kMostTouched = size_t(1) << 16;
};

/// Runs a kernel to its end. `limits`: dynamic limits of the context.
struct LaunchLimits {
  uint64_t stackBytes = 1024;
  uint64_t printfBytes = 1 << 20;
};
LaunchOutcome launch(const DeviceDescription &device, DeviceMemory &memory,
                     const LaunchRequest &request, const LaunchLimits &limits,
                     const Options &options);

/// Blocks of a kernel that fit a multiprocessor at once, and what limits them.
struct Occupancy {
  unsigned blocks = 0;
  enum class Limit : uint8_t { Blocks, Threads, Registers, Shared } limit;
};
Occupancy occupancy(const DeviceDescription &device, const Kernel &kernel,
                    uint64_t threadsPerBlock, uint64_t dynamicShared);

} // namespace tenon::sim::exec

#endif // TENON_SIM_EXEC_LAUNCH_H
