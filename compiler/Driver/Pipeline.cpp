//===- Pipeline.cpp - The stages of a compilation -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Pipeline.h"
#include "compiler/Engine/Passes.h"
#include "compiler/Graph/Passes.h"
#include "compiler/Target/CPU/CodeObject.h"
#include "compiler/Target/CPU/LowerKernel.h"
#include "compiler/Target/CUDA/CudaCode.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

namespace mlir::tenon {

func::FuncOp mainOf(ModuleOp module) {
  return module.lookupSymbol<func::FuncOp>("main");
}

LogicalResult checkElementTypes(ModuleOp module) {
  auto isSupported = [](Type type) {
    Type element = getElementTypeOrSelf(type);
    if (auto real = dyn_cast<FloatType>(element))
      return real.isF16() || real.isBF16() || real.isF32() || real.isF64();
    auto integer = dyn_cast<IntegerType>(element);
    return integer &&
           llvm::is_contained({1u, 8u, 16u, 32u, 64u}, integer.getWidth());
  };
  func::FuncOp main = mainOf(module);
  bool fine = true;
  auto check = [&](Type type, Location loc) {
    if (isSupported(type))
      return;
    fine = false;
    emitError(loc) << "element type " << getElementTypeOrSelf(type)
                   << " is not in this version, expected bool, f16, bf16, "
                      "f32, f64 or an integer of 8 to 64 bits";
  };
  for (BlockArgument argument : main.getArguments())
    check(argument.getType(), main.getLoc());
  for (Operation &op : main.getBody().front())
    for (Type type : op.getResultTypes())
      check(type, op.getLoc());
  return success(fine);
}

static void buildGraphStage(OpPassManager &pm) {
  pm.addPass(graph::createWidenFloatsPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(graph::createRecoverPatternsPass());
  pm.addPass(graph::createCanonicalizeMovementPass());
  pm.addPass(graph::createFoldAffinePass());
  pm.addPass(graph::createRecoverPatternsPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

std::optional<Target> lookupTarget(StringRef name) {
  if (name.consume_front("cuda:")) {
    if (const CudaTarget *target = lookupCudaTarget(name))
      return Target{*target};
  } else if (const CpuTarget *target = lookupCpuTarget(name)) {
    return Target{*target};
  }
  return std::nullopt;
}

ProgramTarget Target::program() const {
  if (cpu())
    return engine::programTarget(*cpu());
  ProgramTarget program = engine::programTarget(*cuda());
  program.kernels.device = device;
  return program;
}

static void buildLayoutStage(OpPassManager &pm, const Target &target,
                             const graph::Precision &precision) {
  if (target.cuda()) {
    pm.addPass(graph::createExpandAttentionPass());
    pm.addPass(createCanonicalizerPass());
    graph::LowerPrecisionPassOptions options;
    options.type = precision.type;
    options.tf32 = precision.tf32;
    options.nodes.assign(precision.nodes.begin(), precision.nodes.end());
    pm.addNestedPass<func::FuncOp>(graph::createLowerPrecisionPass(options));
    pm.addPass(graph::createExpandConvolutionsPass());
    return;
  }
  graph::AssignLayoutsPassOptions options;
  options.channelBlock = target.cpu()->lanes(32);
  pm.addNestedPass<func::FuncOp>(graph::createAssignLayoutsPass(options));
}

static void buildFuseStage(OpPassManager &pm) {
  pm.addNestedPass<func::FuncOp>(graph::createFuseKernelsPass());
  pm.addNestedPass<func::FuncOp>(graph::createMergeKernelsPass());
}

LogicalResult runGraphPasses(ModuleOp module) {
  PassManager pm(module.getContext());
  buildGraphStage(pm);
  return pm.run(module);
}

LogicalResult runLayoutPasses(ModuleOp module, const Target &target,
                              const graph::Precision &precision) {
  PassManager pm(module.getContext());
  buildLayoutStage(pm, target, precision);
  return pm.run(module);
}

LogicalResult runFusion(ModuleOp module) {
  PassManager pm(module.getContext());
  buildFuseStage(pm);
  return pm.run(module);
}

namespace {
/// What the stages that know of a target take.
struct TargetOptions : PassPipelineOptions<TargetOptions> {
  Option<std::string> cpu{*this, "cpu", llvm::cl::desc("ISA level"),
                          llvm::cl::init("x86-64-v3")};
  Option<std::string> cuda{
      *this, "cuda", llvm::cl::desc("CUDA architecture in place of a CPU")};

  Option<std::string> type{*this, "type",
                           llvm::cl::desc("f32, f16 or bf16, for CUDA")};
  Option<bool> tf32{*this, "tf32", llvm::cl::desc("TF32, for CUDA"),
                    llvm::cl::init(false)};
  ListOption<std::string> nodes{*this, "nodes",
                                llvm::cl::desc("NODE_PATTERN:TYPE, for CUDA")};

  graph::Precision precision() const {
    return {type, tf32, {nodes.begin(), nodes.end()}};
  }
  Target target() const {
    auto found =
        lookupTarget(cuda.empty() ? cpu.getValue() : "cuda:" + cuda.getValue());
    return found ? *found : Target{cpuTargets().front()};
  }
};
} // namespace

void registerStagePipelines() {
  // What --stop-after prints before a stage is what that stage takes.
  PassPipelineRegistration<>("stage-graph",
                             "Stage 'graph': canonical forms and patterns",
                             buildGraphStage);
  PassPipelineRegistration<>(
      "stage-fold", "Stage 'fold': compute what depends on constants alone",
      [](OpPassManager &pm) { pm.addPass(createFoldConstantsPass()); });
  PassPipelineRegistration<TargetOptions>(
      "stage-layout", "Stage 'layout': how tensors lie in memory",
      [](OpPassManager &pm, const TargetOptions &options) {
        buildLayoutStage(pm, options.target(), options.precision());
      });
  PassPipelineRegistration<>("stage-fuse", "Stage 'fuse': kernels",
                             buildFuseStage);
  PassPipelineRegistration<TargetOptions>(
      "stage-engine", "Stage 'engine': code of the kernels, and the program",
      [](OpPassManager &pm, const TargetOptions &options) {
        engine::BuildProgramPassOptions own;
        own.cpu = options.cpu;
        own.cuda = options.cuda;
        pm.addPass(engine::createBuildProgramPass(own));
      });
  PassPipelineRegistration<>("stage-llvm",
                             "Stage 'llvm': code in the LLVM dialect",
                             engine::buildLowerKernelsPipeline);
}

EngineModule beginEngine(ModuleOp module, StringRef model) {
  func::FuncOp main = mainOf(module);
  main.getContext()->loadDialect<engine::EngineDialect>();
  EngineModule engine{ModuleOp::create(main.getLoc()), {}};
  buildInterface(main, model, *engine.module);
  return engine;
}

LogicalResult addProgram(ModuleOp module, const Target &target,
                         const CompileContext &context, EngineModule &engine) {
  ProgramTarget program = target.program();
  program.kernels.schedules = context.schedules;
  VariantRecord &record = engine.records.emplace_back();
  record.precisions = graph::collectPrecisions(module);
  if (failed(buildProgram(mainOf(module), program, *engine.module, &record)))
    return failure();
  engine.targets.push_back(&target);
  return success();
}

static CodeObjectOptions codeOptions(const CompileContext &context) {
  CodeObjectOptions options;
  options.optLevel = context.optLevel;
  options.threads = context.threads;
  options.saveTemps = context.saveTemps;
  options.lineInfo = context.lineInfo;
  options.onInternalError = context.onInternalError;
  return options;
}

/// The nodes of the first launch of each function, and how many more launches
/// it has: equal kernels are built once.
static llvm::StringMap<std::string>
nodesOfFunctions(engine::ProgramOp program) {
  llvm::StringMap<std::pair<std::string, unsigned>> first;
  program.walk([&](engine::LaunchOp launch) {
    std::string nodes =
        llvm::join(llvm::map_range(launch.getNodes().getAsRange<StringAttr>(),
                                   [](StringAttr node) { return node.str(); }),
                   ", ");
    for (auto choice : launch.getChoices().getAsRange<engine::ChoiceAttr>()) {
      auto [it, isNew] =
          first.try_emplace(choice.getKernel().getValue(), nodes, 0);
      it->second.second += !isNew;
    }
  });
  llvm::StringMap<std::string> texts;
  for (auto &entry : first) {
    auto [nodes, more] = entry.second;
    if (more)
      nodes += " (first of " + std::to_string(more + 1) + " launches)";
    texts[entry.first()] = nodes;
  }
  return texts;
}

static SmallVector<KernelModule> kernelsOf(engine::ProgramOp program) {
  SmallVector<KernelModule> kernels;
  llvm::StringMap<std::string> nodes = nodesOfFunctions(program);
  for (auto kernel : program.getBody().front().getOps<engine::KernelOp>())
    kernels.push_back({kernel.getCode(), kernel.getSymName().str(),
                       nodes.lookup(kernel.getSymName())});
  return kernels;
}

LogicalResult lowerKernelCode(EngineModule &engine, CompileContext &context) {
  for (auto program : engine.module->getOps<engine::ProgramOp>())
    for (const KernelModule &kernel : kernelsOf(program)) {
      bool isCpu = program.getKind() == engine::TargetKind::cpu;
      if (isCpu ? failed(verifyKernelModule(kernel.module)) ||
                      failed(saveKernelModules(kernel, codeOptions(context)))
                : failed(saveTileModule(kernel, program.getSymName(),
                                        codeOptions(context))))
        return failure();
    }
  PassManager pm(engine.module->getContext());
  engine::buildLowerKernelsPipeline(pm);
  return pm.run(*engine.module);
}

LogicalResult buildEngine(EngineModule &engine, CompileContext &context,
                          BuiltEngine &built) {
  SmallVector<ProgramCode> programs;
  for (auto [program, target, record] :
       llvm::zip_equal(engine.module->getOps<engine::ProgramOp>(),
                       engine.targets, engine.records)) {
    programs.push_back({program, {}, {}});
    SmallVector<KernelModule> kernels = kernelsOf(program);
    if (kernels.empty())
      continue;
    if (const CudaTarget *cuda = target->cuda()) {
      auto codes = emitCudaCode(program.getContext(), kernels, *cuda,
                                codeOptions(context), context.ptxas);
      if (failed(codes))
        return failure();
      record.ptxas = context.ptxas.version;
      for (const CudaKernelCode &code : *codes) {
        Assembled &known = record.assembled[code.name];
        known.registers = code.assembled.registers;
        known.spillBytes = code.assembled.spillBytes;
      }
      programs.back().entries = std::move(*codes);
      continue;
    }
    auto object = emitCodeObject(program.getContext(), kernels, *target->cpu(),
                                 codeOptions(context));
    if (failed(object))
      return failure();
    programs.back().object = std::move(*object);
  }
  std::reverse(programs.begin(), programs.end());
  return buildEngine(*engine.module, programs, built);
}

} // namespace mlir::tenon
