// What a person asks of a run from elsewhere: where it stands, and that it ends.
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  type ControlServer,
  ControlService,
  Event,
  RunFinished,
  RunStarted,
  type TelemetryServer,
  TelemetryService,
} from "@lockstep/protocol";
import { createHealth, listen } from "@lockstep/service";
import {
  type CommandEnd,
  flagArguments,
  needsTorch,
  runCluster,
  runLockstep,
  temporaryFolder,
  tinyRun,
  waitFor,
} from "@lockstep/testkit";

describe("an operator", { skip: needsTorch() }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  before(async () => {
    folder = await temporaryFolder();
  });
  after(() => folder.remove());

  const { workers: _, data, ...spec } = tinyRun;
  const cache = () => ({ data: data ?? null, "cache-dir": join(folder.path, "cache") });
  const started = (command: string, flags: Parameters<typeof flagArguments>[0]): Promise<CommandEnd> =>
    runLockstep([command, ...flagArguments({ ...cache(), ...flags })]);

  test("sees where a run stands and stops it in order, with the weights of a run that was left alone", async () => {
    const out = join(folder.path, "stopped");
    const address = `unix:${join(folder.path, "run.sock")}`;
    const coordinator = started("coordinator", { ...spec, epochs: 40, out, listen: address, json: true });
    const worker = started("worker", { coordinator: address, "connect-timeout": 30 });
    const status = await waitFor({
      what: "three steps",
      deadlineMs: 40_000,
      look: async () => {
        const { code, stdout } = await runLockstep(["status", "--coordinator", address, "--json"]);
        const found = code === 0 ? JSON.parse(stdout) : { step: 0 };
        return found.step >= 3 ? found : undefined;
      },
    });
    assert.deepEqual([status.state, status.totalSteps, status.spec.epochs], ["training", 440, 40]);
    assert.deepEqual(
      status.workers.map(({ slot, connected }: Record<string, unknown>) => [slot, connected]),
      [[0, true]],
    );

    const stop = await runLockstep(["stop", "--coordinator", address, "--reason", "the night is over", "--json"]);
    assert.equal(stop.code, 0, stop.stderr);
    const end = JSON.parse(stop.stdout);
    assert.deepEqual([end.completed, end.reason], [false, "the night is over"]);
    const [led, worked] = await Promise.all([coordinator, worker]);
    assert.equal(led.code, 0, led.stderr);
    assert.notEqual(worked.code, 1, worked.stderr);
    const { steps, weightsSha256 } = JSON.parse(led.stdout);
    assert.deepEqual([steps, weightsSha256], [end.step, end.weightsSha256]);

    const alone = await runCluster({ out: join(folder.path, "alone"), flags: { epochs: 40, "max-steps": steps } });
    assert.equal(weightsSha256, alone.weightsSha256);
  });

  test("hears in one line that nobody is there", async () => {
    const gone = await runLockstep(["stop", "--coordinator", `unix:${join(folder.path, "gone.sock")}`]);
    assert.equal(gone.code, 2);
    assert.match(gone.stderr, /^lockstep: --coordinator unix:.*gone.sock: no coordinator answers[^\n]*\n$/);
  });

  test("is told that a run failed on its way to the stop", async () => {
    const address = `unix:${join(folder.path, "failing.sock")}`;
    const heard: string[] = [];
    const tell = (body: Event["event"]) => Event.fromPartial({ coordinatorGeneration: 1, timeMs: 1, event: body });
    const asked = new EventEmitter();
    const telemetry: TelemetryServer = {
      subscribe: async (call) => {
        call.write(tell({ $case: "runStarted", value: RunStarted.fromPartial({ step: 4, totalSteps: 9 }) }));
        await once(asked, "stop");
        const end = { failed: true, step: 5, reason: "checkpoint of step 5: no space left on device" };
        call.write(tell({ $case: "runFinished", value: RunFinished.fromPartial(end) }));
        call.end();
      },
      getStatus: (_, answer) => answer(new Error("not asked")),
    };
    const control: ControlServer = {
      stop: ({ request }, answer) => {
        heard.push(request.reason);
        answer(null, {});
        asked.emit("stop");
      },
    };
    const services = [
      { definition: TelemetryService, implementation: telemetry },
      { definition: ControlService, implementation: control },
    ];
    const log = { info: () => {}, warn: () => {} };
    const listener = await listen({ address, services, health: createHealth(), log });
    try {
      const { code, stdout } = await runLockstep(["stop", "--coordinator", address]);
      assert.deepEqual([code, heard], [1, ["asked to stop by an operator"]]);
      assert.equal(stdout, "failed at step 5 of 9: checkpoint of step 5: no space left on device\n");
    } finally {
      await listener.close({ graceMs: 0 });
    }
  });
});
