// A compute thread's module: it passes a ComputeThread to serveThread(). The thread has one engine and one native
// thread. It runs forward and backward of one micro-batch at a time, and the additions of the tree.
import { performance } from "node:perf_hooks";
import { addInto, allFinite } from "@lockstep/numerics";
import { createLayout, float32Bytes, type TensorLayout, xxh3Digest } from "@lockstep/protocol";
import {
  type Engine,
  loadEngine,
  loadRunRecipe,
  type MicroBatch,
  type Recipe,
  uploadWeights,
  type Weights,
} from "@lockstep/recipe";
import type { Tensor } from "@tensorflow/tfjs-core";
import { ReceivedBuffers } from "./buffer-refs.js";
import { writeContribution } from "./contribution.js";
import { serveThread } from "./thread-link.js";
import type {
  AdditionJob,
  AdditionResult,
  MicroBatchJob,
  MicroBatchResult,
  ThreadJob,
  ThreadReady,
  ThreadResult,
  ThreadSetup,
} from "./thread-messages.js";

class ComputeThread {
  readonly #engine: Engine;
  readonly #recipe: Recipe;
  readonly #layout: TensorLayout;
  readonly #imageBytes: number;
  readonly #buffers = new ReceivedBuffers();
  #weights: { readonly version: number; readonly tensors: Weights } | null = null;

  constructor(engine: Engine, recipe: Recipe, imageSize: number) {
    this.#engine = engine;
    this.#recipe = recipe;
    this.#layout = createLayout(recipe.tensors);
    this.#imageBytes = imageSize ** 2 * 3;
  }

  handle(job: ThreadJob): ThreadResult {
    return job.kind === "addition" ? this.#add(job) : this.#compute(job);
  }

  close(): void {
    this.#disposeWeights();
    this.#engine.dispose();
  }

  #compute(job: MicroBatchJob): MicroBatchResult {
    const start = performance.now();
    const weights = this.#weightsOf(job);
    const batch = this.#batchOf(job);
    let forward: number | null = null;
    const onForward = (): void => {
      forward = performance.now();
    };
    const { sums, contribution } =
      job.pass === "train" ? this.#train(job, { weights, batch, onForward }) : this.#evaluate(job, weights, batch);
    const computed = performance.now();
    const sumsAreFinite = sums.every(Number.isFinite);
    return {
      kind: "micro-batch",
      sums,
      digest: xxh3Digest(contribution === null ? float64Bytes(sums) : float32Bytes(contribution)),
      finite: sumsAreFinite && (contribution === null || allFinite(contribution)),
      computeSeconds: (computed - start) / 1000,
      forwardSeconds: ((forward ?? computed) - start) / 1000,
      sumSeconds: (performance.now() - computed) / 1000,
      numTensors: this.#engine.tf.memory().numTensors,
    };
  }

  #train(
    job: MicroBatchJob,
    {
      weights,
      batch,
      onForward,
    }: { readonly weights: Weights; readonly batch: MicroBatch; readonly onForward: () => void },
  ) {
    if (job.out === null) throw new Error("a training micro-batch needs a buffer for its contribution");
    const contribution = this.#flat(job.out);
    const result = this.#recipe.train(this.#engine.tf, weights, batch, job.constants, onForward);
    try {
      writeContribution({
        result,
        layout: this.#layout,
        numSamples: batch.samples.length,
        engine: this.#engine,
        out: contribution,
      });
    } finally {
      disposeAll(result.gradients);
      disposeAll(result.statistics);
    }
    return { sums: result.sums, contribution };
  }

  #evaluate(job: MicroBatchJob, weights: Weights, batch: MicroBatch) {
    const { sums } = this.#recipe.evaluate(this.#engine.tf, weights, batch, job.constants);
    return { sums, contribution: null };
  }

  #add({ into, from }: AdditionJob): AdditionResult {
    const start = performance.now();
    addInto(this.#flat(into), this.#flat(from));
    return { kind: "addition", sumSeconds: (performance.now() - start) / 1000 };
  }

  #batchOf({ key, samples, positions, pixels }: MicroBatchJob): MicroBatch {
    const bytes = samples.length * this.#imageBytes;
    return { key, samples, positions, pixels_BHWC: new Uint8Array(this.#buffers.resolve(pixels), 0, bytes) };
  }

  #weightsOf({ weights, weightsVersion }: MicroBatchJob): Weights {
    const flat = this.#flat(weights);
    if (this.#weights?.version !== weightsVersion) {
      this.#disposeWeights();
      const tensors = uploadWeights(this.#engine, this.#layout.tensors, ({ offset, size }) =>
        flat.subarray(offset, offset + size),
      );
      this.#weights = { version: weightsVersion, tensors };
    }
    return this.#weights.tensors;
  }

  #disposeWeights(): void {
    if (this.#weights !== null) disposeAll(this.#weights.tensors);
    this.#weights = null;
  }

  #flat(ref: MicroBatchJob["weights"]): Float32Array {
    return new Float32Array(this.#buffers.resolve(ref), 0, this.#layout.numElements);
  }
}

function disposeAll(tensors: Readonly<Record<string, Tensor>>): void {
  for (const tensor of Object.values(tensors)) tensor.dispose();
}

function float64Bytes(array: Float64Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

await serveThread<ThreadSetup, ThreadJob, ThreadResult, ThreadReady>(async (setup, log) => {
  const { backend, device, recipe, recipeReference, imageSize, labels, trainingSamples } = setup;
  const engine = await loadEngine({ backend, device, log });
  const definition = await loadRunRecipe(recipe, recipeReference);
  const bound = definition.bind({ options: recipe.options, imageSize, labels, trainingSamples });
  const thread = new ComputeThread(engine, bound, imageSize);
  return {
    ready: { backend: engine.backend, device: engine.device, numerics: engine.numerics },
    handle: (job) => thread.handle(job),
    close: () => thread.close(),
  };
});
