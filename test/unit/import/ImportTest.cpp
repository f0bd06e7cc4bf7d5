//===- ImportTest.cpp - What the importer leaves in the module ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "compiler/Import/Import.h"
#include "compiler/Import/OnnxFile.h"
#include "dialects/Graph/GraphOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace mlir::tenon;
using namespace mlir::tenon::graph;

namespace {

/// y = Add(x, w), w of 1000 elements, written to a temporary file.
class ImportTest : public testing::Test {
protected:
  void SetUp() override {
    onnx::ModelProto model;
    model.set_ir_version(8);
    model.add_opset_import()->set_version(17);
    auto *graph = model.mutable_graph();
    auto *input = graph->add_input();
    input->set_name("x");
    auto *type = input->mutable_type()->mutable_tensor_type();
    type->set_elem_type(onnx::TensorProto::FLOAT);
    type->mutable_shape()->add_dim()->set_dim_value(1000);
    auto *weights = graph->add_initializer();
    weights->set_name("w");
    weights->set_data_type(onnx::TensorProto::FLOAT);
    weights->add_dims(1000);
    std::vector<float> values(1000);
    for (int i = 0; i < 1000; ++i)
      values[size_t(i)] = float(i);
    weights->set_raw_data(values.data(), values.size() * sizeof(float));
    auto *node = graph->add_node();
    node->set_op_type("Add");
    node->set_name("layer:0/add");
    node->add_input("x");
    node->add_input("w");
    node->add_output("y");
    graph->add_output()->set_name("y");

    llvm::SmallString<128> path;
    ASSERT_FALSE(llvm::sys::fs::createTemporaryFile("tenon", "onnx", path));
    file = std::string(path);
    std::error_code code;
    llvm::raw_fd_ostream os(file, code);
    os << model.SerializeAsString();
    os.close();
    module = importOnnx(context, file, ImportOptions(), holder);
    ASSERT_TRUE(module);
  }
  void TearDown() override { (void)llvm::sys::fs::remove(file); }

  template <typename OpTy> OpTy find() {
    OpTy found;
    module->walk([&](OpTy op) { found = op; });
    return found;
  }

  MLIRContext context;
  std::string file;
  ImportedModel holder;
  OwningOpRef<ModuleOp> module;
};

TEST_F(ImportTest, OpsCarryTheNamesOfTheirNodes) {
  auto location = dyn_cast<NameLoc>(find<AddOp>()->getLoc());
  ASSERT_TRUE(location);
  EXPECT_EQ(location.getName(), "layer:0/add");
  // The file's name alone: no folder gets into an engine.
  auto inFile = dyn_cast<FileLineColLoc>(location.getChildLoc());
  ASSERT_TRUE(inFile);
  EXPECT_FALSE(inFile.getFilename().getValue().contains('/'));
}

TEST_F(ImportTest, WeightsAreNotCopied) {
  auto constant = find<ConstantOp>();
  EXPECT_EQ(constant.getName(), "w");
  auto resource = dyn_cast<DenseResourceElementsAttr>(constant.getValue());
  ASSERT_TRUE(resource);
  AsmResourceBlob *blob = resource.getRawHandle().getBlob();
  ASSERT_TRUE(blob);
  const std::string &raw =
      holder.getStorage().model.graph().initializer(0).raw_data();
  EXPECT_EQ(blob->getData().data(), raw.data());
  EXPECT_EQ(blob->getData().size(), raw.size());
}

TEST_F(ImportTest, FunctionNamesItsBindings) {
  auto func = find<func::FuncOp>();
  EXPECT_EQ(func.getName(), "main");
  EXPECT_EQ(func.getArgAttrOfType<StringAttr>(0, "graph.name"), "x");
  EXPECT_EQ(func.getResultAttrOfType<StringAttr>(0, "graph.name"), "y");
}

} // namespace
