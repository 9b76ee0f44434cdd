// Recognises an image file that ends too early (cutShort), as an interrupted download or a full disk leaves it behind.
import { maxImageBytes } from "./image-limits.js";
import { neededBytes } from "./needed-bytes.js";

/** How the decoders of JPEG and GIF report that their data ended. */
const endOfData = /premature end|unexpected end of/i;

/** Null where nothing shows that the file is cut short. `reason`: why its decoder failed. */
export function cutShort(encoded: Uint8Array, reason: string): string | null {
  const [has, needs] = [encoded.length, neededBytes(encoded)];
  const count = (value: number): string => `${value.toLocaleString("en-US")} bytes`;
  // A damaged header may claim any number of bytes.
  if (needs > has && needs <= maxImageBytes)
    return `the file is cut short: it has ${has.toLocaleString("en-US")} of at least ${count(needs)}`;
  return needs === 0 && endOfData.test(reason) ? `the file is cut short: it ends after ${count(has)}` : null;
}
