//===- EngineBuilder.cpp - From a function of kernels to an engine --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// One walk over the function: each op's result becomes a value of the program,
// each kernel a launch. A result of @main that a kernel makes is written
// straight into the caller's memory; any other (an argument, a constant, a
// value returned twice) is copied there.
//
//===----------------------------------------------------------------------===//

#include "compiler/Target/EngineFile/EngineBuilder.h"
#include "compiler/Graph/FuseKernels.h"
#include "compiler/Target/EngineFile/ConstantData.h"
#include "compiler/Target/EngineFile/HostExprs.h"
#include "runtime/include/tenon/kernel_abi.h"
#include "llvm/Support/xxhash.h"
#include <map>

namespace mlir::tenon {

using graph::DimExpr;
namespace schema = ::tenon::schema;

namespace {

schema::ElementType elementTypeOf(Type type) {
  using E = schema::ElementType;
  if (auto real = dyn_cast<FloatType>(type)) {
    if (real.isF16())
      return E::Float16;
    if (real.isBF16())
      return E::BFloat16;
    return real.isF64() ? E::Float64 : E::Float32;
  }
  auto integer = cast<IntegerType>(type);
  bool u = integer.isUnsigned();
  switch (integer.getWidth()) {
  case 1:
    return E::Bool;
  case 8:
    return u ? E::UInt8 : E::Int8;
  case 16:
    return u ? E::UInt16 : E::Int16;
  case 32:
    return u ? E::UInt32 : E::Int32;
  default:
    return u ? E::UInt64 : E::Int64;
  }
}

int64_t elementBytes(Type type) {
  return std::max(8u, type.getIntOrFloatBitWidth()) / 8;
}

/// Bytes that a tensor takes in its layout.
DimExpr bytesOf(RankedTensorType type) {
  SmallVector<DimExpr> sizes = graph::dimsOf(type);
  if (graph::LayoutAttr layout = graph::layoutOf(type)) {
    int64_t block = layout.getChannelBlock();
    if (block)
      sizes[1] = sizes[1].ceilDiv(block) * block;
    ArrayRef<int64_t> halo = layout.getHalo();
    unsigned spatial = halo.size() / 2;
    for (unsigned i = 0; i < spatial; ++i)
      sizes[2 + i] = sizes[2 + i] + (halo[i] + halo[spatial + i]);
  }
  return productOf(type.getContext(), sizes) *
         elementBytes(type.getElementType());
}

RankedTensorType tensorOf(Value v) {
  return cast<RankedTensorType>(v.getType());
}

std::string nameOf(DictionaryAttr attrs) {
  if (attrs)
    if (auto name = attrs.getAs<StringAttr>("graph.name"))
      return name.getValue().str();
  return {};
}

class VariantBuilder {
public:
  VariantBuilder(func::FuncOp main, const LoweredKernels &kernels,
                 BuiltEngine &built)
      : main(main), kernels(kernels), built(built), exprs(built.engine),
        context(main.getContext()),
        variant(std::make_unique<schema::VariantT>()) {}

  std::unique_ptr<schema::VariantT> build(StringRef isa, ArrayRef<char> code) {
    variant->target = std::make_unique<schema::TargetT>();
    variant->target->kind = schema::TargetKind::Cpu;
    variant->target->isa = isa.str();
    variant->kernel_abi = TENON_KERNEL_ABI_VERSION;
    if (!kernels.codes.empty())
      variant->code = addBlob(code, 4096);
    for (auto [code, name] : llvm::zip(kernels.codes, kernels.names)) {
      auto kernel = std::make_unique<schema::KernelT>();
      kernel->symbol = name;
      kernel->name = name;
      kernel->family = code.family;
      kernel->schedule = code.schedule;
      variant->kernels.push_back(std::move(kernel));
    }
    for (BlockArgument argument : main.getArguments())
      values[argument] =
          newValue(argument, schema::ValueKind::Input, argument.getArgNumber());
    chooseOutputs();
    for (Operation &op : main.getBody().front())
      visit(&op);
    variant->blocks.push_back(
        schema::Block(0, variant->instructions.size()));
    return std::move(variant);
  }

private:
  int addBlob(ArrayRef<char> bytes, uint32_t alignment) {
    uint64_t hash = llvm::xxh3_64bits(ArrayRef<uint8_t>(
        reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()));
    for (auto [i, blob] : llvm::enumerate(built.blobs))
      if (blob.size == bytes.size() && hashes[i] == hash &&
          blob.alignment == alignment &&
          !std::memcmp(blob.data, bytes.data(), bytes.size()))
        return i;
    hashes.resize(built.blobs.size() + 1);
    hashes.back() = hash;
    built.blobs.push_back({bytes.data(), bytes.size(), alignment});
    return built.blobs.size() - 1;
  }

  uint32_t newValue(Value v, schema::ValueKind kind, int index = -1) {
    auto value = std::make_unique<schema::ValueT>();
    RankedTensorType type = tensorOf(v);
    value->kind = kind;
    value->index = index;
    value->size = exprs.get(bytesOf(type));
    value->type = elementTypeOf(type.getElementType());
    for (DimExpr d : graph::dimsOf(type))
      value->dims.push_back(exprs.get(d));
    variant->values.push_back(std::move(value));
    return variant->values.size() - 1;
  }

  /// Results of @main that a kernel can write in place.
  void chooseOutputs() {
    Operation *ret = main.getBody().front().getTerminator();
    for (auto [i, v] : llvm::enumerate(ret->getOperands())) {
      Value base = v;
      while (Operation *op = base.getDefiningOp()) {
        if (!graph::isAlias(op))
          break;
        base = op->getOperand(0);
      }
      if (base.getDefiningOp<graph::KernelOp>() &&
          !graph::layoutOf(base.getType()))
        outputs.try_emplace(base, i);
    }
  }

  void visit(Operation *op) {
    if (auto kernel = dyn_cast<graph::KernelOp>(op))
      return launch(kernel);
    if (isa<func::ReturnOp>(op))
      return finish(op);
    if (isa<graph::ConstantOp>(op))
      return; // when it is used
    if (graph::isAlias(op)) {
      // The base comes first in the list: it may be a constant not yet there.
      uint32_t base = valueOf(op->getOperand(0));
      uint32_t index = newValue(op->getResult(0), schema::ValueKind::Alias);
      schema::ValueT &value = *variant->values[index];
      value.base = base;
      value.offset = exprs.get(context, 0);
      values[op->getResult(0)] = index;
    }
  }

  uint32_t valueOf(Value v) {
    auto it = values.find(v);
    if (it != values.end())
      return it->second;
    uint32_t index =
        constantValue(v.getDefiningOp<graph::ConstantOp>(), nullptr);
    values[v] = index;
    return index;
  }

  /// A constant as it is, or in the order of `recipe`.
  uint32_t constantValue(graph::ConstantOp op, const PackRecipe *recipe) {
    std::string order = recipe ? recipe->str() : "";
    auto [it, isNew] = constants.try_emplace(
        {op.getValue().getAsOpaquePointer(), order}, 0);
    if (!isNew)
      return it->second;
    ElementsAttr attr = op.getValue();
    auto type = cast<RankedTensorType>(attr.getShapedType());
    ConstantData data(attr);
    ArrayRef<char> bytes = data.bytes();
    if (recipe) {
      std::vector<float> packed = pack(*recipe, type.getShape(), data.floats());
      auto *begin = reinterpret_cast<const char *>(packed.data());
      built.storage.emplace_back(begin, begin + packed.size() * sizeof(float));
      bytes = built.storage.back();
    } else if (!isa<DenseResourceElementsAttr>(attr)) {
      built.storage.emplace_back(bytes.begin(), bytes.end());
      bytes = built.storage.back();
    }
    auto constant = std::make_unique<schema::ConstantT>();
    constant->kind =
        recipe ? schema::ConstantKind::Packed : schema::ConstantKind::Raw;
    constant->blob = addBlob(bytes, 64);
    constant->size = bytes.size();
    constant->type = elementTypeOf(type.getElementType());
    constant->dims.assign(type.getShape().begin(), type.getShape().end());
    if (auto name = op.getName())
      constant->initializers.push_back(name->str());
    constant->recipe = order;
    variant->constants.push_back(std::move(constant));

    auto value = std::make_unique<schema::ValueT>();
    value->kind = schema::ValueKind::Constant;
    value->index = variant->constants.size() - 1;
    value->size = exprs.get(context, bytes.size());
    value->type = elementTypeOf(type.getElementType());
    if (!recipe)
      for (int64_t d : type.getShape())
        value->dims.push_back(exprs.get(context, d));
    variant->values.push_back(std::move(value));
    return it->second = variant->values.size() - 1;
  }

  void launch(graph::KernelOp kernel) {
    const KernelLaunch &how = kernels.launches.find(kernel)->second;
    const KernelCode &code = kernels.codes[how.code];
    auto launch = std::make_unique<schema::LaunchT>();
    DimExpr bytes = DimExpr::constant(context, 0);
    for (auto [i, operand] : llvm::enumerate(kernel->getOperands())) {
      const PackRecipe *recipe = nullptr;
      for (const PackRecipe &r : code.packed)
        if (r.operand == i)
          recipe = &r;
      launch->buffers.push_back(
          recipe ? constantValue(operand.getDefiningOp<graph::ConstantOp>(),
                                 recipe)
                 : valueOf(operand));
      bytes = bytes + bytesOf(tensorOf(operand));
    }
    launch->first_output = launch->buffers.size();
    for (Value result : kernel->getResults()) {
      auto output = outputs.find(result);
      uint32_t index =
          output == outputs.end()
              ? newValue(result, schema::ValueKind::Temp)
              : newValue(result, schema::ValueKind::Output,
                         main.getNumArguments() + output->second);
      values[result] = index;
      launch->buffers.push_back(index);
      bytes = bytes + bytesOf(tensorOf(result));
    }
    for (DimExpr scalar : code.scalars)
      launch->scalars.push_back(exprs.get(how.translate(scalar)));
    auto choice = std::make_unique<schema::LaunchChoiceT>();
    choice->kernel = how.code;
    choice->tasks = exprs.get(how.translate(code.tasks));
    choice->grain = exprs.get(context, code.grain);
    choice->scratch = exprs.get(how.translate(code.scratchBytes));
    launch->choices.push_back(std::move(choice));
    launch->flops = exprs.get(how.translate(code.flops));
    launch->bytes = exprs.get(bytes);
    schema::OperationUnion operation;
    operation.Set(std::move(*launch));
    addInstruction(std::move(operation), kernel);
  }

  void addInstruction(schema::OperationUnion operation, Operation *op) {
    auto instruction = std::make_unique<schema::InstructionT>();
    instruction->operation = std::move(operation);
    if (auto nodes = op->getAttrOfType<ArrayAttr>("graph.nodes"))
      for (Attribute name : nodes)
        instruction->nodes.push_back(cast<StringAttr>(name).getValue().str());
    variant->instructions.push_back(std::move(instruction));
  }

  void finish(Operation *ret) {
    for (auto [i, v] : llvm::enumerate(ret->getOperands())) {
      Value base = v;
      while (Operation *op = base.getDefiningOp()) {
        if (!graph::isAlias(op))
          break;
        base = op->getOperand(0);
      }
      auto chosen = outputs.find(base);
      if (chosen != outputs.end() && chosen->second == i)
        continue; // written in place
      schema::CopyT copy;
      copy.source = valueOf(v);
      copy.target = newValue(v, schema::ValueKind::Output,
                             main.getNumArguments() + i);
      schema::OperationUnion operation;
      operation.Set(std::move(copy));
      addInstruction(std::move(operation), ret);
    }
  }

  func::FuncOp main;
  const LoweredKernels &kernels;
  BuiltEngine &built;
  HostExprs exprs;
  MLIRContext *context;
  std::unique_ptr<schema::VariantT> variant;
  std::vector<uint64_t> hashes;
  DenseMap<Value, uint32_t> values;
  llvm::DenseMap<Value, unsigned> outputs;
  std::map<std::pair<const void *, std::string>, uint32_t> constants;
};

} // namespace

LogicalResult beginEngine(func::FuncOp main, StringRef model,
                          BuiltEngine &built) {
  schema::EngineT &engine = built.engine;
  engine.builder = "tenon " TENON_VERSION;
  engine.model = model.str();
  if (auto symbols = main->getAttrOfType<ArrayAttr>("graph.symbols"))
    for (Attribute attr : symbols) {
      auto dict = cast<DictionaryAttr>(attr);
      auto symbol = std::make_unique<schema::SymbolT>();
      symbol->name = dict.getAs<StringAttr>("name").getValue().str();
      symbol->binding = dict.getAs<IntegerAttr>("input").getInt();
      symbol->dim = dict.getAs<IntegerAttr>("dim").getInt();
      engine.symbols.push_back(std::move(symbol));
    }
  HostExprs exprs(engine);
  auto bind = [&](Type type, DictionaryAttr attrs, schema::BindingKind kind) {
    auto binding = std::make_unique<schema::BindingT>();
    auto tensor = cast<RankedTensorType>(type);
    binding->name = nameOf(attrs);
    binding->kind = kind;
    binding->type = elementTypeOf(tensor.getElementType());
    for (DimExpr d : graph::dimsOf(tensor))
      binding->dims.push_back(exprs.get(d));
    engine.bindings.push_back(std::move(binding));
  };
  for (unsigned i = 0; i < main.getNumArguments(); ++i)
    bind(main.getArgument(i).getType(), main.getArgAttrDict(i),
         schema::BindingKind::Input);
  for (unsigned i = 0; i < main.getNumResults(); ++i)
    bind(main.getResultTypes()[i], main.getResultAttrDict(i),
         schema::BindingKind::Output);
  if (auto list = main->getAttrOfType<ArrayAttr>("graph.constraints"))
    for (Attribute attr : list) {
      auto rule = cast<graph::ConstraintAttr>(attr);
      auto constraint = std::make_unique<schema::ConstraintT>();
      constraint->kind = schema::ConstraintKind::Equal;
      constraint->lhs = exprs.get(DimExpr(rule.getLhs()));
      constraint->rhs = exprs.get(DimExpr(rule.getRhs()));
      constraint->text = rule.getText().getValue().str();
      engine.constraints.push_back(std::move(constraint));
    }
  return success();
}

LogicalResult addCpuVariant(func::FuncOp main, StringRef isa,
                            const LoweredKernels &kernels,
                            ArrayRef<char> codeObject, BuiltEngine &built) {
  built.storage.emplace_back(codeObject.begin(), codeObject.end());
  VariantBuilder builder(main, kernels, built);
  built.engine.variants.push_back(
      builder.build(isa, built.storage.back()));
  return success();
}

} // namespace mlir::tenon
