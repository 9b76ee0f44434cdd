// useOneNativeThread: limits ATen, OpenMP and BLAS to one native thread for each JavaScript thread. Otherwise the bits
// of a sum would depend on the number of cores.
#pragma once

namespace lockstep {

/** Call it once in each thread. A library that has only one setting for the process is set for the process. */
void useOneNativeThread();
int numNativeThreads();

}  // namespace lockstep
