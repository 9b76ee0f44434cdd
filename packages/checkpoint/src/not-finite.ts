// Finds float32 values that are NaN or infinite: `notFiniteTensor` in arrays, `NotFiniteCounter` in the bytes of a
// safetensors file as they are read. In IEEE 754 binary32 exactly these values have all exponent bits set.
import type { NamedTensor } from "./safetensors-write.js";

const headerLengthBytes = 8;
const bytesPerValue = 4;

/** The first tensor that contains a NaN or an infinity; undefined when all values are finite. */
export function notFiniteTensor(tensors: readonly NamedTensor[]): NamedTensor | undefined {
  return tensors.find(({ values }) => values.some((value) => !Number.isFinite(value)));
}

/** Counts NaN and infinite values while a safetensors file is read. */
export class NotFiniteCounter {
  /** Number of values that are not finite in the bytes so far. */
  count = 0;
  /** Index of the first of them among the file's values; -1 when there is none. */
  first = -1;
  #dataStart = Number.POSITIVE_INFINITY;
  /** Offset in the file of the next bytes. */
  #position = 0;
  #previousByte = 0;

  /** Takes the next bytes of the file. The first call must pass at least the eight bytes of the header's length. */
  take(bytes: Uint8Array): void {
    if (this.#position === 0 && bytes.byteLength >= headerLengthBytes) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      this.#dataStart = headerLengthBytes + Number(view.getBigUint64(0, true));
    }
    const firstEnd = this.#dataStart + bytesPerValue - 1;
    const gap = (firstEnd - this.#position) % bytesPerValue;
    const start = this.#position <= firstEnd ? firstEnd - this.#position : (gap + bytesPerValue) % bytesPerValue;
    for (let index = start; index < bytes.byteLength; index += bytesPerValue) {
      const high = bytes[index] ?? 0;
      const low = index === 0 ? this.#previousByte : (bytes[index - 1] ?? 0);
      if ((high & 0x7f) !== 0x7f || low < 0x80) continue;
      this.count += 1;
      if (this.first < 0) this.first = (this.#position + index - firstEnd) / bytesPerValue;
    }
    this.#position += bytes.byteLength;
    this.#previousByte = bytes.at(-1) ?? this.#previousByte;
  }

  /** Number of values in the bytes so far. */
  get numValues(): number {
    return Math.max(0, Math.floor((this.#position - this.#dataStart) / bytesPerValue));
  }
}
