//===- TileDialect.cpp - The tile dialect and its types -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Types as text:
//
//   !tile.shared<64x32xf16, "(64:32)(32:1)swizzle<3,3,3>", 3>
//   !tile.fragment<64x32xf32, c, "SM80_16x8x16_F32F16F16F32_TN">
//
// Tests: test/dialects/Tile/ops.mlir, invalid-types.mlir.
//
//===----------------------------------------------------------------------===//

#include "dialects/Tile/TileOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::tenon;
using namespace mlir::tenon::tile;

#include "dialects/Tile/TileDialect.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/Tile/TileTypes.cpp.inc"

void TileDialect::initialize() {
  registerTypes();
  registerMemoryOps();
  registerFragmentOps();
}

void TileDialect::registerTypes() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/Tile/TileTypes.cpp.inc"
      >();
}

int64_t mlir::tenon::tile::smOf(Operation *op) {
  for (; op; op = op->getParentOp())
    if (auto sm = op->getAttrOfType<IntegerAttr>(kSmAttr))
      return sm.getInt();
  return 80;
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

/// `64x32xf16`
static ParseResult parseShape(AsmParser &parser, int64_t &rows,
                              int64_t &columns, Type &element) {
  SmallVector<int64_t> dims;
  SMLoc at = parser.getCurrentLocation();
  if (parser.parseDimensionList(dims, /*allowDynamic=*/false) ||
      parser.parseType(element))
    return failure();
  if (dims.size() != 2)
    return parser.emitError(at)
           << "expected a tile of 2 dimensions, got " << dims.size();
  rows = dims[0];
  columns = dims[1];
  return success();
}

Type SharedType::parse(AsmParser &parser) {
  int64_t rows, columns, stages;
  Type element;
  std::string layout;
  SMLoc at = parser.getCurrentLocation();
  if (parser.parseLess() || parseShape(parser, rows, columns, element) ||
      parser.parseComma() || parser.parseString(&layout) ||
      parser.parseComma() || parser.parseInteger(stages) ||
      parser.parseGreater())
    return {};
  return parser.getChecked<SharedType>(at, parser.getContext(), rows, columns,
                                       element, layout, stages);
}

void SharedType::print(AsmPrinter &printer) const {
  printer << '<' << getRows() << 'x' << getColumns() << 'x' << getElementType()
          << ", \"" << getLayoutText() << "\", " << getStages() << '>';
}

Type FragmentType::parse(AsmParser &parser) {
  int64_t rows, columns;
  Type element;
  std::string atom;
  StringRef keyword;
  SMLoc at = parser.getCurrentLocation();
  if (parser.parseLess() || parseShape(parser, rows, columns, element) ||
      parser.parseComma())
    return {};
  SMLoc roleAt = parser.getCurrentLocation();
  if (parser.parseKeyword(&keyword))
    return {};
  auto role = roleOf(keyword);
  if (!role) {
    parser.emitError(roleAt) << "expected a, b, c or rows, got " << keyword;
    return {};
  }
  if (parser.parseComma() || parser.parseString(&atom) || parser.parseGreater())
    return {};
  return parser.getChecked<FragmentType>(at, parser.getContext(), rows, columns,
                                         element, *role, atom);
}

void FragmentType::print(AsmPrinter &printer) const {
  printer << '<' << getRows() << 'x' << getColumns() << 'x' << getElementType()
          << ", " << nameOf(getRole()) << ", \"" << getAtomName() << "\">";
}

//===----------------------------------------------------------------------===//
// Shared tiles
//===----------------------------------------------------------------------===//

LogicalResult SharedType::verify(function_ref<InFlightDiagnostic()> emitError,
                                 int64_t rows, int64_t columns, Type element,
                                 StringRef layoutText, int64_t stages) {
  if (!element.isIntOrFloat() || element.getIntOrFloatBitWidth() % 8 != 0)
    return emitError() << "expected an element type of whole bytes, got "
                       << element;
  if (rows < 1 || columns < 1)
    return emitError() << "expected rows and columns above 0, got " << rows
                       << "x" << columns;
  if (stages < 1)
    return emitError() << "expected at least 1 stage, got " << stages;
  auto layout = Layout::parse(layoutText);
  if (!layout || layout->str() != layoutText)
    return emitError() << "expected a layout such as \"(64:32)(32:1)\", got \""
                       << layoutText << "\"";
  if (layout->rank() != 2 || layout->size(0) != rows ||
      layout->size(1) != columns)
    return emitError() << "expected a layout of (" << rows << ")(" << columns
                       << "), got \"" << layoutText << "\"";
  return success();
}

Layout SharedType::getLayout() const { return *Layout::parse(getLayoutText()); }

int64_t SharedType::getElementBytes() const {
  return getElementType().getIntOrFloatBitWidth() / 8;
}

int64_t SharedType::getStageBytes() const {
  // Stages begin at 128 bytes: at the first bank, where each swizzle starts.
  return llvm::alignTo(getLayout().cosize() * getElementBytes(), 128);
}

//===----------------------------------------------------------------------===//
// Fragments
//===----------------------------------------------------------------------===//

LogicalResult FragmentType::verify(function_ref<InFlightDiagnostic()> emitError,
                                   int64_t rows, int64_t columns, Type element,
                                   Role role, StringRef atomName) {
  const MmaAtom *atom = findMmaAtom(atomName);
  if (!atom)
    return emitError() << "unknown atom \"" << atomName << "\"";
  if (!element.isIntOrFloat())
    return emitError() << "expected a number as element, got " << element;
  auto [r, c] = atom->shapeOf(role);
  if (role == Role::Rows)
    c = 1;
  if (rows < 1 || columns < 1 || rows % r || columns % c ||
      (role == Role::Rows && columns != 1))
    return emitError() << "expected a multiple of " << r << "x" << c << " as "
                       << nameOf(role) << " of " << atomName << ", got " << rows
                       << "x" << columns;
  if (role == Role::A || role == Role::B) {
    std::string text;
    llvm::raw_string_ostream(text) << element;
    StringRef type = atom->typeOf(role);
    if (text != type && !(type == "tf32" && element.isF32()))
      return emitError() << "expected elements of type " << type << " as "
                         << nameOf(role) << " of " << atomName << ", got "
                         << element;
  }
  return success();
}

const MmaAtom &FragmentType::getAtom() const {
  return *findMmaAtom(getAtomName());
}

int64_t FragmentType::getAtomRows() const {
  return getRows() / getAtom().shapeOf(getRole()).first;
}

int64_t FragmentType::getAtomColumns() const {
  if (getRole() == Role::Rows)
    return 1;
  return getColumns() / getAtom().shapeOf(getRole()).second;
}

/// The rows of `c` of which a thread holds elements, in the order of values.
static SmallVector<int64_t> rowsOfThread(const MmaAtom &atom) {
  SmallVector<int64_t> rows;
  for (int64_t v = 0; v < atom.c.size(1); ++v) {
    int64_t row = atom.c({0, v}) % atom.m;
    if (!llvm::is_contained(rows, row))
      rows.push_back(row);
  }
  return rows;
}

int64_t FragmentType::getValues() const {
  if (getRole() == Role::Rows)
    return rowsOfThread(getAtom()).size();
  return getAtom().valuesOf(getRole());
}

int64_t FragmentType::rowOf(int64_t v) const {
  const MmaAtom &atom = getAtom();
  auto rows = rowsOfThread(atom);
  return llvm::find(rows, atom.c({0, v}) % atom.m) - rows.begin();
}

int64_t FragmentType::getPacking() const {
  return getRole() == Role::Rows ? 1 : getAtom().packingOf(getRole());
}

int64_t FragmentType::getRegisters() const {
  return getAtomRows() * getAtomColumns() * getValues() / getPacking();
}

Type FragmentType::getRegisterType() const {
  MLIRContext *context = getContext();
  switch (getPacking()) {
  case 2:
    return VectorType::get({2}, getElementType());
  case 4:
    return IntegerType::get(context, 32);
  default:
    // A rounded number is what the instruction takes: 32 bits.
    if (isa<FloatTF32Type>(getElementType()))
      return IntegerType::get(context, 32);
    return getElementType();
  }
}

std::pair<int64_t, int64_t> FragmentType::positionOf(int64_t lane,
                                                     int64_t v) const {
  const MmaAtom &atom = getAtom();
  if (getRole() == Role::Rows)
    return {atom.c({lane, 0}) % atom.m + rowsOfThread(atom)[v], 0};
  int64_t rows = atom.shapeOf(getRole()).first;
  int64_t at = atom.layoutOf(getRole())({lane, v});
  return {at % rows, at / rows};
}

FragmentType FragmentType::withElement(Type element) const {
  return get(getContext(), getRows(), getColumns(), element, getRole(),
             getAtomName());
}

FragmentType FragmentType::withRole(Role role) const {
  return get(getContext(), getRows(), role == Role::Rows ? 1 : getColumns(),
             getElementType(), role, getAtomName());
}
