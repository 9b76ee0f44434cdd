// Draws uniform numbers with Philox4x32-10 (Salmon et al., SC 2011): fillUniform; see src/philox.ts.
#include "kernels.h"

namespace lockstep {
namespace {

struct Block {
  uint32_t words[4];
};

Block philox(const uint32_t* coordinates, uint32_t index) {
  uint32_t k0 = coordinates[0];
  uint32_t k1 = coordinates[1];
  uint32_t c0 = index;
  uint32_t c1 = coordinates[2];
  uint32_t c2 = coordinates[3];
  uint32_t c3 = coordinates[4];
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = uint64_t{0xd2511f53} * c0;
    const uint64_t product1 = uint64_t{0xcd9e8d57} * c2;
    c0 = static_cast<uint32_t>(product1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<uint32_t>(product1);
    c2 = static_cast<uint32_t>(product0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<uint32_t>(product0);
    k0 += 0x9e3779b9;
    k1 += 0xbb67ae85;
  }
  return {{c0, c1, c2, c3}};
}

}  // namespace

void fillUniform(const uint32_t* coordinates, uint32_t first, float* out, size_t size) {
  size_t i = 0;
  while (i < size) {
    const uint64_t draw = uint64_t{first} + i;
    const Block block = philox(coordinates, static_cast<uint32_t>(draw / 4));
    for (size_t word = draw % 4; word < 4 && i < size; ++word, ++i) {
      out[i] = static_cast<float>(static_cast<int32_t>(block.words[word] >> 8)) * 0x1p-24f;
    }
  }
}

}  // namespace lockstep
