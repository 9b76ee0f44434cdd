// Translates a snapshot into the bytes of a checkpoint's files and back: `encodeFiles` and `decodeFiles`. The disk is the
// business of publish.ts and load-checkpoint.ts.
import { createHash } from "node:crypto";
import { describeError, UserError } from "@lockstep/errors";
import type { TensorLayout } from "@lockstep/protocol";
import { jsonBytes } from "./durable-file.js";
import { type CheckpointManifest, parseManifest } from "./manifest.js";
import { sealManifest } from "./manifest-digest.js";
import { decodeSafetensors } from "./safetensors-read.js";
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
export type CheckpointFiles = Readonly<Record<CheckpointFileName, Uint8Array>>;

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
  const written = {
    // Tensors sorted by name, little-endian float32: what weightsSha256 is defined over.
    weightsSha256: sha256(weights.data),
    files: { [weightsFile]: fileRecord(weights.bytes), [optimizerFile]: fileRecord(optimizer.bytes) },
  };
  return {
    [weightsFile]: weights.bytes,
    [optimizerFile]: optimizer.bytes,
    [manifestFile]: jsonBytes(sealManifest({ ...content.manifest, ...written })),
  };
}

/**
 * @param label what error messages call the checkpoint, e.g. its path
 * @throws UserError when a file is damaged, or of a newer format
 */
export function decodeFiles(files: CheckpointFiles, label: string): LoadedCheckpoint {
  const manifest = parseManifest(Buffer.from(files[manifestFile]).toString("utf8"), label);
  for (const name of [weightsFile, optimizerFile] as const) {
    assertRecorded({ path: label, name, manifest, sizeBytes: files[name].byteLength, sha256: sha256(files[name]) });
  }
  try {
    const layout = layoutOf(manifest);
    const weights = new Float32Array(layout.numElements);
    const { tensors } = decodeSafetensors(files[weightsFile], weightsFile);
    for (const { name, shape, offset } of layout.tensors) {
      const stored = tensors.get(name);
      if (stored === undefined || stored.shape.join() !== shape.join()) {
        throw new Error(`${weightsFile} has no tensor ${name} of shape [${shape}]`);
      }
      weights.set(stored.values, offset);
    }
    if (tensors.size !== layout.tensors.length) throw new Error(`${weightsFile} has tensors that the manifest lacks`);
    const optimizerState = [...decodeSafetensors(files[optimizerFile], optimizerFile).tensors.values()];
    return { manifest, layout, weights, optimizerState: optimizerState.map(({ name, values }) => ({ name, values })) };
  } catch (error) {
    throw new UserError(`${label}: ${describeError(error)}`, { cause: error });
  }
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

function fileRecord(bytes: Uint8Array): { sizeBytes: number; sha256: string } {
  return { sizeBytes: bytes.byteLength, sha256: sha256(bytes) };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
