//===- Resize.cpp - Resize, Upsample --------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
//   y = Resize(x[1, 8, H, W], scales=[1, 1, 2, 2])
//     ⇒ graph.resize %x {sizes = [1, 8, 2*H, 2*W], scales = [1., 1., 2., 2.]}
//
// A size is floor(size * scale), exact for scales that are fractions with a
// small denominator, which all scales of real models are. Sizes that the model
// computes in float from other sizes come as fractions (ShapeArithmetic.cpp).
//
// Opset boundaries: Upsample is Resize with asymmetric coordinates: scales are
// an attribute before 9, an operand in it; Resize 10 is asymmetric too, 11
// brings the modes and `sizes`, 18 `axes`, 19 half_pixel_symmetric. Tests:
// test/compiler/Import/resize.onnxtxt.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Importer.h"
#include "compiler/Import/Operators.h"
#include "compiler/Import/Ratios.h"

using namespace mlir::tenon::graph;

namespace mlir::tenon {

namespace {

/// What a resize of any opset comes down to; full rank.
struct ResizeSpec {
  SmallVector<DimExpr> sizes;
  SmallVector<double> scales;
  ResizeMode mode = ResizeMode::nearest;
  CoordinateMode coordinates = CoordinateMode::asymmetric;
  NearestMode nearest = NearestMode::floor;
  double cubicCoefficient = -0.75;
};

} // namespace

/// Integers between which something is interpolated are floats meanwhile, and
/// lose what is behind the point, as onnxruntime has it.
static LogicalResult build(Node &node, const ResizeSpec &spec) {
  MLIRContext *context = node.getContext();
  Value x = node.input(0);
  Type element = getElementTypeOrSelf(x.getType());
  bool throughFloats =
      spec.mode != ResizeMode::nearest && !isa<FloatType>(element);
  if (throughFloats)
    x = node.cast(x, node.builder.getF32Type());
  Value result = node.create<ResizeOp>(
      x, {node.named("sizes", spec.sizes),
          node.named("scales", node.builder.getDenseF64ArrayAttr(spec.scales)),
          node.named("mode", ResizeModeAttr::get(context, spec.mode)),
          node.named("coordinates",
                     CoordinateModeAttr::get(context, spec.coordinates)),
          node.named("nearest", NearestModeAttr::get(context, spec.nearest)),
          node.named("cubic_coeff",
                     node.builder.getF64FloatAttr(spec.cubicCoefficient))});
  return node.finish(throughFloats ? node.cast(result, element) : result);
}

static LogicalResult readMode(Node &node, ResizeSpec &spec) {
  StringRef mode = node.stringAttr("mode", "nearest");
  if (mode == "bilinear")
    mode = "linear";
  auto known = symbolizeResizeMode(mode);
  if (!known)
    return node.fail("unknown mode '" + mode + "'");
  spec.mode = *known;
  return success();
}

/// Sizes from constant scales, one for each of `axes`.
static LogicalResult applyScales(Node &node, ArrayRef<double> scales,
                                 ArrayRef<int64_t> axes, ResizeSpec &spec) {
  if (scales.size() != axes.size())
    return node.fail("expected " + Twine(axes.size()) + " scales, got " +
                     Twine(scales.size()));
  constexpr double kMaxScale = 1 << 20;
  for (auto [scale, axis] : llvm::zip(scales, axes)) {
    if (!(scale > 0) || scale > kMaxScale)
      return node.error() << "expected scales in (0, 2^20], got " << scale;
    DimExpr &size = spec.sizes[size_t(axis)];
    spec.scales[size_t(axis)] = scale;
    if (auto number = size.asConstant()) {
      size = node.dim(int64_t(std::floor(double(*number) * scale)));
      continue;
    }
    auto fraction = toFraction(scale);
    if (!fraction)
      return node.error()
             << "the scale " << scale << " of dimension " << axis
             << " is no fraction with a small denominator, so that the output "
                "size is not known for every "
             << size.str() << ": fix it with --shapes";
    size = (size * fraction->first).floorDiv(fraction->second);
  }
  return success();
}

static SmallVector<int64_t> allAxes(size_t rank) {
  SmallVector<int64_t> axes;
  for (size_t i = 0; i < rank; ++i)
    axes.push_back(int64_t(i));
  return axes;
}

static ResizeSpec identitySpec(Node &node) {
  ResizeSpec spec;
  spec.sizes = node.dimsOf(node.input(0));
  spec.scales.assign(spec.sizes.size(), 1.0);
  return spec;
}

/// Scales from an operand: constants, or fractions of sizes.
static LogicalResult applyScaleOperand(Node &node, unsigned operand,
                                       ArrayRef<int64_t> axes,
                                       ResizeSpec &spec) {
  Value value = node.input(operand);
  if (auto scales = node.constantFloats(value))
    return applyScales(node, *scales, axes, spec);
  auto fractions = ratiosOf(node, value);
  if (!fractions)
    return node.fail("the scales '" + node.inputName(operand) +
                     "' depend on data: expected a constant or arithmetic on "
                     "the sizes of the inputs");
  if (fractions->size() != axes.size())
    return node.fail("expected " + Twine(axes.size()) + " scales, got " +
                     Twine(fractions->size()));
  for (auto [fraction, axis] : llvm::zip(*fractions, axes)) {
    DimExpr &size = spec.sizes[size_t(axis)];
    DimExpr product = size * fraction.numerator, divisor = fraction.denominator;
    Sizes::cancel(product, divisor);
    auto top = fraction.numerator.asConstant();
    auto bottom = fraction.denominator.asConstant();
    spec.scales[size_t(axis)] =
        top && bottom ? double(*top) / double(*bottom) : 0;
    size = product.floorDiv(divisor);
  }
  return success();
}

/// Upsample 7 and 8.
static LogicalResult upsampleAttribute(Node &node) {
  ResizeSpec spec = identitySpec(node);
  auto scales = node.floatsAttr("scales");
  if (!scales)
    return node.fail("expected the attribute 'scales'");
  if (failed(readMode(node, spec)) ||
      failed(applyScales(node, *scales, allAxes(spec.sizes.size()), spec)))
    return failure();
  return build(node, spec);
}

/// Upsample 9, Resize 10.
static LogicalResult resizeScales(Node &node) {
  ResizeSpec spec = identitySpec(node);
  if (failed(readMode(node, spec)) ||
      failed(applyScaleOperand(node, 1, allAxes(spec.sizes.size()), spec)))
    return failure();
  return build(node, spec);
}

static LogicalResult readModes(Node &node, ResizeSpec &spec) {
  StringRef coordinates =
      node.stringAttr("coordinate_transformation_mode", "half_pixel");
  StringRef nearest = node.stringAttr("nearest_mode", "round_prefer_floor");
  auto knownCoordinates = symbolizeCoordinateMode(coordinates);
  auto knownNearest = symbolizeNearestMode(nearest);
  if (coordinates == "tf_crop_and_resize")
    return node.unsupported(
        "coordinate_transformation_mode tf_crop_and_resize is not in this "
        "version");
  if (!knownCoordinates)
    return node.fail("unknown coordinate_transformation_mode '" + coordinates +
                     "'");
  if (!knownNearest)
    return node.fail("unknown nearest_mode '" + nearest + "'");
  spec.coordinates = *knownCoordinates;
  spec.nearest = *knownNearest;
  spec.cubicCoefficient = node.floatAttr("cubic_coeff_a", -0.75);
  if (failed(readMode(node, spec)))
    return failure();
  if (spec.mode == ResizeMode::cubic && node.intAttr("exclude_outside", 0))
    return node.unsupported("exclude_outside is not in this version");
  if (node.intAttr("antialias", 0))
    return node.unsupported("antialias is not in this version");
  if (node.stringAttr("keep_aspect_ratio_policy", "stretch") != "stretch")
    return node.unsupported("keep_aspect_ratio_policy is not in this version");
  return success();
}

/// An operand that is left out may also be an empty tensor.
static Value operandOrNull(Node &node, unsigned i) {
  Value value = node.input(i);
  if (value && Node::rankOf(value) == 1 && node.dimsOf(value)[0].isConstant(0))
    return {};
  return value;
}

/// Resize 11 on: input, region, scales, sizes.
static LogicalResult resize(Node &node) {
  ResizeSpec spec = identitySpec(node);
  if (failed(readModes(node, spec)))
    return failure();
  SmallVector<int64_t> axes = allAxes(spec.sizes.size());
  if (auto given = node.intsAttr("axes")) {
    axes = *given;
    for (int64_t &axis : axes) {
      auto normal = node.normalizeAxis(axis, int64_t(spec.sizes.size()));
      if (failed(normal))
        return failure();
      axis = *normal;
    }
  }
  bool hasScales = bool(operandOrNull(node, 2));
  bool hasSizes = bool(operandOrNull(node, 3));
  if (hasScales == hasSizes)
    return node.fail("expected either scales or sizes");
  if (hasScales) {
    if (failed(applyScaleOperand(node, 2, axes, spec)))
      return failure();
    return build(node, spec);
  }
  auto sizes = node.shapeOperand(3, "the sizes");
  if (failed(sizes))
    return failure();
  if (sizes->size() != axes.size())
    return node.fail("expected " + Twine(axes.size()) + " sizes, got " +
                     Twine(sizes->size()));
  for (auto [size, axis] : llvm::zip(*sizes, axes)) {
    if (size.upperBound() < 0)
      return node.fail("expected sizes of at least 0, got " + size.str());
    if (spec.sizes[size_t(axis)] != size)
      spec.scales[size_t(axis)] = 0;
    spec.sizes[size_t(axis)] = size;
  }
  return build(node, spec);
}

ArrayRef<OperatorRow> resizeOperators() {
  constexpr auto Number = Elements::Number;
  static const OperatorRow rows[] = {
      {"Resize", 10, 10, 2, 2, Number, resizeScales},
      {"Resize", 11, kMaxOpset, 1, 4, Number, resize},
      {"Upsample", 7, 8, 1, 1, Number, upsampleAttribute},
      {"Upsample", 9, 9, 2, 2, Number, resizeScales},
  };
  return rows;
}

} // namespace mlir::tenon
