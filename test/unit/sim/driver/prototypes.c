/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * The toolkit's cuda.h declares the same functions: C refuses a second
 * declaration with another type. CUDA's earlier versions and those for threads'
 * default streams are declared under this macro.
 */
#define __CUDA_API_VERSION_INTERNAL
#include <cuda.h>

#include "sim/driver/api/Functions.h"
#include "sim/driver/api/StreamFunctions.h"

/* A declaration of ours alone would go unnoticed: it has to be in the table. */
#define DONE(symbol, name, since, streams) (const void *)&symbol,
#define MISSING(symbol, name, since, streams)
const void *const addressesOfAll[] = {
#include "sim/driver/Exports.inc"
};
