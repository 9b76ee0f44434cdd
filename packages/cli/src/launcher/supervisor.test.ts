// Tests of superviseRun with real processes that end in the way that argv[2] names.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { RunFailed, UserError } from "@lockstep/errors";
import type { StartedProcess } from "../run-folder.js";
import { startChild } from "./child.js";
import { type ProcessPlan, superviseRun } from "./supervisor.js";

/** argv[2] names the ending; `stop` waits for the launcher's message. */
const program = `
const [, , how, detail] = process.argv;
if (how === "exit") process.exitCode = Number(detail);
if (how === "kill") process.kill(process.pid, "SIGKILL");
if (how === "complain") { process.stderr.write("lockstep: no such data\\n"); process.exitCode = Number(detail); }
if (how === "stop") process.on("message", () => process.exit(Number(detail)));
if (how === "stubborn") { process.on("message", () => {}); process.on("SIGTERM", () => {}); }
`;

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "lockstep-supervisor-"));
  await writeFile(join(folder, "program.cjs"), program);
});
after(() => rm(folder, { recursive: true }));

type Ending = readonly [how: string, detail?: string];

/** One ending for each start; the last one is repeated. */
function plan(
  role: ProcessPlan["role"],
  index: number,
  ...endings: Ending[]
): ProcessPlan & { readonly lives: () => number } {
  let lives = 0;
  return {
    role,
    index,
    lives: () => lives,
    start() {
      const [how, detail = ""] = endings[Math.min(lives++, endings.length - 1)] ?? ["exit", "0"];
      return startChild({ program: join(folder, "program.cjs"), args: [how, detail], onLine: () => {} });
    },
  };
}

function supervise(settings: {
  readonly coordinator: ProcessPlan;
  readonly workers: readonly ProcessPlan[];
  readonly maxRestarts?: number;
  readonly stop?: AbortSignal;
}) {
  const started: StartedProcess[] = [];
  const warnings: string[] = [];
  const ended = superviseRun({
    coordinator: settings.coordinator,
    workers: settings.workers,
    maxRestarts: settings.maxRestarts ?? 10,
    onStarted: (entry) => void started.push(entry),
    onEnded: () => {},
    log: { info: () => {}, warn: (_fields: object, message: string) => void warnings.push(message) },
    stop: settings.stop ?? new AbortController().signal,
  });
  return { ended, started, warnings };
}

test("the run ends when the coordinator has ended normally, and the workers are asked to end", async () => {
  const run = supervise({
    coordinator: plan("coordinator", 0, ["exit", "0"]),
    workers: [plan("worker", 0, ["stop", "0"])],
  });
  await run.ended;
  assert.deepEqual(
    run.started.map(({ role, index }) => `${role} ${index}`),
    ["coordinator 0", "worker 0"],
  );
});

test("a worker and a coordinator that died are restarted", async () => {
  const worker = plan("worker", 0, ["kill"], ["stop", "0"]);
  const coordinator = plan("coordinator", 0, ["kill"], ["exit", "1"], ["exit", "0"]);
  const run = supervise({ coordinator, workers: [worker] });
  await run.ended;
  assert.deepEqual([coordinator.lives(), worker.lives()], [3, 2]);
  assert.ok(run.warnings.includes("the coordinator ended (exit code 1): starting it again"), run.warnings.join("; "));
});

test("a process that dies more often than allowed ends the run with its name", async () => {
  const run = supervise({
    coordinator: plan("coordinator", 0, ["stop", "0"]),
    workers: [plan("worker", 0, ["stop", "0"]), plan("worker", 1, ["kill"])],
    maxRestarts: 1,
  });
  await assert.rejects(run.ended, (error) => {
    return (
      error instanceof RunFailed &&
      /^worker 1 died 2 times, the last time with SIGKILL.*--max-restarts 1/.test(error.message)
    );
  });
});

test("a process that reports a user's mistake ends the run at once with its line", async () => {
  const worker = plan("worker", 0, ["complain", "2"]);
  const run = supervise({ coordinator: plan("coordinator", 0, ["stop", "0"]), workers: [worker] });
  await assert.rejects(run.ended, (error) => error instanceof UserError && error.message === "no such data");
  assert.equal(worker.lives(), 1);
});

test("a coordinator that reports that the run cannot continue is not restarted", async () => {
  const coordinator = plan("coordinator", 0, ["complain", "1"]);
  const run = supervise({ coordinator, workers: [plan("worker", 0, ["stop", "0"])] });
  await assert.rejects(run.ended, (error) => error instanceof RunFailed && error.message === "no such data");
  assert.equal(coordinator.lives(), 1);
});

test("a stop request goes to the coordinator, and the run ends with it", async () => {
  const stop = new AbortController();
  const coordinator = plan("coordinator", 0, ["stop", "130"]);
  const run = supervise({ coordinator, workers: [plan("worker", 0, ["stop", "0"])], stop: stop.signal });
  stop.abort(new Error("SIGINT"));
  await run.ended;
  assert.equal(coordinator.lives(), 1);
});
