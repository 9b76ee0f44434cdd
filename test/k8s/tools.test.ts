// The pods of k8s/tools are valid, and comply with pod-rules.yaml.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { podsIn } from "./manifest.js";
import { documentsIn, root } from "./render.js";
import { podComplaints, schemaComplaints } from "./schemas.js";

const folder = join(root, "k8s/tools");

for (const file of await readdir(folder)) {
  test(`k8s/tools/${file} is valid, and complies with pod-rules.yaml`, async () => {
    const documents = documentsIn(await readFile(join(folder, file), "utf8"));
    assert.equal(podsIn(documents).length, 1);
    assert.deepEqual(documents.flatMap(schemaComplaints), []);
    assert.deepEqual(podsIn(documents).flatMap(podComplaints), []);
  });
}
