//===- EngineDialect.cpp - The engine dialect -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Registers types, attributes and ops, and writes attributes as text:
//
//   f32[batch, 3, "2*H"]                          what a buffer holds
//   @k0 if("16 - M") tasks(M) grain(1) scratch(0) else @k1 tasks(M) ...
//
// Tests: test/dialects/Engine/.
//
//===----------------------------------------------------------------------===//

#include "dialects/Engine/EngineOps.h"
#include "dialects/Graph/GraphOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::tenon;
using namespace mlir::tenon::engine;

#include "dialects/Engine/EngineDialect.cpp.inc"
#include "dialects/Engine/EngineEnums.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/Engine/EngineTypes.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Engine/EngineAttrs.cpp.inc"

void EngineDialect::initialize() {
  registerAttributes();
  registerInterfaceOps();
  registerValueOps();
  registerInstructionOps();
}

void EngineDialect::registerAttributes() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/Engine/EngineTypes.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Engine/EngineAttrs.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

static TensorAttr parseTensorBody(AsmParser &parser) {
  Type elementType;
  SmallVector<graph::DimExprAttr> dims;
  if (parser.parseType(elementType) || graph::parseDimList(parser, dims))
    return {};
  return TensorAttr::get(parser.getContext(), elementType, dims);
}

static void printTensorBody(AsmPrinter &printer, TensorAttr tensor) {
  printer << tensor.getElementType();
  graph::printDimList(printer, tensor.getDims());
}

Attribute TensorAttr::parse(AsmParser &parser, Type) {
  if (parser.parseLess())
    return {};
  TensorAttr tensor = parseTensorBody(parser);
  if (!tensor || parser.parseGreater())
    return {};
  return tensor;
}

void TensorAttr::print(AsmPrinter &printer) const {
  printer << '<';
  printTensorBody(printer, *this);
  printer << '>';
}

//===----------------------------------------------------------------------===//
// Choices
//===----------------------------------------------------------------------===//

static ChoiceAttr parseChoiceBody(AsmParser &parser) {
  StringAttr kernel;
  graph::DimExprAttr guard, tasks, grain, scratch;
  auto parseIn = [&](graph::DimExprAttr &dim) {
    return parser.parseLParen() || graph::parseDim(parser, dim) ||
           parser.parseRParen();
  };
  if (parser.parseSymbolName(kernel) ||
      (succeeded(parser.parseOptionalKeyword("if")) && parseIn(guard)) ||
      parser.parseKeyword("tasks") || parseIn(tasks) ||
      parser.parseKeyword("grain") || parseIn(grain) ||
      parser.parseKeyword("scratch") || parseIn(scratch))
    return {};
  SmallVector<graph::DimExprAttr> grid;
  if (succeeded(parser.parseOptionalKeyword("grid"))) {
    grid.resize(3);
    if (parser.parseLParen() || graph::parseDim(parser, grid[0]) ||
        parser.parseComma() || graph::parseDim(parser, grid[1]) ||
        parser.parseComma() || graph::parseDim(parser, grid[2]) ||
        parser.parseRParen())
      return {};
  }
  return ChoiceAttr::get(parser.getContext(), FlatSymbolRefAttr::get(kernel),
                         guard, tasks, grain, scratch, grid);
}

static void printChoiceBody(AsmPrinter &printer, ChoiceAttr choice) {
  auto printIn = [&](const char *keyword, graph::DimExprAttr dim) {
    printer << ' ' << keyword << '(';
    graph::printDim(printer, dim);
    printer << ')';
  };
  printer << choice.getKernel();
  if (choice.getGuard())
    printIn("if", choice.getGuard());
  printIn("tasks", choice.getTasks());
  printIn("grain", choice.getGrain());
  printIn("scratch", choice.getScratch());
  if (choice.getGrid().empty())
    return;
  printer << " grid(";
  llvm::interleaveComma(choice.getGrid(), printer, [&](graph::DimExprAttr dim) {
    graph::printDim(printer, dim);
  });
  printer << ')';
}

Attribute ChoiceAttr::parse(AsmParser &parser, Type) {
  if (parser.parseLess())
    return {};
  ChoiceAttr choice = parseChoiceBody(parser);
  if (!choice || parser.parseGreater())
    return {};
  return choice;
}

void ChoiceAttr::print(AsmPrinter &printer) const {
  printer << '<';
  printChoiceBody(printer, *this);
  printer << '>';
}

//===----------------------------------------------------------------------===//
// In ops
//===----------------------------------------------------------------------===//

namespace mlir::tenon::engine {

ParseResult parseDim(OpAsmParser &parser, graph::DimExprAttr &dim) {
  return graph::parseDim(parser, dim);
}
void printDim(OpAsmPrinter &printer, Operation *, graph::DimExprAttr dim) {
  graph::printDim(printer, dim);
}

ParseResult parseDims(OpAsmParser &parser, ArrayAttr &dims) {
  SmallVector<graph::DimExprAttr> list;
  if (graph::parseDimList(parser, list))
    return failure();
  SmallVector<Attribute> attrs(list.begin(), list.end());
  dims = parser.getBuilder().getArrayAttr(attrs);
  return success();
}
void printDims(OpAsmPrinter &printer, Operation *, ArrayAttr dims) {
  graph::printDimList(printer, llvm::map_to_vector(dims, [](Attribute dim) {
                        return cast<graph::DimExprAttr>(dim);
                      }));
}

ParseResult parseTensor(OpAsmParser &parser, TensorAttr &tensor) {
  tensor = parseTensorBody(parser);
  return success(bool(tensor));
}
void printTensor(OpAsmPrinter &printer, Operation *, TensorAttr tensor) {
  printTensorBody(printer, tensor);
}

ParseResult parseChoices(OpAsmParser &parser, ArrayAttr &choices) {
  SmallVector<Attribute> list;
  do {
    list.push_back(parseChoiceBody(parser));
    if (!list.back())
      return failure();
  } while (succeeded(parser.parseOptionalKeyword("else")));
  choices = parser.getBuilder().getArrayAttr(list);
  return success();
}
void printChoices(OpAsmPrinter &printer, Operation *, ArrayAttr choices) {
  llvm::interleave(
      choices,
      [&](Attribute choice) {
        printChoiceBody(printer, cast<ChoiceAttr>(choice));
      },
      [&] { printer << " else "; });
}

} // namespace mlir::tenon::engine
