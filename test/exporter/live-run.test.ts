// The exporter beside a real run, as an operator starts it: a coordinator that is killed, two workers, no launcher.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  flagArguments,
  type LockstepProcess,
  needsPromtool,
  needsTorch,
  startLockstep,
  type TrainFlags,
  temporaryFolder,
  tinyRun,
  waitFor,
} from "@lockstep/testkit";

/** Both workers hold step 6 until the coordinator has gone, and step 14 for a while. */
const faults = [0, 1].flatMap((slot) =>
  [
    { step: 6, ms: 60_000 },
    { step: 14, ms: 3_000 },
  ].map(({ step, ms }) => ({ fault: "delay", slot, step, ms, phase: "lease", pass: "train", generation: 1 })),
);

describe("the exporter of a live run", { skip: needsTorch() || needsPromtool() }, () => {
  const processes: LockstepProcess[] = [];
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  before(async () => {
    folder = await temporaryFolder();
  });
  after(async () => {
    await Promise.all(processes.map((process) => process.dispose()));
    await folder.remove();
  });

  function start(command: string, flags: TrainFlags, env: Readonly<Record<string, string>> = {}): LockstepProcess {
    const started = startLockstep([command, ...flagArguments(flags)], { env, deadlineMs: 120_000 });
    processes.push(started);
    return started;
  }

  test("counts on over the coordinator's death, tells up from down, and ends when it is told to", async () => {
    const coordinatorAt = `unix:${join(folder.path, "c.sock")}`;
    const cache = { "cache-dir": join(folder.path, "cache") };
    const { workers: _, ...spec } = tinyRun;
    const out = { out: join(folder.path, "run"), listen: coordinatorAt, "checkpoint-every": 4, "expected-workers": 2 };

    const exporter = start("exporter", { coordinator: coordinatorAt, listen: "127.0.0.1:0", "log-level": "info" });
    const [, url = ""] = await exporter.waitForStderr(/serving (http:\S+)/);
    const scrape = async (accept = "text/plain"): Promise<string> =>
      (await fetch(url, { headers: { Accept: accept } })).text();
    const scraped = (...patterns: RegExp[]): Promise<string> =>
      waitFor({
        what: `${patterns.join(", ")} at ${url}`,
        deadlineMs: 60_000,
        look: async () => {
          const text = await scrape();
          return patterns.every((pattern) => pattern.test(text)) ? text : undefined;
        },
      });
    await scraped(/^lockstep_up 0$/m);

    const first = start("coordinator", { ...spec, ...out, ...cache });
    await first.waitForStderr(/listening on/);
    for (const slot of [0, 1]) {
      const flags = { coordinator: coordinatorAt, data: "synthetic:200", slot, ...cache };
      start("worker", flags, { LOCKSTEP_FAULTS: JSON.stringify(faults) });
    }
    await scraped(/^lockstep_step 6$/m, /^lockstep_steps_total 6$/m, /^lockstep_checkpoint_step 4$/m);
    first.signal("SIGKILL");
    const down = await scraped(/^lockstep_up 0$/m);
    assert.match(down, /^lockstep_steps_total 6$/m);
    assert.doesNotMatch(down, /^lockstep_(run_state|worker_\w+|images_per_second)\b.*[{ ]/m);

    const second = start("coordinator", { ...spec, ...out, ...cache, resume: true });
    const live = await scraped(
      /^lockstep_step 14$/m,
      /^lockstep_steps_total 10$/m, // from the checkpoint of step 4 on
      /^lockstep_workers_connected 2$/m,
      /^lockstep_worker_resident_memory_bytes\{worker="1"\} \d+$/m,
    );
    assert.match(live, /^lockstep_coordinator_generation_changes_total 1$/m);
    assert.match(live, /^lockstep_run_state\{state="training"\} 1$/m);
    assert.match(live, /^lockstep_loss\{part="validation"\} \d/m);
    assert.match(live, /^lockstep_run_info\{run="[0-9a-f]{12}",recipe="fairface",backend="torch"\} 1$/m);
    for (const phase of ["fetch_weights", "load", "forward", "backward", "sum", "upload", "wait"]) {
      const seconds = new RegExp(`^lockstep_worker_phase_seconds_total\\{worker="0",phase="${phase}"\\} (\\S+)$`, "m");
      assert.ok(Number(seconds.exec(live)?.[1]) >= 0, phase);
    }
    assert.ok(numberOf(live, "lockstep_goodput_ratio") > 0 && numberOf(live, "lockstep_goodput_ratio") < 1);
    // Of the steps while it was subscribed: it looks for a coordinator once a second.
    assert.ok(numberOf(live, "lockstep_step_duration_seconds_count") > 0);
    const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], { input: live, encoding: "utf8" });
    assert.deepEqual([status, stdout, stderr], [0, "", ""]);
    const openMetrics = await scrape("application/openmetrics-text;version=1.0.0");
    assert.match(openMetrics, /^# TYPE lockstep_steps counter$/m);
    assert.match(openMetrics, /\n# EOF\n$/);

    const ended = await second.ended();
    assert.equal(ended.code, 0, ended.stderr);
    const over = await scraped(/^lockstep_up 0$/m, /^lockstep_run_outcome\{outcome="completed"\} 1$/m);
    assert.match(over, /^lockstep_step 22$/m);
    assert.match(over, /^lockstep_steps_total 18$/m);

    exporter.signal("SIGTERM");
    const { code, stderr: said } = await exporter.ended();
    assert.equal(code, 130, said);
    assert.match(said, /receiving the coordinator's events/);
    assert.match(said, /no events from the coordinator at \S+: .*; trying again/);
  });

  test("a port that is taken is one line and exit code 2", async () => {
    const flags = { coordinator: "127.0.0.1:1", listen: "127.0.0.1:0" };
    const holder = start("exporter", flags);
    const [, host = ""] = await holder.waitForStderr(/serving http:\/\/([^/]+)/);
    const { code, stderr } = await start("exporter", { ...flags, listen: host }).ended();
    assert.equal(code, 2);
    assert.equal(
      stderr,
      `lockstep: cannot listen on ${host}: another process listens there; stop it, or choose another port (--listen)\n`,
    );
  });
});

function numberOf(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
}
