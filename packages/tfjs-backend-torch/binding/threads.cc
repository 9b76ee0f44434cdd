// Implements useOneNativeThread; see threads.h.
#include "threads.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>

#include <mutex>

namespace lockstep {

namespace {

/** Calls `void name(int)` if a loaded library has it. */
void callIfPresent(const char* name, int argument) {
  void* symbol = dlsym(RTLD_DEFAULT, name);
  if (symbol != nullptr) reinterpret_cast<void (*)(int)>(symbol)(argument);
}

}  // namespace

void useOneNativeThread() {
  static std::once_flag once;
  std::call_once(once, [] {
    try {
      at::set_num_interop_threads(1);
    } catch (const std::exception&) {
      // Other code of this process has already started the inter-op pool. No kernel of this addon uses it.
    }
    callIfPresent("openblas_set_num_threads", 1);
  });
  at::set_num_threads(1);
  callIfPresent("omp_set_num_threads", 1);
}

int numNativeThreads() { return at::get_num_threads(); }

}  // namespace lockstep
