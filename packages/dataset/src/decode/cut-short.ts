// Recognises an image file that ends too early (cutShort), e.g. after an interrupted download or a write to a full
// disk.
import { maxImageBytes } from "./image-limits.js";
import { neededBytes } from "./needed-bytes.js";

/** Matches the messages of the JPEG and GIF decoders about data that ends too early. */
const endOfData = /premature end|unexpected end of/i;

/**
 * Describes how the file is cut short, or returns null if nothing shows that it is.
 * @param reason why the decoder failed
 */
export function cutShort(encoded: Uint8Array, reason: string): string | null {
  const [has, needs] = [encoded.length, neededBytes(encoded)];
  const count = (value: number): string => `${value.toLocaleString("en-US")} bytes`;
  // A damaged header may claim any number of bytes.
  if (needs > has && needs <= maxImageBytes)
    return `the file is cut short: it has ${has.toLocaleString("en-US")} of at least ${count(needs)}`;
  return needs === 0 && endOfData.test(reason) ? `the file is cut short: it ends after ${count(has)}` : null;
}
