//===- ThreadSchedule.h - Ways to give a kernel to threads ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// How the elements of a kernel are given to a GPU's threads, for all families
// but products of matrices (MatmulSchedule.h). As text:
//
//     #tenon.rows<threads 32, vector 4, registers, parts 1>
//         32 threads a row, 4 elements each time; a row is kept in registers
//         (`memory`: read again by each pass); `parts` blocks share a row
//     #tenon.columns<vector 4, warps 8, parts 1>
//         4 columns a thread; 8 warps and `parts` blocks share their rows
//     #tenon.argrows<threads 32, vector 4>
//         rows that are searched
//     #tenon.pointwise<vector 4, threads 128>
//         4 elements a thread, blocks of 128 threads
//     #tenon.transpose<tile 64, warps 8>
//         tiles of 64 x 64 through shared memory, by blocks of 8 warps
//     #tenon.conv<channels 8, split 4>
//         8 output channels a thread; 4 threads share the input's channels
//     #tenon.scalar<threads 128>
//         an element a thread, from its definition
//
//===----------------------------------------------------------------------===//

#ifndef TENON_KERNELS_CUDA_THREADSCHEDULE_H
#define TENON_KERNELS_CUDA_THREADSCHEDULE_H

#include "kernels/Cuda/ScheduleText.h"
#include <optional>

namespace mlir::tenon {

enum class ThreadKind {
  rows,
  columns,
  argrows,
  pointwise,
  transpose,
  conv,
  scalar
};
llvm::StringRef nameOf(ThreadKind kind);

struct ThreadSchedule {
  ThreadKind kind;
  int64_t threads = 0;    // of a row; pointwise and scalar: of a block
  int64_t vector = 1;     // elements of one access
  bool registers = false; // rows: kept there
  int64_t parts = 1;      // blocks that share a row or column
  int64_t warps = 1;      // of a block
  int64_t tile = 0;       // elements along its sides
  int64_t channels = 1;   // of the output, a thread
  int64_t split = 1;      // threads that share the input's channels

  std::string str() const;
  /// Reads what `str` prints, also without `#tenon.` and with other spaces.
  static std::optional<ThreadSchedule> parse(llvm::StringRef text);
  /// Fields that the kind does not have are equal.
  bool operator==(const ThreadSchedule &other) const {
    return str() == other.str();
  }
};

/// What `parse` reads, for messages: "rows<threads T, vector V, ..>".
std::vector<ScheduleGrammar> threadGrammars();

} // namespace mlir::tenon

#endif // TENON_KERNELS_CUDA_THREADSCHEDULE_H
