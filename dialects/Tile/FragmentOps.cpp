//===- FragmentOps.cpp - Tiles in registers -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Verifiers, and how positions stand in text. Tests: test/dialects/Tile/
// ops.mlir, invalid-fragment.mlir.
//
//===----------------------------------------------------------------------===//

#include "dialects/Tile/TileOps.h"

using namespace mlir;
using namespace mlir::tenon::tile;

#define GET_OP_CLASSES
#include "dialects/Tile/TileFragmentOps.cpp.inc"

void TileDialect::registerFragmentOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/Tile/TileFragmentOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Positions
//===----------------------------------------------------------------------===//

ParseResult mlir::tenon::tile::parsePosition(
    OpAsmParser &parser,
    SmallVectorImpl<OpAsmParser::UnresolvedOperand> &operands,
    SmallVectorImpl<Type> &types, DenseI64ArrayAttr &fixed) {
  SmallVector<int64_t> list;
  auto one = [&]() -> ParseResult {
    OpAsmParser::UnresolvedOperand operand;
    auto found = parser.parseOptionalOperand(operand);
    if (found.has_value()) {
      if (failed(*found))
        return failure();
      operands.push_back(operand);
      types.push_back(parser.getBuilder().getI64Type());
      list.push_back(ShapedType::kDynamic);
      return success();
    }
    return parser.parseInteger(list.emplace_back());
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, one))
    return failure();
  fixed = parser.getBuilder().getDenseI64ArrayAttr(list);
  return success();
}

void mlir::tenon::tile::printPosition(OpAsmPrinter &printer, Operation *,
                                      OperandRange operands, TypeRange,
                                      DenseI64ArrayAttr fixed) {
  printer << '[';
  auto next = operands.begin();
  llvm::interleaveComma(fixed.asArrayRef(), printer, [&](int64_t at) {
    if (ShapedType::isDynamic(at))
      printer << *next++;
    else
      printer << at;
  });
  printer << ']';
}

void LoadOp::build(OpBuilder &builder, OperationState &state, Type result,
                   Value tile, Value slot, ArrayRef<OpFoldResult> position,
                   bool transposed, StringRef atom) {
  SmallVector<int64_t> fixed;
  SmallVector<Value> dynamic;
  dispatchIndexOpFoldResults(position, dynamic, fixed);
  build(builder, state, result, tile, slot, dynamic, fixed, atom, transposed);
}

/// A position has a row and a column, and what is constant is a place where
/// the fragment fits.
template <typename Op>
static LogicalResult verifyPosition(Op op, SharedType tile) {
  ArrayRef<int64_t> fixed = op.getStaticPosition();
  if (fixed.size() != 2 || llvm::count(fixed, ShapedType::kDynamic) !=
                               int64_t(op.getPosition().size()))
    return op.emitOpError("expected a position of a row and a column");
  auto [rows, columns] = op.extents();
  int64_t sizes[] = {tile.getRows(), tile.getColumns()};
  int64_t extents[] = {rows, columns};
  const char *names[] = {"rows", "columns"};
  for (int i = 0; i < 2; ++i) {
    int64_t first = ShapedType::isDynamic(fixed[i]) ? 0 : fixed[i];
    if (first < 0 || first + extents[i] > sizes[i])
      return op.emitOpError()
             << "expected " << names[i] << " within a tile of " << sizes[i]
             << ", got " << first << " to " << first + extents[i];
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Loads and stores
//===----------------------------------------------------------------------===//

std::pair<int64_t, int64_t> LoadOp::extents() {
  FragmentType type = getResult().getType();
  std::pair<int64_t, int64_t> size = {type.getRows(), type.getColumns()};
  if (getTransposed())
    std::swap(size.first, size.second);
  return size;
}

std::pair<int64_t, int64_t> StoreOp::extents() {
  return {getFragment().getType().getRows(),
          getFragment().getType().getColumns()};
}

/// `atom` must be plain or of the given kind, and known to the GPU.
static LogicalResult verifyAtom(Operation *op, StringRef name, CopyKind kind,
                                const CopyAtom *&atom) {
  atom = nullptr;
  if (name == "VECTOR")
    return success();
  atom = findCopyAtom(name);
  if (!atom || atom->kind != kind)
    return op->emitOpError()
           << "expected VECTOR or an atom of the "
           << (kind == CopyKind::Matrix ? "SM75_LDSM" : "SM90_STSM")
           << " family, got \"" << name << "\"";
  if (atom->sm > smOf(op))
    return op->emitOpError() << name << " needs sm_" << atom->sm
                             << ", the code is for sm_" << smOf(op);
  return success();
}

LogicalResult LoadOp::verify() {
  SharedType tile = getTile().getType();
  FragmentType type = getResult().getType();
  const CopyAtom *atom;
  if (failed(verifyAtom(*this, getAtom(), CopyKind::Matrix, atom)))
    return failure();
  if (type.getRole() == Role::Rows)
    return emitOpError("expected a fragment of role a, b or c");
  if (type.getElementType() != tile.getElementType())
    return emitOpError() << "expected a fragment of " << tile.getElementType()
                         << ", got " << type.getElementType();
  if (failed(verifyPosition(*this, tile)))
    return failure();
  int64_t bytes = tile.getElementBytes();
  if (!atom) {
    if (type.getPacking() == 4 &&
        (getTransposed() || contiguous(tile.getLayout(), 1, 4) != 4))
      return emitOpError("expected a tile with 8-bit elements together along "
                         "k, or ldmatrix");
    return success();
  }
  if (type.getRole() == Role::C || type.getAtom().kind != AtomKind::Mma)
    return emitOpError() << "expected a fragment that " << getAtom()
                         << " can load: a or b of a matrix instruction";
  if (atom->transposed != getTransposed())
    return emitOpError() << "expected " << (getTransposed() ? "" : "no ")
                         << "transposing atom, got " << getAtom();
  if (getTransposed() && bytes != 2)
    return emitOpError() << "expected elements of 16 bits to transpose, got "
                         << type.getElementType();
  if (contiguous(tile.getLayout(), 1, 16 / bytes) != 16 / bytes)
    return emitOpError() << "expected a tile that keeps 16 bytes of a row "
                            "together, got \""
                         << tile.getLayoutText() << "\"";
  if (type.getRegisters() % atom->count != 0)
    return emitOpError() << "expected a multiple of " << atom->count
                         << " matrices, got " << type.getRegisters();
  return success();
}

LogicalResult StoreOp::verify() {
  SharedType tile = getTile().getType();
  FragmentType type = getFragment().getType();
  const CopyAtom *atom;
  if (failed(verifyAtom(*this, getAtom(), CopyKind::MatrixStore, atom)))
    return failure();
  if (type.getRole() != Role::C)
    return emitOpError("expected a fragment of role c");
  if (type.getElementType() != tile.getElementType())
    return emitOpError() << "expected a tile of " << type.getElementType()
                         << ", got " << tile.getElementType();
  if (failed(verifyPosition(*this, tile)))
    return failure();
  if (!atom)
    return success();
  if (tile.getElementBytes() != 2 || type.getAtom().kind != AtomKind::Mma)
    return emitOpError() << "expected 16-bit elements of a matrix instruction "
                            "for "
                         << getAtom();
  if (contiguous(tile.getLayout(), 1, 8) != 8)
    return emitOpError() << "expected a tile that keeps 16 bytes of a row "
                            "together, got \""
                         << tile.getLayoutText() << "\"";
  int64_t matrices = type.getAtomRows() * type.getAtomColumns() * 2;
  if (matrices % atom->count != 0)
    return emitOpError() << "expected a multiple of " << atom->count
                         << " matrices, got " << matrices;
  return success();
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

LogicalResult MmaOp::verify() {
  FragmentType a = getA().getType(), b = getB().getType(), c = getC().getType();
  if (a.getRole() != Role::A || b.getRole() != Role::B ||
      c.getRole() != Role::C)
    return emitOpError("expected operands of roles a, b and c");
  if (a.getAtomName() != b.getAtomName() || a.getAtomName() != c.getAtomName())
    return emitOpError("expected operands of one atom");
  const MmaAtom &atom = a.getAtom();
  if (atom.sm > smOf(*this))
    return emitOpError() << atom.name << " needs sm_" << atom.sm
                         << ", the code is for sm_" << smOf(*this);
  if (a.getRows() != c.getRows() || b.getRows() != c.getColumns() ||
      a.getColumns() != b.getColumns())
    return emitOpError() << "expected M x K, N x K and M x N, got "
                         << a.getRows() << "x" << a.getColumns() << ", "
                         << b.getRows() << "x" << b.getColumns() << " and "
                         << c.getRows() << "x" << c.getColumns();
  for (FragmentType type : {a, b, c}) {
    std::string text;
    llvm::raw_string_ostream(text) << type.getElementType();
    if (text != atom.typeOf(type.getRole()))
      return emitOpError() << "expected " << nameOf(type.getRole()) << " of "
                           << atom.typeOf(type.getRole()) << ", got " << text;
  }
  return success();
}

/// The same tile, but for the element type.
static bool sameTile(FragmentType a, FragmentType b) {
  return a.withElement(b.getElementType()) == b;
}

LogicalResult ConvertOp::verify() {
  FragmentType from = getInput().getType(), to = getResult().getType();
  if (!sameTile(from, to))
    return emitOpError("expected fragments that differ in their elements only");
  bool rounds =
      from.getElementType().isF32() && isa<FloatTF32Type>(to.getElementType());
  auto plain = [](Type type) {
    return type.isF32() || type.isF16() || type.isBF16();
  };
  if (!rounds &&
      !(plain(from.getElementType()) && plain(to.getElementType()) &&
        from.getElementType() != to.getElementType() && from.getPacking() == 1))
    return emitOpError() << "expected f32 to tf32, or f32, f16 and bf16 among "
                            "each other, got "
                         << from.getElementType() << " to "
                         << to.getElementType();
  return success();
}

LogicalResult SplitOp::verify() {
  FragmentType from = getInput().getType(), to = getBig().getType();
  if (!sameTile(from, to) || !from.getElementType().isF32() ||
      !isa<FloatTF32Type>(to.getElementType()))
    return emitOpError() << "expected f32 to tf32 of the same tile, got "
                         << from << " to " << to;
  return success();
}

/// The region takes one element of each input and yields one of the result.
template <typename Op>
static LogicalResult verifyRegion(Op op, TypeRange arguments, Type result) {
  Block &block = op.getBody().front();
  if (TypeRange(block.getArgumentTypes()) != arguments)
    return op.emitOpError("expected a region of one element of each input");
  auto yield = cast<YieldOp>(block.getTerminator());
  if (yield.getValues().getTypes() != TypeRange(result))
    return op.emitOpError() << "expected the region to yield one " << result;
  return success();
}

LogicalResult MapOp::verify() {
  FragmentType to = getResult().getType();
  SmallVector<Type> elements;
  for (Type type : getInputs().getTypes()) {
    auto from = cast<FragmentType>(type);
    elements.push_back(from.getElementType());
    bool column = from.getRole() == Role::Rows && to.getRole() == Role::C &&
                  from == to.withRole(Role::Rows).withElement(elements.back());
    if (!sameTile(from, to) && !column)
      return emitOpError() << "expected inputs of the result's tile, or its "
                              "rows, got "
                           << from;
    if (from.getPacking() != 1 || isa<FloatTF32Type>(elements.back()))
      return emitOpError() << "expected an element a register, got " << from;
  }
  if (elements.empty())
    return emitOpError("expected at least one input");
  if (to.getPacking() != 1 || isa<FloatTF32Type>(to.getElementType()))
    return emitOpError() << "expected an element a register, got " << to;
  return verifyRegion(*this, elements, to.getElementType());
}

LogicalResult ReduceOp::verify() {
  FragmentType from = getInput().getType(), to = getResult().getType();
  if (from.getRole() != Role::C || to != from.withRole(Role::Rows))
    return emitOpError() << "expected role c to " << from.withRole(Role::Rows)
                         << ", got " << from << " to " << to;
  Type element = from.getElementType();
  if (!element.isF32() && !element.isInteger(32))
    return emitOpError() << "expected elements that threads can exchange, f32 "
                            "or i32, got "
                         << element;
  return verifyRegion(*this, {element, element}, element);
}

LogicalResult AnyOp::verify() {
  FragmentType type = getFragment().getType();
  if (type.getPacking() != 1 || isa<FloatTF32Type>(type.getElementType()))
    return emitOpError() << "expected an element a register, got " << type;
  return verifyRegion(*this, {type.getElementType()},
                      IntegerType::get(getContext(), 1));
}

LogicalResult ForEachOp::verify() {
  FragmentType type = getFragment().getType();
  if (type.getRole() != Role::C)
    return emitOpError("expected a fragment of role c");
  int64_t vector = getVector();
  for (int64_t v = 0; v < type.getValues(); ++v) {
    auto [row, column] = type.positionOf(0, v);
    auto [firstRow, first] = type.positionOf(0, v - v % vector);
    if (type.getValues() % vector || row != firstRow ||
        column != first + v % vector)
      return emitOpError() << "expected runs of " << vector
                           << " columns in a thread, " << type.getAtomName()
                           << " has shorter ones";
  }
  Type element = type.getElementType();
  if (vector > 1)
    element = VectorType::get({vector}, element);
  Type i64 = IntegerType::get(getContext(), 64);
  if (getBody().front().getArgumentTypes() != ArrayRef<Type>{i64, i64, element})
    return emitOpError() << "expected a region of a row and a column, both "
                            "i64, and "
                         << element;
  if (!cast<YieldOp>(getBody().front().getTerminator()).getValues().empty())
    return emitOpError("expected the region to yield nothing");
  return success();
}
