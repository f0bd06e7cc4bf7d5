/* FakeDriver.h - A CUDA driver that does as it is told.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * A library with the functions of libcuda that the runtime calls, on host
 * memory: copies copy, kernels and graphs do nothing, and any function fails
 * when a test says so. It shows what the simulated GPU, a well-behaved device,
 * cannot: each error of each function, and that nothing is left behind
 * afterwards. It allocates nothing but what it is asked for.
 *
 * The functions below are in the library, to be found with dlsym.
 */
#ifndef TENON_TEST_UNIT_RUNTIME_FAKEDRIVER_H
#define TENON_TEST_UNIT_RUNTIME_FAKEDRIVER_H

#include <stdint.h>

/* Forgets counts, failures and what is alive; an sm_80 device again. */
typedef void (*FakeReset)(void);
/* Call number `call` (from 1) of `function` returns `result`. */
typedef void (*FakeFail)(const char *function, int call, int result);
/* Calls of `function` since the reset. */
typedef int (*FakeCalls)(const char *function);
/* Allocations, modules, streams, events and graphs that are alive. */
typedef int (*FakeAlive)(void);
/* The device's compute capability from now on: 90 for sm_90. */
typedef void (*FakeSetCapability)(int capability);

#endif /* TENON_TEST_UNIT_RUNTIME_FAKEDRIVER_H */
