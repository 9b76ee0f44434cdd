import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";

import { labelOf } from "../labels/label-table.js";
import { sampledOrder } from "../plan/sampled-order.js";
import { syntheticDataset } from "../synthetic/synthetic-dataset.js";
import { temporaryFolder } from "../testing/made-folder.js";
import { userErrorMessage } from "../testing/user-error-message.js";
import { requestedSampling, specifiedSampling } from "./resolve-sampling.js";
import type { SamplingRequest } from "./sampling.js";

const dataset = syntheticDataset({ numSamples: 400 });
const train = Uint32Array.from({ length: 340 }, (_, i) => i);

function classShares(weights: Float64Array | null, field: string): Map<number, number> {
  const order = sampledOrder({ seed: 1, epoch: 0, trainSamples: train.length, weights });
  const shares = new Map<number, number>();
  for (const place of order) {
    const label = labelOf(dataset.labels, field, train[place] ?? -1);
    shares.set(label, (shares.get(label) ?? 0) + 1 / order.length);
  }
  return shares;
}

describe("balanced sampling", () => {
  test("makes all classes of a label equally frequent, unlike uniform sampling", async () => {
    const uniform = classShares(null, "race");
    assert.ok(Math.max(...uniform.values()) > 2 * Math.min(...uniform.values()));
    const { sampling, weights } = await requestedSampling({ kind: "balanced", by: null }, dataset, train);
    assert.deepEqual(sampling, { kind: "balanced", by: ["race"] });
    for (const share of classShares(weights, "race").values()) assert.ok(Math.abs(share - 1 / 7) < 0.03, `${share}`);
  });

  test("makes the joint classes of several labels equally frequent", async () => {
    const { weights } = await requestedSampling({ kind: "balanced", by: ["gender", "race"] }, dataset, train);
    for (const share of classShares(weights, "gender").values()) assert.ok(Math.abs(share - 0.5) < 0.05);
    for (const share of classShares(weights, "race").values()) assert.ok(Math.abs(share - 1 / 7) < 0.05);
  });

  test("refuses a name that is not a label, and the message names the labels", async () => {
    assert.match(
      await userErrorMessage(requestedSampling({ kind: "balanced", by: ["shoe"] }, dataset, train)),
      /"shoe" is not a label; there are gender, race, ageBin \(--sampling\)/,
    );
  });
});

describe("sampling with a weights file", () => {
  async function weightsFile(
    context: TestContext,
    lines: readonly string[],
  ): Promise<SamplingRequest & { path: string }> {
    const path = join(await temporaryFolder(context), "weights.csv");
    await writeFile(path, `${lines.join("\n")}\n`);
    return { kind: "file", path };
  }
  const rows = Array.from(train, (sample) => `${dataset.imageName(sample)},${sample % 4}`);

  test("gives the same weights and hash if the file names the images by name or by SHA-256", async (context) => {
    const byName = await requestedSampling(await weightsFile(context, ["file,weight", ...rows]), dataset, train);
    assert.deepEqual(
      byName.weights,
      Float64Array.from(train, (sample) => (sample % 4) / 3),
    );
    const contents = Array.from(train, (sample) => `${sample % 4},${dataset.contentSha256(sample)}`).reverse();
    const byContent = await requestedSampling(
      await weightsFile(context, ["weight,sha256", ...contents]),
      dataset,
      train,
    );
    assert.deepEqual(byContent, byName);
  });

  test("accepts rows for images of other parts and for images that were left out, in any encoding of label files", async (context) => {
    const request = await weightsFile(context, []);
    const images = { ...dataset, skipped: [{ name: "broken.jpg", namedAt: "", problem: "is missing" }] };
    const others = [`${dataset.imageName(399)},5`, "broken.jpg,1"];
    await writeFile(request.path, `\uFEFF${["file,weight", ...rows, ...others].join("\r\n")}`, "utf16le");
    const { weights } = await requestedSampling(request, images, train);
    assert.deepEqual(
      weights,
      Float64Array.from(train, (sample) => (sample % 4) / 3),
    );
  });

  test("refuses a name that two images of the data set have, but accepts their SHA-256", async (context) => {
    const images = { ...dataset, imageName: (sample: number) => `${sample % 200}.jpg` };
    const named = Array.from({ length: 200 }, (_, index) => `${index}.jpg,1`);
    assert.match(
      await userErrorMessage(requestedSampling(await weightsFile(context, ["file,weight", ...named]), images, train)),
      /line 2: 2 images of the data set have the name "0.jpg"; identify the images by a column "sha256" instead/,
    );
    const contents = Array.from(train, (sample) => `${dataset.contentSha256(sample)},1`);
    const byContent = await weightsFile(context, ["sha256,weight", ...contents]);
    assert.equal((await requestedSampling(byContent, images, train)).weights?.length, train.length);
  });

  test("accepts weights of any size: each is divided by the greatest", async (context) => {
    const all = async (weight: string) =>
      requestedSampling(
        await weightsFile(context, [
          "file,weight",
          ...Array.from(train, (sample) => `${dataset.imageName(sample)},${weight}`),
        ]),
        dataset,
        train,
      );
    const huge = await all("1e308");
    assert.deepEqual(huge, await all("1e-300"));
    const order = sampledOrder({ seed: 1, epoch: 0, trainSamples: train.length, weights: huge.weights });
    assert.equal(new Set(order).size, train.length);
  });

  test("checks the file against the hash of the run spec, and refuses another file or a missing flag", async (context) => {
    const request = await weightsFile(context, ["file,weight", ...rows]);
    const { sampling, weights } = await requestedSampling(request, dataset, train);
    const found = await specifiedSampling(sampling, dataset, { train, weightsFile: request.path });
    assert.deepEqual(found, weights);
    assert.match(
      await userErrorMessage(specifiedSampling(sampling, dataset, { train, weightsFile: null })),
      /the run uses a weights file .* name the file \(--sampling FILE.csv\)/,
    );
    await writeFile(request.path, ["file,weight", ...rows.map((row) => `${row}5`)].join("\n"));
    assert.match(
      await userErrorMessage(specifiedSampling(sampling, dataset, { train, weightsFile: request.path })),
      /its weights are not those of the run/,
    );
  });

  test("refuses a faulty file with the line, the value and what to do", async (context) => {
    const errorMessage = async (lines: readonly string[]): Promise<string> =>
      userErrorMessage(requestedSampling(await weightsFile(context, lines), dataset, train));
    assert.match(
      await errorMessage(["image,weight", "a,1"]),
      /needs the columns "file" \(or "sha256"\) and "weight", found/,
    );
    assert.match(await errorMessage(["file,weight", "a,-1"]), /line 2: weight "-1": must be a number of at least 0/);
    assert.match(await errorMessage(["file,weight", "a,"]), /line 2: weight "": must be/);
    assert.match(
      await errorMessage(["sep=;", "file;weight", "a;-1"]),
      /line 3: weight "-1": must be a number of at least 0/,
    );
    assert.match(await errorMessage(["file,weight", "a,1", "a,2"]), /line 3: "a" appears twice/);
    assert.match(await errorMessage(["file,weight", `${rows[0]}`, "a,0x1"]), /line 3: weight "0x1": must be/);
    assert.match(
      await errorMessage(["file,weight", ...rows, "a,1", "b,2"]),
      /line 342: "a" is not an image of the data set \(and 1 more rows\); correct or delete the row/,
    );
    assert.match(await errorMessage(["sha256,weight", `${"0".repeat(64)},1`]), /line 2: "0{64}" is not an image/);
    assert.match(await errorMessage(["file,weight", ...rows.slice(2)]), /2 images of the training part have no weight/);
    assert.match(
      await errorMessage(["file,weight", ...rows.map((row) => row.replace(/\d+$/, "0"))]),
      /every image of the training part has weight 0/,
    );
    assert.match(
      await userErrorMessage(requestedSampling({ kind: "file", path: "/absent/w.csv" }, dataset, train)),
      /weights file \/absent\/w.csv is missing \(--sampling\)/,
    );
  });
});
