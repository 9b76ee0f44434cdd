// Translates tensor bytes into wire messages with `encodeTensorChunks`, and back with `TensorAssembler`: a header that describes
// the bytes, then chunks of at most 1 MiB with a CRC-32C each. Weights and contributions (gradients, then statistics) have the
// same header: both have the flat layout's size.
import { endianness } from "node:os";
import { crc32c } from "@node-rs/crc32";
import {
  DataType,
  type TensorChunk,
  type TensorHeader,
  TensorLayout as WireLayout,
} from "./gen/lockstep/v1/tensors.js";
import type { TensorLayout } from "./tensor-layout.js";
import { WireError } from "./wire-error.js";

/** Size of every chunk but the last, which may be smaller. No chunk may be larger. */
export const chunkBytes = 1024 * 1024;

const bytesPerElement = 4;

if (endianness() !== "LE")
  throw new Error("Lockstep needs a little-endian machine: it sends tensors as little-endian bytes");

/** The header for the flat layout's float32 values: the weights, or one contribution. */
export function contributionHeader(layout: TensorLayout): TensorHeader {
  return {
    dataType: DataType.F32,
    layout: WireLayout.FLAT,
    layoutSha256: layout.sha256,
    totalBytes: bytesPerElement * layout.numElements,
  };
}

/** The array's memory as little-endian bytes: a view, not a copy. The memory may be a SharedArrayBuffer. */
export function float32Bytes(array: Float32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/**
 * Yields the bytes in chunks. Chunks are views of `bytes`, which must not change before the last chunk is serialized.
 */
export function* encodeTensorChunks(bytes: Uint8Array): Generator<TensorChunk, void, void> {
  for (let offsetBytes = 0; offsetBytes < bytes.byteLength; offsetBytes += chunkBytes) {
    const sizeBytes = Math.min(chunkBytes, bytes.byteLength - offsetBytes);
    const data = Buffer.from(bytes.buffer, bytes.byteOffset + offsetBytes, sizeBytes);
    yield { offsetBytes, data, crc32c: crc32c(data) };
  }
}

/** Writes the bytes of one header's chunks into the caller's memory. Whatever is wrong is reported as a WireError. */
export class TensorAssembler {
  readonly #into: Uint8Array;
  #receivedBytes = 0;

  /**
   * @param header the sender's header
   * @param options.layoutSha256 the digest of the layout that this side has
   * @param options.into where the bytes are written; this side expects as many bytes as it has. The caller may read it only
   *   after finish(); after an error its content is undefined.
   * @throws WireError `layout` if the header has another layout, data type or length
   */
  constructor(header: TensorHeader, options: { readonly layoutSha256: string; readonly into: Uint8Array }) {
    if (header.dataType !== DataType.F32) {
      throw new WireError("layout", `data type ${header.dataType}: only F32 (${DataType.F32}) is supported`);
    }
    if (header.layout !== WireLayout.FLAT) {
      throw new WireError("layout", `tensor layout ${header.layout}: only FLAT (${WireLayout.FLAT}) is supported`);
    }
    if (header.layoutSha256 !== options.layoutSha256) {
      throw new WireError("layout", `tensor layout ${header.layoutSha256}: expected ${options.layoutSha256}`);
    }
    if (header.totalBytes !== options.into.byteLength) {
      throw new WireError("layout", `${header.totalBytes} tensor bytes: expected ${options.into.byteLength}`);
    }
    this.#into = options.into;
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** @throws WireError `bad-chunk` if there is a gap, an overlap, an overrun, a wrong size or a wrong checksum */
  add(chunk: TensorChunk): void {
    const { offsetBytes, data } = chunk;
    const where = `chunk at byte ${offsetBytes}`;
    if (offsetBytes !== this.#receivedBytes) {
      const what = offsetBytes > this.#receivedBytes ? "leaves a gap" : "overlaps";
      throw new WireError("bad-chunk", `${where} ${what}: expected byte ${this.#receivedBytes}`);
    }
    if (data.byteLength === 0 || data.byteLength > chunkBytes) {
      throw new WireError("bad-chunk", `${where} has ${data.byteLength} bytes: expected 1 to ${chunkBytes}`);
    }
    if (offsetBytes + data.byteLength > this.#into.byteLength) {
      const endBytes = offsetBytes + data.byteLength;
      throw new WireError("bad-chunk", `${where} overruns: it ends at ${endBytes} of ${this.#into.byteLength} bytes`);
    }
    const checksum = crc32c(data);
    if (checksum !== chunk.crc32c) {
      throw new WireError(
        "bad-chunk",
        `${where} has checksum ${hex(checksum)}: the sender computed ${hex(chunk.crc32c)}`,
      );
    }
    this.#into.set(data, offsetBytes);
    this.#receivedBytes += data.byteLength;
  }

  /** Call it after the last chunk. @throws WireError `bad-chunk` if bytes are missing */
  finish(): void {
    if (this.#receivedBytes !== this.#into.byteLength) {
      throw new WireError("bad-chunk", `tensor bytes end at ${this.#receivedBytes} of ${this.#into.byteLength}`);
    }
  }
}

function hex(checksum: number): string {
  return checksum.toString(16).padStart(8, "0");
}
