// bind<kernel>: the napi_callback of a kernel that is written as a plain C++ function. It decodes the arguments by the
// types of the function's parameters, runs the function without autograd, adds the resulting tensors to the instance's
// table, and converts every C++ exception to a JavaScript error that names the kernel.
#pragma once

#include <c10/core/InferenceMode.h>

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "instance.h"

namespace lockstep {

using Ints = std::vector<int64_t>;
using Tensors = std::vector<at::Tensor>;
/** A handle of -1 means that the tensor is absent. */
using OptionalTensor = std::optional<at::Tensor>;

inline void checkStatus(napi_status status, const char* what) { TORCH_CHECK(status == napi_ok, "expected ", what); }

inline double readNumber(napi_env env, napi_value value) {
  double number = 0;
  checkStatus(napi_get_value_double(env, value, &number), "a number");
  return number;
}

template <class T>
struct Argument;

template <>
struct Argument<at::Tensor> {
  static at::Tensor read(napi_env env, napi_value value) {
    return Instance::of(env).tensor(static_cast<int64_t>(readNumber(env, value)));
  }
};
template <>
struct Argument<OptionalTensor> {
  static OptionalTensor read(napi_env env, napi_value value) {
    const auto handle = static_cast<int64_t>(readNumber(env, value));
    if (handle < 0) return std::nullopt;
    return Instance::of(env).tensor(handle);
  }
};
template <>
struct Argument<double> {
  static double read(napi_env env, napi_value value) { return readNumber(env, value); }
};
template <>
struct Argument<int64_t> {
  static int64_t read(napi_env env, napi_value value) { return static_cast<int64_t>(readNumber(env, value)); }
};
template <>
struct Argument<bool> {
  static bool read(napi_env env, napi_value value) {
    bool flag = false;
    checkStatus(napi_get_value_bool(env, value, &flag), "a boolean");
    return flag;
  }
};
template <class T>
struct Argument<std::vector<T>> {
  static std::vector<T> read(napi_env env, napi_value value) {
    uint32_t length = 0;
    checkStatus(napi_get_array_length(env, value, &length), "an array");
    std::vector<T> out;
    out.reserve(length);
    for (uint32_t i = 0; i < length; i++) {
      napi_value element;
      checkStatus(napi_get_element(env, value, i, &element), "an array");
      out.push_back(Argument<T>::read(env, element));
    }
    return out;
  }
};

inline void pushResults(Instance& instance, at::Tensor&& tensor) { instance.pushResult(std::move(tensor)); }
template <class... T>
void pushResults(Instance& instance, std::tuple<T...>&& tensors) {
  std::apply([&](auto&... each) { (instance.pushResult(std::move(each)), ...); }, tensors);
}

/** For arithmetic kernels: in ATen bool + bool means "or", in TensorFlow.js it is a number. */
inline void refuseBool(const at::Tensor& x) { TORCH_CHECK(x.scalar_type() != at::kBool, "dtype bool is not supported"); }

/** Throws the current C++ exception as a JavaScript Error "NAME: message". Call it in a catch block. */
void throwToJavaScript(napi_env env, const char* name) noexcept;

/** Whether LOCKSTEP_TORCH_TRACE is 1. Then each native call prints one line to stderr. */
bool tracing();
void traceCall(const char* name, const std::string& arguments, double microseconds);
void describe(std::string& out, const at::Tensor& tensor);
void describe(std::string& out, const OptionalTensor& tensor);
void describe(std::string& out, double value);
void describe(std::string& out, int64_t value);
void describe(std::string& out, bool value);
template <class T>
void describe(std::string& out, const std::vector<T>& values) {
  out += "[";
  for (const auto& value : values) {
    if (out.back() != '[') out += ",";
    describe(out, value);
  }
  out += "]";
}

template <class Result, class... Parameters, size_t... Index>
void invoke(napi_env env, const char* name, const std::array<napi_value, sizeof...(Parameters) + 1>& values,
            Result (*kernel)(Parameters...), std::index_sequence<Index...>) {
  Instance& instance = Instance::of(env);
  setCurrentDevice(instance.device);
  const c10::InferenceMode withoutAutograd;
  std::tuple<std::decay_t<Parameters>...> arguments{
      Argument<std::decay_t<Parameters>>::read(env, values[Index])...};
  instance.beginResults();
  if (!tracing()) {
    pushResults(instance, kernel(std::get<Index>(arguments)...));
    return;
  }
  std::string text;
  ((text += (Index == 0 ? "" : ", "), describe(text, std::get<Index>(arguments))), ...);
  const auto start = std::chrono::steady_clock::now();
  pushResults(instance, kernel(std::get<Index>(arguments)...));
  const std::chrono::duration<double, std::micro> elapsed = std::chrono::steady_clock::now() - start;
  traceCall(name, text, elapsed.count());
}

template <class Result, class... Parameters>
void call(napi_env env, napi_callback_info info, Result (*kernel)(Parameters...)) {
  std::array<napi_value, sizeof...(Parameters) + 1> values{};
  size_t count = values.size();
  void* name = nullptr;
  napi_get_cb_info(env, info, &count, values.data(), nullptr, &name);
  try {
    TORCH_CHECK(count == sizeof...(Parameters), "takes ", sizeof...(Parameters), " arguments, got ", count);
    invoke(env, static_cast<const char*>(name), values, kernel, std::index_sequence_for<Parameters...>{});
  } catch (...) {
    throwToJavaScript(env, static_cast<const char*>(name));
  }
}

template <auto kernel>
napi_value bind(napi_env env, napi_callback_info info) {
  call(env, info, kernel);
  return nullptr;
}

/**
 * A row of a family's table: the kernel's name, which is that of TensorFlow.js if it has the kernel, and its callback.
 */
struct Kernel {
  const char* name;
  napi_callback callback;
};

}  // namespace lockstep
