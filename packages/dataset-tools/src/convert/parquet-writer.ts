// Writes Parquet files as on the Hugging Face hub (parquetWriter): data/PART-00000-of-00002.parquet with an image
// column of {bytes, path} and labels as integers. The class names are in the metadata that the hub's `datasets` library
// reads.
import { mkdirSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { LabelField, PartName } from "@lockstep/dataset";
import type { SchemaElement } from "hyparquet";
import { type ColumnSource, fileWriter, ParquetWriter } from "hyparquet-writer";
import type { FormWriter, FormWriterOptions, WrittenSample } from "./form-writer.js";

/** The hub's size for images: with small row groups, a viewer can read some images without reading the whole file. */
const rowGroupImages = 100;
const imageColumn = "image";

const hubPart: Readonly<Record<PartName, string>> = { train: "train", val: "validation", test: "test" };

interface OpenShard {
  readonly path: string;
  readonly writer: ParquetWriter;
  /** Samples that are not yet written in a row group. */
  pending: WrittenSample[];
  images: number;
}

export function parquetWriter({ folder, schema, counts, shardImages }: FormWriterOptions): FormWriter {
  const shards = new Map<PartName, OpenShard>();
  const shardsBegun = { train: 0, val: 0, test: 0 };

  const begin = (part: PartName): OpenShard => {
    const numShards = Math.ceil(counts[part] / shardImages);
    const [index, of] = [shardsBegun[part]++, numShards].map((value) => String(value).padStart(5, "0"));
    const path = join(folder, "data", `${hubPart[part]}-${index}-of-${of}.parquet`);
    mkdirSync(dirname(path), { recursive: true });
    const writer = new ParquetWriter({
      writer: fileWriter(path),
      schema: parquetSchemaOf(schema.fields),
      kvMetadata: [{ key: "huggingface", value: JSON.stringify({ info: { features: hubFeatures(schema.fields) } }) }],
    });
    return { path, writer, pending: [], images: 0 };
  };
  const writeGroup = async (shard: OpenShard): Promise<void> => {
    if (shard.pending.length > 0) {
      await shard.writer.write({ columnData: columnsOf(schema.fields, shard.pending), rowGroupSize: rowGroupImages });
    }
    shard.pending = [];
  };
  const end = async (part: PartName, shard: OpenShard): Promise<void> => {
    await writeGroup(shard);
    await shard.writer.finish();
    await flush(shard.path);
    shards.delete(part);
  };

  return {
    async add(samples) {
      for (const sample of samples) {
        const { part } = sample;
        const shard = shards.get(part) ?? begin(part);
        shards.set(part, shard);
        shard.pending.push(sample);
        shard.images += 1;
        if (shard.pending.length === rowGroupImages) await writeGroup(shard);
        if (shard.images === shardImages) await end(part, shard);
      }
    },
    async finish() {
      for (const [part, shard] of shards) await end(part, shard);
    },
    abandon: async () => {},
  };
}

function parquetSchemaOf(fields: readonly LabelField[]): SchemaElement[] {
  return [
    { name: "schema", num_children: 1 + fields.length },
    { name: imageColumn, repetition_type: "OPTIONAL", num_children: 2 },
    { name: "bytes", type: "BYTE_ARRAY", repetition_type: "OPTIONAL" },
    { name: "path", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" },
    ...fields.map(
      ({ column, kind }): SchemaElement => ({
        name: column,
        type: kind === "class" ? "INT64" : "FLOAT",
        repetition_type: "OPTIONAL",
      }),
    ),
  ];
}

function hubFeatures(fields: readonly LabelField[]): Record<string, unknown> {
  const labels = fields.map((field) => [
    field.column,
    field.kind === "class" ? { names: field.classes, _type: "ClassLabel" } : { dtype: "float32", _type: "Value" },
  ]);
  return { [imageColumn]: { _type: "Image" }, ...Object.fromEntries(labels) };
}

function columnsOf(fields: readonly LabelField[], samples: readonly WrittenSample[]): ColumnSource[] {
  const images = samples.map(({ bytes, stem, ending }) => ({ bytes, path: `${stem}.${ending}` }));
  return [
    // Compression and a dictionary do not make encoded images smaller, and without them a viewer can read single rows
    // by the offset index.
    { name: imageColumn, data: images, codec: "UNCOMPRESSED", encoding: "PLAIN", statistics: false },
    ...fields.map(({ column, kind }): ColumnSource => {
      if (kind === "number") return { name: column, data: samples.map(({ labels }) => labels[column]) };
      return { name: column, data: samples.map(({ classIndexes }) => BigInt(classIndexes[column] ?? -1)) };
    }),
  ];
}

/** Flushes the file to the disk, because fileWriter of hyparquet-writer does not. */
async function flush(path: string): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
