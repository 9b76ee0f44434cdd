// Counts the labels that are repaired with --repair-labels, i.e. dates that are read as the class names that a
// spreadsheet made them from (LabelRepairs). Every repair is reported to the user.
import type { Log } from "@lockstep/errors";

export class LabelRepairs {
  readonly #counts = new Map<string, number>();

  /** Counts one label: the data holds `text`, and it was read as `name`. */
  note(text: string, name: string): void {
    const change = `${text} -> ${name}`;
    this.#counts.set(change, (this.#counts.get(change) ?? 0) + 1);
  }

  get numLabels(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Logs one warning for all repairs; nothing if there were none. */
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
