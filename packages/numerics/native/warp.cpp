// Computes warpImages: affine bilinear sampling, colour matrix, normalisation; see src/warp-images.ts. Each row is processed in
// chunks of columns, in three passes: sample positions, gathering of the four neighbours, arithmetic. The compiler vectorises
// the first and the last pass.
#include <vector>

#include "kernels.h"

namespace lockstep {
namespace {

constexpr int chunk = 64;

// The four pixels around each sample, packed as 0x00BBGGRR, and the sample's distance from the top left one, 0 to 1.
struct Neighbours {
  uint32_t topLeft[chunk], topRight[chunk], bottomLeft[chunk], bottomRight[chunk];
  float shareX[chunk], shareY[chunk];
};

struct Places {
  int32_t left[chunk], right[chunk], top[chunk], bottom[chunk];
};

// One source image: its packed pixels, its side in pixels, and its maps.
struct Image {
  const uint32_t* packed;
  int32_t size;
  const float* affine;
  const float* colour;
};

// Clamps to 0..limit; a NaN becomes 0.
inline float clamp(float value, float limit) {
  const float raised = value > 0.0f ? value : 0.0f;
  return raised < limit ? raised : limit;
}

LOCKSTEP_CLONES void packPixels(const uint8_t* pixels, uint32_t* packed, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    packed[i] = uint32_t{pixels[3 * i]} | uint32_t{pixels[3 * i + 1]} << 8 | uint32_t{pixels[3 * i + 2]} << 16;
  }
}

LOCKSTEP_CLONES void locate(const Image& image, int32_t firstColumn, int32_t row, int count, Places& places,
                            Neighbours& neighbours) {
  const float a = image.affine[0], b = image.affine[1], c = image.affine[2];
  const float d = image.affine[3], e = image.affine[4], f = image.affine[5];
  const int32_t lastIndex = image.size - 1;
  const float last = static_cast<float>(lastIndex);
  const float y = static_cast<float>(row);
  for (int k = 0; k < count; ++k) {
    const float x = static_cast<float>(firstColumn + k);
    const float sourceX = clamp((a * x + b * y) + c, last);
    const float sourceY = clamp((d * x + e * y) + f, last);
    const int32_t left = static_cast<int32_t>(sourceX);
    const int32_t top = static_cast<int32_t>(sourceY);
    places.left[k] = left;
    places.right[k] = left < lastIndex ? left + 1 : left;
    places.top[k] = top * image.size;
    places.bottom[k] = (top < lastIndex ? top + 1 : top) * image.size;
    neighbours.shareX[k] = sourceX - static_cast<float>(left);
    neighbours.shareY[k] = sourceY - static_cast<float>(top);
  }
}

void gather(const uint32_t* packed, const Places& places, int count, Neighbours& neighbours) {
  for (int k = 0; k < count; ++k) {
    neighbours.topLeft[k] = packed[places.top[k] + places.left[k]];
    neighbours.topRight[k] = packed[places.top[k] + places.right[k]];
    neighbours.bottomLeft[k] = packed[places.bottom[k] + places.left[k]];
    neighbours.bottomRight[k] = packed[places.bottom[k] + places.right[k]];
  }
}

inline float channelOf(uint32_t pixel, int shift) {
  return static_cast<float>(static_cast<int32_t>((pixel >> shift) & 0xff));
}

inline float bilinear(const Neighbours& n, int k, int shift) {
  const float topLeft = channelOf(n.topLeft[k], shift);
  const float topRight = channelOf(n.topRight[k], shift);
  const float bottomLeft = channelOf(n.bottomLeft[k], shift);
  const float bottomRight = channelOf(n.bottomRight[k], shift);
  const float upper = topLeft + (topRight - topLeft) * n.shareX[k];
  const float lower = bottomLeft + (bottomRight - bottomLeft) * n.shareX[k];
  return upper + (lower - upper) * n.shareY[k];
}

LOCKSTEP_CLONES void shade(const Neighbours& neighbours, int count, const float* colour, const float* normalisation,
                           float* out) {
  float m[12], mean[3], deviation[3];
  for (int i = 0; i < 12; ++i) m[i] = colour[i];
  for (int i = 0; i < 3; ++i) {
    mean[i] = normalisation[i];
    deviation[i] = normalisation[3 + i];
  }
  float planes[3][chunk];
  for (int k = 0; k < count; ++k) {
    const float red = bilinear(neighbours, k, 0);
    const float green = bilinear(neighbours, k, 8);
    const float blue = bilinear(neighbours, k, 16);
    planes[0][k] = (clamp(((m[0] * red + m[1] * green) + m[2] * blue) + m[9], 255.0f) / 255.0f - mean[0]) / deviation[0];
    planes[1][k] = (clamp(((m[3] * red + m[4] * green) + m[5] * blue) + m[10], 255.0f) / 255.0f - mean[1]) / deviation[1];
    planes[2][k] = (clamp(((m[6] * red + m[7] * green) + m[8] * blue) + m[11], 255.0f) / 255.0f - mean[2]) / deviation[2];
  }
  for (int k = 0; k < count; ++k) {
    out[3 * k] = planes[0][k];
    out[3 * k + 1] = planes[1][k];
    out[3 * k + 2] = planes[2][k];
  }
}

}  // namespace

void warpImages(const uint8_t* pixels, const WarpShape& shape, const float* affine, const float* colour,
                const float* normalisation, float* out) {
  const size_t sourcePixels = size_t{shape.size} * shape.size;
  const int32_t outSize = static_cast<int32_t>(shape.outSize);
  std::vector<uint32_t> packed(sourcePixels);
  Places places;
  Neighbours neighbours;
  for (size_t index = 0; index < shape.batch; ++index) {
    packPixels(pixels + 3 * sourcePixels * index, packed.data(), sourcePixels);
    const Image image{packed.data(), static_cast<int32_t>(shape.size), affine + 6 * index, colour + 12 * index};
    for (int32_t row = 0; row < outSize; ++row) {
      for (int32_t column = 0; column < outSize; column += chunk) {
        const int count = outSize - column < chunk ? outSize - column : chunk;
        locate(image, column, row, count, places, neighbours);
        gather(image.packed, places, count, neighbours);
        shade(neighbours, count, image.colour, normalisation, out);
        out += 3 * count;
      }
    }
  }
}

}  // namespace lockstep
