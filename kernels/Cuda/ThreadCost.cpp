//===- ThreadCost.cpp - What kernels of independent threads take ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Counts instructions from the ops of the kernel, not from its code: so much
// for a thread's index arithmetic, for each element that is loaded or stored,
// for each pointwise op. What an anchor adds is its family's to say.
//
// Tests: test/unit/cudaKernels/CostTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/ThreadCost.h"
#include <cmath>

namespace mlir::tenon {

using graph::DimExpr;

DeviceInfo deviceOf(const KernelTarget &target) {
  return target.device ? *target.device : deviceFor(target.computeCapability);
}

int64_t typicalSize(const KernelTarget &target, DimExpr size, int64_t unknown) {
  auto value = size.evaluate([&](StringAttr symbol) -> int64_t {
    unsigned number;
    if (symbol.getValue().drop_front().getAsInteger(10, number) ||
        number >= target.typicalSizes.size())
      return unknown;
    return target.typicalSizes[number];
  });
  return std::max<int64_t>(value.value_or(unknown), 0);
}

double elementsOf(Value value, const KernelTarget &target) {
  double count = 1;
  for (DimExpr dim : graph::dimsOf(value))
    count *= double(typicalSize(target, dim));
  return count;
}

double bytesOfElement(Value value) {
  return std::max(8u, getElementTypeOrSelf(value).getIntOrFloatBitWidth()) / 8;
}

/// Elements of an argument that a kernel can read: all, or what its users pick.
static double elementsRead(BlockArgument argument, const KernelTarget &target) {
  double all = elementsOf(argument, target), picked = 0;
  for (Operation *user : argument.getUsers()) {
    if (!isa<graph::GatherOp, graph::GatherElementsOp, graph::SliceOp>(user) ||
        user->getOperand(0) != argument)
      return all;
    picked += elementsOf(user->getResult(0), target);
  }
  return std::min(all, picked);
}

static bool isCheap(Operation *op) {
  return isa<graph::AddOp, graph::SubOp, graph::MulOp, graph::MaxOp,
             graph::MinOp, graph::NegOp, graph::AbsOp, graph::ReluOp,
             graph::ClampOp, graph::SelectOp, graph::CompareOp, graph::CastOp>(
      op);
}

BodyWork bodyWork(graph::KernelOp kernel, const KernelTarget &target) {
  BodyWork work;
  auto access = [&](Value value, double elements) {
    double bytes = bytesOfElement(value);
    work.bytes += elements * bytes;
    work.accesses += elements;
    // Narrow numbers are computed as f32.
    if (bytes < 4)
      work.instructions += elements * kOfConvert;
  };
  for (BlockArgument argument : kernel.getBody().getArguments())
    access(argument, elementsRead(argument, target));
  for (Value result : kernel->getResults())
    access(result, elementsOf(result, target));
  Operation *anchor = anchorOf(kernel);
  for (Operation &op : kernel.getBody().front()) {
    if (&op == anchor || !op.hasTrait<graph::Pointwise>())
      continue;
    double elements = elementsOf(op.getResult(0), target);
    work.flops += elements;
    work.instructions += elements * (isCheap(&op) ? 1 : kOfFunction);
  }
  return work;
}

double sectorsForBytes(double run, bool aligned) {
  constexpr double kSector = 32;
  run = std::max(run, 1.0);
  double sectors = aligned ? std::ceil(run / kSector)
                           // One more, but where it happens to begin with one.
                           : run / kSector + (kSector - 1) / kSector;
  return sectors * kSector / run;
}

CombineWork combineWork(int64_t threads, int64_t values) {
  // A multiprocessor exchanges lanes of one warp a clock and issues four.
  constexpr double kOfShuffle = 4;
  double steps = std::log2(double(std::min<int64_t>(threads, 32)));
  double v = double(values);
  CombineWork work;
  work.instructions = steps * v * (kOfShuffle + 1);
  work.cycles = steps * (kExchange + v * kOfStep);
  if (threads <= 32)
    return work;
  // Warps leave theirs in shared memory; each lane takes one, then they meet.
  double warps = std::log2(double(threads) / 32);
  work.instructions +=
      v * 2 * kOfAccess + 8 + (warps + 1) * v * (kOfShuffle + 1);
  work.cycles += kMeeting + (warps + 1) * (kExchange + v * kOfStep);
  return work;
}

} // namespace mlir::tenon
