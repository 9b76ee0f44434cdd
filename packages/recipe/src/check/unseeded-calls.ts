// recordUnseededCalls: detects a recipe that uses the clock or unseeded randomness, which is Math.random. The random
// ops of tfjs draw their seeds from Math.random.

export interface UnseededCall {
  /** The function, for example `Math.random`. */
  readonly what: string;
  /** File and line of the recipe that led to the call; null if the stack does not contain it. */
  readonly place: string | null;
}

/**
 * Runs `work`, and returns its value and the unseeded calls that it made.
 * @param folder the folder of the recipe's files; null for a built-in recipe
 */
export function recordUnseededCalls<Value>(
  folder: string | null,
  work: () => Value,
): { value: Value; calls: UnseededCall[] } {
  const calls: UnseededCall[] = [];
  const recorded = (what: string, original: () => number) => () => {
    calls.push({ what, place: placeIn(new Error().stack ?? "", folder) });
    return original();
  };
  const random = Math.random;
  const now = Date.now;
  const performanceNow = performance.now;
  try {
    Math.random = recorded("Math.random", random);
    Date.now = recorded("Date.now", now);
    performance.now = recorded("performance.now", () => performanceNow.call(performance));
    return { value: work(), calls };
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
