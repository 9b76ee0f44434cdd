// Tests which measurements of workers are accepted, over unix sockets.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Heartbeat, PhaseSeconds, type SubmitSumRequest, WireError } from "@lockstep/protocol";
import { FakeWorker } from "../testing/fake-worker.js";
import { prepareFolder, tinyRun } from "../testing/prepared-folder.js";
import { deferred, recordsOf, start } from "../testing/running-coordinator.js";
import { checkPhaseSeconds, checkVitals } from "./worker-measurements.js";

const tiny = tinyRun();
const gpu = { index: 0, utilization: 0.5, memoryUsedBytes: 1, memoryTotalBytes: 2 };
const heartbeat = { sequence: 1, residentBytes: 1, eventLoopDelayMs: 0, gpus: [gpu] };

for (const value of [Number.POSITIVE_INFINITY, Number.NaN, -1e-9, 2e6]) {
  test(`${value} seconds in a phase are refused`, () => {
    for (const phase of Object.keys(PhaseSeconds.create())) {
      assert.throws(() => checkPhaseSeconds({ ...PhaseSeconds.create(), [phase]: value }), {
        code: "bad-request",
        message: `phase_seconds.${phase} is ${value}: must be a number from 0 to 1000000`,
      });
    }
  });
}

const oddHeartbeats: [string, Partial<Heartbeat>, RegExp][] = [
  ["a delay", { eventLoopDelayMs: Number.NaN }, /^event_loop_delay_ms is NaN: must be a number from 0/],
  ["a utilization", { gpus: [{ ...gpu, index: 3, utilization: 50 }] }, /^utilization of GPU 3 is 50: must be a number/],
  ["an index", { gpus: [{ ...gpu, index: 4e9 }] }, /^index of a GPU is 4000000000: must be/],
  ["the number of GPUs", { gpus: Array(65).fill(gpu) }, /^the heartbeat has 65 gpus: must be at most 64$/],
];
for (const [what, changes, message] of oddHeartbeats) {
  test(`a heartbeat is refused for ${what} out of range`, () => {
    assert.throws(() => checkVitals({ ...heartbeat, ...changes }), { code: "bad-request", message });
  });
}

test("a heartbeat with GPUs, without GPUs, or with a GPU without utilization is accepted", () => {
  for (const gpus of [[gpu], [], [{ ...gpu, utilization: undefined }]]) checkVitals({ ...heartbeat, gpus });
});

test("a sum with an infinite time is refused, its lease is computed again, and its times are not recorded", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  const { address, summary } = await start(out, { maxSteps: 1 });
  const odd: FakeWorker = await FakeWorker.join(address, tiny, {
    tamper: ([head, ...rest]: SubmitSumRequest[], lease) => {
      if (head?.part?.$case !== "header" || lease.leaseId !== 1) return head === undefined ? rest : [head, ...rest];
      const phaseSeconds = PhaseSeconds.create({ load: Number.POSITIVE_INFINITY });
      setImmediate(function waitForRefusal() {
        if (odd.refusals.length === 0) setImmediate(waitForRefusal);
        else odd.report({ $case: "leaseFailed", value: { leaseId: 1, reason: "upload refused" } });
      });
      return [{ part: { $case: "header", value: { ...head.part.value, phaseSeconds } } }, ...rest];
    },
  });
  const { leasesRedone } = await summary;
  odd.close();
  assert.deepEqual(
    odd.refusals.map((error) => (error instanceof WireError ? [error.code, error.message] : error)),
    [["bad-request", "phase_seconds.load is Infinity: must be a number from 0 to 1000000"]],
  );
  assert.equal(leasesRedone, 1);
  const [step] = (await recordsOf(out, "metrics.jsonl")) as [{ phases: { loadSeconds: number }[] }];
  assert.ok(step.phases.every(({ loadSeconds }) => loadSeconds > 0 && loadSeconds < 1));
});

test("a heartbeat out of range ends the session, and the next worker is admitted", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  const lost = deferred<string>();
  const info = (_: object, message: string): void => {
    if (/^worker (lost|left)/.test(message)) lost.resolve(message);
  };
  const { address, summary } = await start(out, { log: { info, warn: info }, maxSteps: 1 });
  const odd = await FakeWorker.join(address, tiny, { onLease: () => false });
  odd.report({ $case: "heartbeat", value: { ...heartbeat, eventLoopDelayMs: Number.NEGATIVE_INFINITY } });
  assert.match(await lost.promise, /event_loop_delay_ms is -Infinity/);
  assert.equal(await odd.finished, null);
  odd.close();
  const next = await FakeWorker.join(address, tiny);
  assert.equal((await summary).steps, 1);
  next.close();
});
