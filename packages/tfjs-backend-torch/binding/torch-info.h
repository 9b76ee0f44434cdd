// torchInfo: reports the versions of the libraries and their instruction sets, which are part of the numerics
// fingerprint.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace lockstep {

/** Names and values, in the order of NativeInfo in src/native/torch-info.ts; an empty value means absent. */
std::vector<std::pair<const char*, std::string>> torchInfo();

}  // namespace lockstep
