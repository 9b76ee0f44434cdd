// The shell snippets of the README and of the guides run as they are written, in the order of each page.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { needsTorch } from "@lockstep/testkit";
import { readPage, runSnippets } from "./page.js";

/** Whether the run in `folder` has reached its end, and after how many steps. */
async function summaryOf(folder: string): Promise<{ readonly steps: number; readonly completed: boolean }> {
  const { steps, completed } = JSON.parse(await readFile(join(folder, "summary.json"), "utf8"));
  return { steps, completed };
}

interface TestedPage {
  readonly path: string;
  /**
   * The snippets tagged `no-run`. `npm test` cannot run itself, and the set-up tests itself by the demo. `npm run test:compose` runs
   * what needs a container engine; test/k8s runs what needs a cluster, as far as that works without one.
   */
  readonly notRun: readonly RegExp[];
  /** Looks at what the snippets have left in their folder. */
  readonly check: (folder: string) => Promise<void>;
}

const compose = /^(.*docker compose -f deploy\/compose\.yaml .*\n?)+$/;

const pages: readonly TestedPage[] = [
  {
    path: "README.md",
    notRun: [/^npm run demo\nnpm test$/, compose, /^kubectl apply -k [\w/]+$/],
    check: async (folder) => {
      assert.deepEqual(await summaryOf(join(folder, "runs/by-hand")), { steps: 4, completed: true });
    },
  },
  {
    path: "docs/training.md",
    notRun: [],
    check: async (folder) => {
      assert.deepEqual(await summaryOf(join(folder, "runs/from-shards")), { steps: 4, completed: true });
      assert.ok((await summaryOf(join(folder, "runs/second"))).completed);
      assert.ok(JSON.parse(await readFile(join(folder, "evaluation.json"), "utf8")).heads.gender.accuracy > 0);
    },
  },
  {
    path: "docs/many-machines.md",
    notRun: [compose],
    check: async (folder) => {
      assert.deepEqual(await summaryOf(join(folder, "runs/tls")), { steps: 4, completed: true });
    },
  },
];

for (const { path, notRun, check } of pages) {
  const page = await readPage(path);

  test(`${path}: only the snippets that cannot be run are not run`, () => {
    const tagged = page.snippets.filter(({ tag }) => tag !== "");
    assert.equal(tagged.length, notRun.length);
    tagged.forEach(({ tag, text }, index) => {
      assert.equal(tag, "no-run");
      assert.match(text, notRun[index] ?? /^$/);
    });
    assert.deepEqual([...new Set(page.snippets.map(({ language }) => language))], ["sh"]);
  });

  test(`${path}: the snippets run`, { skip: needsTorch() }, () => runSnippets(page, check));
}
