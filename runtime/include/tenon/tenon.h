/* tenon.h - Loading and running engine files, from C.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *   TenonEngine *engine;  TenonContext *context;  TenonError error;
 *   if (tenon_engine_load_file("net.tenon", NULL, &engine, &error) ||
 *       tenon_context_create(engine, NULL, &context, &error))
 *     return fprintf(stderr, "%s\n", error.message), 1;
 *   TenonTensor x = {pixels, sizeof pixels, TENON_FLOAT32, 4, {1, 3, 224,
 * 224}}; TenonTensor y = {0};                         (the context owns the
 * memory) tenon_context_run(context, &x, 1, &y, 1, NULL, &error);
 *
 * Ownership.  An engine is immutable; any number of threads may use it. A
 * context holds the activations and the state of one stream of inferences and
 * runs one at a time; different contexts run at the same time. A context keeps
 * its engine alive. Strings and arrays that a function hands out belong to the
 * object that was asked, and live as long as it does unless stated otherwise.
 *
 * Errors.  Every function that can fail returns a status, and describes what
 * failed, where and what to do in `*error` if `error` is not null. Nothing
 * throws, prints or aborts.
 *
 * Growth.  Structs that start with `struct_size` may get more fields: set it
 * to sizeof(the struct), zero the rest. Null for options means defaults.
 *
 * Trust.  A damaged or hostile *file* is refused; but an engine holds native
 * code, and to run an engine is to run a program: load only what you trust.
 */
#ifndef TENON_TENON_H
#define TENON_TENON_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define TENON_API __attribute__((visibility("default")))
#else
#define TENON_API
#endif

/* In C++ an enum of a fixed type may hold any number, as one from C may. */
#ifdef __cplusplus
#define TENON_ENUM : int32_t
#else
#define TENON_ENUM
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define TENON_VERSION_MAJOR 0
#define TENON_VERSION_MINOR 1
#define TENON_VERSION_PATCH 0

/* "0.1.0": the version of the library that is running. */
TENON_API const char *tenon_version(void);

/* ---- Status and errors ------------------------------------------------- */

typedef enum TenonStatus TENON_ENUM {
  TENON_OK = 0,
  TENON_INVALID_ARGUMENT = 1, /* wrong use of this interface */
  TENON_IO_ERROR = 2,         /* the file cannot be opened or read */
  TENON_INVALID_ENGINE = 3,   /* not an engine, truncated, damaged */
  TENON_UNSUPPORTED = 4,      /* another format version; no variant fits */
  TENON_INVALID_INPUT = 5,    /* number, type or shape of inputs or outputs */
  TENON_BUFFER_TOO_SMALL = 6, /* of an output, or of the caller's arena */
  TENON_OUT_OF_MEMORY = 7,
  TENON_KERNEL_ERROR = 8, /* e.g. an index out of range in the data */
  TENON_CANCELLED = 9,    /* by tenon_context_cancel */
  TENON_BUSY = 10,        /* the context runs already, on another thread */
  TENON_INTERNAL = 11,    /* a defect of Tenon */
  TENON_DEVICE_ERROR = 12 /* the GPU or its driver failed; the message says
                           * whether engine and contexts are still usable */
} TenonStatus;

/* "invalid-input" and so on. */
TENON_API const char *tenon_status_name(TenonStatus status);

/* Owned by the caller, who may leave it uninitialized. */
typedef struct TenonError {
  TenonStatus status;
  char message[1020]; /* UTF-8, one line, ends with 0, cut if too long */
} TenonError;

typedef enum TenonSeverity TENON_ENUM {
  TENON_DEBUG = 0,
  TENON_INFO = 1,
  TENON_WARNING = 2
} TenonSeverity;

/* Called from any thread that is inside a Tenon function; `message` lives for
 * the call. Errors are not logged: they are returned. */
typedef void (*TenonLogCallback)(void *user, TenonSeverity severity,
                                 const char *message);

/* ---- Tensors ----------------------------------------------------------- */

#define TENON_MAX_RANK 16

/* The numbers are those of ONNX's TensorProto.DataType. Types of 2 and 4 bits
 * are packed, the first element in the lowest bits; TENON_BOOL is one byte, 0
 * or 1. */
typedef enum TenonElementType TENON_ENUM {
  TENON_UNDEFINED = 0,
  TENON_FLOAT32 = 1,
  TENON_UINT8 = 2,
  TENON_INT8 = 3,
  TENON_UINT16 = 4,
  TENON_INT16 = 5,
  TENON_INT32 = 6,
  TENON_INT64 = 7,
  TENON_STRING = 8,
  TENON_BOOL = 9,
  TENON_FLOAT16 = 10,
  TENON_FLOAT64 = 11,
  TENON_UINT32 = 12,
  TENON_UINT64 = 13,
  TENON_COMPLEX64 = 14,
  TENON_COMPLEX128 = 15,
  TENON_BFLOAT16 = 16,
  TENON_FLOAT8E4M3FN = 17,
  TENON_FLOAT8E4M3FNUZ = 18,
  TENON_FLOAT8E5M2 = 19,
  TENON_FLOAT8E5M2FNUZ = 20,
  TENON_UINT4 = 21,
  TENON_INT4 = 22,
  TENON_FLOAT4E2M1 = 23,
  TENON_FLOAT8E8M0 = 24,
  TENON_UINT2 = 25,
  TENON_INT2 = 26
} TenonElementType;

/* "float32"; "undefined" for numbers that are no type. */
TENON_API const char *tenon_element_type_name(TenonElementType type);
/* Bits of one element; 0 for undefined and string. */
TENON_API int tenon_element_type_bits(TenonElementType type);

/* A dense tensor, last dimension fastest. The layout of this struct is fixed.
 */
typedef struct TenonTensor {
  void *data;     /* aligned to the element; may be null if it has no bytes */
  uint64_t bytes; /* of memory at `data`; at least the tensor's size */
  TenonElementType type;
  int32_t rank;
  int64_t dims[TENON_MAX_RANK];
} TenonTensor;

/* ---- Engines ----------------------------------------------------------- */

typedef struct TenonEngine TenonEngine;

/* Where an engine runs. */
typedef enum TenonDevice TENON_ENUM {
  TENON_DEVICE_AUTO = 0, /* the first variant that the machine runs; engines
                          * list the best first */
  TENON_DEVICE_CPU = 1,
  TENON_DEVICE_CUDA = 2
} TenonDevice;

typedef struct TenonLoadOptions {
  size_t struct_size;
  TenonLogCallback log;
  void *log_user;
  TenonSeverity log_severity; /* messages below it are dropped */
  /* Threads that check and prepare constants; 0: one for each core, at most
   * four. */
  int32_t threads;
  /* Not 0: copy constants into 2 MiB pages, which speeds up networks whose
   * weights do not fit the cache, for a slower load and memory that processes
   * do not share. */
  int32_t huge_pages;
  /* Take the variant whose target has this name ("x86-64-v3") instead of the
   * best that the machine runs; null: the best. "sm_80" for CUDA. */
  const char *target;
  /* AUTO passes over a CUDA variant without a driver, a device or the right
   * device, and logs why; CUDA fails with UNSUPPORTED and says why. */
  TenonDevice device;
  int32_t cuda_ordinal; /* which CUDA device, from 0 */
  /* The CUDA driver library; null: "libcuda.so.1", as the system finds it. */
  const char *cuda_driver;
  /* The CUcontext to work in, which must outlive the engine and its contexts;
   * null: the primary context of the device. */
  void *cuda_context;
  /* A profiler's NVTX injection library, which then sees a range with the
   * nodes' names for what is given to the device: what the profiler puts into
   * the environment variable NVTX_INJECTION64_PATH. Null: none. */
  const char *nvtx;
} TenonLoadOptions;

/* Maps and verifies the file at `path`. The file must not change while the
 * engine lives (replace it by renaming). Fails with IO_ERROR, INVALID_ENGINE,
 * UNSUPPORTED, OUT_OF_MEMORY; `*engine` is then null. */
TENON_API TenonStatus tenon_engine_load_file(const char *path,
                                             const TenonLoadOptions *options,
                                             TenonEngine **engine,
                                             TenonError *error);

/* The same from an open file descriptor, which may be closed afterwards. */
TENON_API TenonStatus
tenon_engine_load_descriptor(int descriptor, const TenonLoadOptions *options,
                             TenonEngine **engine, TenonError *error);

/* The same from `size` bytes at `data`. If `copy` is 0, `data` must be aligned
 * to 64 bytes and stay unchanged while the engine lives. */
TENON_API TenonStatus tenon_engine_load_memory(const void *data, size_t size,
                                               int copy,
                                               const TenonLoadOptions *options,
                                               TenonEngine **engine,
                                               TenonError *error);

/* Gives the handle back; null is fine. Contexts stay usable. */
TENON_API void tenon_engine_destroy(TenonEngine *engine);

typedef struct TenonEngineInfo {
  size_t struct_size;
  const char *model;   /* the graph's name in the ONNX file */
  const char *builder; /* "tenon 0.1.0" */
  const char *target;  /* of the variant in use: "x86-64-v3" */
  uint64_t file_bytes;
  uint64_t constant_bytes; /* of the variant in use */
  int32_t format_version;
  int32_t input_count, output_count, state_count, variant_count;
  TenonDevice device;      /* CPU or CUDA */
  const char *device_name; /* of a CUDA device: "NVIDIA A100-SXM4-80GB"; else
                            * "" */
} TenonEngineInfo;

/* `info->struct_size` must be set. Fails with INVALID_ARGUMENT. */
TENON_API TenonStatus tenon_engine_info(const TenonEngine *engine,
                                        TenonEngineInfo *info);

typedef enum TenonBindingKind TENON_ENUM {
  TENON_INPUT = 0,
  TENON_OUTPUT = 1,
  TENON_STATE = 2 /* memory of the context, kept from run to run */
} TenonBindingKind;

typedef struct TenonBindingInfo {
  size_t struct_size;
  const char *name;
  TenonBindingKind kind;
  TenonElementType type;
  int32_t rank;
  /* Sizes, -1 where not fixed, and in words: "3", "batch", "2*height". */
  int64_t dims[TENON_MAX_RANK];
  const char *dim_names[TENON_MAX_RANK];
  /* For an output that shares an input's memory: that input's index; for one
   * that shares a state's memory: input_count + the state's index; else -1. */
  int32_t alias;
} TenonBindingInfo;

/* Describes input, output or state number `index` of its kind, in the model's
 * order. `info->struct_size` must be set. Fails with INVALID_ARGUMENT. */
TENON_API TenonStatus tenon_engine_binding(const TenonEngine *engine,
                                           TenonBindingKind kind, int32_t index,
                                           TenonBindingInfo *info);

/* The number of the binding with that name among its kind, or -1. */
TENON_API int32_t tenon_engine_find(const TenonEngine *engine,
                                    TenonBindingKind kind, const char *name);

/* ---- Contexts ---------------------------------------------------------- */

typedef struct TenonContext TenonContext;

/* The caller's own threads. `run` must call task(argument, i) once for each i
 * in [0, count), on any threads and in any order, at the same time or one
 * after the other, and return when all have returned. */
typedef struct TenonThreadPool {
  size_t struct_size;
  void *user;
  int32_t threads; /* how many tasks can run at once */
  void (*run)(void *user, int32_t count,
              void (*task)(void *argument, int32_t index), void *argument);
} TenonThreadPool;

typedef struct TenonContextOptions {
  size_t struct_size;
  /* Threads of one inference, the caller's own among them. 0: the number of
   * cores that the process may use. Results do not depend on it, to the bit. */
  int32_t threads;
  /* Not 0: measure each instruction (see tenon_context_profile). */
  int32_t profile;
  /* Use the caller's threads instead of own ones; copied. */
  const TenonThreadPool *pool;
  /* Memory for activations, aligned to 64 bytes (CUDA: device memory, aligned
   * to 256), which must live as long as the context; null: the context
   * allocates. If it is too small, runs fail
   * with BUFFER_TOO_SMALL, naming the size that is needed. */
  void *arena;
  uint64_t arena_bytes;
  /* Sets of input shapes whose memory plan is kept; 0: 16. */
  int32_t plans;
  /* CUDA: the CUstream to work in, which must outlive the context; null: one
   * of the context's own. On the CPU it must be null. */
  void *stream;
} TenonContextOptions;

/* Fails with INVALID_ARGUMENT, OUT_OF_MEMORY. */
TENON_API TenonStatus tenon_context_create(const TenonEngine *engine,
                                           const TenonContextOptions *options,
                                           TenonContext **context,
                                           TenonError *error);

/* Null is fine. The context must not be running. */
TENON_API void tenon_context_destroy(TenonContext *context);

/* Gives memory for an output of `bytes` bytes, aligned to 64; null on failure.
 * Called once for each output whose `data` is null, from the thread that runs,
 * as soon as the size is known. */
typedef void *(*TenonAllocateOutput)(void *user, int32_t output,
                                     uint64_t bytes);

typedef struct TenonRunOptions {
  size_t struct_size;
  TenonAllocateOutput allocate;
  void *allocate_user;
} TenonRunOptions;

/* Runs one inference and returns when it is done.
 *   inputs    one tensor an input, in the engine's order; read only
 *   outputs   one tensor an output. Where `data` is null, memory comes from
 *             options->allocate, or else from the context: it is then valid
 *             until the next run. Where `data` is not null, `bytes` must
 *             suffice. Type, rank, dims and (if it was null) data and bytes
 *             are filled in.
 * Inputs and outputs must not overlap, except an output that shares an input's
 * memory (TenonBindingInfo.alias): its `data` must be null or that input's.
 * The first run with new input shapes plans memory; later ones allocate
 * nothing. Fails with INVALID_ARGUMENT, INVALID_INPUT, BUFFER_TOO_SMALL,
 * OUT_OF_MEMORY, KERNEL_ERROR, CANCELLED, BUSY, DEVICE_ERROR. What outputs hold
 * after a failure is not defined; the context stays usable, unless a
 * DEVICE_ERROR says that it is not.
 *
 * CUDA: `data` may be memory of the engine's device (used in place, unless it
 * is not aligned to 16 bytes), pinned memory, or any other (staged). Device
 * memory must not be in use by other streams. An output that shares a state's
 * memory is copied to the host, unless its `data` is the state's. */
TENON_API TenonStatus tenon_context_run(
    TenonContext *context, const TenonTensor *inputs, int32_t input_count,
    TenonTensor *outputs, int32_t output_count, const TenonRunOptions *options,
    TenonError *error);

/* The same in the order of `stream`, a CUstream, or if that is null, of the
 * context's stream; returns while the device may still work, except that
 * a program which reads numbers back (data-dependent sizes) waits for those.
 *   memory    of the device, or pinned; it must stay as it is until the stream
 *             has come so far. Other host memory is INVALID_ARGUMENT. Where an
 *             output's `data` is null and there is no allocator, it becomes
 *             memory of the context on the device, valid until the next run.
 *   faults    that kernels find (KERNEL_ERROR) are reported by the next call
 *             that runs, or by tenon_context_synchronize.
 * For engines on the CPU `stream` must be null, and the inference is done when
 * this returns. */
TENON_API TenonStatus tenon_context_enqueue(
    TenonContext *context, const TenonTensor *inputs, int32_t input_count,
    TenonTensor *outputs, int32_t output_count, const TenonRunOptions *options,
    void *stream, TenonError *error);

/* Waits until all that was enqueued is done, and reports what it found. */
TENON_API TenonStatus tenon_context_synchronize(TenonContext *context,
                                                TenonError *error);

/* Checks the inputs' types and shapes (data is not looked at) and fills in
 * type, rank, dims and bytes of each output. Sizes that depend on the data
 * are -1, and bytes then 0. Fails as tenon_context_run. */
TENON_API TenonStatus tenon_context_output_shapes(
    TenonContext *context, const TenonTensor *inputs, int32_t input_count,
    TenonTensor *outputs, int32_t output_count, TenonError *error);

/* Plans and allocates for these input shapes now (data is not looked at), so
 * that runs with them, or with others that need no more memory, do not. */
TENON_API TenonStatus tenon_context_reserve(TenonContext *context,
                                            const TenonTensor *inputs,
                                            int32_t input_count,
                                            TenonError *error);

/* Makes the run that is in progress on another thread end soon, with
 * CANCELLED; without one it does nothing. Safe from any thread and from signal
 * handlers. */
TENON_API void tenon_context_cancel(TenonContext *context);

typedef struct TenonMemoryInfo {
  size_t struct_size;
  uint64_t arena_bytes;   /* activations, as planned for the last shapes */
  uint64_t scratch_bytes; /* of all threads */
  uint64_t state_bytes;
  uint64_t output_bytes; /* outputs that the context owns */
} TenonMemoryInfo;

TENON_API TenonStatus tenon_context_memory(const TenonContext *context,
                                           TenonMemoryInfo *info);

/* ---- State ------------------------------------------------------------- */

/* A view of state number `index`: its memory (on the device, if the engine runs
 * there) and its dims for the last input shapes. Valid until the next run.
 * INVALID_ARGUMENT before the first run or reserve. */
TENON_API TenonStatus tenon_context_state(TenonContext *context, int32_t index,
                                          TenonTensor *view, TenonError *error);
/* Sets all states to zero. */
TENON_API TenonStatus tenon_context_reset(TenonContext *context,
                                          TenonError *error);
/* Copies all states of `source` to `target`, a context of the same engine: a
 * fork. Neither may be running. */
TENON_API TenonStatus tenon_context_copy_state(TenonContext *target,
                                               TenonContext *source,
                                               TenonError *error);

/* ---- Profiles ---------------------------------------------------------- */

/* One instruction of the program, over all runs since the context was made or
 * tenon_context_profile_reset was called. */
typedef struct TenonProfileRow {
  size_t struct_size;
  const char *kernel;   /* "conv_relu_64x56x56", "copy" */
  const char *family;   /* "conv" */
  const char *schedule; /* of the choice that ran last */
  int32_t node_count;   /* the ONNX nodes in it */
  const char *const *nodes;
  uint64_t calls;
  double seconds; /* sum; of the device, by events, if the engine runs there */
  double flops;   /* sum */
  double bytes;   /* sum; as if each tensor were moved once */
} TenonProfileRow;

/* The number of rows; 0 unless the context was made with `profile`. */
TENON_API int32_t tenon_context_profile_count(const TenonContext *context);
/* `row->struct_size` must be set. Fails with INVALID_ARGUMENT. */
TENON_API TenonStatus tenon_context_profile(const TenonContext *context,
                                            int32_t index,
                                            TenonProfileRow *row);
TENON_API void tenon_context_profile_reset(TenonContext *context);

#ifdef __cplusplus
}
#endif

#endif /* TENON_TENON_H */
