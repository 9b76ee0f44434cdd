// The labels of the test part are read to draw a random split, and never in training: here such a read throws.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  createPlan,
  type Dataset,
  type LabelTable,
  labelOf,
  type Split,
  specifiedSampling,
  splitDataset,
  syntheticDataset,
} from "@lockstep/dataset";
import { Pass, type RunSpec } from "@lockstep/protocol";
import { fairfaceRecipe, loadEngine, uploadWeights } from "@lockstep/recipe";
import { SampleSource, type Work } from "./sample-source.js";

const imageSize = 16;
const settings = { split: "random", subset: 1, seed: 7 } as const;
const plan = { microBatch: 8, globalBatch: 32, epochs: 2, seed: 7 };
const spec = plan as RunSpec; // only the fields that the plan needs

/** Returns labels that throw when the label of a sample outside of `allowed` is read. */
function guarded(labels: LabelTable, allowed: ReadonlySet<number>): LabelTable {
  const columns = Object.entries(labels.columns).map(([name, column]) => [
    name,
    new Proxy(column, {
      get(target, key) {
        if (typeof key === "string" && /^\d+$/.test(key)) {
          assert.ok(allowed.has(Number(key)), `label ${name} of sample ${key} was read`);
        }
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    }),
  ]);
  return { ...labels, columns: Object.fromEntries(columns) };
}

function prepared(): { dataset: Dataset; parts: Split; held: number } {
  const original = syntheticDataset({ numSamples: 200 });
  const parts = splitDataset(original, settings);
  const seen = new Set([...parts.train, ...parts.val]);
  const held = parts.test[0] ?? assert.fail("the test part is empty");
  return { dataset: { ...original, labels: guarded(original.labels, seen) }, parts, held };
}

test("the guarded labels throw when a label of the test part is read", () => {
  const { dataset, parts, held } = prepared();
  assert.throws(() => labelOf(dataset.labels, "race", held), /label race of sample \d+ was read/);
  assert.equal(labelOf(dataset.labels, "race", parts.train[0] ?? -1) >= 0, true);
});

for (const sampling of [{ kind: "uniform" }, { kind: "balanced", by: ["race"] }] as const) {
  test(`class weights, denominators, plan and losses read no label of the test part (${sampling.kind} sampling)`, async () => {
    const { dataset, parts } = prepared();
    const { labels } = dataset;
    const options = fairfaceRecipe.resolveOptions({ widths: [4, 4], denseUnits: 8 });
    const recipe = fairfaceRecipe.bind({ options, imageSize, labels, trainingSamples: parts.train });
    const samplingWeights = await specifiedSampling(sampling, dataset, { train: parts.train, weightsFile: null });
    const source = new SampleSource({ spec, parts, samplingWeights, recipe });
    const { totalSteps, epochOf, trainPass, validationPass } = createPlan({
      ...plan,
      trainSamples: parts.train.length,
      valSamples: parts.val.length,
    });
    const held = new Set(parts.test);
    const engine = await loadEngine({ backend: "cpu", log: { info() {}, warn() {} } });
    const values = recipe.initialWeights(7);
    const weights = uploadWeights(engine, recipe.tensors, ({ name }) => values[name] ?? assert.fail(name));
    const steps = Array.from({ length: totalSteps }, (_, step): Work[] =>
      worksOf(Pass.TRAIN, step, epochOf(step), trainPass(step).numMicroBatches),
    );
    for (const work of [...steps, worksOf(Pass.VALIDATE, totalSteps, 1, validationPass().numMicroBatches)].flat()) {
      const { key, samples, positions } = source.batch(work, work.firstMicroBatch);
      assert.deepEqual(
        samples.filter((sample) => held.has(sample)),
        new Uint32Array(),
      );
      const constants = source.constants(work);
      // Computing is slow: compute only the first micro-batch of each epoch and of the validation pass.
      if (work.firstMicroBatch !== 0 || work.step % (totalSteps / plan.epochs) !== 0) continue;
      const pixels_BHWC = new Uint8Array(samples.length * imageSize * imageSize * 3);
      const batch = { key, samples, positions, pixels_BHWC };
      if (work.pass === Pass.VALIDATE) recipe.evaluate(engine.tf, weights, batch, constants);
      else {
        const { gradients, statistics } = recipe.train(engine.tf, weights, batch, constants);
        for (const tensor of [...Object.values(gradients), ...Object.values(statistics)]) tensor.dispose();
      }
    }
    for (const weight of Object.values(weights)) weight.dispose();
    engine.dispose();
  });
}

function worksOf(pass: Pass, step: number, epoch: number, numMicroBatches: number): Work[] {
  return Array.from({ length: numMicroBatches }, (_, firstMicroBatch) => {
    return { pass, epoch, step, numMicroBatches, firstMicroBatch, count: 1 };
  });
}
