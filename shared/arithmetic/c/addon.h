/* What the kernels of every width and the addon know of each other. */
#pragma once

#include <node_api.h>
#include <stdint.h>

/*
 * What a function of the addon works with. The address of the memory takes the place of a double. A result takes the place
 * of the first argument.
 */
struct state {
  uint8_t *memory;
  double arguments[14];
};

/* A function that JavaScript calls, by the name of ../kernels.ts. The last of a list has no name. */
struct call {
  const char *name;
  napi_callback function;
};
