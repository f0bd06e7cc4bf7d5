//===- Precision.h - Which op computes in which type ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The rules of mixed precision, apart from the rewrite that applies them
// (LowerPrecision.cpp). `PrecisionRules` visits the ops of a function in order
// and says for each its element type and why, in words for a report.
//
// A type is lowered where the result can be no worse than one rounding of the
// exact one. What may leave the range of f16 or needs the digits of f32 (an
// exponential, a sum of many terms, an epsilon) stays in f32 and so does what
// is computed from it, up to the next op that brings it back into range: a
// product of matrices, a softmax, a norm, a bounded function.
//
// Kernels compute in f32 between the values that they read and write. A factor
// or a summand of all elements alike, or of each channel, then costs nothing in
// f32, while bf16 rounds it by up to 0.4 %, of all elements in one direction:
// of the 0.12 that PP-OCRv4's recognition was off in bf16, 0.10 came from its
// 243 scalars. It keeps its digits. To f16's 0.05 % it is rounded.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_GRAPH_PRECISION_H
#define TENON_COMPILER_GRAPH_PRECISION_H

#include "dialects/Graph/GraphOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::tenon::graph {

/// `graph.precision` on a matmul or convolution of f32 operands: "tf32" lets
/// the kernel round them to TF32.
constexpr StringLiteral kPrecisionAttr = "graph.precision";
/// On a function: the type that all products of the model had before they were
/// widened to f32.
constexpr StringLiteral kFloatTypeAttr = "graph.float_type";
/// On a function: the rows of `collectPrecisions`.
constexpr StringLiteral kPrecisionRowsAttr = "graph.precision_rows";

/// What the user asks for.
struct Precision {
  /// "f16", "bf16", "f32", or empty: the type that the model was written in.
  std::string type;
  /// Products that stay in f32 may use TF32.
  bool tf32 = false;
  /// "NODE_PATTERN:TYPE"; the last that matches a node decides. TYPE is f32,
  /// tf32, f16 or bf16; `*` and `?` in the pattern match any characters.
  std::vector<std::string> nodes;
};

/// How one op computes.
struct PrecisionRow {
  std::string node, type, reason;
};

/// Reports an error for each item of `nodes` that is malformed, or whose
/// pattern matches no node of `function`; the latter lists close names.
LogicalResult checkNodePrecisions(func::FuncOp function,
                                  ArrayRef<std::string> nodes);

/// What graph-lower-precision decided for the functions of `module`, in order;
/// empty where it lowered nothing.
SmallVector<PrecisionRow> collectPrecisions(ModuleOp module);

/// The names of the ONNX nodes in a location, in order.
SmallVector<StringRef> nodeNames(Location location);

/// Whether `name` matches `pattern`: `*` stands for any characters, `?` for
/// one.
bool matchesPattern(StringRef pattern, StringRef name);

/// Empty if `pattern` matches a node of `function`; else that it does not, and
/// which names are close.
std::string noSuchNode(func::FuncOp function, StringRef pattern);

/// f32 rounded to nearest even as the bits of f16 and bf16.
uint16_t bitsOfF16(float value);
uint16_t bitsOfBf16(float value);

/// The elements of a constant of f32: one for a splat.
ArrayRef<float> floatsOf(ConstantOp constant);

/// What the rules say of an op.
struct Decision {
  Type element; // of its f32 operands and result
  std::string reason;
  /// The result may be out of range, or needs all digits of f32.
  bool sensitive = false;
  /// The op is a product that may use TF32.
  bool tf32 = false;
  /// Its bias, or all constants of a pointwise op, stay in f32, and the result
  /// is rounded where it is stored.
  bool keepsConstants = false;
};

/// Decides for one op after another, in the order of the block.
class PrecisionRules {
public:
  /// `narrow`: the lower type, or null if only `precision.nodes` and `tf32`
  /// count. Its items must be well-formed.
  PrecisionRules(MLIRContext *context, FloatType narrow,
                 const Precision &precision, StringRef reason);

  /// For an op with a result of f32 that is no constant.
  Decision decide(Operation *op);

  /// The items of `precision.nodes` that decided for no op so far.
  SmallVector<StringRef> unused() const;

private:
  struct Override {
    std::string pattern, type, text;
    bool isUsed = false;
  };
  Override *overrideOf(Operation *op);
  Decision lower(Operation *op, FloatType type);
  Decision stay(const Twine &reason, bool sensitive);
  /// A sensitive operand, or a constant that does not fit; null if none.
  std::optional<Decision> forcedToStay(Operation *op, FloatType type);
  /// Why a constant cannot be `type`; an empty text if it can.
  struct Misfit {
    std::string text;
    bool isOverflow = false; // else digits are lost
  };
  const Misfit &misfit(ConstantOp constant, FloatType type);
  Decision decideMovement(Operation *op, FloatType type);
  Decision decideReduce(ReduceOp op, FloatType type);
  bool isPlain(Value value) const;

  MLIRContext *context;
  FloatType narrow;
  bool tf32;
  std::string narrowReason;
  SmallVector<Override> overrides;
  DenseSet<Value> sensitive;
  /// f32 values that an op of no narrow type made: inputs moved around.
  DenseSet<Value> plain;
  DenseMap<std::pair<Operation *, Type>, Misfit> misfits;
};

} // namespace mlir::tenon::graph

#endif // TENON_COMPILER_GRAPH_PRECISION_H
