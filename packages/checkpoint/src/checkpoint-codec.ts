// Translates a snapshot into the bytes of a checkpoint's files with `encodeFiles`, and back with `decodeFiles`. The files are
// written by publish.ts and read by load-checkpoint.ts.
import { createHash } from "node:crypto";
import { describeError, UserError } from "@lockstep/errors";
import { type ByteSource, byteSource, hashAll, jsonText } from "@lockstep/files";
import type { TensorLayout } from "@lockstep/protocol";
import { type CheckpointManifest, parseManifest } from "./manifest.js";
import { withDigest } from "./manifest-digest.js";
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
  /** Views of the flat weights, sorted by name. */
  readonly weights: readonly NamedTensor[];
  readonly optimizerState: readonly NamedTensor[];
  /** The manifest's fields without weightsSha256, files and manifestSha256. */
  readonly manifest: object;
}

export interface LoadedCheckpoint {
  readonly manifest: CheckpointManifest;
  readonly layout: TensorLayout;
  /** layout.numElements values. The array belongs to the caller. */
  readonly weights: Float32Array;
  readonly optimizerState: readonly OptimizerState[];
}

export type CheckpointFileName = typeof weightsFile | typeof optimizerFile | typeof manifestFile;
/** Each file's bytes in pieces. Tensors are views of the snapshot's arrays, not copies. */
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
    // weightsSha256 is defined over the tensors sorted by name, as little-endian float32.
    weightsSha256: sha256(weights.data),
    files: {
      [weightsFile]: { sizeBytes: weights.sizeBytes, sha256: sha256(tensorFiles[weightsFile]) },
      [optimizerFile]: { sizeBytes: optimizer.sizeBytes, sha256: sha256(tensorFiles[optimizerFile]) },
    },
  };
  return { ...tensorFiles, [manifestFile]: [Buffer.from(jsonText(withDigest({ ...content.manifest, ...written })))] };
}

/**
 * Reads a checkpoint from the bytes of its files.
 * @param label how error messages name the checkpoint, for example its path
 * @throws UserError if a file is damaged or of a newer format
 */
export function decodeFiles(files: CheckpointFiles, label: string): Promise<LoadedCheckpoint> {
  const sources = {
    [weightsFile]: byteSource(files[weightsFile]),
    [optimizerFile]: byteSource(files[optimizerFile]),
    [manifestFile]: byteSource(files[manifestFile]),
  };
  return decodeSources(sources, label);
}

/** Does the same as decodeFiles, but reads each tensor directly to its place in the weights: no whole file is in memory. */
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
      if (place === undefined) throw new Error(`${weightsFile} has tensor ${name}, which the manifest does not list`);
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
    // When a file is damaged, this is reported, and not the error that the damage caused.
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

/** Decodes the file and checks its digest. It hashes the bytes as they are read: the decoder reads each once, in order. */
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
  assertMatchesManifest({ ...file, sizeBytes: source.sizeBytes, sha256: hash.digest("hex") });
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
  assertMatchesManifest({ ...file, sizeBytes, sha256: hash.digest("hex") });
}

/** @throws UserError if the file's size or digest differs from the manifest's */
export function assertMatchesManifest(found: {
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
    throw new UserError(`${path}: ${name} has ${sizeBytes} bytes, the manifest records ${recorded.sizeBytes}`);
  }
  if (digest !== recorded.sha256) {
    throw new UserError(
      `${path}: ${name} is damaged: its SHA-256 is ${digest}, the manifest records ${recorded.sha256}`,
    );
  }
}

function sha256(pieces: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const piece of pieces) hashAll(hash, piece);
  return hash.digest("hex");
}
