import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { complaintsAbout, environmentOfChildren, otherVariables } from "./environment.js";

test("an unknown variable is reported with the nearest setting", () => {
  assert.deepEqual(complaintsAbout({ LOCKSTEP_EPOCHS: "3", LOCKSTEP_FAULTS: "", PATH: "/bin" }), []);
  assert.deepEqual(complaintsAbout({ LOCKSTEP_IMAGESIZE: "3", LOCKSTEP_NOTHING_OF_THE_KIND: "1" }), [
    "warning: LOCKSTEP_IMAGESIZE: no such setting; did you mean LOCKSTEP_IMAGE_SIZE?",
    "warning: LOCKSTEP_NOTHING_OF_THE_KIND: no such setting (lockstep config --help)",
  ]);
});

test("variables that Kubernetes sets for a Service named lockstep cause no warning", () => {
  const service = {
    LOCKSTEP_PORT: "tcp://10.0.0.1:7700",
    LOCKSTEP_SERVICE_HOST: "10.0.0.1",
    LOCKSTEP_PORT_7700_TCP_ADDR: "10.0.0.1",
    LOCKSTEP_COORDINATOR_SERVICE_PORT: "7700",
  };
  assert.deepEqual(complaintsAbout(service), []);
});

test("the processes of a run get all variables of the launcher except settings", () => {
  const env = { LOCKSTEP_EPOCHS: "3", LOCKSTEP_CONFIG: "run.yaml", LOCKSTEP_FAULTS: "[]", PATH: "/bin" };
  assert.deepEqual(environmentOfChildren(env), { LOCKSTEP_FAULTS: "[]", PATH: "/bin" });
});

test("every variable that a source reads, and that is not a setting, is in the list", () => {
  const packages = fileURLToPath(new URL("../../../../packages/", import.meta.url));
  const read = new Set<string>();
  for (const path of sourcesIn(packages)) {
    const text = readFileSync(path, "utf8");
    for (const [, name = ""] of text.matchAll(/(?:getenv\("|env(?:\.|\[")|= ")(LOCKSTEP_[A-Z_]+)\b/g)) read.add(name);
  }
  assert.ok(read.has("LOCKSTEP_TORCH_TRACE") && read.has("LOCKSTEP_FAULTS"), "the search finds what is known");
  assert.deepEqual([...read].filter((name) => !otherVariables.includes(name)).sort(), []);
});

function sourcesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (/^(node_modules|dist|build)$/.test(entry.name)) return [];
    if (entry.isDirectory()) return sourcesIn(join(folder, entry.name));
    return /(?<!\.test)\.(ts|cc|cpp|h|js|mjs)$/.test(entry.name) ? [join(folder, entry.name)] : [];
  });
}
