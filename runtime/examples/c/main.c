/* main.c - Loads an engine, describes it, and runs it once on zeros.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *   run-engine MODEL.tenon [SIZE]
 *
 * SIZE (default 1) stands for each dimension that the engine leaves open.
 */
#include <tenon/tenon.h>

#include <stdio.h>
#include <stdlib.h>

enum { MAX_TENSORS = 32 };

static int fail(const TenonError *error) {
  fprintf(stderr, "run-engine: %s: %s\n", tenon_status_name(error->status),
          error->message);
  return 1;
}

static void printTensor(const char *kind, const char *name,
                        const TenonTensor *tensor) {
  printf("%s '%s': %s [", kind, name, tenon_element_type_name(tensor->type));
  for (int32_t d = 0; d < tensor->rank; ++d)
    printf("%s%lld", d ? ", " : "", (long long)tensor->dims[d]);
  printf("]\n");
}

/* An input of zeros, `size` in each open dimension. */
static int makeInput(const TenonEngine *engine, int32_t index, int64_t size,
                     TenonTensor *tensor) {
  TenonBindingInfo info = {sizeof(info)};
  if (tenon_engine_binding(engine, TENON_INPUT, index, &info) != TENON_OK)
    return 0;
  uint64_t elements = 1;
  tensor->type = info.type;
  tensor->rank = info.rank;
  for (int32_t d = 0; d < info.rank; ++d) {
    tensor->dims[d] = info.dims[d] >= 0 ? info.dims[d] : size;
    elements *= (uint64_t)tensor->dims[d];
  }
  tensor->bytes =
      (elements * (uint64_t)tenon_element_type_bits(info.type) + 7) / 8;
  tensor->data = calloc(1, tensor->bytes ? tensor->bytes : 1);
  printTensor("input", info.name, tensor);
  return tensor->data != NULL;
}

static int run(TenonEngine *engine, TenonContext *context, int64_t size) {
  TenonTensor inputs[MAX_TENSORS] = {{0}}, outputs[MAX_TENSORS] = {{0}};
  TenonEngineInfo info = {sizeof(info)};
  TenonError error;
  int code = 1;
  if (tenon_engine_info(engine, &info) != TENON_OK)
    return 1;
  printf("model '%s' for %s, made by %s\n", info.model, info.target,
         info.builder);
  if (info.input_count > MAX_TENSORS || info.output_count > MAX_TENSORS) {
    fprintf(stderr, "run-engine: more than %d tensors\n", MAX_TENSORS);
    return 1;
  }
  for (int32_t i = 0; i < info.input_count; ++i)
    if (!makeInput(engine, i, size, &inputs[i]))
      goto done;
  /* Outputs without memory get it from the context. */
  if (tenon_context_run(context, inputs, info.input_count, outputs,
                        info.output_count, NULL, &error) != TENON_OK) {
    fail(&error);
    goto done;
  }
  for (int32_t i = 0; i < info.output_count; ++i) {
    TenonBindingInfo output = {sizeof(output)};
    if (tenon_engine_binding(engine, TENON_OUTPUT, i, &output) == TENON_OK)
      printTensor("output", output.name, &outputs[i]);
  }
  code = 0;
done:
  for (int32_t i = 0; i < info.input_count; ++i)
    free(inputs[i].data);
  return code;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: run-engine MODEL.tenon [SIZE]\n");
    return 2;
  }
  TenonError error;
  TenonEngine *engine;
  TenonContext *context;
  if (tenon_engine_load_file(argv[1], NULL, &engine, &error) != TENON_OK)
    return fail(&error);
  if (tenon_context_create(engine, NULL, &context, &error) != TENON_OK) {
    tenon_engine_destroy(engine);
    return fail(&error);
  }
  int code = run(engine, context, argc > 2 ? atoll(argv[2]) : 1);
  tenon_context_destroy(context);
  tenon_engine_destroy(engine);
  return code;
}
