// Plays many runs of the whole coordinator in virtual time, with faults that a seed draws: kills, stops, a full disk, slow
// commits, workers that come, stall, misbehave and go. Whatever happens, the run reaches its end with the undisturbed bits.
//
// LOCKSTEP_SIMULATIONS=20000 plays more of them; LOCKSTEP_SIMULATION_SEED=7 plays that one alone.
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { playSeed, playUndisturbed } from "./testing/simulation/play-seed.js";
import type { SimulationShare } from "./testing/simulation/simulation-thread.js";

const numThreads = 2;
const count = Number(process.env["LOCKSTEP_SIMULATIONS"] ?? 350);
const single = process.env["LOCKSTEP_SIMULATION_SEED"];

/** Seeds that once showed a fault, which is named. */
const regressions: readonly (readonly [seed: number, fault: string])[] = [
  [
    51,
    "a worker that joined while the last checkpoint was written was told that the run is over, and the write failed",
  ],
  [382, "a worker that joined after the last checkpoint could not be written was told that the run is over"],
];

for (const [seed, fault] of regressions) {
  test(`seed ${seed}: ${fault}`, async () => {
    await playSeed(seed, await playUndisturbed());
  });
}

test("whatever happens to coordinators, workers and the disk, the run reaches its end with the undisturbed bits", async (t) => {
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
  for (const fault of ["coordinator: killed", "coordinator: disk full", "dies", "stalls", "upload damaged", "hangs"]) {
    assert.ok((total.get(fault) ?? 0) > count / 100, `${fault} happened ${total.get(fault) ?? 0} times`);
  }
});

/** In a thread of its own: on a second core, and without the test runner's hooks on every promise. */
async function playShare(share: SimulationShare): Promise<ReadonlyMap<string, number>> {
  const thread = new Worker(new URL("testing/simulation/simulation-thread.js", import.meta.url), { workerData: share });
  const [faults] = await once(thread, "message"); // rejects with the thread's error
  return faults;
}
