// Writes Parquet files for tests as other programs write them (writeHubParquet): labels are integers, and the class
// names are in another order than Lockstep's.
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import type { KeyValue } from "hyparquet";
import { type ColumnSource, fileWriter, parquetWriteFile, parquetWriteRows } from "hyparquet-writer";
import type { Dataset, EncodedDataset } from "../dataset.js";
import { fairfaceClasses } from "../fairface/fairface-labels.js";
import { labelsOf } from "../labels/label-table.js";

/** Races in the order of FairFace's copy on the Hugging Face hub. */
export const hubRaces = [
  "East Asian",
  "Indian",
  "Black",
  "White",
  "Middle Eastern",
  "Latino_Hispanic",
  "Southeast Asian",
] as const;

export interface NamedLabels {
  readonly gender: string;
  readonly race: string;
  readonly age: string;
}

export interface NamedImage extends NamedLabels {
  readonly name: string;
  readonly origin: number;
  readonly bytes: Uint8Array;
}

/** Returns the images of a data set, with class names in place of class indexes. */
export async function namedImages(dataset: Dataset): Promise<NamedImage[]> {
  const { readEncoded } = dataset as EncodedDataset; // safe: the tests' folders hold encoded images
  return Promise.all(
    Array.from(dataset.origin, async (origin, sample) => {
      const { gender, race, ageBin } = labelsOf(dataset.labels, sample);
      return {
        name: dataset.imageName(sample),
        origin,
        bytes: await readEncoded(sample),
        gender: fairfaceClasses.gender[gender ?? -1] ?? "",
        race: fairfaceClasses.race[race ?? -1] ?? "",
        age: fairfaceClasses.ageBin[ageBin ?? -1] ?? "",
      };
    }),
  );
}

export interface HubParquet {
  readonly path: string;
  readonly images: readonly NamedImage[];
  readonly codec?: "UNCOMPRESSED" | "SNAPPY";
  readonly metadata?: readonly KeyValue[];
}

export const hubMetadata: KeyValue = {
  key: "huggingface",
  value: JSON.stringify({
    info: {
      features: {
        image: { _type: "Image" },
        age: { names: [...fairfaceClasses.ageBin].reverse(), _type: "ClassLabel" },
        gender: { names: ["Female", "Male"], _type: "ClassLabel" },
        race: { names: hubRaces, _type: "ClassLabel" },
        service_test: { dtype: "bool", _type: "Value" },
      },
    },
  }),
};

/** Writes a column of {bytes, path}, and labels as integers that are indexes into the metadata's names. */
export async function writeHubParquet(options: HubParquet): Promise<void> {
  const { path, images, codec = "SNAPPY", metadata = [hubMetadata] } = options;
  await mkdir(dirname(path), { recursive: true });
  const ages = [...fairfaceClasses.ageBin].reverse() as string[];
  await parquetWriteRows({
    ...{ writer: fileWriter(path), codec, rowGroupSize: 5, pageSize: 4000, kvMetadata: [...metadata] },
    schema: [
      { name: "schema", num_children: 5 },
      { name: "image", repetition_type: "OPTIONAL", num_children: 2 },
      { name: "bytes", type: "BYTE_ARRAY", repetition_type: "OPTIONAL" },
      { name: "path", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" },
      { name: "age", type: "INT64", repetition_type: "OPTIONAL" },
      { name: "gender", type: "INT64", repetition_type: "OPTIONAL" },
      { name: "race", type: "INT64", repetition_type: "OPTIONAL" },
      { name: "service_test", type: "BOOLEAN", repetition_type: "OPTIONAL" },
    ],
    columns: ["image", "age", "gender", "race", "service_test"].map((name) => ({ name })),
    rows: images.map(({ bytes, name, age, gender, race }) => ({
      image: { bytes, path: name.split("/").at(-1) },
      age: BigInt(ages.indexOf(age)),
      gender: BigInt(["Female", "Male"].indexOf(gender)),
      race: BigInt((hubRaces as readonly string[]).indexOf(race)),
      service_test: false,
    })),
  });
}

/** Writes a table with the given columns. */
export async function writeTable(path: string, columnData: ColumnSource[], metadata: KeyValue[] = []): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  parquetWriteFile({ filename: path, columnData, kvMetadata: metadata });
}
