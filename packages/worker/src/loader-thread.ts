// The thread of ThreadBatchLoader (batch-loader.ts): reads images from the image cache into shared memory.
import { performance } from "node:perf_hooks";
import { attachImageCache, type ImageCacheHandle } from "@lockstep/dataset";
import type { LoadRequest, LoadResult } from "./batch-loader.js";
import { ReceivedBuffers } from "./buffer-refs.js";
import { serveThread } from "./thread-link.js";

await serveThread<ImageCacheHandle, LoadRequest, LoadResult, null>(async (handle) => {
  const cache = await attachImageCache(handle);
  const buffers = new ReceivedBuffers();
  const imageBytes = handle.imageSize ** 2 * 3;
  return {
    ready: null,
    handle({ samples, into }) {
      const start = performance.now();
      const pixels = new Uint8Array(buffers.resolve(into));
      samples.forEach((sample, index) => {
        cache.readSync(sample, pixels, index * imageBytes);
      });
      return { loadSeconds: (performance.now() - start) / 1000 };
    },
    close: () => cache.close(),
  };
});
