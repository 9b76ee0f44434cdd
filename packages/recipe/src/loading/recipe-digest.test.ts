import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
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

test("the digest is the same whatever the recipe's folder is called", async () => {
  const digests: string[] = [];
  for (const home of ["first/aaa", "second/zzz"]) {
    const entry = await write(`${home}/recipe.js`, 'import "../mmm/shared.js";');
    await write(`${home}/../mmm/shared.js`, "export const size = 1;");
    digests.push(recipeDigest(entry));
  }
  assert.equal(digests[0], digests[1]);
});
