// The checks that overlays pass find the faults that they are for: each of these overlays has one fault.
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
let sound: string;
before(async () => {
  kustomizations = await copyKustomizations();
  if (skip !== false) return;
  const jobSet = (await kustomizations.render("overlays/jobset")).filter(({ kind }) => kind === "JobSet");
  sound = JSON.stringify([...(await kustomizations.render("overlays/gpu")), ...jobSet]);
});
after(() => kustomizations.remove());

/** All documents after one replacement in their text. */
function faulty(replace: string, by: string): Manifest[] {
  assert.ok(sound.includes(replace), `${replace} is not there any more`);
  return JSON.parse(sound.replaceAll(replace, by));
}

const faults = (await readFile(join(root, "test/k8s/testdata/faults.txt"), "utf8"))
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => line.split(" => "));

for (const [replace = "", by = "", found = ""] of faults) {
  test(`${by === "" ? `the lack of ${replace}` : by} is found`, { skip }, async () => {
    const documents = faulty(replace, by);
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
