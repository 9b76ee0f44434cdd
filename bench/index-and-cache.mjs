// Lockstep's job of `npm run bench:cache`: indexes a FairFace folder and caches all its images, with an empty cache
// folder. Prints the seconds of each part and the peak memory as JSON.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDataset, openImageCache } from "../packages/dataset/dist/index.js";

const [data, imageSize] = [process.argv[2], Number(process.argv[3])];
const cacheDir = mkdtempSync(join(tmpdir(), "lockstep-bench-cache-"));
const log = { info() {}, warn() {} };
try {
  const startMs = performance.now();
  const dataset = await openDataset({ data, cacheDir, log });
  const indexedMs = performance.now();
  const cache = await openImageCache({ dataset, imageSize, cacheDir, log });
  await cache.close();
  console.log(
    JSON.stringify({
      images: cache.samples.length,
      indexingSeconds: (indexedMs - startMs) / 1000,
      cachingSeconds: (performance.now() - indexedMs) / 1000,
      peakMebibytes: process.resourceUsage().maxRSS / 1024,
      pixelsSha256: cache.pixelsSha256,
    }),
  );
} finally {
  rmSync(cacheDir, { recursive: true, force: true });
}
