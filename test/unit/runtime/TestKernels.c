/* TestKernels.c - Kernels of the hand-made engines in these tests.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Built into a shared library without libc, as the compiler builds its own;
 * the tests put its bytes into engine files as the code object.
 */
#include "runtime/include/tenon/kernel_abi.h"

#define KERNEL(name)                                                           \
  __attribute__((visibility("default"))) int32_t name(                         \
      void *const *buffers, const int64_t *scalars, int64_t begin,             \
      int64_t end, void *scratch, TenonErrorRecord *error)

/* y[i] = x[i] + 1 */
KERNEL(add_one) {
  const float *x = buffers[0];
  float *y = buffers[1];
  for (int64_t i = begin; i < end; ++i)
    y[i] = x[i] + 1.0f;
  return TENON_KERNEL_OK;
}

/* y[i] = x[i] * w[i] */
KERNEL(multiply) {
  const float *x = buffers[0], *w = buffers[1];
  float *y = buffers[2];
  for (int64_t i = begin; i < end; ++i)
    y[i] = x[i] * w[i];
  return TENON_KERNEL_OK;
}

/* y[i] = 2 * x[i]: the "packing" of a derived constant */
KERNEL(twice) {
  const float *x = buffers[0];
  float *y = buffers[1];
  for (int64_t i = begin; i < end; ++i)
    y[i] = 2.0f * x[i];
  return TENON_KERNEL_OK;
}

/* rows of length scalars[0]: y[r] = sum of x[r][...], in order */
KERNEL(sum_rows) {
  const float *x = buffers[0];
  float *y = buffers[1];
  for (int64_t r = begin; r < end; ++r) {
    float sum = 0;
    for (int64_t k = 0; k < scalars[0]; ++k)
      sum += x[r * scalars[0] + k];
    y[r] = sum;
  }
  return TENON_KERNEL_OK;
}

/* state[i] += x[i]; y[i] = state[i] */
KERNEL(accumulate) {
  const float *x = buffers[0];
  float *state = buffers[1], *y = buffers[2];
  for (int64_t i = begin; i < end; ++i)
    y[i] = state[i] += x[i];
  return TENON_KERNEL_OK;
}

/* y[i] = x[indices[i]]; scalars[0]: elements of x */
KERNEL(gather) {
  const float *x = buffers[0];
  const int64_t *indices = buffers[1];
  float *y = buffers[2];
  for (int64_t i = begin; i < end; ++i) {
    int64_t index = indices[i];
    if (index < 0 || index >= scalars[0]) {
      error->code = TENON_KERNEL_INDEX_OUT_OF_RANGE;
      error->values[0] = index;
      error->values[1] = scalars[0];
      return TENON_KERNEL_INDEX_OUT_OF_RANGE;
    }
    y[i] = x[index];
  }
  return error->code; /* as compiled kernels do: the record starts at 0 */
}

/* count[0] = how many of the scalars[0] numbers x are > 0 */
KERNEL(count_positive) {
  const float *x = buffers[0];
  int64_t *count = buffers[1];
  *count = 0;
  for (int64_t i = 0; i < scalars[0]; ++i)
    *count += x[i] > 0;
  return TENON_KERNEL_OK;
}

/* y = the positive ones of the scalars[0] numbers x */
KERNEL(keep_positive) {
  const float *x = buffers[0];
  float *y = buffers[1];
  for (int64_t i = 0; i < scalars[0]; ++i)
    if (x[i] > 0)
      *y++ = x[i];
  return TENON_KERNEL_OK;
}

/* x[0] *= 2; more[0] = x[0] < limit[0] */
KERNEL(double_once) {
  float *x = buffers[1];
  const float *limit = buffers[0];
  uint8_t *more = buffers[2];
  x[0] *= 2.0f;
  *more = x[0] < limit[0];
  return TENON_KERNEL_OK;
}

/* more[0] = x[0] < limit[0] */
KERNEL(is_below) {
  const float *x = buffers[0], *limit = buffers[1];
  *(uint8_t *)buffers[2] = x[0] < limit[0];
  return TENON_KERNEL_OK;
}

/* y[i] = the sum of 0 .. 15, through the scratch memory */
KERNEL(use_scratch) {
  float *y = buffers[0], *own = scratch;
  for (int64_t i = begin; i < end; ++i) {
    float sum = 0;
    for (int k = 0; k < 16; ++k)
      own[k] = (float)k;
    for (int k = 0; k < 16; ++k)
      sum += own[k];
    y[i] = sum;
  }
  return TENON_KERNEL_OK;
}

/* y[i] = MXCSR */
KERNEL(float_state) {
  uint32_t *y = buffers[0];
  for (int64_t i = begin; i < end; ++i) {
    uint32_t state = 0;
#if defined(__x86_64__)
    __asm__ volatile("stmxcsr %0" : "=m"(state));
#endif
    y[i] = state;
  }
  return TENON_KERNEL_OK;
}

/* Sets flag[0] and then is busy for as long as flag[1] is 0. */
KERNEL(wait_for_flag) {
  volatile int32_t *flag = buffers[0];
  flag[0] = 1;
  while (!flag[1]) {
  }
  return TENON_KERNEL_OK;
}

/* y[0] = scalars[0]: tells which choice of a launch ran */
KERNEL(choice_small) {
  *(int64_t *)buffers[0] = scalars[0];
  return TENON_KERNEL_OK;
}
KERNEL(choice_large) {
  *(int64_t *)buffers[0] = -scalars[0];
  return TENON_KERNEL_OK;
}
