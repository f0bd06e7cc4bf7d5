//===- Model.cpp - How a device's Tensor Cores add ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The parameters are those of the models of [2] (V100TC, A100TC, AdaTC, H100TC)
// and agree with [3] wherever both measured. Against the measured sums that [2]
// publishes, MeasuredTest compares them bit by bit.
//
// Nobody published sparse products. They are taken to add as many products at
// once as dense ones, those that are stored: an mma.sp does a dense one's work.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/mma/Model.h"

using namespace tenon::sim;
using namespace tenon::sim::exec;
using ptx::Type;

namespace {

struct Row {
  unsigned firstSm;
  unsigned block16, blockTf32, blockFp8; ///< products at once
  unsigned fraction;                     ///< but for fp8
  int floor, floorHalf;                  ///< of f32 and f16 results
};

// A block has the bytes of a Tensor Core's operand: 8 of Volta, 16, then 32.
constexpr Row kRows[] = {
    // Volta
    {70, 4, 4, 4, 23, -1024, -19},
    // Turing: block and fraction of [3]; floors as of the next
    {75, 8, 8, 8, 24, -132, -20},
    // Ampere
    {80, 8, 4, 16, 24, -132, -20},
    // Ada: fp8 besides
    {89, 8, 4, 16, 24, -132, -20},
    // Hopper
    {90, 16, 8, 16, 25, -133, -21},
};

/// Ada adds fp8 with fewer bits and gives f32 results of 13 (also SageAttention
/// 2, arXiv 2411.10958, section 3.3: "FP22"); of their floor nothing is known.
constexpr unsigned kFp8Fraction = 13, kFp8Kept = 13;

} // namespace

AddModel tenon::sim::exec::addModel(unsigned sm, Type a, Type d) {
  const Row *row = kRows;
  for (const Row &candidate : kRows)
    if (candidate.firstSm <= sm)
      row = &candidate;
  bool isFp8 = a == Type::E4M3 || a == Type::E5M2;
  bool isHalf = d == Type::F16;
  AddModel model;
  model.block = isFp8             ? row->blockFp8
                : a == Type::TF32 ? row->blockTf32
                                  : row->block16;
  model.fraction = row->fraction;
  model.floor = isHalf ? row->floorHalf : row->floor;
  if (!isFp8)
    return model;
  if (sm >= 90) {
    model.fp8ThroughHalf = true;
    return model;
  }
  model.fraction = kFp8Fraction;
  model.kept = kFp8Kept;
  model.floor = row->floor;
  return model;
}
