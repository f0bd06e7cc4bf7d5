//===- Precision.cpp - Which op computes in which type --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Tests: test/compiler/Graph/lower-precision*.mlir,
// test/unit/graph/PrecisionTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "compiler/Graph/Precision.h"
#include "compiler/Graph/Match.h"
#include "mlir/IR/AsmState.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>

namespace mlir::tenon::graph {

//===----------------------------------------------------------------------===//
// Rounding
//===----------------------------------------------------------------------===//

uint16_t bitsOfF16(float value) {
  uint32_t bits = llvm::bit_cast<uint32_t>(value);
  uint16_t sign = (bits >> 16) & 0x8000;
  bits &= 0x7fffffff;
  if (bits > 0x7f800000) // NaN, made quiet
    return sign | 0x7e00 | ((bits >> 13) & 0x3ff);
  if (bits >= 0x477ff000) // 65520 and more round to infinity
    return sign | 0x7c00;
  if (bits < 0x38800000) {
    // Below 2^-14. A float in [0.5, 1) counts in units of 2^-24 as the
    // denormals of f16 do: the addition rounds.
    float shifted = llvm::bit_cast<float>(bits) + 0.5f;
    return sign | (llvm::bit_cast<uint32_t>(shifted) - 0x3f000000);
  }
  uint32_t odd = (bits >> 13) & 1;
  return sign | ((bits - 0x38000000 + 0xfff + odd) >> 13);
}

uint16_t bitsOfBf16(float value) {
  uint32_t bits = llvm::bit_cast<uint32_t>(value);
  if (std::isnan(value))
    return (bits >> 16) | 0x40;
  return (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
}

ArrayRef<float> floatsOf(ConstantOp constant) {
  ElementsAttr value = constant.getValue();
  ArrayRef<char> bytes;
  if (auto dense = dyn_cast<DenseElementsAttr>(value))
    bytes = dense.getRawData();
  else if (auto resource = dyn_cast<DenseResourceElementsAttr>(value))
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
      bytes = blob->getData();
  return {reinterpret_cast<const float *>(bytes.data()), bytes.size() / 4};
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

SmallVector<StringRef> nodeNames(Location location) {
  SmallVector<StringRef> names;
  location->walk([&](Location inner) {
    if (auto name = dyn_cast<NameLoc>(inner)) {
      if (!llvm::is_contained(names, name.getName().strref()))
        names.push_back(name.getName());
      return WalkResult::skip();
    }
    return WalkResult::advance();
  });
  return names;
}

bool matchesPattern(StringRef pattern, StringRef name) {
  // Back to the last star and one character on, when the rest fails.
  size_t p = 0, n = 0, star = StringRef::npos, after = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      after = n;
    } else if (p < pattern.size() &&
               (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p, ++n;
    } else if (star != StringRef::npos) {
      p = star + 1;
      n = ++after;
    } else {
      return false;
    }
  }
  return pattern.drop_front(p).find_first_not_of('*') == StringRef::npos;
}

/// Splits at the last colon: names of nodes may hold colons.
static std::pair<StringRef, StringRef> splitNode(StringRef item) {
  return item.rsplit(':');
}

std::string noSuchNode(func::FuncOp function, StringRef pattern) {
  llvm::SetVector<StringRef> known;
  function.walk([&](Operation *op) {
    // Constants are called like their tensors.
    if (op != function && !isa<ConstantOp>(op))
      for (StringRef name : nodeNames(op->getLoc()))
        known.insert(name);
  });
  SmallVector<std::pair<unsigned, StringRef>> close;
  for (StringRef name : known) {
    if (matchesPattern(pattern, name))
      return {};
    close.emplace_back(name.edit_distance(pattern), name);
  }
  llvm::sort(close);
  std::string text = ("no node of the model matches '" + pattern + "'").str();
  constexpr size_t kShown = 3;
  for (auto [i, near] : llvm::enumerate(ArrayRef(close).take_front(kShown)))
    text += ((i ? ", '" : "; close names: '") + near.second + "'").str();
  return text;
}

LogicalResult checkNodePrecisions(func::FuncOp function,
                                  ArrayRef<std::string> nodes) {
  bool fine = true;
  for (StringRef item : nodes) {
    auto [pattern, type] = splitNode(item);
    auto fail = [&] {
      fine = false;
      return emitError(UnknownLoc::get(function.getContext()))
             << "--precision='" << item << "': ";
    };
    if (pattern.empty() ||
        !llvm::is_contained({"f32", "tf32", "f16", "bf16"}, type)) {
      fail() << "expected NODE_PATTERN:TYPE with f32, tf32, f16 or bf16 as the "
                "type";
      continue;
    }
    if (std::string problem = noSuchNode(function, pattern); !problem.empty())
      fail() << problem;
  }
  return success(fine);
}

SmallVector<PrecisionRow> collectPrecisions(ModuleOp module) {
  SmallVector<PrecisionRow> rows;
  for (auto function : module.getOps<func::FuncOp>()) {
    auto list = function->getAttrOfType<ArrayAttr>(kPrecisionRowsAttr);
    if (!list)
      continue;
    for (auto row : list.getAsRange<ArrayAttr>()) {
      auto text = [&](unsigned i) {
        return cast<StringAttr>(row[i]).getValue().str();
      };
      rows.push_back({text(0), text(1), text(2)});
    }
  }
  return rows;
}

//===----------------------------------------------------------------------===//
// Rules
//===----------------------------------------------------------------------===//

/// A sum of so many terms below 1024 stays below 65504, the largest f16; the
/// mean of a 7x7 map and of an 8x8 block are of this kind.
static constexpr int64_t kFewTerms = 64;

static bool isContraction(Operation *op) {
  return isa<MatmulOp, ConvOp, ConvTransposeOp, AttentionOp>(op);
}

/// Only products of matrices run on Tensor Cores.
static bool mayUseTf32(Operation *op) {
  if (auto conv = dyn_cast<ConvOp>(op))
    return isProduct(conv);
  return isa<MatmulOp, AttentionOp>(op);
}

static bool isMovement(Operation *op) {
  return isa<TransposeOp, ReshapeOp, BroadcastOp, SliceOp, ConcatOp, PadOp,
             TileOp, GatherOp, GatherElementsOp, RelayoutOp>(op);
}

/// Functions that leave the range of f16 on ordinary arguments, or turn the
/// rounding of their argument into a large error.
static bool isSteep(Operation *op) {
  return isa<ExpOp, LogOp, PowOp, SinhOp, CoshOp, TanOp, ReciprocalOp, RsqrtOp,
             ModOp>(op);
}

/// Functions whose results are in range whatever their arguments are.
static bool isBounded(Operation *op) {
  if (auto clamp = dyn_cast<ClampOp>(op))
    return std::abs(clamp.getLow().convertToDouble()) < 65504 &&
           std::abs(clamp.getHigh().convertToDouble()) < 65504;
  return isa<SigmoidOp, TanhOp, ErfOp, SinOp, CosOp, AtanOp, HardSigmoidOp,
             SignOp>(op);
}

static bool isF32(Value value) {
  auto tensor = dyn_cast<RankedTensorType>(value.getType());
  return tensor && tensor.getElementType().isF32();
}

static std::string nameOf(Type type) {
  return type.isF16() ? "f16" : type.isBF16() ? "bf16" : "f32";
}

PrecisionRules::PrecisionRules(MLIRContext *context, FloatType narrow,
                               const Precision &precision, StringRef reason)
    : context(context), narrow(narrow), tf32(precision.tf32),
      narrowReason(reason) {
  for (StringRef item : precision.nodes) {
    auto [pattern, type] = splitNode(item);
    overrides.push_back(
        {pattern.str(), type.str(), ("--precision=" + item).str()});
  }
}

PrecisionRules::Override *PrecisionRules::overrideOf(Operation *op) {
  SmallVector<StringRef> names = nodeNames(op->getLoc());
  for (Override &item : llvm::reverse(overrides))
    if (llvm::any_of(names, [&](StringRef name) {
          return matchesPattern(item.pattern, name);
        }))
      return &item;
  return nullptr;
}

SmallVector<StringRef> PrecisionRules::unused() const {
  SmallVector<StringRef> texts;
  for (const Override &item : overrides)
    if (!item.isUsed)
      texts.push_back(item.text);
  return texts;
}

Decision PrecisionRules::stay(const Twine &reason, bool isSensitive) {
  return {Float32Type::get(context), reason.str(), isSensitive};
}

const PrecisionRules::Misfit &PrecisionRules::misfit(ConstantOp constant,
                                                     FloatType type) {
  auto [it, isNew] = misfits.try_emplace({constant, type});
  if (!isNew)
    return it->second;
  auto isInfinite = [&](float magnitude) {
    return type.isF16() ? bitsOfF16(magnitude) == 0x7c00
                        : bitsOfBf16(magnitude) == 0x7f80;
  };
  // An infinity of the model stays one.
  float largest = 0;
  bool hasInfinity = false;
  for (float value : floatsOf(constant)) {
    float magnitude = std::fabs(value);
    if (std::isinf(magnitude))
      hasInfinity = true;
    else if (magnitude > largest)
      largest = magnitude;
  }
  float smallest =
      llvm::APFloat::getSmallestNormalized(type.getFloatSemantics())
          .convertToFloat();
  std::string what = constant.getNameAttr()
                         ? "tensor '" + constant.getName()->str() + "'"
                         : std::string("a constant");
  if (isInfinite(largest))
    it->second = {llvm::formatv("{0} holds {1:e2}, beyond the range of {2}",
                                what, largest, nameOf(type)),
                  true};
  else if (largest > 0 && largest < smallest && !hasInfinity)
    it->second = {llvm::formatv("{0} holds nothing above {1:e2}, where {2} "
                                "loses digits",
                                what, largest, nameOf(type)),
                  false};
  return it->second;
}

std::optional<Decision> PrecisionRules::forcedToStay(Operation *op,
                                                     FloatType type) {
  for (Value operand : op->getOperands()) {
    if (!sensitive.contains(operand))
      continue;
    return stay("takes the result of an op that stays in f32", true);
  }
  for (Value operand : op->getOperands()) {
    auto constant = operand.getDefiningOp<ConstantOp>();
    if (!constant || !isF32(operand))
      continue;
    if (const Misfit &found = misfit(constant, type); !found.text.empty())
      return stay(found.text, true);
  }
  return std::nullopt;
}

/// An f32 value that no narrow op made: moving it should not round it.
bool PrecisionRules::isPlain(Value value) const {
  if (plain.contains(value))
    return true;
  if (isa<BlockArgument>(value))
    return true;
  return false;
}

Decision PrecisionRules::decideMovement(Operation *op, FloatType type) {
  bool isPlainOnly = true;
  for (Value operand : op->getOperands())
    if (isa<FloatType>(getElementTypeOrSelf(operand.getType())))
      isPlainOnly &= isPlain(operand);
  if (!isPlainOnly)
    return {type, narrowReason};
  plain.insert(op->getResult(0));
  return stay("moves an input of the model as it is", false);
}

Decision PrecisionRules::decideReduce(ReduceOp op, FloatType type) {
  ReduceKind kind = op.getKind();
  if (kind == ReduceKind::max || kind == ReduceKind::min)
    return {type, narrowReason};
  if (kind != ReduceKind::sum && kind != ReduceKind::mean &&
      kind != ReduceKind::l1)
    return stay("a reduction by " + stringifyReduceKind(kind) + " stays in f32",
                true);
  SmallVector<DimExpr> dims = dimsOf(op.getInput());
  int64_t terms = 1;
  for (int64_t axis : op.getAxes()) {
    auto size = dims[axis].asConstant();
    if (!size)
      return stay("a reduction of any number of elements stays in f32", true);
    terms *= *size;
  }
  if (terms <= kFewTerms)
    return {type, narrowReason};
  return stay("a reduction of " + Twine(terms) + " elements stays in f32",
              true);
}

/// Whether `value` is a constant of one number, or one for each channel, that
/// bf16 does not hold.
static bool needsDigits(Value value) {
  auto constant = value.getDefiningOp<ConstantOp>();
  auto isExact = [](float number) {
    return (llvm::bit_cast<uint32_t>(number) & 0xffff) == 0;
  };
  return constant && isF32(value) &&
         llvm::count_if(tensorOf(value).getShape(),
                        [](int64_t size) { return size != 1; }) <= 1 &&
         !llvm::all_of(floatsOf(constant), isExact);
}

static bool keepsConstants(Operation *op, Type element) {
  if (!element.isBF16())
    return false;
  if (op->hasTrait<Pointwise>())
    return llvm::any_of(op->getOperands(), needsDigits);
  constexpr unsigned kBias = 2;
  return isa<ConvOp, ConvTransposeOp>(op) && op->getNumOperands() > kBias &&
         needsDigits(op->getOperand(kBias));
}

/// The rules for an op that nothing forces.
Decision PrecisionRules::lower(Operation *op, FloatType type) {
  if (isContraction(op)) {
    // A product of matrices brings its operands into range by itself.
    for (auto [i, operand] : llvm::enumerate(op->getOperands())) {
      auto constant = operand.getDefiningOp<ConstantOp>();
      if (!constant || !isF32(operand))
        continue;
      // A small bias adds little, with however many digits.
      const Misfit &found = misfit(constant, type);
      if (found.text.empty() || (i == 2 && !found.isOverflow))
        continue;
      Decision decision = stay(found.text, true);
      decision.tf32 = tf32 && mayUseTf32(op);
      return decision;
    }
    return {type, narrowReason};
  }
  if (isa<SoftmaxOp>(op))
    return stay("softmax stays in f32", false);
  if (auto norm = dyn_cast<LayerNormOp>(op))
    return stay(norm.getRms() ? "RMS norm stays in f32"
                              : "layer norm stays in f32",
                false);
  if (auto cast = dyn_cast<CastOp>(op)) {
    Type from = elementOf(cast.getInput());
    if (from.isInteger(1))
      return {type, narrowReason};
    return stay("a number of another type stays in f32", true);
  }
  if (isa<IotaOp>(op))
    return stay("a range of numbers stays in f32", true);
  if (isSteep(op))
    return stay(op->getName().stripDialect() + " stays in f32", true);
  if (auto mul = dyn_cast<MulOp>(op); mul && mul.getLhs() == mul.getRhs())
    return stay("a square stays in f32", true);
  if (auto div = dyn_cast<DivOp>(op);
      div && !div.getRhs().getDefiningOp<ConstantOp>())
    return stay("a quotient by a computed number stays in f32", true);
  if (auto forced = forcedToStay(op, type)) {
    if (isBounded(op))
      forced->sensitive = false;
    return *forced;
  }
  if (auto reduce = dyn_cast<ReduceOp>(op))
    return decideReduce(reduce, type);
  if (isMovement(op))
    return decideMovement(op, type);
  if (isa<PoolOp, ResizeOp>(op) || op->hasTrait<Pointwise>())
    return {type, narrowReason};
  return stay("no rule for " + op->getName().stripDialect(), true);
}

Decision PrecisionRules::decide(Operation *op) {
  Decision decision;
  FloatType f32 = Float32Type::get(context);
  Override *item = overrideOf(op);
  if (item) {
    item->isUsed = true;
    FloatType type = item->type == "f16" ? FloatType(Float16Type::get(context))
                     : item->type == "bf16"
                         ? FloatType(BFloat16Type::get(context))
                         : f32;
    decision = {type, item->text};
    decision.tf32 = item->type == "tf32" && mayUseTf32(op);
    // Where it may go is the user's affair too, but what it says stays.
    decision.sensitive = type.isF32() && !isContraction(op) && narrow &&
                         lower(op, narrow).sensitive;
  } else if (narrow) {
    decision = lower(op, narrow);
  } else {
    decision = stay("f32 is the type of the model", false);
    decision.tf32 = tf32 && mayUseTf32(op);
  }
  bool asked = item ? item->type == "tf32" : tf32 && decision.element.isF32();
  if (asked && isContraction(op) && !mayUseTf32(op))
    decision.reason += "; convolutions of several taps do not use TF32";
  if (decision.tf32 && !item)
    decision.reason +=
        (decision.reason.empty() ? "" : "; ") + std::string("--tf32");
  if (keepsConstants(op, decision.element)) {
    decision.keepsConstants = true;
    decision.reason += isContraction(op) ? "; its bias stays in f32"
                                         : "; its constants stay in f32";
  }
  if (decision.sensitive)
    sensitive.insert(op->getResult(0));
  return decision;
}

} // namespace mlir::tenon::graph
