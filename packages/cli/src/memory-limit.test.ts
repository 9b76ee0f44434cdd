import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { UserError } from "@lockstep/errors";
import { prepareRun } from "./prepare-run.js";
import type { GivenToRun } from "./run-settings.js";
import { tinyPreparation } from "./testing/tiny-preparation.js";

let root: string;
before(async () => {
  root = await mkdtemp(join(tmpdir(), "lockstep-memory-"));
});
after(() => rm(root, { recursive: true }));

async function prepare(spec: GivenToRun) {
  const warnings: string[] = [];
  const options = tinyPreparation({ out: join(root, "run"), resume: false, cacheDir: join(root, "cache"), spec });
  const log = { info: () => {}, warn: (_: object, message: string) => void warnings.push(message) };
  try {
    const { lock } = await prepareRun({ ...options, log });
    await lock.release();
  } finally {
    await rm(join(root, "run"), { recursive: true, force: true });
  }
  return warnings;
}

test("a model that the machine cannot hold is refused before it is allocated, by its flags and sizes", async () => {
  const cases: [GivenToRun, RegExp][] = [
    [
      { widths: [100_000, 100_000] },
      /^--widths 100000,100000 --dense-units 2 --image-size 4: the model has 9[\d,]{13} weights and needs at least 1\d{3}\.\d GiB of memory, this machine has [\d.]+ GiB$/,
    ],
    [
      { denseUnits: 1_000_000, widths: [1_000_000] },
      /^--widths 1000000 --dense-units 1000000 --image-size 4: the model /,
    ],
  ];
  for (const [spec, message] of cases) {
    await assert.rejects(prepare(spec), (error: unknown) => {
      assert.ok(error instanceof UserError, String(error));
      assert.match(error.message, message);
      return true;
    });
  }
  assert.ok(!(await readdir(root)).includes("run"), "nothing is left of a refused run");
});

test("a micro-batch larger than the data is noted, and takes no more memory than the data", async () => {
  const large = { microBatch: 1_000_000, globalBatch: 1_000_000 };
  assert.deepEqual(await prepare(large), [
    "--micro-batch is larger than the data: every step is one micro-batch, which one worker computes alone",
  ]);
  assert.deepEqual(await prepare({ microBatch: 4, globalBatch: 8 }), []);
});
