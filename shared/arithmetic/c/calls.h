/*
 * The kernels as functions that JavaScript calls. A call is cheap because it has no arguments: JavaScript writes them into
 * the state, an array of doubles, and the function reads them there. Reading nine arguments through Node-API takes longer
 * than all the rest. Pointers are offsets in the memory, as in WebAssembly.
 */
#pragma once

#include "addon.h"

/* An argument as an address, as a whole number, or as a float. */
#define AT(i) ((void *)(s->memory + (uint32_t)s->arguments[i]))
#define INT(i) ((int)s->arguments[i])
#define FLOAT(i) ((float)s->arguments[i])
/* Address 0 means "none". */
#define AT_OR_NONE(i) (s->arguments[i] == 0 ? NULL : AT(i))

#define RESULT_void
#define RESULT_int s->arguments[0] =

/* Each kernel: the type of its result, its name, and its arguments. */
#define EACH_KERNEL(DO)                                                                                           \
  DO(int, keep, AT(0), INT(1), AT(2))                                                                             \
  DO(void, restore, AT(0), INT(1), AT(2))                                                                         \
  DO(void, gather, s->memory, AT(0), AT(1), INT(2), AT(3), INT(4), AT(5), AT(6))                                  \
  DO(void, unpack, AT(0), INT(1), INT(2), AT(3))                                                                  \
  DO(void, inputForward, AT(0), AT(1), AT(2), AT(3), INT(4), INT(5), INT(6), INT(7), AT(8))                       \
  DO(void, inputParameterGradient, AT(0), AT(1), AT(2), AT(3), INT(4), INT(5), INT(6), INT(7), AT(8))             \
  DO(void, denseForward, AT(0), AT(1), AT(2), AT(3), INT(4), INT(5), INT(6), INT(7), AT(8))                       \
  DO(void, denseParameterGradient, AT(0), AT(1), AT(2), AT(3), INT(4), INT(5), INT(6), INT(7), AT(8))             \
  DO(void, denseInputGradient, AT(0), AT(1), AT(2), AT(3), INT(4), INT(5), INT(6), INT(7), AT(8))                 \
  DO(void, transpose, AT(0), INT(1), INT(2), AT(3))                                                               \
  DO(void, convForward, AT(0), AT(1), AT(2), AT(3), INT(4), INT(5), INT(6), INT(7), INT(8),                       \
     INT(9), INT(10), INT(11), INT(12), AT(13))                                                                   \
  DO(void, convParameterGradient, AT(0), AT(1), AT(2), AT(3), INT(4), INT(5), INT(6), INT(7), INT(8),             \
     INT(9), INT(10), INT(11), INT(12), AT(13))                                                                   \
  DO(void, convInputGradient, AT(0), AT(1), AT(2), AT(3), INT(4), INT(5), INT(6), INT(7), INT(8),                 \
     INT(9), INT(10), INT(11), INT(12), AT(13))                                                                   \
  DO(void, maxPoolForward, AT(0), AT(1), AT(2), INT(3), INT(4), INT(5), INT(6), INT(7), INT(8), INT(9))           \
  DO(void, maxPoolInputGradient, AT(0), AT(1), AT(2), AT(3), INT(4), INT(5), INT(6), INT(7), INT(8), INT(9),      \
     INT(10))                                                                                                     \
  DO(void, outputLoss, INT(0), INT(1), AT(2), AT(3), AT(4), AT(5), INT(6), INT(7), INT(8), AT(9))                 \
  DO(void, argmax, AT(0), AT(1), INT(2), INT(3))                                                                  \
  DO(void, add, AT(0), AT(1), AT(2), INT(3))                                                                      \
  DO(void, sgd, AT(0), AT(1), AT(2), INT(3), FLOAT(4), FLOAT(5), FLOAT(6), FLOAT(7), FLOAT(8), INT(9))            \
  DO(void, adam, AT(0), AT(1), AT(2), AT(3), INT(4), FLOAT(5), FLOAT(6), FLOAT(7), FLOAT(8), FLOAT(9), FLOAT(10),  \
     FLOAT(11), FLOAT(12))                                                                                        \
  DO(int, allFinite, AT(0), INT(1))                                                                               \
  DO(void, changes, AT(0), AT_OR_NONE(1), INT(2), AT(3))                                                          \
  DO(void, quantise, AT(0), INT(1), INT(2))                                                                       \
  DO(void, settle, AT(0), AT(1), AT(2), INT(3), INT(4))                                                           \
  DO(int, encode, AT(0), INT(1), INT(2), AT(3), AT(4))                                                            \
  DO(void, decode, AT(0), INT(1), INT(2), AT(3), AT(4), INT(5))                                                   \
  DO(void, exp, AT(0), AT(1), INT(2))                                                                             \
  DO(void, log, AT(0), AT(1), INT(2))

#define CALL(type, name, ...)                                                 \
  static napi_value call_##name(napi_env env, napi_callback_info info) {      \
    void *state = NULL;                                                       \
    napi_get_cb_info(env, info, NULL, NULL, NULL, &state);                    \
    struct state *s = state;                                                  \
    RESULT_##type kernel_##name(__VA_ARGS__);                                 \
    return NULL;                                                              \
  }
#define ENTRY(type, name, ...) {#name, call_##name},
#define LIST_OF(lanes) calls_of_##lanes
#define LIST(lanes) LIST_OF(lanes)

EACH_KERNEL(CALL)

const struct call LIST(LANES)[] = {EACH_KERNEL(ENTRY){NULL, NULL}};
