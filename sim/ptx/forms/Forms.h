//===- Forms.h - The rows of the instruction table --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The table's notation is that of Instructions.h; a file a topic.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_PTX_FORMS_FORMS_H
#define TENON_SIM_PTX_FORMS_FORMS_H

#include "sim/ptx/Instructions.h"

namespace tenon::sim::ptx {

std::span<const FormRow> integerForms();
std::span<const FormRow> floatForms();
std::span<const FormRow> logicForms();
std::span<const FormRow> memoryForms();
std::span<const FormRow> controlForms();
std::span<const FormRow> syncForms();
std::span<const FormRow> matrixForms();
std::span<const FormRow> refusedForms();

} // namespace tenon::sim::ptx

#endif // TENON_SIM_PTX_FORMS_FORMS_H
