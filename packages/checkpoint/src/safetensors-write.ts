// Encodes tensors in the safetensors format (https://huggingface.co/docs/safetensors, "Format") with `encodeSafetensors`: a
// little-endian u64 header length, a JSON header padded with spaces to 8 bytes, then the tensors' bytes without gaps. Float32
// only.

/** A float32 tensor, row-major. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** The file consists of the head and then the data. The data are views of the tensors, not copies. */
export interface EncodedSafetensors {
  readonly head: Uint8Array;
  /** Each tensor's bytes, in the order of the tensors. */
  readonly data: readonly Uint8Array[];
  readonly sizeBytes: number;
}

const alignmentBytes = 8;
const lengthBytes = 8;
const reservedName = "__metadata__";

/**
 * Encodes the tensors in the order given.
 * @throws Error if a shape does not fit its values, or a name is used twice
 */
export function encodeSafetensors(
  tensors: readonly NamedTensor[],
  metadata: Readonly<Record<string, string>> = {},
): EncodedSafetensors {
  const header = new Map<string, unknown>();
  if (Object.keys(metadata).length > 0) header.set(reservedName, metadata);
  let dataBytes = 0;
  for (const { name, shape, values } of tensors) {
    if (header.has(name) || name === reservedName) throw new Error(`safetensors: tensor name ${name} is taken`);
    const size = shape.reduce((product, side) => product * side, 1);
    if (size !== values.length) {
      throw new Error(`safetensors: tensor ${name} of shape [${shape}] has ${values.length} values`);
    }
    header.set(name, { dtype: "F32", shape, data_offsets: [dataBytes, dataBytes + values.byteLength] });
    dataBytes += values.byteLength;
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(header)));
  const headerBytes = Math.ceil(json.byteLength / alignmentBytes) * alignmentBytes;

  const head = new Uint8Array(lengthBytes + headerBytes).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(headerBytes), true);
  head.set(json, lengthBytes);
  const data = tensors.map(({ values }) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return { head, data, sizeBytes: head.byteLength + dataBytes };
}
