//===- MatrixOps.cpp - Matrices of a warp, PTX ISA 9.7.14 -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// ldmatrix, stmatrix and movmatrix move 8x8 matrices of 16-bit elements
// (9.7.14.5.15 to .17): lane 8m + r names row r of matrix m; of each matrix
// lane t holds the elements
//
//   plain   (row t / 4, columns 2 * (t % 4) and the next)
//   .trans  (rows 2 * (t % 4) and the next, column t / 4)
//
//===----------------------------------------------------------------------===//

#include "sim/exec/MemoryAccess.h"
#include "sim/ptx/Instructions.h"

#include <cstring>

using namespace tenon::sim;
using namespace tenon::sim::exec;
using ptx::Field;
using ptx::Instruction;
using ptx::Mod;

/// Op::mode: bits 0-2 matrices, 3 wide address, 4 trans, 5-7 space.
static uint16_t encode(unsigned matrices, bool wide, bool trans, Space space) {
  return uint16_t(matrices | unsigned(wide) << 3 | unsigned(trans) << 4 |
                  unsigned(space) << 5);
}

/// Addresses of the rows, resolved.
static bool rowsOf(WarpState &warp, const Op &op, AccessKind kind,
                   Pointers &pointers) {
  Addresses addresses;
  computeAddresses(warp, op.a, op.mode >> 3 & 1, op.imm, addresses);
  unsigned matrices = op.mode & 7;
  uint32_t lanes = matrices == 4 ? kAllLanes : (1u << matrices * 8) - 1;
  return resolve(warp, addresses, lanes, 16, 16, Space(op.mode >> 5 & 7), kind,
                 pointers);
}

/// The rows' unwritten bytes, to the lanes that hold them.
static Step markMatrices(WarpState &warp, const Op &op, bool trans) {
  AccessMarks &loaded = warp.undefined.loaded;
  const AccessMarks rows = loaded;
  auto bytesOf = [&](unsigned row) {
    return rows.lanes >> row & 1 ? rows.bytes[row] : 0;
  };
  for (unsigned m = 0; m < unsigned(op.mode & 7); ++m) {
    loaded.lanes = kAllLanes;
    for (unsigned t = 0; t < kWarpSize; ++t)
      loaded.bytes[t] =
          trans ? (bytesOf(m * 8 + t % 4 * 2) >> (t / 4 * 2) & 3) |
                      (bytesOf(m * 8 + t % 4 * 2 + 1) >> (t / 4 * 2) & 3) << 2
                : bytesOf(m * 8 + t / 4) >> (t % 4 * 4) & 15;
    markLoaded(warp, warp.listRows(op)[m], 0, 4, 4, false);
  }
  return endLoad(warp);
}

static Step loadMatrix(Warp &base, const Op &op) {
  WarpState &warp = state(base);
  if (!converged(warp, kAllLanes))
    return Step::Wait;
  Pointers rows;
  if (!rowsOf(warp, op, AccessKind::Read, rows))
    return Step::Fault;
  bool trans = op.mode >> 4 & 1;
  for (unsigned m = 0; m < unsigned(op.mode & 7); ++m) {
    auto *to = reinterpret_cast<uint32_t *>(warp.row(warp.listRows(op)[m]));
    char *const *from = rows.at + m * 8;
    if (!trans) {
      for (unsigned r = 0; r < 8; ++r)
        std::memcpy(to + r * 4, from[r], 16);
      continue;
    }
    for (unsigned t = 0; t < kWarpSize; ++t) {
      uint16_t low, high;
      std::memcpy(&low, from[t % 4 * 2] + t / 4 * 2, 2);
      std::memcpy(&high, from[t % 4 * 2 + 1] + t / 4 * 2, 2);
      to[t] = low | uint32_t(high) << 16;
    }
  }
  if (warp.undefined.loaded.lanes) [[unlikely]]
    return markMatrices(warp, op, trans);
  return Step::Next;
}

static Step storeMatrix(Warp &base, const Op &op) {
  WarpState &warp = state(base);
  if (!converged(warp, kAllLanes))
    return Step::Wait;
  Pointers rows;
  if (!rowsOf(warp, op, AccessKind::Write, rows))
    return Step::Fault;
  bool trans = op.mode >> 4 & 1;
  for (unsigned m = 0; m < unsigned(op.mode & 7); ++m) {
    const auto *from =
        reinterpret_cast<const uint32_t *>(warp.row(warp.listRows(op)[m]));
    char *const *to = rows.at + m * 8;
    for (unsigned t = 0; t < kWarpSize; ++t) {
      auto low = uint16_t(from[t]), high = uint16_t(from[t] >> 16);
      if (trans) {
        std::memcpy(to[t % 4 * 2] + t / 4 * 2, &low, 2);
        std::memcpy(to[t % 4 * 2 + 1] + t / 4 * 2, &high, 2);
      } else {
        std::memcpy(to[t / 4] + t % 4 * 4, &from[t], 4);
      }
    }
  }
  return Step::Next;
}

static Step moveMatrix(Warp &base, const Op &op) {
  WarpState &warp = state(base);
  if (!converged(warp, kAllLanes))
    return Step::Wait;
  uint16_t matrix[8][8];
  const auto *from = reinterpret_cast<const uint32_t *>(warp.row(op.a));
  for (unsigned t = 0; t < kWarpSize; ++t) {
    matrix[t / 4][t % 4 * 2] = uint16_t(from[t]);
    matrix[t / 4][t % 4 * 2 + 1] = uint16_t(from[t] >> 16);
  }
  auto *to = reinterpret_cast<uint32_t *>(warp.row(op.d));
  for (unsigned t = 0; t < kWarpSize; ++t)
    to[t] = matrix[t % 4 * 2][t / 4] | uint32_t(matrix[t % 4 * 2 + 1][t / 4])
                                           << 16;
  return Step::Next;
}

Handler tenon::sim::exec::selectMatrix(const Instruction &instruction,
                                       const RowWidths &widths, Op &op) {
  std::string_view opcode = ptx::opcodes()[instruction.opcode].name;
  if (opcode == "movmatrix")
    return moveMatrix;
  if (opcode != "ldmatrix" && opcode != "stmatrix")
    return selectMma(instruction, widths, op);
  Mod number = instruction.get(Field::Number);
  unsigned matrices = number == Mod::X4 ? 4 : number == Mod::X2 ? 2 : 1;
  op.mode = encode(matrices, widths.a == 8, instruction.has(Mod::Trans),
                   spaceOf(instruction));
  return opcode == "ldmatrix" ? loadMatrix : storeMatrix;
}
