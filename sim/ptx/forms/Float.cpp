//===- Float.cpp - Floating point, PTX ISA 9.7.3 to 9.7.5 -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/forms/Forms.h"

using namespace tenon::sim::ptx;

// clang-format off
static constexpr FormRow kRows[] = {
    {"testp", "TEST .f32|.f64", ">.pred T", "9.7.3.1", 20},
    {"copysign", ".f32|.f64", ">T T T", "9.7.3.2", 20},
    {"add", "RND? .ftz? .sat? .f32", ">T T T", "9.7.3.3"},
    {"add", "RND? .f64", ">T T T", "9.7.3.3"},
    {"sub", "RND? .ftz? .sat? .f32", ">T T T", "9.7.3.4"},
    {"sub", "RND? .f64", ">T T T", "9.7.3.4"},
    {"mul", "RND? .ftz? .sat? .f32", ">T T T", "9.7.3.5"},
    {"mul", "RND? .f64", ">T T T", "9.7.3.5"},
    {"fma", "RND .ftz? .sat? .f32", ">T T T T", "9.7.3.6", 20},
    {"fma", "RND .f64", ">T T T T", "9.7.3.6"},
    {"mad", "RND .ftz? .sat? .f32", ">T T T T", "9.7.3.7", 20},
    {"mad", "RND .f64", ">T T T T", "9.7.3.7"},
    {"div", ".approx .ftz? .f32", ">T T T", "9.7.3.8"},
    {"div", ".full .ftz? .f32", ">T T T", "9.7.3.8"},
    {"div", "RND .ftz? .f32", ">T T T", "9.7.3.8", 20},
    {"div", "RND .f64", ">T T T", "9.7.3.8"},
    {"abs", ".ftz? .f32", ">T T", "9.7.3.9"},
    {"abs", ".f64", ">T T", "9.7.3.9"},
    {"neg", ".ftz? .f32", ">T T", "9.7.3.10"},
    {"neg", ".f64", ">T T", "9.7.3.10"},
    {"min", ".ftz? .f32", ">T T T", "9.7.3.11"},
    {"min", ".ftz? .NaN .f32", ">T T T", "9.7.3.11", 80},
    {"min", ".ftz? .NaN? .xorsign .abs .f32", ">T T T", "9.7.3.11", 86},
    {"min", ".ftz? .NaN? .abs? .f32", ">T T T T", "9.7.3.11", 100},
    {"min", ".f64", ">T T T", "9.7.3.11"},
    {"max", ".ftz? .f32", ">T T T", "9.7.3.12"},
    {"max", ".ftz? .NaN .f32", ">T T T", "9.7.3.12", 80},
    {"max", ".ftz? .NaN? .xorsign .abs .f32", ">T T T", "9.7.3.12", 86},
    {"max", ".ftz? .NaN? .abs? .f32", ">T T T T", "9.7.3.12", 100},
    {"max", ".f64", ">T T T", "9.7.3.12"},
    {"rcp", ".approx .ftz? .f32", ">T T", "9.7.3.13"},
    {"rcp", "RND .ftz? .f32", ">T T", "9.7.3.13", 20},
    {"rcp", "RND .f64", ">T T", "9.7.3.13"},
    {"rcp", ".approx .ftz .f64", ">T T", "9.7.3.14", 20},
    {"sqrt", ".approx .ftz? .f32", ">T T", "9.7.3.15"},
    {"sqrt", "RND .ftz? .f32", ">T T", "9.7.3.15", 20},
    {"sqrt", "RND .f64", ">T T", "9.7.3.15"},
    {"rsqrt", ".approx .ftz? .f32", ">T T", "9.7.3.16"},
    {"rsqrt", ".approx .f64", ">T T", "9.7.3.16"},
    {"rsqrt", ".approx .ftz .f64", ">T T", "9.7.3.17", 20},
    {"sin", ".approx .ftz? .f32", ">T T", "9.7.3.18"},
    {"cos", ".approx .ftz? .f32", ">T T", "9.7.3.19"},
    {"lg2", ".approx .ftz? .f32", ">T T", "9.7.3.20"},
    {"ex2", ".approx .ftz? .f32", ">T T", "9.7.3.21"},
    {"tanh", ".approx .f32", ">T T", "9.7.3.22", 75},

    {"add", ".rn? .ftz? .sat? HALF", ">T T T", "9.7.4.1", 53},
    {"add", ".rn? BHALF", ">T T T", "9.7.4.1", 90},
    {"sub", ".rn? .ftz? .sat? HALF", ">T T T", "9.7.4.2", 53},
    {"sub", ".rn? BHALF", ">T T T", "9.7.4.2", 90},
    {"mul", ".rn? .ftz? .sat? HALF", ">T T T", "9.7.4.3", 53},
    {"mul", ".rn? BHALF", ">T T T", "9.7.4.3", 90},
    {"fma", ".rn .ftz? .sat? HALF", ">T T T T", "9.7.4.4", 53},
    {"fma", ".rn .ftz? .relu HALF", ">T T T T", "9.7.4.4", 80},
    {"fma", ".rn .relu? BHALF", ">T T T T", "9.7.4.4", 80},
    {"fma", ".rn .oob .relu? HALF|.bf16|.bf16x2", ">T T T T", "9.7.4.4", 90},
    {"neg", ".ftz? HALF", ">T T", "9.7.4.5", 53},
    {"neg", "BHALF", ">T T", "9.7.4.5", 80},
    {"abs", ".ftz? HALF", ">T T", "9.7.4.6", 53},
    {"abs", "BHALF", ">T T", "9.7.4.6", 80},
    {"min", ".ftz? .NaN? HALF", ">T T T", "9.7.4.7", 80},
    {"min", ".ftz? .NaN? .xorsign .abs HALF", ">T T T", "9.7.4.7", 86},
    {"min", ".NaN? BHALF", ">T T T", "9.7.4.7", 80},
    {"min", ".NaN? .xorsign .abs BHALF", ">T T T", "9.7.4.7", 86},
    {"max", ".ftz? .NaN? HALF", ">T T T", "9.7.4.8", 80},
    {"max", ".ftz? .NaN? .xorsign .abs HALF", ">T T T", "9.7.4.8", 86},
    {"max", ".NaN? BHALF", ">T T T", "9.7.4.8", 80},
    {"max", ".NaN? .xorsign .abs BHALF", ">T T T", "9.7.4.8", 86},
    {"tanh", ".approx HALF", ">T T", "9.7.4.9", 75},
    {"tanh", ".approx BHALF", ">T T", "9.7.4.9", 90},
    {"ex2", ".approx HALF", ">T T", "9.7.4.10", 75},
    {"ex2", ".approx .ftz BHALF", ">T T", "9.7.4.10", 90},

    {"add", "RND? .sat? .f32 .f16|.bf16", ">T U T", "9.7.5.1", 100},
    {"sub", "RND? .sat? .f32 .f16|.bf16", ">T U T", "9.7.5.2", 100},
    {"fma", "RND .sat? .f32 .f16|.bf16", ">T U U T", "9.7.5.3", 100},
};
// clang-format on

std::span<const FormRow> tenon::sim::ptx::floatForms() { return kRows; }
