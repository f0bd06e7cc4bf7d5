//===- Atoms.cpp - The instructions that tiles are made of ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Fragments: PTX ISA, "Matrix Fragments for mma.m16n8k16" and its neighbours
// for each type. Tests compare these layouts with the ISA's formulas:
// test/unit/tile/AtomsTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "dialects/Tile/Atoms.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <vector>

namespace mlir::tenon::tile {

using llvm::ArrayRef;
using llvm::StringRef;

static constexpr StringRef kRoles[] = {"a", "b", "c", "rows"};

StringRef nameOf(Role role) { return kRoles[int(role)]; }

std::optional<Role> roleOf(StringRef name) {
  const StringRef *found = llvm::find(kRoles, name);
  if (found == std::end(kRoles))
    return std::nullopt;
  return Role(found - kRoles);
}

const Layout &MmaAtom::layoutOf(Role role) const {
  return role == Role::A ? a : role == Role::B ? b : c;
}
StringRef MmaAtom::typeOf(Role role) const {
  return role == Role::A ? typeA : role == Role::B ? typeB : typeC;
}
std::pair<int64_t, int64_t> MmaAtom::shapeOf(Role role) const {
  if (role == Role::A)
    return {m, k};
  return role == Role::B ? std::pair(n, k) : std::pair(m, n);
}

int64_t MmaAtom::packingOf(Role role) const {
  if (kind == AtomKind::Fma || role == Role::C)
    return 1;
  StringRef type = typeOf(role);
  if (type == "f16" || type == "bf16")
    return 2;
  return type == "tf32" ? 1 : 4;
}

static Layout layout(StringRef text) { return *Layout::parse(text); }

ArrayRef<MmaAtom> mmaAtoms() {
  // Threads of a quad share a row of A and C (a column of B); the eight quads
  // have neighbouring rows.
  static const std::vector<MmaAtom> atoms = {
      {"SM80_16x8x16_F32F16F16F32_TN", AtomKind::Mma, 16, 8, 16, "f16", "f16",
       "f32",
       layout("(4:32,8:1)(2:16,2:8,2:128)"), // (T32,V8) -> (M16,K16)
       layout("(4:16,8:1)(2:8,2:64)"),       // (T32,V4) -> (N8,K16)
       layout("(4:32,8:1)(2:16,2:8)"),       // (T32,V4) -> (M16,N8)
       80, "llvm.nvvm.mma.m16n8k16.row.col.f32.f32"},
      {"SM80_16x8x16_F32BF16BF16F32_TN", AtomKind::Mma, 16, 8, 16, "bf16",
       "bf16", "f32",
       layout("(4:32,8:1)(2:16,2:8,2:128)"), // (T32,V8) -> (M16,K16)
       layout("(4:16,8:1)(2:8,2:64)"),       // (T32,V4) -> (N8,K16)
       layout("(4:32,8:1)(2:16,2:8)"),       // (T32,V4) -> (M16,N8)
       80, "llvm.nvvm.mma.m16n8k16.row.col.bf16"},
      {"SM80_16x8x8_F32TF32TF32F32_TN", AtomKind::Mma, 16, 8, 8, "tf32", "tf32",
       "f32",
       layout("(4:16,8:1)(2:8,2:64)"), // (T32,V4) -> (M16,K8)
       layout("(4:8,8:1)(2:32)"),      // (T32,V2) -> (N8,K8)
       layout("(4:32,8:1)(2:16,2:8)"), // (T32,V4) -> (M16,N8)
       80, "llvm.nvvm.mma.m16n8k8.row.col.tf32"},
      {"SM80_16x8x32_S32S8S8S32_TN", AtomKind::Mma, 16, 8, 32, "i8", "i8",
       "i32",
       layout("(4:64,8:1)(4:16,2:8,2:256)"), // (T32,V16) -> (M16,K32)
       layout("(4:32,8:1)(4:8,2:128)"),      // (T32,V8) -> (N8,K32)
       layout("(4:32,8:1)(2:16,2:8)"),       // (T32,V4) -> (M16,N8)
       80, "llvm.nvvm.mma.m16n8k32.row.col.s8"},
      {"SM89_16x8x32_F32E4M3E4M3F32_TN", AtomKind::Mma, 16, 8, 32, "f8E4M3FN",
       "f8E4M3FN", "f32",
       layout("(4:64,8:1)(4:16,2:8,2:256)"), // (T32,V16) -> (M16,K32)
       layout("(4:32,8:1)(4:8,2:128)"),      // (T32,V8) -> (N8,K32)
       layout("(4:32,8:1)(2:16,2:8)"),       // (T32,V4) -> (M16,N8)
       89, "llvm.nvvm.mma.m16n8k32.row.col.f32.e4m3.e4m3.f32"},
      {"SM89_16x8x32_F32E5M2E5M2F32_TN", AtomKind::Mma, 16, 8, 32, "f8E5M2",
       "f8E5M2", "f32",
       layout("(4:64,8:1)(4:16,2:8,2:256)"), // (T32,V16) -> (M16,K32)
       layout("(4:32,8:1)(4:8,2:128)"),      // (T32,V8) -> (N8,K32)
       layout("(4:32,8:1)(2:16,2:8)"),       // (T32,V4) -> (M16,N8)
       89, "llvm.nvvm.mma.m16n8k32.row.col.f32.e5m2.e5m2.f32"},
      // No instruction of its own: threads stand 4 x 8, each with 4 x 4
      // neighbouring elements of C, so that its loads are 16 bytes wide in
      // whichever direction memory runs.
      {"FMA_16x32x4_F32F32F32F32", AtomKind::Fma, 16, 32, 4, "f32", "f32",
       "f32",
       layout("(8:0,4:4)(4:16,4:1)"),  // (T32,V16) -> (M16,K4), rows shared
       layout("(8:4,4:0)(4:32,4:1)"),  // (T32,V16) -> (N32,K4)
       layout("(8:64,4:4)(4:16,4:1)"), // (T32,V16) -> (M16,N32)
       80, ""}};
  return atoms;
}

const MmaAtom *findMmaAtom(StringRef name) {
  for (const MmaAtom &atom : mmaAtoms())
    if (atom.name == name)
      return &atom;
  return nullptr;
}

ArrayRef<CopyAtom> copyAtoms() {
  // cp.async of 16 bytes goes by L2 alone (.cg), the smaller ones through L1.
  static const CopyAtom atoms[] = {
      {"SM80_CP_ASYNC_CG_16", CopyKind::Async, 16, 1, false, 80},
      {"SM80_CP_ASYNC_CA_8", CopyKind::Async, 8, 1, false, 80},
      {"SM80_CP_ASYNC_CA_4", CopyKind::Async, 4, 1, false, 80},
      {"SM75_LDSM_X1", CopyKind::Matrix, 16, 1, false, 75},
      {"SM75_LDSM_X2", CopyKind::Matrix, 16, 2, false, 75},
      {"SM75_LDSM_X4", CopyKind::Matrix, 16, 4, false, 75},
      {"SM75_LDSM_X1_T", CopyKind::Matrix, 16, 1, true, 75},
      {"SM75_LDSM_X2_T", CopyKind::Matrix, 16, 2, true, 75},
      {"SM75_LDSM_X4_T", CopyKind::Matrix, 16, 4, true, 75},
      {"SM90_STSM_X1", CopyKind::MatrixStore, 16, 1, false, 90},
      {"SM90_STSM_X2", CopyKind::MatrixStore, 16, 2, false, 90},
      {"SM90_STSM_X4", CopyKind::MatrixStore, 16, 4, false, 90},
      {"VECTOR_4", CopyKind::Vector, 4, 1, false, 50},
      {"VECTOR_8", CopyKind::Vector, 8, 1, false, 50},
      {"VECTOR_16", CopyKind::Vector, 16, 1, false, 50}};
  return atoms;
}

const CopyAtom *findCopyAtom(StringRef name) {
  for (const CopyAtom &atom : copyAtoms())
    if (atom.name == name)
      return &atom;
  return nullptr;
}

Layout copyMap(int64_t rows, int64_t columns, int64_t vector, int64_t threads) {
  int64_t runs = rows * columns / vector;
  int64_t rounds = llvm::divideCeil(runs, threads);
  return Layout({Modes{{threads, vector}}, Modes{{vector, 1}},
                 Modes{{rounds, threads * vector}}});
}

Swizzle swizzleFor(int64_t columns, int64_t bytes, int64_t vector,
                   int64_t step) {
  // Bits, counted in elements: runs keep the lowest; those above them, up to
  // 128 bytes, choose the banks. The rows differ in the three bits from
  // `step` times the row's size on.
  unsigned base = llvm::Log2_64(vector);
  unsigned line = llvm::Log2_64(128 / bytes);
  unsigned row = llvm::Log2_64(columns * step);
  if (line <= base)
    return {};
  unsigned bits = std::min(3u, line - base);
  // Rows shorter than a line share one: those that follow each other in it
  // have different banks by themselves.
  unsigned from = std::max(row, line);
  return {bits, base, from - base};
}

} // namespace mlir::tenon::tile
