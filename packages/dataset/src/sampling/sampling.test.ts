import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { UserError } from "@lockstep/errors";
import { labelOf } from "../labels/label-table.js";
import { sampledOrder } from "../plan/sampled-order.js";
import { syntheticDataset } from "../synthetic/synthetic-dataset.js";
import { temporaryFolder } from "../testing/made-folder.js";
import { requestedSampling, specifiedSampling } from "./resolve-sampling.js";
import type { SamplingRequest } from "./sampling.js";

const dataset = syntheticDataset({ numSamples: 400 });
const train = Uint32Array.from({ length: 340 }, (_, i) => i);

async function complaintOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => assert.fail("it was accepted"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof UserError, String(error));
  assert.doesNotMatch(error.message, /\n/);
  return error.message;
}

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
  test("makes every class of a label equally frequent, where uniform sampling does not", async () => {
    const uniform = classShares(null, "race");
    assert.ok(Math.max(...uniform.values()) > 2 * Math.min(...uniform.values()));
    const { sampling, weights } = await requestedSampling({ kind: "balanced", by: null }, dataset, train);
    assert.deepEqual(sampling, { kind: "balanced", by: ["race"] });
    for (const share of classShares(weights, "race").values()) assert.ok(Math.abs(share - 1 / 7) < 0.03, `${share}`);
  });

  test("balances the joint classes of several labels", async () => {
    const { weights } = await requestedSampling({ kind: "balanced", by: ["gender", "race"] }, dataset, train);
    for (const share of classShares(weights, "gender").values()) assert.ok(Math.abs(share - 0.5) < 0.05);
    for (const share of classShares(weights, "race").values()) assert.ok(Math.abs(share - 1 / 7) < 0.05);
  });

  test("names the labels there are where another is asked for", async () => {
    assert.match(
      await complaintOf(requestedSampling({ kind: "balanced", by: ["shoe"] }, dataset, train)),
      /"shoe" is no label; there are gender, race, ageBin \(--sampling\)/,
    );
  });
});

describe("sampling by a file of weights", () => {
  async function weightsFile(
    context: TestContext,
    lines: readonly string[],
  ): Promise<SamplingRequest & { path: string }> {
    const path = join(await temporaryFolder(context), "weights.csv");
    await writeFile(path, `${lines.join("\n")}\n`);
    return { kind: "file", path };
  }
  const rows = Array.from(train, (sample) => `${dataset.imageName(sample)},${sample % 4}`);

  test("reads a weight for each image, by name or by content, to the same hash", async (context) => {
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

  test("may name images of the other parts and such as were left out, in any encoding that label files come in", async (context) => {
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

  test("by names is refused where two images of the data set have the name, by content it is not", async (context) => {
    const images = { ...dataset, imageName: (sample: number) => `${sample % 200}.jpg` };
    const named = Array.from({ length: 200 }, (_, index) => `${index}.jpg,1`);
    assert.match(
      await complaintOf(requestedSampling(await weightsFile(context, ["file,weight", ...named]), images, train)),
      /line 2: 2 images of the data set are called "0.jpg"; name images by a column "sha256" instead/,
    );
    const contents = Array.from(train, (sample) => `${dataset.contentSha256(sample)},1`);
    const byContent = await weightsFile(context, ["sha256,weight", ...contents]);
    assert.equal((await requestedSampling(byContent, images, train)).weights?.length, train.length);
  });

  test("may hold numbers of any size: each counts relative to the greatest", async (context) => {
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

  test("is found again by the run spec's hash, and refused where it differs or is not named", async (context) => {
    const request = await weightsFile(context, ["file,weight", ...rows]);
    const { sampling, weights } = await requestedSampling(request, dataset, train);
    const found = await specifiedSampling(sampling, dataset, { train, weightsFile: request.path });
    assert.deepEqual(found, weights);
    assert.match(
      await complaintOf(specifiedSampling(sampling, dataset, { train, weightsFile: null })),
      /the run samples by a file of weights .* name it \(--sampling FILE.csv\)/,
    );
    await writeFile(request.path, ["file,weight", ...rows.map((row) => `${row}5`)].join("\n"));
    assert.match(
      await complaintOf(specifiedSampling(sampling, dataset, { train, weightsFile: request.path })),
      /holds other weights than the run's/,
    );
  });

  test("is refused with the line, the value and what to do", async (context) => {
    const complain = async (lines: readonly string[]): Promise<string> =>
      complaintOf(requestedSampling(await weightsFile(context, lines), dataset, train));
    assert.match(
      await complain(["image,weight", "a,1"]),
      /needs the columns "file" \(or "sha256"\) and "weight", found/,
    );
    assert.match(await complain(["file,weight", "a,-1"]), /line 2: weight "-1": must be a number of at least 0/);
    assert.match(await complain(["file,weight", "a,"]), /line 2: weight "": must be/);
    assert.match(
      await complain(["sep=;", "file;weight", "a;-1"]),
      /line 3: weight "-1": must be a number of at least 0/,
    );
    assert.match(await complain(["file,weight", "a,1", "a,2"]), /line 3: "a" stands there twice/);
    assert.match(await complain(["file,weight", `${rows[0]}`, "a,0x1"]), /line 3: weight "0x1": must be/);
    assert.match(
      await complain(["file,weight", ...rows, "a,1", "b,2"]),
      /line 342: "a" is no image of the data set \(and 1 more rows\); correct or delete the row/,
    );
    assert.match(await complain(["sha256,weight", `${"0".repeat(64)},1`]), /line 2: "0{64}" is no image/);
    assert.match(await complain(["file,weight", ...rows.slice(2)]), /2 images of the training part have no weight/);
    assert.match(
      await complain(["file,weight", ...rows.map((row) => row.replace(/\d+$/, "0"))]),
      /every image of the training part has weight 0/,
    );
    assert.match(
      await complaintOf(requestedSampling({ kind: "file", path: "/absent/w.csv" }, dataset, train)),
      /weights file \/absent\/w.csv is missing \(--sampling\)/,
    );
  });
});
