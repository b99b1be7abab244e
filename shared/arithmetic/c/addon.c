/*
 * The kernels of all widths as a Node-API addon. The JavaScript side is ../native/backend.ts. Nothing here is static but
 * constants, so every thread of a process can load the addon.
 */
#include <string.h>

#include "addon.h"

extern const struct call calls_of_4[], calls_of_8[], calls_of_16[];

/* The widths of vectors, with their number of floats, for this kind of processor. */
static const struct width {
  const char *name;
  int lanes;
  const struct call *calls;
} widths[] = {
#if defined(__x86_64__)
    {"128", 4, calls_of_4},
    {"avx2", 8, calls_of_8},
    {"avx512", 16, calls_of_16},
#elif defined(__aarch64__)
    {"neon", 4, calls_of_4},
#else
    {"128", 4, calls_of_4},
#endif
};

enum { WIDTHS = sizeof widths / sizeof widths[0] };

static int is_usable(int lanes) {
#if defined(__x86_64__)
  if (lanes == 8) return !!__builtin_cpu_supports("avx2");
  if (lanes == 16) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
  }
#endif
  return lanes == 4;
}

/* widths(): an object with the name and the lanes of each width that can be opened here. */
static napi_value list_widths(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value list;
  if (napi_create_object(env, &list) != napi_ok) return NULL;
  for (int i = 0; i < WIDTHS; i++) {
    napi_value lanes;
    if (!is_usable(widths[i].lanes)) continue;
    if (napi_create_int32(env, widths[i].lanes, &lanes) != napi_ok) return NULL;
    if (napi_set_named_property(env, list, widths[i].name, lanes) != napi_ok) return NULL;
  }
  return list;
}

static const struct call *calls_of(int lanes) {
  for (int i = 0; i < WIDTHS; i++) {
    if (widths[i].lanes == lanes && is_usable(lanes)) return widths[i].calls;
  }
  return NULL;
}

static napi_value refuse(napi_env env, const char *sentence) {
  napi_throw_type_error(env, NULL, sentence);
  return NULL;
}

/*
 * open(bytes, state, lanes): an object with a function for each kernel, over the memory that `bytes` lies at the start
 * of. Each function keeps the state alive, and the state keeps the memory alive. The memory may grow in place.
 */
static napi_value open_memory(napi_env env, napi_callback_info info) {
  size_t count = 3, bytes = 0, floats = 0;
  napi_value given[3], kernels;
  napi_typedarray_type type;
  struct state *state = NULL;
  uint8_t *memory = NULL;
  int32_t lanes = 0;
  napi_get_cb_info(env, info, &count, given, NULL, NULL);
  napi_status status = napi_get_typedarray_info(env, given[0], &type, &bytes, (void **)&memory, NULL, NULL);
  if (status != napi_ok || type != napi_uint8_array || bytes == 0) return refuse(env, "the memory must be bytes");
  status = napi_get_typedarray_info(env, given[1], &type, &floats, (void **)&state, NULL, NULL);
  if (status != napi_ok || type != napi_float64_array || floats * sizeof(double) < sizeof *state) {
    return refuse(env, "the state must be an array of 15 doubles");
  }
  napi_get_value_int32(env, given[2], &lanes);
  const struct call *calls = calls_of(lanes);
  if (!calls) return refuse(env, "this processor has no vectors of this width");
  memcpy(&state->memory, &memory, sizeof memory);
  if (napi_set_named_property(env, given[1], "memory", given[0]) != napi_ok) return NULL;
  if (napi_create_object(env, &kernels) != napi_ok) return NULL;
  for (; calls->name; calls++) {
    napi_value call;
    if (napi_create_function(env, calls->name, NAPI_AUTO_LENGTH, calls->function, state, &call) != napi_ok) return NULL;
    if (napi_set_named_property(env, call, "state", given[1]) != napi_ok) return NULL;
    if (napi_set_named_property(env, kernels, calls->name, call) != napi_ok) return NULL;
  }
  return kernels;
}

NAPI_MODULE_INIT() {
  napi_property_descriptor functions[] = {
      {"widths", NULL, list_widths, NULL, NULL, NULL, napi_enumerable, NULL},
      {"open", NULL, open_memory, NULL, NULL, NULL, napi_enumerable, NULL},
  };
  napi_define_properties(env, exports, sizeof functions / sizeof functions[0], functions);
  return exports;
}
