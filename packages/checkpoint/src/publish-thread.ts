// The code of the worker thread that publishes one checkpoint (`PublishThreadData`) and ends. With `phasesPassed` it waits after
// each phase until the main thread has raised that counter: a test can stop it after a named phase.
import { parentPort, workerData } from "node:worker_threads";
import { notFiniteTensor } from "./not-finite.js";
import { type PublishJob, type PublishPhase, publish } from "./publish.js";

export interface PublishThreadData {
  readonly job: PublishJob;
  /** Number of phases after which the main thread has let this thread go on; null when it does not wait. */
  readonly phasesPassed: Int32Array | null;
}

export type PublishThreadMessage =
  | { readonly type: "phase"; readonly phase: PublishPhase }
  | { readonly type: "published" };

const { job, phasesPassed } = workerData as PublishThreadData; // only publish-in-thread.ts starts this file
const post = (message: PublishThreadMessage): void => parentPort?.postMessage(message);

const notFinite = notFiniteTensor([...job.weights, ...job.optimizerState]);
if (notFinite !== undefined) {
  throw new Error(`tensor ${notFinite.name} holds values that are NaN or infinite: no run can resume from them`);
}

let passed = 0;
await publish(job, (phase) => {
  if (phasesPassed === null) return;
  post({ type: "phase", phase });
  while (Atomics.load(phasesPassed, 0) === passed) Atomics.wait(phasesPassed, 0, passed);
  passed++;
});
post({ type: "published" });
