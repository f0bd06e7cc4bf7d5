//===- Atoms.h - The instructions that tiles are made of ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// An atom is one instruction that a warp does together: its shape, its types,
// which thread holds which element, and the oldest GPU that has it. The name
// says the same, as CuTe's names do:
//
//     SM80_16x8x16_F32F16F16F32_TN
//      |      |      |        '-- A and B are both k-major for the instruction
//      |      |      '----------- types of D, A, B and C
//      |      '------------------ M x N x K
//      '------------------------- compute capability
//
// The layout of a fragment goes from (thread, value) to the number of an
// element in the operand's tile, column-major: A is M x K, B is N x K, C and D
// are M x N. See Layout.h for a picture.
//
// In this version: mma.sync, and products by the plain FMA units in the same
// form. mma.sp and wgmma will be further kinds: the first has a fourth operand
// (the pattern of the pairs), the second reads shared memory itself and is done
// by four warps.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECTS_TILE_ATOMS_H
#define TENON_DIALECTS_TILE_ATOMS_H

#include "dialects/Tile/Layout.h"
#include "mlir/IR/BuiltinTypes.h"

namespace mlir::tenon::tile {

enum class AtomKind { Mma, Fma };

/// The operands of a product, and a column with a number for each row of C.
enum class Role { A, B, C, Rows };
llvm::StringRef nameOf(Role role);
std::optional<Role> roleOf(llvm::StringRef name);

struct MmaAtom {
  llvm::StringRef name;
  AtomKind kind;
  int64_t m, n, k;
  llvm::StringRef typeA, typeB, typeC; // as MLIR writes them
  Layout a;                            // (T32, V) -> (M, K)
  Layout b;                            // (T32, V) -> (N, K)
  Layout c;                            // (T32, V) -> (M, N)
  int sm;                              // the oldest that has it
  llvm::StringRef intrinsic;           // LLVM's name; empty for Fma

  const Layout &layoutOf(Role role) const;
  llvm::StringRef typeOf(Role role) const;
  /// Rows and columns of an operand's tile.
  std::pair<int64_t, int64_t> shapeOf(Role role) const;
  /// Elements of an operand that one thread holds.
  int64_t valuesOf(Role role) const { return layoutOf(role).size(1); }
  /// How many elements of A or B a 32-bit register holds; 1 for Fma.
  int64_t packingOf(Role role) const;
};

llvm::ArrayRef<MmaAtom> mmaAtoms();
/// The atom of this name, or null.
const MmaAtom *findMmaAtom(llvm::StringRef name);

/// How bytes move: one instruction of one thread, or of a warp for matrices.
enum class CopyKind { Async, Matrix, MatrixStore, Vector };

struct CopyAtom {
  llvm::StringRef name;
  CopyKind kind;
  int64_t bytes; // of one thread, or of an 8 x 16-byte matrix's row
  int64_t count; // matrices
  bool transposed;
  int sm;
};

llvm::ArrayRef<CopyAtom> copyAtoms();
const CopyAtom *findCopyAtom(llvm::StringRef name);

/// The map of a block-wide copy of a rows x columns tile in runs of `vector`
/// columns: (thread, element of a run, round) -> the element's number in the
/// tile, row-major. Neighbouring threads take neighbouring runs, so each warp's
/// global accesses are whole sectors:
///
///     64 x 32 halves, runs of 8, 128 threads:  (128:8)(8:1)(2:1024)
///
/// The last dimension has the rounds; the tile need not fill the last one.
Layout copyMap(int64_t rows, int64_t columns, int64_t vector, int64_t threads);

/// The swizzle that keeps copies and fragment loads of a row-major tile of
/// `columns` elements of `bytes` each free of bank conflicts: `vector` elements
/// (16 bytes for ldmatrix and 16-byte copies) stay together, and runs in the
/// same columns of eight rows, `step` rows apart, get different banks.
Swizzle swizzleFor(int64_t columns, int64_t bytes, int64_t vector,
                   int64_t step = 1);

} // namespace mlir::tenon::tile

#endif // TENON_DIALECTS_TILE_ATOMS_H
