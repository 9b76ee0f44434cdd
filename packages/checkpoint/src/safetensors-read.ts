// Reads the safetensors format with `decodeSafetensors`. It checks the whole header against the bytes. Float32 only.
import { UserError } from "@lockstep/errors";
import type { ByteSource } from "@lockstep/files";
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
  /** By name, in the order of the tensors' bytes. */
  readonly tensors: ReadonlyMap<string, NamedTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

const lengthBytes = 8;
const bytesPerElement = 4;
/** The reference implementation has the same limit. */
const maxHeaderBytes = 100_000_000;

export interface DecodeOptions {
  /** Returns the array for a tensor's values. Default: a new array. It is called after the whole header was checked. */
  readonly place?: (tensor: Pick<NamedTensor, "name" | "shape">) => Float32Array;
}

/**
 * Reads the bytes once, from first to last.
 * @param label how error messages name the source, for example the file's path
 * @throws UserError if the file violates the format, or a tensor has a data type other than F32
 */
export async function decodeSafetensors(
  source: ByteSource,
  label: string,
  options: DecodeOptions = {},
): Promise<DecodedSafetensors> {
  const refuse = (why: string): never => {
    throw new UserError(`${label}: not a sound safetensors file: ${why}`);
  };
  const { sizeBytes } = source;
  const { place = ({ shape }) => new Float32Array(numElements(shape)) } = options;
  if (sizeBytes < lengthBytes) refuse(`${sizeBytes} bytes are too few`);
  const announced = await readLength(source);
  if (announced > BigInt(maxHeaderBytes)) refuse(`a header of ${announced} bytes is too long`);
  const headerBytes = Number(announced);
  const dataStart = lengthBytes + headerBytes;
  if (dataStart > sizeBytes) refuse(`a header of ${headerBytes} bytes does not fit into ${sizeBytes}`);
  const headerText = new Uint8Array(headerBytes);
  await source.read(headerText, lengthBytes);
  const header = parseHeader(headerText, refuse);

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
    const neededBytes = bytesPerElement * numElements(shape);
    if (end - begin !== neededBytes) {
      refuse(`tensor ${name} of shape [${shape}] needs ${neededBytes} bytes: its offsets span ${end - begin}`);
    }
    placed.push({ name, shape, begin, end });
  }

  // In the order of their bytes, each tensor must begin where the one before ended: no gaps, no overlaps.
  placed.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = 0;
  for (const tensor of placed) {
    if (tensor.begin !== end) refuse(`tensor ${tensor.name} begins at byte ${tensor.begin}: expected ${end}`);
    end = tensor.end;
  }
  if (end !== sizeBytes - dataStart) refuse(`the tensors end at byte ${end} of ${sizeBytes - dataStart}`);

  const tensors = new Map<string, NamedTensor>();
  for (const { name, shape, begin } of placed) {
    const values = place({ name, shape });
    await source.read(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), dataStart + begin);
    tensors.set(name, { name, shape, values });
  }
  return { tensors, metadata };
}

async function readLength(source: ByteSource): Promise<bigint> {
  const bytes = new Uint8Array(lengthBytes);
  await source.read(bytes, 0);
  return new DataView(bytes.buffer).getBigUint64(0, true);
}

function numElements(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
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
