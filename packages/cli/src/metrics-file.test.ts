import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { UserError } from "@lockstep/errors";
import { currentSteps, newestMetrics, readMetrics } from "./metrics-file.js";

const line = (generation: number, step: number, loss: number | null, type = "step"): string =>
  `${JSON.stringify({ type, generation, step, epoch: 0, metrics: { loss } })}\n`;

async function withFile(text: string, look: (path: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "lockstep-metrics-"));
  try {
    await writeFile(join(folder, "metrics.jsonl"), text);
    await look(join(folder, "metrics.jsonl"));
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("for a repeated step the record of the newest generation counts", async () => {
  const text = line(1, 1, 3) + line(1, 2, 2) + line(1, 3, 9) + line(2, 3, 1) + line(2, 4, 0.5);
  await withFile(text, async (path) => {
    const steps = currentSteps(await readMetrics(path));
    assert.deepEqual(
      steps.map(({ step, metrics: { loss } }) => [step, loss]),
      [
        [1, 3],
        [2, 2],
        [3, 1],
        [4, 0.5],
      ],
    );
  });
});

test("an unfinished line is left out, and a number that was not finite is null", async () => {
  await withFile(`${line(1, 1, null)}${line(1, 1, 4, "validation")}{"type":"step","gener`, async (path) => {
    const { step, validation } = await newestMetrics(path);
    assert.deepEqual([step?.metrics, validation?.metrics], [{ loss: null }, { loss: 4 }]);
  });
});

test("an invalid line is refused with the file and the line number", async () => {
  await withFile(`${line(1, 1, 3)}garbage\n${line(1, 2, 3)}`, async (path) => {
    const refusal = (error: unknown) =>
      error instanceof UserError && /metrics\.jsonl:2: is not JSON: [^\n]*$/.test(error.message);
    await assert.rejects(readMetrics(path), refusal);
    await assert.rejects(newestMetrics(path), refusal);
  });
});

test("a missing file means no records", async () => {
  assert.deepEqual(await readMetrics(join(tmpdir(), "lockstep-no-such-file.jsonl")), []);
});
