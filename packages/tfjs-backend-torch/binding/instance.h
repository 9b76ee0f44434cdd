// Instance: the state of one N-API environment, which is one JavaScript thread: its device, the table of its tensors,
// and the buffer that passes the handles, dtypes and shapes of results to JavaScript. Threads share none of it.
#pragma once

#include <ATen/ATen.h>
#include <node_api.h>

#include <cstdint>
#include <vector>

namespace lockstep {

/** Codes of dtypes in the result buffer and in arguments; src/native/dtype.ts has the same codes. */
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

  /** Adds a tensor to the table, as a contiguous tensor. Returns its handle. */
  uint32_t keep(at::Tensor tensor);
  const at::Tensor& tensor(int64_t handle) const;
  void release(int64_t handle);
  int64_t numTensors() const { return numTensors_; }

  /**
   * Sets the Int32Array that JavaScript reads results from: [handle, dtype, rank, ...sizes] for each result, in order.
   */
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

/** The device of the calling thread's instance, for kernels that have no tensor among their arguments. */
at::Device currentDevice();
void setCurrentDevice(at::Device device);

}  // namespace lockstep
