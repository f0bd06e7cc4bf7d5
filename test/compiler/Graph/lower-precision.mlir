// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s --graph-lower-precision=type=f16 --split-input-file | FileCheck %s
// RUN: %tenon-opt %s --graph-lower-precision=type=bf16 --split-input-file | FileCheck %s --check-prefix=BF16
// RUN: %tenon-opt %s --graph-lower-precision=tf32 --split-input-file | FileCheck %s --check-prefix=TF32
// RUN: %tenon-opt %s --graph-lower-precision --split-input-file | FileCheck %s --check-prefix=NONE
//
// Which ops are computed in the lower type, and where the casts are.

// Operands, constants and the result of a product; the result of the function
// keeps its type.
// CHECK-LABEL: @matmul
// CHECK-SAME: graph.precision_rows = {{\[\[}}"fc", "f16", "--fp16"], ["act", "f16", "--fp16"]]
// BF16-LABEL: @matmul
// BF16-SAME: ["fc", "bf16", "--bf16"]
// TF32-LABEL: @matmul
// TF32-SAME: ["fc", "tf32", "f32 is the type of the model; --tf32"]
// NONE-LABEL: func.func @matmul(%arg0: tensor<4x2xf32>) -> tensor<4x2xf32> {
func.func @matmul(%x: tensor<4x2xf32>) -> tensor<4x2xf32> {
  // 1, 1 + 2^-11 (a tie: to even), 1 + 3 * 2^-11, -2^-24
  // CHECK: %[[X:.*]] = graph.cast %arg0 {to = f16}
  // CHECK: %[[W:.*]] = graph.constant dense<{{\[}}[1.000000e+00, 1.000000e+00], [1.001950e+00, -5.960460e-08]]> : tensor<2x2xf16> -> tensor<2x2xf16>
  // CHECK: %[[Y:.*]] = graph.matmul %[[X]], %[[W]] : (tensor<4x2xf16>, tensor<2x2xf16>) -> tensor<4x2xf16>
  // CHECK: %[[Z:.*]] = graph.relu %[[Y]] : (tensor<4x2xf16>) -> tensor<4x2xf16>
  // CHECK: %[[R:.*]] = graph.cast %[[Z]] {to = f32}
  // CHECK: return %[[R]] : tensor<4x2xf32>
  // BF16: graph.matmul {{.*}} -> tensor<4x2xbf16>
  // TF32-NOT: graph.cast
  // TF32: graph.matmul %arg0, %{{.*}} {graph.precision = "tf32"} : (tensor<4x2xf32>, tensor<2x2xf32>)
  // TF32-NOT: graph.precision =
  // TF32: return
  // NONE-NOT: graph.cast
  // NONE-NOT: graph.precision
  // NONE: return
  %w = graph.constant dense<[[1.0, 1.00048828125], [1.00146484375, -5.9604644775390625e-08]]> : tensor<2x2xf32> -> tensor<2x2xf32>
  %0 = graph.matmul %x, %w : (tensor<4x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32> loc("fc")
  %1 = graph.relu %0 : (tensor<4x2xf32>) -> tensor<4x2xf32> loc("act")
  return %1 : tensor<4x2xf32>
}

// -----

// The value is cast to f32 for the softmax alone, and its result back for the
// product, once for both users.
// CHECK-LABEL: @softmax
// CHECK-SAME: ["p", "f32", "softmax stays in f32"]
func.func @softmax(%q: tensor<7x8xf32>, %k: tensor<8x9xf32>, %v: tensor<9x8xf32>) -> (tensor<7x8xf32>, tensor<7x9xf32>) {
  // CHECK: %[[S:.*]] = graph.matmul {{.*}} -> tensor<7x9xf16>
  // CHECK: %[[U:.*]] = graph.cast %[[S]] {to = f32}
  // CHECK: %[[P:.*]] = graph.softmax %[[U]] {axis = 1 : i64} : (tensor<7x9xf32>) -> tensor<7x9xf32>
  // CHECK: %[[N:.*]] = graph.cast %[[P]] {to = f16}
  // CHECK-NOT: graph.cast %[[P]]
  // CHECK: graph.matmul %[[N]], %{{.*}} -> tensor<7x8xf16>
  // CHECK: graph.add %[[N]], %[[N]]
  // CHECK: return
  %s = graph.matmul %q, %k : (tensor<7x8xf32>, tensor<8x9xf32>) -> tensor<7x9xf32>
  %p = graph.softmax %s {axis = 1 : i64} : (tensor<7x9xf32>) -> tensor<7x9xf32> loc("p")
  %y = graph.matmul %p, %v : (tensor<7x9xf32>, tensor<9x8xf32>) -> tensor<7x8xf32>
  %z = graph.add %p, %p : (tensor<7x9xf32>, tensor<7x9xf32>) -> tensor<7x9xf32>
  return %y, %z : tensor<7x8xf32>, tensor<7x9xf32>
}

// -----

// CHECK-LABEL: @norms
// CHECK-SAME: ["ln", "f32", "layer norm stays in f32"], ["rms", "f32", "RMS norm stays in f32"]
func.func @norms(%x: tensor<4x64xf32>, %s: tensor<64xf32>) -> (tensor<4x64xf32>, tensor<4x64xf32>) {
  // CHECK: graph.layer_norm {{.*}} -> tensor<4x64xf32>
  // CHECK: graph.layer_norm {{.*}} -> tensor<4x64xf32>
  %0 = graph.layer_norm %x scale %s {axis = 1 : i64, epsilon = 1.0e-5 : f64} : (tensor<4x64xf32>, tensor<64xf32>) -> tensor<4x64xf32> loc("ln")
  %1 = graph.layer_norm %x scale %s {axis = 1 : i64, epsilon = 1.0e-5 : f64, rms = true} : (tensor<4x64xf32>, tensor<64xf32>) -> tensor<4x64xf32> loc("rms")
  return %0, %1 : tensor<4x64xf32>, tensor<4x64xf32>
}

// -----

// exp, what is made of it, and the function that brings it back into range.
// CHECK-LABEL: @steep
// CHECK-SAME: ["exp", "f32", "exp stays in f32"], ["more", "f32", "takes the result of an op that stays in f32"], ["tanh", "f32", "takes the result of an op that stays in f32"], ["last", "f16", "--fp16"]
func.func @steep(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: %[[E:.*]] = graph.exp %arg0 : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: %[[M:.*]] = graph.add %[[E]], %arg0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  // CHECK: %[[T:.*]] = graph.tanh %[[M]] : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: %[[N:.*]] = graph.cast %[[T]] {to = f16}
  // CHECK: graph.neg %[[N]] : (tensor<4xf16>) -> tensor<4xf16>
  %0 = graph.exp %x : (tensor<4xf32>) -> tensor<4xf32> loc("exp")
  %1 = graph.add %0, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> loc("more")
  %2 = graph.tanh %1 : (tensor<4xf32>) -> tensor<4xf32> loc("tanh")
  %3 = graph.neg %2 : (tensor<4xf32>) -> tensor<4xf32> loc("last")
  return %3 : tensor<4xf32>
}

// -----

// CHECK-LABEL: @reductions
// CHECK-SAME: ["few", "f16", "--fp16"], ["many", "f32", "a reduction of 65 elements stays in f32"], ["open", "f32", "a reduction of any number of elements stays in f32"], ["max", "f16", "--fp16"], ["squares", "f32", "a reduction by sum_square stays in f32"]
func.func @reductions(%x: tensor<4x64xf32>, %y: tensor<4x65xf32>, %z: tensor<4x?xf32, #graph.shape<[4, N]>>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  // CHECK: graph.reduce {{.*}} (tensor<4x64xf16>) -> tensor<4xf16>
  // CHECK: graph.reduce {{.*}} (tensor<4x65xf32>) -> tensor<4xf32>
  // CHECK: graph.reduce {{.*}} -> tensor<4xf32>
  // CHECK: graph.reduce {{.*}} (tensor<4x65xf16>) -> tensor<4xf16>
  // CHECK: graph.reduce {{.*}} (tensor<4x64xf32>) -> tensor<4xf32>
  %0 = graph.reduce %x {kind = #graph.reduce_kind<mean>, axes = array<i64: 1>, keep = false} : (tensor<4x64xf32>) -> tensor<4xf32> loc("few")
  %1 = graph.reduce %y {kind = #graph.reduce_kind<sum>, axes = array<i64: 1>, keep = false} : (tensor<4x65xf32>) -> tensor<4xf32> loc("many")
  %2 = graph.reduce %z {kind = #graph.reduce_kind<sum>, axes = array<i64: 1>, keep = false} : (tensor<4x?xf32, #graph.shape<[4, N]>>) -> tensor<4xf32> loc("open")
  %3 = graph.reduce %y {kind = #graph.reduce_kind<max>, axes = array<i64: 1>, keep = false} : (tensor<4x65xf32>) -> tensor<4xf32> loc("max")
  %4 = graph.reduce %x {kind = #graph.reduce_kind<sum_square>, axes = array<i64: 1>, keep = false} : (tensor<4x64xf32>) -> tensor<4xf32> loc("squares")
  return %0, %1, %2, %3, %4 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// A weight beyond the range keeps the product, a mask what it is added to; so
// does an epsilon that f16 would lose. The range of bf16 is that of f32, but
// for the last numbers.
// CHECK-LABEL: @constants
// CHECK-SAME: ["big", "f32", "tensor 'w' holds 7.00e+04, beyond the range of f16"], ["mask", "f32", "a constant holds {{3.40e[+]38}}, beyond the range of f16"], ["epsilon", "f32", "a constant holds nothing above 1.00e-06, where f16 loses digits"], ["fits", "f16", "--fp16"]
// BF16-LABEL: @constants
// BF16-SAME: ["big", "bf16", "--bf16"], ["mask", "f32", "a constant holds {{3.40e[+]38}}, beyond the range of bf16"], ["epsilon", "bf16", "--bf16; its constants stay in f32"], ["fits", "bf16", "--bf16; its constants stay in f32"]
func.func @constants(%x: tensor<4x2xf32>) -> (tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>) {
  // CHECK: graph.matmul {{.*}} -> tensor<4x2xf32>
  // CHECK: graph.add {{.*}} -> tensor<4x2xf32>
  // CHECK: graph.add {{.*}} -> tensor<4x2xf32>
  // CHECK: graph.add {{.*}} -> tensor<4x2xf16>
  %w = graph.constant dense<[[1.0, -70000.0], [0.0, 2.0]]> : tensor<2x2xf32> name "w" -> tensor<2x2xf32>
  %lowest = graph.constant dense<-3.40282347e+38> : tensor<f32> -> tensor<f32>
  %epsilon = graph.constant dense<1.0e-6> : tensor<f32> -> tensor<f32>
  %infinity = graph.constant dense<[0xFF800000, 1.0e-6]> : tensor<2xf32> -> tensor<2xf32>
  %0 = graph.matmul %x, %w : (tensor<4x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32> loc("big")
  %1 = graph.add %x, %lowest : (tensor<4x2xf32>, tensor<f32>) -> tensor<4x2xf32> loc("mask")
  %2 = graph.add %x, %epsilon : (tensor<4x2xf32>, tensor<f32>) -> tensor<4x2xf32> loc("epsilon")
  %3 = graph.add %x, %infinity : (tensor<4x2xf32>, tensor<2xf32>) -> tensor<4x2xf32> loc("fits")
  return %0, %1, %2, %3 : tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>
}

// -----

// A number, or one for each channel, that bf16 would round keeps its digits: the
// op stays in f32 between casts, the second of which kernels may skip. What bf16
// holds, larger constants and those of f16 are rounded.
// CHECK-LABEL: @small_constants
// CHECK-SAME: ["fc", "f16", "--fp16"], ["scale", "f16", "--fp16"], ["shift", "f16", "--fp16"], ["half", "f16", "--fp16"], ["table", "f16", "--fp16"]
// CHECK-NOT: keep_digits
// BF16-LABEL: @small_constants
// BF16-SAME: ["fc", "bf16", "--bf16"], ["scale", "bf16", "--bf16; its constants stay in f32"], ["shift", "bf16", "--bf16; its constants stay in f32"], ["half", "bf16", "--bf16"], ["table", "bf16", "--bf16"]
func.func @small_constants(%x: tensor<4x2xf32>, %v: tensor<2x2xf32>) -> tensor<4x2xf32> {
  // BF16: %[[M:.*]] = graph.matmul {{.*}} -> tensor<4x2xbf16>
  // BF16: %[[W:.*]] = graph.cast %[[M]] {to = f32}
  // BF16: %[[S:.*]] = graph.mul %[[W]], %{{.*}} : (tensor<4x2xf32>, tensor<f32>) -> tensor<4x2xf32>
  // BF16: %[[N:.*]] = graph.cast %[[S]] {keep_digits, to = bf16} : (tensor<4x2xf32>) -> tensor<4x2xbf16>
  // BF16: %[[V:.*]] = graph.cast %[[N]] {to = f32}
  // BF16: %[[A:.*]] = graph.add %{{.*}}, %[[V]] : (tensor<1x2xf32>, tensor<4x2xf32>) -> tensor<4x2xf32>
  // BF16: %[[C:.*]] = graph.cast %[[A]] {keep_digits, to = bf16}
  // BF16: %[[H:.*]] = graph.mul %[[C]], %{{.*}} : (tensor<4x2xbf16>, tensor<bf16>) -> tensor<4x2xbf16>
  // BF16: graph.add %[[H]], %{{.*}} : (tensor<4x2xbf16>, tensor<4x2xbf16>)
  %third = graph.constant dense<0.333333343> : tensor<f32> -> tensor<f32>
  %bias = graph.constant dense<[[0.1, 0.2]]> : tensor<1x2xf32> -> tensor<1x2xf32>
  %half = graph.constant dense<0.5> : tensor<f32> -> tensor<f32>
  %table = graph.constant dense<[[0.1, 0.2], [0.3, 0.4], [0.5, 0.6], [0.7, 0.8]]> : tensor<4x2xf32> -> tensor<4x2xf32>
  %m = graph.matmul %x, %v : (tensor<4x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32> loc("fc")
  %0 = graph.mul %m, %third : (tensor<4x2xf32>, tensor<f32>) -> tensor<4x2xf32> loc("scale")
  %1 = graph.add %bias, %0 : (tensor<1x2xf32>, tensor<4x2xf32>) -> tensor<4x2xf32> loc("shift")
  %2 = graph.mul %1, %half : (tensor<4x2xf32>, tensor<f32>) -> tensor<4x2xf32> loc("half")
  %3 = graph.add %2, %table : (tensor<4x2xf32>, tensor<4x2xf32>) -> tensor<4x2xf32> loc("table")
  return %3 : tensor<4x2xf32>
}

// -----

// Moving what is in f32 does not round it; moving what was lowered does not
// widen it.
// CHECK-LABEL: @movement
// CHECK-SAME: ["in", "f32", "moves an input of the model as it is"], ["join", "f16", "--fp16"]
func.func @movement(%x: tensor<2x3xf32>) -> (tensor<3x2xf32>, tensor<6x2xf32>) {
  // CHECK: %[[T:.*]] = graph.transpose %arg0 {perm = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  // CHECK: %[[C:.*]] = graph.cast %[[T]] {to = f16}
  // CHECK: %[[R:.*]] = graph.relu %[[C]]
  // CHECK: graph.concat %[[C]], %[[R]] {axis = 0 : i64} : (tensor<3x2xf16>, tensor<3x2xf16>) -> tensor<6x2xf16>
  // CHECK: return %[[T]], %{{.*}}
  %0 = graph.transpose %x {perm = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32> loc("in")
  %1 = graph.relu %0 : (tensor<3x2xf32>) -> tensor<3x2xf32>
  %2 = graph.concat %0, %1 {axis = 0 : i64} : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<6x2xf32> loc("join")
  return %0, %2 : tensor<3x2xf32>, tensor<6x2xf32>
}

// -----

// Integers and bools stay; what becomes an index, a bool or a larger float is
// computed from f32, and a number that was an integer stays in f32.
// CHECK-LABEL: @other_types
func.func @other_types(%x: tensor<4xf32>, %i: tensor<4xi64>, %d: tensor<4xf64>) -> (tensor<4xi1>, tensor<4xi64>, tensor<4xf32>, tensor<4xf32>, tensor<4xf64>, tensor<i64>) {
  // CHECK: %[[N:.*]] = graph.neg {{.*}} -> tensor<4xf16>
  // CHECK: %[[A:.*]] = graph.cast %[[N]] {to = f32}
  // CHECK: graph.compare %[[A]], %arg0 {{.*}} (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  // CHECK: graph.add %arg1, %arg1 : (tensor<4xi64>, tensor<4xi64>) -> tensor<4xi64>
  // CHECK: graph.cast %arg1 {to = f32} : (tensor<4xi64>) -> tensor<4xf32>
  // CHECK: graph.cast %{{.*}} {to = f16} : (tensor<4xi1>) -> tensor<4xf16>
  // CHECK: graph.add %arg2, %arg2 : (tensor<4xf64>, tensor<4xf64>) -> tensor<4xf64>
  // CHECK: %[[B:.*]] = graph.cast %[[N]] {to = f32}
  // CHECK: graph.arg_reduce %[[B]]
  %n = graph.neg %x : (tensor<4xf32>) -> tensor<4xf32>
  %0 = graph.compare %n, %x {predicate = #graph.compare<lt>} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  %1 = graph.add %i, %i : (tensor<4xi64>, tensor<4xi64>) -> tensor<4xi64>
  %2 = graph.cast %i {to = f32} : (tensor<4xi64>) -> tensor<4xf32>
  %3 = graph.cast %0 {to = f32} : (tensor<4xi1>) -> tensor<4xf32>
  %4 = graph.add %d, %d : (tensor<4xf64>, tensor<4xf64>) -> tensor<4xf64>
  %5 = graph.arg_reduce %n {kind = #graph.reduce_kind<max>, axis = 0 : i64, keep = false} : (tensor<4xf32>) -> tensor<i64>
  return %0, %1, %2, %3, %4, %5 : tensor<4xi1>, tensor<4xi64>, tensor<4xf32>, tensor<4xf32>, tensor<4xf64>, tensor<i64>
}

// -----

// The type that the model was written in, without a flag; its casts vanish.
// NONE-LABEL: @own_type
// NONE-SAME: ["fc", "f16", "the type of the model"]
func.func @own_type(%x: tensor<4x2xf16>, %w: tensor<2x2xf16>) -> tensor<4x2xf16> attributes {graph.float_type = f16} {
  // NONE-NOT: graph.cast
  // NONE: %[[Y:.*]] = graph.matmul %arg0, %arg1 : (tensor<4x2xf16>, tensor<2x2xf16>) -> tensor<4x2xf16>
  // NONE-NEXT: return %[[Y]]
  %0 = graph.cast %x {to = f32} : (tensor<4x2xf16>) -> tensor<4x2xf32>
  %1 = graph.cast %w {to = f32} : (tensor<2x2xf16>) -> tensor<2x2xf32>
  %2 = graph.matmul %0, %1 : (tensor<4x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32> loc("fc")
  %3 = graph.cast %2 {to = f16} : (tensor<4x2xf32>) -> tensor<4x2xf16>
  return %3 : tensor<4x2xf16>
}

// -----

// Weights that f16 would round to a few digits keep a convolution in f32, a
// bias does not; a large one does.
// CHECK-LABEL: @small_weights
// CHECK-SAME: ["w", "f32", "a constant holds nothing above 1.00e-05, where f16 loses digits"], ["b", "f16", "--fp16"], ["l", "f32", "a constant holds 1.00e+05, beyond the range of f16"]
func.func @small_weights(%x: tensor<1x1x4xf32>, %f: tensor<1x1x1xf32>) -> (tensor<1x1x4xf32>, tensor<1x1x4xf32>, tensor<1x1x4xf32>) {
  %small = graph.constant dense<1.0e-5> : tensor<1x1x1xf32> -> tensor<1x1x1xf32>
  %tiny = graph.constant dense<1.0e-5> : tensor<1xf32> -> tensor<1xf32>
  %large = graph.constant dense<1.0e5> : tensor<1xf32> -> tensor<1xf32>
  %0 = graph.conv %x, %small {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<1x1x4xf32>, tensor<1x1x1xf32>) -> tensor<1x1x4xf32> loc("w")
  %1 = graph.conv %x, %f, %tiny {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<1x1x4xf32>, tensor<1x1x1xf32>, tensor<1xf32>) -> tensor<1x1x4xf32> loc("b")
  %2 = graph.conv %x, %f, %large {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<1x1x4xf32>, tensor<1x1x1xf32>, tensor<1xf32>) -> tensor<1x1x4xf32> loc("l")
  return %0, %1, %2 : tensor<1x1x4xf32>, tensor<1x1x4xf32>, tensor<1x1x4xf32>
}
