// Tests of import-rules.mjs, and of this clone by its rules.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { findViolations, violationsIn } from "./import-rules.mjs";

const inPackage = (name, text, path = `packages/${name}/src/example.ts`) => violationsIn({ path, package: name, text });

test("an import that is not in the package's list is reported with the package's list", () => {
  const [violation, ...others] = inPackage("coordinator", 'import { runWorker } from "@lockstep/worker";');
  assert.match(violation, /coordinator\/src\/example.ts: imports @lockstep\/worker: coordinator may import errors/);
  assert.deepEqual(others, []);
});

test("imports over several lines, imports of types, re-exports and dynamic imports are found", () => {
  assert.equal(inPackage("protocol", 'import {\n  a,\n  b,\n} from "@lockstep/service";').length, 1);
  assert.equal(inPackage("protocol", 'import type { A } from "@lockstep/service";').length, 1);
  assert.equal(inPackage("protocol", 'export { a } from "@lockstep/service";').length, 1);
  assert.equal(inPackage("protocol", 'const s = await import("@lockstep/service");').length, 1);
  assert.equal(inPackage("protocol", 'import "@lockstep/service";').length, 1);
});

test("an import in a comment is ignored", () => {
  assert.deepEqual(inPackage("protocol", '// import { a } from "@lockstep/service";\n/* from "@lockstep/cli" */'), []);
});

test("a deep import and an import by a path into another package are reported", () => {
  assert.match(
    inPackage("worker", 'import { x } from "@lockstep/protocol/dist/x.js";')[0],
    /import only from the package's index/,
  );
  assert.match(
    inPackage("worker", 'import { x } from "../../protocol/src/x.js";')[0],
    /import another package by its name/,
  );
});

test("only tests may import a package's helpers for tests (@lockstep/NAME/testing)", () => {
  const text = 'import { temporaryFolder } from "@lockstep/dataset/testing";';
  assert.deepEqual(inPackage("dataset-tools", text, "packages/dataset-tools/src/example.test.ts"), []);
  assert.match(inPackage("dataset-tools", text)[0], /import only from the package's index/);
  assert.match(inPackage("exporter", text, "packages/exporter/src/example.test.ts")[0], /exporter may import errors/);
});

test("a pure folder may use no clock, timer, randomness, process or Node module", () => {
  const path = "packages/coordinator/src/core/example.ts";
  const forbidden = [
    'import { readFile } from "node:fs/promises";',
    'import { Server } from "@grpc/grpc-js";',
    "const now = Date.now();",
    "const when = new Date();",
    "const r = Math.random();",
    "setTimeout(() => {}, 1);",
    "const t = performance.now();",
    "const e = process.env.HOME;",
  ];
  for (const text of forbidden) assert.equal(inPackage("coordinator", text, path).length, 1, text);
  assert.deepEqual(
    inPackage("coordinator", "// unlike Date.now(), nowMs is passed in\nconst later = nowMs + 1;", path),
    [],
  );
});

test("numerics may use Node only in native.ts", () => {
  const text = 'import process from "node:process";';
  assert.deepEqual(inPackage("numerics", text, "packages/numerics/src/native.ts"), []);
  assert.equal(inPackage("numerics", text, "packages/numerics/src/vector.ts").length, 1);
});

test("recipe may import the torch backend only dynamically", () => {
  assert.deepEqual(inPackage("recipe", 'const b = await import("@lockstep/tfjs-backend-torch");'), []);
  assert.equal(inPackage("recipe", 'import { x } from "@lockstep/tfjs-backend-torch";').length, 1);
});

test("this clone keeps the rules", () => {
  assert.deepEqual(findViolations(fileURLToPath(new URL("..", import.meta.url))), []);
});
