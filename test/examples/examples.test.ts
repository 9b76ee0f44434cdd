// What examples/ shows trains as its README says, to the same bits with one worker and two.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { needsTorch, runCluster, runLockstep, type TrainFlags, temporaryFolder } from "@lockstep/testkit";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const exampleOf = (name: string): string => join(root, "examples", name);

/** Those of tinyRun that belong to the built-in recipe are left away. */
const ownModel = { widths: null, "dense-units": null };
const settings = { "image-size": 32, "micro-batch": 4, "global-batch": 12, "max-steps": 3 } as const;

describe("the examples train", { skip: needsTorch() }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  before(async () => {
    folder = await temporaryFolder();
  });
  after(() => folder.remove());

  async function trainedBy(name: string, workers: number, flags: TrainFlags) {
    const out = join(folder.path, `${name}-${workers}`);
    return runCluster({ out, flags: { ...ownModel, ...settings, ...flags, workers } });
  }

  test("pets-csv: other labels, a loss and a metric of its own, on images drawn by its script", async () => {
    const data = join(folder.path, "pets");
    await promisify(execFile)(process.execPath, [exampleOf("pets-csv/make-images.js"), data]);
    const flags = { data, recipe: exampleOf("pets-csv/pets.js"), "max-steps": 4, epochs: 1 };
    const [one, two] = [await trainedBy("pets", 1, flags), await trainedBy("pets", 2, flags)];
    assert.equal(one.weightsSha256, two.weightsSha256);
    const names = ["loss", "speciesLoss", "weightLoss", "speciesAccuracy", "weightMae", "weightRmse"];
    assert.deepEqual(Object.keys(one.validation ?? {}), [...names, "withinTwoKilograms"]);
    assert.deepEqual(one.validation, two.validation);

    // Neither the data nor the recipe is named again: the run's folder knows.
    const { code, stdout, stderr } = await runLockstep(["evaluate", join(folder.path, "pets-1"), "--json"]);
    assert.equal(code, 0, stderr);
    const { metrics } = JSON.parse(stdout);
    assert.equal(metrics.speciesAccuracy, one.validation?.["speciesAccuracy"]);
  });

  test("layers-model: a tfjs-layers model with batch norm and dropout", async () => {
    const flags = { data: "synthetic:60", recipe: exampleOf("layers-model/faces.js") };
    const [one, two] = [await trainedBy("layers", 1, flags), await trainedBy("layers", 2, flags)];
    assert.equal(one.weightsSha256, two.weightsSha256);
    assert.equal(one.steps, 3);
    assert.ok(Number.isFinite(one.loss));
  });
});
