// Writes and reads files of JSON lines with `JsonLinesWriter` and `readJsonLines`.
//
// A reader finds whole lines only, except for the last line while it is being written. A killed process leaves at most one
// unfinished line. The next writer removes it.
import { closeSync, createReadStream, fstatSync, fsync, fsyncSync, ftruncateSync, openSync, readSync } from "node:fs";
import { promisify } from "node:util";
import { UserError } from "@lockstep/errors";
import type { z } from "zod";
import { hasCode } from "./error-code.js";
import { parseJson } from "./json-file.js";
import { writeAllSync } from "./write-all.js";

const newline = 0x0a;

/** Appends records to a file of JSON lines. */
export class JsonLinesWriter {
  readonly #file: number;
  #sizeBytes: number;
  #closed = false;

  /** Opens the file to append; creates it when it is absent. Removes an unfinished last line. */
  constructor(path: string) {
    this.#file = openSync(path, "a+");
    this.#sizeBytes = wholeLinesBytes(this.#file);
    ftruncateSync(this.#file, this.#sizeBytes);
  }

  /**
   * Writes one line. NaN and infinities become null, because JSON has no text for them. After an error (a full disk, for
   * example) no part of the line is left in the file.
   */
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

  /** The lines appended before the call are on the disk when the promise resolves. Does nothing after close(). */
  async sync(): Promise<void> {
    if (!this.#closed) await promisify(fsync)(this.#file);
  }

  /** Flushes the lines to the disk and closes the file. Further calls do nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    fsyncSync(this.#file);
    closeSync(this.#file);
  }
}

/** The offset at which the last whole line ends. */
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
 * Yields every record in the order of the file, without an unfinished last line. Yields nothing when the file is absent.
 * @throws UserError if a line is not JSON or does not fit the schema; it names the file and the line's number
 */
export async function* readJsonLines<T>(path: string, schema: z.ZodType<T>): AsyncGenerator<T> {
  let number = 0;
  for await (const line of wholeLines(path)) {
    number++;
    if (line !== "") yield parseJson(line, schema, { label: `${path}:${number}` });
  }
}

/** Splits at line feeds only. Node's readline also splits at other characters, which JSON text may contain. */
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
