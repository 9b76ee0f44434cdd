// schemaComplaints() validates a document with the strict JSON Schema of its kind, and podComplaints() validates a pod
// with our rules (pod-rules.yaml). Both use ajv.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv, type ValidateFunction } from "ajv";
import { parse } from "yaml";
import { type DescribedPod, type Manifest, nameOf } from "./manifest.js";
import { root } from "./render.js";

interface Kind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}
interface SchemaFile {
  readonly $defs: Readonly<Record<string, { readonly "x-kubernetes-group-version-kind"?: readonly Kind[] }>>;
}

const folder = join(root, "test/k8s/schemas");
// Formats such as int32 are not checked. Keywords for API servers are ignored.
const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true, $data: true });
const validators = new Map<string, ValidateFunction>();

const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
const schemas = files.map((name): [string, SchemaFile] => [name, JSON.parse(readFileSync(join(folder, name), "utf8"))]);
for (const [name, schema] of schemas) ajv.addSchema({ ...schema, $id: name });
for (const [name, { $defs }] of schemas) {
  for (const [key, { "x-kubernetes-group-version-kind": kinds = [] }] of Object.entries($defs)) {
    for (const { group, version, kind } of kinds) {
      const apiVersion = group === "" ? version : `${group}/${version}`;
      validators.set(`${apiVersion} ${kind}`, ajv.compile({ $ref: `${name}#/$defs/${key}` }));
    }
  }
}

/** Returns one line for each fault. A kind without a schema is a fault too. */
export function schemaComplaints(document: Manifest): string[] {
  const validate = validators.get(`${document.apiVersion} ${document.kind}`);
  if (validate === undefined) return [`${nameOf(document)}: no schema for ${document.apiVersion} ${document.kind}`];
  return complaints(validate, document).map((complaint) => `${nameOf(document)}: ${complaint}`);
}

ajv.addSchema({ ...parse(readFileSync(join(root, "test/k8s/pod-rules.yaml"), "utf8")), $id: "pod-rules" });
const rulesFor = (name: string) => ajv.compile({ $ref: `pod-rules#/$defs/${name}` });
const rules = { shell: rulesFor("pod"), coordinator: rulesFor("coordinator"), worker: rulesFor("worker") };
const otherRules = rulesFor("workload");

export function podComplaints({ name, component, ...pod }: DescribedPod): string[] {
  const validate = Object.entries(rules).find(([key]) => key === component)?.[1] ?? otherRules;
  return complaints(validate, pod).map((complaint) => `${name}: ${complaint}`);
}

function complaints(validate: ValidateFunction, value: unknown): string[] {
  if (validate(value)) return [];
  return (validate.errors ?? []).map(({ instancePath, message, params }) => {
    const { additionalProperty } = params as { readonly additionalProperty?: string };
    return additionalProperty === undefined
      ? `${instancePath} ${message}`
      : `${instancePath}/${additionalProperty} is an unknown field`;
  });
}
