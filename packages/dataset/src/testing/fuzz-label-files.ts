// Checks a property of damaged label files (fuzzLabelFiles): every file is read completely or is refused with a message
// of one line. There is no crash, no endless loop, and no row is dropped silently.
import assert from "node:assert/strict";
import { UserError } from "@lockstep/errors";
import fc from "fast-check";
import { fairfaceClasses, fairfaceLabels } from "../fairface/fairface-labels.js";
import { type LabelRow, parseLabelFile } from "../fairface/label-file.js";
import { LabelRepairs } from "../labels/label-repairs.js";
import { labelText } from "../labels/label-text.js";
import { mutations } from "./mutations.js";

export interface FuzzOptions {
  readonly runs: number;
  /** The same seed gives the same cases. */
  readonly seed: number;
}

export interface LabelFileCounts {
  /** Files that were read completely. */
  accepted: number;
  /** Files that were refused with a message of one line. */
  refused: number;
  /** Rows of the accepted files. */
  rows: number;
  /** Labels that were repaired in files that would be refused without --repair-labels. */
  repaired: number;
}

const slowestMs = 5_000;
const maxMessageLength = 2_000;

const words = [
  ...[
    ",",
    '"',
    '""',
    "\n",
    "\r",
    "\r\n",
    ";",
    "\t",
    "\0",
    "\uFEFF",
    "..",
    "/",
    "\\",
    "\u2028",
    "\u{1F600}",
    "=1+1",
    " ",
  ],
  ...["03-Sep", "Oct-19", "9/3/2024", "2019-10-01", "Sep", "male", "Male", "White", "3-9", "NaN", "__proto__", "file"],
  ...["age", "file_name", "path", "train/1.jpg", "x".repeat(70_000), ",".repeat(300), "\n".repeat(300)],
].map((word) => Buffer.from(word));

const cell = (names: readonly string[], unusual: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof({ weight: 60, arbitrary: fc.constantFrom(...names) }, { weight: 1, arbitrary: unusual });

/** A valid file in any of its variants, or a file with a few unusual cells. */
const labelFile: fc.Arbitrary<Buffer> = fc
  .record({
    rows: fc.array(
      fc.tuple(
        cell(fairfaceClasses.ageBin, fc.constantFrom("03-Sep", "Oct-19", "10/19/2024", "", "3 - 9")),
        cell(fairfaceClasses.gender, fc.oneof(fc.constantFrom("male", " Male ", "F"), fc.string({ unit: "binary" }))),
        cell(fairfaceClasses.race, fc.constantFrom("Latino", "East  Asian", "WHITE")),
        fc.constantFrom("True", "FALSE", "", '"a ""quoted"" one, with a comma"'),
      ),
      { maxLength: 12 },
    ),
    fileColumn: fc.constantFrom("file", "file", "File", "file_name", "image", "picture"),
    separator: fc.constantFrom(",", ",", ",", ";", "\t"),
    lineEnd: fc.constantFrom("\n", "\r\n", "\r"),
    encoding: fc.constantFrom("utf8", "utf8", "utf16le"),
  })
  .map(({ rows, fileColumn, separator, lineEnd, encoding }) => {
    const lines = rows.map((cells, index) => [`train/${index}.jpg`, ...cells].join(separator));
    const text = [[fileColumn, "age", "gender", "race", "service_test"].join(separator), ...lines].join(lineEnd);
    return encoding === "utf16le" ? Buffer.from(`\uFEFF${text}`, "utf16le") : Buffer.from(text);
  });

const donors = [
  Buffer.from("file,age,gender,race\na.jpg,3-9,Male,White\na.jpg,3-9,Male,White\n"),
  Buffer.from([0xff, 0xfe, 0, 0xd8]),
];
const damagedFile = fc.oneof(
  { weight: 2, arbitrary: labelFile },
  { weight: 6, arbitrary: fc.tuple(labelFile, mutations(words, donors)).map(([file, mutate]) => mutate(file)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 200 }).map((text) => Buffer.from(text)) },
);

/** @throws an error with the seed and the smallest file that breaks the property */
export function fuzzLabelFiles({ runs, seed }: FuzzOptions): LabelFileCounts {
  const counts: LabelFileCounts = { accepted: 0, refused: 0, rows: 0, repaired: 0 };
  fc.assert(
    fc.property(damagedFile, (bytes) => {
      const startMs = performance.now();
      const rows = readRows(bytes);
      const repairs = new LabelRepairs();
      const repairedRows = readRows(bytes, repairs);
      assert.ok(performance.now() - startMs < slowestMs, "it took too long");
      if (rows === null) counts.refused += 1;
      else {
        counts.accepted += 1;
        counts.rows += rows.length;
        assertNoneDropped(bytes, rows);
        assert.deepEqual(repairedRows, rows);
        assert.equal(repairs.numLabels, 0);
      }
      if (rows === null && repairedRows !== null) {
        counts.repaired += repairs.numLabels;
        assert.ok(repairs.numLabels > 0, "it was accepted only because repairs are allowed, but nothing was repaired");
        assertNoneDropped(bytes, repairedRows);
      }
    }),
    { numRuns: runs, seed },
  );
  return counts;
}

/** Returns null if the file is refused with a proper message. */
function readRows(bytes: Uint8Array, repairs?: LabelRepairs): LabelRow[] | null {
  try {
    return parseLabelFile("labels.csv", labelText("labels.csv", bytes), fairfaceLabels, { repairs });
  } catch (error) {
    assert.ok(error instanceof UserError, `${error instanceof Error ? error.stack : String(error)}`);
    assert.doesNotMatch(error.message, /[\n\r]/);
    assert.ok(error.message.length < maxMessageLength, error.message);
    return null;
  }
}

/**
 * Counts the lines independently of the parser. Files with quotation marks are not checked, because a cell may then
 * hold line ends.
 */
function assertNoneDropped(bytes: Uint8Array, rows: readonly LabelRow[]): void {
  const text = labelText("labels.csv", bytes);
  if (text.includes('"')) return;
  const lines = text.split(/\r\n|\n|\r/).filter((line) => line.trim() !== "");
  assert.equal(rows.length, lines.length - 1, "rows are missing");
}
