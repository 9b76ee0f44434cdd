// Owns a Prometheus in a test: the real one, on a free port, with its data in a folder of the test, and questions to it
// by its HTTP API. Also promtool, which checks and tests rules.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Vector {
  readonly status: "success" | "error";
  readonly error?: string;
  readonly data: {
    readonly result: readonly { readonly metric: Record<string, string>; readonly value: [number, string] }[];
  };
}

export class PrometheusServer {
  readonly #process: ChildProcess;
  readonly #url: string;

  constructor(process: ChildProcess, url: string) {
    this.#process = process;
    this.#url = url;
  }

  /** The vector that an expression gives now. */
  async query(expression: string): Promise<Sample[]> {
    const url = new URL("/api/v1/query", this.#url);
    url.searchParams.set("query", expression);
    const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) });
    // The API's own shape: https://prometheus.io/docs/prometheus/latest/querying/api/
    const { status, error, data } = (await answer.json()) as Vector;
    if (status !== "success") throw new Error(`${expression}: ${error}`);
    return data.result.map(({ metric, value }) => ({ labels: metric, value: toNumber(value[1]) }));
  }

  async dispose(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const closed = once(this.#process, "close");
    this.#process.kill("SIGTERM");
    await closed;
  }
}

/** @param config the path of a configuration file @param folder for its data, and its own */
export async function startPrometheus(config: string, folder: string): Promise<PrometheusServer> {
  const child = spawn(
    "prometheus",
    [`--config.file=${config}`, `--storage.tsdb.path=${join(folder, "tsdb")}`, "--web.listen-address=127.0.0.1:0"],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stderr })) {
    said.push(line);
    const [, address] = /msg="Listening on" address=(\S+)/.exec(line) ?? [];
    if (address === undefined) continue;
    child.stderr.resume();
    return new PrometheusServer(child, `http://${address}`);
  }
  throw new Error(`prometheus did not start:\n${said.join("\n")}`);
}

/** @returns what it said @throws with it, when it found a fault */
export async function promtool(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)("promtool", args).catch((error: { stdout: string; stderr: string }) => {
    throw new Error(`promtool ${args.join(" ")}\n${error.stdout}${error.stderr}`);
  });
  return stdout;
}

/** As Prometheus writes numbers: NaN, +Inf and -Inf besides plain ones. */
function toNumber(text: string): number {
  return Number(text.replace("Inf", "Infinity"));
}
