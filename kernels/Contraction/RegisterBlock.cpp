//===- RegisterBlock.cpp - The inner kernel of matmul and conv ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The accumulators are loop-carried vectors, never memory: one that LLVM does
// not promote costs two thirds of the speed. Short runs are unrolled whole,
// long ones by 4 with a loop for the rest. The test of the stack accesses in
// the inner loop is in test/unit/math.
//
//===----------------------------------------------------------------------===//

#include "kernels/Contraction/RegisterBlock.h"

namespace mlir::tenon {

namespace {

/// Longest run that is unrolled whole: three pixels of eight channels.
constexpr int64_t kUnrollWhole = 28;
constexpr int64_t kUnroll = 4;

class BlockEmitter {
public:
  BlockEmitter(Emitter &e, const RegisterBlock &block, ArrayRef<Value> rows)
      : e(e), block(block), rows(rows) {}

  /// Loops from `level` on. `offset` is the input's, `k` the weights' position.
  SmallVector<Value> emitLoops(size_t level, Value offset, Value k,
                               ArrayRef<Value> acc) {
    if (level == block.loops.size())
      return emitRun(offset, k, acc);
    const RunLoop &loop = block.loops[level];
    Value inner = e.dim(block.run); // k of one trip
    for (size_t i = level + 1; i < block.loops.size(); ++i)
      inner = e.mul(inner, block.loops[i].trips);
    return e.loopWith(
        e.constant(0), loop.trips, 1, acc, [&](Value i, ValueRange carried) {
          return emitLoops(level + 1, e.add(offset, e.mul(i, loop.stride)),
                           e.add(k, e.mul(i, inner)),
                           SmallVector<Value>(carried));
        });
  }

private:
  SmallVector<Value> emitRun(Value offset, Value k, ArrayRef<Value> acc) {
    SmallVector<Value> current(acc);
    auto length = block.run.asConstant();
    if (length && *length <= kUnrollWhole) {
      for (int64_t u = 0; u < *length; ++u)
        step(e.add(offset, e.constant(u)), e.add(k, e.constant(u)), current);
      return current;
    }
    Value total = e.dim(block.run);
    Value whole = e.mul(e.div(total, e.constant(kUnroll)), e.constant(kUnroll));
    current = e.loopWith(e.constant(0), whole, kUnroll, current,
                         [&](Value i, ValueRange carried) {
                           SmallVector<Value> next(carried);
                           Value base = e.add(offset, i), kBase = e.add(k, i);
                           for (int64_t u = 0; u < kUnroll; ++u)
                             step(e.add(base, e.constant(u)),
                                  e.add(kBase, e.constant(u)), next);
                           return next;
                         });
    return e.loopWith(whole, total, 1, current,
                      [&](Value i, ValueRange carried) {
                        SmallVector<Value> next(carried);
                        step(e.add(offset, i), e.add(k, i), next);
                        return next;
                      });
  }

  void step(Value offset, Value k, SmallVector<Value> &acc) {
    Type f32 = e.b.getF32Type();
    SmallVector<Value> weights;
    Value at = e.mul(k, block.weightStride);
    for (int64_t v = 0; v < block.vectors; ++v) {
      e.laneMask = v + 1 == block.vectors ? block.lastMask : Value();
      weights.push_back(e.loadVector(block.weights,
                                     e.add(at, e.constant(v * block.lanes)),
                                     f32, block.lanes));
    }
    e.laneMask = nullptr;
    for (auto [r, row] : llvm::enumerate(rows)) {
      Value x = e.splat(e.loadVector(row, offset, f32, 1), block.lanes);
      for (int64_t v = 0; v < block.vectors; ++v) {
        Value &sum = acc[r * block.vectors + v];
        sum = vector::FMAOp::create(e.b, e.loc, x, weights[v], sum);
      }
    }
  }

  Emitter &e;
  const RegisterBlock &block;
  ArrayRef<Value> rows;
};

} // namespace

SmallVector<Value> emitRegisterBlock(Emitter &e, const RegisterBlock &block,
                                     ArrayRef<Value> rows,
                                     ArrayRef<Value> init) {
  Value zero = e.constant(0);
  return BlockEmitter(e, block, rows).emitLoops(0, zero, zero, init);
}

int64_t rowsFor(int64_t vectors, int64_t lanes) {
  // 16 registers of 8 lanes, 32 of 16: one for the broadcast, `vectors` for
  // the weights, the rest accumulators.
  int64_t registers = lanes >= 16 ? 32 : 16;
  int64_t rows = (registers - 1 - vectors) / vectors;
  return std::clamp<int64_t>(rows, 1, lanes >= 16 ? 12 : 6);
}

void forEachRowBlock(Emitter &e, Value count, int64_t most,
                     function_ref<void(Value, int64_t)> body) {
  Value one = e.constant(1);
  Value blocks = e.div(e.add(count, e.constant(most - 1)), e.constant(most));
  Value small = e.div(count, e.max(blocks, one));
  Value extra = e.rem(count, e.max(blocks, one)); // blocks with one row more
  if (auto known = Emitter::constantOf(small)) {
    // Known sizes: one loop for the larger blocks, one for the smaller.
    auto all = [&](int64_t rows, Value from, Value to, Value start) {
      e.loop(from, to, 1, [&](Value i) {
        body(e.add(start, e.mul(e.sub(i, from), e.constant(rows))), rows);
      });
    };
    all(*known + 1, e.constant(0), extra, e.constant(0));
    if (*known > 0)
      all(*known, extra, blocks, e.mul(extra, e.constant(*known + 1)));
    return;
  }
  e.loop(e.constant(0), blocks, 1, [&](Value i) {
    Value first = e.add(e.mul(i, small), e.min(i, extra));
    Value size = e.select(e.less(i, extra), e.add(small, one), small);
    std::function<void(int64_t)> dispatch = [&](int64_t rows) {
      auto smaller = [&] { dispatch(rows - 1); };
      if (rows == 1)
        body(first, 1);
      else
        e.ifThen(
            e.equal(size, e.constant(rows)), [&] { body(first, rows); },
            smaller);
    };
    dispatch(most);
  });
}

void emitPackColumns(Emitter &e, Value pointer, Value columnStride, Value first,
                     Value count, Value depth, int64_t width, Value to) {
  Type f32 = e.b.getF32Type();
  Value whole = e.mul(e.div(depth, e.constant(8)), e.constant(8));
  auto shuffle = [&](Value a, Value b, ArrayRef<int64_t> mask) -> Value {
    return vector::ShuffleOp::create(e.b, e.loc, a, b, mask);
  };
  for (int64_t j = 0; j < width; j += 8) {
    SmallVector<Value> columns;
    for (int64_t c = 0; c < 8; ++c) {
      Value column =
          e.min(e.add(first, e.constant(j + c)), e.sub(count, e.constant(1)));
      columns.push_back(e.address(pointer, e.mul(column, columnStride), f32));
    }
    e.loop(e.constant(0), whole, 8, [&](Value i) {
      SmallVector<Value> r, pairs(8), quads(8);
      for (int64_t c = 0; c < 8; ++c)
        r.push_back(e.loadVector(columns[c], i, f32, 8));
      for (int64_t c = 0; c < 8; c += 2) {
        pairs[c] = shuffle(r[c], r[c + 1], {0, 8, 1, 9, 4, 12, 5, 13});
        pairs[c + 1] = shuffle(r[c], r[c + 1], {2, 10, 3, 11, 6, 14, 7, 15});
      }
      for (int64_t c = 0; c < 8; c += 4)
        for (int64_t h = 0; h < 2; ++h) {
          Value a = pairs[c + h], b = pairs[c + 2 + h];
          quads[c + 2 * h] = shuffle(a, b, {0, 1, 8, 9, 4, 5, 12, 13});
          quads[c + 2 * h + 1] = shuffle(a, b, {2, 3, 10, 11, 6, 7, 14, 15});
        }
      for (int64_t u = 0; u < 8; ++u) {
        Value row =
            shuffle(quads[u % 4], quads[u % 4 + 4],
                    u < 4 ? ArrayRef<int64_t>{0, 1, 2, 3, 8, 9, 10, 11}
                          : ArrayRef<int64_t>{4, 5, 6, 7, 12, 13, 14, 15});
        Value at = e.add(e.mul(e.add(i, e.constant(u)), e.constant(width)),
                         e.constant(j));
        e.storeVector(row, to, at, f32);
      }
    });
    e.loop(whole, depth, 1, [&](Value i) {
      for (int64_t c = 0; c < 8; ++c) {
        Value x = e.loadVector(columns[c], i, f32, 1);
        e.storeVector(
            x, to, e.add(e.mul(i, e.constant(width)), e.constant(j + c)), f32);
      }
    });
  }
}

} // namespace mlir::tenon
