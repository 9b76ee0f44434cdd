// Owns the table of all kernels, and their registration on the object that JavaScript sees.
#pragma once

#include <node_api.h>

namespace lockstep {

/** Sets one function a kernel on `target`, in the order of the table. */
void registerKernels(napi_env env, napi_value target);

}  // namespace lockstep
