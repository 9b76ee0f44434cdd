import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { UserError } from "@lockstep/errors";
import { type LoadedRecipe, loadRecipe, loadRunRecipe } from "./load-recipe.js";
import { recipeDigest } from "./recipe-digest.js";

/** A folder outside the clone, where no Lockstep package is installed. */
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "lockstep-recipes-"));
  await write("package.json", '{ "type": "module" }');
});
after(() => rm(folder, { recursive: true }));

async function write(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  return path;
}

function code(name: string, more = ""): string {
  return `import { defineRecipe } from "@lockstep/recipe";
${more}
export default defineRecipe({
  name: "${name}",
  labels: { gender: { classes: ["Male", "Female"] } },
  heads: { gender: { loss: "crossEntropy" } },
  model: (net, images) => ({ gender: net.dense("gender", net.flatten(images), { units: 2 }) }),
});
`;
}

async function refusal(work: Promise<LoadedRecipe>): Promise<string> {
  const error = await work.then(
    () => assert.fail("was loaded"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof UserError, String(error));
  assert.ok(!error.message.includes("\n"), error.message);
  return error.message;
}

test("the built-in recipe is loaded by its name and has no digest", async () => {
  const { name, reference, sha256 } = await loadRecipe("fairface");
  assert.deepEqual([name, reference, sha256], ["fairface", "fairface", null]);
});

test("a recipe file outside the clone can import Lockstep's packages and be bound", async () => {
  const path = await write("mine.js", code("mine"));
  const recipe = await loadRecipe("./mine.js", folder);
  assert.deepEqual([recipe.name, recipe.reference], ["mine", path]);
  assert.match(recipe.sha256 ?? "", /^[0-9a-f]{64}$/);
  const labels = { schema: recipe.labels, numSamples: 2, columns: { gender: Uint8Array.of(0, 1) } };
  const bound = recipe.bind({ options: {}, imageSize: 2, labels, trainingSamples: Uint32Array.of(0, 1) });
  assert.deepEqual(
    bound.tensors.map(({ name, shape }) => [name, shape]),
    [
      ["gender/kernel", [12, 2]],
      ["gender/bias", [2]],
    ],
  );
});

test("the digest covers the files that a recipe imports by relative path, and no other files", async () => {
  const digestOf = async (name: string) => (await loadRecipe(join(folder, name))).sha256;
  const using = code("sized", 'import { size } from "./parts/size.js";\nvoid size;');
  await write("a/recipe.js", using);
  await write("a/parts/size.js", 'export { size } from "../number.js";');
  await write("a/number.js", "export const size = 1;");
  await write("b/recipe.js", using);
  await write("b/parts/size.js", 'export { size } from "../number.js";');
  await write("b/number.js", "export const size = 2;");
  await write("c/recipe.js", using);
  await write("c/parts/size.js", 'export { size } from "../number.js";');
  await write("c/number.js", "export const size = 1;");
  await write("c/notes.js", "nothing imports this");
  assert.notEqual(await digestOf("a/recipe.js"), await digestOf("b/recipe.js"));
  assert.equal(await digestOf("a/recipe.js"), await digestOf("c/recipe.js"));
});

test("the digest is computed before the recipe's code runs", async () => {
  const more = `import { appendFileSync } from "node:fs";
appendFileSync(new URL("./changing.js", import.meta.url), "// changed\\n");`;
  const [first, second] = [await write("one/changing.js", code("changing", more)), "two/changing.js"];
  const { sha256 } = await loadRecipe(first);
  assert.equal(sha256, (await loadRecipe(await write(second, code("changing", more)))).sha256);
  assert.equal(sha256, recipeDigest(await write(second, code("changing", more))));
});

test("a package is searched for from the working folder, and its version is part of the digest", async () => {
  for (const [place, version] of [
    ["one", "1.0.0"],
    ["two", "1.0.1"],
  ] as const) {
    const home = `${place}/node_modules/@me/faces`;
    const exports = { ".": { types: "./main.d.ts", import: "./main.js" } };
    await write(`${home}/package.json`, JSON.stringify({ name: "@me/faces", version, type: "module", exports }));
    await write(`${home}/main.js`, code("faces"));
  }
  const one = await loadRecipe("@me/faces", join(folder, "one"));
  const two = await loadRecipe("@me/faces", join(folder, "two"));
  assert.equal(one.reference, join(folder, "one/node_modules/@me/faces/main.js"));
  assert.notEqual(one.sha256, two.sha256);
  assert.equal((await loadRecipe(one.reference)).sha256, one.sha256);
});

test("a broken package.json of a recipe's package is refused in one line that names the file", async () => {
  const home = "broken/node_modules/faces";
  const entry = await write(`${home}/index.js`, code("faces"));
  await write(`${home}/package.json`, '{ "name": "faces",\n');
  const byName = await refusal(loadRecipe("faces", join(folder, "broken")));
  assert.match(byName, /^recipe faces: .*faces[\\/]package\.json: is not JSON: .*; install the package again$/);
  const byPath = await refusal(loadRecipe(entry));
  assert.match(byPath, /^recipe .*index\.js: .*faces[\\/]package\.json: is not JSON: .*; install the package again$/);
  await write(`${home}/package.json`, '{ "name": "faces", "version": 1 }');
  assert.match(await refusal(loadRecipe(entry)), /package\.json: version: .*expected string/);
  await write(`${home}/package.json`, "null");
  assert.match(await refusal(loadRecipe("faces", join(folder, "broken"))), /package\.json: .*expected object/);
});

test("a recipe that cannot be loaded is refused in one line with the path and the remedy", async () => {
  const loading = (name: string) => refusal(loadRecipe(name, folder));
  assert.match(
    await loading("imagenet"),
    /^recipe imagenet: is neither built in \(fairface\) nor an installed package; .*\.\/imagenet\.js/,
  );
  assert.match(await loading("./absent.js"), /absent\.js: the file .*absent\.js does not exist \(--recipe\)/);
  await write("folder.js/x", "");
  assert.match(await loading("./folder.js"), /is a folder; give the path of the file in it/);
  await write("broken.js", "const a = 1;\nexport default {,};\n");
  assert.match(await loading("./broken.js"), /broken\.js: does not load: Unexpected token ',' \(line 2\)/);
  await write("throws.js", "\n\nthrow new Error('no GPU today');\n");
  assert.match(await loading("./throws.js"), /throws\.js: does not load: no GPU today \(line 3\)/);
  await write("lacking.js", "import './nothing.js';\n");
  assert.match(await loading("./lacking.js"), /lacking\.js: does not load: Cannot find module .*nothing\.js/);
  await write("empty.js", "export const recipe = 1;\n");
  assert.match(await loading("./empty.js"), /has no default export; end it with: export default defineRecipe/);
  await write("other.js", "export default { name: 'x' };\n");
  assert.match(await loading("./other.js"), /its default export is not a recipe/);
  await write("taken.js", code("fairface"));
  assert.match(
    await loading("./taken.js"),
    /its name "fairface" is the name of a built-in recipe; choose another name/,
  );
  await write("typo.js", code("typo").replace("heads:", "headz:"));
  assert.match(
    await loading("./typo.js"),
    /typo\.js: recipe typo: field "headz" is unknown; the fields are name, labels/,
  );
});

test("a TypeScript recipe is refused if this Node cannot run TypeScript", {
  skip: "typescript" in process.features,
}, async () => {
  await write("typed.ts", "export default 1;");
  assert.match(await refusal(loadRecipe("./typed.ts", folder)), /does not run TypeScript; compile it/);
});

test("a recipe is refused if its code differs from the run's recipe", async () => {
  const path = await write("run.js", code("run"));
  const { sha256 } = await loadRecipe(path);
  const run = { name: "run", sha256: sha256 ?? "" };
  assert.equal((await loadRunRecipe(run, path)).sha256, sha256);
  assert.match(
    await refusal(loadRunRecipe(run, undefined)),
    /the run's recipe run is not built in; give the path of the same file on this machine \(--recipe\)/,
  );
  const other = await write("other/run.js", `${code("run")}// changed\n`);
  const message = await refusal(loadRunRecipe(run, other));
  assert.ok(message.includes(run.sha256) && message.includes((await loadRecipe(other)).sha256 ?? "-"), message);
  assert.match(message, /copy the run's file to this machine/);
  assert.match(
    await refusal(loadRunRecipe({ name: "fairface" }, path)),
    /the run's recipe is the built-in fairface; remove --recipe/,
  );
  assert.equal((await loadRunRecipe({ name: "fairface" }, undefined)).name, "fairface");
});
