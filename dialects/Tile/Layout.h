//===- Layout.h - Layouts as values ---------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Which element does a thread hold? Where does an element lie in shared memory?
// Both are functions from a small grid of whole numbers to whole numbers, and
// kernels are made by putting such functions together. This header is their
// algebra, in the sense of NVIDIA's CuTe.
//
// Sizes and strides
// -----------------
// A *mode* `size:stride` maps i to i * stride. A *dimension* is a list of modes
// whose leftmost counts fastest; a *layout* is a list of dimensions:
//
//     (4:1)(3:4)             4 x 3, column-major       i + 4 j
//     (4:3)(3:1)             4 x 3, row-major          3 i + j
//     (2:1,2:6)(3:2)         the first dimension's index i is split into
//                            i % 2 and i / 2:   i % 2 + 6 (i / 2) + 2 j
//
//     j    0  1  2           j    0  1  2          j    0  1  2
//   i 0    0  4  8         i 0    0  1  2        i 0    0  2  4
//     1    1  5  9           1    3  4  5          1    1  3  5
//     2    2  6 10           2    6  7  8          2    6  8 10
//     3    3  7 11           3    9 10 11          3    7  9 11
//
// A layout can be asked with one index a dimension, or with a single number
// that counts through all dimensions, the first fastest (so column-major,
// whatever the strides are): layout(n) for n in [0, size).
//
// Fragments
// ---------
// Matrix instructions spread a tile over the 32 threads of a warp. Such a
// fragment is a layout from (thread, value) to the element's number in the
// tile, m + M n. mma.m16n8k16's accumulator, (T32,V4) -> (M16,N8):
//
//     (4:32,8:1)(2:16,2:8)
//
//     n      0     1     2     3   ..    7         thread t is in row t / 4 and
//   m 0   T0.0  T0.1  T1.0  T1.1   ..  T3.1        columns 2 (t % 4) + {0, 1}:
//     1   T4.0  T4.1  T5.0  T5.1   ..  T7.1        stride 32 = two columns
//    ..                                            stride 1 = one row
//     7   T28.0 ..                     T31.1       values: 16 = next column,
//     8   T0.2  T0.3  T1.2  T1.3   ..  T3.3                 8 = eight rows down
//    ..
//    15   T28.2 ..                     T31.3
//
// Composition, complement, division
// ---------------------------------
// (A o B)(x) = A(B(x)): read A in the order that B says. With A a tile in
// memory and B a fragment of the tile, A o B tells each thread its addresses.
//
// The complement of A in n is what A leaves out: (A, complement) together reach
// each of 0 .. n - 1 exactly once. Of every second element of 8, (4:2), it is
// (2:1).
//
// A divided by B is A o (B, complement of B): the first dimension walks one
// tile, the second from tile to tile:
//
//     (12:1) / (4:1)   =  (4:1)(3:4)      blocks of four
//     (12:1) / (4:3)   =  (4:3)(3:1)      every third, from three starts
//
// The product of A and B is its counterpart: B's pattern, repeated with a
// whole A in the place of each element.
//
// Swizzles
// --------
// Shared memory has 32 banks of 4 bytes: threads of one access that want
// different words of one bank wait for each other. In a row-major tile with
// rows of 128 bytes a column lies in one bank. A swizzle moves the 16-byte
// pieces of each row about so that a column spreads over all banks:
//
//     swizzle<B,M,S>(x) = x xor ((x >> S) & (2^B - 1) << M)
//
//     bits of x    ... y y y ... z z z m m m      B = 3 bits y, S above z; the
//                      '-- xor -->  '             lowest M are left alone
//
//     row 0   0 1 2 3 4 5 6 7         pieces of 16 bytes (8 halves, M = 3) of a
//         1   1 0 3 2 5 4 7 6         row of 64 halves: swizzle<3,3,3>
//         2   2 3 0 1 6 7 4 5         piece p of row r lies in place p xor r:
//         3   3 2 1 0 7 6 5 4         each column of pieces meets every place
//        ..
//
// It is its own inverse if S >= B. Layouts here may end in one:
// swizzle(layout(x)).
//
// Laws: test/unit/tile/LayoutTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECTS_TILE_LAYOUT_H
#define TENON_DIALECTS_TILE_LAYOUT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>
#include <string>

namespace mlir::tenon::tile {

struct Mode {
  int64_t size, stride;
  bool operator==(const Mode &o) const {
    return size == o.size && stride == o.stride;
  }
};
using Modes = llvm::SmallVector<Mode, 4>;

/// Bits [base + shift, + bits) are xored onto bits [base, + bits). No bits: the
/// identity.
struct Swizzle {
  unsigned bits = 0, base = 0, shift = 0;

  int64_t operator()(int64_t x) const {
    return x ^ ((x >> shift) & (((int64_t(1) << bits) - 1) << base));
  }
  /// Whether it is a bijection that undoes itself.
  bool valid() const { return bits == 0 || shift >= bits; }
  /// What is a multiple of this can be added before or after.
  int64_t period() const {
    return int64_t(1) << (bits ? base + shift + bits : 0);
  }
  /// Aligned runs of this many elements stay together.
  int64_t run() const { return bits ? int64_t(1) << base : INT64_MAX; }
  bool operator==(const Swizzle &o) const {
    return bits == o.bits && base == o.base && shift == o.shift;
  }
};

class Layout {
public:
  Layout() = default;
  explicit Layout(llvm::ArrayRef<Modes> dims, Swizzle swizzle = {})
      : dims(dims.begin(), dims.end()), swizzle(swizzle) {}

  /// One mode a dimension, strides growing from the first to the last
  /// (column-major) or from the last to the first (row-major).
  static Layout columnMajor(llvm::ArrayRef<int64_t> sizes);
  static Layout rowMajor(llvm::ArrayRef<int64_t> sizes);

  /// `(4:32,8:1)(2:16,2:8)`, with `swizzle<3,3,3>` behind it if it has one.
  std::string str() const;
  static std::optional<Layout> parse(llvm::StringRef text);

  unsigned rank() const { return dims.size(); }
  llvm::ArrayRef<Mode> modes(unsigned dim) const { return dims[dim]; }
  const Swizzle &getSwizzle() const { return swizzle; }
  Layout withSwizzle(Swizzle s) const { return Layout(dims, s); }
  /// The modes of all dimensions, in order.
  Modes flat() const;

  int64_t size(unsigned dim) const;
  int64_t size() const;
  /// One more than the largest result.
  int64_t cosize() const;

  /// The result for a number that counts through all dimensions.
  int64_t operator()(int64_t n) const;
  /// The result for one index a dimension.
  int64_t operator()(llvm::ArrayRef<int64_t> at) const;
  /// The same before the swizzle; the part that dimension `dim` adds.
  int64_t part(unsigned dim, int64_t index) const;

  /// Whether each result is given once, and all of [0, size) are.
  bool isBijective() const;

  bool operator==(const Layout &o) const {
    return dims == o.dims && swizzle == o.swizzle;
  }
  bool operator!=(const Layout &o) const { return !(*this == o); }

private:
  llvm::SmallVector<Modes, 2> dims;
  Swizzle swizzle;
};

llvm::hash_code hash_value(const Layout &layout);

/// The same function of each dimension's index, in the fewest modes.
Layout coalesce(const Layout &layout);

/// x -> outer(inner(x)), with inner's dimensions; none if that is no layout: a
/// mode of `inner` cuts across modes of `outer`, its modes overlap, its results
/// leave outer's domain, or it has a swizzle.
std::optional<Layout> compose(const Layout &outer, const Layout &inner);

/// One dimension that, beside those of `layout`, reaches all of [0, n) exactly
/// once; none if `layout` gives a result twice or cannot be filled up so.
std::optional<Layout> complement(const Layout &layout, int64_t n);

/// result -> the number that has it: inverse(layout)(layout(n)) = n. None if
/// `layout` is no bijection onto [0, size), or has a swizzle.
std::optional<Layout> inverse(const Layout &layout);

/// layout o (tile, complement of tile): within a tile, from tile to tile.
std::optional<Layout> divide(const Layout &layout, const Layout &tile);
/// `layout` repeated in the pattern of `tiling`: (layout, copies of it).
std::optional<Layout> product(const Layout &layout, const Layout &tiling);

/// The dimensions of one layout and then those of the other.
Layout concat(const Layout &a, const Layout &b);

/// The longest run, a power of two up to `limit`, for which aligned runs of
/// indices of dimension `dim` are aligned runs of results.
int64_t contiguous(const Layout &layout, unsigned dim, int64_t limit);

/// How often shared memory works for one access of a warp: `bytes` (4, 8 or 16,
/// or less than 4) at each of the up to 32 byte addresses, in thread order. The
/// warp goes in groups of 32, 16 or 8 threads, so that a group wants at most
/// 128 bytes; a group takes as many turns as one bank has different words
/// asked.
int64_t wavefronts(llvm::ArrayRef<int64_t> addresses, int64_t bytes);
/// Turns beyond one for each group.
int64_t bankConflicts(llvm::ArrayRef<int64_t> addresses, int64_t bytes);

} // namespace mlir::tenon::tile

#endif // TENON_DIALECTS_TILE_LAYOUT_H
