//===- Fragments.cpp - Which element of a matrix each lane holds ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Fragments of mma (PTX ISA 9.7.14.5.1 to .13). With g = lane / 4, t = lane %
// 4, and E elements in a register (1 of 32 or 64 bits, 2 of 16, 4 of 8, 8 of 4,
// 32 of one bit), element e of register r is
//
//   A, m = 16   row g + 8 * (r % 2), column 4E * (r / 2) + E * t + e
//   A, m = 8    row g,               column 4E * r + E * t + e
//   B           row 4E * r + E * t + e, column g
//   C, D        element i = E * r + e: row g + 8 * (i / 2), column 2t + i % 2
//
// m8n8k4 of f16 is four products of quad pairs at once (9.7.14.5.1), with maps
// of its own. The fragments of wmma are opaque (9.7.14.4.1): element i of a
// lane is element (lane * count + i) of the matrix, again from the start where
// lanes hold more than there is; C of f16 and f32 agree. A, C and D count in
// row-major order, B in column-major: elements of a register lie along K.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/mma/Mma.h"
#include "sim/ptx/Instructions.h"

using namespace tenon::sim;
using namespace tenon::sim::exec;
using ptx::Field;
using ptx::Instruction;
using ptx::Mod;
using ptx::Type;
using Layout = MmaDescription::Layout;

MmaDescription tenon::sim::exec::describeMma(const Instruction &instruction) {
  MmaDescription desc;
  std::string_view opcode = ptx::opcodes()[instruction.opcode].name;
  desc.shape = ptx::matrixShape(instruction.get(Field::Shape));
  desc.ordered = instruction.has(Mod::SpOrdered);
  desc.sparse = desc.ordered || instruction.has(Mod::Sp);
  desc.satfinite = instruction.has(Mod::Satfinite);
  desc.isXor = instruction.has(Mod::Xor);
  desc.aRow = instruction.get(Field::LayoutA) != Mod::Col;
  desc.bRow = instruction.get(Field::LayoutB) == Mod::Row;
  const auto &types = instruction.types;
  if (instruction.typeCount == 4) {
    desc.d = types[0];
    desc.a = types[1];
    desc.b = types[2];
    desc.c = types[3];
  } else if (instruction.typeCount == 2) { // wmma.mma of f16: D and C
    desc.d = types[0];
    desc.c = types[1];
    desc.a = desc.b = Type::F16;
  } else { // wmma.load and store: the one type
    desc.a = desc.b = desc.c = desc.d = types[0];
  }
  const ptx::MatrixShape &shape = desc.shape;
  if (opcode.starts_with("wmma"))
    desc.layout = Layout::Wmma;
  else if (shape.m == 8 && shape.n == 8 && shape.k == 4 && desc.a == Type::F16)
    desc.layout = Layout::Quads;
  switch (instruction.get(Field::Rounding)) {
  case Mod::Rz:
    desc.rounding = FE_TOWARDZERO;
    break;
  case Mod::Rm:
    desc.rounding = FE_DOWNWARD;
    break;
  case Mod::Rp:
    desc.rounding = FE_UPWARD;
    break;
  default:
    break;
  }
  static constexpr char kWhich[] = {'A', 'B', 'C', 'D'};
  if (instruction.typeCount != 1)
    for (unsigned i = 0; i < 4; ++i)
      desc.counts[i] = ptx::fragmentOf(opcode, instruction, kWhich[i]).count;
  return desc;
}

/// PTX ISA 9.7.14.5.1: rows and columns of the lane's quad pair.
static MatrixPlace placeInQuads(const MmaDescription &desc, char which,
                                unsigned lane, unsigned i) {
  unsigned t = lane % 4, upper = lane >= 16 ? 4 : 0;
  if (which == 'A')
    return desc.aRow ? MatrixPlace{t + upper, i} : MatrixPlace{i + upper, t};
  if (which == 'B')
    return desc.bRow ? MatrixPlace{t, i + upper} : MatrixPlace{i, t + upper};
  if ((which == 'C' ? desc.c : desc.d) != Type::F32)
    return {t + upper, i};
  return {(lane & 1) + (i & 2) + upper, (i & 4) + (lane & 2) + (i & 1)};
}

MatrixPlace tenon::sim::exec::placeOf(const MmaDescription &desc, char which,
                                      unsigned lane, unsigned i,
                                      unsigned perRegister,
                                      unsigned registers) {
  const ptx::MatrixShape &shape = desc.shape;
  unsigned g = lane / 4, t = lane % 4, r = i / perRegister, e = i % perRegister;
  switch (desc.layout) {
  case Layout::Mma:
    if (which == 'A') {
      unsigned row = shape.m == 16 ? g + 8 * (r % 2) : g;
      unsigned step = shape.m == 16 ? r / 2 : r;
      return {row, 4 * perRegister * step + perRegister * t + e};
    }
    if (which == 'B')
      return {4 * perRegister * r + perRegister * t + e, g};
    return {g + 8 * (i / 2), 2 * t + i % 2};
  case Layout::Quads:
    return placeInQuads(desc, which, lane, i);
  case Layout::Wmma: {
    unsigned columns = which == 'A' ? shape.k : shape.n;
    unsigned rows = which == 'B' ? shape.k : shape.m;
    unsigned index = (lane * registers * perRegister + i) % (rows * columns);
    if (which == 'B')
      return {index % rows, index / rows};
    return {index / columns, index % columns};
  }
  }
  return {0, 0};
}

// PTX ISA 9.7.14.6.2: of each four columns two are stored (of two, one for
// tf32; of eight, two pairs for 4-bit integers), and four bits of metadata say
// which. The words of a quad's threads that the selector names are, for 16 and
// 32-bit types, halves for rows g and g + 8; for narrower ones whole words for
// row g and row g + 8 in turn.
bool tenon::sim::exec::readMetadata(const MmaDescription &desc,
                                    const uint32_t *words, unsigned selector,
                                    SparseColumns &columns) {
  unsigned bits = ptx::bitsOf(desc.a);
  // A nibble describes two stored elements, four 4-bit ones, one of tf32.
  unsigned perNibble = bits == 32 ? 1 : bits == 4 ? 4 : 2;
  unsigned nibbles = desc.shape.k / (perNibble * 2); // of a row
  unsigned perWord = bits >= 16 ? 4 : 8;
  unsigned threads = bits >= 16 ? nibbles / 4 : nibbles / 8 * 2;
  unsigned first = selector % (4 / threads) * threads;
  bool good = true;
  for (unsigned row = 0; row < desc.shape.m; ++row) {
    unsigned upper = row / 8;
    const uint32_t *quad = words + row % 8 * 4 + first;
    for (unsigned i = 0; i < nibbles; ++i) {
      uint32_t word =
          bits >= 16 ? quad[i / 4] >> (16 * upper) : quad[i / 8 * 2 + upper];
      unsigned nibble = word >> (4 * (i % perWord)) & 15;
      unsigned low = nibble & 3, high = nibble >> 2;
      uint8_t *to = columns[row] + i * perNibble;
      if (bits == 32) { // 0b0100: the first of two, 0b1110: the second
        good &= nibble == 0x4 || nibble == 0xe;
        to[0] = uint8_t(i * 2 + (nibble == 0xe));
        continue;
      }
      good &= desc.ordered ? low < high : low != high;
      if (bits == 4) {
        for (unsigned j = 0; j < 4; ++j)
          to[j] = uint8_t(i * 8 + (j < 2 ? low : high) * 2 + j % 2);
      } else {
        to[0] = uint8_t(i * 4 + low);
        to[1] = uint8_t(i * 4 + high);
      }
    }
  }
  return good;
}
