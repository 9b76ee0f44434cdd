// Reads the join token with `findJoinToken`: a secret that workers send besides their certificate. It is read again while the process runs.
import { createHash, timingSafeEqual } from "node:crypto";
import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describeError, UserError } from "@lockstep/errors";
import { tlsFiles } from "./tls-folder.js";

/** 128 bits in base64. */
const leastCharacters = 22;
/** It is read at use, at most this often. A refusal is final, so a new token must not be compared with an old one for long. */
const refreshMs = 1_000;

export class JoinToken {
  readonly #file: string;
  readonly #nowMs: () => number;
  #token: string;
  #readMs: number;

  /** @throws UserError for a file that cannot be read, or holds no token */
  constructor(file: string, nowMs: () => number = () => performance.now()) {
    this.#file = file;
    this.#nowMs = nowMs;
    this.#token = read(file);
    this.#readMs = nowMs();
  }

  /** The last token that could be read, at most 1 s old. */
  current(): string {
    if (this.#nowMs() - this.#readMs < refreshMs) return this.#token;
    this.#readMs = this.#nowMs();
    try {
      this.#token = read(this.#file);
    } catch (error) {
      if (!(error instanceof UserError)) throw error; // in the middle of being replaced: the former one holds
    }
    return this.#token;
  }

  /** In constant time. */
  matches(offered: string): boolean {
    return timingSafeEqual(digest(offered), digest(this.current()));
  }
}

/** @returns null where no file is named and the TLS folder holds none. @throws UserError */
export function findJoinToken(where: {
  readonly file?: string | undefined;
  readonly tlsFolder?: string | undefined;
}): JoinToken | null {
  if (where.file !== undefined) return new JoinToken(where.file);
  if (where.tlsFolder === undefined) return null;
  const file = join(where.tlsFolder, tlsFiles.joinToken);
  return isAbsent(file) ? null : new JoinToken(file);
}

/** A link to nothing, or a folder that may not be searched, does not count as absent: it must not switch off what the token protects. */
function isAbsent(file: string): boolean {
  try {
    lstatSync(file);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
}

function read(file: string): string {
  let token: string;
  try {
    token = readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new UserError(`join token ${file}: cannot be read: ${describeError(error)} (--join-token-file)`);
  }
  // gRPC metadata can hold nothing else.
  if (token.length < leastCharacters || !/^[\x21-\x7e]+$/.test(token)) {
    throw new UserError(
      `join token ${file}: must hold one line of at least ${leastCharacters} printable ASCII characters (openssl rand -base64 32)`,
    );
  }
  return token;
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
