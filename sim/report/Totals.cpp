//===- Totals.cpp - Sums of counters --------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/report/Totals.h"

using namespace tenon::sim;
using namespace tenon::sim::exec;
using namespace tenon::sim::report;

void Totals::add(const InstructionCounters &instruction, double scale) {
  double warps = scale * double(instruction.warps);
  double threads = scale * double(instruction.threads);
  for (Count *count : {&all, &classes[size_t(instruction.opClass)],
                       &pipes[size_t(instruction.pipe)]}) {
    count->warps += warps;
    count->threads += threads;
  }
  double flops = double(instruction.flopsPerWarp);
  if (!instruction.mmaType.empty())
    mmaFlops[instruction.mmaType] += flops * warps;
  // Divisions and approximations work on f32 unless the f64 pipe has them.
  else if (instruction.opClass == OpClass::Float64)
    f64Flops += flops * threads;
  else if (instruction.opClass == OpClass::Float16)
    f16Flops += flops * threads;
  else
    f32Flops += flops * threads;
  if (instruction.opClass == OpClass::Integer && instruction.pipe == Pipe::Fma)
    integerMultiplies += threads;
  globalBytes += scale * double(instruction.globalBytes);
  globalSectors += scale * double(instruction.globalSectors);
  sharedBytes += scale * double(instruction.sharedBytes);
  sharedWavefronts += scale * double(instruction.sharedWavefronts);
  sharedIdeal += scale * double(instruction.sharedIdeal);
}

std::map<std::string, double>
Totals::clocks(const DeviceDescription &device) const {
  std::map<std::string, double> busy;
  auto rate = [&](const std::string &unit, double work,
                  const std::string &operation) {
    if (double perClock = device.throughput(operation);
        perClock > 0 && work > 0)
      busy[unit] += work / perClock;
  };
  // A warp takes a whole slot of the scheduler, and of a pipe, even where only
  // some of its lanes run.
  auto lanes = [&](Pipe pipe) { return 32 * pipes[size_t(pipe)].warps; };
  rate("issue", 32 * all.warps, "issue");
  rate("alu", lanes(Pipe::Alu), "int32.add");
  rate("fma", lanes(Pipe::Fma) - integerMultiplies, "fp32");
  rate("fma", integerMultiplies, "int32.mad");
  // The rate of fp16 counts both halves of a register.
  rate("fp16", 2 * lanes(Pipe::Fp16), "fp16");
  rate("fp64", lanes(Pipe::Fp64), "fp64");
  rate("sfu", lanes(Pipe::Sfu), "sfu");
  for (const auto &[type, flops] : mmaFlops) {
    bool sparse = type.ends_with(".sp");
    std::string dense = sparse ? type.substr(0, type.size() - 3) : type;
    rate("tensor", flops / (sparse ? 4 : 2), "mma." + dense);
  }
  rate("shared", 128 * sharedWavefronts, "sharedBytes");
  double sectors = uniqueRead + uniqueWritten;
  if (sectors > 0)
    busy["memory"] = sectors * 32 / device.memoryBandwidth *
                     double(device.clockHz) * device.multiprocessors;
  return busy;
}
