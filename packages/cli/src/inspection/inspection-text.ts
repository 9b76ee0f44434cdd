// `inspectionText` renders an inspected data set for a terminal, in at most 80 columns and without colours.
import { partNames } from "@lockstep/dataset";
import type {
  DuplicateGroup,
  FieldCounts,
  ImageSurvey,
  LabelCounts,
  PartCounts,
  Spread,
} from "@lockstep/dataset-tools";
import { shortened, textTable } from "@lockstep/report";
import { jointLines } from "./joint-text.js";

export interface Inspection {
  readonly data: string;
  /** Name of the labels' schema, or `synthetic`. */
  readonly kind: string;
  readonly fingerprint: string;
  readonly split: "official" | "random";
  readonly counts: LabelCounts;
  readonly duplicates: readonly DuplicateGroup[];
  /** Null for generated images, which are not files. */
  readonly files: ImageSurvey | null;
  readonly skipped: readonly { readonly name: string; readonly namedAt: string; readonly problem: string }[];
  readonly unlabelled: readonly string[];
  /** Path; null if no contact sheet was requested. */
  readonly contactSheet: string | null;
}

const nameColumns = 30;
const maxListed = 20;

/** @returns several lines that end with a newline */
export function inspectionText(inspection: Inspection): string {
  const { data, kind, fingerprint, split, counts, files, contactSheet } = inspection;
  return [
    data,
    `${counts.images.all} images, labels ${kind}, fingerprint ${fingerprint.slice(0, 12)}, ${split} split`,
    ...(counts.leftOut > 0
      ? [`${counts.leftOut} more are in no part: duplicates, and what the subset leaves out`]
      : []),
    "",
    textTable({
      head: ["", ...partNames, "all", "share"],
      rows: [
        ["images", ...countCells(counts.images), ""],
        ...counts.fields.flatMap((field) => fieldRows(field, counts)),
      ],
    }),
    ...jointLines(counts),
    ...duplicateLines(inspection.duplicates),
    ...(files === null ? ["", "generated images: no files to look at"] : fileLines(files)),
    ...unusedLines(inspection),
    ...(contactSheet === null ? [] : ["", `contact sheet: ${contactSheet}`]),
    "",
  ].join("\n");
}

function fieldRows(field: FieldCounts, { images }: LabelCounts): string[][] {
  if (field.kind === "number") {
    const { name, least, median, greatest } = field;
    return [[`${name}: ${least} to ${greatest}, median ${median}`, "", "", "", "", ""]];
  }
  return [
    [field.name, "", "", "", "", ""],
    ...field.classes.map(({ name, images: counts }) => [
      `  ${shortened(name, nameColumns)}`,
      ...countCells(counts),
      images.all === 0 ? "" : `${((100 * counts.all) / images.all).toFixed(1)}%`,
    ]),
  ];
}

function countCells(counts: PartCounts): string[] {
  return [...partNames.map((part) => String(counts[part])), String(counts.all)];
}

function duplicateLines(groups: readonly DuplicateGroup[]): string[] {
  const across = groups.filter(({ acrossParts }) => acrossParts).length;
  const conflicting = groups.filter(({ conflicting: fields }) => fields.length > 0).length;
  const images = groups.reduce((sum, group) => sum + group.images.length, 0);
  if (groups.length === 0) return ["", "no two images have the same bytes"];
  return [
    "",
    `${images} images share their bytes with another: ${groups.length} groups`,
    `  ${across} of them across parts, ${conflicting} labelled differently`,
    ...groups.toSorted(bySeverity).slice(0, maxListed).map(duplicateLine),
    ...more(groups.length),
  ];
}

/** Across parts first, then those labelled differently. */
function bySeverity(a: DuplicateGroup, b: DuplicateGroup): number {
  const severity = (group: DuplicateGroup): number =>
    2 * Number(group.acrossParts) + Number(group.conflicting.length > 0);
  return severity(b) - severity(a);
}

/** `train/1.jpg = val/7.jpg  across parts  gender: Male, Female` */
export function duplicateLine({ images, acrossParts, conflicting }: DuplicateGroup): string {
  const labelTexts = conflicting.map((field) => `${field}: ${images.map(({ labels }) => labels[field]).join(", ")}`);
  const names = images.map(({ name }) => name).join(" = ");
  return [`  ${names}`, ...(acrossParts ? ["across parts"] : []), ...labelTexts].join("  ");
}

function fileLines({ formats, colours, width, height, bytes, unreadable }: ImageSurvey): string[] {
  const row = (name: string, spread: Spread | null): string[][] =>
    spread === null ? [] : [[name, String(spread.least), String(spread.median), String(spread.greatest)]];
  const counts = (of: Readonly<Record<string, number>>): string =>
    Object.entries(of)
      .map(([name, count]) => `${name} ${count}`)
      .join(", ");
  return [
    "",
    textTable({
      head: ["", "least", "median", "greatest"],
      rows: [...row("width, pixels", width), ...row("height, pixels", height), ...row("file, bytes", bytes)],
    }),
    `  ${counts(formats)}; ${counts(colours)}`,
    ...listed(
      "cannot be read",
      unreadable.map(({ problem }) => problem),
    ),
  ];
}

function unusedLines({ skipped, unlabelled }: Inspection): string[] {
  return [
    ...listed(
      "labelled images cannot be used and are not counted",
      skipped.map(({ name, namedAt, problem }) => `${namedAt}: image "${name}" ${problem}`),
    ),
    ...listed("images are not named by the labels and are not counted", unlabelled),
  ];
}

function listed(what: string, items: readonly string[]): string[] {
  if (items.length === 0) return [];
  return [
    "",
    `${items.length} ${what}`,
    ...items.slice(0, maxListed).map((item) => `  ${item}`),
    ...more(items.length),
  ];
}

function more(count: number): string[] {
  return count > maxListed ? [`  and ${count - maxListed} more; all are in --json`] : [];
}
