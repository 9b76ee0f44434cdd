// Owns running a pod's command without a cluster: the very arguments of a manifest, with its volumes as folders and its ports
// as ports of this machine.
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { type LockstepProcess, runLockstep, startLockstep } from "@lockstep/testkit";
import { type Manifest, podsIn } from "./manifest.js";

export class LocalPods {
  readonly #folder: string;
  readonly #documents: readonly Manifest[];
  /** Where a component's port of the manifest is here: `coordinator:50051`. */
  readonly #ports: ReadonlyMap<string, number>;
  readonly #started: LockstepProcess[] = [];

  private constructor(folder: string, documents: readonly Manifest[], ports: ReadonlyMap<string, number>) {
    this.#folder = folder;
    this.#documents = documents;
    this.#ports = ports;
  }

  /** Makes the volumes: settings from the ConfigMap, certificates by `lockstep certs init`. */
  static async prepare(folder: string, documents: readonly Manifest[]): Promise<LocalPods> {
    const settings = documents.find(({ kind }) => kind === "ConfigMap")?.data ?? {};
    await mkdir(join(folder, "etc/lockstep"), { recursive: true });
    for (const [name, text] of Object.entries(settings)) await writeFile(join(folder, "etc/lockstep", name), text);
    const { code, stderr } = await runLockstep(["certs", "init", join(folder, "certs"), "--hosts", "127.0.0.1"]);
    if (code !== 0) throw new Error(`lockstep certs init: ${stderr}`);
    const names = ["coordinator:50051", "coordinator:50052", "worker:50052", "exporter:9464"];
    const ports = await Promise.all(names.map(freePort));
    return new LocalPods(folder, documents, new Map(names.map((name, index) => [name, ports[index] ?? 0])));
  }

  /** @param env settings that a test wants otherwise: they count before the file's, and not before flags */
  start(component: string, env: Readonly<Record<string, string>>): LockstepProcess {
    const pod = podsIn(this.#documents).find(
      ({ template }) => template.metadata.labels?.["app.kubernetes.io/component"] === component,
    );
    const args = pod?.template.spec.containers[0]?.args;
    if (args === undefined) throw new Error(`${component}: no pod with arguments`);
    const started = startLockstep(
      args.map((argument) => this.#localised(argument, component)),
      { env, deadlineMs: 180_000 },
    );
    this.#started.push(started);
    return started;
  }

  /** `host:port`, for a client on this machine. */
  address(component: string, port: number): string {
    const here = this.#ports.get(`${component}:${port}`);
    if (here === undefined) throw new Error(`${component}:${port}: no such port`);
    return `127.0.0.1:${here}`;
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#started.map((process) => process.dispose()));
  }

  #localised(argument: string, component: string): string {
    return argument
      .replace(/=(\/(?:etc|certs|cache|runs)\b)/, `=${this.#folder}$1`)
      .replace(/lockstep-(coordinator):(\d+)$/, (_, name: string, port: string) => this.address(name, Number(port)))
      .replace(/0\.0\.0\.0:(\d+)$/, (_, port: string) => this.address(component, Number(port)));
  }
}

/** Processes find each other again at these, so that port 0 does not do; nobody else takes them in the meantime, as a rule. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  return address.port;
}
