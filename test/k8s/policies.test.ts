// The checks of overlays.test.ts find faults: each test adds one fault to the rendered overlays and expects a
// complaint.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { needsKustomize } from "@lockstep/testkit";
import { commandLineComplaints } from "./command-lines.js";
import { type Manifest, podsIn } from "./manifest.js";
import { referencePolicies } from "./reference-policies.js";
import { copyKustomizations, type Kustomizations, root } from "./render.js";
import { podComplaints, schemaComplaints } from "./schemas.js";

const skip = needsKustomize();
let kustomizations: Kustomizations;
let validText: string;
before(async () => {
  kustomizations = await copyKustomizations();
  if (skip !== false) return;
  const jobSet = (await kustomizations.render("overlays/jobset")).filter(({ kind }) => kind === "JobSet");
  validText = JSON.stringify([...(await kustomizations.render("overlays/gpu")), ...jobSet]);
});
after(() => kustomizations.remove());

/** Returns all documents after one replacement in their text. */
function withFault(replace: string, by: string): Manifest[] {
  assert.ok(validText.includes(replace), `the rendered overlays do not contain ${replace}`);
  return JSON.parse(validText.replaceAll(replace, by));
}

const faults = (await readFile(join(root, "test/k8s/testdata/faults.txt"), "utf8"))
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => line.split(" => "));

for (const [replace = "", by = "", found = ""] of faults) {
  test(`a complaint names the fault ${replace} -> ${by === "" ? "nothing" : by}`, { skip }, async () => {
    const documents = withFault(replace, by);
    const complaints = [
      ...documents.flatMap(schemaComplaints),
      ...podsIn(documents).flatMap(podComplaints),
      ...Object.values(referencePolicies).flatMap((policy) => policy(documents)),
      ...(await commandLineComplaints(documents)),
    ];
    assert.ok(
      complaints.some((complaint) => new RegExp(found).test(complaint)),
      complaints.join("\n"),
    );
  });
}
