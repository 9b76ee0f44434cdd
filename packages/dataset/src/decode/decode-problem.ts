// Describes why an image was not decoded, and tells faults of the image from faults of the machine (decodeProblem).
import { UserError } from "@lockstep/errors";
import { quoted } from "../labels/quoted.js";
import { cutShort } from "./cut-short.js";

/** Matches the messages of libvips, its decoders and the C++ library about a lack of memory. */
const outOfMemory =
  /(out of|insufficient|not enough|no) memory|bad_alloc|malloc|(cannot|unable to|could not|failed to|can't) allocate|memory allocation|ENOMEM/i;
/** Matches messages about a limit of the decoder: then the image is at fault, because its header claims too much. */
const limitOfDecoder = /security limit|beyond the|exceeds/i;

/** Replaces phrases of sharp that users do not understand. */
const plainWords: readonly (readonly [sharp: RegExp, plain: string])[] = [
  [/^Warning treated as error due to failOn setting:?/, "its decoder warns:"],
  [/^Input buffer has corrupt header:?/, "its header is damaged:"],
  [/^Input buffer contains unsupported image format/, "its decoder does not recognise it"],
];

/**
 * Describes the problem; the text follows `image "x" ` in a message.
 * @param encoded the image's bytes, if known: they show whether the file is cut short
 * @throws UserError if the image is not at fault: a later attempt may decode it
 */
export function decodeProblem(error: unknown, name: string, encoded?: Uint8Array): string {
  if (error instanceof UserError) throw error;
  const message = error instanceof Error ? error.message : String(error);
  // A set, because decoders repeat lines.
  const lines = new Set(message.split("\n").map((line) => line.replaceAll(/[\s\p{Cc}]+/gu, " ").trim()));
  const reason = [...lines].join(" ").trim();
  if (!outOfMemory.test(reason) || limitOfDecoder.test(reason)) {
    const cut = encoded === undefined ? null : cutShort(encoded, reason);
    const plain = plainWords.reduce((text, [phrase, words]) => text.replace(phrase, words), reason);
    return `cannot be decoded (${cut ?? plain.replace(/:$/, "").slice(0, 300)})`;
  }
  throw new UserError(
    `image ${quoted(name)} was not decoded: memory ran short (${reason.slice(0, 300)}); free some memory and start again, ` +
      "or delete its row from the label file",
  );
}
