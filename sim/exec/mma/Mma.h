//===- Mma.h - Matrix instructions on the rows of a warp --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// mma, mma.sp and wmma (PTX ISA 9.7.14) as functions of registers: a row holds
// one register of 32 lanes (Vector.h). Nothing here knows of warps, programs or
// memory.
//
//   Fragments.cpp   which element of a matrix each lane holds; metadata
//   Mma.cpp         rows -> matrices, multiply, -> rows
//   Multiply*.cpp   floats, with the rounding of Model.h
//   Integer.cpp     8, 4 and 1 bits
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_MMA_MMA_H
#define TENON_SIM_EXEC_MMA_MMA_H

#include "sim/exec/mma/Multiply.h"
#include "sim/ptx/Fragments.h"

#include <cfenv>
#include <cstdint>

namespace tenon::sim::exec {

/// An instruction of some form: mma, wmma.mma, or a wmma load or store, whose
/// types are all the one it names.
struct MmaDescription {
  enum class Layout : uint8_t {
    Mma,
    Quads, ///< m8n8k4 of f16: four products of quad pairs, 9.7.14.5.1
    Wmma
  };
  ptx::MatrixShape shape;
  ptx::Type a, b, c, d;
  bool aRow = true, bRow = false; ///< layouts, of m8n8k4 alone
  Layout layout = Layout::Mma;
  bool sparse = false, ordered = false, satfinite = false, isXor = false;
  int rounding = FE_TONEAREST; ///< of f64
  unsigned counts[4] = {};     ///< registers of A, B, C, D; not of loads
};
MmaDescription describeMma(const ptx::Instruction &instruction);

/// Where one element of a fragment lies in its matrix.
struct MatrixPlace {
  unsigned row, column;
};
/// Element i of a lane, of those that `registers` hold with `perRegister` in
/// each. `which` is A, B, C or D. Of Quads, within the lane's quad pair.
MatrixPlace placeOf(const MmaDescription &desc, char which, unsigned lane,
                    unsigned i, unsigned perRegister, unsigned registers);

/// Which columns of the dense A the stored elements of a sparse one are.
/// `words` is the row of the metadata register. False: it names an element
/// twice, has a value without meaning, or is unordered though said to be.
using SparseColumns = uint8_t[16][64];
bool readMetadata(const MmaDescription &desc, const uint32_t *words,
                  unsigned selector, SparseColumns &columns);

struct MmaRows {
  char *d[8];
  const char *a[8], *b[8], *c[8];
  const SparseColumns *columns = nullptr; ///< if sparse
};

/// Scratch of a host thread: too large for the stack of every call.
struct MmaScratch {
  FloatMatrices floats;
  /// Rows of A and columns of B as they lie packed in registers.
  alignas(64) uint8_t a[32][128], b[32][256];
  alignas(64) int32_t c[32][32];
};

/// d = a * b + c; rows of d may be those of others. `model` is for floats.
void multiply(const MmaDescription &desc, const MmaRows &rows,
              const AddModel &model, MmaScratch &scratch);

/// Integers and bits: scratch's a, b and c, which becomes the result.
void multiplyIntegers(const MmaDescription &desc, const SparseColumns *columns,
                      MmaScratch &scratch);

} // namespace tenon::sim::exec

#endif // TENON_SIM_EXEC_MMA_MMA_H
