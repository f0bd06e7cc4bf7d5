//===- TileDialect.td - The tile dialect -------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `tile` says what the threads of a block do together in a CUDA kernel: copy a
// tile to shared memory, load fragments, multiply them, look at each element.
// Layouts are spelled out in the types; nothing is inferred.
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECTS_TILE_TILEDIALECT_TD
#define TENON_DIALECTS_TILE_TILEDIALECT_TD

include "mlir/Dialect/LLVMIR/LLVMOpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Tile_Dialect : Dialect {
  let name = "tile";
  let cppNamespace = "::mlir::tenon::tile";
  let summary = "The collective steps of one CUDA kernel";
  let description = [{
    An op is a step that all threads of a block or of a warp take together,
    next to `scf`, `arith` and LLVM pointers. See README.md in this folder for
    the rationale, Layout.h for layouts, Atoms.h for instructions. The pass
    `tile-lower` (compiler/Tile) turns each op into instructions of a thread.
  }];
  let useDefaultTypePrinterParser = 1;
  let extraClassDeclaration = [{
    void registerTypes();
    void registerMemoryOps();
    void registerFragmentOps();
  }];
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

class Tile_Type<string name, string typeMnemonic>
    : TypeDef<Tile_Dialect, name> {
  let mnemonic = typeMnemonic;
}

def Tile_SharedType : Tile_Type<"Shared", "shared"> {
  let summary = "A tile in shared memory, in one or more stages";
  let description = [{
    `layout` goes from (row, column) to the number of an element of one stage;
    stages lie one behind the other. Layouts as in Layout.h.

    Example: `!tile.shared<64x32xf16, "(64:32)(32:1)swizzle<3,3,3>", 3>`: three
    stages of 64 rows with 32 halves each.
  }];
  let parameters = (ins "int64_t":$rows, "int64_t":$columns,
      "::mlir::Type":$elementType, StringRefParameter<"layout">:$layoutText,
      "int64_t":$stages);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    ::mlir::tenon::tile::Layout getLayout() const;
    int64_t getElementBytes() const;
    /// Bytes of one stage, and of all.
    int64_t getStageBytes() const;
    int64_t getBytes() const { return getStageBytes() * getStages(); }
  }];
}

def Tile_FragmentType : Tile_Type<"Fragment", "fragment"> {
  let summary = "A tile in the registers of a warp";
  let description = [{
    A rows x columns tile that a warp holds as an operand (`a`, `b` or `c`) of
    an atom: tiles of the atom's shape side by side, each spread over the
    threads as the atom says. `a` is M x K, `b` is N x K, `c` is M x N.
    `rows` is a column of numbers, one for each row of a `c`, which all threads
    that hold a part of the row have.

    The element type is the atom's; an operand of a tf32 atom may be f32 until
    it is rounded, and `c` and `rows` may have any type.

    Example: `!tile.fragment<64x32xf32, c, "SM80_16x8x16_F32F16F16F32_TN">`
  }];
  let parameters = (ins "int64_t":$rows, "int64_t":$columns,
      "::mlir::Type":$elementType, "::mlir::tenon::tile::Role":$role,
      StringRefParameter<"atom">:$atomName);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    const ::mlir::tenon::tile::MmaAtom &getAtom() const;
    /// Atoms below and beside each other.
    int64_t getAtomRows() const;
    int64_t getAtomColumns() const;
    /// Elements that a thread holds of each atom's tile; of `rows`, the rows.
    int64_t getValues() const;
    /// The registers of a thread, in order: atoms row by row, then values.
    ::mlir::Type getRegisterType() const;
    int64_t getPacking() const;
    int64_t getRegisters() const;
    /// Where value `v` of thread `lane` lies in an atom's tile.
    std::pair<int64_t, int64_t> positionOf(int64_t lane, int64_t v) const;
    /// Of a `c` fragment: the place in `rows` that has value `v`'s row.
    int64_t rowOf(int64_t v) const;
    FragmentType withElement(::mlir::Type element) const;
    FragmentType withRole(::mlir::tenon::tile::Role role) const;
  }];
}

//===----------------------------------------------------------------------===//
// Op base class
//===----------------------------------------------------------------------===//

class Tile_Op<string mnemonic, list<Trait> traits = []>
    : Op<Tile_Dialect, mnemonic, traits>;

def Tile_GlobalPointer : LLVM_PointerInAddressSpace<1>;

#endif // TENON_DIALECTS_TILE_TILEDIALECT_TD
