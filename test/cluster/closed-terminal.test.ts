// A terminal that closes stops a run in order, and does not stop one that `nohup` started.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { readProcesses } from "@lockstep/cli";
import {
  flagArguments,
  needsTorch,
  runCluster,
  startLockstep,
  temporaryFolder,
  tinyRun,
  waitFor,
} from "@lockstep/testkit";

const deadlineMs = 120_000;
const lockstep = fileURLToPath(new URL("../../../packages/cli/bin/lockstep.js", import.meta.url));
/** The test itself may run under nohup. */
const plainStart = { _: "" };

describe("a closed terminal", { skip: needsTorch() }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let undisturbed: string;
  const terminals: ChildProcess[] = [];
  before(async () => {
    folder = await temporaryFolder();
    undisturbed = (await runCluster({ out: join(folder.path, "whole"), deadlineMs })).weightsSha256;
  });
  after(async () => {
    for (const terminal of terminals) terminal.kill("SIGKILL");
    await folder.remove();
  });

  /** Starts `lockstep train` on a terminal, and closes the terminal in the middle of the run. Resolves when the run's processes have gone. */
  async function trainAndCloseTerminal(out: string, prefix: string): Promise<void> {
    const flags = flagArguments({ ...tinyRun, out, "cache-dir": join(folder.path, "cache") });
    const command = `${prefix} "${process.execPath}" ${lockstep} train ${flags.join(" ")}`;
    const terminal = spawn("script", ["-qec", command, "/dev/null"], {
      cwd: folder.path,
      stdio: ["pipe", "ignore", "inherit"], // an open stdin: `script` ends with it
      env: { ...process.env, ...plainStart, SHELL: "/bin/sh" },
    });
    terminals.push(terminal);
    await waitForStep3(out);
    const { pid } = (await readProcesses(out)).find(({ role }) => role === "launcher") ?? {};
    assert(pid !== undefined);
    terminal.kill("SIGKILL"); // the kernel then hangs up the terminal that it held
    await waitFor({ what: "the run's end", deadlineMs, look: async () => (isAlive(pid) ? undefined : true) });
    assert.deepEqual(await readProcesses(out), []);
  }

  test("stops a run with a checkpoint, and the run goes on from there to the same bits", async () => {
    const out = join(folder.path, "stopped");
    await trainAndCloseTerminal(out, "");
    const { steps, completed } = JSON.parse(await readFile(join(out, "summary.json"), "utf8"));
    assert.equal(completed, false);
    assert(steps >= 3);
    const resumed = await runCluster({ out, flags: { resume: true }, deadlineMs });
    assert.deepEqual([resumed.resumedFromStep, resumed.weightsSha256], [steps, undisturbed]);
  });

  test("does not stop a run that nohup started", async () => {
    const out = join(folder.path, "nohup");
    await trainAndCloseTerminal(out, "nohup");
    const { completed, weightsSha256 } = JSON.parse(await readFile(join(out, "summary.json"), "utf8"));
    assert.deepEqual([completed, weightsSha256], [true, undisturbed]);
  });

  test("stops coordinator, worker and exporter in order by its signal alone", async () => {
    const [out, address] = [join(folder.path, "by-hand"), `unix:${join(folder.path, "c.sock")}`];
    const { workers: _, data, ...spec } = tinyRun;
    const images = flagArguments({ data: data ?? null, "cache-dir": join(folder.path, "cache") });
    const start = (...args: string[]) => startLockstep(args, { env: plainStart, deadlineMs });
    const lead = flagArguments({ ...spec, out, listen: address, epochs: 200 });
    const started = [
      start("exporter", "--coordinator", address, "--listen", "127.0.0.1:0"),
      start("coordinator", ...lead, ...images),
      start("worker", "--coordinator", address, ...images),
    ] as const;
    const [exporter, coordinator, worker] = started;
    try {
      await waitForStep3(out);
      for (const process of started) process.signal("SIGHUP");
      const codes = [(await coordinator.ended()).code, (await worker.ended()).code, (await exporter.ended()).code];
      assert.deepEqual(codes, [130, 130, 130]);
      assert.equal(JSON.parse(await readFile(join(out, "summary.json"), "utf8")).completed, false);
    } finally {
      await Promise.all(started.map((process) => process.dispose()));
    }
  });
});

function waitForStep3(out: string): Promise<true> {
  const look = async (): Promise<true | undefined> => {
    const metrics = await readFile(join(out, "metrics.jsonl"), "utf8").catch(() => "");
    return metrics.includes('"step":3,') ? true : undefined;
  };
  return waitFor({ what: "step 3", deadlineMs, look });
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
