// Runs a coordinator in a thread, which a test can terminate like a process that gets `kill -9`.
import { parentPort, workerData } from "node:worker_threads";
import { type CoordinatorOptions, runCoordinator } from "../run-coordinator.js";

const quiet = { info: () => {}, warn: () => {} };
const options = workerData as Pick<CoordinatorOptions, "out" | "listen" | "checkpointEvery">; // only the test sets it

const { summary } = await runCoordinator({
  ...options,
  keepLast: 3,
  maxSteps: null,
  allowMixedNumerics: false,
  log: quiet,
  signal: new AbortController().signal,
  onListening: (address) => parentPort?.postMessage({ type: "listening", address }),
});
parentPort?.postMessage({ type: "ended", summary });
