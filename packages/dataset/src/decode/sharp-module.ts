// Loads sharp when the first image is decoded or drawn (sharpModule), so that a process that needs no images does not
// load it.
import { UserError } from "@lockstep/errors";

type SharpModule = typeof import("sharp")["default"];
let loading: Promise<SharpModule> | undefined;

export function sharpModule(): Promise<SharpModule> {
  loading ??= loadSharp();
  return loading;
}

async function loadSharp(): Promise<SharpModule> {
  const { default: sharp } = await import("sharp").catch((error: unknown) => {
    const reason = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    throw new UserError(`images cannot be decoded: sharp does not load (${reason}); install it again (npm run setup)`);
  });
  sharp.concurrency(1); // one thread per image, because several images are decoded at the same time
  sharp.cache(false); // a cache would not help: no image is decoded twice
  return sharp;
}
