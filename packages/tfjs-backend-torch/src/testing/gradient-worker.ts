// The module of a worker thread that computes the tiny network's gradients three times and posts their SHA-256
// (GradientDigests).
import { createHash } from "node:crypto";
import { parentPort } from "node:worker_threads";
import * as tf from "@tensorflow/tfjs-core";
import type { TorchBackend } from "../backend.js";
import { registerTorchBackend } from "../register.js";
import { tinyCnnGradients } from "./tiny-cnn.js";

export interface GradientDigests {
  readonly sha256: string[];
  readonly nativeThreads: number;
  readonly nonZero: number;
}

await registerTorchBackend({ device: "cpu" });
await tf.setBackend("torch");
const sha256: string[] = [];
let nonZero = 0;
for (let repeat = 0; repeat < 3; repeat++) {
  const { gradients } = tinyCnnGradients({ batch: 16, size: 32, channels: [16, 32], fusedNorm: true });
  const hash = createHash("sha256");
  for (const gradient of Object.values(gradients)) {
    hash.update(gradient);
    nonZero += gradient.filter((value) => value !== 0).length;
  }
  sha256.push(hash.digest("hex"));
}
const { nativeThreads } = (tf.backend() as TorchBackend).memory();
parentPort?.postMessage({ sha256, nativeThreads, nonZero } satisfies GradientDigests);
