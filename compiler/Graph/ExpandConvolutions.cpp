//===- ExpandConvolutions.cpp - Convolutions with one tap as matmuls ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// For targets whose products of matrices are faster than their convolutions. A
// filter of one tap is a matrix, and a pixel a column:
//
//   y[n, m, h, w] = sum(c) filter[m, c] * x[n, c, h, w] + bias[m]
//
//   graph.conv %x, %f, %b       ==>  %p = graph.matmul %f', %x'   [N, M, H W]
//                                    %q = graph.add %p, %b'
//                                    graph.reshape %q             [N, M, H, W]
//
// where x' = [N, C, H W], f' = [M, C], b' = [M, 1]. Strides are a slice before.
// If the result has one pixel, x' = [N, C] are the rows of a product with f'
// transposed. The reshape behind moves below the pointwise ops that follow, as
// long as each is the only user of the one before, so that they are fused into
// the product.
//
// Tests: test/compiler/Graph/expand-convolutions.mlir.
//
//===----------------------------------------------------------------------===//

#include "compiler/Graph/Match.h"
#include "compiler/Graph/Passes.h"
#include "compiler/Graph/Precision.h"
#include "dialects/Graph/Build.h"
#include "mlir/IR/IRMapping.h"

namespace mlir::tenon::graph {

#define GEN_PASS_DEF_EXPANDCONVOLUTIONSPASS
#include "compiler/Graph/Passes.h.inc"

namespace {

/// `value` with other sizes: of a constant, a constant.
Value resized(OpBuilder &b, Location loc, Value value,
              ArrayRef<DimExpr> sizes) {
  auto constant = value.getDefiningOp<ConstantOp>();
  if (!constant)
    return createReshape(b, loc, value, sizes);
  RankedTensorType type = tensorType(sizes, elementOf(value));
  ElementsAttr elements;
  if (auto dense = dyn_cast<DenseElementsAttr>(constant.getValue()))
    elements = dense.reshape(type);
  else if (auto blob = dyn_cast<DenseResourceElementsAttr>(constant.getValue()))
    elements = DenseResourceElementsAttr::get(type, blob.getRawHandle());
  else
    return createReshape(b, loc, value, sizes);
  return ConstantOp::create(b, constant.getLoc(), type, elements,
                            constant.getNameAttr());
}

class Expansion {
public:
  explicit Expansion(ConvOp op)
      : op(op), b(op), whole(dimsOf(op.getResult())),
        one(DimExpr::constant(op.getContext(), 1)) {
    pixels = productOf(op.getContext(), ArrayRef(whole).drop_front(2));
    flat = {whole[0], whole[1]};
    isRow = pixels.isConstant(1);
    if (!isRow)
      flat.push_back(pixels);
  }

  void run() {
    Value product = expand();
    Value last = op.getResult();
    Operation *below = onlyUser(last);
    std::optional<SmallVector<Value>> operands;
    SmallVector<Operation *> replaced = {op};
    while (below && (operands = flatOperands(below, last, product))) {
      b.setInsertionPoint(below);
      IRMapping mapping;
      for (auto [from, to] : llvm::zip(below->getOperands(), *operands))
        mapping.map(from, to);
      Operation *own = b.clone(*below, mapping);
      product = own->getResult(0);
      product.setType(tensorType(flat, elementOf(product)));
      last = below->getResult(0);
      replaced.push_back(below);
      below = onlyUser(last);
    }
    b.setInsertionPointAfterValue(product);
    last.replaceAllUsesWith(createReshape(b, op.getLoc(), product, whole));
    for (Operation *old : llvm::reverse(replaced))
      old->erase();
  }

private:
  Value expand() {
    Location loc = op.getLoc();
    Value input = strided();
    DimExpr channels = dimsOf(input)[1];
    Value filter = resized(b, loc, op.getFilter(), {whole[1], channels});
    Value product;
    if (isRow) {
      Value rows = createReshape(b, loc, input, {whole[0], channels});
      product = create<MatmulOp>(
          b, loc, {rows, filter},
          b.getNamedAttr("transpose_rhs", b.getBoolAttr(true)));
    } else {
      Value columns =
          createReshape(b, loc, input, {whole[0], channels, pixels});
      product = create<MatmulOp>(b, loc, {filter, columns});
    }
    if (Attribute precision = op->getAttr(kPrecisionAttr))
      product.getDefiningOp()->setAttr(kPrecisionAttr, precision);
    if (!op.getBias())
      return product;
    SmallVector<DimExpr> sizes = {whole[1]};
    if (!isRow)
      sizes.push_back(one);
    Value bias = resized(b, loc, op.getBias(), sizes);
    RankedTensorType type = tensorOf(product);
    if (elementOf(bias) == type.getElementType())
      return create<AddOp>(b, loc, {product, bias});
    // A bias of f32: the sum is rounded with it.
    Value wide = createCast(b, loc, product, elementOf(bias));
    return CastOp::create(b, loc, type, create<AddOp>(b, loc, {wide, bias}),
                          type.getElementType(), /*keep_digits=*/true);
  }

  /// The pixels that the tap meets.
  Value strided() {
    Value input = op.getInput();
    if (llvm::all_of(op.getStrides(), [](int64_t s) { return s == 1; }))
      return input;
    SmallVector<DimExpr> sizes = whole;
    sizes[1] = dimsOf(input)[1];
    SmallVector<DimExpr> offsets(sizes.size(),
                                 DimExpr::constant(op.getContext(), 0));
    SmallVector<int64_t> strides = {1, 1};
    llvm::append_range(strides, op.getStrides());
    return create<SliceOp>(
        b, op.getLoc(), {input},
        {b.getNamedAttr("offsets", dimArray(op.getContext(), offsets)),
         b.getNamedAttr("sizes", dimArray(op.getContext(), sizes)),
         b.getNamedAttr("strides", b.getDenseI64ArrayAttr(strides))});
  }

  static Operation *onlyUser(Value v) {
    return v.hasOneUse() ? *v.getUsers().begin() : nullptr;
  }

  /// The operands of a pointwise op with pixels in one dimension; none if one
  /// of them is there for some pixels only.
  std::optional<SmallVector<Value>> flatOperands(Operation *below, Value from,
                                                 Value to) {
    if (!below->hasTrait<Pointwise>() || dimsOf(below->getResult(0)) != whole)
      return std::nullopt;
    SmallVector<SmallVector<DimExpr>> sizes;
    for (Value operand : below->getOperands()) {
      SmallVector<DimExpr> dims = alignedDims(operand, whole.size());
      if (dims.empty())
        return std::nullopt;
      ArrayRef<DimExpr> spatial = ArrayRef(dims).drop_front(2);
      bool all = spatial == ArrayRef(whole).drop_front(2);
      if (!all &&
          llvm::any_of(spatial, [](DimExpr d) { return !d.isConstant(1); }))
        return std::nullopt;
      SmallVector<DimExpr> own = {dims[0], dims[1]};
      if (!isRow)
        own.push_back(all ? pixels : one);
      sizes.push_back(own);
    }
    SmallVector<Value> operands;
    b.setInsertionPoint(below);
    for (auto [operand, own] : llvm::zip(below->getOperands(), sizes))
      operands.push_back(operand == from ? to
                         : rankOf(operand) == 0
                             ? operand
                             : resized(b, below->getLoc(), operand, own));
    return operands;
  }

  ConvOp op;
  OpBuilder b;
  SmallVector<DimExpr> whole, flat; // sizes of the result
  DimExpr one, pixels;
  bool isRow; // one pixel
};

struct ExpandConvolutions
    : impl::ExpandConvolutionsPassBase<ExpandConvolutions> {
  void runOnOperation() override {
    SmallVector<ConvOp> ops;
    getOperation()->walk([&](ConvOp op) {
      if (isProduct(op))
        ops.push_back(op);
    });
    for (ConvOp op : ops)
      Expansion(op).run();
  }
};

} // namespace
} // namespace mlir::tenon::graph
