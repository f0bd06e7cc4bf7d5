//===- LowerAccess.cpp - Fragments from and to shared memory --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
//   ldmatrix    each 32-bit register of a fragment is one 8 x 16-byte matrix,
//               so groups of 1, 2 or 4 registers are one instruction; thread t
//               gives the address of row t % 8 of matrix t / 8
//   stmatrix    the same backwards, for pairs of 16-bit elements of `c`
//   VECTOR      the widest runs of a thread's values that lie together in
//               memory, found by asking the layouts
//
// Tests: test/compiler/Tile/lower-load.mlir, lower-store.mlir.
//
//===----------------------------------------------------------------------===//

#include "compiler/Tile/Address.h"
#include "compiler/Tile/Lower.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

namespace mlir::tenon::tile {

namespace {

/// Where elements of a fragment lie in a tile.
template <typename Op> class Access {
public:
  Access(Op op, SharedType tile, FragmentType type)
      : op(op), tile(tile), type(type) {}

  using At = std::pair<int64_t, int64_t>;

  /// Row and column in the tile of (row, column) of the fragment, but for what
  /// is known at run time only.
  At inTile(At at) {
    ArrayRef<int64_t> fixed = op.getStaticPosition();
    if (op.getTransposed())
      std::swap(at.first, at.second);
    if (!ShapedType::isDynamic(fixed[0]))
      at.first += fixed[0];
    if (!ShapedType::isDynamic(fixed[1]))
      at.second += fixed[1];
    return at;
  }

  /// Value `v` of thread `lane` in the atom's tile with number `atom`.
  At element(int64_t lane, int64_t atom, int64_t v) {
    auto [rows, columns] = type.getAtom().shapeOf(type.getRole());
    auto [row, column] = type.positionOf(lane, v);
    return {row + atom / type.getAtomColumns() * rows,
            column + atom % type.getAtomColumns() * columns};
  }

  LogicalResult move(TileAddress &address, ArrayRef<ValueRange> position) {
    auto extents = op.extents();
    size_t next = 0;
    for (unsigned dim = 0; dim < 2; ++dim) {
      if (!ShapedType::isDynamic(op.getStaticPosition()[dim]))
        continue;
      if (failed(address.move(dim, position[next++].front(),
                              dim == 0 ? extents.first : extents.second)))
        return failure();
    }
    return success();
  }

  /// Values v, v + step, .. v + (width - 1) step lie together, aligned, for
  /// each v that begins a run.
  struct Run {
    int64_t width = 1, step = 1;
  };
  Run longestRun() {
    Layout layout = tile.getLayout();
    auto offset = [&](int64_t lane, int64_t v) {
      At at = inTile(element(lane, 0, v));
      return layout(ArrayRef<int64_t>{at.first, at.second});
    };
    int64_t values = type.getValues();
    for (int64_t width = 16 / tile.getElementBytes(); width > 1; width /= 2)
      for (int64_t step = 1; step * width <= values; step *= 2) {
        if (values % (step * width))
          continue;
        bool good = true;
        for (int64_t lane = 0; lane < 32 && good; ++lane)
          for (int64_t v = 0; v < values && good; ++v) {
            int64_t place = v / step % width;
            int64_t start = offset(lane, v - place * step);
            good = start % width == 0 && offset(lane, v) == start + place;
          }
        if (good)
          return {width, step};
      }
    return {};
  }

  /// Calls `each` with the number of the atom's tile, the first value of each
  /// run, and the run's address.
  LogicalResult forEachRun(TileAddress &address, Run run,
                           function_ref<void(int64_t, int64_t, Value)> each) {
    for (int64_t atom = 0; atom < type.getAtomRows() * type.getAtomColumns();
         ++atom)
      for (int64_t v = 0; v < type.getValues(); ++v) {
        if (v / run.step % run.width != 0)
          continue;
        FailureOr<Value> pointer = address.at(
            [&](int64_t lane) { return inTile(element(lane, atom, v)); });
        if (failed(pointer))
          return failure();
        each(atom, v, *pointer);
      }
    return success();
  }

private:
  Op op;
  SharedType tile;
  FragmentType type;
};

constexpr const char *kNotLinear =
    "expected a tile whose addresses are linear in the bits of a lane";

Value extract(OpBuilder &b, Location loc, Value vector, int64_t i) {
  return LLVM::ExtractElementOp::create(b, loc, vector, constantI32(b, loc, i));
}
Value insert(OpBuilder &b, Location loc, Value vector, Value value, int64_t i) {
  return LLVM::InsertElementOp::create(b, loc, vector, value,
                                       constantI32(b, loc, i));
}

struct LowerLoad : OpConversionPattern<LoadOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(LoadOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    FragmentType type = op.getResult().getType();
    SharedType tile = op.getTile().getType();
    Access<LoadOp> access(op, tile, type);
    TileAddress address(b, loc, tile, adaptor.getTile().front(),
                        adaptor.getSlot().front(), laneNumber(b, loc), 5);
    SmallVector<Value> registers(type.getRegisters());
    const CopyAtom *atom = findCopyAtom(op.getAtom());
    if (failed(access.move(address, adaptor.getPosition())) ||
        failed(atom ? matrices(op, *atom, access, address, registers, b)
                    : vectors(access, tile, type, address, registers, b, loc)))
      return op.emitOpError(kNotLinear);
    b.replaceOpWithMultiple(op, {registers});
    return success();
  }

private:
  static LogicalResult matrices(LoadOp op, const CopyAtom &atom,
                                Access<LoadOp> &access, TileAddress &address,
                                SmallVectorImpl<Value> &registers,
                                OpBuilder &b) {
    Location loc = op.getLoc();
    FragmentType type = op.getResult().getType();
    int64_t each = type.getValues() / type.getPacking(); // of an atom's tile
    MLIRContext *context = b.getContext();
    Type i32 = b.getI32Type();
    Type result = i32;
    if (atom.count > 1)
      result = LLVM::LLVMStructType::getLiteral(
          context, SmallVector<Type>(atom.count, i32));
    for (size_t first = 0; first < registers.size(); first += atom.count) {
      auto where = [&](int64_t lane) {
        int64_t matrix = first + lane / 8 % atom.count;
        auto at =
            access.element(0, matrix / each, matrix % each * type.getPacking());
        // Rows of a matrix in memory: rows of the fragment, or its columns.
        (op.getTransposed() ? at.second : at.first) += lane % 8;
        return access.inTile(at);
      };
      FailureOr<Value> pointer = address.at(where);
      if (failed(pointer))
        return failure();
      Value loaded = NVVM::LdMatrixOp::create(
          b, loc, result, *pointer, uint32_t(atom.count),
          op.getTransposed() ? NVVM::MMALayout::col : NVVM::MMALayout::row,
          NVVM::LdStMatrixShapeAttr::get(context, 8, 8),
          NVVM::LdStMatrixEltType::B16);
      for (int64_t i = 0; i < atom.count; ++i) {
        Value word = loaded;
        if (atom.count > 1)
          word = LLVM::ExtractValueOp::create(b, loc, loaded, i);
        if (type.getRegisterType() != i32)
          word = LLVM::BitcastOp::create(b, loc, type.getRegisterType(), word);
        registers[first + i] = word;
      }
    }
    return success();
  }

  static LogicalResult vectors(Access<LoadOp> &access, SharedType tile,
                               FragmentType type, TileAddress &address,
                               SmallVectorImpl<Value> &registers, OpBuilder &b,
                               Location loc) {
    auto run = access.longestRun();
    int64_t packing = type.getPacking(), bytes = tile.getElementBytes();
    bool words = packing > 1 && run.step == 1 && run.width >= packing;
    int64_t count = words ? run.width / packing : run.width;
    Type element = words ? b.getI32Type() : tile.getElementType();
    Type loadType =
        count > 1 ? Type(VectorType::get({count}, element)) : element;
    return access.forEachRun(
        address, run, [&](int64_t atom, int64_t v, Value pointer) {
          Value loaded = LLVM::LoadOp::create(b, loc, loadType, pointer,
                                              run.width * bytes);
          for (int64_t i = 0; i < count; ++i) {
            Value value = count > 1 ? extract(b, loc, loaded, i) : loaded;
            int64_t number = atom * type.getValues() +
                             (words ? v + i * packing : v + i * run.step);
            Value &slot = registers[number / packing];
            if (words || packing == 1) {
              if (value.getType() != type.getRegisterType())
                value = LLVM::BitcastOp::create(b, loc, type.getRegisterType(),
                                                value);
              slot = value;
              continue;
            }
            if (!slot)
              slot = LLVM::PoisonOp::create(b, loc, type.getRegisterType());
            slot = insert(b, loc, slot, value, number % packing);
          }
        });
  }
};

struct LowerStore : OpConversionPattern<StoreOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(StoreOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    FragmentType type = op.getFragment().getType();
    SharedType tile = op.getTile().getType();
    Access<StoreOp> access(op, tile, type);
    ValueRange values = adaptor.getFragment();
    TileAddress address(b, loc, tile, adaptor.getTile().front(),
                        adaptor.getSlot().front(), laneNumber(b, loc), 5);
    const CopyAtom *atom = findCopyAtom(op.getAtom());
    if (failed(access.move(address, adaptor.getPosition())) ||
        failed(atom ? matrices(op, *atom, access, address, values, b)
                    : vectors(access, tile, type, address, values, b, loc)))
      return op.emitOpError(kNotLinear);
    b.eraseOp(op);
    return success();
  }

private:
  /// Values 2 i and 2 i + 1 are a thread's part of one matrix.
  static LogicalResult matrices(StoreOp op, const CopyAtom &atom,
                                Access<StoreOp> &access, TileAddress &address,
                                ValueRange values, OpBuilder &b) {
    Location loc = op.getLoc();
    FragmentType type = op.getFragment().getType();
    int64_t each = type.getValues() / 2;
    Type pair = VectorType::get({2}, type.getElementType());
    for (size_t first = 0; first < values.size() / 2; first += atom.count) {
      FailureOr<Value> pointer = address.at([&](int64_t lane) {
        int64_t matrix = first + lane / 8 % atom.count;
        auto at = access.element(0, matrix / each, matrix % each * 2);
        at.first += lane % 8;
        return access.inTile(at);
      });
      if (failed(pointer))
        return failure();
      SmallVector<Value> words;
      for (int64_t i = 0; i < atom.count; ++i) {
        Value both = LLVM::PoisonOp::create(b, loc, pair);
        for (int64_t half = 0; half < 2; ++half)
          both = insert(b, loc, both, values[(first + i) * 2 + half], half);
        words.push_back(LLVM::BitcastOp::create(b, loc, b.getI32Type(), both));
      }
      NVVM::StMatrixOp::create(
          b, loc, *pointer, words, NVVM::MMALayout::row,
          NVVM::LdStMatrixShapeAttr::get(b.getContext(), 8, 8),
          NVVM::LdStMatrixEltType::B16);
    }
    return success();
  }

  static LogicalResult vectors(Access<StoreOp> &access, SharedType tile,
                               FragmentType type, TileAddress &address,
                               ValueRange values, OpBuilder &b, Location loc) {
    auto run = access.longestRun();
    return access.forEachRun(
        address, run, [&](int64_t atom, int64_t v, Value pointer) {
          int64_t number = atom * type.getValues() + v;
          Value value = values[number];
          if (run.width > 1) {
            Value vector = LLVM::PoisonOp::create(
                b, loc, VectorType::get({run.width}, value.getType()));
            for (int64_t i = 0; i < run.width; ++i)
              vector = insert(b, loc, vector, values[number + i * run.step], i);
            value = vector;
          }
          LLVM::StoreOp::create(b, loc, value, pointer,
                                run.width * tile.getElementBytes());
        });
  }
};

} // namespace

void populateAccessPatterns(const TypeConverter &types,
                            RewritePatternSet &patterns) {
  patterns.add<LowerLoad, LowerStore>(types, patterns.getContext());
}

} // namespace mlir::tenon::tile
