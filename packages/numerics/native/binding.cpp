// The N-API module: unpacks typed arrays (which may be in a SharedArrayBuffer), calls the kernels of kernels.h in the default
// floating-point mode, and turns C++ exceptions into JavaScript exceptions. It has no state, so that any number of worker
// threads may load it. LOCKSTEP_NATIVE_TRACE=1 writes each call to stderr.
#include <napi.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "float-environment.h"
#include "kernels.h"

namespace {

using Napi::CallbackInfo;

// Must be equal to numericsVersion in src/version.ts.
constexpr const char* numericsVersion = "1";

template <typename T>
struct Array {
  T* data;
  size_t size;
};

template <typename T>
constexpr napi_typedarray_type typeOf();
template <>
constexpr napi_typedarray_type typeOf<float>() { return napi_float32_array; }
template <>
constexpr napi_typedarray_type typeOf<double>() { return napi_float64_array; }
template <>
constexpr napi_typedarray_type typeOf<uint32_t>() { return napi_uint32_array; }
template <>
constexpr napi_typedarray_type typeOf<uint8_t>() { return napi_uint8_array; }

// The elements of argument `index`. Throws unless it is a typed array of T with at least `atLeast` elements.
template <typename T>
Array<T> arrayAt(const CallbackInfo& info, size_t index, size_t atLeast) {
  napi_typedarray_type type;
  size_t size;
  void* data;
  const napi_status status =
      napi_get_typedarray_info(info.Env(), info[index], &type, &size, &data, nullptr, nullptr);
  if (status != napi_ok || type != typeOf<T>()) {
    throw Napi::TypeError::New(info.Env(), "argument " + std::to_string(index) + " has the wrong type");
  }
  if (size < atLeast) {
    throw Napi::RangeError::New(info.Env(), "argument " + std::to_string(index) + " is too short");
  }
  return {static_cast<T*>(data), size};
}

// Constants are passed as a Float32Array in the order of the struct's fields.
template <typename T>
T constantsAt(const CallbackInfo& info, size_t index) {
  static_assert(sizeof(T) % sizeof(float) == 0);
  const auto values = arrayAt<float>(info, index, sizeof(T) / sizeof(float));
  T constants;
  std::memcpy(&constants, values.data, sizeof constants);
  return constants;
}

double numberAt(const CallbackInfo& info, size_t index) { return info[index].As<Napi::Number>().DoubleValue(); }

Napi::Value addFloat32(const CallbackInfo& info) {
  const auto into = arrayAt<float>(info, 0, 0);
  const auto from = arrayAt<float>(info, 1, into.size);
  lockstep::addFloat32(into.data, from.data, into.size);
  return info.Env().Undefined();
}

Napi::Value addFloat64(const CallbackInfo& info) {
  const auto into = arrayAt<double>(info, 0, 0);
  const auto from = arrayAt<double>(info, 1, into.size);
  lockstep::addFloat64(into.data, from.data, into.size);
  return info.Env().Undefined();
}

Napi::Value scaleFloat32(const CallbackInfo& info) {
  const auto into = arrayAt<float>(info, 0, 0);
  lockstep::scaleFloat32(into.data, static_cast<float>(numberAt(info, 1)), into.size);
  return info.Env().Undefined();
}

Napi::Value scaleFloat64(const CallbackInfo& info) {
  const auto into = arrayAt<double>(info, 0, 0);
  lockstep::scaleFloat64(into.data, numberAt(info, 1), into.size);
  return info.Env().Undefined();
}

Napi::Value sumOfSquares(const CallbackInfo& info) {
  const auto x = arrayAt<float>(info, 0, 0);
  return Napi::Number::New(info.Env(), lockstep::sumOfSquares(x.data, x.size));
}

Napi::Value allFinite(const CallbackInfo& info) {
  const auto x = arrayAt<float>(info, 0, 0);
  return Napi::Boolean::New(info.Env(), lockstep::allFinite(x.data, x.size));
}

Napi::Value updateStatistics(const CallbackInfo& info) {
  const auto running = arrayAt<float>(info, 0, 0);
  const auto sum = arrayAt<float>(info, 1, running.size);
  const auto momentum = arrayAt<float>(info, 2, running.size);
  const auto totalCount = static_cast<float>(numberAt(info, 3));
  lockstep::updateStatistics(running.data, sum.data, momentum.data, totalCount, running.size);
  return info.Env().Undefined();
}

Napi::Value adam(const CallbackInfo& info) {
  const auto weights = arrayAt<float>(info, 0, 0);
  const auto gradient = arrayAt<float>(info, 1, weights.size);
  const auto firstMoment = arrayAt<float>(info, 2, weights.size);
  const auto secondMoment = arrayAt<float>(info, 3, weights.size);
  const auto constants = constantsAt<lockstep::AdamConstants>(info, 4);
  lockstep::adam(weights.data, gradient.data, firstMoment.data, secondMoment.data, constants, weights.size);
  return info.Env().Undefined();
}

Napi::Value sgd(const CallbackInfo& info) {
  const auto weights = arrayAt<float>(info, 0, 0);
  const auto gradient = arrayAt<float>(info, 1, weights.size);
  float* velocity = info[2].IsNull() ? nullptr : arrayAt<float>(info, 2, weights.size).data;
  const auto constants = constantsAt<lockstep::SgdConstants>(info, 3);
  lockstep::sgd(weights.data, gradient.data, velocity, constants, weights.size);
  return info.Env().Undefined();
}

Napi::Value fillUniform(const CallbackInfo& info) {
  const auto coordinates = arrayAt<uint32_t>(info, 0, 5);
  const auto first = info[1].As<Napi::Number>().Uint32Value();
  const auto out = arrayAt<float>(info, 2, 0);
  lockstep::fillUniform(coordinates.data, first, out.data, out.size);
  return info.Env().Undefined();
}

Napi::Value warpImages(const CallbackInfo& info) {
  const auto sides = arrayAt<uint32_t>(info, 1, 3);
  const lockstep::WarpShape shape{sides.data[0], sides.data[1], sides.data[2]};
  const auto pixels = arrayAt<uint8_t>(info, 0, size_t{3} * shape.batch * shape.size * shape.size);
  const auto affine = arrayAt<float>(info, 2, size_t{6} * shape.batch);
  const auto colour = arrayAt<float>(info, 3, size_t{12} * shape.batch);
  const auto normalisation = arrayAt<float>(info, 4, 6);
  const auto out = arrayAt<float>(info, 5, size_t{3} * shape.batch * shape.outSize * shape.outSize);
  lockstep::warpImages(pixels.data, shape, affine.data, colour.data, normalisation.data, out.data);
  return info.Env().Undefined();
}

bool tracing() {
  static const bool on = [] {
    const char* value = std::getenv("LOCKSTEP_NATIVE_TRACE");
    return value != nullptr && value[0] == '1';
  }();
  return on;
}

template <Napi::Value (*kernel)(const CallbackInfo&)>
Napi::Value call(const CallbackInfo& info) {
  if (tracing()) std::fprintf(stderr, "numerics.%s\n", static_cast<const char*>(info.Data()));
  const lockstep::FloatEnvironment plain;
  return kernel(info);
}

template <Napi::Value (*kernel)(const CallbackInfo&)>
void define(Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<call<kernel>>(exports.Env(), name, const_cast<char*>(name)));
}

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  define<addFloat32>(exports, "addFloat32");
  define<addFloat64>(exports, "addFloat64");
  define<scaleFloat32>(exports, "scaleFloat32");
  define<scaleFloat64>(exports, "scaleFloat64");
  define<sumOfSquares>(exports, "sumOfSquares");
  define<allFinite>(exports, "allFinite");
  define<updateStatistics>(exports, "updateStatistics");
  define<adam>(exports, "adam");
  define<sgd>(exports, "sgd");
  define<fillUniform>(exports, "fillUniform");
  define<warpImages>(exports, "warpImages");
  exports.Set("version", Napi::String::New(env, numericsVersion));
  exports.Set("compiler", Napi::String::New(env, "C++ " __VERSION__));
  return exports;
}

}  // namespace

NODE_API_MODULE(lockstep_numerics, initialise)
