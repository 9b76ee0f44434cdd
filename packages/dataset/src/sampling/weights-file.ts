// Reads a file of sampling weights (readWeights): a CSV with the columns `file` (or `sha256`, which holds in every form that the
// images come in) and `weight`.
import { UserError } from "@lockstep/errors";
import { readWithinLimit } from "../files/labelled-files.js";
import { forEachRecord } from "../labels/csv-records.js";
import { decimalNumber } from "../labels/label-reader.js";
import { labelText, maxLabelFileBytes } from "../labels/label-text.js";
import { quoted } from "../labels/quoted.js";
import type { NamedImages } from "./sampling.js";

/**
 * One for each image of the training part, in its order, the greatest of them 1; UserError where one is missing, unreadable
 * or below 0, or where a row is for no image of the data set, or for more than one.
 */
export async function readWeights(path: string, images: NamedImages, train: Uint32Array): Promise<Float64Array> {
  const bytes = await readWithinLimit(path, maxLabelFileBytes, (problem) => {
    throw new UserError(`weights file ${path} ${problem} (--sampling)`);
  });
  const weightsOf = parseWeights(path, labelText(`weights file ${path}`, bytes));
  const { key, weightOf } = weightsOf;
  checkImages(path, weightsOf, images);
  const keyOf = key === "sha256" ? images.contentSha256 : images.imageName;
  const missing = train.filter((sample) => !weightOf.has(keyOf.call(images, sample)));
  if (missing.length > 0) {
    const first = images.imageName(missing[0] ?? 0);
    throw new UserError(
      `weights file ${path}: ${missing.length} images of the training part have no weight, "${first}" among them; give each a row (0 leaves an image out)`,
    );
  }
  const weights = Float64Array.from(train, (sample) => weightOf.get(keyOf.call(images, sample)) ?? Number.NaN);
  const greatest = weights.reduce((found, weight) => Math.max(found, weight), 0);
  // Relative to the greatest: their sum is finite, and weights that mean the same are the same.
  if (greatest > 0) return weights.map((weight) => weight / greatest);
  throw new UserError(`weights file ${path}: every image of the training part has weight 0; give one of them more`);
}

/** Whether each row is for one image of the data set, whichever part that is in. */
function checkImages(path: string, { key, weightOf, lineOf }: Weights, images: NamedImages): void {
  const { imageName, contentSha256, labels, skipped, unlabelled } = images;
  const keyOf = key === "sha256" ? contentSha256 : imageName;
  const counts = new Map<string, number>();
  for (let sample = 0; sample < labels.numSamples; sample++) {
    const image = keyOf.call(images, sample);
    counts.set(image, (counts.get(image) ?? 0) + 1);
  }
  const leftOut = new Set([...skipped.map(({ name }) => name), ...unlabelled]);
  // What images that were left out hold is not known: a hash may be theirs.
  const isLeftOut = (image: string): boolean => (key === "sha256" ? leftOut.size > 0 : leftOut.has(image));
  const rows = [...weightOf.keys()];
  const unknown = rows.filter((image) => !counts.has(image) && !isLeftOut(image));
  const [stranger] = unknown;
  if (stranger !== undefined) {
    const others = unknown.length > 1 ? ` (and ${unknown.length - 1} more rows)` : "";
    throw new UserError(
      `weights file ${path}, line ${lineOf.get(stranger)}: ${quoted(stranger)} is no image of the data set${others}; correct or delete the row`,
    );
  }
  // The same content may stand in the data twice, and then means the same; a name that stands there twice does not.
  const shared = key === "file" ? rows.find((image) => (counts.get(image) ?? 0) > 1) : undefined;
  if (shared !== undefined) {
    throw new UserError(
      `weights file ${path}, line ${lineOf.get(shared)}: ${counts.get(shared)} images of the data set are called ${quoted(shared)}; name images by a column "sha256" instead`,
    );
  }
}

interface Weights {
  readonly key: "sha256" | "file";
  readonly weightOf: ReadonlyMap<string, number>;
  readonly lineOf: ReadonlyMap<string, number>;
}

function parseWeights(path: string, text: string): Weights {
  const name = `weights file ${path}`;
  const [weightOf, lineOf] = [new Map<string, number>(), new Map<string, number>()];
  let key: Weights["key"] = "file";
  const needed = (found: string): UserError =>
    new UserError(`${name}: needs the columns "file" (or "sha256") and "weight", found ${found}`);
  const columns = (header: string[]): string[] => {
    const known = (["sha256", "file"] as const).find((column) => header.includes(column));
    if (known === undefined || !header.includes("weight")) throw needed(header.map(quoted).join(", "));
    key = known;
    return header;
  };
  forEachRecord({ name, text, columns }, (record, line) => {
    const [image = "", written = ""] = [record[key], record["weight"]];
    const weight = decimalNumber(written);
    if (!(weight >= 0 && Number.isFinite(weight))) {
      throw new UserError(`${name}, line ${line}: weight ${quoted(written)}: must be a number of at least 0`);
    }
    if (weightOf.has(image)) throw new UserError(`${name}, line ${line}: ${quoted(image)} stands there twice`);
    weightOf.set(image, weight);
    lineOf.set(image, line);
  });
  if (weightOf.size === 0) throw needed("no rows");
  return { key, weightOf, lineOf };
}
