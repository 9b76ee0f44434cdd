// `remoteStatus` and `renderRemoteStatus` turn a coordinator's status into JSON and text.
import { printable } from "@lockstep/errors";
import type { GetStatusResponse } from "@lockstep/protocol";

export type RemoteStatus = Omit<GetStatusResponse, "runSpecJson"> & { readonly spec: unknown };

/** The coordinator's status, with the run spec as an object. */
export function remoteStatus({ runSpecJson, ...status }: GetStatusResponse): RemoteStatus {
  return { ...status, spec: JSON.parse(runSpecJson) };
}

export function renderRemoteStatus(address: string, status: RemoteStatus): string {
  const { state, reason, step, totalSteps, epoch, checkpointStep, leasesRedone, workers } = status;
  const why = reason === "" ? "" : ` (${printable(reason)})`;
  return [
    `${address}: ${printable(state)}${why}, epoch ${epoch + 1}, step ${step} of ${totalSteps}\n`,
    `checkpoint:  step ${checkpointStep}\n`,
    leasesRedone === 0 ? "" : `redone:      ${leasesRedone} leases\n`,
    ...workers.map((worker) => `worker ${worker.slot}:`.padEnd(13) + workerText(worker)),
  ].join("");
}

function workerText(worker: RemoteStatus["workers"][number]): string {
  const { connected, left, host, computeThreads, generation, microBatches, samplesPerSecond } = worker;
  if (!connected) return `${left ? "left" : "not connected"}, ${microBatches} micro-batches\n`;
  const threads = `${computeThreads} thread${computeThreads === 1 ? "" : "s"}`;
  const speed = samplesPerSecond > 0 ? `, ${samplesPerSecond.toFixed(0)} images/s` : "";
  return `${printable(host)}, ${threads}, generation ${generation}, ${microBatches} micro-batches${speed}\n`;
}
