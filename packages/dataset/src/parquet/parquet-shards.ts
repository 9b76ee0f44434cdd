// Reads Parquet tables with images inside, as on the Hugging Face hub (parquetShards). A table has a column of {bytes,
// path} or of bytes, and a column for each label. Labels are text, or integers whose names are in the file's metadata.
import { join } from "node:path";
import type { DatasetSource, UnusableImage } from "../dataset.js";
import { sizeProblem } from "../decode/image-limits.js";
import { checkColumns } from "../forms/data-columns.js";
import type { PartFile } from "../forms/data-form.js";
import type { FormOptions } from "../forms/form-options.js";
import { partOfValue } from "../forms/part-name.js";
import { readLabels } from "../labels/label-reader.js";
import { nameClasses } from "../labels/numbered-classes.js";
import { type PackedList, type PackedSample, packedImages } from "../shards/packed-images.js";
import { columnPages } from "./column-pages.js";
import { imagePack } from "./image-pack.js";
import { classNamesOf, imageColumnOf, openParquet, type ParquetFile } from "./parquet-file.js";

export function parquetShards(folder: string, files: readonly PartFile[], options: FormOptions): DatasetSource {
  return packedImages(async () => {
    const shards: { part: PartFile; parquet: ParquetFile }[] = [];
    for (const part of files) shards.push({ part, parquet: await openParquet(join(folder, part.file)) });
    const total = shards.reduce((sum, { parquet }) => sum + parquet.numRows, 0);
    const lists: PackedList[] = [];
    let done = 0;
    for (const { part, parquet } of shards) {
      const progress = (rows: number): void => options.onProgress?.({ stage: "indexing", done: done + rows, total });
      lists.push(await readShard(part, parquet, progress, options));
      done += parquet.numRows;
      progress(0);
    }
    return {
      samples: lists.flatMap(({ samples }) => samples),
      unusable: lists.flatMap(({ unusable }) => unusable),
      unlabelled: [],
    };
  }, options.log);
}

async function readShard(
  { file, origin }: PartFile,
  parquet: ParquetFile,
  onRows: (rows: number) => void,
  options: FormOptions,
): Promise<PackedList> {
  const { labels: schema, split, file: imageChoice } = options.columns;
  const { path } = parquet;
  const image = imageColumnOf(parquet, imageChoice);
  const hasSplit = split.given || parquet.columns.includes(split.name);
  const labelColumns = [...new Set([...schema.fields.map(({ column }) => column), ...(hasSplit ? [split.name] : [])])];
  checkColumns(`shard ${path}`, parquet.columns, labelColumns);
  const records = await readRecords(parquet, labelColumns);
  const names = classNamesOf(parquet);
  const pack = await imagePack({ ...options, parquet, image, onRows });
  const samples: PackedSample[] = [];
  const unusable: UnusableImage[] = [];
  let offset = 0;
  for (const [row, record] of records.entries()) {
    const namedAt = `${path}, row ${row}`;
    const named = nameClasses(namedAt, schema, record, names);
    const labels = readLabels(namedAt, schema, named, options.repairs);
    const part = hasSplit ? partOfValue(namedAt, split.name, splitText(record[split.name], names[split.name])) : origin;
    const name = pack.names[row] ?? `${file}#${row}`;
    const place = pack.rows[row] ?? null;
    const problem = place === null ? `has no bytes in column "${image.name}"` : sizeProblem(place[0]);
    if (place === null || problem !== null) {
      unusable.push({ name, namedAt, problem: `${problem} of ${path}` });
    } else {
      const [size, contentSha256] = place;
      samples.push({ name, namedAt, origin: part, labels, contentSha256, path: pack.packPath, offset, size });
    }
    offset += place?.[0] ?? 0;
  }
  return { samples, unusable, unlabelled: [] };
}

function splitText(value: unknown, names: readonly string[] | undefined): unknown {
  return typeof value === "number" || typeof value === "bigint" ? (names?.[Number(value)] ?? value) : value;
}

/** Reads only the given columns (labels and split): a few bytes per row. */
async function readRecords(parquet: ParquetFile, columns: readonly string[]): Promise<Record<string, unknown>[]> {
  const records: Record<string, unknown>[] = [];
  for (const column of columns) {
    for await (const { firstRow, values } of columnPages(parquet, { columnPath: [column], asBytes: false })) {
      for (const [index, value] of values.entries()) {
        const row = firstRow + index;
        records[row] = { ...records[row], [column]: value };
      }
    }
  }
  return records;
}
