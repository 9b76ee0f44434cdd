// The thread that publishes one checkpoint and ends. With a gate, it waits after each phase until the main thread has
// opened it again: that is how a test stops it at a named place.
import { parentPort, workerData } from "node:worker_threads";
import { notFiniteTensor } from "./not-finite.js";
import { type PublishJob, type PublishPhase, publish } from "./publish.js";

export interface PublishThreadData {
  readonly job: PublishJob;
  /** Counts the phases that the main thread has let pass; null: nobody is asked. */
  readonly gate: Int32Array | null;
}

export type PublishThreadMessage =
  | { readonly type: "phase"; readonly phase: PublishPhase }
  | { readonly type: "published" };

const { job, gate } = workerData as PublishThreadData; // publish-in-thread.ts is the only one to start this file
const post = (message: PublishThreadMessage): void => parentPort?.postMessage(message);

const notFinite = notFiniteTensor([...job.weights, ...job.optimizerState]);
if (notFinite !== undefined) {
  throw new Error(`tensor ${notFinite.name} holds values that are NaN or infinite: nobody can go on from them`);
}

let passed = 0;
await publish(job, (phase) => {
  if (gate === null) return;
  post({ type: "phase", phase });
  while (Atomics.load(gate, 0) === passed) Atomics.wait(gate, 0, passed);
  passed++;
});
post({ type: "published" });
