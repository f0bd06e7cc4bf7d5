//===- Importer.cpp - Graphs, functions and scopes ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Goes through the nodes in order and hands each to its importer. A node with a
// problem gives its outputs no value; nodes that need such a value are passed
// over without a word, so that one run finds every problem once. Diagnostics
// are collected with the node that they belong to and emitted at the end.
// Tests: test/compiler/Import.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Importer.h"
#include "compiler/Import/InputShapes.h"
#include "compiler/Import/Operators.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir::tenon::graph;

namespace mlir::tenon {

/// Calls of local functions and branches in branches.
constexpr unsigned kMaxDepth = 32;

static StringRef canonicalDomain(StringRef domain) {
  return domain == "ai.onnx" ? StringRef() : domain;
}

static std::string functionKey(StringRef domain, StringRef name,
                               StringRef overload) {
  return (canonicalDomain(domain) + "\n" + name + "\n" + overload).str();
}

template <typename List>
static llvm::StringMap<int64_t> readOpsets(const List &list) {
  llvm::StringMap<int64_t> opsets;
  for (const auto &entry : list) {
    int64_t &version = opsets[canonicalDomain(entry.domain())];
    version = std::max(version, int64_t(entry.version()));
  }
  return opsets;
}

Importer::Importer(MLIRContext *context, StringRef path,
                   const ImportOptions &options,
                   ImportedModel::Storage &storage)
    : context(context), options(options), storage(storage),
      fileLoc(
          FileLineColLoc::get(context, llvm::sys::path::filename(path), 0, 0)),
      builder(context), sizes(context) {}

bool Importer::hasErrors() const {
  return llvm::any_of(problems, [](const Problem &problem) {
    return problem.severity == DiagnosticSeverity::Error;
  });
}

Location Importer::locationOf(StringRef name) const {
  return NameLoc::get(StringAttr::get(context, name), fileLoc);
}

void Importer::report(Diagnostic &diagnostic) {
  Problem problem{diagnostic.getLocation(),
                  nodeText + diagnostic.str(),
                  {},
                  diagnostic.getSeverity(),
                  mainNode};
  for (Diagnostic &note : diagnostic.getNotes())
    problem.notes.emplace_back(note.getLocation(), note.str());
  problems.push_back(std::move(problem));
}

void Importer::modelError(const Twine &text) {
  emitError(fileLoc) << text.str();
}

OwningOpRef<ModuleOp> Importer::run() {
  ScopedDiagnosticHandler handler(context, [&](Diagnostic &diagnostic) {
    report(diagnostic);
    return success();
  });
  OwningOpRef<ModuleOp> module(ModuleOp::create(fileLoc));
  builder.setInsertionPointToEnd(module->getBody());
  auto func = func::FuncOp::create(builder, fileLoc, "main",
                                   builder.getFunctionType({}, {}));
  Block *entry = func.addEntryBlock();
  builder.setInsertionPointToEnd(entry);

  mainScope.opsets = readOpsets(storage.model.opset_import());
  for (const auto &function : storage.model.functions())
    functions[functionKey(function.domain(), function.name(),
                          function.overload())] = &function;
  if (!checkOpsets())
    return module;
  importMain(func);
  if (hasErrors())
    return module;

  // Nothing has side effects: remove what no output needs, users first.
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*entry)))
    if (!op.hasTrait<OpTrait::IsTerminator>() && op.use_empty())
      op.erase();
  sizes.finish(func);
  (void)verify(*module);
  return module;
}

bool Importer::checkOpsets() {
  auto it = mainScope.opsets.find("");
  if (it == mainScope.opsets.end()) {
    // Legal if all nodes are of other domains; a node of this one reports it.
    return true;
  }
  if (it->second >= kMinOpset && it->second <= kMaxOpset)
    return true;
  modelError("expected opset " + Twine(kMinOpset) + " to " + Twine(kMaxOpset) +
             ", got " + Twine(it->second) +
             ": convert the model with onnx.version_converter");
  return false;
}

bool Importer::addInitializers(const ::onnx::GraphProto &graph, Scope &scope) {
  bool isFine = true;
  for (const auto &tensor : graph.initializer()) {
    if (!scope.initializers.try_emplace(tensor.name(), &tensor).second) {
      modelError("two initializers have the name '" + Twine(tensor.name()) +
                 "'");
      isFine = false;
    }
  }
  for (const auto &tensor : graph.sparse_initializer()) {
    modelError("initializer '" + Twine(tensor.values().name()) +
               "' is sparse, which is not in this version: store it densely");
    scope.values[tensor.values().name()] = Value();
    isFine = false;
  }
  return isFine;
}

void Importer::declareInputs(
    SmallVectorImpl<const ::onnx::ValueInfoProto *> &inputs) {
  // Older models list their initializers among the inputs; newer ones may, as
  // defaults. Both are constants here.
  llvm::StringSet<> seen;
  for (const auto &input : storage.model.graph().input()) {
    if (mainScope.initializers.contains(input.name()))
      continue;
    if (!seen.insert(input.name()).second) {
      modelError("two inputs have the name '" + Twine(input.name()) + "'");
      continue;
    }
    mainScope.values[input.name()] = Value();
    if (!input.type().has_tensor_type()) {
      modelError("input '" + Twine(input.name()) +
                 "' is not a tensor: sequences, maps and optional values are "
                 "not in this version");
      continue;
    }
    int32_t dataType = input.type().tensor_type().elem_type();
    if (!elementType(context, dataType)) {
      modelError("input '" + Twine(input.name()) + "' has element type " +
                 dataTypeName(dataType) + ", which is not supported");
      continue;
    }
    inputs.push_back(&input);
  }
}

void Importer::importMain(func::FuncOp func) {
  const auto &graph = storage.model.graph();
  addInitializers(graph, mainScope);
  SmallVector<const ::onnx::ValueInfoProto *> inputs;
  declareInputs(inputs);
  auto shapes =
      declareInputShapes(context, inputs, options, sizes,
                         [&](const Twine &text) { modelError(text); });
  // Without their sizes every node would report the same again.
  if (hasErrors())
    return;

  Block *entry = &func.getBody().front();
  SmallVector<Type> types;
  for (auto [input, dims] : llvm::zip(inputs, shapes)) {
    types.push_back(tensorType(
        dims, elementType(context, input->type().tensor_type().elem_type())));
    Location loc = locationOf(input->name());
    mainScope.values[input->name()] = entry->addArgument(types.back(), loc);
  }
  func.setType(builder.getFunctionType(types, {}));
  for (auto [i, input] : llvm::enumerate(inputs))
    func.setArgAttr(unsigned(i), "graph.name",
                    builder.getStringAttr(input->name()));

  SmallVector<StringRef> outputs;
  for (const auto &output : graph.output())
    outputs.push_back(output.name());
  for (const std::string &name : options.markOutputs)
    outputs.push_back(name);
  if (outputs.empty())
    modelError("the model has no outputs");
  importNodes(graph.node(), mainScope, outputs);
  importOutputs(func);
}

void Importer::importOutputs(func::FuncOp func) {
  SmallVector<Value> values;
  SmallVector<StringRef> names;
  llvm::StringMap<const ::onnx::ValueInfoProto *> declared;
  auto addOutput = [&](StringRef name, const char *what) {
    if (llvm::is_contained(names, name))
      return;
    if (!isDefined(mainScope, name)) {
      if (!hasErrors())
        modelError(Twine(what) + " '" + name +
                   "' is not defined: no node, input or initializer has this "
                   "name");
      return;
    }
    if (Value value = lookup(mainScope, name)) {
      values.push_back(value);
      names.push_back(name);
    }
  };
  for (const auto &output : storage.model.graph().output()) {
    addOutput(output.name(), "output");
    declared[output.name()] = &output;
  }
  for (const std::string &name : options.markOutputs)
    addOutput(name, "--mark-output:");

  SmallVector<Type> types;
  for (auto [value, name] : llvm::zip(values, names)) {
    types.push_back(value.getType());
    auto *info = declared.lookup(name);
    if (!info || !info->type().has_tensor_type())
      continue;
    int32_t dataType = info->type().tensor_type().elem_type();
    Type element = cast<RankedTensorType>(value.getType()).getElementType();
    if (dataType && elementType(context, dataType) != element)
      emitError(locationOf(name))
          << "output '" << name << "' is declared as " << dataTypeName(dataType)
          << ", but its node computes " << element;
  }
  func::ReturnOp::create(builder, fileLoc, values);
  func.setType(builder.getFunctionType(func.getArgumentTypes(), types));
  for (auto [i, name] : llvm::enumerate(names))
    func.setResultAttr(unsigned(i), "graph.name", builder.getStringAttr(name));
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

bool Importer::isDefined(const Scope &scope, StringRef name) const {
  for (const Scope *s = &scope; s; s = s->parent)
    if (s->values.contains(name) || s->initializers.contains(name))
      return true;
  return false;
}

Value Importer::lookup(Scope &scope, StringRef name) {
  for (Scope *s = &scope; s; s = s->parent) {
    auto it = s->values.find(name);
    if (it != s->values.end()) {
      auto missing = s->missing.find(name);
      if (missing != s->missing.end()) {
        emitError(locationOf(name)) << missing->second;
        s->missing.erase(missing);
      }
      return it->second;
    }
    auto initializer = s->initializers.find(name);
    if (initializer == s->initializers.end())
      continue;
    auto attr = readTensor(context, storage, *initializer->second, name,
                           options.allowExternalData);
    if (!attr) {
      emitError(locationOf(name)) << "initializer '" << name
                                  << "': " << llvm::toString(attr.takeError());
      return s->values[name] = Value();
    }
    return s->values[name] = ConstantOp::create(builder, locationOf(name),
                                                attr->getShapedType(), *attr,
                                                builder.getStringAttr(name));
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

void Importer::importNodes(const NodeList &nodes, Scope &scope,
                           ArrayRef<StringRef> outputs) {
  bool isMain = &scope == &mainScope;
  auto error = [&](unsigned i, const Twine &text) {
    llvm::SaveAndRestore saveNode(mainNode, isMain ? &nodes[int(i)] : mainNode);
    std::string name = scope.prefix + nameOf(nodes[int(i)], i);
    llvm::SaveAndRestore saveText(
        nodeText, "node '" + name + "' (" + nodes[int(i)].op_type() + "): ");
    emitError(locationOf(name)) << text.str();
  };
  SmallVector<unsigned> order = orderNodes(
      nodes, outputs, [&](StringRef name) { return isDefined(scope, name); },
      error);
  for (unsigned i : order) {
    if (isMain)
      mainNode = &nodes[int(i)];
    importNode(nodes[int(i)], i, scope);
  }
  if (isMain)
    mainNode = nullptr;
}

void Importer::importNode(const ::onnx::NodeProto &proto, unsigned index,
                          Scope &scope) {
  StringRef domain = canonicalDomain(proto.domain());
  int64_t opset = 0;
  for (Scope *s = &scope; s && !opset; s = s->parent)
    opset = s->opsets.lookup(domain);
  std::string name = scope.prefix + nameOf(proto, index);
  Location loc = locationOf(name);
  Node node(*this, scope, proto, opset, name, loc, builder);
  node.results.resize(size_t(proto.output_size()));

  llvm::SaveAndRestore saveText(nodeText, "node '" + name + "' (" +
                                              proto.op_type() + "): ");
  // An operator that is not known is listed even if its inputs are not.
  bool isImported = succeeded(checkKnown(node, domain));
  isImported &= succeeded(importOperands(node));
  if (isImported && failed(importOperator(node, domain))) {
    // Every failure must have said why.
    if (!hasErrors())
      emitError(loc) << "cannot be imported";
    llvm::fill(node.results, Value());
    isImported = false;
  }
  for (auto [output, value] : llvm::zip(proto.output(), node.results)) {
    if (output.empty())
      continue;
    scope.values.try_emplace(output, value);
    if (isImported && !value)
      scope.missing[output] = "'" + output + "', an output of node '" + name +
                              "' (" + proto.op_type() +
                              "), is not in this version";
  }
}

LogicalResult Importer::importOperands(Node &node) {
  for (const auto &input : node.proto.input()) {
    Value value = input.empty() ? Value() : lookup(node.scope, input);
    if (!input.empty() && !value)
      return failure();
    node.operands.push_back(value);
  }
  return success();
}

LogicalResult Importer::checkOperands(Node &node, const OperatorRow &row) {
  unsigned count = node.numInputs();
  bool isComplete = count >= row.minInputs;
  for (unsigned i = 0; isComplete && i < row.minInputs; ++i)
    isComplete = bool(node.input(i));
  if (!isComplete || (row.maxInputs != kVariadic && count > row.maxInputs))
    return node.fail("expected " + Twine(row.minInputs) +
                     (row.maxInputs == row.minInputs ? Twine()
                      : row.maxInputs == kVariadic
                          ? Twine(" or more")
                          : " to " + Twine(row.maxInputs)) +
                     " inputs, got " + Twine(count));
  if (!count || row.elements == Elements::Any || !node.input(0))
    return success();
  Type element = Node::elementOf(node.input(0));
  auto expect = [&](bool isFine, const char *what) -> LogicalResult {
    if (isFine)
      return success();
    return node.error() << "expected " << what << " elements, got " << element;
  };
  switch (row.elements) {
  case Elements::Any:
    return success();
  case Elements::Float:
    return expect(isa<FloatType>(element), "float");
  case Elements::Number:
    return expect(!element.isInteger(1), "number");
  case Elements::Bool:
    return expect(element.isInteger(1), "bool");
  case Elements::Integer:
    return expect(isa<IntegerType>(element) && !element.isInteger(1),
                  "integer");
  }
  return success();
}

LogicalResult Importer::checkKnown(Node &node, StringRef domain) {
  StringRef op = node.proto.op_type();
  if (functions.lookup(functionKey(domain, op, node.proto.overload())) ||
      !findOperator(domain, op).empty())
    return success();
  if (domain.empty() && isOnnxOperator(op))
    return node.unsupported("this operator is not in this version");
  if (domain.empty())
    return node.unsupported("ONNX has no operator of this name");
  return node.unsupported("operator of the domain '" + domain +
                          "', which is neither known nor a function of the "
                          "model");
}

LogicalResult Importer::importOperator(Node &node, StringRef domain) {
  StringRef op = node.proto.op_type();
  if (auto *function =
          functions.lookup(functionKey(domain, op, node.proto.overload())))
    return callFunction(node, *function);
  auto rows = findOperator(domain, op);
  if (node.opset == 0)
    return node.fail("the model imports no opset of the domain '" + domain +
                     "'");
  for (const OperatorRow *row : rows) {
    if (node.opset < row->minOpset || node.opset > row->maxOpset)
      continue;
    if (failed(checkOperands(node, *row)) || failed(row->import(node)))
      return failure();
    if (!node.results.empty() && !node.results.front() && node.hasOutput(0))
      return failure();
    trackSizes(node);
    return success();
  }
  if (node.opset < rows.front()->minOpset)
    return node.fail("this operator exists from opset " +
                     Twine(rows.front()->minOpset) +
                     " on, the model imports opset " + Twine(node.opset));
  return node.fail("this operator exists up to opset " +
                   Twine(rows.back()->maxOpset) + ", the model imports opset " +
                   Twine(node.opset));
}

//===----------------------------------------------------------------------===//
// Functions and subgraphs
//===----------------------------------------------------------------------===//

LogicalResult Importer::callFunction(Node &node,
                                     const ::onnx::FunctionProto &function) {
  if (node.scope.depth >= kMaxDepth)
    return node.fail("functions call each other more than " + Twine(kMaxDepth) +
                     " deep");
  if (int(node.numInputs()) > function.input_size())
    return node.fail("the function has " + Twine(function.input_size()) +
                     " inputs, got " + Twine(node.numInputs()));
  Scope scope;
  scope.depth = node.scope.depth + 1;
  scope.prefix = node.name + "/";
  scope.opsets = readOpsets(function.opset_import());
  // Inputs that the call leaves out stay without a value, as "" does.
  llvm::StringSet<> absent;
  for (int i = 0; i < function.input_size(); ++i) {
    Value value = node.input(unsigned(i));
    if (!value)
      absent.insert(function.input(i));
    scope.values[function.input(i)] = value;
  }
  for (const auto &attr : function.attribute_proto())
    scope.attributes[attr.name()] = &attr;
  for (const auto &attr : node.proto.attribute())
    if (const auto *value = node.attr(attr.name()))
      scope.attributes[attr.name()] = value;

  SmallVector<StringRef> outputs;
  for (int i = 0; i < function.output_size() && i < node.proto.output_size();
       ++i)
    outputs.push_back(function.output(i));

  // A body that reads an absent input must itself treat it as absent.
  const NodeList *nodes = &function.node();
  if (!absent.empty()) {
    storage.bodies.push_back(std::make_unique<::onnx::FunctionProto>(function));
    ::onnx::FunctionProto &body = *storage.bodies.back();
    for (auto &inner : *body.mutable_node())
      for (auto &input : *inner.mutable_input())
        if (absent.contains(input))
          input.clear();
    nodes = &body.node();
  }
  size_t before = problems.size();
  importNodes(*nodes, scope, outputs);
  for (auto [i, name] : llvm::enumerate(outputs)) {
    node.results[i] = lookup(scope, name);
    if (!node.results[i] && problems.size() == before)
      return node.fail("the function does not compute its output '" + name +
                       "'");
  }
  return success(problems.size() == before);
}

FailureOr<SmallVector<Value>>
Importer::inlineGraph(const ::onnx::GraphProto &graph, Scope &parent) {
  if (parent.depth >= kMaxDepth) {
    emitError(fileLoc) << "branches lie in each other more than " << kMaxDepth
                       << " deep";
    return failure();
  }
  Scope scope;
  scope.parent = &parent;
  scope.depth = parent.depth + 1;
  scope.prefix = parent.prefix;
  if (!addInitializers(graph, scope))
    return failure();
  SmallVector<StringRef> outputs;
  for (const auto &output : graph.output())
    outputs.push_back(output.name());
  importNodes(graph.node(), scope, outputs);
  SmallVector<Value> values;
  for (StringRef name : outputs) {
    values.push_back(lookup(scope, name));
    if (!values.back())
      return failure();
  }
  return values;
}

//===----------------------------------------------------------------------===//
// Entry points
//===----------------------------------------------------------------------===//

OwningOpRef<ModuleOp> importOnnx(MLIRContext &context, StringRef path,
                                 const ImportOptions &options,
                                 ImportedModel &holder) {
  context.loadDialect<GraphDialect, func::FuncDialect>();
  Importer importer(&context, path, options, holder.getStorage());
  if (llvm::Error error = parseOnnxFile(path, holder.getStorage())) {
    emitError(importer.getFileLocation())
        << "'" << path << "': " << llvm::toString(std::move(error));
    return {};
  }
  OwningOpRef<ModuleOp> module = importer.run();
  for (const Problem &problem : importer.getProblems()) {
    InFlightDiagnostic diagnostic =
        problem.severity == DiagnosticSeverity::Error
            ? emitError(problem.loc, problem.text)
        : problem.severity == DiagnosticSeverity::Warning
            ? emitWarning(problem.loc, problem.text)
            : emitRemark(problem.loc, problem.text);
    for (auto &[loc, text] : problem.notes)
      diagnostic.attachNote(loc) << text;
  }
  if (importer.hasErrors())
    return {};
  return module;
}

} // namespace mlir::tenon
