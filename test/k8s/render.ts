// copyKustomizations() copies `k8s/` and renders overlays of the copy as the documents that kubectl would apply. The
// copy has files in place of the certificates that a person creates, and a test can add overlays to it.
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

/** The edits that docs/kubernetes.md describes. */
export const withFairface: readonly Edit[] = [
  { replace: "# - ../../components/fairface", by: "- ../../components/fairface" },
];
export const withoutOperators: readonly Edit[] = [
  { replace: "components/cert-manager", by: "components/certificate-files" },
  { replace: "  - ../../components/monitoring\n", by: "" },
];

export interface Kustomizations {
  /** @param path the folder of the kustomization, relative to `k8s/` */
  render(path: string): Promise<Manifest[]>;
  /** Adds the overlay `name`: a copy of `overlay` whose kustomization.yaml has the edits that a reader would make. */
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
        if (!text.includes(replace))
          throw new Error(`k8s/overlays/${overlay}/kustomization.yaml does not contain ${replace}`);
        text = text.replace(replace, by);
      }
      await writeFile(path, text);
    },
    remove: () => folder.remove(),
  };
}

/** @throws Error if kustomize fails or prints a warning */
async function render(path: string): Promise<Manifest[]> {
  const [command, ...args] = kustomizeCommand() ?? [];
  if (command === undefined) throw new Error("kustomize or kubectl is required, and neither is installed");
  const { stdout, stderr } = await promisify(execFile)(command, [...args, path], { maxBuffer: 1 << 26 });
  if (stderr !== "") throw new Error(`kustomize printed a warning for ${path}: ${stderr}`);
  return documentsIn(stdout);
}

/**
 * Parses documents as kubectl does: YAML 1.1, in which 0440 is an octal number.
 * @throws Error for any error or warning, for example a duplicate key
 */
export function documentsIn(text: string): Manifest[] {
  return parseAllDocuments(text, { version: "1.1", uniqueKeys: true }).map((document) => {
    const [problem] = [...document.errors, ...document.warnings];
    if (problem !== undefined) throw problem;
    return document.toJS() as Manifest; // schemaComplaints() checks that it is one
  });
}

/** Writes the files of `lockstep certs init` that kustomize reads. */
async function writeCertificates(folder: string): Promise<void> {
  for (const role of ["coordinator", "worker", "exporter", "operator"]) {
    await mkdir(join(folder, role), { recursive: true });
    for (const name of ["ca.crt", "tls.crt", "tls.key"]) await writeFile(join(folder, role, name), `${role} ${name}`);
  }
  await writeFile(join(folder, "coordinator/join-token"), "token");
}
