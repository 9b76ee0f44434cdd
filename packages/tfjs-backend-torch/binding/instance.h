// Owns the state of one N-API environment (one JavaScript thread): its device, its table of live tensors, and the
// buffer through which results' handles, dtypes and shapes travel to JavaScript. Nothing here is shared between threads.
#pragma once

#include <ATen/ATen.h>
#include <node_api.h>

#include <cstdint>
#include <vector>

namespace lockstep {

/** Codes of dtypes in the result buffer and in arguments; src/native/dtype.ts lists the same. */
enum class DTypeCode : int32_t { float32 = 0, int32 = 1, boolean = 2 };

at::ScalarType scalarTypeOf(int64_t code);
DTypeCode codeOf(at::ScalarType type);

class Instance {
 public:
  explicit Instance(napi_env env);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  static Instance& of(napi_env env);

  /** Takes a tensor into the table; it becomes contiguous. Returns its handle. */
  uint32_t keep(at::Tensor tensor);
  const at::Tensor& tensor(int64_t handle) const;
  void release(int64_t handle);
  int64_t numTensors() const { return numTensors_; }

  /** The Int32Array that JavaScript reads: [handle, dtype, rank, ...sizes] for each result, one after another. */
  void setResultBuffer(napi_env env, napi_value array);
  void beginResults() { resultPosition_ = 0; }
  void pushResult(at::Tensor tensor);

  at::Device device{at::kCPU};

 private:
  napi_env env_;
  std::vector<at::Tensor> slots_;
  std::vector<uint32_t> freeSlots_;
  int64_t numTensors_ = 0;
  napi_ref resultReference_ = nullptr;
  int32_t* results_ = nullptr;
  size_t resultCapacity_ = 0;
  size_t resultPosition_ = 0;
};

/** The device of the calling thread's instance, for kernels that create tensors from nothing. */
at::Device currentDevice();
void setCurrentDevice(at::Device device);

}  // namespace lockstep
