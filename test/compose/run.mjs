// `npm run test:compose`: the compose file, run for real. Builds the CPU image, trains with two workers while Prometheus scrapes them,
// then once more with a worker's process and the coordinator's container killed on the way: the weights have to be the same. Not
// part of `npm test`: it takes minutes and a container engine. Says what is missing, and ends with 0, where there is none.
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { findEngine, runEngine } from "./engine.mjs";
import { freePort, Stack } from "./stack.mjs";
import { buildFlags, makeStandIns } from "./stand-in-images.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** Grafana's image has no stand-in. */
const servicesOf = ({ name }) => [
  ...["certs", "coordinator", "worker", "exporter", "prometheus"],
  ...(name === "docker" ? ["grafana"] : []),
];
/** Small enough for a laptop, long enough to be killed in. */
const settings = {
  LOCKSTEP_SUBSET: "0.5",
  LOCKSTEP_EPOCHS: "4",
  LOCKSTEP_SEED: "7",
  LOCKSTEP_CHECKPOINT_EVERY: "5",
};

/** They are told of the end; nothing that is left open may hold them. */
const workersLeaveMs = 20_000;

const startMs = performance.now();
const say = (line) =>
  process.stdout.write(`${((performance.now() - startMs) / 1000).toFixed(0).padStart(4)} s  ${line}\n`);

const found = findEngine();
if ("skip" in found) process.stdout.write(`skipped: ${found.skip}\n`);
else await runCompose(found.engine);

async function runCompose(engine) {
  say(`engine: ${engine.name}, ${engine.compose.join(" ")}`);
  build(engine);
  const port = await freePort();
  const stackOf = (more) =>
    new Stack(engine, { services: servicesOf(engine), env: { ...settings, PROMETHEUS_PORT: port, ...more } });
  const clear = () => stackOf({}).down({ volumes: true });
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.once(signal, () => {
      clear();
      process.exit(130);
    });
  }
  clear();
  try {
    const undisturbed = await trainUndisturbed(stackOf({ LOCKSTEP_OUT: "/runs/undisturbed" }));
    const disturbed = await trainDisturbed(stackOf({ LOCKSTEP_OUT: "/runs/disturbed", LOCKSTEP_WORKERS: "3" }));
    if (undisturbed !== disturbed) throw new Error(`other weights: ${undisturbed} and ${disturbed}`);
    say("the weights are the same");
    await startFinished(stackOf({ LOCKSTEP_OUT: "/runs/disturbed" }), disturbed);
  } finally {
    clear();
    say("containers, networks and volumes are removed");
  }
}

function build(engine) {
  if (engine.name === "podman") makeStandIns(engine, say);
  say("building lockstep:cpu");
  const flags = engine.name === "podman" ? buildFlags(join(root, ".cache", "compose")) : [];
  const file = join(root, "deploy", "docker", "cpu.Dockerfile");
  const { status, stdout, stderr } = runEngine(engine, ["build", ...flags, "-f", file, "-t", "lockstep:cpu", root]);
  if (status !== 0) throw new Error(`the image was not built:\n${`${stdout}${stderr}`.slice(-4000)}`);
  const { stdout: size } = runEngine(engine, ["image", "inspect", "--format", "{{.Size}}", "lockstep:cpu"]);
  say(`built lockstep:cpu, ${(Number(size) / 1e6).toFixed(0)} MB`);
}

/** @returns {Promise<string>} the weights' SHA-256 */
async function trainUndisturbed(stack) {
  stack.up();
  say("undisturbed: up with 2 workers");
  await stack.metric("lockstep_step", 1);
  say(
    `Prometheus scrapes the run: up ${await stack.query('up{job="lockstep"}')}, step ${await stack.query("lockstep_step")}`,
  );
  await stack.metric("max_over_time(lockstep_workers_connected[5m])", 2);
  say("both workers are seen by Prometheus");
  for (const service of ["coordinator", "worker"]) stack.assertHealthy(service, "127.0.0.1:50052");
  stack.assertHealthy("exporter", "http://127.0.0.1:9464/healthz");
  say("coordinator, workers and exporter say that they are healthy");
  const sha256 = await finish(stack);
  stack.down({ volumes: true }); // Prometheus' too: it would still answer with this run's figures
  return sha256;
}

async function trainDisturbed(stack) {
  stack.up();
  say("disturbed: up with 3 workers");
  await stack.metric("lockstep_step", 8);
  const [worker] = stack.containers("worker");
  stack.killProcess(worker);
  say(`kill -9 of the process in ${worker} at step ${await stack.query("lockstep_step")}`);
  await stack.waitFor(`restart of ${worker}`, () => (stack.state(worker).running ? true : undefined));
  await stack.metric("lockstep_workers_lost_total", 1);
  await stack.metric("lockstep_workers_connected", 3);
  say("Prometheus counts a lost worker; the restart policy has brought it back");
  const step = (await stack.query("lockstep_step")) ?? 0;
  await stack.metric("lockstep_step", step + 5);
  const [coordinator] = stack.containers("coordinator");
  stack.killContainer(coordinator);
  say(`kill -9 of ${coordinator} after step ${step + 5}; up again`);
  stack.up();
  const sha256 = await finish(stack);
  say(`lives of the coordinator: ${1 + ((await stack.query("lockstep_coordinator_generation_changes_total")) ?? 0)}`);
  stack.down();
  return sha256;
}

async function finish(stack) {
  await stack.ended("coordinator");
  await stack.ended("worker", { deadlineMs: workersLeaveMs });
  const [coordinator] = stack.containers("coordinator");
  const sha256 = /SHA-256 +([0-9a-f]{64})/.exec(stack.logs(coordinator))?.[1];
  if (sha256 === undefined) throw new Error(`no result from the coordinator:\n${stack.logs(coordinator)}`);
  await stack.metric('lockstep_run_outcome{outcome="completed"}', 1);
  const [exporter] = stack.containers("exporter");
  if (!stack.state(exporter).running) throw new Error("the exporter has left with the run");
  say(
    `finished: coordinator and workers ended with 0, the exporter stays; step ${await stack.query("lockstep_step")}, SHA-256 ${sha256}`,
  );
  return sha256;
}

async function startFinished(stack, sha256) {
  stack.up();
  await stack.ended("coordinator");
  const log = stack.logs(stack.containers("coordinator")[0]);
  if (!log.includes("nothing is left to train") || !log.includes(sha256))
    throw new Error(`not told as finished:\n${log}`);
  say("up again after the end: the coordinator says that nothing is left to train, and ends with 0");
  await stack.ended("worker");
  say("its workers are told that the run is over, and end with 0");
  stack.down();
}
