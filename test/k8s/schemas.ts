// Owns holding a manifest to its kind's schema, strictly: a field that the schema does not know is an error.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { type Manifest, nameOf } from "./manifest.js";
import { root } from "./render.js";

type Schema = Readonly<Record<string, unknown>>;

const customResources: Readonly<Record<string, string>> = {
  "jobset-jobset-v1alpha2.json": "jobset.x-k8s.io/v1alpha2 JobSet",
  "clustertrainingruntime-trainer-v1alpha1.json": "trainer.kubeflow.org/v1alpha1 ClusterTrainingRuntime",
  "trainjob-trainer-v1alpha1.json": "trainer.kubeflow.org/v1alpha1 TrainJob",
  "certificate-cert-manager-v1.json": "cert-manager.io/v1 Certificate",
  "issuer-cert-manager-v1.json": "cert-manager.io/v1 Issuer",
  "podmonitor-monitoring-v1.json": "monitoring.coreos.com/v1 PodMonitor",
  "prometheusrule-monitoring-v1.json": "monitoring.coreos.com/v1 PrometheusRule",
};

const folder = join(root, "test/k8s/schemas");
// Formats are int32 and the like; vocabulary that only an API server acts on is passed over.
const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true, code: { regExp: goRegExp() } });
const coreId = "core.json";
const metadata = { $ref: `${coreId}#/$defs/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta` };
const validators = loadValidators();

/** One line for each thing that is wrong. A kind without a schema is wrong, too. */
export function schemaComplaints(document: Manifest): string[] {
  const validate = validators.get(`${document.apiVersion} ${document.kind}`);
  if (validate === undefined) return [`${nameOf(document)}: no schema for ${document.apiVersion} ${document.kind}`];
  return validate(document) ? [] : (validate.errors ?? []).map((error) => `${nameOf(document)}: ${textOf(error)}`);
}

function loadValidators(): ReadonlyMap<string, ValidateFunction> {
  const core = read("core-v1.31.json") as { readonly $defs: Readonly<Record<string, Schema>> };
  ajv.addSchema({ ...core, $id: coreId });
  const found = new Map<string, ValidateFunction>();
  for (const [name, schema] of Object.entries(core.$defs)) {
    const kinds = (schema["x-kubernetes-group-version-kind"] ?? []) as readonly {
      group: string;
      version: string;
      kind: string;
    }[];
    for (const { group, version, kind } of kinds) {
      const apiVersion = group === "" ? version : `${group}/${version}`;
      found.set(`${apiVersion} ${kind}`, ajv.compile({ $ref: `${coreId}#/$defs/${name}` }));
    }
  }
  for (const [file, key] of Object.entries(customResources)) {
    const schema = strict(read(file)) as { readonly properties: Schema };
    found.set(key, ajv.compile({ ...schema, properties: { ...schema.properties, metadata } }));
  }
  const unused = readdirSync(folder).filter(
    (name) => name.endsWith(".json") && name !== "core-v1.31.json" && !(name in customResources),
  );
  if (unused.length > 0)
    throw new Error(`test/k8s/schemas: ${unused.join(", ")}: whose schema is it? name it in schemas.ts`);
  return found;
}

/** Go writes `(?i)` into a pattern where JavaScript has a flag beside it. */
function goRegExp() {
  const regExp = (pattern: string, flags: string): RegExp =>
    pattern.includes("(?i)") ? new RegExp(pattern.replaceAll("(?i)", ""), `${flags}i`) : new RegExp(pattern, flags);
  return Object.assign(regExp, { code: "new RegExp" });
}

function read(file: string): unknown {
  return JSON.parse(readFileSync(join(folder, file), "utf8"));
}

/** A custom resource's schema prunes what it does not know; here that is an error instead. */
function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strict);
  if (typeof schema !== "object" || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, strict(value)]));
  const open = "additionalProperties" in inner || inner["x-kubernetes-preserve-unknown-fields"] === true;
  return isObjectSchema(inner) && !open ? { ...inner, additionalProperties: false } : inner;
}

/** `properties` may be the name of a property as well; then its neighbours are schemas, and no `type` is a word. */
function isObjectSchema(schema: Schema): boolean {
  return schema["type"] === "object" && typeof schema["properties"] === "object";
}

function textOf({ instancePath, message, params }: ErrorObject): string {
  const { additionalProperty } = params as { readonly additionalProperty?: string };
  return additionalProperty === undefined
    ? `${instancePath} ${message}`
    : `${instancePath}/${additionalProperty} is no field of it`;
}
