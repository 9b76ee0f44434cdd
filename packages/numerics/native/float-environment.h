// Sets the floating-point mode while a kernel runs (FloatEnvironment): round to nearest even, keep denormals. Another library in
// the process may have set flush-to-zero on this thread, so the destructor restores the mode.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace lockstep {

class FloatEnvironment {
 public:
  FloatEnvironment() : before_(read()) {
    if (before_ != plain) write(plain);
  }
  ~FloatEnvironment() {
    if (before_ != plain) write(before_);
  }
  FloatEnvironment(const FloatEnvironment&) = delete;
  FloatEnvironment& operator=(const FloatEnvironment&) = delete;

 private:
#if defined(__x86_64__)
  // MXCSR with all exceptions masked, no flush to zero (bit 15), no denormals-are-zero (bit 6); bits 0..5 are flags.
  static constexpr uint64_t plain = 0x1f80;
  static uint64_t read() { return _mm_getcsr() & ~0x3fu; }
  static void write(uint64_t mode) { _mm_setcsr(static_cast<unsigned>(mode)); }
#elif defined(__aarch64__)
  static constexpr uint64_t plain = 0;
  static uint64_t read() {
    uint64_t mode;
    asm volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
  }
  static void write(uint64_t mode) { asm volatile("msr fpcr, %0" ::"r"(mode)); }
#else
#error "float-environment.h: add code that reads and sets this processor's floating-point mode"
#endif
  uint64_t before_;
};

}  // namespace lockstep
