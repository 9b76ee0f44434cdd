// Plays runs of the whole coordinator in virtual time, with faults that a seed draws: kills, stops, a full disk, slow
// commits, faulty workers. Each run must be complete at the end, with the same bits as a run without faults.
//
// LOCKSTEP_SIMULATIONS=20000 plays 20000 seeds. LOCKSTEP_SIMULATION_SEED=7 plays only seed 7. The default takes less
// than 20 s of CPU time.
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { playSeed, playUndisturbed } from "./testing/simulation/play-seed.js";
import type { SimulationShare } from "./testing/simulation/simulation-thread.js";

const numThreads = 2;
const count = Number(process.env["LOCKSTEP_SIMULATIONS"] ?? 350);
const single = process.env["LOCKSTEP_SIMULATION_SEED"];

/** Seeds that once found a bug, and the bug. */
const regressions: readonly (readonly [seed: number, bug: string])[] = [
  [
    51,
    "a worker that joined during the write of the last checkpoint was answered that the run is over, and the write failed",
  ],
  [382, "a worker that joined after the write of the last checkpoint failed was answered that the run is over"],
];

for (const [seed, bug] of regressions) {
  test(`seed ${seed} once found this bug: ${bug}`, async () => {
    await playSeed(seed, await playUndisturbed());
  });
}

test("with faults of coordinators, workers and the disk the run completes with the bits of a run without faults", async (t) => {
  if (single !== undefined) {
    const faults = await playSeed(Number(single), await playUndisturbed());
    t.diagnostic([...faults].map(([fault, times]) => `${fault}: ${times}`).join(", "));
    return;
  }
  const total = new Map<string, number>();
  const shares = Array.from({ length: numThreads }, (_, index) =>
    playShare({ first: 1 + index, last: count, stride: numThreads }),
  );
  for (const faults of await Promise.all(shares)) {
    for (const [fault, times] of faults) total.set(fault, (total.get(fault) ?? 0) + times);
  }
  for (const [fault, times] of [...total].sort()) t.diagnostic(`${fault}: ${times}`);
  for (const fault of [
    "coordinator: killed",
    "coordinator: disk full",
    "crashes",
    "stalls",
    "upload damaged",
    "hangs",
  ]) {
    assert.ok((total.get(fault) ?? 0) > count / 100, `${fault} happened ${total.get(fault) ?? 0} times`);
  }
});

/** Runs in another thread: on a second core, and without the test runner's hooks on every promise. */
async function playShare(share: SimulationShare): Promise<ReadonlyMap<string, number>> {
  const thread = new Worker(new URL("testing/simulation/simulation-thread.js", import.meta.url), { workerData: share });
  const [faults] = await once(thread, "message"); // rejects if the thread throws
  return faults;
}
