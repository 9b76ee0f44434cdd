// Owns the CPU memory of tensors: a pool of freed blocks by size class, shared by all threads of the process, in front
// of the system's allocator. Fresh pages cost 30 to 40% of a training step when every tensor is mapped and unmapped.
#pragma once

#include <cstdint>
#include <string>

namespace lockstep {

struct PoolUse {
  int64_t bytesInUse;   // handed out, by size class
  int64_t bytesPooled;  // freed and kept
};

/** Makes the pool libtorch's CPU allocator. Once a process; later calls do nothing. Blocks made before stay valid. */
void installPoolAllocator();
/** Settings of malloc that the C library did not accept, e.g. "M_TOP_PAD=67108864"; empty where there are none. */
std::string refusedSettings();
PoolUse poolUse();
/** Gives all kept blocks back to the system. */
void releasePool();

}  // namespace lockstep
