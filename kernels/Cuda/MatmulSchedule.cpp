//===- MatmulSchedule.cpp - Ways to do a matrix product -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Tests: test/unit/cudaKernels/MatmulScheduleTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/MatmulSchedule.h"
#include "kernels/Cuda/ScheduleText.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include <tuple>

namespace mlir::tenon {

using llvm::StringRef;

static constexpr StringRef kMaths[] = {"f16", "bf16", "tf32", "tf32x3", "fma"};

StringRef nameOf(MatmulMath math) { return kMaths[int(math)]; }

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

std::string MatmulSchedule::str() const {
  if (kind != MatmulKind::tiles)
    return llvm::formatv("#tenon.gemv<{0}{1}, {2}x{3}, warps {4}, loads {5}, "
                         "{6}, splitk {7}>",
                         kind == MatmulKind::along ? "along" : "across",
                         turned ? " turned" : "", m, n, warpsN, k, nameOf(math),
                         splitK);
  return llvm::formatv("#tenon.matmul<{0}x{1}x{2}, warps {3}x{4}, stages {5}, "
                       "{6}, splitk {7}>",
                       m, n, k, warpsM, warpsN, stages, nameOf(math), splitK);
}

std::optional<MatmulSchedule> MatmulSchedule::parse(StringRef written) {
  ScheduleReader text(written);
  MatmulSchedule s{};
  auto number = [&](int64_t &value) { return text.number(value); };
  if (text.word("gemv<")) {
    if (text.word("along"))
      s.kind = MatmulKind::along;
    else if (text.word("across"))
      s.kind = MatmulKind::across;
    else
      return std::nullopt;
    s.turned = text.word("turned");
    s.warpsM = s.stages = 1;
    if (!text.comma() || !number(s.m) || !text.word("x") || !number(s.n) ||
        !text.comma() || !text.number("warps", s.warpsN) || !text.comma() ||
        !text.number("loads", s.k))
      return std::nullopt;
  } else if (!text.word("matmul<") || !number(s.m) || !text.word("x") ||
             !number(s.n) || !text.word("x") || !number(s.k) || !text.comma() ||
             !text.number("warps", s.warpsM) || !text.word("x") ||
             !number(s.warpsN) || !text.comma() ||
             !text.number("stages", s.stages)) {
    return std::nullopt;
  }
  size_t math;
  if (!text.comma() || !text.oneOf(kMaths, math) || !text.comma() ||
      !text.number("splitk", s.splitK) || !text.close())
    return std::nullopt;
  s.math = MatmulMath(math);
  return s;
}

bool MatmulSchedule::operator==(const MatmulSchedule &o) const {
  auto all = [](const MatmulSchedule &s) {
    return std::tuple(s.m, s.n, s.k, s.warpsM, s.warpsN, s.stages, s.math,
                      s.splitK, s.kind, s.turned);
  };
  return all(*this) == all(o);
}

//===----------------------------------------------------------------------===//
// Limits
//===----------------------------------------------------------------------===//

const tile::MmaAtom &MatmulSchedule::atom() const {
  static constexpr StringRef names[] = {
      "SM80_16x8x16_F32F16F16F32_TN", "SM80_16x8x16_F32BF16BF16F32_TN",
      "SM80_16x8x8_F32TF32TF32F32_TN", "SM80_16x8x8_F32TF32TF32F32_TN",
      "FMA_16x32x4_F32F32F32F32"};
  return *tile::findMmaAtom(names[int(math)]);
}

int64_t MatmulSchedule::sharedBytes() const {
  switch (kind) {
  case MatmulKind::tiles:
    return stages * (m + n) * k * elementBytes();
  case MatmulKind::along:
    return 0;
  case MatmulKind::across: // each warp's sums
    return m * n * warpsN * 4;
  }
  llvm_unreachable("unknown kind");
}

int64_t MatmulSchedule::registers() const {
  if (kind != MatmulKind::tiles) {
    int64_t vector = 16 / elementBytes();
    int64_t sums = kind == MatmulKind::along ? m * n : m * vector;
    int64_t loads = kind == MatmulKind::along ? k * n : k;
    return sums + 4 * loads + m * vector + 40;
  }
  const tile::MmaAtom &a = atom();
  int64_t warpM = m / warpsM, warpN = n / warpsN;
  int64_t sums = warpM * warpN / 32;
  int64_t fragments = warpM / a.m * a.a.size(1) / a.packingOf(tile::Role::A) +
                      warpN / a.n * a.b.size(1) / a.packingOf(tile::Role::B);
  if (math == MatmulMath::tf32x3) { // big and small, and a step's own sums
    fragments *= 2;
    sums *= 2;
  }
  return sums + fragments + 40;
}

static std::string problemOfTiles(const MatmulSchedule &s) {
  const tile::MmaAtom &a = s.atom();
  for (int64_t size : {s.m, s.n, s.k, s.warpsM, s.warpsN})
    if (!llvm::isPowerOf2_64(size))
      return llvm::formatv("expected powers of 2, got {0}", size);
  if (s.m % (s.warpsM * a.m) || s.n % (s.warpsN * a.n))
    return llvm::formatv("expected tiles of {0}x{1} for each warp, got {2}x{3}",
                         a.m, a.n, s.m / s.warpsM, s.n / s.warpsN);
  int64_t bytes = s.k * s.elementBytes();
  if (s.k % a.k || bytes < 32)
    return llvm::formatv("expected a step that is a multiple of {0} and of 32 "
                         "bytes, got {1}",
                         a.k, s.k);
  return "";
}

static std::string problemOfVectors(const MatmulSchedule &s) {
  for (int64_t size : {s.m, s.n, s.k, s.warpsN})
    if (!llvm::isPowerOf2_64(size))
      return llvm::formatv("expected powers of 2, got {0}", size);
  if (s.math == MatmulMath::tf32 || s.math == MatmulMath::tf32x3)
    return "expected f16, bf16 or fma: Tensor Cores multiply tiles";
  if (s.kind == MatmulKind::across && (s.n < 32 || s.n > 256))
    return llvm::formatv("expected 32 to 256 columns, got {0}", s.n);
  return "";
}

std::string MatmulSchedule::problem(int64_t sharedLimit) const {
  std::string shape = kind == MatmulKind::tiles ? problemOfTiles(*this)
                                                : problemOfVectors(*this);
  if (!shape.empty())
    return shape;
  if (threads() > 1024)
    return llvm::formatv("expected up to 1024 threads, got {0}", threads());
  if (sharedBytes() > sharedLimit)
    return llvm::formatv("needs {0} bytes of shared memory, a block has {1}",
                         sharedBytes(), sharedLimit);
  if (registers() > 255 || registers() * threads() > 65536)
    return llvm::formatv("needs about {0} registers for each of {1} threads",
                         registers(), threads());
  return "";
}

//===----------------------------------------------------------------------===//
// Those that are tried
//===----------------------------------------------------------------------===//

std::vector<MatmulSchedule> matmulSchedules(MatmulMath math) {
  std::vector<MatmulSchedule> all;
  auto add = [&](int64_t m, int64_t n, int64_t k, int64_t warpsM,
                 int64_t warpsN, int64_t stages) {
    for (int64_t splitK : {1, 2, 4, 8})
      all.push_back({m, n, k, warpsM, warpsN, stages, math, splitK});
  };
  switch (math) {
  case MatmulMath::f16:
  case MatmulMath::bf16:
    add(128, 256, 32, 2, 4, 4);
    add(128, 128, 64, 2, 4, 3);
    add(128, 128, 32, 2, 2, 4);
    add(128, 64, 32, 2, 2, 4);
    add(64, 128, 32, 2, 2, 4);
    add(64, 128, 64, 2, 2, 3);
    add(64, 64, 32, 2, 2, 4);
    add(64, 64, 64, 2, 2, 3);
    add(32, 64, 64, 2, 2, 4);
    add(16, 64, 64, 1, 4, 4);
    add(16, 128, 64, 1, 4, 4);
    break;
  case MatmulMath::tf32:
    add(128, 128, 16, 2, 2, 4);
    add(128, 64, 32, 2, 2, 3);
    add(64, 64, 32, 2, 2, 3);
    add(32, 64, 32, 2, 2, 4);
    add(16, 64, 32, 1, 4, 4);
    break;
  case MatmulMath::tf32x3:
    add(128, 64, 16, 2, 2, 4);
    add(64, 64, 16, 2, 2, 4);
    add(64, 64, 32, 2, 2, 3);
    add(32, 64, 32, 2, 2, 4);
    add(16, 64, 32, 1, 4, 4);
    break;
  case MatmulMath::fma:
    add(128, 128, 16, 4, 2, 3);
    add(64, 64, 16, 2, 2, 4);
    add(32, 64, 16, 2, 2, 4);
    add(16, 128, 16, 1, 4, 4);
    break;
  }
  return all;
}

std::vector<MatmulSchedule> vectorSchedules(MatmulMath math) {
  std::vector<MatmulSchedule> all;
  if (math == MatmulMath::tf32 || math == MatmulMath::tf32x3)
    return all;
  for (bool turned : {false, true})
    for (int64_t splitK : {1, 2, 4, 8})
      for (int64_t m : {1, 2, 4, 8}) {
        auto add = [&](MatmulKind kind, int64_t n, int64_t warps,
                       int64_t loads) {
          all.push_back({m, n, loads, 1, warps, 1, math, splitK, kind, turned});
        };
        add(MatmulKind::along, 1, 4, 4);
        add(MatmulKind::along, 2, 4, 2);
        add(MatmulKind::along, 4, 4, 1);
        add(MatmulKind::along, 4, 8, 2);
        add(MatmulKind::across, 32, 8, 4);
        add(MatmulKind::across, 32, 16, 4);
        add(MatmulKind::across, 64, 8, 4);
        add(MatmulKind::across, 64, 16, 8);
        add(MatmulKind::across, 128, 8, 8);
      }
  return all;
}

} // namespace mlir::tenon
