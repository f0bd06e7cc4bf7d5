//===- ReduceMath.h - What each kind of reduction does to an element ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A reduction is map, combine, finish: l2 squares, sums and takes the root.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_KERNELS_REDUCE_REDUCEMATH_H
#define TENON_KERNELS_REDUCE_REDUCEMATH_H

#include "kernels/Emit/Emitter.h"

namespace mlir::tenon {

class ReduceMath {
public:
  /// `element` is the tensor's element type (it tells signed from unsigned).
  ReduceMath(Emitter &e, graph::ReduceKind kind, Type element);

  Value identity(); // a scalar
  Value map(Value x);
  Value combine(Value a, Value b);
  /// `count` is the number of reduced elements, i64.
  Value finish(Value total, Value count);

private:
  bool isFloat() { return isa<FloatType>(compute); }
  Value constant(double value);

  Emitter &e;
  graph::ReduceKind kind;
  Type compute;
  bool isUnsigned;
};

} // namespace mlir::tenon

#endif // TENON_KERNELS_REDUCE_REDUCEMATH_H
