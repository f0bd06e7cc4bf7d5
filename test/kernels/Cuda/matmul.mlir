// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s -split-input-file -stage-engine=cuda=sm_80 | FileCheck %s
//
// The tile program of a kernel, and which way each side takes. What the kernels
// compute is tested in test/unit/cudaKernels and test/e2e/cudaMatmul.py.

// Both sides are copied in 16 bytes as they lie: A along k, B across it. No
// size needs a bound.
// CHECK-LABEL: engine.kernel @k0_matmul family("matmul") schedule("#tenon.matmul<{{.*}}, f16, splitk 1>") entry
// CHECK: func.func @k0_matmul(
// CHECK: tile.pipeline
// CHECK: tile.copy_async %{{.*}}[%{{.*}}, %{{.*}}] pitch %{{.*}} to %{{.*}} using "SM80_CP_ASYNC_CG_16"
// CHECK: tile.copy_async %{{.*}}[%{{.*}}, %{{.*}}] pitch %{{.*}} to %{{.*}} using "SM80_CP_ASYNC_CG_16"
// CHECK: tile.load %{{.*}} using "SM75_LDSM_X4" :
// CHECK: tile.load %{{.*}} transposed using "SM75_LDSM_X4_T" :
// CHECK: tile.mma
// CHECK: tile.for_each %{{.*}} vector 2
// CHECK: arith.select %{{.*}} : vector<2xi1>, vector<2xf32>
// CHECK: arith.truncf %{{.*}} : vector<2xf32> to vector<2xf16>
// CHECK-NOT: engine.kernel
// CHECK: engine.launch @k0_matmul
func.func @main(%a: tensor<512x256xf16> {graph.name = "a"}, %b: tensor<256x512xf16> {graph.name = "b"}) -> (tensor<512x512xf16> {graph.name = "c"}) {
  %0 = graph.kernel "matmul"(%a, %b) {graph.constants = array<i64>, graph.nodes = []} : (tensor<512x256xf16>, tensor<256x512xf16>) -> tensor<512x512xf16> {
  ^bb0(%x: tensor<512x256xf16>, %y: tensor<256x512xf16>):
    %1 = graph.matmul %x, %y {graph.anchor} : (tensor<512x256xf16>, tensor<256x512xf16>) -> tensor<512x512xf16>
    %2 = graph.relu %1 : (tensor<512x512xf16>) -> tensor<512x512xf16>
    graph.yield %2 : tensor<512x512xf16>
  }
  return %0 : tensor<512x512xf16>
}

// -----

// Rows of 50 halves are aligned to 4 bytes; rows of 37 to no copy at all. The
// last columns are stored one by one.
// CHECK-LABEL: engine.kernel @k0_matmul
// CHECK: tile.copy_async %{{.*}} rows %{{.*}} columns %{{.*}} to %{{.*}} using "SM80_CP_ASYNC_CA_4"
// CHECK: tile.produce %{{.*}} vector 1
// CHECK: tile.for_each %{{.*}} vector 2
// CHECK-COUNT-2: llvm.store {{.*}} : f16, !llvm.ptr<1>
func.func @main(%a: tensor<20x50xf16> {graph.name = "a"}, %b: tensor<50x37xf16> {graph.name = "b"}) -> (tensor<20x37xf16> {graph.name = "c"}) {
  %0 = graph.kernel "matmul"(%a, %b) {graph.constants = array<i64>, graph.nodes = []} : (tensor<20x50xf16>, tensor<50x37xf16>) -> tensor<20x37xf16> {
  ^bb0(%x: tensor<20x50xf16>, %y: tensor<50x37xf16>):
    %1 = graph.matmul %x, %y {graph.anchor} : (tensor<20x50xf16>, tensor<50x37xf16>) -> tensor<20x37xf16>
    graph.yield %1 : tensor<20x37xf16>
  }
  return %0 : tensor<20x37xf16>
}

// -----

// An open size: FMAs where sums are short, then aligned rows where they are,
// single words where not. What adds the parts of k has nothing to do for FMAs.
// CHECK-LABEL: engine.kernel @k0_matmul family("matmul") schedule("#tenon.matmul<{{.*}}, fma, splitk 1>
// CHECK: tile.copy_async {{.*}} using "SM80_CP_ASYNC_CA_4"
// CHECK-LABEL: engine.kernel @k0_matmul_1 family
// CHECK-SAME: "#tenon.matmul<{{.*}}, tf32x3, splitk [[PARTS:.*]]>"
// CHECK: tile.copy_async {{.*}} using "SM80_CP_ASYNC_CG_16"
// CHECK: tile.load %{{.*}} using "SM75_LDSM_X4" :
// CHECK: tile.split
// CHECK: %[[SOME:.*]] = tile.any
// CHECK: scf.if %[[SOME]]
// CHECK-LABEL: engine.kernel @k0_matmul_2 family
// CHECK: tile.copy_async {{.*}} using "SM80_CP_ASYNC_CA_4"
// CHECK-LABEL: engine.kernel @k0_matmul_sum family("matmul") schedule("sum of parts, vector=4")
// CHECK: engine.temp bytes("select(select(-k + 64, 1, [[PARTS]]) - 1, 16384*select(-k + 64, 1, [[PARTS]]), 0)")
// CHECK: engine.launch @k0_matmul if("-k + 64") {{.*}} else @k0_matmul_1 if({{.*}}) {{.*}} else @k0_matmul_2
// CHECK: engine.launch @k0_matmul_sum tasks("select(select(-k + 64, 1, [[PARTS]]) - 1, 1024, 0)")
func.func @main(%a: tensor<64x?xf32, #graph.shape<[64, k]>> {graph.name = "a"}, %b: tensor<?x64xf32, #graph.shape<[k, 64]>> {graph.name = "b"}) -> (tensor<64x64xf32> {graph.name = "c"}) {
  %0 = graph.kernel "matmul"(%a, %b) {graph.constants = array<i64>, graph.nodes = []} : (tensor<64x?xf32, #graph.shape<[64, k]>>, tensor<?x64xf32, #graph.shape<[k, 64]>>) -> tensor<64x64xf32> {
  ^bb0(%x: tensor<64x?xf32, #graph.shape<[64, k]>>, %y: tensor<?x64xf32, #graph.shape<[k, 64]>>):
    %1 = graph.matmul %x, %y {graph.anchor} : (tensor<64x?xf32, #graph.shape<[64, k]>>, tensor<?x64xf32, #graph.shape<[k, 64]>>) -> tensor<64x64xf32>
    graph.yield %1 : tensor<64x64xf32>
  }
  return %0 : tensor<64x64xf32>
}

// -----

// f32 is three products of tf32, or one where the op allows it.
// CHECK-LABEL: engine.kernel @k0_matmul family("matmul") schedule("#tenon.matmul<{{.*}}, tf32, splitk
// CHECK-LABEL: engine.kernel @k1_matmul family("matmul") schedule("#tenon.matmul<{{.*}}, tf32x3, splitk
func.func @main(%a: tensor<512x256xf32> {graph.name = "a"}, %b: tensor<256x512xf32> {graph.name = "b"}) -> (tensor<512x512xf32> {graph.name = "c"}, tensor<512x512xf32> {graph.name = "d"}) {
  %0 = graph.kernel "matmul"(%a, %b) {graph.constants = array<i64>, graph.nodes = []} : (tensor<512x256xf32>, tensor<256x512xf32>) -> tensor<512x512xf32> {
  ^bb0(%x: tensor<512x256xf32>, %y: tensor<256x512xf32>):
    %1 = graph.matmul %x, %y {graph.anchor, graph.precision = "tf32"} : (tensor<512x256xf32>, tensor<256x512xf32>) -> tensor<512x512xf32>
    graph.yield %1 : tensor<512x512xf32>
  }
  %2 = graph.kernel "matmul"(%a, %b) {graph.constants = array<i64>, graph.nodes = []} : (tensor<512x256xf32>, tensor<256x512xf32>) -> tensor<512x512xf32> {
  ^bb0(%x: tensor<512x256xf32>, %y: tensor<256x512xf32>):
    %3 = graph.matmul %x, %y {graph.anchor} : (tensor<512x256xf32>, tensor<256x512xf32>) -> tensor<512x512xf32>
    graph.yield %3 : tensor<512x512xf32>
  }
  return %0, %2 : tensor<512x512xf32>, tensor<512x512xf32>
}
