// Numbers the samples of a data set in canonical order and computes the fingerprint over them (canonicalSamples). The
// order is by origin, then content SHA-256, then labels. Neither the order nor the fingerprint depends on file names,
// on the order of rows or on the form of the data.
import { createHash } from "node:crypto";
import type { SourceSample } from "./dataset.js";
import { type LabelSchema, schemaText } from "./labels/label-schema.js";
import { type LabelTable, labelTable } from "./labels/label-table.js";

export interface CanonicalSamples {
  /** SHA-256, hex. */
  readonly fingerprint: string;
  readonly labels: LabelTable;
  readonly origin: Uint8Array;
  /** For each sample: its index in the list that was given. */
  readonly listIndex: Uint32Array;
}

export function canonicalSamples(schema: LabelSchema, list: readonly SourceSample[]): CanonicalSamples {
  const ordered = list.map((sample, listIndex) => ({ sample, listIndex }));
  const compare = comparison(schema);
  ordered.sort((a, b) => compare(a.sample, b.sample) || compareText(a.sample.name, b.sample.name));
  const labels = labelTable(
    schema,
    ordered.map(({ sample }) => sample.labels),
  );
  const hash = createHash("sha256").update(`lockstep data set 2\n${schemaText(schema)}\n`);
  for (const { sample } of ordered) {
    hash.update(Uint8Array.of(sample.origin)).update(Buffer.from(sample.contentSha256, "hex"));
  }
  for (const { name } of schema.fields) hash.update(littleEndian(labels.columns[name] ?? new Uint8Array()));
  return {
    fingerprint: hash.digest("hex"),
    labels,
    origin: Uint8Array.from(ordered, ({ sample }) => sample.origin),
    listIndex: Uint32Array.from(ordered, ({ listIndex }) => listIndex),
  };
}

function littleEndian(column: Uint8Array | Float32Array): Uint8Array {
  if (column instanceof Uint8Array) return column;
  const bytes = new DataView(new ArrayBuffer(4 * column.length));
  column.forEach((value, index) => {
    bytes.setFloat32(4 * index, value, true);
  });
  return new Uint8Array(bytes.buffer);
}

/**
 * Samples that compare equal have equal bytes and labels, so their order among themselves changes no bit of a run.
 * Labels are compared as float32, because that is how they are stored.
 */
function comparison({ fields }: LabelSchema): (a: SourceSample, b: SourceSample) => number {
  return (a, b) =>
    a.origin - b.origin ||
    compareText(a.contentSha256, b.contentSha256) ||
    fields.reduce((order, { name }) => order || Math.fround(a.labels[name] ?? 0) - Math.fround(b.labels[name] ?? 0), 0);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
