// Owns reading the safetensors format: everything that the header says is checked against the bytes. Float32 only.
import { UserError } from "@lockstep/errors";
import { z } from "zod";
import type { NamedTensor } from "./safetensors-write.js";

const wholeNumber = z.number().int().gte(0);
const headerEntry = z.strictObject({
  dtype: z.string(),
  shape: z.array(wholeNumber),
  data_offsets: z.tuple([wholeNumber, wholeNumber]),
});
const headerMetadata = z.record(z.string(), z.string());

export interface DecodedSafetensors {
  /** By name, in the order of their bytes; the values are copies. */
  readonly tensors: ReadonlyMap<string, NamedTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

const lengthBytes = 8;
const bytesPerElement = 4;
/** As the reference implementation. */
const maxHeaderBytes = 100_000_000;

/**
 * @param label what error messages call the bytes, e.g. the file's path
 * @throws UserError on anything that the format forbids, or a data type other than F32
 */
export function decodeSafetensors(bytes: Uint8Array, label: string): DecodedSafetensors {
  const refuse = (why: string): never => {
    throw new UserError(`${label}: not a sound safetensors file: ${why}`);
  };
  if (bytes.byteLength < lengthBytes) refuse(`${bytes.byteLength} bytes are too few`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const announced = view.getBigUint64(0, true);
  if (announced > BigInt(maxHeaderBytes)) refuse(`a header of ${announced} bytes is too long`);
  const headerBytes = Number(announced);
  if (lengthBytes + headerBytes > bytes.byteLength) {
    refuse(`a header of ${headerBytes} bytes does not fit into ${bytes.byteLength}`);
  }
  const header = parseHeader(bytes.subarray(lengthBytes, lengthBytes + headerBytes), refuse);
  const data = bytes.subarray(lengthBytes + headerBytes);

  let metadata: Record<string, string> = {};
  const placed: { name: string; shape: number[]; begin: number; end: number }[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name === "__metadata__") {
      metadata = headerMetadata.safeParse(value).data ?? refuse("__metadata__ is not a map of strings");
      continue;
    }
    const { dtype, shape, data_offsets } =
      headerEntry.safeParse(value).data ?? refuse(`tensor ${name} lacks a proper dtype, shape or data_offsets`);
    const [begin, end] = data_offsets;
    if (dtype !== "F32") refuse(`tensor ${name} has data type ${dtype}: only F32 is read`);
    const sizeBytes = bytesPerElement * shape.reduce((product, side) => product * side, 1);
    if (end - begin !== sizeBytes) {
      refuse(`tensor ${name} of shape [${shape}] needs ${sizeBytes} bytes: its offsets span ${end - begin}`);
    }
    placed.push({ name, shape, begin, end });
  }

  // In the order of their bytes, each must begin where the one before ended: no holes, no overlaps.
  placed.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = 0;
  for (const tensor of placed) {
    if (tensor.begin !== end) refuse(`tensor ${tensor.name} begins at byte ${tensor.begin}: expected ${end}`);
    end = tensor.end;
  }
  if (end !== data.byteLength) refuse(`the tensors end at byte ${end} of ${data.byteLength}`);

  const tensors = placed.map(({ name, shape, begin, end }): [string, NamedTensor] => {
    const values = new Float32Array((end - begin) / bytesPerElement);
    new Uint8Array(values.buffer).set(data.subarray(begin, end));
    return [name, { name, shape, values }];
  });
  return { tensors: new Map(tensors), metadata };
}

function parseHeader(bytes: Uint8Array, refuse: (why: string) => never): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    refuse("its header is not JSON");
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) refuse("its header is not a JSON object");
  return header as Record<string, unknown>; // checked in the line above
}
