// The addon's entry point, NAPI_MODULE_INIT: exports the kernels and the functions around them (device, memory, upload,
// download), traces native calls, and converts C++ exceptions to JavaScript errors. Each JavaScript thread loads the
// addon once; the pool allocator is the only state that threads share.
#include <ATen/detail/CUDAHooksInterface.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "call.h"
#include "kernel-table.h"
#include "pool-allocator.h"
#include "threads.h"
#include "torch-info.h"

namespace lockstep {

// --- errors and tracing -----------------------------------------------------------------------------------------

void throwToJavaScript(napi_env env, const char* name) noexcept {
  std::string message = std::string(name) + ": ";
  try {
    throw;
  } catch (const c10::Error& error) {
    message += error.what_without_backtrace();
  } catch (const std::exception& error) {
    message += error.what();
  } catch (...) {
    message += "an unknown C++ exception";
  }
  napi_throw_error(env, "LOCKSTEP_TORCH", message.c_str());
}

bool tracing() {
  static const bool on = [] {
    const char* value = std::getenv("LOCKSTEP_TORCH_TRACE");
    return value != nullptr && std::strcmp(value, "1") == 0;
  }();
  return on;
}

void traceCall(const char* name, const std::string& arguments, double microseconds) {
  std::fprintf(stderr, "torch %s(%s) %.1f us\n", name, arguments.c_str(), microseconds);
}

void describe(std::string& out, const at::Tensor& tensor) {
  out += c10::toString(tensor.scalar_type());
  describe(out, tensor.sizes().vec());
}
void describe(std::string& out, const OptionalTensor& tensor) {
  if (tensor) {
    describe(out, *tensor);
  } else {
    out += "none";
  }
}
void describe(std::string& out, double value) { out += std::to_string(value); }
void describe(std::string& out, int64_t value) { out += std::to_string(value); }
void describe(std::string& out, bool value) { out += value ? "true" : "false"; }

namespace {

// --- functions around the kernels ---------------------------------------------------------------------------------

/** Runs `body(values)` and returns its value; an exception becomes a JavaScript error. */
template <size_t count, class Body>
napi_value guarded(napi_env env, napi_callback_info info, const char* name, Body body) {
  std::array<napi_value, count + 1> values{};
  size_t given = values.size();
  napi_get_cb_info(env, info, &given, values.data(), nullptr, nullptr);
  try {
    TORCH_CHECK(given >= count, "takes ", count, " arguments, got ", given);
    const c10::InferenceMode withoutAutograd;
    return body(values);
  } catch (...) {
    throwToJavaScript(env, name);
    return nullptr;
  }
}

napi_value number(napi_env env, double value) {
  napi_value out;
  napi_create_double(env, value, &out);
  return out;
}

struct HostArray {
  at::ScalarType type;
  void* data;
  size_t length;
};

/** Accepts a Float32Array, an Int32Array, or a Uint8Array for bool. */
HostArray hostArray(napi_env env, napi_value value) {
  napi_typedarray_type type;
  HostArray array{};
  checkStatus(napi_get_typedarray_info(env, value, &type, &array.length, &array.data, nullptr, nullptr), "a typed array");
  switch (type) {
    case napi_float32_array:
      array.type = at::kFloat;
      break;
    case napi_int32_array:
      array.type = at::kInt;
      break;
    case napi_uint8_array:
    case napi_uint8_clamped_array:
      array.type = at::kByte;
      break;
    default:
      TORCH_CHECK(false, "expected a Float32Array, Int32Array or Uint8Array");
  }
  return array;
}

/** setDevice("cpu" | "cuda"): sets the device of this thread's new tensors. */
napi_value setDevice(napi_env env, napi_callback_info info) {
  return guarded<1>(env, info, "setDevice", [&](const auto& values) -> napi_value {
    char name[16] = "";
    checkStatus(napi_get_value_string_utf8(env, values[0], name, sizeof name, nullptr), "a device name");
    Instance& instance = Instance::of(env);
    if (std::strcmp(name, "cuda") == 0) {
      TORCH_CHECK(at::hasCUDA(), "this libtorch finds no CUDA device");
      at::empty({1}, at::TensorOptions().device(at::kCUDA, 0));  // initialises CUDA in every version of libtorch
      auto& context = at::globalContext();
      context.setDeterministicCuDNN(true);
      context.setBenchmarkCuDNN(false);
      context.setAllowTF32CuDNN(false);
      context.setAllowTF32CuBLAS(false);
      instance.device = at::Device(at::kCUDA, 0);
    } else {
      TORCH_CHECK(std::strcmp(name, "cpu") == 0, "device must be cpu or cuda, not ", name);
      instance.device = at::Device(at::kCPU);
    }
    return nullptr;
  });
}

napi_value hasCuda(napi_env env, napi_callback_info info) {
  return guarded<0>(env, info, "hasCuda", [&](const auto&) {
    napi_value out;
    napi_get_boolean(env, at::hasCUDA(), &out);
    return out;
  });
}

napi_value setResultBuffer(napi_env env, napi_callback_info info) {
  return guarded<1>(env, info, "setResultBuffer", [&](const auto& values) -> napi_value {
    Instance::of(env).setResultBuffer(env, values[0]);
    return nullptr;
  });
}

/** upload(values, shape): copies the values, so that the caller may change its array afterwards. Returns a handle. */
napi_value upload(napi_env env, napi_callback_info info) {
  return guarded<2>(env, info, "upload", [&](const auto& values) {
    Instance& instance = Instance::of(env);
    const HostArray array = hostArray(env, values[0]);
    const Ints shape = Argument<Ints>::read(env, values[1]);
    at::Tensor tensor = at::empty(shape, at::TensorOptions().dtype(array.type));
    TORCH_CHECK(static_cast<size_t>(tensor.numel()) == array.length, array.length, " values for the shape ", tensor.sizes());
    if (array.length > 0) std::memcpy(tensor.data_ptr(), array.data, tensor.nbytes());
    if (array.type == at::kByte) tensor = tensor.ne(0);  // to bool: a byte of 2 is true in TensorFlow.js, but undefined behaviour in C++
    if (instance.device.type() != at::kCPU) tensor = tensor.to(instance.device);
    if (tracing()) traceCall("upload", std::to_string(array.length), 0);
    return number(env, instance.keep(std::move(tensor)));
  });
}

/** download(handle, into): copies a tensor's values into an array, which may be a view of a SharedArrayBuffer. */
napi_value download(napi_env env, napi_callback_info info) {
  return guarded<2>(env, info, "download", [&](const auto& values) -> napi_value {
    const at::Tensor tensor = Argument<at::Tensor>::read(env, values[0]);
    const HostArray array = hostArray(env, values[1]);
    const at::ScalarType type = array.type == at::kByte ? at::kBool : array.type;
    TORCH_CHECK(type == tensor.scalar_type(), "the tensor is ", tensor.scalar_type(), ", the array is ", array.type);
    TORCH_CHECK(array.length == static_cast<size_t>(tensor.numel()), "the tensor has ", tensor.numel(),
                " elements, the array has ", array.length);
    const at::Tensor host = tensor.to(at::kCPU);
    if (array.length > 0) std::memcpy(array.data, host.data_ptr(), host.nbytes());
    if (tracing()) traceCall("download", std::to_string(array.length), 0);
    return nullptr;
  });
}

napi_value release(napi_env env, napi_callback_info info) {
  return guarded<1>(env, info, "release", [&](const auto& values) -> napi_value {
    Instance::of(env).release(static_cast<int64_t>(readNumber(env, values[0])));
    return nullptr;
  });
}

/** memory(): { tensors, bytesInUse, bytesPooled, nativeThreads }. The bytes are those of the whole process. */
napi_value memory(napi_env env, napi_callback_info info) {
  return guarded<0>(env, info, "memory", [&](const auto&) {
    const PoolUse use = poolUse();
    napi_value out;
    napi_create_object(env, &out);
    napi_set_named_property(env, out, "tensors", number(env, static_cast<double>(Instance::of(env).numTensors())));
    napi_set_named_property(env, out, "bytesInUse", number(env, static_cast<double>(use.bytesInUse)));
    napi_set_named_property(env, out, "bytesPooled", number(env, static_cast<double>(use.bytesPooled)));
    napi_set_named_property(env, out, "nativeThreads", number(env, numNativeThreads()));
    return out;
  });
}

napi_value releasePoolMemory(napi_env env, napi_callback_info info) {
  return guarded<0>(env, info, "releasePool", [&](const auto&) -> napi_value {
    releasePool();
    return nullptr;
  });
}

napi_value info(napi_env env, napi_callback_info callbackInfo) {
  return guarded<0>(env, callbackInfo, "info", [&](const auto&) {
    napi_value out;
    napi_create_object(env, &out);
    for (const auto& [name, text] : torchInfo()) {
      napi_value value;
      if (text.empty()) {
        napi_get_null(env, &value);
      } else {
        napi_create_string_utf8(env, text.c_str(), text.size(), &value);
      }
      napi_set_named_property(env, out, name, value);
    }
    return out;
  });
}

void setFunction(napi_env env, napi_value target, const char* name, napi_callback callback) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function);
  napi_set_named_property(env, target, name, function);
}

}  // namespace

}  // namespace lockstep

// The functions have the order of NativeAddon in src/native/addon.ts.
NAPI_MODULE_INIT() {
  using namespace lockstep;
  try {
    installPoolAllocator();
    useOneNativeThread();
    napi_set_instance_data(
        env, new Instance(env), [](napi_env, void* data, void*) { delete static_cast<Instance*>(data); }, nullptr);
  } catch (...) {
    throwToJavaScript(env, "lockstep_torch");
    return nullptr;
  }
  setFunction(env, exports, "info", info);
  setFunction(env, exports, "hasCuda", hasCuda);
  setFunction(env, exports, "setDevice", setDevice);
  setFunction(env, exports, "setResultBuffer", setResultBuffer);
  setFunction(env, exports, "upload", upload);
  setFunction(env, exports, "download", download);
  setFunction(env, exports, "release", release);
  setFunction(env, exports, "memory", memory);
  setFunction(env, exports, "releasePool", releasePoolMemory);
  napi_value kernels;
  napi_create_object(env, &kernels);
  registerKernels(env, kernels);
  napi_set_named_property(env, exports, "kernels", kernels);
  return exports;
}
