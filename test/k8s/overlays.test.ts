// Every overlay renders without a warning, is valid, and complies with our policies.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { needsKustomize } from "@lockstep/testkit";
import { commandLineComplaints } from "./command-lines.js";
import { type Manifest, podsIn } from "./manifest.js";
import { type Endpoint, isAllowed } from "./reachability.js";
import { referencePolicies } from "./reference-policies.js";
import {
  copyKustomizations,
  documentsIn,
  type Kustomizations,
  root,
  withFairface,
  withoutOperators,
} from "./render.js";
import { podComplaints, schemaComplaints } from "./schemas.js";

const overlays = ["dev", "gpu", "jobset", "kubeflow"];
const variants = [
  ...overlays.map((overlay) => ({ overlay, name: `${overlay}-fairface`, edits: withFairface })),
  { overlay: "gpu", name: "gpu-without-operators", edits: withoutOperators },
];
const skip = needsKustomize();

let kustomizations: Kustomizations;
before(async () => {
  kustomizations = await copyKustomizations();
  for (const { overlay, name, edits } of variants) await kustomizations.addVariant(overlay, name, edits);
});
after(() => kustomizations.remove());

for (const overlay of [...overlays, ...variants.map(({ name }) => name)]) {
  describe(`the overlay ${overlay}`, { skip }, () => {
    let documents: Manifest[];
    before(async () => {
      documents = await kustomizations.render(`overlays/${overlay}`);
    });

    test("is valid", () => {
      assert.ok(documents.length > 10);
      assert.deepEqual(documents.flatMap(schemaComplaints), []);
    });

    test("describes pods that comply with pod-rules.yaml", () => {
      assert.equal(podsIn(documents).length, 3);
      assert.deepEqual(podsIn(documents).flatMap(podComplaints), []);
    });

    test("contains everything that its documents refer to", () => {
      assert.deepEqual(
        Object.values(referencePolicies).flatMap((policy) => policy(documents)),
        [],
      );
    });

    test("has only command lines and settings that the commands accept", async () => {
      assert.deepEqual(await commandLineComplaints(documents), []);
    });

    test("allows the connections that are needed, and no others", () => {
      assert.deepEqual(connectionsOf(documents), [
        "worker -> coordinator:50051",
        "exporter -> coordinator:50051",
        "prometheus -> exporter:9464",
      ]);
      const dns: Endpoint = { namespace: "kube-system", labels: { "k8s-app": "kube-dns" } };
      for (const from of ours) assert.ok(isAllowed(documents, { from, to: dns, port: 53, protocol: "UDP" }));
    });
  });
}

test("the TrainJob is valid, refers to the runtime, and is not in the overlay, because the runtime must exist first", {
  skip,
}, async () => {
  const trainJobs = documentsIn(await readFile(join(root, "k8s/overlays/kubeflow/train-job.yaml"), "utf8"));
  const platform = await kustomizations.render("overlays/kubeflow");
  assert.deepEqual(trainJobs.flatMap(schemaComplaints), []);
  assert.deepEqual(
    trainJobs.map(({ kind, metadata }) => [kind, metadata.namespace]),
    [["TrainJob", "lockstep"]],
  );
  const runtimes = platform
    .filter(({ kind }) => kind === "ClusterTrainingRuntime")
    .map(({ metadata }) => metadata.name);
  assert.deepEqual(
    trainJobs.map(({ spec }) => spec?.runtimeRef?.name),
    runtimes,
  );
  assert.ok(platform.every(({ kind }) => kind !== "TrainJob"));
});

function endpoint(component: string): Endpoint {
  return {
    namespace: "lockstep",
    labels: { "app.kubernetes.io/name": "lockstep", "app.kubernetes.io/component": component },
  };
}

const ours = ["coordinator", "worker", "exporter"].map(endpoint);
const others: Endpoint[] = [
  { namespace: "monitoring", labels: { "app.kubernetes.io/name": "prometheus" } },
  { namespace: "lockstep", labels: { "app.kubernetes.io/name": "other" } },
  { namespace: "default", labels: { "app.kubernetes.io/name": "lockstep", "app.kubernetes.io/component": "worker" } },
];

function connectionsOf(documents: readonly Manifest[]): string[] {
  const nameOf = ({ labels }: Endpoint) => labels["app.kubernetes.io/component"] ?? labels["app.kubernetes.io/name"];
  return [50051, 50052, 9464].flatMap((port) =>
    ours.flatMap((to) =>
      [...ours, ...others]
        .filter((from) => isAllowed(documents, { from, to, port }))
        .map((from) => `${nameOf(from)} -> ${nameOf(to)}:${port}`),
    ),
  );
}
