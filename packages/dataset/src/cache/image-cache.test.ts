import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, open, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { UserError } from "@lockstep/errors";
import { temporaryPathFor, thisProcess } from "@lockstep/files";
import type { Dataset, Progress } from "../dataset.js";
import { openDataset } from "../open-dataset.js";
import { syntheticDataset } from "../synthetic/synthetic-dataset.js";
import { recordingLog, temporaryFolder, warningsOf, writeMadeFolder } from "../testing/made-folder.js";
import { attachImageCache, type ImageCache, openImageCache } from "./image-cache.js";

const imageSize = 16;
const imageBytes = imageSize * imageSize * 3;

async function made(context: TestContext) {
  const root = await temporaryFolder(context);
  const [data, cacheDir] = [join(root, "data"), join(root, "cache")];
  await mkdir(data);
  await writeMadeFolder(data, { numTrain: 9, numVal: 4 });
  const log = recordingLog();
  const dataset = await openDataset({ data, cacheDir, log });
  const openCache = async (samples?: Uint32Array, size = imageSize, of: Dataset = dataset): Promise<ImageCache> => {
    const cache = await openImageCache({ dataset: of, samples, imageSize: size, cacheDir, log });
    context.after(() => cache.close());
    return cache;
  };
  return { data, cacheDir, log, dataset, openCache };
}

async function imageOf(cache: ImageCache, sample: number): Promise<Buffer> {
  const image = Buffer.alloc(imageBytes);
  await cache.read(sample, image, 0);
  return image;
}

async function pixelsOf(cache: ImageCache): Promise<Buffer> {
  return Buffer.concat(await Promise.all(Array.from(cache.samples, (sample) => imageOf(cache, sample))));
}

describe("the image cache", () => {
  test("is built once, and gives the same pixels when opened again", async (context) => {
    const { openCache, log } = await made(context);
    const first = await openCache();
    const again = await openCache();
    assert.deepEqual([first.built, again.built], [true, false]);
    assert.deepEqual(await pixelsOf(again), await pixelsOf(first));
    assert.equal(
      again.pixelsSha256,
      createHash("sha256")
        .update(await pixelsOf(first))
        .digest("hex"),
    );
    assert.deepEqual(warningsOf(log), []);
  });

  test("gives each sample pixels close to those that were encoded", async (context) => {
    const { openCache, dataset } = await made(context);
    const cache = await openCache(undefined, 48);
    const { madePixels } = await import("../testing/made-folder.js");
    for (let sample = 0; sample < 13; sample++) {
      const name = dataset.imageName(sample);
      const number = Number(/\d+/.exec(name)?.[0]) + (name.startsWith("val") ? 9 : 0);
      const pixels = Buffer.alloc(48 * 48 * 3);
      await cache.read(sample, pixels, 0);
      const differences = madePixels(number, 48, 48).map((value, i) => Math.abs(value - (pixels[i] ?? 0)));
      const mean = differences.reduce((sum, difference) => sum + difference, 0) / differences.length;
      // JPEG halves the resolution of colours. For another image the mean would be 85.
      assert.ok(mean < 25, `${name}: ${mean}`);
    }
  });

  test("of a subset holds exactly its samples, and the other images are not decoded", async (context) => {
    const { openCache, cacheDir, data, dataset } = await made(context);
    const whole = await openCache();
    const some = await openCache(Uint32Array.of(11, 2, 7, 2));
    assert.deepEqual(Array.from(some.samples), [2, 7, 11]);
    assert.notEqual(some.pixelsSha256, whole.pixelsSha256);
    for (const sample of some.samples) assert.deepEqual(await imageOf(some, sample), await imageOf(whole, sample));
    await assert.rejects(some.read(3, Buffer.alloc(imageBytes), 0), /sample 3 is not in the image cache/);
    assert.equal((await stat(some.path)).size, 64 + 3 * imageBytes);
    await rm(cacheDir, { recursive: true });
    await rm(join(data, dataset.imageName(3)));
    assert.equal((await openCache(Uint32Array.of(2, 7, 11))).pixelsSha256, some.pixelsSha256);
  });

  test("copies an image to the offset, also into shared memory, and throws if the image does not fit", async (context) => {
    const { openCache } = await made(context);
    const cache = await openCache();
    const into = new Uint8Array(new SharedArrayBuffer(3 * imageBytes));
    await cache.read(4, into, imageBytes);
    cache.readSync(5, into, 2 * imageBytes);
    assert.deepEqual(
      Buffer.from(into),
      Buffer.concat([Buffer.alloc(imageBytes), await imageOf(cache, 4), await imageOf(cache, 5)]),
    );
    await assert.rejects(cache.read(4, into, 2 * imageBytes + 1), /an image takes 768 bytes/);
    assert.throws(() => cache.readSync(4, into, -1), RangeError);
  });

  test("is built again with a warning and has the same bytes if any part of it is damaged", async (context) => {
    const { openCache, log } = await made(context);
    const { path, pixelsSha256 } = await openCache();
    const manifest = path.replace(/rgb$/, "json");
    const flip = async (position: number): Promise<void> => {
      const file = await open(path, "r+");
      const { buffer } = await file.read(Buffer.alloc(1), 0, 1, position);
      await file.write(Uint8Array.of((buffer[0] ?? 0) ^ 1), 0, 1, position);
      await file.close();
    };
    const damages: [() => Promise<void>, RegExp][] = [
      [() => flip(64 + 5 * imageBytes + 3), /hash/],
      [() => flip(3), /header/],
      [() => truncate(path, 64 + 5 * imageBytes), /it has 3904 bytes, not 10048/],
      [() => truncate(path, 0), /it has 0 bytes/],
      [() => rm(path), /cannot be opened/],
      [() => writeFile(manifest, "{"), /manifest is not readable/],
      [
        async () => writeFile(manifest, (await readFile(manifest, "utf8")).replace(/"key": "./, '"key": "x')),
        /of another cache/,
      ],
    ];
    for (const [damage, reason] of damages) {
      await damage();
      const rebuilt = await openCache();
      assert.equal(rebuilt.built, true);
      assert.equal(rebuilt.pixelsSha256, pixelsSha256);
      const warning = log.lines.filter(({ level }) => level === "warn").at(-1);
      assert.match(warning?.message ?? "", /the image cache is damaged and is built again/);
      assert.match(warning?.fields.reason ?? "", reason);
    }
    assert.equal(warningsOf(log).length, damages.length);
    assert.equal((await openCache()).built, false);
  });

  test("is built without a warning if it has no manifest, as after an interrupted build", async (context) => {
    const { openCache, log } = await made(context);
    const { path } = await openCache();
    await rm(path.replace(/rgb$/, "json"));
    assert.equal((await openCache()).built, true);
    assert.deepEqual(warningsOf(log), []);
  });

  test("keeps reading its own pixels while it is open and another process replaces the file", async (context) => {
    const { openCache } = await made(context);
    const cache = await openCache();
    const before = await pixelsOf(cache);
    await rm(cache.path);
    await openCache();
    assert.deepEqual(await pixelsOf(cache), before);
  });

  test("is not built if an image is cut short or is not an image, and the error names the image", async (context) => {
    const { data, cacheDir, dataset, log } = await made(context);
    const file = join(data, dataset.imageName(6));
    const bytes = await readFile(file);
    for (const broken of [bytes.subarray(0, bytes.length - 40), bytes.subarray(0, 100), Buffer.from("no image")]) {
      await writeFile(file, broken);
      const changed = await openDataset({ data, cacheDir, log });
      const sample = Array.from(changed.origin.keys()).find((i) => changed.imageName(i) === dataset.imageName(6));
      assert.ok(sample !== undefined);
      await assert.rejects(openImageCache({ dataset: changed, imageSize, cacheDir, log }), (error: unknown) => {
        assert.ok(error instanceof UserError, String(error));
        assert.ok(error.message.startsWith(`image "${dataset.imageName(6)}" cannot be decoded (`), error.message);
        assert.doesNotMatch(error.message, /\n/);
        return true;
      });
      assert.deepEqual(await readdir(join(cacheDir, "pixels")), []);
    }
  });

  test("leaves no files behind if its build is stopped, and removes unfinished files of processes that have ended", async (context) => {
    const { cacheDir, dataset, log, openCache } = await made(context);
    const stop = new AbortController();
    const building = openImageCache({
      ...{ dataset, imageSize, cacheDir, log, signal: stop.signal },
      onProgress: () => stop.abort(new Error("stopped by the test")),
    });
    await assert.rejects(building, /stopped by the test/);
    assert.deepEqual(await readdir(join(cacheDir, "pixels")), []);
    const { path } = await openCache();
    const dead = { ...thisProcess(), startTicks: "1" };
    const sameNumbersElsewhere = { ...dead, pidSpace: "c0ffee00c0ffee00" };
    const live = [thisProcess(), sameNumbersElsewhere].map((maker) => temporaryPathFor(path, maker));
    for (const left of [temporaryPathFor(path, dead), ...live]) await writeFile(left, "half");
    await truncate(path, 10);
    await openCache();
    const left = (await readdir(join(cacheDir, "pixels"))).filter((name) => name.startsWith(".tmp-"));
    assert.deepEqual(left.sort(), live.map((kept) => basename(kept)).sort());
  });

  test("is the same and complete if three processes build it at the same time", async (context) => {
    const { data, cacheDir, openCache } = await made(context);
    await rm(cacheDir, { recursive: true });
    const index = fileURLToPath(new URL("../index.js", import.meta.url));
    const script = `
      const { openDataset, openImageCache } = await import(${JSON.stringify(index)});
      const log = { info() {}, warn(fields, message) { throw new Error(message); } };
      const [data, cacheDir] = ${JSON.stringify([data, cacheDir])};
      const dataset = await openDataset({ data, cacheDir, log });
      const cache = await openImageCache({ dataset, imageSize: ${imageSize}, cacheDir, log });
      process.stdout.write(cache.pixelsSha256);
      await cache.close();`;
    const run = promisify(execFile);
    const outputs = await Promise.all(
      [1, 2, 3].map(() => run(process.execPath, ["--input-type=module", "-e", script])),
    );
    const cache = await openCache();
    assert.equal(cache.built, false);
    assert.deepEqual(
      outputs.map(({ stdout }) => stdout),
      Array(3).fill(cache.pixelsSha256),
    );
    assert.equal((await readdir(join(cacheDir, "pixels"))).length, 2);
  });

  test("can be opened by another thread from its handle", async (context) => {
    const { openCache } = await made(context);
    const cache = await openCache(Uint32Array.of(1, 5, 8));
    const index = new URL("../index.js", import.meta.url).href;
    const worker = new Worker(
      `const { parentPort, workerData } = require("node:worker_threads");
       import(${JSON.stringify(index)}).then(async ({ attachImageCache }) => {
         const cache = await attachImageCache(workerData);
         const image = new Uint8Array(${imageBytes});
         cache.readSync(5, image, 0);
         await cache.close();
         parentPort.postMessage(image);
       });`,
      { eval: true, workerData: cache.handle() },
    );
    const image = await new Promise<Uint8Array>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
    });
    assert.deepEqual(Buffer.from(image), await imageOf(cache, 5));
    await worker.terminate();
    await truncate(cache.path, 100);
    await assert.rejects(attachImageCache(cache.handle()), /it has 100 bytes/);
  });

  test("reports progress up to the last image", async (context) => {
    const { cacheDir, dataset, log } = await made(context);
    const seen: Progress[] = [];
    const options = { dataset, imageSize, cacheDir, log, onProgress: (progress: Progress) => seen.push(progress) };
    await (await openImageCache(options)).close();
    assert.deepEqual(
      [seen.at(0), seen.at(-1)],
      [
        { stage: "decoding", done: 0, total: 13 },
        { stage: "decoding", done: 13, total: 13 },
      ],
    );
    seen.length = 0;
    await (await openImageCache(options)).close();
    assert.deepEqual(seen, []);
  });

  test("holds generated images behind the same interface", async (context) => {
    const { openCache } = await made(context);
    const dataset = syntheticDataset({ numSamples: 300 });
    const cache = await openCache(undefined, imageSize, dataset);
    const expected = new Uint8Array(imageBytes);
    for (const sample of [0, 255, 256, 299]) {
      dataset.generate(sample, imageSize, expected, 0);
      assert.deepEqual(await imageOf(cache, sample), Buffer.from(expected));
    }
  });

  test("refuses an image size that is out of range", async (context) => {
    const { openCache } = await made(context);
    for (const size of [0, 1.5, 5000, Number.NaN]) await assert.rejects(openCache(undefined, size), UserError);
  });

  test("names the flag if the cache folder cannot be written to", async (context) => {
    const { data, dataset, log } = await made(context);
    await writeFile(join(data, "taken"), "a file");
    await assert.rejects(
      openImageCache({ dataset, imageSize, cacheDir: join(data, "taken"), log }),
      (error: unknown) => error instanceof UserError && /choose another path \(--cache-dir\)/.test(error.message),
    );
  });
});
