// See pool-allocator.h. Size classes: powers of two cut into eight, so at most 1/8 is wasted. Under 1 KiB the system's
// own allocator is fast enough. What is kept is capped by LOCKSTEP_TORCH_POOL_MB (2048): beyond it blocks are freed.
#include "pool-allocator.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <vector>

namespace lockstep {

namespace {

constexpr size_t alignment = 64;
constexpr size_t smallBytes = 1024;
constexpr int stepsPerDoubling = 8;
constexpr int firstDoubling = 10;
constexpr int numClasses = (48 - firstDoubling) * stepsPerDoubling;

struct SizeClass {
  int index;
  size_t bytes;
};

SizeClass classOf(size_t bytes) {
  int doubling = firstDoubling;
  while ((size_t{2} << doubling) < bytes) doubling++;
  const size_t base = size_t{1} << doubling;
  const size_t step = base / stepsPerDoubling;
  const size_t steps = bytes <= base ? 0 : (bytes - base + step - 1) / step;
  return {(doubling - firstDoubling) * stepsPerDoubling + static_cast<int>(steps), base + steps * step};
}

/** Stands in front of every block, in its own aligned line. */
struct alignas(alignment) Header {
  size_t bytes;    // of the class, without the header
  int classIndex;  // -1: small, never pooled
};

class Pool {
 public:
  Pool() {
    const char* megabytes = std::getenv("LOCKSTEP_TORCH_POOL_MB");
    if (megabytes != nullptr) capBytes_ = std::strtoll(megabytes, nullptr, 10) * (int64_t{1} << 20);
  }

  void* take(size_t bytes) {
    const SizeClass size = bytes < smallBytes ? SizeClass{-1, bytes} : classOf(bytes);
    Header* header = nullptr;
    if (size.index >= 0) {
      const std::lock_guard<std::mutex> lock(mutex_);
      auto& free = free_[static_cast<size_t>(size.index)];
      if (!free.empty()) {
        header = free.back();
        free.pop_back();
        pooledBytes_ -= static_cast<int64_t>(size.bytes);
      }
    }
    if (header == nullptr) {
      void* memory = nullptr;
      const int status = posix_memalign(&memory, alignment, sizeof(Header) + size.bytes);
      TORCH_CHECK(status == 0, "out of memory: ", size.bytes, " bytes wanted, ", usedBytes_.load(), " in use by tensors");
      header = new (memory) Header{size.bytes, size.index};
    }
    usedBytes_ += static_cast<int64_t>(size.bytes);
    return header + 1;
  }

  void give(void* block) {
    Header* header = static_cast<Header*>(block) - 1;
    const auto bytes = static_cast<int64_t>(header->bytes);
    usedBytes_ -= bytes;
    if (header->classIndex >= 0) {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (pooledBytes_ + bytes <= capBytes_) {
        free_[static_cast<size_t>(header->classIndex)].push_back(header);
        pooledBytes_ += bytes;
        return;
      }
    }
    std::free(header);
  }

  void release() {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto& blocks : free_) {
      for (Header* header : blocks) std::free(header);
      blocks.clear();
    }
    pooledBytes_ = 0;
  }

  PoolUse use() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return {usedBytes_.load(), pooledBytes_};
  }

 private:
  std::mutex mutex_;
  std::array<std::vector<Header*>, numClasses + 1> free_;
  std::atomic<int64_t> usedBytes_{0};
  int64_t pooledBytes_ = 0;
  int64_t capBytes_ = int64_t{2048} << 20;
};

/** Never destroyed: tensors of other libraries may outlive every static object. */
Pool& pool() {
  static Pool* const instance = new Pool();
  return *instance;
}

void giveBlock(void* block) {
  if (block != nullptr) pool().give(block);
}

at::DataPtr allocateBlock(size_t bytes) {
  if (bytes == 0) return {nullptr, nullptr, &giveBlock, at::Device(at::kCPU)};
  void* block = pool().take(bytes);
  return {block, block, &giveBlock, at::Device(at::kCPU)};
}

/** The virtual functions of c10::Allocator changed their constness and number between 1.13 and 2.x: each spelling is
 *  there, without `override`, and the one that the headers declare takes its place. */
struct PoolAllocator final : c10::Allocator {
  at::DataPtr allocate(size_t bytes) const { return allocateBlock(bytes); }
  at::DataPtr allocate(size_t bytes) { return allocateBlock(bytes); }
  at::DeleterFnPtr raw_deleter() const { return &giveBlock; }
  void copy_data(void* to, const void* from, std::size_t bytes) const { std::memcpy(to, from, bytes); }
};

std::string& refused() {
  static std::string settings;
  return settings;
}

#ifdef __GLIBC__
void configureMalloc(int parameter, const char* name, int value) {
  if (mallopt(parameter, value) == 0) refused() += (refused().empty() ? "" : ", ") + std::string(name) + "=" + std::to_string(value);
}
#endif

}  // namespace

void installPoolAllocator() {
  static std::once_flag once;
  std::call_once(once, [] {
    static PoolAllocator* const allocator = new PoolAllocator();
    c10::SetCPUAllocator(allocator, /*priority=*/100);
#ifdef __GLIBC__
    // For what does not come from the pool: JavaScript's arrays, and scratch memory of libraries. glibc accepts no mmap
    // threshold above 32 MiB; once one of the three is set, it does not adapt any of them by itself.
    configureMalloc(M_MMAP_THRESHOLD, "M_MMAP_THRESHOLD", 32 << 20);
    configureMalloc(M_TRIM_THRESHOLD, "M_TRIM_THRESHOLD", 1 << 30);
    configureMalloc(M_TOP_PAD, "M_TOP_PAD", 64 << 20);
#endif
  });
}

std::string refusedSettings() { return refused(); }

PoolUse poolUse() { return pool().use(); }

void releasePool() {
  pool().release();
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

}  // namespace lockstep
