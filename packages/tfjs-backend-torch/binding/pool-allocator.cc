// Implements the pool allocator; see pool-allocator.h. There are eight size classes between two powers of two, so at
// most 1/8 of a block is unused. Blocks under 1 KiB are not pooled: the system's allocator is fast enough for them.
// LOCKSTEP_TORCH_POOL_MB limits the size of the pool in MiB (default 2048); beyond it, blocks are given back to the
// system.
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

/** Precedes every block, in a cache line of its own. */
struct alignas(alignment) Header {
  size_t bytes;    // bytes of the size class, without the header
  int classIndex;  // -1 for a small block, which is never pooled
};

class Pool {
 public:
  Pool() {
    const char* megabytes = std::getenv("LOCKSTEP_TORCH_POOL_MB");
    if (megabytes != nullptr) capBytes_ = std::strtoll(megabytes, nullptr, 10) * (int64_t{1} << 20);
  }

  void* allocate(size_t bytes) {
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
      TORCH_CHECK(status == 0, "out of memory: cannot allocate ", size.bytes, " bytes; tensors use ", usedBytes_.load(), " bytes");
      header = new (memory) Header{size.bytes, size.index};
    }
    usedBytes_ += static_cast<int64_t>(size.bytes);
    return header + 1;
  }

  /** Puts the block into the pool, or frees it if the pool is full. */
  void deallocate(void* block) {
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

/** Never destroyed, because tensors of other libraries may be freed after the destruction of static objects. */
Pool& pool() {
  static Pool* const instance = new Pool();
  return *instance;
}

void deallocateBlock(void* block) {
  if (block != nullptr) pool().deallocate(block);
}

at::DataPtr allocateBlock(size_t bytes) {
  if (bytes == 0) return {nullptr, nullptr, &deallocateBlock, at::Device(at::kCPU)};
  void* block = pool().allocate(bytes);
  return {block, block, &deallocateBlock, at::Device(at::kCPU)};
}

/** Number and constness of the virtual functions of c10::Allocator differ between libtorch 1.13 and 2.x. This class
 *  defines all variants without `override`; those that the headers declare override the virtual functions. */
struct PoolAllocator final : c10::Allocator {
  at::DataPtr allocate(size_t bytes) const { return allocateBlock(bytes); }
  at::DataPtr allocate(size_t bytes) { return allocateBlock(bytes); }
  at::DeleterFnPtr raw_deleter() const { return &deallocateBlock; }
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
    // For memory that is not from the pool: JavaScript's arrays, and the libraries' temporary memory. glibc accepts no
    // mmap threshold above 32 MiB. If one of the three is set, glibc no longer adapts any of them, so all are set.
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
