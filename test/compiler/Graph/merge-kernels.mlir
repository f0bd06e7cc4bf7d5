// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s --graph-fuse-kernels --graph-merge-kernels | FileCheck %s

// The state of an LSTM: both results are used, the cell in a register for the
// other. Gates are slices of one product.
// CHECK-LABEL: @cell
// CHECK: %[[R:.*]]:2 = graph.kernel "pointwise"(%arg0, %arg1)
// CHECK: graph.add
// CHECK: %[[C:.*]] = graph.add
// CHECK: graph.tanh %[[C]]
// CHECK: %[[H:.*]] = graph.mul
// CHECK: graph.yield %[[C]], %[[H]]
// CHECK-NOT: graph.kernel
// CHECK: return %[[R]]#0, %[[R]]#1
func.func @cell(%g: tensor<4x24xf32>, %c0: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %f = graph.slice %g {offsets = [#graph.expr<"0">, #graph.expr<"0">], strides = array<i64: 1, 1>, sizes = [#graph.expr<"4">, #graph.expr<"8">]} : (tensor<4x24xf32>) -> tensor<4x8xf32>
  %i = graph.slice %g {offsets = [#graph.expr<"0">, #graph.expr<"8">], strides = array<i64: 1, 1>, sizes = [#graph.expr<"4">, #graph.expr<"8">]} : (tensor<4x24xf32>) -> tensor<4x8xf32>
  %o = graph.slice %g {offsets = [#graph.expr<"0">, #graph.expr<"16">], strides = array<i64: 1, 1>, sizes = [#graph.expr<"4">, #graph.expr<"8">]} : (tensor<4x24xf32>) -> tensor<4x8xf32>
  %s = graph.add %f, %i : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %c = graph.add %s, %c0 : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %t = graph.tanh %c : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %h = graph.mul %t, %o : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %c, %h : tensor<4x8xf32>, tensor<4x8xf32>
}

// What the others alone use is not stored. Sines and cosines of one tensor.
// CHECK-LABEL: @shared_and_gone
// CHECK: graph.kernel "pointwise"(%arg0)
// CHECK-SAME: -> (tensor<8xf32>, tensor<8xf32>)
// CHECK: %[[E:.*]] = graph.exp
// CHECK: graph.sin %[[E]]
// CHECK: graph.cos %[[E]]
// CHECK-NOT: graph.kernel
func.func @shared_and_gone(%x: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %0 = graph.exp %x : (tensor<8xf32>) -> tensor<8xf32>
  %1 = graph.sin %0 : (tensor<8xf32>) -> tensor<8xf32>
  %2 = graph.cos %0 : (tensor<8xf32>) -> tensor<8xf32>
  return %1, %2 : tensor<8xf32>, tensor<8xf32>
}

// Results of other types, and names of all nodes.
// CHECK-LABEL: @types
// CHECK: graph.kernel "pointwise"(%arg0, %arg1) {
// CHECK-SAME: graph.nodes = ["less", "sum"]
// CHECK-SAME: -> (tensor<?x8xi1{{.*}}>, tensor<?x8xf32{{.*}}>)
func.func @types(%x: tensor<?x8xf32, #graph.shape<["N", "8"]>>, %b: tensor<8xf32>)
    -> (tensor<?x8xi1, #graph.shape<["N", "8"]>>, tensor<?x8xf32, #graph.shape<["N", "8"]>>) {
  %0 = graph.compare %x, %b {predicate = #graph.compare<lt>} : (tensor<?x8xf32, #graph.shape<["N", "8"]>>, tensor<8xf32>) -> tensor<?x8xi1, #graph.shape<["N", "8"]>> loc("less")
  %1 = graph.add %x, %b : (tensor<?x8xf32, #graph.shape<["N", "8"]>>, tensor<8xf32>) -> tensor<?x8xf32, #graph.shape<["N", "8"]>> loc("sum")
  return %0, %1 : tensor<?x8xi1, #graph.shape<["N", "8"]>>, tensor<?x8xf32, #graph.shape<["N", "8"]>>
}

// Only a small operand is shared: two kernels may run beside each other.
// CHECK-LABEL: @only_a_bias_is_shared
// CHECK-COUNT-2: graph.kernel "pointwise"
func.func @only_a_bias_is_shared(%x: tensor<4x8xf32>, %y: tensor<4x8xf32>, %b: tensor<8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %0 = graph.add %x, %b : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  %1 = graph.mul %y, %b : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  return %0, %1 : tensor<4x8xf32>, tensor<4x8xf32>
}

// A way from the one to the other leads through others: the second needs what
// the first's user computes.
// CHECK-LABEL: @no_circle
// CHECK: graph.kernel "pointwise"(%arg0)
// CHECK: graph.kernel "softmax"
// CHECK: graph.kernel "pointwise"
// CHECK: graph.sub
func.func @no_circle(%x: tensor<8x8xf32>) -> (tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>) {
  %0 = graph.exp %x : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %1 = graph.softmax %0 {axis = 1 : i64} : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %2 = graph.sub %1, %0 : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  return %0, %1, %2 : tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>
}

// The second stands behind a user of the first, which needs nothing from it:
// the merged kernel comes before that user.
// CHECK-LABEL: @moved_up
// CHECK: graph.kernel "pointwise"(%arg0)
// CHECK-SAME: -> (tensor<8x8xf32>, tensor<8x8xf32>)
// CHECK: graph.kernel "softmax"
// CHECK-NOT: graph.kernel
func.func @moved_up(%x: tensor<8x8xf32>) -> (tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>) {
  %0 = graph.exp %x : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %1 = graph.softmax %0 {axis = 1 : i64} : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %2 = graph.neg %x : (tensor<8x8xf32>) -> tensor<8x8xf32>
  return %0, %1, %2 : tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>
}

// Transposes keep to themselves: they would take the vectors from the rest.
// CHECK-LABEL: @transposed
// CHECK-COUNT-2: graph.kernel "pointwise"
// CHECK-NOT: graph.kernel
func.func @transposed(%x: tensor<8x8xf32>) -> (tensor<8x8xf32>, tensor<8x8xf32>) {
  %0 = graph.exp %x : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %1 = graph.transpose %x {perm = array<i64: 1, 0>} : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %2 = graph.add %1, %0 : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  return %0, %2 : tensor<8x8xf32>, tensor<8x8xf32>
}

// A value that the other reads elsewhere would be computed twice.
// CHECK-LABEL: @read_elsewhere
// CHECK-COUNT-2: graph.kernel "pointwise"
// CHECK-NOT: graph.kernel
func.func @read_elsewhere(%x: tensor<8x8xf32>) -> (tensor<8x8xf32>, tensor<8x8xf32>) {
  %0 = graph.exp %x : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %1 = graph.slice %0 {offsets = [#graph.expr<"7">, #graph.expr<"0">], strides = array<i64: -1, 1>, sizes = [#graph.expr<"8">, #graph.expr<"8">]} : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %2 = graph.neg %1 : (tensor<8x8xf32>) -> tensor<8x8xf32>
  return %0, %2 : tensor<8x8xf32>, tensor<8x8xf32>
}
