//===- MatmulSchedule.cpp - Ways to do a matrix product -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Tests: test/unit/cudaKernels/MatmulScheduleTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/MatmulSchedule.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <tuple>

namespace mlir::tenon {

using llvm::StringRef;

static constexpr StringRef kMaths[] = {"f16", "bf16", "tf32", "tf32x3", "fma"};

StringRef nameOf(MatmulMath math) { return kMaths[int(math)]; }

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

std::string MatmulSchedule::str() const {
  return llvm::formatv("#tenon.matmul<{0}x{1}x{2}, warps {3}x{4}, stages {5}, "
                       "{6}, splitk {7}>",
                       m, n, k, warpsM, warpsN, stages, nameOf(math), splitK);
}

std::optional<MatmulSchedule> MatmulSchedule::parse(StringRef written) {
  // Spaces do not count, and who types it may leave out the dialect's name.
  std::string dense = written.str();
  llvm::erase_if(dense, [](char c) { return c == ' '; });
  StringRef text = dense;
  MatmulSchedule s{};
  auto number = [&](int64_t &value) {
    return !text.consumeInteger(10, value) && value > 0;
  };
  text.consume_front("#tenon.");
  if (!text.consume_front("matmul<") || !number(s.m) ||
      !text.consume_front("x") || !number(s.n) || !text.consume_front("x") ||
      !number(s.k) || !text.consume_front(",warps") || !number(s.warpsM) ||
      !text.consume_front("x") || !number(s.warpsN) ||
      !text.consume_front(",stages") || !number(s.stages) ||
      !text.consume_front(","))
    return std::nullopt;
  auto [math, rest] = text.split(",splitk");
  const StringRef *found = llvm::find(kMaths, math);
  text = rest;
  if (found == std::end(kMaths) || !number(s.splitK) || text != ">")
    return std::nullopt;
  s.math = MatmulMath(found - kMaths);
  return s;
}

bool MatmulSchedule::operator==(const MatmulSchedule &o) const {
  auto all = [](const MatmulSchedule &s) {
    return std::tuple(s.m, s.n, s.k, s.warpsM, s.warpsN, s.stages, s.math,
                      s.splitK);
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

int64_t MatmulSchedule::registers() const {
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

std::string MatmulSchedule::problem(int64_t sharedLimit) const {
  const tile::MmaAtom &a = atom();
  if (splitK != 1)
    return llvm::formatv("expected splitk 1, the only one in this version, got "
                         "{0}",
                         splitK);
  for (int64_t size : {m, n, k, warpsM, warpsN})
    if (!llvm::isPowerOf2_64(size))
      return llvm::formatv("expected powers of 2, got {0}", size);
  if (m % (warpsM * a.m) || n % (warpsN * a.n))
    return llvm::formatv("expected tiles of {0}x{1} for each warp, got {2}x{3}",
                         a.m, a.n, m / warpsM, n / warpsN);
  int64_t bytes = k * elementBytes();
  if (k % a.k || bytes < 32)
    return llvm::formatv("expected a step that is a multiple of {0} and of 32 "
                         "bytes, got {1}",
                         a.k, k);
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
// Choice
//===----------------------------------------------------------------------===//

Cost costOf(const MatmulSchedule &s, const MatmulSize &size,
            const DeviceInfo &device) {
  int64_t steps = llvm::divideCeil(size.k, s.k);
  int64_t tiles = llvm::divideCeil(size.m, s.m) *
                  llvm::divideCeil(size.n, s.n) * size.batch;
  Cost cost;
  cost.occupancy =
      occupancyOf(device, s.threads(), s.sharedBytes(), s.registers());
  int64_t resident = std::max<int64_t>(cost.occupancy.blocks, 1);
  int64_t busy = std::min(tiles, device.multiprocessors * resident);
  int64_t waves = llvm::divideCeil(tiles, device.multiprocessors * resident);
  // Blocks that share a multiprocessor: full ones, and those of the last wave.
  double together =
      std::max(1.0, double(busy) / double(device.multiprocessors));

  double rate = s.math == MatmulMath::fma      ? device.fmaRate
                : s.math == MatmulMath::tf32   ? device.tf32Rate
                : s.math == MatmulMath::tf32x3 ? device.tf32Rate / 3
                                               : device.f16Rate;
  // Few warps do not hide what an instruction takes, and small warp tiles read
  // shared memory more often than they multiply.
  double warps = together * double(s.threads()) / 32;
  double warpM = double(s.m) / s.warpsM, warpN = double(s.n) / s.warpsN;
  double reuse = warpM * warpN / (warpM + warpN);
  double efficiency =
      std::min(1.0, warps / 8) * std::min(1.0, reuse / (reuse + 6)) * 1.2;
  double multiply = double(s.m * s.n * s.k) * together / (rate * efficiency);
  double bytes = double((s.m + s.n) * s.k * s.elementBytes());
  double fetch = bytes * double(busy) / device.l2Bandwidth * device.clock;
  double step = std::max(multiply, fetch);
  // Before the first step: a trip to memory for each stage, overlapped.
  double start = 1500 + 300;
  double seconds =
      double(waves) * (step * double(steps) + start) / device.clock;
  // No side is fetched from memory less than once, nor the result stored.
  double elements = double(size.batch) *
                    double(size.m * size.k + size.k * size.n + size.m * size.n);
  cost.bytes = elements * double(s.elementBytes());
  cost.l2Bytes = double(tiles) * bytes * double(steps);
  cost.flops = 2.0 * double(size.batch) * double(size.m) * double(size.n) *
               double(size.k);
  cost.compute =
      cost.flops / 2 / (rate * double(device.multiprocessors) * device.clock);
  cost.dram = cost.bytes / device.memoryBandwidth;
  cost.l2 = cost.l2Bytes / device.l2Bandwidth;
  cost.launch = kLaunchSeconds;
  cost.blocks = tiles;
  cost.threads = s.threads();
  cost.shared = s.sharedBytes();
  cost.registers = s.registers();
  // The slower of both decides; a part of the other is never hidden.
  cost.seconds = cost.launch + std::max(seconds, cost.dram) +
                 0.2 * std::min(seconds, cost.dram);
  return cost;
}

std::vector<MatmulSchedule> matmulSchedules(MatmulMath math) {
  std::vector<MatmulSchedule> all;
  auto add = [&](int64_t m, int64_t n, int64_t k, int64_t warpsM,
                 int64_t warpsN, int64_t stages) {
    all.push_back({m, n, k, warpsM, warpsN, stages, math});
  };
  switch (math) {
  case MatmulMath::f16:
  case MatmulMath::bf16:
    add(128, 128, 32, 2, 2, 4);
    add(128, 64, 32, 2, 2, 4);
    add(64, 128, 32, 2, 2, 4);
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

std::vector<Candidate> matmulCandidates(MatmulMath math, const MatmulSize &size,
                                        const DeviceInfo &device) {
  std::vector<Candidate> all;
  for (const MatmulSchedule &s : matmulSchedules(math))
    all.push_back(
        {s.str(), costOf(s, size, device), s.problem(device.sharedPerBlock)});
  return all;
}

MatmulSchedule bestMatmulSchedule(MatmulMath math, const MatmulSize &size,
                                  const DeviceInfo &device) {
  std::vector<Candidate> all = matmulCandidates(math, size, device);
  return matmulSchedules(math)[ScheduleSource().choose("", all)];
}

} // namespace mlir::tenon
