// A thread that plays a share of the seeds: every `stride`-th seed from `first` to `last`. It posts how often each
// fault occurred, or throws the first error.
import { parentPort, workerData } from "node:worker_threads";
import { playSeed, playUndisturbed } from "./play-seed.js";

export interface SimulationShare {
  readonly first: number;
  readonly last: number;
  readonly stride: number;
}

const { first, last, stride } = workerData as SimulationShare; // only simulation.test.ts starts this file
const total = new Map<string, number>();
const reference = await playUndisturbed();
for (let seed = first; seed <= last; seed += stride) {
  for (const [fault, times] of await playSeed(seed, reference)) total.set(fault, (total.get(fault) ?? 0) + times);
}
parentPort?.postMessage(total);
