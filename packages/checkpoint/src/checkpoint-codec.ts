// Translates a snapshot into the bytes of a checkpoint's files and back: `encodeFiles` and `decodeFiles`. The disk is the
// business of publish.ts and load-checkpoint.ts.
import { createHash } from "node:crypto";
import { describeError, UserError } from "@lockstep/errors";
import { type ByteSource, byteSource, hashAll, jsonText } from "@lockstep/files";
import type { TensorLayout } from "@lockstep/protocol";
import { type CheckpointManifest, parseManifest } from "./manifest.js";
import { sealManifest } from "./manifest-digest.js";
import { type DecodedSafetensors, type DecodeOptions, decodeSafetensors } from "./safetensors-read.js";
import { encodeSafetensors, type NamedTensor } from "./safetensors-write.js";
import {
  layoutOf,
  manifestOf,
  type OptimizerState,
  optimizerTensors,
  type Snapshot,
  weightTensors,
} from "./snapshot.js";

export const weightsFile = "weights.safetensors";
export const optimizerFile = "optimizer.safetensors";
export const manifestFile = "manifest.json";

export interface CheckpointContent {
  /** The flat weights; views of one buffer, sorted by name. */
  readonly weights: readonly NamedTensor[];
  readonly optimizerState: readonly NamedTensor[];
  /** All of the manifest but weightsSha256, files and manifestSha256. */
  readonly manifest: object;
}

export interface LoadedCheckpoint {
  readonly manifest: CheckpointManifest;
  readonly layout: TensorLayout;
  /** layout.numElements values, the caller's own. */
  readonly weights: Float32Array;
  readonly optimizerState: readonly OptimizerState[];
}

export type CheckpointFileName = typeof weightsFile | typeof optimizerFile | typeof manifestFile;
/** Each file's bytes in pieces. Those of tensors are views of the snapshot's arrays, not copies. */
export type CheckpointFiles = Readonly<Record<CheckpointFileName, readonly Uint8Array[]>>;
export type CheckpointSources = Readonly<Record<CheckpointFileName, ByteSource>>;

export function contentOf(snapshot: Snapshot): CheckpointContent {
  return {
    weights: weightTensors(snapshot.layout, snapshot.weights),
    optimizerState: optimizerTensors(snapshot.optimizerState),
    manifest: manifestOf(snapshot),
  };
}

export function encodeFiles(content: CheckpointContent): CheckpointFiles {
  const weights = encodeSafetensors(content.weights, { format: "lockstep" });
  const optimizer = encodeSafetensors(content.optimizerState, { format: "lockstep" });
  const tensorFiles = {
    [weightsFile]: [weights.head, ...weights.data],
    [optimizerFile]: [optimizer.head, ...optimizer.data],
  };
  const written = {
    // Tensors sorted by name, little-endian float32: what weightsSha256 is defined over.
    weightsSha256: sha256(weights.data),
    files: {
      [weightsFile]: { sizeBytes: weights.sizeBytes, sha256: sha256(tensorFiles[weightsFile]) },
      [optimizerFile]: { sizeBytes: optimizer.sizeBytes, sha256: sha256(tensorFiles[optimizerFile]) },
    },
  };
  return { ...tensorFiles, [manifestFile]: [Buffer.from(jsonText(sealManifest({ ...content.manifest, ...written })))] };
}

/**
 * @param label what error messages call the checkpoint, e.g. its path
 * @throws UserError when a file is damaged, or of a newer format
 */
export function decodeFiles(files: CheckpointFiles, label: string): Promise<LoadedCheckpoint> {
  const sources = {
    [weightsFile]: byteSource(files[weightsFile]),
    [optimizerFile]: byteSource(files[optimizerFile]),
    [manifestFile]: byteSource(files[manifestFile]),
  };
  return decodeSources(sources, label);
}

/** As decodeFiles. Reads each tensor to its place in the weights: no file is in memory as a whole. */
export async function decodeSources(sources: CheckpointSources, label: string): Promise<LoadedCheckpoint> {
  const manifestBytes = new Uint8Array(sources[manifestFile].sizeBytes);
  await sources[manifestFile].read(manifestBytes, 0);
  const manifest = parseManifest(Buffer.from(manifestBytes).toString("utf8"), label);
  const file = <Name extends CheckpointFileName>(name: Name) => ({
    path: label,
    name,
    manifest,
    source: sources[name],
  });
  try {
    const layout = layoutOf(manifest);
    const weights = new Float32Array(layout.numElements);
    const places = new Map(layout.tensors.map((tensor) => [tensor.name, tensor]));
    const { tensors } = await decodeChecked(file(weightsFile), ({ name, shape }) => {
      const place = places.get(name);
      if (place === undefined) throw new Error(`${weightsFile} has tensors that the manifest lacks: ${name}`);
      if (place.shape.join() !== shape.join())
        throw new Error(`${weightsFile} has no tensor ${name} of shape [${place.shape}]`);
      return weights.subarray(place.offset, place.offset + place.size);
    });
    const missing = layout.tensors.find(({ name }) => !tensors.has(name));
    if (missing) throw new Error(`${weightsFile} has no tensor ${missing.name} of shape [${missing.shape}]`);
    const optimizer = await decodeChecked(file(optimizerFile));
    const optimizerState = [...optimizer.tensors.values()].map(({ name, values }) => ({ name, values }));
    return { manifest, layout, weights, optimizerState };
  } catch (error) {
    // A damaged file is reported as damaged, whatever became of its content.
    await checkDigest(file(weightsFile));
    await checkDigest(file(optimizerFile));
    throw new UserError(`${label}: ${describeError(error)}`, { cause: error });
  }
}

interface RecordedFile {
  readonly path: string;
  readonly name: string;
  readonly manifest: CheckpointManifest;
  readonly source: ByteSource;
}

/** Hashes each byte on its way: the decoder reads all of them once, in their order. */
async function decodeChecked(file: RecordedFile, place?: DecodeOptions["place"]): Promise<DecodedSafetensors> {
  const { source, name } = file;
  const hash = createHash("sha256");
  const hashing: ByteSource = {
    sizeBytes: source.sizeBytes,
    async read(into, position) {
      await source.read(into, position);
      hashAll(hash, into);
    },
  };
  const decoded = await decodeSafetensors(hashing, name, place === undefined ? {} : { place });
  assertRecorded({ ...file, sizeBytes: source.sizeBytes, sha256: hash.digest("hex") });
  return decoded;
}

async function checkDigest(file: RecordedFile): Promise<void> {
  const { sizeBytes } = file.source;
  const hash = createHash("sha256");
  const chunk = new Uint8Array(1024 * 1024);
  for (let position = 0; position < sizeBytes; position += chunk.byteLength) {
    const part = chunk.subarray(0, sizeBytes - position);
    await file.source.read(part, position);
    hash.update(part);
  }
  assertRecorded({ ...file, sizeBytes, sha256: hash.digest("hex") });
}

/** @throws UserError when the file is not the one that the manifest records */
export function assertRecorded(found: {
  readonly path: string;
  readonly name: string;
  readonly manifest: CheckpointManifest;
  readonly sizeBytes: number;
  readonly sha256: string;
}): void {
  const { path, name, manifest, sizeBytes, sha256: digest } = found;
  const recorded = manifest.files[name];
  if (recorded === undefined) throw new UserError(`${path}: the manifest does not list ${name}`);
  if (sizeBytes !== recorded.sizeBytes) {
    throw new UserError(`${path}: ${name} has ${sizeBytes} bytes, the manifest says ${recorded.sizeBytes}`);
  }
  if (digest !== recorded.sha256) {
    throw new UserError(`${path}: ${name} is damaged: SHA-256 ${digest}, the manifest says ${recorded.sha256}`);
  }
}

function sha256(pieces: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const piece of pieces) hashAll(hash, piece);
  return hash.digest("hex");
}
