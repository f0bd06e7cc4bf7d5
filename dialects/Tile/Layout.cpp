//===- Layout.cpp - Layouts as values -------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The algebra of Layout.h. Sizes are small (a tile, a warp), so what is easiest
// to see right is preferred to what is fast.
//
// Tests: test/unit/tile/LayoutTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "dialects/Tile/Layout.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallSet.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>

namespace mlir::tenon::tile {

using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// The function
//===----------------------------------------------------------------------===//

Layout Layout::columnMajor(ArrayRef<int64_t> sizes) {
  SmallVector<Modes, 2> dims;
  int64_t stride = 1;
  for (int64_t size : sizes) {
    dims.push_back({Mode{size, stride}});
    stride *= size;
  }
  return Layout(dims);
}

Layout Layout::rowMajor(ArrayRef<int64_t> sizes) {
  SmallVector<Modes, 2> dims(sizes.size());
  int64_t stride = 1;
  for (size_t i = sizes.size(); i-- > 0;) {
    dims[i].push_back({sizes[i], stride});
    stride *= sizes[i];
  }
  return Layout(dims);
}

Modes Layout::flat() const {
  Modes all;
  for (const Modes &dim : dims)
    all.append(dim.begin(), dim.end());
  return all;
}

int64_t Layout::size(unsigned dim) const {
  int64_t product = 1;
  for (const Mode &mode : dims[dim])
    product *= mode.size;
  return product;
}

int64_t Layout::size() const {
  int64_t product = 1;
  for (unsigned i = 0; i < rank(); ++i)
    product *= size(i);
  return product;
}

int64_t Layout::cosize() const {
  int64_t last = 0;
  if (swizzle.bits == 0) {
    for (const Mode &mode : flat())
      last += (mode.size - 1) * mode.stride;
    return last + 1;
  }
  for (int64_t n = 0, end = size(); n < end; ++n)
    last = std::max(last, (*this)(n));
  return last + 1;
}

int64_t Layout::part(unsigned dim, int64_t index) const {
  int64_t result = 0;
  for (const Mode &mode : dims[dim]) {
    result += index % mode.size * mode.stride;
    index /= mode.size;
  }
  return result;
}

int64_t Layout::operator()(ArrayRef<int64_t> at) const {
  int64_t result = 0;
  for (unsigned i = 0; i < rank(); ++i)
    result += part(i, at[i]);
  return swizzle(result);
}

int64_t Layout::operator()(int64_t n) const {
  SmallVector<int64_t, 4> at;
  for (unsigned i = 0; i < rank(); ++i) {
    at.push_back(n % size(i));
    n /= size(i);
  }
  return (*this)(at);
}

bool Layout::isBijective() const {
  std::vector<bool> seen(size(), false);
  for (int64_t n = 0, end = size(); n < end; ++n) {
    int64_t x = (*this)(n);
    if (x < 0 || x >= end || seen[x])
      return false;
    seen[x] = true;
  }
  return true;
}

llvm::hash_code hash_value(const Layout &layout) {
  llvm::hash_code code =
      llvm::hash_combine(layout.getSwizzle().bits, layout.getSwizzle().base,
                         layout.getSwizzle().shift);
  for (unsigned i = 0; i < layout.rank(); ++i)
    for (const Mode &mode : layout.modes(i))
      code = llvm::hash_combine(code, i, mode.size, mode.stride);
  return code;
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

std::string Layout::str() const {
  std::string text;
  llvm::raw_string_ostream out(text);
  for (const Modes &dim : dims) {
    out << '(';
    llvm::interleave(
        dim, out,
        [&](const Mode &mode) { out << mode.size << ':' << mode.stride; }, ",");
    out << ')';
  }
  if (swizzle.bits)
    out << "swizzle<" << swizzle.bits << ',' << swizzle.base << ','
        << swizzle.shift << '>';
  return text;
}

std::optional<Layout> Layout::parse(StringRef text) {
  text = text.trim();
  SmallVector<Modes, 2> dims;
  while (text.consume_front("(")) {
    Modes modes;
    do {
      Mode mode;
      text = text.ltrim();
      if (text.consumeInteger(10, mode.size) || !text.consume_front(":") ||
          text.consumeInteger(10, mode.stride) || mode.size < 1 ||
          mode.stride < 0)
        return std::nullopt;
      modes.push_back(mode);
    } while (text.consume_front(","));
    if (!text.consume_front(")"))
      return std::nullopt;
    dims.push_back(modes);
    text = text.ltrim();
  }
  Swizzle swizzle;
  if (text.consume_front("swizzle<") &&
      (text.consumeInteger(10, swizzle.bits) || !text.consume_front(",") ||
       text.consumeInteger(10, swizzle.base) || !text.consume_front(",") ||
       text.consumeInteger(10, swizzle.shift) || !text.consume_front(">") ||
       swizzle.bits + swizzle.base + swizzle.shift > 32))
    return std::nullopt;
  if (!text.empty() || dims.empty() || !swizzle.valid())
    return std::nullopt;
  return Layout(dims, swizzle);
}

//===----------------------------------------------------------------------===//
// Algebra
//===----------------------------------------------------------------------===//

/// The same function in the fewest modes: neighbours merge where the second
/// goes on where the first ends. A function of one index is never empty.
static Modes coalesce(ArrayRef<Mode> modes) {
  Modes result;
  for (const Mode &mode : modes) {
    if (mode.size == 1)
      continue;
    if (!result.empty() &&
        result.back().size * result.back().stride == mode.stride)
      result.back().size *= mode.size;
    else
      result.push_back(mode);
  }
  if (result.empty())
    result.push_back({1, 0});
  return result;
}

Layout coalesce(const Layout &layout) {
  SmallVector<Modes, 2> dims;
  for (unsigned i = 0; i < layout.rank(); ++i)
    dims.push_back(coalesce(layout.modes(i)));
  return Layout(dims, layout.getSwizzle());
}

/// Modes by growing stride, without those that do nothing; none if they
/// overlap: then two indices could carry into each other.
static std::optional<Modes> disjoint(ArrayRef<Mode> modes) {
  Modes sorted;
  for (const Mode &mode : modes)
    if (mode.size > 1 && mode.stride > 0)
      sorted.push_back(mode);
  llvm::sort(sorted,
             [](const Mode &a, const Mode &b) { return a.stride < b.stride; });
  for (size_t i = 1; i < sorted.size(); ++i)
    if (sorted[i].stride < sorted[i - 1].stride * sorted[i - 1].size)
      return std::nullopt;
  return sorted;
}

/// One mode of the inner layout, read through `outer`: skip the digits below
/// its stride, then take whole digits until its size is used up.
static bool composeMode(ArrayRef<Mode> outer, Mode inner, Modes &result) {
  int64_t left = inner.size, skip = inner.stride;
  if (left == 1 || skip == 0) {
    result.push_back({left, 0});
    return true;
  }
  for (const Mode &mode : outer) {
    if (left == 1)
      break;
    if (skip % mode.size == 0) {
      skip /= mode.size;
      continue;
    }
    if (mode.size % skip != 0)
      return false;
    int64_t here = mode.size / skip;
    if (left > here && left % here != 0)
      return false;
    int64_t take = std::min(left, here);
    result.push_back({take, mode.stride * skip});
    left /= take;
    skip = 1;
  }
  return left == 1;
}

std::optional<Layout> compose(const Layout &outer, const Layout &inner) {
  if (inner.getSwizzle().bits || inner.cosize() > outer.size() ||
      !disjoint(inner.flat()))
    return std::nullopt;
  Modes modes = coalesce(ArrayRef<Mode>(outer.flat()));
  SmallVector<Modes, 2> dims;
  for (unsigned i = 0; i < inner.rank(); ++i) {
    Modes dim;
    for (const Mode &mode : inner.modes(i))
      if (!composeMode(modes, mode, dim))
        return std::nullopt;
    dims.push_back(coalesce(ArrayRef<Mode>(dim)));
  }
  return Layout(dims, outer.getSwizzle());
}

std::optional<Layout> complement(const Layout &layout, int64_t n) {
  for (const Mode &mode : layout.flat())
    if (mode.size > 1 && mode.stride == 0)
      return std::nullopt;
  auto sorted = disjoint(layout.flat());
  if (!sorted || layout.getSwizzle().bits)
    return std::nullopt;
  Modes gaps;
  int64_t reached = 1;
  for (const Mode &mode : *sorted) {
    if (mode.stride % reached != 0)
      return std::nullopt;
    gaps.push_back({mode.stride / reached, reached});
    reached = mode.stride * mode.size;
  }
  if (n % reached != 0)
    return std::nullopt;
  gaps.push_back({n / reached, reached});
  return Layout({coalesce(ArrayRef<Mode>(gaps))});
}

std::optional<Layout> inverse(const Layout &layout) {
  if (layout.getSwizzle().bits)
    return std::nullopt;
  // Each mode, with the stride that its index has in the domain.
  struct Digit {
    Mode mode;
    int64_t domain;
  };
  SmallVector<Digit, 8> digits;
  int64_t domain = 1;
  for (const Mode &mode : layout.flat()) {
    if (mode.size > 1)
      digits.push_back({mode, domain});
    domain *= mode.size;
  }
  llvm::sort(digits, [](const Digit &a, const Digit &b) {
    return a.mode.stride < b.mode.stride;
  });
  Modes result;
  int64_t reached = 1;
  for (const Digit &digit : digits) {
    if (digit.mode.stride != reached)
      return std::nullopt;
    result.push_back({digit.mode.size, digit.domain});
    reached *= digit.mode.size;
  }
  return Layout({coalesce(ArrayRef<Mode>(result))});
}

Layout concat(const Layout &a, const Layout &b) {
  SmallVector<Modes, 2> dims;
  for (unsigned i = 0; i < a.rank(); ++i)
    dims.push_back(Modes(a.modes(i)));
  for (unsigned i = 0; i < b.rank(); ++i)
    dims.push_back(Modes(b.modes(i)));
  return Layout(dims);
}

/// All dimensions as one.
static Layout asOne(const Layout &layout) { return Layout({layout.flat()}); }

std::optional<Layout> divide(const Layout &layout, const Layout &tile) {
  auto rest = complement(tile, layout.size());
  if (!rest)
    return std::nullopt;
  return compose(layout, concat(asOne(tile), *rest));
}

std::optional<Layout> product(const Layout &layout, const Layout &tiling) {
  auto rest = complement(layout, layout.cosize() * tiling.cosize());
  // What layout spans is not always a multiple of what it fills: round up.
  for (int64_t n = 2; !rest && n <= layout.cosize(); ++n)
    rest = complement(layout, layout.cosize() * tiling.cosize() * n);
  if (!rest)
    return std::nullopt;
  auto copies = compose(*rest, asOne(tiling));
  if (!copies)
    return std::nullopt;
  return concat(asOne(layout), *copies);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

int64_t contiguous(const Layout &layout, unsigned dim, int64_t limit) {
  int64_t run = 1;
  Modes own = coalesce(layout.modes(dim));
  if (own.front().stride == 1)
    run = own.front().size & -own.front().size;
  run = std::min({run, limit, layout.getSwizzle().run()});
  // Whatever else is added must keep runs aligned.
  for (unsigned i = 0; i < layout.rank(); ++i)
    for (const Mode &mode : coalesce(layout.modes(i)))
      while (run > 1 && !(i == dim && mode == own.front()) && mode.size > 1 &&
             mode.stride % run != 0)
        run /= 2;
  return run;
}

/// Turns of all groups of threads: of each, the words in its longest bank
/// queue.
static int64_t groupsOf(ArrayRef<int64_t> addresses, int64_t bytes,
                        int64_t &groups) {
  size_t together = bytes <= 4 ? 32 : 128 / bytes;
  int64_t turns = 0;
  groups = 0;
  for (size_t first = 0; first < addresses.size(); first += together) {
    SmallVector<llvm::SmallSet<int64_t, 8>, 32> banks(32);
    for (int64_t address :
         addresses.slice(first, std::min(together, addresses.size() - first)))
      for (int64_t word = address / 4; word <= (address + bytes - 1) / 4;
           ++word)
        banks[word % 32].insert(word);
    size_t most = 1;
    for (auto &bank : banks)
      most = std::max(most, size_t(bank.size()));
    turns += most;
    ++groups;
  }
  return turns;
}

int64_t wavefronts(ArrayRef<int64_t> addresses, int64_t bytes) {
  int64_t groups;
  return groupsOf(addresses, bytes, groups);
}

int64_t bankConflicts(ArrayRef<int64_t> addresses, int64_t bytes) {
  int64_t groups;
  return groupsOf(addresses, bytes, groups) - groups;
}

} // namespace mlir::tenon::tile
