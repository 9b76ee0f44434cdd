// Tests a recipe's own source, i.e. a form of the data that only the recipe can read.
import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256Hex } from "./content-index.js";
import type { DatasetSource, SourceContext } from "./dataset.js";
import type { LabelSchema } from "./labels/label-schema.js";
import { openDataset } from "./open-dataset.js";
import { madeJpeg, recordingLog, temporaryFolder } from "./testing/made-folder.js";

const schema: LabelSchema = {
  name: "pets",
  fields: [{ kind: "class", name: "species", column: "species", classes: ["cat", "dog"] }],
};

test("a recipe's own source receives the path and the column map, and its bytes are checked like those of other sources", async (context) => {
  const folder = await temporaryFolder(context);
  const images = [await madeJpeg(1), await madeJpeg(2), await madeJpeg(3)];
  const contexts: SourceContext[] = [];
  const source = (given: SourceContext): DatasetSource => {
    contexts.push(given);
    return {
      list: async () => ({
        samples: images.map((bytes, i) => ({
          name: `pet-${i}`,
          origin: i < 2 ? 0 : 1,
          labels: { species: i % 2 },
          contentSha256: sha256Hex(bytes),
        })),
        unusable: [],
        unlabelled: [],
      }),
      read: async (listIndex) => images[listIndex] ?? assert.fail(`no image ${listIndex}`),
    };
  };
  const options = { data: folder, cacheDir: `${folder}-cache`, schema, columns: { species: "animal" }, source };
  const dataset = await openDataset({ ...options, log: recordingLog() });
  assert.equal(dataset.labels.numSamples, 3);
  assert.deepEqual([contexts[0]?.data, contexts[0]?.columns], [folder, { species: "animal" }]);
  assert.equal(contexts[0]?.schema.fields[0]?.column, "animal");
  if (dataset.pixelSource !== "encoded") assert.fail("generated");
  assert.equal(sha256Hex(await dataset.readEncoded(0)), dataset.contentSha256(0));
  images.fill(await madeJpeg(4));
  await assert.rejects(dataset.readEncoded(0), /image "pet-\d" changed while it was in use/);
});
