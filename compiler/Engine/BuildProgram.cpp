//===- BuildProgram.cpp - From a function of kernels to a program ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// One walk over the function: each op's result becomes a value of the program,
// each kernel a launch. A result of @main that a kernel makes is written
// straight into the caller's memory; any other (an argument, a constant, a
// value returned twice) is copied there.
//
//   func.func @main(%x)                engine.program @"x86-64-v3" ... {
//     %y = graph.kernel "conv"(%x)       engine.kernel @k0_conv ... { code }
//     return %y                  ==>     %0 = engine.input "x" ...
//                                        %1 = engine.output "y" ...
//                                        engine.launch @k0_conv ins(%0)
//                                        outs(%1)
//
// Tests: test/compiler/Engine/build-program.mlir.
//
//===----------------------------------------------------------------------===//

#include "compiler/Engine/BuildProgram.h"
#include "compiler/Conversion/LowerKernels.h"
#include "compiler/Graph/FuseKernels.h"
#include <map>

namespace mlir::tenon {

using engine::TensorAttr;
using graph::DimExpr;
using graph::DimExprAttr;

namespace {

RankedTensorType tensorOf(Value v) {
  return cast<RankedTensorType>(v.getType());
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

TensorAttr describe(RankedTensorType type) {
  SmallVector<DimExprAttr> dims;
  for (DimExpr dim : graph::dimsOf(type))
    dims.push_back(dim);
  return TensorAttr::get(type.getContext(), type.getElementType(), dims);
}

StringAttr nameOf(DictionaryAttr attrs, MLIRContext *context) {
  if (attrs)
    if (auto name = attrs.getAs<StringAttr>("graph.name"))
      return name;
  return StringAttr::get(context, "");
}

/// `value` without the aliases that were laid over it.
Value withoutAliases(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!graph::isAlias(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

class ProgramBuilder {
public:
  ProgramBuilder(func::FuncOp main, LoweredKernels &kernels,
                 engine::ProgramOp program, ProgramRecord &record)
      : main(main), kernels(kernels), record(record), b(main.getContext()),
        valueBuilder(main.getContext()),
        bufferType(engine::BufferType::get(main.getContext())),
        block(&program.getBody().front()) {}

  void build() {
    b.setInsertionPointToEnd(block);
    addKernels();
    // All values come first, then all instructions: these gather in a block of
    // their own until all values are there.
    Block instructions;
    valueBuilder.setInsertionPointToEnd(block);
    b.setInsertionPointToEnd(&instructions);
    for (BlockArgument argument : main.getArguments())
      values[argument] = engine::InputOp::create(
          valueBuilder, main.getLoc(), bufferType,
          nameOf(main.getArgAttrDict(argument.getArgNumber()), b.getContext()),
          bytesOf(tensorOf(argument)), describe(tensorOf(argument)));
    chooseOutputs();
    for (Operation &op : main.getBody().front())
      visit(&op);
    block->getOperations().splice(block->end(), instructions.getOperations());
  }

private:
  DimExprAttr constant(int64_t value) {
    return DimExpr::constant(b.getContext(), value);
  }

  void addKernels() {
    for (BuiltKernel &built : kernels.kernels) {
      record.kernels.push_back({built.candidates, built.chosen, built.pinned});
      for (KernelStep &step : built.steps)
        for (KernelCode &code : step.choices) {
          if (code.cost)
            record.costs[code.name] = *code.cost;
          engine::EntryAttr entry;
          if (!code.grid.empty())
            entry = engine::EntryAttr::get(b.getContext(), code.block,
                                           code.sharedBytes, code.mayFault);
          auto kernel =
              engine::KernelOp::create(b, code.module->getLoc(), code.name,
                                       code.family, code.schedule, entry);
          if (entry)
            markEntry(code);
          kernel.getBody().emplaceBlock().push_back(code.module.release());
        }
    }
  }

  void markEntry(KernelCode &code) {
    SmallVector<int32_t> block(code.block.begin(), code.block.end());
    if (auto function = code.module->lookupSymbol<func::FuncOp>(code.name))
      function->setAttr(kEntryAttr, b.getDenseI32ArrayAttr(block));
  }

  /// Results of @main that a kernel can write in place.
  void chooseOutputs() {
    Operation *ret = main.getBody().front().getTerminator();
    for (auto [i, v] : llvm::enumerate(ret->getOperands())) {
      Value base = withoutAliases(v);
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
    if (graph::isAlias(op)) {
      // The base comes first in the list: it may be a constant not yet there.
      Value base = valueOf(op->getOperand(0));
      RankedTensorType type = tensorOf(op->getResult(0));
      values[op->getResult(0)] =
          engine::AliasOp::create(valueBuilder, op->getLoc(), bufferType, base,
                                  constant(0), bytesOf(type), describe(type));
    }
    // Constants: when they are used.
  }

  Value valueOf(Value v) {
    auto it = values.find(v);
    if (it != values.end())
      return it->second;
    Value value = constantValue(v.getDefiningOp<graph::ConstantOp>(), nullptr);
    values[v] = value;
    return value;
  }

  /// A constant as it is, or in the order of `recipe`.
  Value constantValue(graph::ConstantOp op, const PackRecipe *recipe) {
    std::string order = recipe ? recipe->str() : "";
    Value &value = constants[{op.getValue().getAsOpaquePointer(), order}];
    if (value)
      return value;
    auto type = cast<RankedTensorType>(op.getValue().getShapedType());
    SmallVector<StringRef> initializers;
    if (auto name = op.getName())
      initializers.push_back(*name);
    int64_t bytes = elementBytes(type.getElementType()) *
                    (recipe ? packedElements(*recipe, type.getShape())
                            : type.getNumElements());
    return value = engine::ConstantOp::create(
               valueBuilder, op.getLoc(), bufferType,
               b.getStrArrayAttr(initializers),
               recipe ? b.getStringAttr(order) : StringAttr(), constant(bytes),
               describe(type), op.getValue());
  }

  Value resultValue(Value result) {
    RankedTensorType type = tensorOf(result);
    auto output = outputs.find(result);
    if (output != outputs.end())
      return outputValue(output->second, result);
    return engine::TempOp::create(valueBuilder, result.getLoc(), bufferType,
                                  bytesOf(type), describe(type));
  }

  Value outputValue(unsigned index, Value v) {
    RankedTensorType type = tensorOf(v);
    return engine::OutputOp::create(
        valueBuilder, v.getLoc(), bufferType,
        nameOf(main.getResultAttrDict(index), b.getContext()), bytesOf(type),
        describe(type));
  }

  void launch(graph::KernelOp kernel) {
    const KernelLaunch &how = kernels.launches.find(kernel)->second;
    const BuiltKernel &built = kernels.kernels[how.kernel];
    // Operands, results and workspaces by number, and the bytes of each.
    SmallVector<Value> buffers;
    SmallVector<DimExpr> bytes;
    ArrayRef<PackRecipe> packed = built.steps.front().choices.front().packed;
    for (auto [i, operand] : llvm::enumerate(kernel->getOperands())) {
      auto recipe = llvm::find_if(
          packed, [&](const PackRecipe &r) { return r.operand == i; });
      buffers.push_back(
          recipe == packed.end()
              ? valueOf(operand)
              : constantValue(operand.getDefiningOp<graph::ConstantOp>(),
                              recipe));
      bytes.push_back(bytesOf(tensorOf(operand)));
    }
    for (Value result : kernel->getResults()) {
      buffers.push_back(values[result] = resultValue(result));
      bytes.push_back(bytesOf(tensorOf(result)));
    }
    for (DimExpr size : built.workspaceBytes) {
      DimExprAttr own = how.translate(size);
      auto type =
          TensorAttr::get(b.getContext(), b.getIntegerType(8, false), {own});
      buffers.push_back(engine::TempOp::create(valueBuilder, kernel.getLoc(),
                                               bufferType, own, type));
      bytes.push_back(own);
    }
    for (auto [i, step] : llvm::enumerate(built.steps))
      record.launches.push_back(
          {launch(kernel, how, step, buffers, bytes), how.kernel, unsigned(i)});
  }

  engine::LaunchOp launch(graph::KernelOp kernel, const KernelLaunch &how,
                          const KernelStep &step, ArrayRef<Value> buffers,
                          ArrayRef<DimExpr> bytes) {
    SmallVector<Value> ins, outs;
    DimExpr moved = DimExpr::constant(b.getContext(), 0);
    for (unsigned i : step.ins) {
      ins.push_back(buffers[i]);
      moved = moved + bytes[i];
    }
    for (unsigned i : step.outs) {
      outs.push_back(buffers[i]);
      moved = moved + bytes[i];
    }
    SmallVector<Attribute> choices;
    for (const KernelCode &code : step.choices) {
      SmallVector<DimExprAttr> grid;
      for (DimExpr size : code.grid)
        grid.push_back(how.translate(size));
      choices.push_back(engine::ChoiceAttr::get(
          b.getContext(), FlatSymbolRefAttr::get(b.getContext(), code.name),
          code.guard ? DimExprAttr(how.translate(code.guard)) : DimExprAttr(),
          how.translate(code.tasks), constant(code.grain),
          how.translate(code.scratchBytes), grid));
    }
    // Each choice takes the first so many of the last one's scalars.
    SmallVector<Attribute> scalars;
    for (DimExpr scalar : step.choices.back().scalars)
      scalars.push_back(how.translate(scalar).getAttr());
    return engine::LaunchOp::create(b, kernel.getLoc(), b.getArrayAttr(choices),
                                    ins, outs, b.getArrayAttr(scalars),
                                    how.translate(step.choices.front().flops),
                                    moved, nodesOf(kernel));
  }

  ArrayAttr nodesOf(Operation *op) {
    auto nodes = op->getAttrOfType<ArrayAttr>("graph.nodes");
    return nodes ? nodes : b.getArrayAttr({});
  }

  void finish(Operation *ret) {
    for (auto [i, v] : llvm::enumerate(ret->getOperands())) {
      auto chosen = outputs.find(withoutAliases(v));
      if (chosen != outputs.end() && chosen->second == i)
        continue; // written in place
      Value source = valueOf(v);
      engine::CopyOp::create(b, ret->getLoc(), source, outputValue(i, v),
                             bytesOf(tensorOf(v)), nodesOf(ret));
    }
  }

  func::FuncOp main;
  LoweredKernels &kernels;
  ProgramRecord &record;
  OpBuilder b, valueBuilder; // of instructions, of values
  Type bufferType;
  Block *block;
  DenseMap<Value, Value> values;
  llvm::DenseMap<Value, unsigned> outputs; // results of @main by kernel result
  std::map<std::pair<const void *, std::string>, Value> constants;
};

} // namespace

void buildInterface(func::FuncOp main, StringRef model, ModuleOp engine) {
  MLIRContext *context = main.getContext();
  OpBuilder b(context);
  b.setInsertionPointToEnd(engine.getBody());
  engine->setAttr(kModelAttr, b.getStringAttr(model));
  SmallVector<StringAttr> inputs;
  for (unsigned i = 0; i < main.getNumArguments(); ++i)
    inputs.push_back(nameOf(main.getArgAttrDict(i), context));
  if (auto symbols = main->getAttrOfType<ArrayAttr>("graph.symbols"))
    for (Attribute attr : symbols) {
      auto symbol = cast<DictionaryAttr>(attr);
      auto input = symbol.getAs<IntegerAttr>("input").getInt();
      engine::SymbolOp::create(
          b, main.getLoc(), symbol.getAs<StringAttr>("name"), inputs[input],
          b.getI64IntegerAttr(symbol.getAs<IntegerAttr>("dim").getInt()),
          IntegerAttr(), IntegerAttr());
    }
  for (auto [name, type] : llvm::zip(inputs, main.getArgumentTypes()))
    engine::BindingOp::create(b, main.getLoc(), engine::BindingKind::input,
                              name, describe(cast<RankedTensorType>(type)),
                              StringAttr());
  for (auto [i, type] : llvm::enumerate(main.getResultTypes()))
    engine::BindingOp::create(b, main.getLoc(), engine::BindingKind::output,
                              nameOf(main.getResultAttrDict(i), context),
                              describe(cast<RankedTensorType>(type)),
                              StringAttr());
  if (auto list = main->getAttrOfType<ArrayAttr>("graph.constraints"))
    for (Attribute attr : list) {
      auto rule = cast<graph::ConstraintAttr>(attr);
      engine::ConstraintOp::create(b, main.getLoc(), rule.getLhs(),
                                   engine::Rule::equal, rule.getRhs(),
                                   rule.getText());
    }
}

FailureOr<engine::ProgramOp> buildProgram(func::FuncOp main,
                                          const ProgramTarget &target,
                                          ModuleOp engine,
                                          ProgramRecord *record) {
  auto kernels = lowerKernels(main, target.kernels);
  if (failed(kernels))
    return failure();
  OpBuilder b(main.getContext());
  b.setInsertionPointToEnd(engine.getBody());
  SmallVector<StringRef> features(target.features.begin(),
                                  target.features.end());
  auto program = engine::ProgramOp::create(
      b, main.getLoc(), target.name, target.kind, target.arch,
      features.empty() ? ArrayAttr() : b.getStrArrayAttr(features),
      target.compiledFor.empty() ? StringAttr()
                                 : b.getStringAttr(target.compiledFor));
  program.getBody().emplaceBlock();
  ProgramRecord unread;
  if (!record)
    record = &unread;
  record->sizes = TypicalSizes(main);
  ProgramBuilder(main, *kernels, program, *record).build();
  return program;
}

} // namespace mlir::tenon
