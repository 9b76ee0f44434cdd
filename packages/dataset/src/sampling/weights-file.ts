// Owns reading a file of sampling weights: a CSV with the columns `file` (or `sha256`, which holds in every form that the
// images come in) and `weight`.
import { readFile } from "node:fs/promises";
import { UserError } from "@lockstep/errors";
import { type CsvError, parse } from "csv-parse/sync";
import { reasonOf } from "../content-index.js";
import type { NamedImages } from "./sampling.js";

type WeightRecord = Readonly<Record<string, string>>;

/** One for each image of the training part, in its order, the greatest of them 1; UserError where one is missing, unreadable or below 0. */
export async function readWeights(path: string, images: NamedImages, train: Uint32Array): Promise<Float64Array> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw new UserError(`weights file ${path} ${reasonOf(error)} (--sampling)`);
  });
  const { key, weightOf } = parseWeights(path, text);
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

function parseWeights(path: string, text: string) {
  const rows = parseRows(path, text);
  const header = Object.keys(rows[0]?.record ?? {});
  const key = ["sha256", "file"].find((column) => header.includes(column));
  if (key === undefined || !header.includes("weight")) {
    throw new UserError(
      `weights file ${path}: needs the columns "file" (or "sha256") and "weight", found ${header.map((column) => `"${column}"`).join(", ") || "no rows"}`,
    );
  }
  const weightOf = new Map<string, number>();
  for (const { record, line } of rows) {
    const [image = "", written = ""] = [record[key], record["weight"]];
    const weight = written === "" ? Number.NaN : Number(written);
    if (!(weight >= 0 && Number.isFinite(weight))) {
      throw new UserError(`weights file ${path}, line ${line}: weight "${written}": must be a number of at least 0`);
    }
    if (weightOf.has(image)) throw new UserError(`weights file ${path}, line ${line}: "${image}" stands there twice`);
    weightOf.set(image, weight);
  }
  return { key, weightOf };
}

function parseRows(path: string, text: string): { record: WeightRecord; line: number }[] {
  try {
    const parsed: unknown[] = parse(text, { bom: true, trim: true, info: true, skip_empty_lines: true, columns: true });
    // With info and columns set, csv-parse gives { record: object by column, info: { lines } }.
    const rows = parsed as { record: WeightRecord; info: { lines: number } }[];
    return rows.map(({ record, info }) => ({ record, line: info.lines }));
  } catch (error) {
    const { message } = error as CsvError; // the only thing that parse() throws; its message names the line
    throw new UserError(`weights file ${path}: not a readable CSV file: ${message.replaceAll("\n", " ")}`);
  }
}
