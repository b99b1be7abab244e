/*
 * The kernels as a Node-API addon. The JavaScript side is ../native/backend.ts.
 *
 * A call is cheap because it has no arguments: JavaScript writes them into an array of doubles, the state, and the
 * function reads them there. Reading nine arguments through Node-API takes longer than all the rest.
 * Pointers are offsets in the memory, as in WebAssembly. Nothing here is static but constants, so every thread of a
 * process can load the addon.
 */
#include <node_api.h>
#include <string.h>

#include "kernels.h"

/* Where the state has them: the addresses of the memory and of the table take the place of a double each. */
struct state {
  uint8_t *memory;
  const struct kernels *kernels;
  double arguments[10];
};

_Static_assert(sizeof(struct state) == 12 * sizeof(double), "every field of the state has the size of a double");

extern const struct kernels kernels_of_4;
#if defined(__x86_64__)
extern const struct kernels kernels_of_8;
extern const struct kernels kernels_of_16;
#endif

static struct state *state_of(napi_env env, napi_callback_info info) {
  void *state = NULL;
  napi_get_cb_info(env, info, NULL, NULL, NULL, &state);
  return state;
}

/* An argument as an address, as a whole number, or as a float. */
#define AT(i) ((void *)(s->memory + (uint32_t)s->arguments[i]))
#define INT(i) ((int)s->arguments[i])
#define FLOAT(i) ((float)s->arguments[i])

/* A function that JavaScript calls. A result takes the place of the first argument. */
#define CALL(name, ...)                                                       \
  static napi_value call_##name(napi_env env, napi_callback_info info) {      \
    struct state *s = state_of(env, info);                                    \
    s->kernels->name(__VA_ARGS__);                                            \
    return NULL;                                                              \
  }
#define CALL_WITH_RESULT(name, ...)                                           \
  static napi_value call_##name(napi_env env, napi_callback_info info) {      \
    struct state *s = state_of(env, info);                                    \
    s->arguments[0] = s->kernels->name(__VA_ARGS__);                          \
    return NULL;                                                              \
  }

CALL_WITH_RESULT(keep, AT(0), INT(1), AT(2))
CALL(restore, AT(0), INT(1), AT(2))
CALL(gather, s->memory, AT(0), AT(1), INT(2), AT(3), INT(4), AT(5), AT(6))
CALL(input_forward, AT(0), AT(1), AT(2), AT(3), INT(4), INT(5), INT(6), INT(7), AT(8))
CALL(input_parameter_gradient, AT(0), AT(1), AT(2), AT(3), INT(4), INT(5), INT(6), INT(7), AT(8))
CALL(dense_forward, AT(0), AT(1), AT(2), AT(3), INT(4), INT(5), INT(6), INT(7), AT(8))
CALL(dense_parameter_gradient, AT(0), AT(1), AT(2), AT(3), INT(4), INT(5), INT(6), INT(7), AT(8))
CALL(dense_input_gradient, AT(0), AT(1), AT(2), AT(3), INT(4), INT(5), INT(6), INT(7), AT(8))
CALL(transpose, AT(0), INT(1), INT(2), AT(3))
CALL(output_loss, INT(0), INT(1), AT(2), AT(3), AT(4), AT(5), INT(6), INT(7), INT(8), AT(9))
CALL(argmax, AT(0), AT(1), INT(2), INT(3))
CALL(add, AT(0), AT(1), AT(2), INT(3))
CALL(sgd, AT(0), AT(1), AT(2), INT(3), FLOAT(4), FLOAT(5), FLOAT(6))
CALL_WITH_RESULT(all_finite, AT(0), INT(1))
/* Address 0 means "no base". */
CALL(changes, AT(0), s->arguments[1] == 0 ? NULL : AT(1), INT(2), AT(3))
CALL(exp, AT(0), AT(1), INT(2))
CALL(log, AT(0), AT(1), INT(2))

/* The names of ../kernels.ts. */
static const struct {
  const char *name;
  napi_callback call;
} calls[] = {
    {"keep", call_keep},
    {"restore", call_restore},
    {"gather", call_gather},
    {"inputForward", call_input_forward},
    {"inputParameterGradient", call_input_parameter_gradient},
    {"denseForward", call_dense_forward},
    {"denseParameterGradient", call_dense_parameter_gradient},
    {"denseInputGradient", call_dense_input_gradient},
    {"transpose", call_transpose},
    {"outputLoss", call_output_loss},
    {"argmax", call_argmax},
    {"add", call_add},
    {"sgd", call_sgd},
    {"allFinite", call_all_finite},
    {"changes", call_changes},
    {"exp", call_exp},
    {"log", call_log},
};

/* The widths of vectors that this processor has. */
static const struct width {
  const char *name;
  int lanes;
  const struct kernels *kernels;
} widths[] = {
#if defined(__x86_64__)
    {"128", 4, &kernels_of_4},
    {"avx2", 8, &kernels_of_8},
    {"avx512", 16, &kernels_of_16},
#elif defined(__aarch64__)
    {"neon", 4, &kernels_of_4},
#else
    {"128", 4, &kernels_of_4},
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

static const struct kernels *kernels_of(int lanes) {
  for (int i = 0; i < WIDTHS; i++) {
    if (widths[i].lanes == lanes && is_usable(lanes)) return widths[i].kernels;
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
  struct state state = {0};
  void *at = NULL;
  int32_t lanes = 0;
  napi_get_cb_info(env, info, &count, given, NULL, NULL);
  napi_status status = napi_get_typedarray_info(env, given[0], &type, &bytes, (void **)&state.memory, NULL, NULL);
  if (status != napi_ok || type != napi_uint8_array || bytes == 0) return refuse(env, "the memory must be bytes");
  status = napi_get_typedarray_info(env, given[1], &type, &floats, &at, NULL, NULL);
  if (status != napi_ok || type != napi_float64_array || floats * sizeof(double) < sizeof state) {
    return refuse(env, "the state must be an array of 12 doubles");
  }
  napi_get_value_int32(env, given[2], &lanes);
  state.kernels = kernels_of(lanes);
  if (!state.kernels) return refuse(env, "this processor has no vectors of this width");
  memcpy(at, &state, sizeof state);
  if (napi_set_named_property(env, given[1], "memory", given[0]) != napi_ok) return NULL;
  if (napi_create_object(env, &kernels) != napi_ok) return NULL;
  for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
    napi_value call;
    if (napi_create_function(env, calls[i].name, NAPI_AUTO_LENGTH, calls[i].call, at, &call) != napi_ok) return NULL;
    if (napi_set_named_property(env, call, "state", given[1]) != napi_ok) return NULL;
    if (napi_set_named_property(env, kernels, calls[i].name, call) != napi_ok) return NULL;
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
