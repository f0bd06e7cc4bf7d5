//===- MmaOps.cpp - mma, mma.sp and wmma, PTX ISA 9.7.14 ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Handlers: they wait for all lanes, find the rows of the operands, and call
// what computes on them (mma/Mma.h). Loads and stores of wmma's fragments
// address each element by its place in the matrix.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/MemoryAccess.h"
#include "sim/exec/mma/Mma.h"
#include "sim/ptx/Instructions.h"

#include <array>
#include <bit>
#include <cstring>
#include <vector>

using namespace tenon::sim;
using namespace tenon::sim::exec;
using ptx::Field;
using ptx::Instruction;
using ptx::Mod;
using ptx::Type;

static uint32_t word(const WarpState &warp, Row row, unsigned lane) {
  uint32_t value;
  std::memcpy(&value, warp.row(row) + lane * 4, 4);
  return value;
}

static MmaScratch &scratch() {
  static thread_local MmaScratch theScratch;
  return theScratch;
}

namespace {
/// What an op needs to know of its instruction.
struct Decoded {
  MmaDescription desc;
  AddModel model;
};
} // namespace

static const Decoded &decodedOf(const WarpState &warp, const Op &op) {
  // Once for each op of each host thread; programs are few.
  struct Entry {
    const Op *op = nullptr;
    uint64_t serial = 0;
    unsigned sm = 0;
    MmaModel mma = MmaModel::Device;
    Decoded decoded;
  };
  static thread_local std::vector<Entry> cache(1024);
  const Grid &grid = warp.block->grid;
  const Program &program = grid.program;
  Entry &entry = cache[(reinterpret_cast<uintptr_t>(&op) / 64) % cache.size()];
  if (entry.op != &op || entry.serial != program.serial ||
      entry.sm != grid.device.sm || entry.mma != grid.options.mma) {
    MmaDescription desc =
        describeMma(*program.instruction(uint32_t(&op - program.ops.data())));
    AddModel model = addModel(grid.device.sm, desc.a, desc.d);
    model.exact = grid.options.mma == MmaModel::Exact;
    entry = {
        &op, program.serial, grid.device.sm, grid.options.mma, {desc, model}};
  }
  return entry.decoded;
}

static Step multiplyMatrices(Warp &base, const Op &op) {
  WarpState &warp = state(base);
  if (!converged(warp, kAllLanes))
    return Step::Wait;
  const auto &[desc, model] = decodedOf(warp, op);
  MmaRows rows;
  const Row *list = warp.listRows(op);
  for (unsigned i = 0; i < desc.counts[3]; ++i)
    rows.d[i] = warp.row(*list++);
  for (unsigned i = 0; i < desc.counts[0]; ++i)
    rows.a[i] = warp.row(*list++);
  for (unsigned i = 0; i < desc.counts[1]; ++i)
    rows.b[i] = warp.row(*list++);
  for (unsigned i = 0; i < desc.counts[2]; ++i)
    rows.c[i] = warp.row(*list++);
  SparseColumns columns;
  if (desc.sparse) {
    rows.columns = &columns;
    if (!readMetadata(desc, reinterpret_cast<const uint32_t *>(warp.row(op.b)),
                      unsigned(op.imm), columns))
      return fault(warp, Fault::IllegalInstruction, 0, warp.mask,
                   "mma.sp: the metadata names one element twice, or has a "
                   "value without meaning",
                   "PTX ISA 9.7.14.6: of each group different elements, in "
                   "rising order");
  }
  multiply(desc, rows, model, scratch());
  return Step::Next;
}

// --- wmma.load and wmma.store -----------------------------------------------

/// Op::mode: 0-2 space, 3 wide address, 4 stride given, 5 column-major,
/// 6-7 fragment A B C D.
template <bool IsStore> static Step moveFragment(Warp &base, const Op &op) {
  WarpState &warp = state(base);
  if (!converged(warp, kAllLanes))
    return Step::Wait;
  const MmaDescription &desc = decodedOf(warp, op).desc;
  char which = char('A' + (op.mode >> 6 & 3));
  Type type = desc.a;
  unsigned bits = ptx::bitsOf(type);
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
  std::array<AccessMarks, 8> marks; // of the registers
  bool isUndefined = false;
  for (unsigned i = 0; i < total; i += perAccess) {
    uint32_t lanes = kAllLanes;
    for (unsigned lane = 0; lane < kWarpSize; ++lane) {
      auto [row, column] = placeOf(desc, which, lane, i, perRegister, count);
      uint64_t index =
          columnMajor ? column * stride + row : row * stride + column;
      elements.at[lane] = addresses.at[0] + index * bits / 8;
    }
    Pointers pointers;
    if (!resolve(warp, elements, lanes, bytes, bytes, Space(op.mode & 7),
                 IsStore ? AccessKind::Write : AccessKind::Read, pointers))
      return Step::Fault;
    if (AccessMarks &loaded = warp.undefined.loaded; loaded.lanes)
        [[unlikely]] {
      isUndefined = true;
      AccessMarks &own = marks[i / perRegister];
      own.origin = loaded.origin;
      for (uint32_t left = loaded.lanes; left; left &= left - 1) {
        auto lane = unsigned(std::countr_zero(left));
        own.lanes |= 1u << lane;
        own.bytes[lane] |= loaded.bytes[lane] << (i % perRegister * bits / 8);
      }
      loaded.lanes = 0;
    }
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
  if (!isUndefined) [[likely]]
    return Step::Next;
  for (unsigned i = 0; i < count; ++i) {
    warp.undefined.loaded = marks[i];
    unsigned width = bits == 64 ? 8 : 4;
    markLoaded(warp, list[i], 0, width, width, false);
  }
  return endLoad(warp);
}

Handler tenon::sim::exec::selectMma(const Instruction &instruction,
                                    const RowWidths &widths, Op &op) {
  std::string_view opcode = ptx::opcodes()[instruction.opcode].name;
  if (opcode == "mma" || opcode == "wmma.mma") {
    // The sources' rows are in the list; metadata is the one after them.
    if (instruction.has(Mod::Sp) || instruction.has(Mod::SpOrdered))
      op.b = op.f;
    return multiplyMatrices;
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
