// What the tests of pages rely on: a snippet that works has ended all that it started.
import assert from "node:assert/strict";
import { test } from "node:test";
import { runSnippets } from "./page.js";

const run = (text: string) =>
  runSnippets({ path: "", text: "", snippets: [{ language: "sh", tag: "", text }] }, async () => {});

test("a snippet that leaves a process in the background is told by it", async () => {
  await assert.rejects(run("sleep 300 &"), /^Error: left running: sleep 300, by: sleep 300 &$/);
  await run("sleep 300 & kill $!; wait");
});

test("a snippet that fails is told by its exit code and what it said", async () => {
  await assert.rejects(run("echo no >&2; exit 3"), /^Error: exit code 3: .*\nno\n$/);
});
