//===- GraphAttrs.cpp - Attributes of the graph dialect -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// How expressions, shapes and vectors of sizes are written and checked:
//
//   #graph.expr<"2*H + 1">                       a formula, as a string
//   #graph.shape<[N, 3, "2*H"]>                  numbers and names stand bare
//   #graph.shape<[], #graph.layout<8, [1, 1]>>   a layout alone
//   #graph.dim_vector<[N, 3], tensor<2xi64>>
//
// Tests: test/dialects/Graph/attributes.mlir.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/GraphOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::tenon::graph;

#include "dialects/Graph/GraphEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Graph/GraphAttrs.cpp.inc"

void GraphDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Graph/GraphAttrs.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Expressions in text
//===----------------------------------------------------------------------===//

static FailureOr<DimExprAttr> parseFormula(AsmParser &parser) {
  SMLoc loc = parser.getCurrentLocation();
  std::string text;
  if (parser.parseString(&text))
    return failure();
  auto expr = DimExpr::parse(parser.getContext(), text);
  if (!expr)
    return parser.emitError(loc)
           << "expected a formula like \"2*H + 1\", got \"" << text << "\"";
  return expr->getAttr();
}

ParseResult mlir::tenon::graph::parseDim(AsmParser &parser, DimExprAttr &dim) {
  MLIRContext *context = parser.getContext();
  int64_t value;
  OptionalParseResult number = parser.parseOptionalInteger(value);
  if (number.has_value()) {
    dim = DimExpr::constant(context, value);
    return *number;
  }
  StringRef name;
  if (succeeded(parser.parseOptionalKeyword(&name))) {
    dim = DimExpr::symbol(context, name);
    return success();
  }
  auto expr = parseFormula(parser);
  if (failed(expr))
    return failure();
  dim = *expr;
  return success();
}

void mlir::tenon::graph::printDim(AsmPrinter &printer, DimExprAttr dim) {
  DimExpr expr(dim);
  std::string text = expr.str();
  // A symbol whose name needs no quotes prints as the name alone.
  if (expr.isConstant() || (expr.isSymbol() && text.front() != '\''))
    printer << text;
  else
    printer.printString(text);
}

ParseResult
mlir::tenon::graph::parseDimList(AsmParser &parser,
                                 SmallVectorImpl<DimExprAttr> &dims) {
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&] {
    return parseDim(parser, dims.emplace_back());
  });
}

void mlir::tenon::graph::printDimList(AsmPrinter &printer,
                                      ArrayRef<DimExprAttr> dims) {
  printer << '[';
  llvm::interleaveComma(dims, printer.getStream(),
                        [&](DimExprAttr dim) { printDim(printer, dim); });
  printer << ']';
}

Attribute DimExprAttr::parse(AsmParser &parser, Type) {
  if (parser.parseLess())
    return {};
  auto expr = parseFormula(parser);
  if (failed(expr) || parser.parseGreater())
    return {};
  return *expr;
}

void DimExprAttr::print(AsmPrinter &printer) const {
  printer << '<';
  printer.printString(DimExpr(*this).str());
  printer << '>';
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

Attribute ShapeAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  SmallVector<DimExprAttr> dims;
  LayoutAttr layout;
  if (parser.parseLess() || parseDimList(parser, dims))
    return {};
  if (succeeded(parser.parseOptionalComma()) && parser.parseAttribute(layout))
    return {};
  if (parser.parseGreater())
    return {};
  return parser.getChecked<ShapeAttr>(loc, parser.getContext(), dims, layout);
}

void ShapeAttr::print(AsmPrinter &printer) const {
  printer << '<';
  printDimList(printer, getDims());
  if (getLayout())
    printer << ", " << getLayout();
  printer << '>';
}

LogicalResult ShapeAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                ArrayRef<DimExprAttr> dims, LayoutAttr layout) {
  if (dims.empty() && !layout)
    return emitError() << "expected sizes or a layout, got neither: leave the "
                          "encoding away";
  if (!dims.empty() &&
      llvm::all_of(dims, [](DimExprAttr d) { return DimExpr(d).isConstant(); }))
    return emitError() << "expected a size that is not constant: sizes of a "
                          "static tensor stand in its type alone";
  return success();
}

LogicalResult
ShapeAttr::verifyEncoding(ArrayRef<int64_t> sizes, Type,
                          function_ref<InFlightDiagnostic()> emitError) const {
  if (getLayout() && getLayout().getChannelBlock() > 0 && sizes.size() < 2)
    return emitError() << "expected rank >= 2 for a channel-blocked layout, "
                          "got rank "
                       << sizes.size();
  if (getDims().empty()) {
    if (llvm::any_of(sizes, ShapedType::isDynamic))
      return emitError() << "expected sizes in #graph.shape for a tensor with "
                            "dynamic dimensions, got none";
    return success();
  }
  if (getDims().size() != sizes.size())
    return emitError() << "expected " << sizes.size()
                       << " sizes in #graph.shape (the tensor's rank), got "
                       << getDims().size();
  for (auto [axis, size] : llvm::enumerate(sizes)) {
    DimExpr expr(getDims()[axis]);
    int64_t stated = expr.asConstant().value_or(ShapedType::kDynamic);
    if (stated != size)
      return emitError() << "expected dimension " << axis
                         << " to be the same in the type and in #graph.shape, "
                            "got "
                         << (ShapedType::isDynamic(size) ? std::string("?")
                                                         : std::to_string(size))
                         << " and " << expr.str();
  }
  return success();
}

LogicalResult LayoutAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 int64_t channelBlock, ArrayRef<int64_t> halo) {
  if (channelBlock < 0)
    return emitError() << "expected a channel block >= 0, got " << channelBlock;
  if (halo.size() % 2 != 0)
    return emitError() << "expected low and high sides of the halo, got "
                       << halo.size() << " numbers";
  if (llvm::any_of(halo, [](int64_t side) { return side < 0; }))
    return emitError() << "expected sides of the halo to be >= 0";
  return success();
}

//===----------------------------------------------------------------------===//
// Vectors of sizes
//===----------------------------------------------------------------------===//

Attribute DimVectorAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  SmallVector<DimExprAttr> dims;
  Type type;
  if (parser.parseLess() || parseDimList(parser, dims) || parser.parseComma() ||
      parser.parseType(type) || parser.parseGreater())
    return {};
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor) {
    parser.emitError(loc) << "expected a ranked tensor type, got " << type;
    return {};
  }
  return parser.getChecked<DimVectorAttr>(loc, parser.getContext(), dims,
                                          tensor);
}

void DimVectorAttr::print(AsmPrinter &printer) const {
  printer << '<';
  printDimList(printer, getDims());
  printer << ", " << getType() << '>';
}

LogicalResult
DimVectorAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                      ArrayRef<DimExprAttr> dims, RankedTensorType type) {
  if (!type.hasStaticShape() || !type.getElementType().isIntOrIndex())
    return emitError() << "expected an integer tensor of static shape, got "
                       << type;
  if (int64_t(dims.size()) != type.getNumElements())
    return emitError() << "expected " << type.getNumElements() << " sizes, got "
                       << dims.size();
  return success();
}
