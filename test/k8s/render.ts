// Owns rendering: a kustomization as the documents that kubectl would apply. It works on a copy of `k8s/`, to which a test
// may add what a person makes first (certificates) and overlays of its own.
import { execFile } from "node:child_process";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { kustomizeCommand, temporaryFolder } from "@lockstep/testkit";
import { parseAllDocuments } from "yaml";
import type { Manifest } from "./manifest.js";

export const root = fileURLToPath(new URL("../../../", import.meta.url));

export interface Edit {
  readonly replace: string;
  readonly by: string;
}

/** As docs/kubernetes.md has them. */
export const withFairface: readonly Edit[] = [
  { replace: "# - ../../components/fairface", by: "- ../../components/fairface" },
];
export const withoutOperators: readonly Edit[] = [
  { replace: "components/cert-manager", by: "components/certificate-files" },
  { replace: "  - ../../components/monitoring\n", by: "" },
];

export interface Kustomizations {
  /** @param path of its folder, below `k8s/` */
  render(path: string): Promise<Manifest[]>;
  /** Adds the overlay `name`: another one after an edit of its kustomization.yaml, as its reader would make it. */
  addVariant(overlay: string, name: string, edits: readonly Edit[]): Promise<void>;
  remove(): Promise<void>;
}

export async function copyKustomizations(): Promise<Kustomizations> {
  const folder = await temporaryFolder();
  const k8s = join(folder.path, "k8s");
  await cp(join(root, "k8s"), k8s, { recursive: true });
  await writeCertificates(join(k8s, "components/certificate-files/certs"));
  return {
    render: (path) => render(join(k8s, path)),
    async addVariant(overlay, name, edits) {
      await cp(join(k8s, "overlays", overlay), join(k8s, "overlays", name), { recursive: true });
      const path = join(k8s, "overlays", name, "kustomization.yaml");
      let text = await readFile(path, "utf8");
      for (const { replace, by } of edits) {
        if (!text.includes(replace)) throw new Error(`k8s/overlays/${overlay}/kustomization.yaml: has no ${replace}`);
        text = text.replace(replace, by);
      }
      await writeFile(path, text);
    },
    remove: () => folder.remove(),
  };
}

/** Nothing may be said on stderr: a warning there is a mistake here. */
async function render(path: string): Promise<Manifest[]> {
  const [command, ...args] = kustomizeCommand() ?? [];
  if (command === undefined) throw new Error("neither kustomize nor kubectl is here");
  const { stdout, stderr } = await promisify(execFile)(command, [...args, path], { maxBuffer: 1 << 26 });
  if (stderr !== "") throw new Error(`kustomize says of ${path}: ${stderr}`);
  return documentsIn(stdout);
}

/** As kubectl reads them: YAML 1.1, where 0440 is an octal number. A key that comes twice is an error. */
export function documentsIn(text: string): Manifest[] {
  return parseAllDocuments(text, { version: "1.1", uniqueKeys: true }).map((document) => {
    const [problem] = [...document.errors, ...document.warnings];
    if (problem !== undefined) throw problem;
    return document.toJS() as Manifest; // the schemas decide whether it is one
  });
}

/** What `lockstep certs init` writes, as far as kustomize looks at it. */
async function writeCertificates(folder: string): Promise<void> {
  for (const role of ["coordinator", "worker", "exporter", "operator"]) {
    await mkdir(join(folder, role), { recursive: true });
    for (const name of ["ca.crt", "tls.crt", "tls.key"]) await writeFile(join(folder, role, name), `${role} ${name}`);
  }
  await writeFile(join(folder, "coordinator/join-token"), "token");
}
