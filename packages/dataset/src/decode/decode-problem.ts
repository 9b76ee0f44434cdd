// Words why an image was not decoded (decodeProblem), and tells the image's faults from the machine's.
import { UserError } from "@lockstep/errors";
import { quoted } from "../labels/quoted.js";
import { cutShort } from "./cut-short.js";

/** How libvips, its decoders and the C++ library report it. */
const shortOfMemory =
  /(out of|insufficient|not enough|no) memory|bad_alloc|malloc|(cannot|unable to|could not|failed to|can't) allocate|memory allocation|ENOMEM/i;
/** A decoder's own limit is no fault of the machine: the image claims too much. */
const limitOfDecoder = /security limit|beyond the|exceeds/i;

/** Phrases of sharp that mean nothing to its user. */
const plainWords: readonly (readonly [sharp: RegExp, plain: string])[] = [
  [/^Warning treated as error due to failOn setting:?/, "its decoder warns:"],
  [/^Input buffer has corrupt header:?/, "its header is damaged:"],
  [/^Input buffer contains unsupported image format/, "its decoder does not recognise it"],
];

/**
 * Follows `image "x" `.
 * @param encoded the image's bytes, where they are known: then a file that is cut short is named as such
 * @throws UserError where the image is not at fault: another time it may well be decoded
 */
export function decodeProblem(error: unknown, name: string, encoded?: Uint8Array): string {
  if (error instanceof UserError) throw error;
  const message = error instanceof Error ? error.message : String(error);
  const lines = new Set(message.split("\n").map((line) => line.replaceAll(/[\s\p{Cc}]+/gu, " ").trim())); // decoders repeat them
  const reason = [...lines].join(" ").trim();
  if (!shortOfMemory.test(reason) || limitOfDecoder.test(reason)) {
    const cut = encoded === undefined ? null : cutShort(encoded, reason);
    const plain = plainWords.reduce((text, [phrase, words]) => text.replace(phrase, words), reason);
    return `cannot be decoded (${cut ?? plain.replace(/:$/, "").slice(0, 300)})`;
  }
  throw new UserError(
    `image ${quoted(name)} was not decoded: memory ran short (${reason.slice(0, 300)}); free some memory and start again, ` +
      "or delete its row from the label file",
  );
}
