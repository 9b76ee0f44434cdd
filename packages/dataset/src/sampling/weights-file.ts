// Owns reading a file of sampling weights: a CSV with the columns `file` (or `sha256`, which holds in every form that the
// images come in) and `weight`.
import { UserError } from "@lockstep/errors";
import { type CsvError, parse } from "csv-parse/sync";
import { readWithinLimit } from "../files/labelled-files.js";
import { decimalNumber } from "../labels/label-reader.js";
import { labelText, maxLabelFileBytes } from "../labels/label-text.js";
import { quoted } from "../labels/quoted.js";
import type { NamedImages } from "./sampling.js";

type WeightRecord = Readonly<Record<string, string>>;

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
  const rows = parseRows(path, text);
  const header = Object.keys(rows[0]?.record ?? {});
  const key = (["sha256", "file"] as const).find((column) => header.includes(column));
  if (key === undefined || !header.includes("weight")) {
    throw new UserError(
      `weights file ${path}: needs the columns "file" (or "sha256") and "weight", found ${header.map((column) => `"${column}"`).join(", ") || "no rows"}`,
    );
  }
  const [weightOf, lineOf] = [new Map<string, number>(), new Map<string, number>()];
  for (const { record, line } of rows) {
    const [image = "", written = ""] = [record[key], record["weight"]];
    const weight = decimalNumber(written);
    if (!(weight >= 0 && Number.isFinite(weight))) {
      throw new UserError(`weights file ${path}, line ${line}: weight "${written}": must be a number of at least 0`);
    }
    if (weightOf.has(image)) throw new UserError(`weights file ${path}, line ${line}: "${image}" stands there twice`);
    weightOf.set(image, weight);
    lineOf.set(image, line);
  }
  return { key, weightOf, lineOf };
}

function parseRows(path: string, text: string): { record: WeightRecord; line: number }[] {
  try {
    const parsed: unknown[] = parse(text, {
      ...{ trim: true, info: true, skip_empty_lines: true, columns: true },
      record_delimiter: ["\r\n", "\n", "\r"],
    });
    // With info and columns set, csv-parse gives { record: object by column, info: { lines } }.
    const rows = parsed as { record: WeightRecord; info: { lines: number } }[];
    return rows.map(({ record, info }) => ({ record, line: info.lines }));
  } catch (error) {
    const { message } = error as CsvError; // the only thing that parse() throws; its message names the line
    throw new UserError(`weights file ${path}: not a readable CSV file: ${message.replaceAll("\n", " ")}`);
  }
}
