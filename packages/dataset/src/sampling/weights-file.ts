// Reads a file of sampling weights (readWeights): a CSV with the columns `file` and `weight`, or `sha256` and `weight`.
// A SHA-256 names an image in every form of the data.
import { UserError } from "@lockstep/errors";
import { readWithinLimit } from "../files/labelled-files.js";
import { forEachRecord } from "../labels/csv-records.js";
import { decimalNumber } from "../labels/label-reader.js";
import { labelText, maxLabelFileBytes } from "../labels/label-text.js";
import { quoted } from "../labels/quoted.js";
import type { NamedImages } from "./sampling.js";

/**
 * Returns a weight for each image of the training part, in its order. The greatest weight is 1.
 * @param train samples of the training part
 * @throws UserError if a weight is missing, not a number or below 0, if all weights are 0, or if a row matches no image
 * of the data set or more than one
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
  // Dividing by the greatest weight makes the sum finite, and makes weights equal if they differ only by a factor.
  if (greatest > 0) return weights.map((weight) => weight / greatest);
  throw new UserError(
    `weights file ${path}: every image of the training part has weight 0; give at least one image a weight above 0`,
  );
}

/** Checks that each row matches exactly one image of the data set. The image may be in any part. */
function checkImages(path: string, { key, weightOf, lineOf }: Weights, images: NamedImages): void {
  const { imageName, contentSha256, labels, skipped, unlabelled } = images;
  const keyOf = key === "sha256" ? contentSha256 : imageName;
  const counts = new Map<string, number>();
  for (let sample = 0; sample < labels.numSamples; sample++) {
    const image = keyOf.call(images, sample);
    counts.set(image, (counts.get(image) ?? 0) + 1);
  }
  const leftOut = new Set([...skipped.map(({ name }) => name), ...unlabelled]);
  // The hashes of images that were left out are not known, so an unknown hash may belong to one of them.
  const isLeftOut = (image: string): boolean => (key === "sha256" ? leftOut.size > 0 : leftOut.has(image));
  const rows = [...weightOf.keys()];
  const unknown = rows.filter((image) => !counts.has(image) && !isLeftOut(image));
  const [firstUnknown] = unknown;
  if (firstUnknown !== undefined) {
    const others = unknown.length > 1 ? ` (and ${unknown.length - 1} more rows)` : "";
    throw new UserError(
      `weights file ${path}, line ${lineOf.get(firstUnknown)}: ${quoted(firstUnknown)} is not an image of the data set${others}; correct or delete the row`,
    );
  }
  // Two images with the same content are the same image. Two images with the same name may be different images.
  const shared = key === "file" ? rows.find((image) => (counts.get(image) ?? 0) > 1) : undefined;
  if (shared !== undefined) {
    throw new UserError(
      `weights file ${path}, line ${lineOf.get(shared)}: ${counts.get(shared)} images of the data set have the name ${quoted(shared)}; identify the images by a column "sha256" instead`,
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
    if (weightOf.has(image)) {
      throw new UserError(`${name}, line ${line}: ${quoted(image)} appears twice; delete one of the rows`);
    }
    weightOf.set(image, weight);
    lineOf.set(image, line);
  });
  if (weightOf.size === 0) throw needed("no rows");
  return { key, weightOf, lineOf };
}
