// Owns the order in which samples are numbered, and the fingerprint over it: origin, then content SHA-256, then labels.
// File names and the order of CSV rows leave no trace in either.
import { createHash } from "node:crypto";
import type { SourceSample } from "./dataset.js";
import type { LabelTable } from "./labels.js";

export interface CanonicalSamples {
  /** SHA-256, hex. */
  readonly fingerprint: string;
  readonly labels: LabelTable;
  readonly origin: Uint8Array;
  /** By sample: its place in the list that came in. */
  readonly listIndex: Uint32Array;
}

export function canonicalSamples(list: readonly SourceSample[]): CanonicalSamples {
  const ordered = list.map((sample, listIndex) => ({ sample, listIndex }));
  ordered.sort((a, b) => compareSamples(a.sample, b.sample) || compareText(a.sample.name, b.sample.name));
  const hash = createHash("sha256").update("lockstep data set 1\n");
  for (const { sample } of ordered) {
    hash.update(Uint8Array.of(sample.origin)).update(Buffer.from(sample.contentSha256, "hex"));
    hash.update(Uint8Array.of(sample.gender, sample.race, sample.ageBin));
  }
  const column = (of: (sample: SourceSample) => number): Uint8Array =>
    Uint8Array.from(ordered, ({ sample }) => of(sample));
  return {
    fingerprint: hash.digest("hex"),
    labels: {
      numSamples: list.length,
      gender: column((sample) => sample.gender),
      race: column((sample) => sample.race),
      ageBin: column((sample) => sample.ageBin),
    },
    origin: column((sample) => sample.origin),
    listIndex: Uint32Array.from(ordered, ({ listIndex }) => listIndex),
  };
}

/** Samples that compare equal have equal bytes and labels: which of them comes first changes no bit of a run. */
function compareSamples(a: SourceSample, b: SourceSample): number {
  return (
    a.origin - b.origin ||
    compareText(a.contentSha256, b.contentSha256) ||
    a.gender - b.gender ||
    a.race - b.race ||
    a.ageBin - b.ageBin
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
