// Owns when results on stdout are coloured: on a terminal alone, so that a pipe, a file and a test read plain text.
import pc from "picocolors";

interface Stdout {
  readonly isTTY?: boolean;
}

interface Environment {
  readonly NO_COLOR?: string;
  readonly FORCE_COLOR?: string;
  readonly TERM?: string;
}

/** NO_COLOR (https://no-color.org) counts before FORCE_COLOR, both before what the terminal is. */
export function isColored({ isTTY }: Stdout, { NO_COLOR, FORCE_COLOR, TERM }: Environment): boolean {
  if (NO_COLOR) return false;
  if (FORCE_COLOR) return FORCE_COLOR !== "0";
  return isTTY === true && TERM !== "dumb";
}

export const colors = pc.createColors(isColored(process.stdout, process.env));
