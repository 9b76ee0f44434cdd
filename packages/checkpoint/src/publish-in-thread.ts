// Owns starting the publishing thread and hearing its end: the event loop meanwhile goes on.
import { Worker } from "node:worker_threads";
import type { PublishJob, PublishPhase } from "./publish.js";
import type { PublishThreadData, PublishThreadMessage } from "./publish-thread.js";

/** Told after each phase; the thread waits until it resolves. */
export type PhaseHook = (phase: PublishPhase) => void | Promise<void>;

/** The job's arrays are given away: their buffers cannot be used by the caller any more (shared ones must not change). */
export function publishInThread(job: PublishJob, onPhase: PhaseHook | null): Promise<void> {
  const gate = onPhase === null ? null : new Int32Array(new SharedArrayBuffer(4));
  const workerData: PublishThreadData = { job, gate };
  const worker = new Worker(new URL("./publish-thread.js", import.meta.url), {
    workerData,
    execArgv: [], // what the main thread was started with (--input-type, --inspect) is not for this one
    transferList: [...ownBuffers(job)],
  });
  return new Promise((resolve, reject) => {
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`the checkpoint's thread ended with code ${code}, unfinished`)));
    worker.on("message", (message: PublishThreadMessage) => {
      if (message.type === "published") resolve();
      else passGate(message.phase).catch(reject);
    });
    const passGate = async (phase: PublishPhase): Promise<void> => {
      if (gate === null) return;
      try {
        await onPhase?.(phase);
      } catch (error) {
        worker.removeAllListeners("exit");
        await worker.terminate();
        throw error;
      }
      Atomics.add(gate, 0, 1);
      Atomics.notify(gate, 0);
    };
  });
}

function ownBuffers(job: PublishJob): Set<ArrayBuffer> {
  const buffers = [...job.weights, ...job.optimizerState].map(({ values }) => values.buffer);
  return new Set(buffers.filter((buffer): buffer is ArrayBuffer => buffer instanceof ArrayBuffer));
}
