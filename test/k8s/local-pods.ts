// LocalPods runs the commands of pods without a cluster: with the arguments of a manifest, folders instead of volumes,
// and ports of this machine.
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { type LockstepProcess, runLockstep, startLockstep } from "@lockstep/testkit";
import { type Manifest, podsIn } from "./manifest.js";

export class LocalPods {
  readonly #folder: string;
  readonly #documents: readonly Manifest[];
  /** The port on this machine for each port of a component in the manifest, such as `coordinator:50051`. */
  readonly #ports: ReadonlyMap<string, number>;
  readonly #started: LockstepProcess[] = [];

  private constructor(folder: string, documents: readonly Manifest[], ports: ReadonlyMap<string, number>) {
    this.#folder = folder;
    this.#documents = documents;
    this.#ports = ports;
  }

  /** Creates the folders: settings from the ConfigMap, certificates by `lockstep certs init`. */
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

  /** @param env settings of the test as variables: they override the settings file, but not flags */
  start(component: string, env: Readonly<Record<string, string>>): LockstepProcess {
    const pod = podsIn(this.#documents).find(
      ({ template }) => template.metadata.labels?.["app.kubernetes.io/component"] === component,
    );
    const args = pod?.template.spec.containers[0]?.args;
    if (args === undefined) throw new Error(`${component}: the manifests have no pod of this component with arguments`);
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
    if (here === undefined) throw new Error(`${component}:${port}: LocalPods has no such port`);
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

/**
 * Returns a free port. Port 0 is not possible, because restarted processes must use the same port. Another process
 * could take the port before it is used; that is unlikely.
 */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  return address.port;
}
