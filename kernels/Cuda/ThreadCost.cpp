//===- ThreadCost.cpp - What kernels of independent threads take ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Counts instructions from the ops of the kernel, not from its code: so much
// for a thread's index arithmetic, for each element that is loaded or stored,
// for each pointwise op, and for each step of the anchor. The weights are round
// numbers; what they are for is to tell whether a kernel waits for memory (most
// do) or for the units that issue.
//
// Tests: test/unit/cudaKernels/CostTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/ThreadCost.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::tenon {

using graph::DimExpr;

// --- Weights, in instructions ----------------------------------------------

static constexpr double kThreadStart = 20; // where am I, and is that inside
static constexpr double kOfDimension = 8;  // splitting a number by a size
static constexpr double kOfAccess = 2;     // an address, and the load or store
static constexpr double kOfFunction = 12;  // exp, erf, division and the like
static constexpr double kOfConvFlop = 1.5; // multiply-add, weight, its index
static constexpr double kOfScalarFlop = 3; // the same from the definition
static constexpr double kOfRowFlop = 1;

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

static double elementsOf(Value value, const KernelTarget &target) {
  double count = 1;
  for (DimExpr dim : graph::dimsOf(value))
    count *= double(typicalSize(target, dim));
  return count;
}

static double bytesOfElement(Value value) {
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

double bytesMoved(graph::KernelOp kernel, const KernelTarget &target) {
  double bytes = 0;
  for (BlockArgument argument : kernel.getBody().getArguments())
    bytes += elementsRead(argument, target) * bytesOfElement(argument);
  for (Value result : kernel->getResults())
    bytes += elementsOf(result, target) * bytesOfElement(result);
  return bytes;
}

static bool isCheap(Operation *op) {
  return isa<graph::AddOp, graph::SubOp, graph::MulOp, graph::MaxOp,
             graph::MinOp, graph::NegOp, graph::AbsOp, graph::ReluOp,
             graph::ClampOp, graph::SelectOp, graph::CompareOp, graph::CastOp>(
      op);
}

/// The arithmetic of an anchor as it is defined, if its family counts only
/// results.
static double definedFlops(Operation *anchor, const KernelTarget &target) {
  auto size = [&](Value v, unsigned dim) {
    return double(typicalSize(target, graph::dimOf(v, dim)));
  };
  return llvm::TypeSwitch<Operation *, double>(anchor)
      .Case<graph::MatmulOp>([&](graph::MatmulOp op) {
        unsigned rank = cast<RankedTensorType>(op.getLhs().getType()).getRank();
        return 2 * elementsOf(op.getResult(), target) *
               size(op.getLhs(), rank - 1);
      })
      .Case<graph::ConvOp>([&](graph::ConvOp op) {
        return 2 * elementsOf(op.getResult(), target) *
               elementsOf(op.getFilter(), target) / size(op.getFilter(), 0);
      })
      .Case<graph::ConvTransposeOp>([&](graph::ConvTransposeOp op) {
        return 2 * elementsOf(op.getInput(), target) *
               elementsOf(op.getFilter(), target) / size(op.getFilter(), 0);
      })
      .Default(
          [&](Operation *op) { return elementsOf(op->getOperand(0), target); });
}

Cost threadCost(graph::KernelOp kernel, const KernelCode &code,
                const KernelTarget &target) {
  ThreadWork work;
  work.blocks = 1;
  for (DimExpr size : code.grid)
    work.blocks *= double(std::max<int64_t>(typicalSize(target, size), 1));
  work.threads = double(code.block[0] * code.block[1] * code.block[2]);
  work.shared = code.sharedBytes;
  work.bytes = bytesMoved(kernel, target);

  Value result = kernel->getResult(0);
  double dimensions = double(graph::dimsOf(result).size());
  double threads = work.blocks * work.threads;
  work.instructions = threads * (kThreadStart + kOfDimension * dimensions);
  double accesses = 0;
  for (BlockArgument argument : kernel.getBody().getArguments())
    accesses += elementsRead(argument, target);
  for (Value out : kernel->getResults())
    accesses += elementsOf(out, target);
  work.instructions += accesses * kOfAccess;

  Operation *anchor = anchorOf(kernel);
  for (Operation &op : kernel.getBody().front()) {
    if (&op == anchor || !op.hasTrait<graph::Pointwise>())
      continue;
    double elements = elementsOf(op.getResult(0), target);
    work.flops += elements;
    work.instructions += elements * (isCheap(&op) ? 1 : kOfFunction);
  }
  if (anchor) {
    bool isConv = code.family == "conv", isScalar = code.family == "scalar";
    double flops = isScalar ? definedFlops(anchor, target)
                            : double(typicalSize(target, code.flops));
    work.flops += flops;
    work.instructions += flops * (isConv     ? kOfConvFlop
                                  : isScalar ? kOfScalarFlop
                                             : kOfRowFlop);
  }
  return costOf(work, deviceOf(target));
}

} // namespace mlir::tenon
