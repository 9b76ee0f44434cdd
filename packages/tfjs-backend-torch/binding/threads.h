// Owns the number of native threads: one for each JavaScript thread, in ATen, OpenMP and BLAS alike. The bits of a sum
// would otherwise depend on the number of cores.
#pragma once

namespace lockstep {

/** For the calling thread (and, where a library knows no threads of its own, the process). Call once in each. */
void useOneNativeThread();
int numNativeThreads();

}  // namespace lockstep
