// Owns a stack that is up: starting it, what its containers and Prometheus say, killing processes in it, taking it away.
import { spawnSync } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { runEngine } from "./engine.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const project = "lockstep-test";
const pollMs = 1000;

export class Stack {
  #engine;
  #services;
  #env;

  /** @param env what an operator would have in the shell */
  constructor(engine, { services, env }) {
    this.#engine = engine;
    this.#services = services;
    this.#env = env;
  }

  up() {
    this.#compose(["up", "--detach", "--no-build", ...this.#services]);
  }

  down({ volumes = false } = {}) {
    this.#compose(["down", ...(volumes ? ["--volumes"] : [])]);
    // podman-compose 1.0 leaves it.
    if (this.#engine.name === "podman")
      this.#run(["network", "rm", "--force", `${project}_default`], { mayFail: true });
  }

  /** Of a service's containers, by their number. */
  containers(service) {
    const { stdout } = this.#run([
      ...["ps", "--all", "--format", "{{.Names}}"],
      ...["--filter", `label=com.docker.compose.project=${project}`],
      ...["--filter", `label=com.docker.compose.service=${service}`],
    ]);
    return stdout.trim().split("\n").filter(Boolean).sort();
  }

  state(container) {
    const { stdout } = this.#run(["inspect", container]);
    const [{ State, RestartCount }] = JSON.parse(stdout);
    return { running: State.Running, exitCode: State.ExitCode, restarts: RestartCount };
  }

  /** stdout and stderr of its last lives. */
  logs(container) {
    const { stdout, stderr } = this.#run(["logs", container]);
    return `${stdout}${stderr}`;
  }

  /** kill -9 of the process, as the kernel does when memory runs out: the restart policy is what follows. */
  killProcess(container) {
    const killNode = 'cd /proc; for p in [0-9]*; do read -r n < $p/comm; [ "$n" != node ] || kill -9 $p; done';
    this.#run(["exec", container, "sh", "-c", killNode], { mayFail: true });
  }

  /** kill -9 of the container, by the engine: that counts as an operator's wish, and it stays away until the next `up`. */
  killContainer(container) {
    this.#run(["kill", "--signal=KILL", container]);
  }

  /** What HEALTHCHECK asks, asked by hand: podman needs systemd to do so by itself. @throws where it is not well */
  assertHealthy(service, address) {
    for (const container of this.containers(service)) this.#run(["exec", container, "lockstep", "health", address]);
  }

  /** Polls until look() gives something else than undefined. @throws with the logs */
  async waitFor(what, look, deadlineMs = 300_000) {
    const end = performance.now() + deadlineMs;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (performance.now() > end) throw new Error(`no ${what} in ${deadlineMs / 1000} s\n${this.#lastWords()}`);
      await delay(pollMs);
    }
  }

  /** Every container of the service has ended so. */
  ended(service, { exitCode = 0, restarts = 0, deadlineMs } = {}) {
    const look = () => {
      const states = this.containers(service).map((container) => this.state(container));
      const isEnd = (state) => !state.running && state.exitCode === exitCode && state.restarts >= restarts;
      return (states.length > 0 && states.every(isEnd)) || undefined;
    };
    return this.waitFor(`end of ${service}`, look, deadlineMs);
  }

  /** The value of the first series; undefined without one. */
  async query(expression) {
    const url = `http://127.0.0.1:${this.#env.PROMETHEUS_PORT}/api/v1/query?query=${encodeURIComponent(expression)}`;
    const answer = await fetch(url).catch(() => null); // it is not up yet
    if (!answer?.ok) return undefined;
    const { data } = await answer.json();
    const value = data.result[0]?.value[1];
    return value === undefined ? undefined : Number(value);
  }

  async metric(expression, atLeast) {
    return this.waitFor(`${expression} >= ${atLeast}`, async () => {
      const value = await this.query(expression);
      return value !== undefined && value >= atLeast ? value : undefined;
    });
  }

  #lastWords() {
    return this.#services
      .flatMap((service) => this.containers(service))
      .map((container) => {
        const { running, exitCode, restarts } = this.state(container);
        const state = `${running ? "running" : `ended with ${exitCode}`}, ${restarts} restarts`;
        return `--- ${container}: ${state}\n${this.logs(container).trim().split("\n").slice(-8).join("\n")}`;
      })
      .join("\n");
  }

  #compose(args) {
    const [command, ...first] = this.#engine.compose;
    const { status, stdout, stderr } = spawnSync(
      command,
      [...first, "-p", project, "-f", join(root, "deploy", "compose.yaml"), ...args],
      { encoding: "utf8", env: { ...process.env, ...this.#engine.env, ...this.#env }, maxBuffer: 1 << 28 },
    );
    if (status !== 0) throw new Error(`compose ${args.join(" ")}: exit code ${status}\n${stdout}${stderr}`);
  }

  #run(args, { mayFail = false } = {}) {
    const result = runEngine(this.#engine, args);
    if (result.status !== 0 && !mayFail) throw new Error(`${args.join(" ")}: ${result.stderr}`);
    return result;
  }
}

export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return String(port);
}
