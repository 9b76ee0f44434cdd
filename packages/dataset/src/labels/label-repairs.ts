// Owns that labels which a spreadsheet ate may be taken for what they were (--repair-labels), and counts them: nothing is
// repaired in silence.
import type { Log } from "@lockstep/errors";

export class LabelRepairs {
  readonly #counts = new Map<string, number>();

  /** One label that stood there as `text` was taken for `name`. */
  note(text: string, name: string): void {
    const change = `${text} -> ${name}`;
    this.#counts.set(change, (this.#counts.get(change) ?? 0) + 1);
  }

  get numLabels(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** One warning for all of them; none where there were none. */
  report(log: Log): void {
    const { numLabels } = this;
    if (numLabels === 0) return;
    const changes = Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)));
    log.warn(
      { labels: numLabels, changes },
      `repaired ${numLabels} labels that a spreadsheet had turned into dates (${[...this.#counts.keys()].slice(0, 3).join(", ")})`,
    );
  }
}
