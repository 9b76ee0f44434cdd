// Writes and reads files of JSON lines with `JsonLinesWriter` and `readJsonLines`.
//
// A reader that follows the file finds whole lines, but for the last one while it is being written. A killed process
// leaves at most one unfinished line. The next writer cuts it off.
import { closeSync, createReadStream, fstatSync, fsyncSync, ftruncateSync, openSync, readSync } from "node:fs";
import { UserError } from "@lockstep/errors";
import type { z } from "zod";
import { hasCode } from "./error-code.js";
import { parseJson } from "./json-file.js";
import { writeAllSync } from "./write-all.js";

const newline = 0x0a;

export class JsonLinesWriter {
  readonly #file: number;
  #sizeBytes: number;
  #closed = false;

  /** Appends to the file; makes it where it is absent. */
  constructor(path: string) {
    this.#file = openSync(path, "a+");
    this.#sizeBytes = wholeLinesBytes(this.#file);
    ftruncateSync(this.#file, this.#sizeBytes);
  }

  /** NaN and infinities become null, as JSON has none. After an error (a full disk) no part of the line is left. */
  append(record: object): void {
    const bytes = Buffer.from(`${JSON.stringify(record)}\n`);
    try {
      writeAllSync(this.#file, bytes);
      this.#sizeBytes += bytes.byteLength;
    } catch (error) {
      ftruncateSync(this.#file, this.#sizeBytes);
      throw error;
    }
  }

  /** The lines are on the disk when it returns. May be called again. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    fsyncSync(this.#file);
    closeSync(this.#file);
  }
}

/** Where the last whole line ends. */
function wholeLinesBytes(file: number): number {
  const block = Buffer.alloc(64 * 1024);
  for (let end = fstatSync(file).size; end > 0; ) {
    const start = Math.max(0, end - block.length);
    const length = readSync(file, block, 0, end - start, start);
    const last = block.subarray(0, length).lastIndexOf(newline);
    if (last >= 0) return start + last + 1;
    end = start;
  }
  return 0;
}

/**
 * Every record in the order of the file, without an unfinished last line. None when the file does not exist.
 * @throws UserError that names the file and the number of the line that is wrong
 */
export async function* readJsonLines<T>(path: string, schema: z.ZodType<T>): AsyncGenerator<T> {
  let number = 0;
  for await (const line of wholeLines(path)) {
    number++;
    if (line !== "") yield parseJson(line, schema, { label: `${path}:${number}` });
  }
}

/** Split at line feeds alone: JSON may hold other characters that end a line for Node's readline. */
async function* wholeLines(path: string): AsyncGenerator<string> {
  let rest = "";
  try {
    for await (const chunk of createReadStream(path, "utf8")) {
      const lines = (rest + (chunk as string)).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
  } catch (error) {
    if (hasCode(error, "ENOENT")) return;
    if (!(error instanceof Error && "syscall" in error)) throw error;
    throw new UserError(`${path}: cannot be read: ${error.message}`, { cause: error });
  }
}
