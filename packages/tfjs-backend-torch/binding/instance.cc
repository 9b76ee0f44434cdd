// Implements Instance; see instance.h.
#include "instance.h"

#include <limits>
#include <utility>

namespace lockstep {

namespace {
thread_local at::Device threadDevice{at::kCPU};
}

at::Device currentDevice() { return threadDevice; }
void setCurrentDevice(at::Device device) { threadDevice = device; }

at::ScalarType scalarTypeOf(int64_t code) {
  switch (static_cast<DTypeCode>(code)) {
    case DTypeCode::float32:
      return at::kFloat;
    case DTypeCode::int32:
      return at::kInt;
    case DTypeCode::boolean:
      return at::kBool;
  }
  TORCH_CHECK(false, "unknown dtype code ", code);
}

DTypeCode codeOf(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return DTypeCode::float32;
    case at::kInt:
      return DTypeCode::int32;
    case at::kBool:
      return DTypeCode::boolean;
    default:
      TORCH_CHECK(false, "a kernel returned dtype ", type, ": must be float32, int32 or bool");
  }
}

Instance::Instance(napi_env env) : env_(env) {}

Instance::~Instance() {
  if (resultReference_ != nullptr) napi_delete_reference(env_, resultReference_);
}

Instance& Instance::of(napi_env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return *static_cast<Instance*>(data);
}

uint32_t Instance::keep(at::Tensor tensor) {
  if (!tensor.is_contiguous()) tensor = tensor.contiguous();
  numTensors_++;
  if (freeSlots_.empty()) {
    slots_.push_back(std::move(tensor));
    return static_cast<uint32_t>(slots_.size() - 1);
  }
  const uint32_t handle = freeSlots_.back();
  freeSlots_.pop_back();
  slots_[handle] = std::move(tensor);
  return handle;
}

const at::Tensor& Instance::tensor(int64_t handle) const {
  TORCH_CHECK(handle >= 0 && static_cast<size_t>(handle) < slots_.size() && slots_[handle].defined(),
              "handle ", handle, " is not the handle of a tensor");
  return slots_[handle];
}

void Instance::release(int64_t handle) {
  tensor(handle);
  slots_[handle] = at::Tensor();
  freeSlots_.push_back(static_cast<uint32_t>(handle));
  numTensors_--;
}

void Instance::setResultBuffer(napi_env env, napi_value array) {
  napi_typedarray_type type;
  void* data = nullptr;
  size_t length = 0;
  const napi_status status = napi_get_typedarray_info(env, array, &type, &length, &data, nullptr, nullptr);
  TORCH_CHECK(status == napi_ok && type == napi_int32_array, "the result buffer must be an Int32Array");
  if (resultReference_ != nullptr) napi_delete_reference(env, resultReference_);
  napi_create_reference(env, array, 1, &resultReference_);
  results_ = static_cast<int32_t*>(data);
  resultCapacity_ = length;
}

void Instance::pushResult(at::Tensor tensor) {
  const auto rank = static_cast<size_t>(tensor.dim());
  TORCH_CHECK(resultPosition_ + 3 + rank <= resultCapacity_, "the result buffer is too small");
  const auto code = codeOf(tensor.scalar_type());
  int32_t* out = results_ + resultPosition_;
  for (size_t i = 0; i < rank; i++) {
    const int64_t size = tensor.size(static_cast<int64_t>(i));
    TORCH_CHECK(size <= std::numeric_limits<int32_t>::max(), "dimension ", i, " has ", size, " elements: too many");
    out[3 + i] = static_cast<int32_t>(size);
  }
  out[1] = static_cast<int32_t>(code);
  out[2] = static_cast<int32_t>(rank);
  out[0] = static_cast<int32_t>(keep(std::move(tensor)));
  resultPosition_ += 3 + rank;
}

}  // namespace lockstep
