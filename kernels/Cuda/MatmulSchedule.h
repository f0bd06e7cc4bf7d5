//===- MatmulSchedule.h - Ways to do a matrix product ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A schedule says how the block's tile is cut, how many steps along k are on
// their way, and which instruction multiplies. As text:
//
//     #tenon.matmul<64x64x32, warps 2x2, stages 3, f16, splitk 1>
//
//                    N
//             .------------.         one block: a 64 x 64 tile of the result,
//             | w0  |  w1  |         four warps with 32 x 32 each; each step
//       M     |-----+------|         loads 64 x 32 of A and 32 x 64 of B
//             | w2  |  w3  |
//             '------------'
//
// Where one side is thin, a handful of rows, the time goes into reading the
// other, once: warps sum products as they read, without tiles.
//
//     #tenon.gemv<along, 4x2, warps 8, loads 4, f16, splitk 1>
//
// is 4 rows of the thin side with 2 columns of the other for each of 8 warps,
// whose lanes lie side by side along k, 4 loads on their way for each column;
// `across`, lanes lie across columns, of which a block has so many, and warps
// share k. `along turned`: the right side is the thin one.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_KERNELS_CUDA_MATMULSCHEDULE_H
#define TENON_KERNELS_CUDA_MATMULSCHEDULE_H

#include "dialects/Tile/Atoms.h"
#include "kernels/Schedule.h"
#include <optional>
#include <string>
#include <vector>

namespace mlir::tenon {

/// What multiplies. `tf32x3` makes f32 products of three tf32 ones, `fma` uses
/// the plain units.
enum class MatmulMath { f16, bf16, tf32, tf32x3, fma };
llvm::StringRef nameOf(MatmulMath math);

/// How a block works: by tiles, or by reading vectors of one side.
enum class MatmulKind { tiles, along, across };

struct MatmulSchedule {
  // Tile of a block, and its steps along k. Vectors: rows of the thin side,
  // columns of a warp (along) or of a block (across), and loads on their way.
  int64_t m, n, k;
  int64_t warpsM, warpsN; // how warps share it
  int64_t stages;         // steps that are in shared memory at once
  MatmulMath math;
  int64_t splitK = 1; // blocks that share a tile's k
  MatmulKind kind = MatmulKind::tiles;
  bool turned = false; // vectors: the right side is the thin one

  std::string str() const;
  /// Reads what `str` prints, also without `#tenon.` and with other spaces.
  static std::optional<MatmulSchedule> parse(llvm::StringRef text);
  /// What `parse` reads, for messages.
  static constexpr llvm::StringLiteral kTilesGrammar =
      "matmul<MxNxK, warps AxB, stages S, f16|bf16|tf32|tf32x3|fma, splitk P>";
  static constexpr llvm::StringLiteral kVectorsGrammar =
      "gemv<along|across [turned], MxN, warps W, loads L, f16|bf16|fma, "
      "splitk P>";
  bool operator==(const MatmulSchedule &o) const;

  const tile::MmaAtom &atom() const;
  int64_t threads() const { return warpsM * warpsN * 32; }
  int64_t elementBytes() const {
    return math == MatmulMath::f16 || math == MatmulMath::bf16 ? 2 : 4;
  }
  int64_t sharedBytes() const;
  /// Registers of a thread, roughly: sums, fragments, addresses.
  int64_t registers() const;
  /// Says what is wrong with it; empty if a kernel can be built so.
  std::string problem(int64_t sharedLimit) const;
};

/// Sizes of a product; what is not known while compiling has a typical value.
struct MatmulSize {
  int64_t batch, m, n, k;
  bool lhsAlongK = true, rhsAlongK = false; // how memory has the sides
};

/// What the schedule takes, roughly: the larger of multiplying and of fetching
/// tiles, block after block on the multiprocessor with the most of them.
Cost costOf(const MatmulSchedule &schedule, const MatmulSize &size,
            const DeviceInfo &device);

/// All schedules by tiles that are tried for this math, and all by vectors
/// (f16, bf16, fma).
std::vector<MatmulSchedule> matmulSchedules(MatmulMath math);
std::vector<MatmulSchedule> vectorSchedules(MatmulMath math);

/// The schedules for a product of `math`, those of fma for f32 among them, with
/// their costs and why some are not for this size; and the best of them.
/// `maySplit`: k, among blocks.
std::vector<Candidate> matmulCandidates(MatmulMath math, const MatmulSize &size,
                                        const DeviceInfo &device,
                                        bool maySplit = true);
MatmulSchedule bestMatmulSchedule(MatmulMath math, const MatmulSize &size,
                                  const DeviceInfo &device,
                                  bool maySplit = true);

/// The sum of so few products is rounded less by FMAs than by tf32x3.
inline constexpr int64_t kLeastDepthOfTf32x3 = 64;

} // namespace mlir::tenon

#endif // TENON_KERNELS_CUDA_MATMULSCHEDULE_H
