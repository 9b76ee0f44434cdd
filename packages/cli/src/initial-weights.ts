// Owns `--init-from`: weights of a checkpoint, a run or a safetensors file as the weights that a new run starts from.
// They must be the very tensors of its model: what differs is named, and nothing is taken in part.
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

/** In the layout's order. @throws UserError for a path that holds no weights, and for weights of another model */
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

/** A run's best checkpoint, or the last where none was validated. */
export async function bestOrLast(out: string): Promise<"best" | "last"> {
  const store = new CheckpointStore(join(out, runFiles.checkpoints));
  for (const { path } of await store.list()) {
    const manifest = await readManifest(path).catch((error: unknown) => {
      if (error instanceof UserError) return null; // broken: whoever chooses says which it skips
      throw error;
    });
    if (manifest !== null && validationLossOf(manifest) !== null) return "best";
  }
  return "last";
}

/** Of each kind of difference enough to see what it is. */
const maxNamed = 4;

async function tensorsAt(path: string): Promise<ReadonlyMap<string, FoundTensor>> {
  const stats = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new UserError(`${path}: ${error.code === "ENOENT" ? "not there" : error.message} (--init-from)`);
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
