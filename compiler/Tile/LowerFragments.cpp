//===- LowerFragments.cpp - Arithmetic on fragments -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
//   tile.mma        an instruction for each atom and step along k, k outermost,
//                   so that neighbours do not wait for each other's sums; of an
//                   FMA atom, the products of the thread's elements
//   tile.split      cvt.rna.tf32 of x, and of what it leaves
//   tile.map, for_each    the region once for each register
//   tile.any        the same, or, then vote.any
//   tile.reduce     within the thread, then shfl.bfly over the bits of a lane's
//                   number that change only the column
//
// Tests: test/compiler/Tile/lower-mma.mlir, lower-fragments.mlir.
//
//===----------------------------------------------------------------------===//

#include "compiler/Tile/Address.h"
#include "compiler/Tile/Lower.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

namespace mlir::tenon::tile {

namespace {

struct LowerZero : OpConversionPattern<ZeroOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ZeroOp op, OneToNOpAdaptor,
                                ConversionPatternRewriter &b) const override {
    FragmentType type = op.getResult().getType();
    Value zero = arith::ConstantOp::create(
        b, op.getLoc(), b.getZeroAttr(type.getRegisterType()));
    SmallVector<Value> registers(type.getRegisters(), zero);
    b.replaceOpWithMultiple(op, {registers});
    return success();
  }
};

struct LowerMma : OpConversionPattern<MmaOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(MmaOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    FragmentType a = op.getA().getType(), c = op.getC().getType();
    FragmentType bType = op.getB().getType();
    const MmaAtom &atom = a.getAtom();
    SmallVector<Value> sums = llvm::to_vector(adaptor.getC());
    int64_t rows = c.getAtomRows(), columns = c.getAtomColumns();
    int64_t steps = a.getAtomColumns();
    auto part = [](ValueRange all, FragmentType type, int64_t i, int64_t j) {
      int64_t each = type.getValues() / type.getPacking();
      return all.slice((i * type.getAtomColumns() + j) * each, each);
    };
    int64_t each = c.getValues();
    for (int64_t k = 0; k < steps; ++k)
      for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < columns; ++j) {
          MutableArrayRef<Value> sum = MutableArrayRef<Value>(sums).slice(
              (i * columns + j) * each, each);
          ValueRange left = part(adaptor.getA(), a, i, k);
          ValueRange right = part(adaptor.getB(), bType, j, k);
          if (atom.kind == AtomKind::Mma)
            multiply(b, op.getLoc(), atom, left, right, sum);
          else
            multiplyAdd(b, op.getLoc(), atom, left, right, sum);
        }
    b.replaceOpWithMultiple(op, {sums});
    return success();
  }

private:
  static void multiply(OpBuilder &b, Location loc, const MmaAtom &atom,
                       ValueRange left, ValueRange right,
                       MutableArrayRef<Value> sum) {
    SmallVector<Value> operands;
    for (ValueRange side : {left, right})
      for (Value value : side) {
        // Only f16 goes as pairs; the others are 32 bits to the intrinsic.
        if (atom.typeA != "f16" && !value.getType().isInteger(32))
          value = LLVM::BitcastOp::create(b, loc, b.getI32Type(), value);
        operands.push_back(value);
      }
    llvm::append_range(operands, sum);
    Type result = LLVM::LLVMStructType::getLiteral(
        b.getContext(), SmallVector<Type>(sum.size(), sum[0].getType()));
    auto call = LLVM::CallIntrinsicOp::create(
        b, loc, result, b.getStringAttr(atom.intrinsic), operands);
    for (size_t i = 0; i < sum.size(); ++i)
      sum[i] = LLVM::ExtractValueOp::create(b, loc, call.getResult(0), i);
  }

  /// sum(m, n) += left(m, k) right(n, k), for one k after the other. Positions
  /// of thread 0 stand for all: the others are moved by as much in each.
  static void multiplyAdd(OpBuilder &b, Location loc, const MmaAtom &atom,
                          ValueRange left, ValueRange right,
                          MutableArrayRef<Value> sum) {
    auto find = [](const Layout &layout, int64_t position) {
      for (int64_t v = 0;; ++v)
        if (layout({0, v}) == position)
          return v;
    };
    for (int64_t k = 0; k < atom.k; ++k)
      for (size_t v = 0; v < sum.size(); ++v) {
        int64_t at = atom.c({0, int64_t(v)});
        int64_t m = at % atom.m, n = at / atom.m;
        sum[v] =
            LLVM::FMAOp::create(b, loc, left[find(atom.a, m + atom.m * k)],
                                right[find(atom.b, n + atom.n * k)], sum[v]);
      }
  }
};

Value roundToTf32(OpBuilder &b, Location loc, Value value) {
  return NVVM::ConvertFloatToTF32Op::create(b, loc, b.getI32Type(), value,
                                            NVVM::FPRoundingMode::RNA);
}

struct LowerConvert : OpConversionPattern<ConvertOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ConvertOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    Type from = op.getInput().getType().getElementType();
    Type to = op.getResult().getType().getElementType();
    SmallVector<Value> registers;
    for (Value value : adaptor.getInput()) {
      if (isa<FloatTF32Type>(to)) {
        registers.push_back(roundToTf32(b, loc, value));
        continue;
      }
      if (!from.isF32())
        value = arith::ExtFOp::create(b, loc, b.getF32Type(), value);
      if (!to.isF32())
        value = arith::TruncFOp::create(b, loc, to, value);
      registers.push_back(value);
    }
    b.replaceOpWithMultiple(op, {registers});
    return success();
  }
};

struct LowerSplit : OpConversionPattern<SplitOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(SplitOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    SmallVector<SmallVector<Value>> results(2);
    for (Value value : adaptor.getInput()) {
      Value big = roundToTf32(b, loc, value);
      Value known = LLVM::BitcastOp::create(b, loc, b.getF32Type(), big);
      Value rest = arith::SubFOp::create(b, loc, value, known);
      results[0].push_back(big);
      results[1].push_back(roundToTf32(b, loc, rest));
    }
    b.replaceOpWithMultiple(op, std::move(results));
    return success();
  }
};

struct LowerMap : OpConversionPattern<MapOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(MapOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    FragmentType type = op.getResult().getType();
    SmallVector<Value> registers;
    for (int64_t i = 0; i < type.getRegisters(); ++i) {
      SmallVector<Value> elements;
      for (auto [input, values] :
           llvm::zip(op.getInputs(), adaptor.getInputs())) {
        auto from = cast<FragmentType>(input.getType());
        int64_t place = i;
        if (from.getRole() == Role::Rows && type.getRole() != Role::Rows) {
          int64_t atom = i / type.getValues();
          place = atom / type.getAtomColumns() * from.getValues() +
                  type.rowOf(i % type.getValues());
        }
        elements.push_back(values[place]);
      }
      registers.push_back(inlineRegion(b, op.getBody(), elements).front());
    }
    b.replaceOpWithMultiple(op, {registers});
    return success();
  }
};

struct LowerReduce : OpConversionPattern<ReduceOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ReduceOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    FragmentType from = op.getInput().getType();
    FragmentType to = op.getResult().getType();
    auto combine = [&](Value x, Value y) {
      return inlineRegion(b, op.getBody(), {x, y}).front();
    };
    SmallVector<Value> rows(to.getRegisters());
    for (int64_t i = 0; i < from.getAtomRows(); ++i)
      for (int64_t j = 0; j < from.getAtomColumns(); ++j)
        for (int64_t v = 0; v < from.getValues(); ++v) {
          int64_t atom = i * from.getAtomColumns() + j;
          Value &row = rows[i * to.getValues() + from.rowOf(v)];
          Value value = adaptor.getInput()[atom * from.getValues() + v];
          row = row ? combine(row, value) : value;
        }
    Value all = constantI32(b, loc, -1), clamp = constantI32(b, loc, 31);
    for (int64_t bit = 1; bit < 32; bit *= 2) {
      if (from.positionOf(bit, 0).first != from.positionOf(0, 0).first)
        continue;
      for (Value &row : rows) {
        Value other = NVVM::ShflOp::create(b, loc, row.getType(), all, row,
                                           constantI32(b, loc, bit), clamp,
                                           NVVM::ShflKind::bfly, UnitAttr());
        row = combine(row, other);
      }
    }
    b.replaceOpWithMultiple(op, {rows});
    return success();
  }
};

struct LowerAny : OpConversionPattern<AnyOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(AnyOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    Value some;
    for (Value value : adaptor.getFragment()) {
      Value one = inlineRegion(b, op.getBody(), value).front();
      some = some ? arith::OrIOp::create(b, loc, some, one) : one;
    }
    b.replaceOpWithNewOp<NVVM::VoteSyncOp>(
        op, b.getI1Type(), constantI32(b, loc, -1), some,
        NVVM::VoteSyncKindAttr::get(b.getContext(), NVVM::VoteSyncKind::any));
    return success();
  }
};

struct LowerForEach : OpConversionPattern<ForEachOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ForEachOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    FragmentType type = op.getFragment().getType();
    Value lane = laneNumber(b, loc);
    auto start = [&](Value first, function_ref<int64_t(int64_t)> f) {
      Value part = *emitBits(b, loc, lane, 5, f, /*exclusive=*/false);
      part = arith::ExtUIOp::create(b, loc, b.getI64Type(), part);
      return arith::AddIOp::create(b, loc, first, part).getResult();
    };
    Value row = start(adaptor.getRow().front(),
                      [&](int64_t l) { return type.positionOf(l, 0).first; });
    Value column = start(adaptor.getColumn().front(), [&](int64_t l) {
      return type.positionOf(l, 0).second;
    });
    auto plus = [&](Value value, int64_t by) -> Value {
      if (by == 0)
        return value;
      return arith::AddIOp::create(b, loc, value, constantI64(b, loc, by));
    };
    auto [atomRows, atomColumns] = type.getAtom().shapeOf(Role::C);
    int64_t vector = op.getVector();
    for (int64_t v = 0; v < type.getRegisters(); v += vector) {
      int64_t atom = v / type.getValues();
      auto at = type.positionOf(0, v % type.getValues());
      Value value = adaptor.getFragment()[v];
      if (vector > 1) {
        Value run = LLVM::PoisonOp::create(
            b, loc, VectorType::get({vector}, value.getType()));
        for (int64_t i = 0; i < vector; ++i)
          run = LLVM::InsertElementOp::create(b, loc, run,
                                              adaptor.getFragment()[v + i],
                                              constantI32(b, loc, i));
        value = run;
      }
      inlineRegion(
          b, op.getBody(),
          {plus(row, at.first + atom / type.getAtomColumns() * atomRows),
           plus(column, at.second + atom % type.getAtomColumns() * atomColumns),
           value});
    }
    b.eraseOp(op);
    return success();
  }
};

} // namespace

void populateFragmentPatterns(const TypeConverter &types,
                              RewritePatternSet &patterns) {
  patterns.add<LowerAny, LowerConvert, LowerForEach, LowerMap, LowerMma,
               LowerReduce, LowerSplit, LowerZero>(types,
                                                   patterns.getContext());
}

} // namespace mlir::tenon::tile
