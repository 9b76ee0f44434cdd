// `ProcessesFile` writes `OUT/processes.json`, the list of the run's processes; each change replaces the file atomically.
import { join } from "node:path";
import { identifyProcess, replaceJson } from "@lockstep/files";
import { type ProcessEntry, runFiles, type StartedProcess } from "../run-folder.js";

const rolesInOrder: readonly ProcessEntry["role"][] = ["launcher", "coordinator", "worker"];

export class ProcessesFile {
  readonly #path: string;
  readonly #entries = new Map<string, ProcessEntry>();
  #written: Promise<void> = Promise.resolve();

  constructor(out: string) {
    this.#path = join(out, runFiles.processes);
  }

  started({ role, index, pid }: StartedProcess): void {
    this.#entries.set(`${role}-${index}`, { role, index, ...identifyProcess(pid) });
    this.#write();
  }

  ended({ role, index }: Pick<ProcessEntry, "role" | "index">): void {
    if (this.#entries.delete(`${role}-${index}`)) this.#write();
  }

  /** Empties the list, as every process has ended. Resolves when the file is written; rejects if a write failed. */
  async close(): Promise<void> {
    this.#entries.clear();
    this.#write();
    await this.#written;
  }

  /** Resolves when the changes so far are written; rejects if a write failed. */
  settled(): Promise<void> {
    return this.#written;
  }

  #write(): void {
    const entries = [...this.#entries.values()].sort(
      (a, b) => rolesInOrder.indexOf(a.role) - rolesInOrder.indexOf(b.role) || a.index - b.index,
    );
    this.#written = this.#written.then(() => replaceJson(this.#path, entries, { durable: false }));
    this.#written.catch(() => {}); // settled() and close() report it
  }
}
