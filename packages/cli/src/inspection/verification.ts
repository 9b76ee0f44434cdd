// `findingsOf` collects the findings of `lockstep dataset verify`; `verificationText` and `jsonOf` render them. Each problem has
// a line. Images that the labels do not name are harmless and may be thousands: the text has their number and a few names.
import type { Dataset } from "@lockstep/dataset";
import { type DuplicateGroup, findDuplicates } from "@lockstep/dataset-tools";
import { duplicateLine } from "./inspection-text.js";

export interface Verification {
  readonly data: string;
  readonly fingerprint: string;
  readonly images: number;
  /** One line each; empty if the data set is valid. */
  readonly problems: readonly string[];
  /** Images that occur twice in one part: harmless to the training. */
  readonly repeated: readonly string[];
  /** Names of the images that the labels do not name. */
  readonly unlabelled: readonly string[];
}

/** @param broken one line for each image that has changed since it was indexed or cannot be decoded */
export function findingsOf(
  dataset: Dataset,
  broken: readonly string[],
  split: "official" | "random",
): Pick<Verification, "problems" | "repeated" | "unlabelled"> {
  const groups = findDuplicates(dataset);
  // A random split keeps one image of each group before it draws the parts.
  const leaks = split === "official" ? groups.filter(({ acrossParts }) => acrossParts) : [];
  const others = groups.filter((group) => !leaks.includes(group));
  return {
    problems: [
      ...dataset.skipped.map(({ name, namedAt, problem }) => `${namedAt}: image "${name}" ${problem}`),
      ...broken,
      ...leaks.map((group) => `the same image in two parts: ${textOf(group)}; --split random takes one of them`),
    ],
    repeated: others.map((group) => `the same image twice: ${textOf(group)}`),
    unlabelled: dataset.unlabelled,
  };
}

/** @returns the object that --json prints: every note has its own line */
export function jsonOf({ data, fingerprint, images, problems, repeated, unlabelled }: Verification) {
  const notes = [
    ...repeated,
    ...unlabelled.map((name) => `image "${name}" is not named by the labels and is left out`),
  ];
  return { data, fingerprint, images, problems, notes };
}

/** @returns several lines that end with a newline */
export function verificationText(found: Verification): string {
  const { data, images, fingerprint, problems, repeated, unlabelled } = found;
  const verdict = problems.length === 0 ? "sound" : `${problems.length} problem${problems.length === 1 ? "" : "s"}`;
  return [
    ...problems,
    ...[...repeated, ...unlabelledNotes(unlabelled)].map((note) => `note: ${note}`),
    `${data}: ${images} images, fingerprint ${fingerprint.slice(0, 12)}: ${verdict}`,
    "",
  ].join("\n");
}

const shownNames = 5;

function unlabelledNotes(names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const what =
    names.length === 1
      ? "1 image is not named by the labels and is"
      : `${names.length} images are not named by the labels and are`;
  const more = names.length > shownNames ? ", … (all are in --json)" : "";
  return [`${what} left out: ${names.slice(0, shownNames).join(", ")}${more}`];
}

function textOf(group: DuplicateGroup): string {
  return duplicateLine({ ...group, acrossParts: false }).trim();
}
