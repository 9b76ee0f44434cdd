// `assertFitsMemory` refuses a run that does not fit into this machine's memory, before anything is allocated for it. It counts only
// the minimum that every run needs; `--dry-run` estimates the total.
import { freemem, totalmem } from "node:os";
import { UserError } from "@lockstep/errors";
import type { RunSpec, TensorLayout } from "@lockstep/protocol";
import type { GivenToRun } from "./run-settings.js";

/** Memory of the machine, or the container's limit if there is one. */
export function totalMemoryBytes(): number {
  const limit = process.constrainedMemory(); // 0, or more than the machine has, means that there is no limit
  return limit > 0 ? Math.min(totalmem(), limit) : totalmem();
}

export function freeMemoryBytes(): number {
  return Math.min(freemem(), totalMemoryBytes());
}

export function sizeText(bytes: number): string {
  const [unit, size] = bytes >= 2 ** 30 ? ["GiB", 2 ** 30] : ["MiB", 2 ** 20];
  return `${(bytes / Number(size)).toFixed(1)} ${unit}`;
}

interface Sizes {
  readonly layout: Pick<TensorLayout, "numElements">;
  readonly spec: Pick<RunSpec, "optimizer" | "imageSize" | "microBatch">;
  /** Images of the largest part that is computed: no micro-batch is larger. */
  readonly numSamples: number;
}

/** @throws UserError with one line that names the given flags and the sizes */
export function assertFitsMemory(sizes: Sizes, given: GivenToRun, totalBytes = totalMemoryBytes()): void {
  const { layout, spec, numSamples } = sizes;
  const complain = (flags: string, what: string, bytes: number): UserError =>
    new UserError(`${flags}: ${what} at least ${sizeText(bytes)} of memory, this machine has ${sizeText(totalBytes)}`);
  // The coordinator holds weights, gradient and optimizer state.
  const copies = spec.optimizer.name === "sgd" ? 3 : 4;
  const modelBytes = copies * Float32Array.BYTES_PER_ELEMENT * layout.numElements;
  if (!(modelBytes <= totalBytes)) {
    const { widths, denseUnits, recipeOptions } = given;
    const flags = [
      ...(widths === undefined ? [] : [`--widths ${widths}`]),
      ...(denseUnits === undefined ? [] : [`--dense-units ${denseUnits}`]),
      ...(recipeOptions === undefined ? [] : [`--recipe-options ${JSON.stringify(recipeOptions)}`]),
      `--image-size ${spec.imageSize}`,
    ];
    const count = layout.numElements.toLocaleString("en");
    throw complain(flags.join(" "), `the model has ${count} weights and needs`, modelBytes);
  }
  // A worker holds the pixels of a micro-batch as bytes and as float32.
  const { microBatch, imageSize } = spec;
  const images = Math.min(microBatch, numSamples);
  const batchBytes = images * imageSize ** 2 * 3 * (1 + Float32Array.BYTES_PER_ELEMENT);
  if (batchBytes <= totalBytes) return;
  throw complain(
    `--micro-batch ${microBatch} --image-size ${imageSize}`,
    `the pixels of ${images} images need`,
    batchBytes,
  );
}
