// Writes a checkpoint in a worker thread with `publishInThread`, so that the event loop is not blocked.
import { Worker } from "node:worker_threads";
import type { PublishJob, PublishPhase } from "./publish.js";
import type { PublishThreadData, PublishThreadMessage } from "./publish-thread.js";

/** Called after each phase; the thread waits until the promise resolves. */
export type PhaseHook = (phase: PublishPhase) => void | Promise<void>;

/**
 * Resolves when the checkpoint is durable. The buffers of the job's arrays are transferred to the thread: the caller cannot
 * use them any more. Shared buffers are not transferred; they must not change until the promise resolves.
 */
export function publishInThread(job: PublishJob, onPhase: PhaseHook | null): Promise<void> {
  const phasesPassed = onPhase === null ? null : new Int32Array(new SharedArrayBuffer(4));
  const workerData: PublishThreadData = { job, phasesPassed };
  const worker = new Worker(new URL("./publish-thread.js", import.meta.url), {
    workerData,
    execArgv: [], // the main thread's options (--input-type, --inspect) must not apply to this thread
    transferList: [...ownBuffers(job)],
  });
  return new Promise((resolve, reject) => {
    worker.once("error", reject);
    worker.once("exit", (code) =>
      reject(new Error(`the thread that writes the checkpoint ended with code ${code} before it had finished`)),
    );
    worker.on("message", (message: PublishThreadMessage) => {
      if (message.type === "published") resolve();
      else passPhase(message.phase).catch(reject);
    });
    const passPhase = async (phase: PublishPhase): Promise<void> => {
      if (phasesPassed === null) return;
      try {
        await onPhase?.(phase);
      } catch (error) {
        worker.removeAllListeners("exit");
        await worker.terminate();
        throw error;
      }
      Atomics.add(phasesPassed, 0, 1);
      Atomics.notify(phasesPassed, 0);
    };
  });
}

function ownBuffers(job: PublishJob): Set<ArrayBuffer> {
  const buffers = [...job.weights, ...job.optimizerState].map(({ values }) => values.buffer);
  return new Set(buffers.filter((buffer): buffer is ArrayBuffer => buffer instanceof ArrayBuffer));
}
