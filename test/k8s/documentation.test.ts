// docs/kubernetes.md speaks of what is there: files, objects, labels.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { needsKustomize } from "@lockstep/testkit";
import type { Manifest } from "./manifest.js";
import { copyKustomizations, documentsIn, type Kustomizations, root, withFairface } from "./render.js";

const page = await readFile(join(root, "docs/kubernetes.md"), "utf8");
const madeByItsReader = ["secret/lockstep-join-token", "configmap/lockstep-dashboard"];
const singleFiles = ["k8s/tools/runs-shell.yaml", "k8s/tools/data-shell.yaml", "k8s/overlays/kubeflow/train-job.yaml"];

test("files that docs/kubernetes.md names are there", () => {
  const paths = matches(/(?<![\w./-])((?:k8s|deploy|docs|test|scripts|packages)\/[\w./-]*\w)/g);
  assert.ok(paths.length > 15);
  assert.deepEqual(
    paths
      .filter((path) => !path.endsWith("/certs")) // made by its reader
      .filter((path) => !existsSync(join(root, path))),
    [],
  );
});

test("logs that docs/kubernetes.md follows by a label are whole, and of more pods than kubectl's five", () => {
  const commands = matches(/^(kubectl .*\blogs .*)$/gm).filter((command) => / -l /.test(command));
  assert.ok(commands.length > 0);
  for (const command of commands) assert.match(command, /--tail=-1 .*--max-log-requests=\d+/);
});

describe("with the manifests", { skip: needsKustomize() }, () => {
  let kustomizations: Kustomizations;
  let documents: Manifest[];
  before(async () => {
    kustomizations = await copyKustomizations();
    await kustomizations.addVariant("dev", "dev-fairface", withFairface);
    const overlays = ["dev-fairface", "gpu", "jobset", "kubeflow"];
    const rendered = await Promise.all(overlays.map((overlay) => kustomizations.render(`overlays/${overlay}`)));
    const applied = await Promise.all(singleFiles.map((path) => readFile(join(root, path), "utf8")));
    documents = [...rendered.flat(), ...applied.flatMap(documentsIn)];
  });
  after(() => kustomizations.remove());

  test("objects that docs/kubernetes.md names are in them", () => {
    const named = Array.from(
      page.matchAll(
        /\b(job|pod|deployment|secret|service|serviceaccount|persistentvolumeclaim|configmap|networkpolicy|jobset|clustertrainingruntime|trainjob|certificate|podmonitor)s?[ /]`?(lockstep[\w-]*\w)/gi,
      ),
      ([, kind = "", name = ""]) => `${kind.toLowerCase()}/${name}`,
    ).filter((name) => !madeByItsReader.includes(name));
    const there = documents.map(({ kind, metadata }) => `${kind.toLowerCase()}/${metadata.name}`);
    assert.ok(named.length > 20);
    assert.deepEqual(
      named.filter((name) => !there.includes(name)),
      [],
    );
  });

  test("labels that docs/kubernetes.md selects by are pods'", () => {
    const text = JSON.stringify(documents);
    const components = matches(/app\.kubernetes\.io\/component=(\w+)/g);
    assert.ok(components.length > 2);
    assert.deepEqual(
      components.filter((component) => !text.includes(`"app.kubernetes.io/component":"${component}"`)),
      [],
    );
  });
});

function matches(pattern: RegExp): string[] {
  return Array.from(page.matchAll(pattern), ([, found = ""]) => found);
}
