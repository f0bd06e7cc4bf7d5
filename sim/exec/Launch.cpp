//===- Launch.cpp - Running a kernel to its end ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/exec/Launch.h"
#include "sim/exec/Classify.h"
#include "sim/exec/Engine.h"
#include "sim/ptx/Instructions.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>

using namespace tenon::sim;
using namespace tenon::sim::exec;

Occupancy tenon::sim::exec::occupancy(const DeviceDescription &device,
                                      const Kernel &kernel,
                                      uint64_t threadsPerBlock,
                                      uint64_t dynamicShared) {
  auto up = [](uint64_t value, uint64_t unit) {
    return (value + unit - 1) / unit * unit;
  };
  Occupancy result;
  uint64_t warps = std::max<uint64_t>(1, (threadsPerBlock + 31) / 32);
  uint64_t byBlocks = device.maxBlocks;
  uint64_t byThreads = device.maxWarps / warps;
  uint64_t perWarp = up(uint64_t(std::max(1u, kernel.registers)) * 32,
                        device.registerGranularity);
  // Four schedulers share the registers; a warp's come from one of them.
  uint64_t warpsByRegisters = device.registers / 4 / perWarp * 4;
  uint64_t byRegisters = warpsByRegisters / warps;
  uint64_t shared = kernel.staticShared + dynamicShared;
  uint64_t perBlock =
      up(shared + device.sharedReserved, device.sharedGranularity);
  uint64_t byShared = perBlock ? device.sharedBytes / perBlock : byBlocks;
  uint64_t least = std::min({byBlocks, byThreads, byRegisters, byShared});
  result.blocks = unsigned(least);
  result.limit = least == byShared      ? Occupancy::Limit::Shared
                 : least == byRegisters ? Occupancy::Limit::Registers
                 : least == byThreads   ? Occupancy::Limit::Threads
                                        : Occupancy::Limit::Blocks;
  return result;
}

/// What the driver would refuse before anything runs.
static std::optional<Finding> refuse(const DeviceDescription &device,
                                     const LaunchRequest &request,
                                     const Options &options) {
  const Kernel &kernel = *request.kernel;
  Finding finding;
  finding.check = CheckLimits;
  finding.kernel = kernel.name;
  uint64_t threads = request.block.count();
  uint64_t shared = kernel.staticShared + request.dynamicShared;
  if (threads > device.maxThreadsPerBlock) {
    finding.what = "a block of " + std::to_string(threads) +
                   " threads exceeds the device's " +
                   std::to_string(device.maxThreadsPerBlock);
  } else if (kernel.maxThreads && threads > kernel.maxThreads) {
    finding.what = "a block of " + std::to_string(threads) +
                   " threads exceeds the kernel's .maxntid or .reqntid of " +
                   std::to_string(kernel.maxThreads);
  } else if (shared > device.sharedPerBlockOptIn) {
    finding.what = std::to_string(shared) +
                   " bytes of shared memory exceed the device's " +
                   std::to_string(device.sharedPerBlockOptIn) + " for a block";
  } else if (kernel.registersMeasured &&
             uint64_t(kernel.registers) * threads > device.registers) {
    finding.what = std::to_string(kernel.registers) + " registers of " +
                   std::to_string(threads) +
                   " threads exceed the multiprocessor's " +
                   std::to_string(device.registers);
  } else {
    if (!request.cooperative)
      return std::nullopt;
    Occupancy fit = occupancy(device, kernel, threads, request.dynamicShared);
    if (request.grid.count() <= uint64_t(fit.blocks) * device.multiprocessors)
      return std::nullopt;
    finding.fault = Fault::CooperativeTooLarge;
    finding.what =
        "a cooperative launch of " + std::to_string(request.grid.count()) +
        " blocks; " +
        std::to_string(uint64_t(fit.blocks) * device.multiprocessors) +
        " are resident at once";
    return finding;
  }
  (void)options;
  finding.fault = Fault::OutOfResources;
  return finding;
}

/// Bytes that %envreg1 and %envreg2 point to: cooperative_groups counts
/// arrivals in the second word.
static constexpr uint64_t kCooperativeBarrier = 64;

LaunchOutcome tenon::sim::exec::launch(const DeviceDescription &device,
                                       DeviceMemory &memory,
                                       const LaunchRequest &request,
                                       const LaunchLimits &limits,
                                       const Options &options) {
  LaunchOutcome outcome;
  auto begin = std::chrono::steady_clock::now();
  if (auto refused = refuse(device, request, options)) {
    outcome.fault = refused->fault;
    outcome.findings.push_back(std::move(*refused));
    return outcome;
  }
  if (request.grid.count() > 0 && request.block.count() > 0) {
    Grid grid(device, memory, request, limits, options);
    std::shared_ptr<const Allocation> barrier;
    if (request.cooperative) {
      barrier = memory.allocate(kCooperativeBarrier, 256, MemoryKind::Variable,
                                "barrier of the cooperative grid");
      if (!barrier) {
        outcome.fault = Fault::OutOfResources;
        return outcome;
      }
      std::memset(barrier->bytes, 0, kCooperativeBarrier);
      DeviceMemory::markWritten(*barrier, barrier->address,
                                kCooperativeBarrier);
      grid.cooperativeBarrier = barrier->address;
    }
    grid.run(outcome);
    if (barrier)
      memory.release(barrier->address);
  }
  outcome.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
          .count();
  return outcome;
}

std::shared_ptr<const KernelCounters>
tenon::sim::exec::gatherCounters(const Grid &grid,
                                 std::vector<Worker> &workers) {
  auto result = std::make_shared<KernelCounters>();
  const LaunchRequest &request = grid.request;
  const Kernel &kernel = *request.kernel;
  result->kernel = kernel.name;
  result->launch = request.number;
  result->grid = request.grid;
  result->block = request.block;
  result->dynamicShared = request.dynamicShared;
  result->staticShared = kernel.staticShared;
  result->localBytes = kernel.localBytes;
  result->registers = kernel.registers;
  result->registersMeasured = kernel.registersMeasured;
  Occupancy fit = occupancy(grid.device, kernel, request.block.count(),
                            request.dynamicShared);
  result->blocksPerMultiprocessor = fit.blocks;
  static constexpr const char *kLimits[] = {"blocks", "threads", "registers",
                                            "shared memory"};
  result->occupancyLimit = kLimits[size_t(fit.limit)];
  uint64_t warps = (request.block.count() + 31) / 32;
  result->occupancy = double(fit.blocks * warps) / grid.device.maxWarps;
  result->blocksRun = grid.finishedBlocks;
  SectorSet read, written;
  for (Worker &worker : workers) {
    read.add(worker.read);
    written.add(worker.written);
  }
  result->uniqueReadSectors = read.size();
  result->uniqueWrittenSectors = written.size();

  const Program &program = grid.program;
  for (uint32_t pc = 0; pc < program.ops.size(); ++pc) {
    // Ops that the decoder added are no instructions of the program.
    if (program.infos[pc].instruction == ptx::kNone)
      continue;
    InstructionCounters counters;
    for (const Worker &worker : workers) {
      const OpCount &count = worker.counts[pc];
      counters.warps += count.warps;
      counters.threads += count.threads;
      counters.globalBytes += count.globalBytes;
      counters.globalSectors += count.globalSectors;
      counters.sharedBytes += count.sharedBytes;
      counters.sharedWavefronts += count.sharedWavefronts;
      counters.sharedIdeal += count.sharedIdeal;
    }
    if (!counters.warps)
      continue;
    const ptx::Instruction &instruction = *program.instruction(pc);
    const ptx::Function &function =
        program.module.functions[program.infos[pc].function];
    Classification kind = classify(instruction);
    counters.opClass = kind.opClass;
    counters.pipe = kind.pipe;
    counters.mmaType = kind.mmaType;
    counters.flopsPerWarp = kind.flops;
    counters.function = function.name;
    counters.ptxLine = instruction.place.line;
    counters.ptxText = program.line(instruction.place.line);
    counters.sourceLine = instruction.sourceLine;
    for (const ptx::SourceFile &file : program.module.files)
      if (file.number == instruction.file && instruction.sourceLine)
        counters.sourceFile = file.name;
    result->instructions.push_back(std::move(counters));
  }
  return result;
}
