//===- Report.cpp - Gathers what an engine consists of --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Tests: test/compiler/Driver/report.test.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Report.h"
#include "compiler/Driver/Schedules.h"
#include "runtime/EngineFile.h"
#include "runtime/Plan.h"
#include "llvm/Support/FormatVariadic.h"

namespace mlir::tenon {

namespace rt = ::tenon::runtime;

double TargetReport::seconds() const {
  double sum = 0;
  for (const LaunchReport &launch : launches)
    sum += launch.cost ? launch.cost->seconds : 0;
  return sum;
}

std::string timeText(double seconds) {
  return seconds < 1e-3 ? llvm::formatv("{0:F1} us", seconds * 1e6).str()
                        : llvm::formatv("{0:F2} ms", seconds * 1e3).str();
}

std::string conditionsText(const DeviceInfo &device,
                           ArrayRef<TypicalSizes::Row> sizes) {
  std::string text = "tuned for " + device.key + " (" + device.name + ")";
  for (auto [i, row] : llvm::enumerate(sizes))
    text += (i ? ", " : "; open sizes at ") + row.symbol + " = " +
            std::to_string(row.value) +
            (row.isGiven ? " (--opt-shapes)" : " (assumed)");
  return text;
}

BufferReport bufferReport(Value value, const TypicalSizes &sizes) {
  BufferReport report;
  auto tensor =
      value.getDefiningOp()->getAttrOfType<engine::TensorAttr>("tensor");
  llvm::raw_string_ostream(report.type) << tensor.getElementType();
  for (graph::DimExpr dim : tensor.getDims())
    report.shape.push_back(sizes(dim));
  return report;
}

std::string bufferText(const BufferReport &buffer) {
  std::string text = buffer.type + "[";
  for (auto [i, size] : llvm::enumerate(buffer.shape))
    text += (i ? "," : "") + std::to_string(size);
  return text + "]";
}

/// Bytes of the arena at typical sizes, as the runtime plans it.
static std::string planArena(const std::string &path, unsigned variant,
                             const EngineModule &engine,
                             const TypicalSizes &sizes, uint64_t &bytes) {
  auto fail = [](const rt::Status &status) { return status.message(); };
  rt::EngineFile file;
  rt::ExprTable exprs;
  rt::Interface interface;
  rt::Program program;
  rt::ThreadPool pool(1);
  if (rt::Status s = file.openPath(path.c_str()); s.failed())
    return fail(s);
  if (rt::Status s = file.verify(pool); s.failed())
    return fail(s);
  if (rt::Status s = exprs.decode(file.engine()); s.failed())
    return fail(s);
  if (rt::Status s = interface.decode(file.engine(), exprs); s.failed())
    return fail(s);
  if (rt::Status s = program.decode(file.engine(), variant, exprs, interface);
      s.failed())
    return fail(s);
  std::vector<TenonTensor> inputs(interface.inputCount());
  size_t i = 0;
  for (auto binding : engine.module.get().getOps<engine::BindingOp>()) {
    if (binding.getKind() != engine::BindingKind::input)
      continue;
    inputs[i].type = TenonElementType(interface.input(i).type);
    inputs[i].rank = 0;
    for (graph::DimExpr dim : binding.getTensor().getDims())
      inputs[i].dims[inputs[i].rank++] = sizes(dim);
    ++i;
  }
  if (rt::Status s = interface.checkInputs(inputs.data(), int(inputs.size()));
      s.failed())
    return fail(s) + "; give --opt-shapes";
  rt::Plan plan;
  if (rt::Status s =
          rt::planShapes(inputs.data(), exprs, interface, program,
                         rt::findLifetimes(program, program.mainBlock), plan);
      s.failed())
    return fail(s);
  bytes = plan.arenaBytes;
  return {};
}

static LaunchReport launchReport(const VariantRecord &record,
                                 const ProgramRecord::Launch &from,
                                 const std::optional<DeviceInfo> &device) {
  LaunchReport report;
  ProgramRecord::Launch source = from;
  engine::LaunchOp op = source.op;
  // The choice that runs at typical sizes; the last has no guard.
  engine::ChoiceAttr choice;
  for (auto one : op.getChoices().getAsRange<engine::ChoiceAttr>()) {
    bool holds = !one.getGuard() || record.sizes(one.getGuard()) > 0;
    if (!choice && holds)
      choice = one;
    else
      report.otherChoices.push_back(one.getKernel().getValue().str());
  }
  if (!choice)
    choice = cast<engine::ChoiceAttr>(op.getChoices()[0]);
  report.kernel = choice.getKernel().getValue().str();
  auto kernel = cast<engine::KernelOp>(
      SymbolTable::lookupNearestSymbolFrom(op, choice.getKernel()));
  report.family = kernel.getFamily().str();
  report.schedule = kernel.getSchedule().str();
  for (StringRef name : nodesOf(op)) {
    graph::PrecisionRow row{name.str(), "", ""};
    for (const graph::PrecisionRow &known : record.precisions)
      if (known.node == name)
        row = known;
    report.nodes.push_back(row);
  }
  for (Value value : op.getIns())
    report.reads.push_back(bufferReport(value, record.sizes));
  for (Value value : op.getOuts())
    report.writes.push_back(bufferReport(value, record.sizes));
  report.flops = double(record.sizes(graph::DimExpr(op.getFlopsAttr())));
  report.bytes = double(record.sizes(graph::DimExpr(op.getBytesAttr())));
  report.isPinned = !record.kernels[source.kernel].pinned.empty();
  for (graph::DimExpr size : choice.getGrid())
    report.grid.push_back(record.sizes(size));
  if (auto entry = kernel.getEntryAttr())
    report.block.assign(entry.getBlock().begin(), entry.getBlock().end());

  auto cost = record.costs.find(report.kernel);
  if (cost == record.costs.end() || !device)
    return report;
  report.cost = cost->second;
  report.flops = report.cost->flops;
  report.bytes = report.cost->bytes;
  auto code = record.assembled.find(report.kernel);
  if (code != record.assembled.end() && code->second.registers >= 0) {
    report.cost->registers = code->second.registers;
    report.cost->registersAreMeasured = true;
    report.spillBytes = code->second.spillBytes;
    report.cost->occupancy =
        occupancyOf(*device, report.cost->threads, report.cost->shared,
                    code->second.registers);
  }
  return report;
}

CompileReport gatherReport(const EngineModule &engine,
                           const std::string &path) {
  CompileReport report;
  ModuleOp module = engine.module.get();
  if (auto model = module->getAttrOfType<StringAttr>(kModelAttr))
    report.model = model.getValue().str();
  report.builder = "tenonc " TENON_VERSION;
  unsigned count = engine.targets.size();
  for (auto [i, program, target, record] :
       llvm::enumerate(module.getOps<engine::ProgramOp>(), engine.targets,
                       engine.records)) {
    TargetReport &to = report.targets.emplace_back();
    to.target = target->name();
    if (target->cuda())
      to.device = target->tunedFor();
    to.ptxas = record.ptxas;
    to.sizes.assign(record.sizes.rows().begin(), record.sizes.rows().end());
    for (const ProgramRecord::Launch &launch : record.launches)
      to.launches.push_back(launchReport(record, launch, to.device));
    program.walk([&](Operation *op) {
      if (isa<engine::KernelOp>(op)) {
        ++to.kernels;
        return WalkResult::skip();
      }
      if (auto constant = dyn_cast<engine::ConstantOp>(op))
        to.weightBytes += record.sizes(graph::DimExpr(constant.getSizeAttr()));
      else if (isa<engine::CopyOp, engine::FillOp>(op))
        ++to.otherInstructions;
      return WalkResult::advance();
    });
    if (path.empty()) {
      to.arenaProblem = "no engine was written";
      continue;
    }
    // The program that was added last comes first in the file.
    uint64_t bytes = 0;
    to.arenaProblem =
        planArena(path, count - 1 - unsigned(i), engine, record.sizes, bytes);
    if (to.arenaProblem.empty())
      to.arenaBytes = bytes;
  }
  return report;
}

} // namespace mlir::tenon
