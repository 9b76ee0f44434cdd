// docs/operations.md works as it stands: its commands run, in the order of the page, and each alert has its place there.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { needsTorch } from "@lockstep/testkit";
import { headingsOf, readPage, root, runSnippets } from "./page.js";

const page = await readPage("docs/operations.md");

test("the page's commands run, and what was moved is the run", { skip: needsTorch() }, () =>
  runSnippets(page, async (folder) => {
    const [run, moved] = await Promise.all(
      ["runs/ops", "moved/ops"].map((path) => readFile(join(folder, path, "summary.json"), "utf8")),
    );
    assert.equal(JSON.parse(run ?? "").completed, true);
    assert.equal(moved, run);
  }),
);

test("every alert says where on the page it is read", async () => {
  const rules = await readFile(join(root, "deploy/prometheus/rules/alerts.yml"), "utf8");
  const alerts = Array.from(rules.matchAll(/^ +- alert: (\w+)$/gm), ([, name = ""]) => name);
  const runbooks = Array.from(rules.matchAll(/^ +runbook: docs\/operations\.md#(\S+)$/gm), ([, place = ""]) => place);
  assert.ok(alerts.length > 5);
  assert.deepEqual(
    runbooks,
    alerts.map((name) => name.replace(/(?<!^)([A-Z])/g, "-$1").toLowerCase()),
  );
  const headings = await headingsOf(page.path);
  assert.deepEqual(
    runbooks.filter((place) => !headings.includes(place)),
    [],
  );
});
