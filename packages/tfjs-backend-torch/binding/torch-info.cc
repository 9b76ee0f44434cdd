// Implements torchInfo; see torch-info.h.
#include "torch-info.h"

#include "pool-allocator.h"

#include <ATen/ATen.h>
#include <ATen/Version.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>
#include <torch/version.h>

#include <cstdio>
#include <fstream>

namespace lockstep {

namespace {

template <class Function>
Function find(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
}

/** The word after `key` in at::show_config(), up to a separator. */
std::string fromConfig(const std::string& key) {
  const std::string config = at::show_config();
  const size_t start = config.find(key);
  if (start == std::string::npos) return "";
  const size_t from = start + key.size();
  return config.substr(from, config.find_first_of(" ,\n(", from) - from);
}

std::string oneDnnVersion() {
  struct Version {
    int major, minor, patch;
  };
  if (const auto version = find<const Version* (*)()>("dnnl_version")) {
    return std::to_string(version()->major) + "." + std::to_string(version()->minor) + "." + std::to_string(version()->patch);
  }
  return at::hasMKLDNN() ? fromConfig("Intel(R) MKL-DNN v") : "";
}

/** The effective dnnl_cpu_isa_t: its number, and its name if it is in the list. */
std::string oneDnnInstructionSet() {
  const auto effective = find<int (*)()>("dnnl_get_effective_cpu_isa");
  if (effective == nullptr) return "";
  const int isa = effective();
  static const std::pair<int, const char*> names[] = {
      {0x1, "sse41"},        {0x3, "avx"},          {0x7, "avx2"},          {0xf, "avx2_vnni"},
      {0x1f, "avx2_vnni_2"}, {0x27, "avx512_core"}, {0x67, "avx512_core_vnni"}, {0xe7, "avx512_core_bf16"},
      {0x1ef, "avx512_core_fp16"}, {0xfe7, "avx512_core_amx"}, {0xfef, "avx512_core_amx"},
  };
  char number[16];
  std::snprintf(number, sizeof number, "0x%x", isa);
  for (const auto& [value, name] : names) {
    if (value == isa) return std::string(name) + " (" + number + ")";
  }
  return number;
}

std::string atenCapability() {
  // libtorch 1.13 has no at::get_cpu_capability(); at::show_config() contains it in every version.
  return fromConfig("CPU capability usage: ");
}

std::string blasName() {
  if (const auto config = find<const char* (*)()>("openblas_get_config")) return config();
  return at::hasMKL() ? "MKL" : "BLAS";
}

std::string blasCore() {
  const auto core = find<const char* (*)()>("openblas_get_corename");
  return core == nullptr ? "" : core();
}

/** Asks the driver, because the addon is built without CUDA's headers. */
std::string cudaDeviceName() {
  if (!at::hasCUDA()) return "";
  void* driver = dlopen("libcuda.so.1", RTLD_LAZY);
  if (driver == nullptr) return "CUDA device 0";
  const auto init = reinterpret_cast<int (*)(unsigned)>(dlsym(driver, "cuInit"));
  const auto getDevice = reinterpret_cast<int (*)(int*, int)>(dlsym(driver, "cuDeviceGet"));
  const auto getName = reinterpret_cast<int (*)(char*, int, int)>(dlsym(driver, "cuDeviceGetName"));
  int device = 0;
  char name[256] = "";
  if (init == nullptr || getDevice == nullptr || getName == nullptr || init(0) != 0 || getDevice(&device, 0) != 0 ||
      getName(name, sizeof name, device) != 0) {
    return "CUDA device 0";
  }
  return name;
}

/** The version of the kernel module, which can also be read in a container. */
std::string cudaDriverVersion() {
  std::string version;
  if (at::hasCUDA()) std::ifstream("/sys/module/nvidia/version") >> version;
  return version;
}

/** A libtorch with CUDA has loaded the CUDA runtime and cuDNN. */
std::string cudaRuntimeVersion() {
  const auto get = find<int (*)(int*)>("cudaRuntimeGetVersion");
  int version = 0;
  return at::hasCUDA() && get != nullptr && get(&version) == 0 ? std::to_string(version) : "";
}

std::string cuDnnVersion() {
  const auto get = find<size_t (*)()>("cudnnGetVersion");
  return at::hasCUDA() && get != nullptr ? std::to_string(get()) : "";
}

}  // namespace

std::vector<std::pair<const char*, std::string>> torchInfo() {
  return {
      {"libtorch", TORCH_VERSION},
      {"oneDnn", oneDnnVersion()},
      {"blas", blasName()},
      {"blasCore", blasCore()},
      {"atenInstructionSet", atenCapability()},
      {"oneDnnInstructionSet", oneDnnInstructionSet()},
      {"cudaDevice", cudaDeviceName()},
      {"cudaDriver", cudaDriverVersion()},
      {"cudaRuntime", cudaRuntimeVersion()},
      {"cuDnn", cuDnnVersion()},
      {"refusedSettings", refusedSettings()},
  };
}

}  // namespace lockstep
