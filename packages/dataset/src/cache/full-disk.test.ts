// Tests a disk that is too small for the image cache: one line says how much space is needed, and no files are left
// behind.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { MachineFault } from "@lockstep/errors";
import type { Dataset, GeneratedDataset } from "../dataset.js";
import { syntheticDataset } from "../synthetic/synthetic-dataset.js";
import { recordingLog, temporaryFolder } from "../testing/made-folder.js";
import { userErrorMessage } from "../testing/user-error-message.js";
import { openImageCache } from "./image-cache.js";

const log = recordingLog();

/** Mounts a file system of 1 MiB. Returns null if this process may not mount one. */
async function smallDisk(root: string): Promise<{ readonly path: string; remove(): void } | null> {
  const path = join(root, "disk");
  await mkdir(path);
  const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "lockstep-test", path]);
  return status === 0 ? { path, remove: () => void spawnSync("umount", [path]) } : null;
}

/** Throws the error of a full disk when it draws the sample `atSample`. */
function fullAt(dataset: GeneratedDataset, atSample: number): Dataset {
  return {
    ...dataset,
    generate(sample, ...rest) {
      if (sample === atSample)
        throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC", syscall: "write" });
      dataset.generate(sample, ...rest);
    },
  };
}

/**
 * Returns the message of a MachineFault: a full disk is not the user's mistake, so a supervisor may start the process
 * again.
 */
async function faultOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(() => assert.fail("it was accepted")).catch((reason: unknown) => reason);
  assert.ok(error instanceof MachineFault, String(error));
  return userErrorMessage(Promise.reject(error));
}

describe("a disk that is too small for the image cache", () => {
  test("is reported before anything is decoded", async (context) => {
    const cacheDir = join(await temporaryFolder(context), "cache");
    const few = syntheticDataset({ numSamples: 10 });
    const many: Dataset = { ...few, generate: () => assert.fail("an image was drawn") };
    const samples = Uint32Array.from({ length: 4_000_000 }, (_, sample) => sample);
    assert.match(
      await faultOf(openImageCache({ dataset: many, samples, imageSize: 4096, cacheDir, log })),
      /^cache folder .*cache: 4000000 images at 4096x4096 need 192000000.0 MiB, [\d.]+ MiB are free; free some space or choose another folder \(--cache-dir\)$/,
    );
    assert.deepEqual(await readdir(cacheDir), []);
  });

  test("and becomes full during the build is reported with the space that is needed, and the partial file is removed", async (context) => {
    const cacheDir = join(await temporaryFolder(context), "cache");
    const dataset = fullAt(syntheticDataset({ numSamples: 600 }), 500);
    assert.match(
      await faultOf(openImageCache({ dataset, imageSize: 32, cacheDir, log })),
      /^cache folder .*cache: the disk is full; .* \(--cache-dir\), 1.8 MiB are needed: ENOSPC/,
    );
    assert.deepEqual(await readdir(join(cacheDir, "pixels")), []);
  });

  test("and has one MiB is reported before the build, or during the build if another program fills it, and no partial file is left", async (context) => {
    const disk = await smallDisk(await temporaryFolder(context));
    if (disk === null) {
      context.diagnostic("this process may not mount a file system: only the tests above check a full disk");
      return;
    }
    try {
      const [cacheDir, imageSize] = [join(disk.path, "cache"), 16];
      const small = syntheticDataset({ numSamples: 1000 });
      const options = { dataset: small, imageSize, cacheDir, log };
      const fill = (kibibytes: number) => writeFileSync(join(disk.path, "filler"), new Uint8Array(1024 * kibibytes));
      fill(500);
      assert.match(await faultOf(openImageCache(options)), /1000 images at 16x16 need 0.7 MiB, 0.5 MiB are free/);
      fill(1);
      assert.match(
        await faultOf(openImageCache({ ...options, onProgress: ({ done }) => void (done === 0 && fill(800)) })),
        /cache: the disk is full; .* 0.7 MiB are needed: ENOSPC/,
      );
      assert.deepEqual(await readdir(join(cacheDir, "pixels")), []);
      fill(1);
      const cache = await openImageCache(options);
      assert.equal(cache.samples.length, 1000);
      await cache.close();
    } finally {
      disk.remove();
    }
  });
});
