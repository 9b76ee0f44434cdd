// installPoolAllocator: makes a pool the allocator of tensors' CPU memory. The pool keeps freed blocks by size class,
// and all threads of the process share it. Without it, every tensor is mapped and unmapped, which costs 30 to 40% of a
// training step.
#pragma once

#include <cstdint>
#include <string>

namespace lockstep {

struct PoolUse {
  int64_t bytesInUse;   // bytes of tensors, rounded up to size classes
  int64_t bytesPooled;  // bytes of freed blocks in the pool
};

/**
 * Makes the pool libtorch's CPU allocator. Later calls in the process do nothing. Blocks allocated before stay valid.
 */
void installPoolAllocator();
/** Settings of malloc that the C library refused, for example "M_TOP_PAD=67108864"; empty if it refused none. */
std::string refusedSettings();
PoolUse poolUse();
/** Gives all blocks in the pool back to the system. */
void releasePool();

}  // namespace lockstep
