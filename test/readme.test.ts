// Every shell snippet of the README works as it stands, in the order of the page; its links lead somewhere.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { needsTorch, temporaryFolder } from "@lockstep/testkit";

const root = fileURLToPath(new URL("../../", import.meta.url));
const readme = await readFile(join(root, "README.md"), "utf8");

/** A test that runs `npm test` would not end, and the demo is the set-up's own test. */
const notRun = ["npm run demo\nnpm test"];

const snippets = Array.from(readme.matchAll(/^```(\S*)([^\n]*)\n([\s\S]*?)^```$/gm), ([, language, tag, text]) => ({
  language: language ?? "",
  tag: tag?.trim() ?? "",
  text: text?.trim() ?? "",
}));

test("only the snippets that cannot be run are not run", () => {
  const tags = snippets.filter(({ tag }) => tag !== "");
  assert.deepEqual(
    tags.map(({ tag, text }) => [tag, text]),
    notRun.map((text) => ["no-run", text]),
  );
  assert.deepEqual([...new Set(snippets.map(({ language }) => language))].sort(), ["", "sh"]);
});

test("the README's snippets run", { skip: needsTorch() }, async () => {
  const folder = await temporaryFolder();
  try {
    // npx finds the command as it does in a clone.
    await symlink(join(root, "node_modules"), join(folder.path, "node_modules"));
    await mkdir(join(folder.path, "cache"));
    for (const { text } of snippets.filter(({ language, tag }) => language === "sh" && tag === "")) {
      await promisify(execFile)("bash", ["-euo", "pipefail", "-c", text], {
        cwd: folder.path,
        env: { ...process.env, XDG_CACHE_HOME: join(folder.path, "cache") },
        timeout: 120_000,
      });
    }
    const { steps, completed } = JSON.parse(await readFile(join(folder.path, "runs/by-hand/summary.json"), "utf8"));
    assert.deepEqual([steps, completed], [4, true]);
  } finally {
    await folder.remove();
  }
});

test("the README's links lead to files of this clone", () => {
  const links = Array.from(readme.matchAll(/\]\(([^)#]+)\)/g), ([, link]) => link ?? "");
  const broken = links.filter((link) => !link.startsWith("https://") && !existsSync(join(root, link)));
  assert.ok(links.length > 10);
  assert.deepEqual(broken, []);
});
