// Every shell snippet of the README works as it stands, in the order of the page.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { needsTorch } from "@lockstep/testkit";
import { readPage, runSnippets } from "./page.js";

const readme = await readPage("README.md");

/**
 * A test that runs `npm test` would not end, and the demo is the set-up's own test. What needs a container engine is run by
 * `npm run test:compose`; what needs a cluster, as far as that goes without one, by test/k8s.
 */
const notRun = [
  /^npm run demo\nnpm test$/,
  /^(.*docker compose -f deploy\/compose\.yaml .*\n?)+$/,
  /^kubectl apply -k [\w/]+$/,
];

test("only the snippets that cannot be run are not run", () => {
  const tagged = readme.snippets.filter(({ tag }) => tag !== "");
  assert.equal(tagged.length, notRun.length);
  tagged.forEach(({ tag, text }, index) => {
    assert.equal(tag, "no-run");
    assert.match(text, notRun[index] ?? /^$/);
  });
  assert.deepEqual([...new Set(readme.snippets.map(({ language }) => language))].sort(), ["", "sh"]);
});

test("the README's snippets run", { skip: needsTorch() }, () =>
  runSnippets(readme, async (folder) => {
    const { steps, completed } = JSON.parse(await readFile(join(folder, "runs/by-hand/summary.json"), "utf8"));
    assert.deepEqual([steps, completed], [4, true]);
  }),
);
