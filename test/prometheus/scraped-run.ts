// Owns a run in a test that is scraped as an operator's is: `lockstep train`, its exporter, and a real Prometheus with the
// rules and the scrape job that we ship, at a test's pace.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Cluster, type ClusterOptions, startCluster, startLockstep, temporaryFolder } from "@lockstep/testkit";
import { parse, stringify } from "yaml";
import { type PrometheusServer, type Sample, startPrometheus } from "./prometheus-server.js";
import { prometheusConfigFile, rulesFolder } from "./shipped-expressions.js";

export interface ScrapedRun {
  readonly cluster: Cluster;
  readonly prometheus: PrometheusServer;
  /** The instance label of all that the exporter says. */
  readonly instance: string;
  /** The one value that an expression gives, or undefined for none. */
  one(expression: string): Promise<number | undefined>;
  dispose(): Promise<void>;
}

/** Resolves when Prometheus serves; what it scrapes begins with the run's first step, or somewhat later. */
export async function startScrapedRun(options: Omit<ClusterOptions, "out">): Promise<ScrapedRun> {
  const started: { dispose(): Promise<void> }[] = [];
  const dispose = async (): Promise<void> => {
    for (const one of started.reverse()) await one.dispose();
  };
  try {
    const folder = await temporaryFolder();
    started.push({ dispose: () => folder.remove() });
    const cluster = startCluster({ ...options, out: join(folder.path, "run") });
    started.push(cluster);
    await cluster.step(1);
    const coordinator = await coordinatorOf(cluster);
    const exporter = startLockstep(["exporter", "--coordinator", coordinator, "--listen", "127.0.0.1:0"], {
      deadlineMs: options.deadlineMs ?? 60_000,
    });
    started.push(exporter);
    const [, instance = ""] = await exporter.waitForStderr(/serving http:\/\/([^/]+)\/metrics/);
    const config = join(folder.path, "prometheus.yml");
    await writeFile(config, await configFor(instance));
    const prometheus = await startPrometheus(config, folder.path);
    started.push(prometheus);
    const one = async (expression: string): Promise<number | undefined> => {
      const samples = await prometheus.query(expression);
      assert.ok(samples.length <= 1, `${expression}: ${samples.map(asText).join(", ")}`);
      return samples[0]?.value;
    };
    return { cluster, prometheus, instance, one, dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Its labels, those of the scrape aside, and its value. */
export function asText({ labels, value }: Sample): string {
  const own = Object.entries(labels).filter(([label]) => !["job", "instance"].includes(label));
  return `${own.map(([label, text]) => `${label}=${text}`).join(",")} ${value}`;
}

/** `train` tells its workers alone where the coordinator listens; its log says it, too. */
async function coordinatorOf(cluster: Cluster): Promise<string> {
  const lines = await cluster.log("coordinator");
  const address = lines.find(({ msg }) => msg === "coordinator is listening")?.["address"];
  assert.ok(typeof address === "string");
  return address;
}

/** What we ship, at a test's pace, with that exporter as its target. */
async function configFor(exporter: string): Promise<string> {
  const config = parse(await readFile(prometheusConfigFile, "utf8"));
  const job = config.scrape_configs.find(({ job_name }: { job_name: string }) => job_name === "lockstep");
  return stringify({
    global: { scrape_interval: "500ms", scrape_timeout: "500ms", evaluation_interval: "500ms" },
    rule_files: [join(rulesFolder, "*.yml")],
    scrape_configs: [{ ...job, static_configs: [{ targets: [exporter] }] }],
  });
}
