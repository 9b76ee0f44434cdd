// registerKernels: sets the kernels of all families on the object that the addon exports.
#pragma once

#include <node_api.h>

namespace lockstep {

/** Sets one function for each kernel on `target`, in the order of src/native/kernel-table.ts. */
void registerKernels(napi_env env, napi_value target);

}  // namespace lockstep
