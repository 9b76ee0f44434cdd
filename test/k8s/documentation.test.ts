// The files, objects and labels that docs/kubernetes.md names exist.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { needsKustomize } from "@lockstep/testkit";
import type { Manifest } from "./manifest.js";
import { copyKustomizations, documentsIn, type Kustomizations, root, withFairface } from "./render.js";

const page = await readFile(join(root, "docs/kubernetes.md"), "utf8");
const createdByReader = ["secret/lockstep-join-token", "configmap/lockstep-dashboard"];
const singleFiles = ["k8s/tools/runs-shell.yaml", "k8s/tools/data-shell.yaml", "k8s/overlays/kubeflow/train-job.yaml"];

test("the files that docs/kubernetes.md names exist", () => {
  const paths = matches(/(?<![\w./-])((?:k8s|deploy|docs|test|scripts|packages)\/[\w./-]*\w)/g);
  assert.ok(paths.length > 15);
  assert.deepEqual(
    paths
      .filter((path) => !path.endsWith("/certs")) // the reader creates it
      .filter((path) => !existsSync(join(root, path))),
    [],
  );
});

test("commands of docs/kubernetes.md that select logs by a label print whole logs, of more than five pods (kubectl's default)", () => {
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

  test("the objects that docs/kubernetes.md names are in the manifests", () => {
    const named = Array.from(
      page.matchAll(
        /\b(job|pod|deployment|secret|service|serviceaccount|persistentvolumeclaim|configmap|networkpolicy|jobset|clustertrainingruntime|trainjob|certificate|podmonitor)s?[ /]`?(lockstep[\w-]*\w)/gi,
      ),
      ([, kind = "", name = ""]) => `${kind.toLowerCase()}/${name}`,
    ).filter((name) => !createdByReader.includes(name));
    const existing = documents.map(({ kind, metadata }) => `${kind.toLowerCase()}/${metadata.name}`);
    assert.ok(named.length > 20);
    assert.deepEqual(
      named.filter((name) => !existing.includes(name)),
      [],
    );
  });

  test("the component labels that docs/kubernetes.md selects are labels of pods", () => {
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
