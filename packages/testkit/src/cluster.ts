// Runs `lockstep train` in a test with tiny settings (`startCluster`, `runCluster`), and lets the test wait for its progress, send
// signals and kill its processes (`Cluster`).
import type { ChildProcess } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { CheckpointStore } from "@lockstep/checkpoint";
import {
  type MetricsRecord,
  type ProcessEntry,
  readMetrics,
  readProcesses,
  runFiles,
  type TrainResult,
  trainResultSchema,
} from "@lockstep/cli";
import { type Fault, faultsVariable } from "@lockstep/worker";
import { type CommandEnd, endOf, spawnLockstep } from "./lockstep-process.js";
import { waitFor } from "./wait-for.js";

/**
 * Two epochs of 170 training images: 22 steps, of which the last of each epoch is short. The network has two narrow blocks. A
 * run takes about three seconds.
 */
export const tinyRun: TrainFlags = {
  data: "synthetic:200",
  "image-size": 16,
  widths: "4,8",
  "dense-units": 16,
  "micro-batch": 4,
  "global-batch": 16,
  epochs: 2,
  seed: 7,
  lr: 0.001,
  workers: 2,
};

/** Flags of `lockstep train` without their dashes. True: a flag without a value. Null: the flag is left out. */
export type TrainFlags = Readonly<Record<string, string | number | true | null>>;

export interface ClusterOptions {
  /** Flags that are added to those of tinyRun, or replace them. */
  readonly flags?: TrainFlags;
  /** The run's folder. The image cache is in the same parent folder. */
  readonly out: string;
  readonly faults?: readonly Fault[];
  /** The command is killed when it runs longer than this. Default 60 s. */
  readonly deadlineMs?: number;
}

/** A running `lockstep train` command with its coordinator and workers. */
export class Cluster {
  /** The run's folder. */
  readonly out: string;
  readonly #process: ChildProcess;
  readonly #deadlineMs: number;
  readonly #end: Promise<CommandEnd>;
  #gone: CommandEnd | null = null;

  constructor(process: ChildProcess, settings: { readonly out: string; readonly deadlineMs: number }) {
    this.#process = process;
    this.out = settings.out;
    this.#deadlineMs = settings.deadlineMs;
    this.#end = endOf(process, settings.deadlineMs).then((end) => {
      this.#gone = end;
      return end;
    });
  }

  /** Resolves when the command has ended, with any exit code. */
  ended(): Promise<CommandEnd> {
    return this.#end;
  }

  /** The result, from the last line of stdout. Rejects with the text of stderr when the exit code is not 0. */
  async result(): Promise<TrainResult> {
    const { code, stdout, stderr } = await this.#end;
    if (code !== 0) throw new Error(`lockstep train ended with ${code}\n${stderr}`);
    return lastJsonLine(stdout);
  }

  /** Sends a signal to the launcher only, as `kill PID` does. */
  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** Sends SIGKILL to a process listed in processes.json. Resolves when the process is not listed any more. */
  async kill(role: ProcessEntry["role"], index = 0): Promise<void> {
    const { pid } = await this.processOf(role, index);
    process.kill(pid, "SIGKILL");
    await this.#waitFor(`${role} ${index} to be gone`, async () => {
      const entries = await readProcesses(this.out);
      return entries.some((entry) => entry.pid === pid) ? undefined : true;
    });
  }

  /** Waits until the process is listed in processes.json. */
  processOf(role: ProcessEntry["role"], index = 0): Promise<ProcessEntry> {
    return this.#waitFor(`${role} ${index} in processes.json`, async () => {
      const entries = await readProcesses(this.out);
      return entries.find((entry) => entry.role === role && entry.index === index);
    });
  }

  /** The processes that are listed in processes.json now. */
  processes(): Promise<ProcessEntry[]> {
    return readProcesses(this.out);
  }

  /** Waits for the first record of metrics.jsonl that matches. */
  metricsRecord(matches: (record: MetricsRecord) => boolean): Promise<MetricsRecord> {
    return this.#waitFor("a record of metrics.jsonl", async () => (await readMetrics(this.#metricsPath)).find(matches));
  }

  /** Resolves when this many optimizer updates were made. */
  async step(step: number): Promise<void> {
    await this.metricsRecord((record) => record.type === "step" && record.step >= step);
  }

  /** Resolves when the checkpoint of this step is durable. It is written while the training goes on. */
  async checkpoint(step: number): Promise<void> {
    const store = new CheckpointStore(join(this.out, runFiles.checkpoints));
    await this.#waitFor(`the checkpoint of step ${step}`, async () => {
      return (await store.list()).find((entry) => entry.step === step);
    });
  }

  metrics(): Promise<MetricsRecord[]> {
    return readMetrics(this.#metricsPath);
  }

  /** The log lines of a process, for example `worker-1`. */
  async log(name: string): Promise<Record<string, unknown>[]> {
    const text = await readFile(join(this.out, runFiles.logs, `${name}.log`), "utf8");
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  }

  /** Kills the launcher if it still runs, and waits for its end. */
  async dispose(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#end;
  }

  get #metricsPath(): string {
    return join(this.out, runFiles.metrics);
  }

  /** Rejects at once when the command has ended, because nothing changes after that. */
  #waitFor<Value>(what: string, look: () => Promise<Value | undefined>): Promise<Value> {
    return waitFor({
      what,
      deadlineMs: this.#deadlineMs,
      look,
      failure: () => (this.#gone === null ? null : `the command ended with ${this.#gone.code}:\n${this.#gone.stderr}`),
    });
  }
}

/** Starts `lockstep train`. The caller must dispose the cluster and remove the folder (see temporaryFolder). */
export function startCluster(options: ClusterOptions): Cluster {
  const { out, flags = {}, faults = [], deadlineMs = 60_000 } = options;
  const args = [
    "train",
    ...flagArguments({ ...tinyRun, ...flags, out, "cache-dir": join(dirname(out), "cache"), json: true }),
  ];
  return new Cluster(spawnLockstep(args, { [faultsVariable]: faults.length > 0 ? JSON.stringify(faults) : "" }), {
    out,
    deadlineMs,
  });
}

/** Runs `lockstep train` to its end. */
export async function runCluster(options: ClusterOptions): Promise<TrainResult> {
  const cluster = startCluster(options);
  try {
    return await cluster.result();
  } finally {
    await cluster.dispose();
  }
}

/** Faults that delay all workers' leases of one step by 1.5 s, so that the test can act during the step. */
export function holdStep(step: number, workers: number): Fault[] {
  return Array.from({ length: workers }, (_, slot) => delay({ slot, step, ms: 1_500 }));
}

function delay(place: { readonly slot: number; readonly step: number; readonly ms: number }): Fault {
  return { ...place, fault: "delay", phase: "lease", pass: "train", generation: 1 };
}

/** Creates a temporary folder. `remove` deletes it with its content. */
export async function temporaryFolder(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "lockstep-test-"));
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}

/** The command line arguments for the flags. */
export function flagArguments(flags: TrainFlags): string[] {
  return Object.entries(flags).flatMap(([name, value]) => {
    if (value === null) return [];
    return value === true ? [`--${name}`] : [`--${name}`, String(value)];
  });
}

function lastJsonLine(stdout: string): TrainResult {
  const line = stdout.trim().split("\n").at(-1) ?? "";
  return trainResultSchema.parse(JSON.parse(line));
}
