// The seeded losses of a short run, to the last digit on the numerics that they were recorded with, and to 1e-4
// elsewhere. A refactor keeps them; a change of numerics records them anew (LOCKSTEP_UPDATE_GOLDEN=1) and says why.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { currentSteps } from "@lockstep/cli";
import { needsTorch, startCluster, temporaryFolder } from "@lockstep/testkit";

interface Golden {
  readonly numerics: Readonly<Record<string, unknown>>;
  readonly weightsSha256: string;
  /** By step. */
  readonly losses: readonly number[];
  readonly validation: Readonly<Record<string, number>>;
}

const tolerance = 1e-4;
const goldenPath = new URL("../../golden/tiny-run.json", import.meta.url);

test("a tiny run has the losses of its golden file", { skip: needsTorch() }, async (context) => {
  const run = await recordRun();
  const { LOCKSTEP_UPDATE_GOLDEN } = process.env;
  if (LOCKSTEP_UPDATE_GOLDEN) await writeFile(goldenPath, `${JSON.stringify(run, null, 2)}\n`);
  const golden = JSON.parse(await readFile(goldenPath, "utf8")) as Golden;
  if (isDeepStrictEqual(run.numerics, golden.numerics)) {
    assert.deepEqual(run, golden);
    return;
  }
  context.diagnostic(`other numerics than the golden file's: compared to ${tolerance}`);
  assertClose(run.losses, golden.losses);
  assertClose(Object.values(run.validation), Object.values(golden.validation));
});

async function recordRun(): Promise<Golden> {
  const folder = await temporaryFolder();
  const cluster = startCluster({ out: join(folder.path, "run"), flags: { workers: 1 } });
  try {
    const { numerics, weightsSha256, validation } = await cluster.result();
    assert.ok(numerics !== null && validation !== null);
    const losses = currentSteps(await cluster.metrics()).map(({ metrics: { loss } }) => loss ?? Number.NaN);
    const finite = Object.entries(validation).map(([name, value]) => [name, value ?? Number.NaN] as const);
    return { numerics, weightsSha256, losses, validation: Object.fromEntries(finite) };
  } finally {
    await cluster.dispose();
    await folder.remove();
  }
}

function assertClose(actual: readonly number[], expected: readonly number[]): void {
  assert.equal(actual.length, expected.length);
  for (const [index, value] of expected.entries()) {
    const difference = Math.abs((actual[index] ?? Number.NaN) - value);
    assert.ok(difference <= tolerance * Math.max(1, Math.abs(value)), `value ${index}: ${actual[index]}, not ${value}`);
  }
}
