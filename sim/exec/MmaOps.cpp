//===- MmaOps.cpp - mma, mma.sp and wmma, PTX ISA 9.7.14 ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An instruction is executed for the whole warp: fragments are gathered into
// matrices, multiplied, and scattered again.
//
// Fragments of mma (ISA 9.7.14.5.1 to .13). With g = lane / 4, t = lane % 4,
// and E elements in a register (1 of 32 or 64 bits, 2 of 16, 4 of 8, 8 of 4, 32
// of one bit), element e of register r is
//
//   A, m = 16   row g + 8 * (r % 2), column 4E * (r / 2) + E * t + e
//   A, m = 8    row g,               column 4E * r + E * t + e
//   B           row 4E * r + E * t + e, column g
//   C, D        element i = E * r + e: row g + 8 * (i / 2), column 2 * t + i %
//   2
//
// m8n8k4 of f16 is four products of quad pairs at once (9.7.14.5.1), with maps
// of its own. The fragments of wmma are opaque (9.7.14.4.1): element i of a
// lane is element (lane * count + i) of the matrix in row-major order, again
// from the start where lanes hold more than there is; C of f16 and f32 agree.
//
// Sparse A (9.7.14.6): of each four columns two are stored (of two, one for
// tf32; of eight, two pairs for 4-bit integers), and metadata says which, four
// bits a group. The words of a quad's threads that the selector names are, for
// 16 and 32-bit types, halves for rows g and g + 8; for narrower ones whole
// words for row g and row g + 8 in turn.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/MemoryAccess.h"
#include "sim/exec/mma/Numerics.h"
#include "sim/ptx/Fragments.h"
#include "sim/ptx/Instructions.h"

#include <algorithm>
#include <bit>
#include <cfenv>
#include <cmath>
#include <cstring>
#include <immintrin.h>

using namespace tenon::sim;
using namespace tenon::sim::exec;
using ptx::Field;
using ptx::Instruction;
using ptx::Mod;
using ptx::Type;

namespace {

enum class Layout : uint8_t { Mma, Quads, Wmma };

/// An mma of some form; instructions of one form share it.
struct Description {
  ptx::MatrixShape shape;
  Type a, b, c, d;
  bool aRow = true, bRow = false;
  Layout layout = Layout::Mma;
  bool sparse = false, satfinite = false, isXor = false;
  int rounding = FE_TONEAREST;
  unsigned counts[4]; ///< registers of A, B, C, D
};

/// Integers or bits, as they come.
struct IntegerMatrices {
  int32_t a[32][256], b[256][32];
  int64_t c[32][32];
};
struct DoubleMatrices {
  double a[16][16], b[16][8], c[16][8];
};

} // namespace

static bool isNarrowInteger(Type type) {
  return type == Type::U8 || type == Type::S8 || type == Type::U4 ||
         type == Type::S4 || type == Type::B1;
}

/// Bits of an element in a register: tf32 takes 32.
static unsigned elementBits(Type type) { return ptx::bitsOf(type); }

/// Row and column of element i of a lane; `registers` hold all of them.
static std::pair<unsigned, unsigned> place(const Description &desc, char which,
                                           unsigned lane, unsigned i,
                                           unsigned perRegister,
                                           unsigned total) {
  const ptx::MatrixShape &shape = desc.shape;
  unsigned g = lane / 4, t = lane % 4, r = i / perRegister, e = i % perRegister;
  unsigned k = desc.sparse ? shape.k / 2 : shape.k;
  switch (desc.layout) {
  case Layout::Mma:
    if (which == 'A') {
      unsigned row = shape.m == 16 ? g + 8 * (r % 2) : g;
      unsigned step = shape.m == 16 ? r / 2 : r;
      return {row, 4 * perRegister * step + perRegister * t + e};
    }
    if (which == 'B')
      return {4 * perRegister * r + perRegister * t + e, g};
    return {g + 8 * (i / 2), 2 * t + i % 2};
  case Layout::Quads: { // rows are those of the lane's quad pair
    unsigned upper = lane >= 16 ? 4 : 0;
    if (which == 'A')
      return desc.aRow ? std::pair(t + upper, i) : std::pair(i + upper, t);
    if (which == 'B')
      return desc.bRow ? std::pair(t, i + upper) : std::pair(i, t + upper);
    bool isFloat = (which == 'C' ? desc.c : desc.d) == Type::F32;
    if (!isFloat)
      return {t + upper, i};
    return {(lane & 1) + (i & 2) + upper, (i & 4) + (lane & 2) + (i & 1)};
  }
  case Layout::Wmma: {
    unsigned columns = which == 'A' ? k : shape.n;
    unsigned rows = which == 'B' ? k : shape.m;
    unsigned index = (lane * total + i) % (rows * columns);
    // Elements that share a byte lie along K, as they do in memory: B of 4 bits
    // and 1 bit is column-major (9.7.14.4).
    if (which == 'B' && elementBits(desc.a) < 8)
      return {index % rows, index / rows};
    return {index / columns, index % columns};
  }
  }
  return {0, 0};
}

static uint32_t word(const WarpState &warp, Row row, unsigned lane) {
  uint32_t value;
  std::memcpy(&value, warp.row(row) + lane * 4, 4);
  return value;
}

/// Calls f(lane, row, column, bits) for each element of a fragment.
template <typename F>
static void forElements(const WarpState &warp, const Description &desc,
                        char which, Type type, const Row *rows, unsigned count,
                        F f) {
  unsigned bits = elementBits(type);
  if (bits == 64) {
    for (unsigned lane = 0; lane < kWarpSize; ++lane)
      for (unsigned i = 0; i < count; ++i) {
        uint64_t value;
        std::memcpy(&value, warp.row(rows[i]) + lane * 8, 8);
        auto [row, column] = place(desc, which, lane, i, 1, count);
        f(lane, row, column, value);
      }
    return;
  }
  unsigned perRegister = 32 / bits, total = perRegister * count;
  uint64_t mask = bits == 32 ? 0xffffffff : (uint64_t(1) << bits) - 1;
  for (unsigned r = 0; r < count; ++r)
    for (unsigned lane = 0; lane < kWarpSize; ++lane) {
      uint64_t value = word(warp, rows[r], lane);
      for (unsigned e = 0; e < perRegister; ++e) {
        auto [row, column] =
            place(desc, which, lane, r * perRegister + e, perRegister, total);
        f(lane, row, column, value >> (e * bits) & mask);
      }
    }
}

/// Writes a fragment: f(lane, row, column) gives the bits.
template <typename F>
static void setElements(const WarpState &warp, const Description &desc,
                        char which, Type type, const Row *rows, unsigned count,
                        F f) {
  unsigned bits = elementBits(type);
  if (bits == 64) {
    for (unsigned lane = 0; lane < kWarpSize; ++lane)
      for (unsigned i = 0; i < count; ++i) {
        auto [row, column] = place(desc, which, lane, i, 1, count);
        uint64_t value = f(lane, row, column);
        std::memcpy(warp.row(rows[i]) + lane * 8, &value, 8);
      }
    return;
  }
  unsigned perRegister = 32 / bits, total = perRegister * count;
  for (unsigned r = 0; r < count; ++r)
    for (unsigned lane = 0; lane < kWarpSize; ++lane) {
      uint32_t value = 0;
      for (unsigned e = 0; e < perRegister; ++e) {
        auto [row, column] =
            place(desc, which, lane, r * perRegister + e, perRegister, total);
        value |= uint32_t(f(lane, row, column)) << (e * bits);
      }
      std::memcpy(warp.row(rows[r]) + lane * 4, &value, 4);
    }
}

static float toFloat(Type type, uint64_t bits) {
  switch (type) {
  case Type::F16:
    return fromHalf(uint16_t(bits));
  case Type::BF16:
    return fromBHalf(uint16_t(bits));
  case Type::TF32: // the lower 13 bits are not read
    return std::bit_cast<float>(uint32_t(bits) & 0xffffe000u);
  case Type::E4M3:
    return fromE4M3(uint8_t(bits));
  case Type::E5M2:
    return fromE5M2(uint8_t(bits));
  default:
    return std::bit_cast<float>(uint32_t(bits));
  }
}

static int minExponentOf(Type type) {
  switch (type) {
  case Type::F16:
  case Type::E5M2:
    return -14;
  case Type::E4M3:
    return -6;
  default:
    return -126;
  }
}

/// Column in the dense A of each stored element; -1: metadata is bad.
static int denseColumn(const WarpState &warp, const Description &desc,
                       Row metadata, unsigned selector, unsigned row,
                       unsigned column) {
  // A nibble describes two stored elements (four 4-bit ones, one of tf32).
  unsigned bits = elementBits(desc.a);
  unsigned perGroup = bits == 32 ? 1 : bits == 4 ? 4 : 2;
  unsigned group = column / perGroup, within = column % perGroup;
  unsigned nibbles = desc.shape.k / (perGroup * 2); // of a row
  unsigned quad = row % 8 * 4, upper = row / 8;
  unsigned nibble;
  if (bits >= 16) {
    // Halves of 4 nibbles: threads of a row's quad in the order of columns.
    unsigned threads = nibbles / 4;
    uint32_t value =
        word(warp, metadata, quad + selector * threads + group / 4);
    nibble = value >> (16 * upper + 4 * (group % 4)) & 15;
  } else {
    // Words of 8 nibbles: row g, row g + 8, then the next columns.
    unsigned threads = nibbles / 8 * 2;
    uint32_t value =
        word(warp, metadata,
             quad + selector % (4 / threads) * threads + group / 8 * 2 + upper);
    nibble = value >> (4 * (group % 8)) & 15;
  }
  if (bits == 32) // 0b1110: the second, 0b0100: the first
    return nibble == 0xe   ? int(group * 2 + 1)
           : nibble == 0x4 ? int(group * 2)
                           : -1;
  unsigned pair = bits == 4 ? within / 2 : within;
  unsigned index = nibble >> (2 * pair) & 3;
  if (bits == 4)
    return int(group * 8 + index * 2 + within % 2);
  return int(group * 4 + index);
}

/// Finds metadata that names one element twice.
static bool goodMetadata(const WarpState &warp, const Description &desc,
                         Row metadata, unsigned selector) {
  unsigned stored = desc.shape.k / 2;
  for (unsigned row = 0; row < desc.shape.m; ++row) {
    bool used[256] = {};
    for (unsigned column = 0; column < stored; ++column) {
      int at = denseColumn(warp, desc, metadata, selector, row, column);
      if (at < 0 || used[at])
        return false;
      used[at] = true;
    }
  }
  return true;
}

// --- The common shape, quickly
// ------------------------------------------------

/// m16n8k8 and k16 of 16-bit types: registers are 8x8 blocks, row by row.
static void gather16(const WarpState &warp, const Description &desc,
                     const Row *rows, FloatMatrices &x) {
  auto convert = [&](Row row, float *to) {
    const char *from = warp.row(row);
    for (unsigned i = 0; i < 64; ++i) {
      uint16_t bits;
      std::memcpy(&bits, from + i * 2, 2);
      to[i] = desc.a == Type::F16 ? float(std::bit_cast<_Float16>(bits))
                                  : std::bit_cast<float>(uint32_t(bits) << 16);
    }
  };
  alignas(32) float block[64];
  for (unsigned r = 0; r < desc.counts[0]; ++r) {
    convert(rows[r], block);
    for (unsigned g = 0; g < 8; ++g)
      std::memcpy(&x.a[g + 8 * (r % 2)][8 * (r / 2)], block + g * 8, 32);
  }
  for (unsigned r = 0; r < desc.counts[1]; ++r) {
    convert(rows[desc.counts[0] + r], block);
    for (unsigned g = 0; g < 8; ++g)
      for (unsigned j = 0; j < 8; ++j)
        x.b[8 * r + j][g] = block[g * 8 + j];
  }
}

// --- Handlers
// -----------------------------------------------------------------

/// C and D of f32: register i of lane 4g + t is row g + 8 * (i / 2), column
/// 2t + i % 2.
static void gatherC(const WarpState &warp, const Description &desc,
                    const Row *rows, FloatMatrices &x) {
  for (unsigned i = 0; i < desc.counts[2]; ++i) {
    const char *from = warp.row(rows[i]);
    for (unsigned g = 0; g < 8; ++g)
      for (unsigned t = 0; t < 4; ++t)
        std::memcpy(&x.c[g + i / 2 * 8][2 * t + i % 2], from + (4 * g + t) * 4,
                    4);
  }
}
static void scatterD(const WarpState &warp, const Description &desc,
                     const Row *rows, const FloatMatrices &x) {
  for (unsigned i = 0; i < desc.counts[3]; ++i) {
    char *to = warp.row(rows[i]);
    for (unsigned g = 0; g < 8; ++g)
      for (unsigned t = 0; t < 4; ++t)
        std::memcpy(to + (4 * g + t) * 4, &x.c[g + i / 2 * 8][2 * t + i % 2],
                    4);
  }
}

static const Description &descriptionOf(const WarpState &warp, const Op &op);

static void floatProduct(WarpState &warp, const Description &desc, const Op &op,
                         const Row *d, const Row *a, const Row *b, const Row *c,
                         FloatMatrices &x) {
  unsigned quads = desc.layout == Layout::Quads ? 4 : 1;
  const Grid &grid = warp.block->grid;
  AddModel model = addModel(grid.device.sm, desc.a, desc.sparse);
  model.exact = grid.options.mma == MmaModel::Exact;
  for (unsigned quad = 0; quad < quads; ++quad) {
    // Lanes of quad pair q: 4q .. 4q+3 and 16 more.
    auto mine = [&](unsigned lane) {
      return quads == 1 || (lane / 4) % 4 == quad;
    };
    if (desc.sparse)
      std::memset(x.a, 0, sizeof x.a);
    bool quick =
        desc.layout == Layout::Mma && !desc.sparse && elementBits(desc.a) == 16;
    if (quick) {
      gather16(warp, desc, a, x);
    } else {
      forElements(
          warp, desc, 'A', desc.a, a, desc.counts[0],
          [&](unsigned lane, unsigned row, unsigned column, uint64_t bits) {
            if (!mine(lane))
              return;
            if (desc.sparse)
              column = unsigned(
                  std::max(0, denseColumn(warp, desc, op.b, unsigned(op.imm),
                                          row, column)));
            x.a[row][column] = toFloat(desc.a, bits);
          });
      forElements(
          warp, desc, 'B', desc.b, b, desc.counts[1],
          [&](unsigned lane, unsigned row, unsigned column, uint64_t bits) {
            if (mine(lane))
              x.b[row][column] = toFloat(desc.b, bits);
          });
    }
    bool plain = desc.layout == Layout::Mma && desc.c == Type::F32 &&
                 desc.d == Type::F32;
    if (plain)
      gatherC(warp, desc, c, x);
    else
      forElements(
          warp, desc, 'C', desc.c, c, desc.counts[2],
          [&](unsigned lane, unsigned row, unsigned column, uint64_t bits) {
            if (mine(lane))
              x.c[row][column] = toFloat(desc.c, bits);
          });
    multiplyAdd(x, desc.shape.m, desc.shape.n, desc.shape.k,
                std::min(minExponentOf(desc.a), minExponentOf(desc.b)), model,
                desc.d == Type::F16);
    if (plain) {
      scatterD(warp, desc, d, x);
      continue;
    }
    // Other quads' results stay: written lane by lane.
    unsigned perRegister = desc.d == Type::F16 ? 2 : 1,
             total = desc.counts[3] * perRegister;
    for (unsigned lane = 0; lane < kWarpSize; ++lane) {
      if (!mine(lane))
        continue;
      for (unsigned i = 0; i < total; ++i) {
        auto [row, column] = place(desc, 'D', lane, i, perRegister, total);
        float value = x.c[row][column];
        char *to = warp.row(d[i / perRegister]) + lane * 4;
        if (perRegister == 2) {
          uint16_t half = toHalf(value);
          if (desc.satfinite && (half & 0x7fff) == 0x7c00)
            half = uint16_t((half & 0x8000) | 0x7bff);
          std::memcpy(to + i % 2 * 2, &half, 2);
        } else {
          std::memcpy(to, &value, 4);
        }
      }
    }
  }
}

static int32_t toInteger(Type type, uint64_t bits) {
  switch (type) {
  case Type::S8:
    return int8_t(bits);
  case Type::S4:
    return int32_t(bits ^ 8) - 8;
  default:
    return int32_t(bits);
  }
}

static void integerProduct(WarpState &warp, const Description &desc,
                           const Op &op, const Row *d, const Row *a,
                           const Row *b, const Row *c, IntegerMatrices &x) {
  const ptx::MatrixShape &shape = desc.shape;
  if (desc.sparse)
    for (unsigned row = 0; row < shape.m; ++row)
      std::memset(x.a[row], 0, shape.k * sizeof(int32_t));
  forElements(
      warp, desc, 'A', desc.a, a, desc.counts[0],
      [&](unsigned, unsigned row, unsigned column, uint64_t bits) {
        if (desc.sparse)
          column = unsigned(std::max(
              0, denseColumn(warp, desc, op.b, unsigned(op.imm), row, column)));
        x.a[row][column] = toInteger(desc.a, bits);
      });
  forElements(warp, desc, 'B', desc.b, b, desc.counts[1],
              [&](unsigned, unsigned row, unsigned column, uint64_t bits) {
                x.b[row][column] = toInteger(desc.b, bits);
              });
  forElements(warp, desc, 'C', desc.c, c, desc.counts[2],
              [&](unsigned, unsigned row, unsigned column, uint64_t bits) {
                x.c[row][column] = int32_t(bits);
              });
  for (unsigned row = 0; row < shape.m; ++row) {
    // At most 256 * 2^15: no overflow before C is added.
    int32_t sums[32] = {};
    for (unsigned k = 0; k < shape.k; ++k) {
      int32_t left = x.a[row][k];
      if (desc.a == Type::B1)
        for (unsigned n = 0; n < shape.n; ++n)
          sums[n] += desc.isXor ? left ^ x.b[k][n] : left & x.b[k][n];
      else
        for (unsigned n = 0; n < shape.n; ++n)
          sums[n] += left * x.b[k][n];
    }
    for (unsigned n = 0; n < shape.n; ++n)
      x.c[row][n] += sums[n];
  }
  setElements(warp, desc, 'D', desc.d, d, desc.counts[3],
              [&](unsigned, unsigned row, unsigned column) {
                int64_t value = x.c[row][column];
                // Without .satfinite the sum wraps.
                if (desc.satfinite)
                  value = std::clamp<int64_t>(value, INT32_MIN, INT32_MAX);
                return uint64_t(uint32_t(value));
              });
}

/// f64: a chain of fused multiply-adds in the order of k (9.7.14.5.14), with
/// the rounding of the instruction.
static void doubleProduct(WarpState &warp, const Description &desc,
                          const Row *d, const Row *a, const Row *b,
                          const Row *c, DoubleMatrices &x) {
  auto set = [](double &to) {
    return [&to](uint64_t bits) { to = std::bit_cast<double>(bits); };
  };
  forElements(warp, desc, 'A', desc.a, a, desc.counts[0],
              [&](unsigned, unsigned row, unsigned column, uint64_t bits) {
                set(x.a[row][column])(bits);
              });
  forElements(warp, desc, 'B', desc.b, b, desc.counts[1],
              [&](unsigned, unsigned row, unsigned column, uint64_t bits) {
                set(x.b[row][column])(bits);
              });
  forElements(warp, desc, 'C', desc.c, c, desc.counts[2],
              [&](unsigned, unsigned row, unsigned column, uint64_t bits) {
                set(x.c[row][column])(bits);
              });
  int old = std::fegetround();
  std::fesetround(desc.rounding);
  for (unsigned row = 0; row < desc.shape.m; ++row)
    for (unsigned column = 0; column < desc.shape.n; ++column)
      for (unsigned k = 0; k < desc.shape.k; ++k)
        x.c[row][column] =
            __builtin_fma(x.a[row][k], x.b[k][column], x.c[row][column]);
  std::fesetround(old);
  setElements(warp, desc, 'D', desc.d, d, desc.counts[3],
              [&](unsigned, unsigned row, unsigned column) {
                return std::bit_cast<uint64_t>(x.c[row][column]);
              });
}

namespace {
/// Scratch of a host thread: too large for the stack of every call.
struct Scratch {
  FloatMatrices floats;
  IntegerMatrices integers;
  DoubleMatrices doubles;
};
} // namespace

static Scratch &scratch() {
  static thread_local Scratch theScratch;
  return theScratch;
}

static Description describe(const Instruction &instruction) {
  Description desc;
  std::string_view opcode = ptx::opcodes()[instruction.opcode].name;
  desc.shape = ptx::matrixShape(instruction.get(Field::Shape));
  desc.sparse = instruction.has(Mod::Sp) || instruction.has(Mod::SpOrdered);
  desc.satfinite = instruction.has(Mod::Satfinite);
  desc.isXor = instruction.has(Mod::Xor);
  desc.aRow = instruction.get(Field::LayoutA) != Mod::Col;
  desc.bRow = instruction.get(Field::LayoutB) == Mod::Row;
  bool isWmma = opcode.starts_with("wmma");
  const auto &types = instruction.types;
  if (instruction.typeCount == 4) {
    desc.d = types[0];
    desc.a = types[1];
    desc.b = types[2];
    desc.c = types[3];
  } else if (instruction.typeCount == 2) { // wmma.mma of f16: D and C
    desc.d = types[0];
    desc.c = types[1];
    desc.a = desc.b = Type::F16;
  } else { // wmma.load and store: the one type
    desc.a = desc.b = desc.c = desc.d = types[0];
  }
  const ptx::MatrixShape &shape = desc.shape;
  if (isWmma)
    desc.layout = Layout::Wmma;
  else if (shape.m == 8 && shape.n == 8 && shape.k == 4 && desc.a == Type::F16)
    desc.layout = Layout::Quads;
  switch (instruction.get(Field::Rounding)) {
  case Mod::Rz:
    desc.rounding = FE_TOWARDZERO;
    break;
  case Mod::Rm:
    desc.rounding = FE_DOWNWARD;
    break;
  case Mod::Rp:
    desc.rounding = FE_UPWARD;
    break;
  default:
    break;
  }
  static constexpr char kWhich[] = {'A', 'B', 'C', 'D'};
  if (instruction.typeCount != 1)
    for (unsigned i = 0; i < 4; ++i)
      desc.counts[i] = ptx::fragmentOf(opcode, instruction, kWhich[i]).count;
  return desc;
}

static const Description &descriptionOf(const WarpState &warp, const Op &op) {
  // Decoded once for each op of each host thread; programs are few.
  struct Entry {
    const Op *op = nullptr;
    uint64_t serial = 0;
    Description desc;
  };
  static thread_local std::vector<Entry> cache(1024);
  const Program &program = warp.block->grid.program;
  Entry &entry = cache[(reinterpret_cast<uintptr_t>(&op) / 64) % cache.size()];
  if (entry.op != &op || entry.serial != program.serial) {
    entry.op = &op;
    entry.serial = program.serial;
    entry.desc =
        describe(*program.instruction(uint32_t(&op - program.ops.data())));
  }
  return entry.desc;
}

static Step multiply(Warp &base, const Op &op) {
  WarpState &warp = state(base);
  if (!converged(warp, kAllLanes))
    return Step::Wait;
  const Description &desc = descriptionOf(warp, op);
  const Row *d = warp.listRows(op), *a = d + desc.counts[3],
            *b = a + desc.counts[0], *c = b + desc.counts[1];
  if (desc.sparse && !goodMetadata(warp, desc, op.b, unsigned(op.imm)))
    return fault(warp, Fault::IllegalInstruction, 0, warp.mask,
                 "mma.sp: the metadata names one element twice, or has a "
                 "value without meaning",
                 "PTX ISA 9.7.14.6: of each group different elements, in "
                 "rising order");
  if (desc.a == Type::F64)
    doubleProduct(warp, desc, d, a, b, c, scratch().doubles);
  else if (isNarrowInteger(desc.a))
    integerProduct(warp, desc, op, d, a, b, c, scratch().integers);
  else
    floatProduct(warp, desc, op, d, a, b, c, scratch().floats);
  return Step::Next;
}

// --- wmma.load and wmma.store
// -------------------------------------------------

/// Op::mode: 0-2 space, 3 wide address, 4 stride given, 5 column-major,
/// 6-7 fragment A B C D.
template <bool IsStore> static Step moveFragment(Warp &base, const Op &op) {
  WarpState &warp = state(base);
  if (!converged(warp, kAllLanes))
    return Step::Wait;
  const Description &desc = descriptionOf(warp, op);
  char which = char('A' + (op.mode >> 6 & 3));
  Type type = desc.a;
  unsigned bits = elementBits(type);
  unsigned rows = which == 'B' ? desc.shape.k : desc.shape.m;
  unsigned columns = which == 'A' ? desc.shape.k : desc.shape.n;
  bool columnMajor = op.mode >> 5 & 1;
  uint64_t stride = columnMajor ? rows : columns;
  if (op.mode >> 4 & 1)
    stride = word(warp, IsStore ? op.c : op.b, 0);
  Addresses addresses, elements;
  computeAddresses(warp, op.a, op.mode >> 3 & 1, op.imm, addresses);
  const Row *list = warp.listRows(op);
  unsigned count = op.listCount;
  // Each element by itself: 4-bit and 1-bit ones a byte's worth at a time.
  unsigned perRegister = bits == 64 ? 1 : 32 / bits;
  unsigned perAccess = bits < 8 ? 8 / bits : 1;
  unsigned bytes = bits < 8 ? 1 : bits / 8;
  unsigned total = count * perRegister;
  if (count == 0)
    return Step::Next;
  for (unsigned i = 0; i < total; i += perAccess) {
    uint32_t lanes = kAllLanes;
    for (unsigned lane = 0; lane < kWarpSize; ++lane) {
      auto [row, column] = place(desc, which, lane, i, perRegister, total);
      uint64_t index =
          columnMajor ? column * stride + row : row * stride + column;
      elements.at[lane] = addresses.at[0] + index * bits / 8;
    }
    Pointers pointers;
    if (!resolve(warp, elements, lanes, bytes, bytes, Space(op.mode & 7),
                 IsStore ? AccessKind::Write : AccessKind::Read, pointers))
      return Step::Fault;
    for (unsigned lane = 0; lane < kWarpSize; ++lane) {
      if (bits == 64) {
        char *at = warp.row(list[i]) + lane * 8;
        IsStore ? std::memcpy(pointers.at[lane], at, 8)
                : std::memcpy(at, pointers.at[lane], 8);
        continue;
      }
      char *at = warp.row(list[i / perRegister]) + lane * 4 +
                 i % perRegister * bits / 8;
      IsStore ? std::memcpy(pointers.at[lane], at, bytes)
              : std::memcpy(at, pointers.at[lane], bytes);
    }
  }
  return Step::Next;
}

Handler tenon::sim::exec::selectMma(const Instruction &instruction,
                                    const RowWidths &widths, Op &op) {
  std::string_view opcode = ptx::opcodes()[instruction.opcode].name;
  if (opcode == "mma" || opcode == "wmma.mma") {
    // The sources' rows are in the list; metadata is the one after them.
    if (instruction.has(Mod::Sp) || instruction.has(Mod::SpOrdered))
      op.b = op.f;
    return multiply;
  }
  bool isStore = opcode == "wmma.store";
  if (!isStore && opcode != "wmma.load")
    return nullptr;
  Mod fragment = instruction.get(Field::Fragment);
  unsigned which = fragment == Mod::FragmentA   ? 0
                   : fragment == Mod::FragmentB ? 1
                   : fragment == Mod::FragmentC ? 2
                                                : 3;
  bool columnMajor = instruction.get(Field::LayoutA) == Mod::Col;
  bool hasStride = instruction.operands.size() > 2;
  op.mode = uint16_t(unsigned(spaceOf(instruction)) |
                     unsigned(widths.a == 8) << 3 | unsigned(hasStride) << 4 |
                     unsigned(columnMajor) << 5 | which << 6);
  return isStore ? moveFragment<true> : moveFragment<false>;
}
