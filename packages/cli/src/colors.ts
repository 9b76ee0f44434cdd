// `colors` colours results on stdout, only if stdout is a terminal: a pipe, a file and a test get plain text.
import pc from "picocolors";

interface Stdout {
  readonly isTTY?: boolean;
}

interface Environment {
  readonly NO_COLOR?: string;
  readonly FORCE_COLOR?: string;
  readonly TERM?: string;
}

/** NO_COLOR (https://no-color.org) has precedence over FORCE_COLOR, and both over the terminal. */
export function isColored({ isTTY }: Stdout, { NO_COLOR, FORCE_COLOR, TERM }: Environment): boolean {
  if (NO_COLOR) return false;
  if (FORCE_COLOR) return FORCE_COLOR !== "0";
  return isTTY === true && TERM !== "dumb";
}

export const colors = pc.createColors(isColored(process.stdout, process.env));
