// Writes small FairFace folders for tests (writeMadeFolder). The images are noise that sharp encodes; they do not show
// people.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import type { Log } from "@lockstep/errors";
import { CounterRandom, randomDomain } from "@lockstep/numerics";
import { fairfaceClasses } from "../fairface/fairface-labels.js";

/** Creates a folder that is removed when the test ends. */
export async function temporaryFolder(context: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "lockstep-dataset-"));
  context.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Returns width x height x 3 bytes, RGB: noise in blocks. Each number gives another image. */
export function madePixels(number: number, width: number, height: number): Uint8Array {
  const random = new CounterRandom(number, randomDomain.scheduling);
  return Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    return random.uint32(3 * (Math.floor(x / 8) + 64 * Math.floor(y / 8)) + (i % 3)) & 0xff;
  });
}

export async function madeJpeg(number: number, width = 48, height = 48): Promise<Uint8Array> {
  const { default: sharp } = await import("sharp");
  return sharp(madePixels(number, width, height), { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 90 })
    .toBuffer();
}

export interface MadeFolder {
  readonly numTrain: number;
  readonly numVal: number;
}

export function labelRow(file: string, number: number): string {
  const pick = (names: readonly string[]): string => names[number % names.length] ?? "";
  return `${file},${pick(fairfaceClasses.ageBin)},${pick(fairfaceClasses.gender)},${pick(fairfaceClasses.race)},False`;
}

export const labelHeader = "file,age,gender,race,service_test";

/** Writes the images train/0.jpg, ... and val/0.jpg, ... and both label files. */
export async function writeMadeFolder(folder: string, { numTrain, numVal }: MadeFolder): Promise<void> {
  let number = 0;
  for (const [part, count] of [
    ["train", numTrain],
    ["val", numVal],
  ] as const) {
    const rows = [labelHeader];
    for (let index = 0; index < count; index++, number++) {
      const file = `${part}/${index}.jpg`;
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), await madeJpeg(number));
      rows.push(labelRow(file, number));
    }
    await writeFile(join(folder, `fairface_label_${part}.csv`), `${rows.join("\n")}\n`);
  }
}

export interface LogLine {
  readonly level: "info" | "warn";
  readonly message: string;
  readonly fields: {
    readonly hashed?: number;
    readonly checked?: number;
    readonly duplicatesRemoved?: number;
    readonly reason?: string;
  };
}

/** Returns a log that records its lines. */
export function recordingLog(): Log & { readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: LogLine["level"]) => (fields: object, message: string) => {
    lines.push({ level, message, fields: { ...fields } });
  };
  return { lines, info: at("info"), warn: at("warn") };
}

export function warningsOf({ lines }: { readonly lines: readonly LogLine[] }): string[] {
  return lines.filter(({ level }) => level === "warn").map(({ message }) => message);
}
