// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s --graph-recover-patterns | FileCheck %s
// RUN: %tenon-opt %s --graph-recover-patterns --remarks-filter=tenon 2>&1 \
// RUN:   | FileCheck %s --check-prefix=REMARK
//
// Attention: where exporters put the scale, the mask and the transpose.

!q = tensor<?x2x?x64xf32, #graph.shape<[B, 2, S, 64]>>
!k = tensor<?x2x?x64xf32, #graph.shape<[B, 2, T, 64]>>
!kt = tensor<?x2x64x?xf32, #graph.shape<[B, 2, 64, T]>>
!p = tensor<?x2x?x?xf32, #graph.shape<[B, 2, S, T]>>
!m = tensor<?x1x1x?xf32, #graph.shape<[B, 1, 1, T]>>
!s = tensor<f32>

// BERT: divided, then masked; one transpose makes key^T from [b, t, h, d].
// CHECK-LABEL: @bert(
func.func @bert(%q: !q, %k0: tensor<?x?x2x64xf32, #graph.shape<[B, T, 2, 64]>>, %v: !k, %m: !m) -> !q {
  // CHECK-NEXT: %[[K:.*]] = graph.transpose %arg1 {perm = array<i64: 0, 2, 1, 3>}
  // CHECK-NEXT: %[[R:.*]] = graph.attention %arg0, %[[K]], %arg2, %arg3 {scale = 1.250000e-01 : f64}
  // CHECK-NEXT: return %[[R]]
  %c = graph.constant dense<8.0> : !s -> !s
  %k = graph.transpose %k0 {perm = array<i64: 0, 2, 3, 1>} : (tensor<?x?x2x64xf32, #graph.shape<[B, T, 2, 64]>>) -> !kt
  %0 = graph.matmul %q, %k : (!q, !kt) -> !p
  %1 = graph.div %0, %c : (!p, !s) -> !p
  %2 = graph.add %1, %m : (!p, !m) -> !p
  %3 = graph.softmax %2 {axis = 3 : i64} : (!p) -> !p
  %4 = graph.matmul %3, %v : (!p, !k) -> !q
  return %4 : !q
}

// ViT, Llama: the transpose of the key cancels.
// CHECK-LABEL: @no_mask(
func.func @no_mask(%q: !q, %k: !k, %v: !k) -> !q {
  // CHECK-NEXT: %[[R:.*]] = graph.attention %arg0, %arg1, %arg2 {scale = 1.250000e-01 : f64}
  // CHECK-NEXT: return %[[R]]
  %c = graph.constant dense<0.125> : !s -> !s
  %kt = graph.transpose %k {perm = array<i64: 0, 1, 3, 2>} : (!k) -> !kt
  %0 = graph.matmul %q, %kt : (!q, !kt) -> !p
  %1 = graph.mul %0, %c : (!p, !s) -> !p
  %2 = graph.softmax %1 {axis = 3 : i64} : (!p) -> !p
  %3 = graph.matmul %2, %v : (!p, !k) -> !q
  return %3 : !q
}

// PaddlePaddle scales the query.
// CHECK-LABEL: @scaled_query(
func.func @scaled_query(%q: !q, %k: !k, %v: !k) -> !q {
  // CHECK-NEXT: %[[R:.*]] = graph.attention %arg0, %arg1, %arg2 {scale = 2.500000e-01 : f64}
  // CHECK-NEXT: return %[[R]]
  %c = graph.constant dense<0.25> : tensor<1xf32> -> tensor<1xf32>
  %qs = graph.mul %q, %c : (!q, tensor<1xf32>) -> !q
  %kt = graph.transpose %k {perm = array<i64: 0, 1, 3, 2>} : (!k) -> !kt
  %0 = graph.matmul %qs, %kt : (!q, !kt) -> !p
  %1 = graph.softmax %0 {axis = 3 : i64} : (!p) -> !p
  %2 = graph.matmul %1, %v : (!p, !k) -> !q
  return %2 : !q
}

// PyTorch's scaled_dot_product_attention: the root of the scale on both.
// CHECK-LABEL: @root_of_scale_on_both(
func.func @root_of_scale_on_both(%q: !q, %k: !k, %v: !k, %m: !m) -> !q {
  // CHECK-NEXT: %[[R:.*]] = graph.attention %arg0, %arg1, %arg2, %arg3 {scale = 2.500000e-01 : f64}
  // CHECK-NEXT: return %[[R]]
  %c = graph.constant dense<0.25> : !s -> !s
  %root = graph.sqrt %c : (!s) -> !s
  %qs = graph.mul %q, %root : (!q, !s) -> !q
  %kt = graph.transpose %k {perm = array<i64: 0, 1, 3, 2>} : (!k) -> !kt
  %ks = graph.mul %kt, %root : (!kt, !s) -> !kt
  %0 = graph.matmul %qs, %ks : (!q, !kt) -> !p
  %1 = graph.add %m, %0 : (!m, !p) -> !p
  %2 = graph.softmax %1 {axis = 3 : i64} : (!p) -> !p
  %3 = graph.matmul %2, %v : (!p, !k) -> !q
  return %3 : !q
}

// The mask is added before the scale: it is scaled as well.
// CHECK-LABEL: @mask_before_scale(
func.func @mask_before_scale(%q: !q, %k: !k, %v: !k, %m: !m) -> !q {
  // CHECK: %[[M:.*]] = graph.mul %arg3, %{{.*}} -> tensor<?x1x1x?xf32
  // CHECK: graph.attention %arg0, %arg1, %arg2, %[[M]] {scale = 1.250000e-01 : f64}
  %c = graph.constant dense<8.0> : !s -> !s
  %kt = graph.transpose %k {perm = array<i64: 0, 1, 3, 2>} : (!k) -> !kt
  %0 = graph.matmul %q, %kt : (!q, !kt) -> !p
  %1 = graph.add %0, %m : (!p, !m) -> !p
  %2 = graph.div %1, %c : (!p, !s) -> !p
  %3 = graph.softmax %2 {axis = 3 : i64} : (!p) -> !p
  %4 = graph.matmul %3, %v : (!p, !k) -> !q
  return %4 : !q
}

// A bias and a mask: one sum of both.
// CHECK-LABEL: @two_masks(
func.func @two_masks(%q: !q, %k: !k, %v: !k, %m: !m, %n: !p) -> !q {
  // CHECK: %[[M:.*]] = graph.add %{{.*}} -> tensor<?x2x?x?xf32
  // CHECK: graph.attention %arg0, %arg1, %arg2, %[[M]] {scale = 1.000000e+00 : f64}
  %kt = graph.transpose %k {perm = array<i64: 0, 1, 3, 2>} : (!k) -> !kt
  %0 = graph.matmul %q, %kt : (!q, !kt) -> !p
  %1 = graph.add %0, %n : (!p, !p) -> !p
  %2 = graph.add %1, %m : (!p, !m) -> !p
  %3 = graph.softmax %2 {axis = 3 : i64} : (!p) -> !p
  %4 = graph.matmul %3, %v : (!p, !k) -> !q
  return %4 : !q
}

// A selection of -inf is an added mask.
// CHECK-LABEL: @where_masked(
func.func @where_masked(%q: !q, %k: !k, %v: !k, %w: tensor<?x1x1x?xi1, #graph.shape<[B, 1, 1, T]>>) -> !q {
  // CHECK: %[[M:.*]] = graph.select %arg3, %{{.*}}, %{{.*}} -> tensor<?x1x1x?xf32
  // CHECK: graph.attention %arg0, %arg1, %arg2, %[[M]]
  %inf = graph.constant dense<0xFF800000> : !s -> !s
  %kt = graph.transpose %k {perm = array<i64: 0, 1, 3, 2>} : (!k) -> !kt
  %0 = graph.matmul %q, %kt : (!q, !kt) -> !p
  %1 = graph.select %w, %inf, %0 : (tensor<?x1x1x?xi1, #graph.shape<[B, 1, 1, T]>>, !s, !p) -> !p
  %2 = graph.softmax %1 {axis = 3 : i64} : (!p) -> !p
  %3 = graph.matmul %2, %v : (!p, !k) -> !q
  return %3 : !q
}

// CHECK-LABEL: @key_as_it_is(
func.func @key_as_it_is(%q: !q, %k: !k, %v: !k) -> !q {
  // CHECK-NEXT: graph.attention %arg0, %arg1, %arg2 {scale = 1.000000e+00 : f64}
  %0 = graph.matmul %q, %k {transpose_rhs = true} : (!q, !k) -> !p
  %1 = graph.softmax %0 {axis = 3 : i64} : (!p) -> !p
  %2 = graph.matmul %1, %v : (!p, !k) -> !q
  return %2 : !q
}

// -10000 is a number like any other: adding it is not selecting it.
// REMARK-DAG: remark: {{.*}}"what is selected is not -inf: no mask adds it"
// CHECK-LABEL: @selects_small_number(
func.func @selects_small_number(%q: !q, %k: !k, %v: !k, %w: tensor<?x1x1x?xi1, #graph.shape<[B, 1, 1, T]>>) -> !q {
  // CHECK-NOT: graph.attention
  // CHECK: graph.softmax
  %c = graph.constant dense<-10000.0> : !s -> !s
  %0 = graph.matmul %q, %k {transpose_rhs = true} : (!q, !k) -> !p
  %1 = graph.select %w, %0, %c : (tensor<?x1x1x?xi1, #graph.shape<[B, 1, 1, T]>>, !p, !s) -> !p
  %2 = graph.softmax %1 {axis = 3 : i64} : (!p) -> !p
  %3 = graph.matmul %2, %v : (!p, !k) -> !q
  return %3 : !q
}

// The model returns its attention weights.
// REMARK-DAG: remark: {{.*}}"softmax has other users"
// CHECK-LABEL: @weights_returned(
func.func @weights_returned(%q: !q, %k: !k, %v: !k) -> (!q, !p) {
  // CHECK-NOT: graph.attention
  // CHECK: graph.softmax
  %0 = graph.matmul %q, %k {transpose_rhs = true} : (!q, !k) -> !p
  %1 = graph.softmax %0 {axis = 3 : i64} : (!p) -> !p
  %2 = graph.matmul %1, %v : (!p, !k) -> !q
  return %2, %1 : !q, !p
}

// REMARK-DAG: remark: {{.*}}"softmax is not along the last axis"
// CHECK-LABEL: @softmax_over_queries(
func.func @softmax_over_queries(%q: !q, %k: !k, %v: !k) -> !q {
  // CHECK-NOT: graph.attention
  // CHECK: graph.softmax
  %0 = graph.matmul %q, %k {transpose_rhs = true} : (!q, !k) -> !p
  %1 = graph.softmax %0 {axis = 2 : i64} : (!p) -> !p
  %2 = graph.matmul %1, %v : (!p, !k) -> !q
  return %2 : !q
}

// REMARK-DAG: remark: {{.*}}"batch dimensions broadcast"
// CHECK-LABEL: @batch_broadcasts(
func.func @batch_broadcasts(%q: !q, %k: tensor<1x1x16x64xf32>, %v: tensor<1x1x16x64xf32>) -> !q {
  // CHECK-NOT: graph.attention
  // CHECK: graph.softmax
  %0 = graph.matmul %q, %k {transpose_rhs = true} : (!q, tensor<1x1x16x64xf32>) -> tensor<?x2x?x16xf32, #graph.shape<[B, 2, S, 16]>>
  %1 = graph.softmax %0 {axis = 3 : i64} : (tensor<?x2x?x16xf32, #graph.shape<[B, 2, S, 16]>>) -> tensor<?x2x?x16xf32, #graph.shape<[B, 2, S, 16]>>
  %2 = graph.matmul %1, %v : (tensor<?x2x?x16xf32, #graph.shape<[B, 2, S, 16]>>, tensor<1x1x16x64xf32>) -> !q
  return %2 : !q
}

// REMARK-DAG: remark: {{.*}}"the scores have other users"
// CHECK-LABEL: @scores_returned(
func.func @scores_returned(%q: !q, %k: !k, %v: !k) -> (!q, !p) {
  // CHECK-NOT: graph.attention
  // CHECK: graph.softmax
  %0 = graph.matmul %q, %k {transpose_rhs = true} : (!q, !k) -> !p
  %1 = graph.softmax %0 {axis = 3 : i64} : (!p) -> !p
  %2 = graph.matmul %1, %v : (!p, !k) -> !q
  return %2, %0 : !q, !p
}

// REMARK-DAG: remark: {{.*}}"an op stands between the scores and their softmax"
// CHECK-LABEL: @capped_scores(
func.func @capped_scores(%q: !q, %k: !k, %v: !k) -> !q {
  // CHECK-NOT: graph.attention
  // CHECK: graph.softmax
  %0 = graph.matmul %q, %k {transpose_rhs = true} : (!q, !k) -> !p
  %1 = graph.tanh %0 : (!p) -> !p
  %2 = graph.softmax %1 {axis = 3 : i64} : (!p) -> !p
  %3 = graph.matmul %2, %v : (!p, !k) -> !q
  return %3 : !q
}
