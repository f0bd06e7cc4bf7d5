//===- EngineBuilder.cpp - From the engine dialect to an engine file ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Ops become records in the order in which they stand. The file wants each
// block of instructions as a range, and a block after the one that runs it, so
// branches and loops are queued while their block is written:
//
//   main: [0] launch [1] if ── then: [2] copy
//                          └─ else: [3] fill
//
// Tests: test/unit/runtime (the file), test/tools/tenon-inspect/program.test
// (both texts of a program agree).
//
//===----------------------------------------------------------------------===//

#include "compiler/Target/EngineFile/EngineBuilder.h"
#include "compiler/Engine/BuildProgram.h"
#include "compiler/Target/EngineFile/ConstantData.h"
#include "compiler/Target/EngineFile/HostExprs.h"
#include "kernels/Family.h"
#include "runtime/include/tenon/kernel_abi.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/xxhash.h"
#include <map>

namespace mlir::tenon {

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

std::vector<std::string> textsOf(ArrayAttr list) {
  std::vector<std::string> texts;
  for (Attribute text : list)
    texts.push_back(cast<StringAttr>(text).getValue().str());
  return texts;
}

/// The file's constants, each once.
class BlobWriter {
public:
  explicit BlobWriter(BuiltEngine &built) : built(built) {}

  int add(ArrayRef<char> bytes, uint32_t alignment) {
    uint64_t hash = llvm::xxh3_64bits(ArrayRef<uint8_t>(
        reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()));
    for (auto [i, blob] : llvm::enumerate(built.blobs))
      if (blob.size == bytes.size() && hashes[i] == hash &&
          blob.alignment == alignment &&
          !std::memcmp(blob.data, bytes.data(), bytes.size()))
        return i;
    hashes.push_back(hash);
    built.blobs.push_back({bytes.data(), bytes.size(), alignment});
    return built.blobs.size() - 1;
  }

  /// The same for bytes that nobody else keeps.
  int addOwned(ArrayRef<char> bytes, uint32_t alignment) {
    built.storage.emplace_back(bytes.begin(), bytes.end());
    size_t before = built.blobs.size();
    int index = add(built.storage.back(), alignment);
    if (built.blobs.size() == before)
      built.storage.pop_back(); // there already
    return index;
  }

private:
  BuiltEngine &built;
  std::vector<uint64_t> hashes;
};

/// What the parts of a file name by index. An input and an output may have the
/// same name.
struct Names {
  std::map<std::pair<engine::BindingKind, StringRef>, unsigned> bindings;
  llvm::StringMap<unsigned> symbols;

  int bindingOf(engine::BindingKind kind, StringRef name) const {
    return bindings.find({kind, name})->second;
  }
};

class VariantWriter {
public:
  VariantWriter(BlobWriter &blobs, HostExprs &exprs, const Names &names)
      : blobs(blobs), exprs(exprs), names(names),
        variant(std::make_unique<schema::VariantT>()) {}

  FailureOr<std::unique_ptr<schema::VariantT>> write(const ProgramCode &code) {
    engine::ProgramOp program = code.program;
    variant->target = std::make_unique<schema::TargetT>();
    entries = code.entries;
    if (program.getKind() == engine::TargetKind::cuda) {
      int capability = 0;
      if (program.getArch().drop_front(3).getAsInteger(10, capability))
        return program.emitOpError()
               << "has an unknown architecture '" << program.getArch() << "'";
      variant->target->kind = schema::TargetKind::Cuda;
      variant->target->compute_capability = capability;
    } else {
      variant->target->kind = schema::TargetKind::Cpu;
      variant->target->isa = program.getArch().str();
    }
    if (ArrayAttr features = program.getFeaturesAttr())
      variant->target->features = textsOf(features);
    variant->target->compiled_for = program.getCompiledFor().value_or("").str();
    variant->kernel_abi = TENON_KERNEL_ABI_VERSION;
    if (!code.object.empty())
      variant->code = blobs.addOwned(code.object, 4096);
    Block &body = program.getBody().front();
    for (Operation &op : body)
      if (failed(writeDefinition(&op)))
        return failure();
    variant->main_block = newBlock(body);
    for (auto init : body.getOps<engine::InitOp>())
      variant->init_block = newBlock(init.getBody().front());
    // Grows while it is walked.
    for (size_t i = 0; i < pending.size(); ++i)
      writeBlock(i);
    return std::move(variant);
  }

private:
  //===--------------------------------------------------------------------===//
  // Kernels and values
  //===--------------------------------------------------------------------===//

  LogicalResult writeDefinition(Operation *op) {
    return TypeSwitch<Operation *, LogicalResult>(op)
        .Case([&](engine::KernelOp kernel) {
          auto record = std::make_unique<schema::KernelT>();
          record->symbol = record->name = kernel.getSymName().str();
          record->family = kernel.getFamily().str();
          record->schedule = kernel.getSchedule().str();
          if (auto entry = kernel.getEntry())
            record->cuda =
                entryRecord(*entry, entries[variant->kernels.size()]);
          kernels[kernel.getSymNameAttr()] = variant->kernels.size();
          variant->kernels.push_back(std::move(record));
          return success();
        })
        .Case([&](engine::InputOp input) {
          return bound(input, schema::ValueKind::Input,
                       engine::BindingKind::input);
        })
        .Case([&](engine::OutputOp output) {
          return bound(output, schema::ValueKind::Output,
                       engine::BindingKind::output);
        })
        .Case([&](engine::StateOp state) {
          return bound(state, schema::ValueKind::State,
                       engine::BindingKind::state);
        })
        .Case([&](engine::TempOp temp) {
          newValue(temp, schema::ValueKind::Temp);
          return success();
        })
        .Case([&](engine::AliasOp alias) {
          schema::ValueT &value = newValue(alias, schema::ValueKind::Alias);
          value.base = values.lookup(alias.getBase());
          value.offset = exprs.get(alias.getOffset());
          return success();
        })
        .Case([&](engine::ConstantOp constant) { return write(constant); })
        .Default([](Operation *) { return success(); });
  }

  /// How an entry of a GPU is launched, and its code: the cubin first.
  std::unique_ptr<schema::CudaKernelT> entryRecord(engine::EntryAttr entry,
                                                   const CudaKernelCode &code) {
    auto record = std::make_unique<schema::CudaKernelT>();
    record->block_x = entry.getBlock()[0];
    record->block_y = entry.getBlock()[1];
    record->block_z = entry.getBlock()[2];
    record->shared = entry.getShared();
    record->may_fault = entry.getMayFault();
    record->registers = code.assembled.registers;
    auto add = [&](schema::CudaImageKind kind, ArrayRef<char> bytes,
                   std::string tool) {
      auto image = std::make_unique<schema::CudaImageT>();
      image->kind = kind;
      image->compute_capability = variant->target->compute_capability;
      image->blob = blobs.addOwned(bytes, 64);
      image->tool = std::move(tool);
      record->images.push_back(std::move(image));
    };
    if (!code.assembled.cubin.empty())
      add(schema::CudaImageKind::Cubin, code.assembled.cubin,
          code.assembled.tool);
    add(schema::CudaImageKind::Ptx, ArrayRef(code.ptx.data(), code.ptx.size()),
        "");
    return record;
  }

  template <typename Op>
  schema::ValueT &newValue(Op op, schema::ValueKind kind) {
    auto value = std::make_unique<schema::ValueT>();
    value->kind = kind;
    value->size = exprs.get(op.getSize());
    value->type = elementTypeOf(op.getTensor().getElementType());
    for (graph::DimExprAttr dim : op.getTensor().getDims())
      value->dims.push_back(exprs.get(dim));
    values[op.getResult()] = variant->values.size();
    variant->values.push_back(std::move(value));
    return *variant->values.back();
  }

  template <typename Op>
  LogicalResult bound(Op op, schema::ValueKind kind,
                      engine::BindingKind binding) {
    newValue(op, kind).index = names.bindingOf(binding, op.getBinding());
    return success();
  }

  LogicalResult write(engine::ConstantOp op) {
    newValue(op, schema::ValueKind::Constant).index = variant->constants.size();
    auto constant = std::make_unique<schema::ConstantT>();
    constant->kind = schema::ConstantKind::Derived;
    constant->size = op.getSize().asConstant().value_or(0);
    if (ElementsAttr attr = op.getValueAttr()) {
      constant->kind = schema::ConstantKind::Raw;
      ConstantData data(attr);
      if (auto text = op.getRecipe()) {
        auto recipe = PackRecipe::parse(*text);
        if (!recipe)
          return op.emitOpError() << "unknown recipe '" << *text << "'";
        std::vector<float> packed =
            pack(*recipe, attr.getShapedType().getShape(), data.floats());
        constant->kind = schema::ConstantKind::Packed;
        constant->recipe = text->str();
        constant->blob = blobs.addOwned(
            ArrayRef(reinterpret_cast<const char *>(packed.data()),
                     packed.size() * sizeof(float)),
            64);
        constant->size = packed.size() * sizeof(float);
      } else {
        ArrayRef<char> bytes = data.bytes();
        constant->blob = isa<DenseResourceElementsAttr>(attr)
                             ? blobs.add(bytes, 64)
                             : blobs.addOwned(bytes, 64);
        constant->size = bytes.size();
      }
      if (op.getSize() !=
          graph::DimExpr::constant(op.getContext(), int64_t(constant->size)))
        return op.emitOpError() << "expected a size of " << constant->size
                                << " bytes, got " << op.getSize().str();
    }
    constant->type = elementTypeOf(op.getTensor().getElementType());
    for (graph::DimExprAttr dim : op.getTensor().getDims())
      constant->dims.push_back(graph::DimExpr(dim).asConstant().value_or(0));
    constant->initializers = textsOf(op.getInitializers());
    variant->constants.push_back(std::move(constant));
    return success();
  }

  //===--------------------------------------------------------------------===//
  // Instructions
  //===--------------------------------------------------------------------===//

  /// Reserves the next block and queues it.
  int newBlock(Block &block) {
    pending.push_back(&block);
    variant->blocks.push_back(schema::Block(0, 0));
    return variant->blocks.size() - 1;
  }

  void writeBlock(size_t index) {
    uint32_t first = variant->instructions.size();
    for (Operation &op : *pending[index])
      writeInstruction(&op);
    variant->blocks[index] =
        schema::Block(first, variant->instructions.size() - first);
  }

  void writeInstruction(Operation *op) {
    schema::OperationUnion operation;
    TypeSwitch<Operation *>(op)
        .Case([&](engine::LaunchOp launch) { operation.Set(record(launch)); })
        .Case([&](engine::CopyOp copy) {
          schema::CopyT record;
          record.source = values.lookup(copy.getSource());
          record.target = values.lookup(copy.getTarget());
          record.size = exprs.get(copy.getSize());
          operation.Set(std::move(record));
        })
        .Case([&](engine::FillOp fill) {
          schema::FillT record;
          record.target = values.lookup(fill.getTarget());
          record.byte = fill.getByte();
          operation.Set(std::move(record));
        })
        .Case([&](engine::ReadBackOp read) {
          schema::ReadBackT record;
          record.value = values.lookup(read.getSource());
          record.type = elementTypeOf(read.getType());
          record.index = exprs.get(read.getIndex());
          record.symbol = names.symbols.lookup(read.getSymbol());
          operation.Set(std::move(record));
        })
        .Case([&](engine::SetOp set) {
          schema::SetSymbolT record;
          record.symbol = names.symbols.lookup(set.getSymbol());
          record.expr = exprs.get(set.getExpr());
          operation.Set(std::move(record));
        })
        .Case([&](engine::IfOp branch) {
          schema::IfT record;
          record.condition = exprs.get(branch.getCondition());
          record.then_block = newBlock(branch.getThenRegion().front());
          if (!branch.getElseRegion().empty())
            record.else_block = newBlock(branch.getElseRegion().front());
          operation.Set(std::move(record));
        })
        .Case([&](engine::WhileOp loop) {
          schema::WhileT record;
          record.condition = exprs.get(loop.getCondition());
          record.condition_block = newBlock(loop.getBefore().front());
          record.body_block = newBlock(loop.getBody().front());
          operation.Set(std::move(record));
        });
    if (operation.type == schema::Operation::NONE)
      return; // a definition
    auto instruction = std::make_unique<schema::InstructionT>();
    instruction->operation = std::move(operation);
    instruction->nodes = textsOf(op->getAttrOfType<ArrayAttr>("nodes"));
    variant->instructions.push_back(std::move(instruction));
  }

  schema::LaunchT record(engine::LaunchOp launch) {
    schema::LaunchT record;
    for (Attribute attr : launch.getChoices()) {
      auto choice = cast<engine::ChoiceAttr>(attr);
      auto way = std::make_unique<schema::LaunchChoiceT>();
      way->kernel = kernels.lookup(choice.getKernel().getAttr());
      if (choice.getGuard())
        way->guard = exprs.get(choice.getGuard());
      way->tasks = exprs.get(choice.getTasks());
      way->grain = exprs.get(choice.getGrain());
      way->scratch = exprs.get(choice.getScratch());
      for (graph::DimExprAttr size : choice.getGrid())
        way->grid.push_back(exprs.get(size));
      record.choices.push_back(std::move(way));
    }
    for (Value buffer : launch.getIns())
      record.buffers.push_back(values.lookup(buffer));
    record.first_output = record.buffers.size();
    for (Value buffer : launch.getOuts())
      record.buffers.push_back(values.lookup(buffer));
    for (Attribute scalar : launch.getScalars())
      record.scalars.push_back(exprs.get(cast<graph::DimExprAttr>(scalar)));
    record.flops = exprs.get(launch.getFlops());
    record.bytes = exprs.get(launch.getBytes());
    return record;
  }

  BlobWriter &blobs;
  HostExprs &exprs;
  const Names &names;
  std::unique_ptr<schema::VariantT> variant;
  DenseMap<Value, uint32_t> values;
  DenseMap<StringAttr, uint32_t> kernels;
  std::vector<Block *> pending;     // the blocks, by index
  ArrayRef<CudaKernelCode> entries; // code of the kernels, on CUDA
};

/// Numbers the bindings and writes the symbols.
void writeSymbols(ModuleOp module, schema::EngineT &file, Names &names) {
  for (auto binding : module.getOps<engine::BindingOp>())
    names.bindings.try_emplace({binding.getKind(), binding.getName()},
                               names.bindings.size());
  for (auto op : module.getOps<engine::SymbolOp>()) {
    auto symbol = std::make_unique<schema::SymbolT>();
    symbol->name = op.getName().str();
    if (op.getInput()) {
      symbol->binding =
          names.bindingOf(engine::BindingKind::input, *op.getInput());
      symbol->dim = *op.getDim();
    }
    if (op.getMin())
      symbol->min = *op.getMin();
    if (op.getMax())
      symbol->max = *op.getMax();
    names.symbols.try_emplace(op.getName(), file.symbols.size());
    file.symbols.push_back(std::move(symbol));
  }
}

void writeInterface(ModuleOp module, const Names &names, HostExprs &exprs,
                    schema::EngineT &file) {
  for (auto op : module.getOps<engine::BindingOp>()) {
    auto binding = std::make_unique<schema::BindingT>();
    binding->name = op.getName().str();
    binding->kind = static_cast<schema::BindingKind>(op.getKind());
    binding->type = elementTypeOf(op.getTensor().getElementType());
    for (graph::DimExprAttr dim : op.getTensor().getDims())
      binding->dims.push_back(exprs.get(dim));
    if (auto alias = op.getAlias())
      for (auto kind : {engine::BindingKind::input, engine::BindingKind::state})
        if (names.bindings.count({kind, *alias}))
          binding->alias = names.bindingOf(kind, *alias);
    file.bindings.push_back(std::move(binding));
  }
  for (auto op : module.getOps<engine::ConstraintOp>()) {
    auto constraint = std::make_unique<schema::ConstraintT>();
    constraint->kind = static_cast<schema::ConstraintKind>(op.getRule());
    constraint->lhs = exprs.get(op.getLhs());
    constraint->rhs = exprs.get(op.getRhs());
    constraint->text = op.getText().str();
    file.constraints.push_back(std::move(constraint));
  }
}

} // namespace

LogicalResult buildEngine(ModuleOp module, ArrayRef<ProgramCode> programs,
                          BuiltEngine &built) {
  schema::EngineT &file = built.engine;
  file.builder = "tenon " TENON_VERSION;
  if (auto model = module->getAttrOfType<StringAttr>(kModelAttr))
    file.model = model.getValue().str();
  Names names;
  writeSymbols(module, file, names);
  HostExprs exprs(file);
  writeInterface(module, names, exprs, file);
  BlobWriter blobs(built);
  for (const ProgramCode &code : programs) {
    auto variant = VariantWriter(blobs, exprs, names).write(code);
    if (failed(variant))
      return failure();
    file.variants.push_back(std::move(*variant));
  }
  return success();
}

} // namespace mlir::tenon
