//===- Fragments.cpp - Registers of a matrix fragment ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/Fragments.h"

#include <algorithm>

using namespace tenon::sim::ptx;

MatrixShape tenon::sim::ptx::matrixShape(Mod shape) {
  // The spelling is the definition: m16n8k16.
  std::string_view text = spelling(shape);
  MatrixShape result;
  unsigned *current = nullptr;
  for (char c : text) {
    if (c == 'm')
      current = &result.m;
    else if (c == 'n')
      current = &result.n;
    else if (c == 'k')
      current = &result.k;
    else if (current)
      *current = *current * 10 + unsigned(c - '0');
  }
  return result;
}

FragmentShape tenon::sim::ptx::fragmentOf(std::string_view opcode,
                                          const Instruction &instruction,
                                          char which) {
  bool isWmma = opcode.starts_with("wmma");
  if (which == 'L' || which == 'S')
    which = char(spelling(instruction.get(Field::Fragment))[0] - 'a' + 'A');
  const auto &types = instruction.types;
  Type type = types[0];
  if (instruction.typeCount == 4)
    type = types[which == 'A' ? 1 : which == 'B' ? 2 : which == 'C' ? 3 : 0];
  else if (instruction.typeCount == 2) // wmma.mma of f16: types of D and C
    type =
        which == 'A' || which == 'B' ? Type::F16 : types[which == 'C' ? 1 : 0];
  MatrixShape shape = matrixShape(instruction.get(Field::Shape));
  bool sparse = instruction.has(Mod::Sp) || instruction.has(Mod::SpOrdered);
  unsigned elements = which == 'A'   ? shape.m * shape.k / (sparse ? 2 : 1)
                      : which == 'B' ? shape.k * shape.n
                                     : shape.m * shape.n;
  bool isInput = which == 'A' || which == 'B';
  if (type == Type::F64)
    return {Type::F64, std::max(1u, elements / 32)};
  FragmentShape result;
  result.type = type == Type::F32               ? Type::F32
                : type == Type::S32 && !isInput ? Type::S32
                                                : Type::B32;
  result.count = std::max(1u, elements * bitsOf(type) / (32 * 32));
  if (type == Type::F16 && isWmma && isInput)
    result.count = 8; // each element is held twice
  if (shape.m == 8 && shape.n == 8 && shape.k == 4)
    // Four products of quads at once, PTX ISA 9.7.14.5.1.
    result.count = isInput ? 2 : type == Type::F32 ? 8 : 4;
  return result;
}
