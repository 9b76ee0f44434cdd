// Tests that a shard with any damage is read or is refused with a message of one line: there is no crash, no endless
// loop, and no image is dropped silently.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { UserError } from "@lockstep/errors";
import { CounterRandom, randomDomain } from "@lockstep/numerics";
import { openDataset } from "../open-dataset.js";
import { madeJpeg, recordingLog, temporaryFolder } from "../testing/made-folder.js";
import { type Member, someLabels, writeTar } from "../testing/made-tar.js";

const numDamages = 250;

/**
 * Returns a damaged copy: it is cut short, has changed bytes anywhere or near the end, or is overwritten from some byte
 * on.
 */
function damaged(whole: Buffer, number: number): Buffer {
  const random = new CounterRandom(number, randomDomain.scheduling);
  let draw = 0;
  const below = (limit: number): number => Math.floor(random.uniform(draw++) * limit);
  const bytes = Buffer.from(whole);
  const kind = below(4);
  if (kind === 0) return bytes.subarray(0, below(bytes.length));
  const start = kind === 1 ? Math.max(bytes.length - 2500, 0) : 0;
  if (kind === 3) return bytes.fill(below(256), below(bytes.length));
  for (let change = below(8); change >= 0; change--) bytes[start + below(bytes.length - start)] = below(256);
  return bytes;
}

async function damage(context: TestContext, name: string, whole: Buffer, numSamples: number): Promise<void> {
  const root = await temporaryFolder(context);
  const path = join(root, name);
  const outcomes = { read: 0, refused: 0 };
  for (let number = 0; number < numDamages; number++) {
    await writeFile(path, damaged(whole, number));
    try {
      const options = { data: path, cacheDir: join(root, "cache"), log: recordingLog(), onBadImage: "skip" } as const;
      const { labels, skipped, unlabelled } = await openDataset(options);
      assert.equal(labels.numSamples + skipped.length + unlabelled.length, numSamples, `damage ${number}`);
      outcomes.read += 1;
    } catch (error) {
      assert.ok(
        error instanceof UserError,
        `damage ${number}: ${error instanceof Error ? error.stack : String(error)}`,
      );
      assert.doesNotMatch(error.message, /\n/);
      outcomes.refused += 1;
    }
  }
  assert.ok(outcomes.read > 0 && outcomes.refused > 0, JSON.stringify(outcomes));
}

test("a damaged Parquet file is read or is refused with a message of one line", async (context) => {
  const path = fileURLToPath(new URL("../../src/parquet/testdata/hub-pyarrow.parquet", import.meta.url));
  await damage(context, "train.parquet", await readFile(path), 12);
});

test("a damaged tar shard is read or is refused with a message of one line", async (context) => {
  const members: Member[] = [];
  for (let number = 0; number < 6; number++) {
    members.push([`${number}.jpg`, await madeJpeg(number)], [`${number}.json`, someLabels]);
  }
  await damage(context, "train.tar", await writeTar(join(await temporaryFolder(context), "train.tar"), members), 6);
});
