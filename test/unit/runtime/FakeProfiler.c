/* FakeProfiler.c - An NVTX injection library that writes down ranges.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * fakeRanges() returns what was pushed and popped since the last call, as
 * "run(conv1, conv2()())".
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define API __attribute__((visibility("default")))

typedef void (*Function)(void);
struct Callbacks {
  size_t size;
  int (*getModuleFunctionTable)(int module, Function ***table, unsigned *size);
};

static char text[4096], last[4096];

static void add(const char *part) {
  strncat(text, part, sizeof text - strlen(text) - 1);
}
static int push(const char *name) {
  add(name);
  add("(");
  return 0;
}
static int pop(void) {
  add(")");
  return 0;
}

API int InitializeInjectionNvtx2(const void *(*getExportTable)(uint32_t)) {
  const struct Callbacks *callbacks = getExportTable(1);
  Function **table = NULL;
  unsigned size = 0;
  if (!callbacks || callbacks->size < sizeof *callbacks)
    return 0;
  /* The second core module is looked for by the profilers that there are. */
  if (!callbacks->getModuleFunctionTable(5, &table, &size) || size < 16 ||
      !callbacks->getModuleFunctionTable(1, &table, &size) || size < 12)
    return 0;
  *table[9] = (Function)push;
  *table[11] = (Function)pop;
  return 1;
}

API const char *fakeRanges(void) {
  memcpy(last, text, sizeof text);
  text[0] = 0;
  return last;
}
