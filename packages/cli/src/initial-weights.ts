// `readInitialWeights` reads the initial weights of a run (`--init-from`) from a checkpoint, a run or a safetensors file.
// Names and shapes of the tensors must equal those of the run's model. If one differs, no weights are used.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import {
  CheckpointStore,
  decodeSafetensors,
  loadCheckpoint,
  readManifest,
  validationLossOf,
} from "@lockstep/checkpoint";
import { describeError, UserError } from "@lockstep/errors";
import { withFileSource } from "@lockstep/files";
import { allFinite } from "@lockstep/numerics";
import type { TensorLayout } from "@lockstep/protocol";
import { chooseCheckpoint } from "@lockstep/report";
import { runFiles } from "./run-folder.js";

interface FoundTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** @returns the weights in the layout's order. @throws UserError if the path holds no weights, or weights of another model */
export async function readInitialWeights(path: string, layout: TensorLayout): Promise<Float32Array> {
  const found = await tensorsAt(path);
  const differing = differencesOf(found, layout);
  if (differing.length > 0) {
    const more = differing.length > maxNamed ? `; and ${differing.length - maxNamed} more` : "";
    const list = `${differing.slice(0, maxNamed).join("; ")}${more}`;
    throw new UserError(`${path}: weights of another model: ${list} (--init-from takes the same tensors only)`);
  }
  const weights = new Float32Array(layout.numElements);
  for (const { name, offset } of layout.tensors) weights.set(found.get(name)?.values ?? [], offset);
  if (!allFinite(weights)) throw new UserError(`${path}: its weights hold a NaN or an infinity (--init-from)`);
  return weights;
}

/** @returns which checkpoint of a run to use: the best, or the last if none was validated */
export async function bestOrLast(out: string): Promise<"best" | "last"> {
  const store = new CheckpointStore(join(out, runFiles.checkpoints));
  for (const { path } of await store.list()) {
    const manifest = await readManifest(path).catch((error: unknown) => {
      if (error instanceof UserError) return null; // broken: chooseCheckpoint reports the checkpoints that it skips
      throw error;
    });
    if (manifest !== null && validationLossOf(manifest) !== null) return "best";
  }
  return "last";
}

/** The error message names at most this many differing tensors. */
const maxNamed = 4;

async function tensorsAt(path: string): Promise<ReadonlyMap<string, FoundTensor>> {
  const stats = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new UserError(`${path}: ${error.code === "ENOENT" ? "does not exist" : error.message} (--init-from)`);
  });
  if (stats.isFile()) {
    try {
      return (await withFileSource(path, (source) => decodeSafetensors(source, path))).tensors;
    } catch (error) {
      if (error instanceof UserError) throw error;
      throw new UserError(`${path}: cannot be read: ${describeError(error)} (--init-from)`, { cause: error });
    }
  }
  const chosen = await chooseCheckpoint(path, await bestOrLast(path));
  const { layout, weights } = await loadCheckpoint(chosen);
  return new Map(
    layout.tensors.map(({ name, shape, offset, size }) => [
      name,
      { shape, values: weights.subarray(offset, offset + size) },
    ]),
  );
}

function differencesOf(found: ReadonlyMap<string, FoundTensor>, layout: TensorLayout): string[] {
  const expected = new Set(layout.tensors.map(({ name }) => name));
  return [
    ...layout.tensors.flatMap(({ name, shape }) => {
      const there = found.get(name);
      if (there === undefined) return [`${name} is missing`];
      return there.shape.join() === shape.join() ? [] : [`${name} is [${there.shape}], the model's [${shape}]`];
    }),
    ...[...found.keys()].filter((name) => !expected.has(name)).map((name) => `${name} is not in the model`),
  ];
}
