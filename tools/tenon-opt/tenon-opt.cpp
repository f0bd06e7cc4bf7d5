//===- tenon-opt.cpp - Runs compiler passes on text -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// `tenon-opt --canonicalize in.mlir`: every pass of the compiler as a flag;
// `tenon-opt --stage-fuse in.mlir`: every stage of tenonc.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Pipeline.h"
#include "compiler/Engine/Passes.h"
#include "compiler/Graph/Passes.h"
#include "compiler/Target/CPU/CodeObject.h"
#include "compiler/Target/CUDA/CudaCode.h"
#include "compiler/Tile/Passes.h"
#include "dialects/Engine/EngineOps.h"
#include "dialects/Graph/GraphOps.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::tenon::registerCpuTargetDialects(registry);
  mlir::tenon::registerCudaTargetDialects(registry);
  registry.insert<mlir::tenon::engine::EngineDialect,
                  mlir::tenon::graph::GraphDialect,
                  mlir::tenon::tile::TileDialect>();
  mlir::registerTransformsPasses();
  mlir::tenon::graph::registerGraphPasses();
  mlir::tenon::engine::registerEnginePasses();
  mlir::tenon::tile::registerTilePasses();
  mlir::tenon::registerStagePipelines();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Tenon's pass driver\n", registry));
}
