//===- Ratios.h - Sizes in float arithmetic -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_IMPORT_RATIOS_H
#define TENON_COMPILER_IMPORT_RATIOS_H

#include "compiler/Import/Importer.h"

namespace mlir::tenon {

/// The fraction p / q that a float means: q <= 1024, within the rounding of
/// float32.
std::optional<std::pair<int64_t, int64_t>> toFraction(double value);

/// The elements of a float tensor as fractions of sizes: if it was computed
/// from sizes, or is a constant of such fractions.
std::optional<SmallVector<Ratio>> ratiosOf(Node &node, Value value);

} // namespace mlir::tenon

#endif // TENON_COMPILER_IMPORT_RATIOS_H
