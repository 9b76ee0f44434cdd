// recordUnseededCalls: detects a recipe that uses unseeded randomness, Math.random (tfjs' own random ops draw their seeds from
// it), or the clock.

export interface UnseededCall {
  /** e.g. `Math.random`. */
  readonly what: string;
  /** File and line of the recipe that led to it; null where the stack does not say. */
  readonly place: string | null;
}

/** Runs the work, and returns the calls that it made. @param folder of the recipe's own files */
export function recordUnseededCalls<Value>(
  folder: string | null,
  work: () => Value,
): { value: Value; uses: UnseededCall[] } {
  const uses: UnseededCall[] = [];
  const watched = (what: string, original: () => number) => () => {
    uses.push({ what, place: placeIn(new Error().stack ?? "", folder) });
    return original();
  };
  const random = Math.random;
  const now = Date.now;
  const performanceNow = performance.now;
  try {
    Math.random = watched("Math.random", random);
    Date.now = watched("Date.now", now);
    performance.now = watched("performance.now", () => performanceNow.call(performance));
    return { value: work(), uses };
  } finally {
    Math.random = random;
    Date.now = now;
    performance.now = performanceNow;
  }
}

function placeIn(stack: string, folder: string | null): string | null {
  if (folder === null) return null;
  const at = stack.indexOf(folder);
  const found = at < 0 ? null : /^[\\/]?([^():\n]+):(\d+)/.exec(stack.slice(at + folder.length));
  return found === null ? null : `${found[1]} line ${found[2]}`;
}
