// Every shell snippet of the README works as it stands, in the order of the page.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { needsTorch } from "@lockstep/testkit";
import { readPage, runSnippets } from "./page.js";

const readme = await readPage("README.md");

/** A test that runs `npm test` would not end, and the demo is the set-up's own test. */
const notRun = ["npm run demo\nnpm test"];

test("only the snippets that cannot be run are not run", () => {
  const tags = readme.snippets.filter(({ tag }) => tag !== "");
  assert.deepEqual(
    tags.map(({ tag, text }) => [tag, text]),
    notRun.map((text) => ["no-run", text]),
  );
  assert.deepEqual([...new Set(readme.snippets.map(({ language }) => language))].sort(), ["", "sh"]);
});

test("the README's snippets run", { skip: needsTorch() }, () =>
  runSnippets(readme, async (folder) => {
    const { steps, completed } = JSON.parse(await readFile(join(folder, "runs/by-hand/summary.json"), "utf8"));
    assert.deepEqual([steps, completed], [4, true]);
  }),
);
