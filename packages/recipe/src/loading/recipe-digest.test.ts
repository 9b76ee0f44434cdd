import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { recipeDigest } from "./recipe-digest.js";

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "lockstep-digest-"));
});
after(() => rm(folder, { recursive: true }));

async function write(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  return path;
}

test("the digest does not depend on the name of the recipe's folder", async () => {
  const digests: string[] = [];
  for (const home of ["first/aaa", "second/zzz"]) {
    const entry = await write(`${home}/recipe.js`, 'import "../mmm/shared.js";');
    await write(`${home}/../mmm/shared.js`, "export const size = 1;");
    digests.push(recipeDigest(entry));
  }
  assert.equal(digests[0], digests[1]);
});

test("the digest of a symbolic link is the digest of its target, which covers the target's imports", async () => {
  const real = await write("linked/real/recipe.js", 'import "./part.js";');
  await write("linked/real/part.js", "export const size = 1;");
  await write("linked/part.js", "not what Node imports");
  const link = join(folder, "linked/recipe.js");
  await symlink("real/recipe.js", link);
  const first = recipeDigest(link);
  assert.equal(first, recipeDigest(real));
  await write("linked/real/part.js", "export const size = 2;");
  assert.notEqual(recipeDigest(link), first);
});

test("the digest covers the target of an imported symbolic link, and the target's imports", async () => {
  const entry = await write("through/recipe.js", 'import "./part.js";');
  await write("through/real/part.js", 'export * from "./number.js";');
  await write("through/real/number.js", "export const size = 1;");
  await symlink("real/part.js", join(folder, "through/part.js"));
  const first = recipeDigest(entry);
  await write("through/real/number.js", "export const size = 2;");
  assert.notEqual(recipeDigest(entry), first);
});

const forms: readonly (readonly [naming: string, file: string])[] = [
  ['import "./part.js";', "part.js"],
  ['import "./part.js?fresh#1";', "part.js"],
  ['import { size } from "./my%20part.js";', "my part.js"],
  ["export * from './part.mjs'", "part.mjs"],
  ['import weights from "./weights.json" with { type: "json" };', "weights.json"],
  ['await import(/* the sizes */ "./part.js");', "part.js"],
  ['const part = require("./part");', "part.cjs"],
  ['const part = require("./my%20part.js");', "my%20part.js"],
  ['const part = require("..");', "../index.js"],
  ['readFileSync(new URL("./weights.bin", import.meta.url));', "weights.bin"],
  ['readFileSync(new URL("weights.json", import.meta.url));', "weights.json"],
];
for (const [i, [naming, file]] of forms.entries()) {
  test(`the digest covers ${file} if the recipe contains ${naming}`, async () => {
    const entry = await write(`form-${i}/home/recipe.js`, naming);
    await write(`form-${i}/home/${file}`, "1");
    const first = recipeDigest(entry);
    await write(`form-${i}/home/${file}`, "2");
    assert.notEqual(recipeDigest(entry), first);
  });
}

test("names in comments and strings that are not the path of a file are ignored", async () => {
  const harmless = [
    '// import "./gone.js"; import "./100%.js"; import "./a%2Fb.js"; import "./a%00.js";',
    "export const hint = \"from './absent.js'\";",
    'export const folder = new URL("./", import.meta.url), site = new URL("https://example.org/", import.meta.url);',
  ].join("\n");
  const entry = await write("harmless/recipe.js", harmless);
  const first = recipeDigest(entry);
  await write("harmless/notes.js", "nothing names this");
  assert.equal(recipeDigest(entry), first);
});
