// Runs a coordinator in a thread that a test can end without warning: the nearest thing to kill -9 in one process.
import { parentPort, workerData } from "node:worker_threads";
import { type CoordinatorOptions, runCoordinator } from "../run-coordinator.js";

const quiet = { info: () => {}, warn: () => {} };
const options = workerData as Pick<CoordinatorOptions, "out" | "listen" | "checkpointEvery">; // set by the test alone

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
