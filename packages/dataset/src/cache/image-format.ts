// Owns which kinds of image are decoded, told by their first bytes: what a file is called does not matter. Everything
// else that the decoder's library could open (SVG, PDF, and whatever the next version learns) stays closed: such files
// hold programs and references, and draw other pixels from version to version.

const accepted: readonly { readonly format: string; readonly at: number; readonly bytes: string }[] = [
  { format: "jpeg", at: 0, bytes: "\xff\xd8\xff" },
  { format: "png", at: 0, bytes: "\x89PNG\r\n\x1a\n" },
  { format: "webp", at: 8, bytes: "WEBP" },
  { format: "gif", at: 0, bytes: "GIF87a" },
  { format: "gif", at: 0, bytes: "GIF89a" },
  { format: "tiff", at: 0, bytes: "II*\0" },
  { format: "tiff", at: 0, bytes: "MM\0*" },
  { format: "avif", at: 4, bytes: "ftypavif" },
  { format: "avif", at: 4, bytes: "ftypmif1" },
];

/** Begin of what people mistake for images, for the complaint alone. */
const refused: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  { what: "a PDF", pattern: /^%PDF/ },
  { what: "an SVG drawing", pattern: /<svg[\s>]/i },
  { what: "a web page", pattern: /<!doctype html|<html[\s>]/i },
  { what: "a HEIC photo", pattern: /^.{4}ftyp(heic|heix|hevc)/s },
  { what: "a ZIP archive", pattern: /^PK/ },
  { what: "a Git LFS pointer", pattern: /^version https:\/\/git-lfs/ },
];

export const acceptedFormats = "JPEG, PNG, WebP, GIF, TIFF or AVIF";

/** Null where the bytes begin as an image of an accepted kind, else what is wrong. */
export function formatProblem(encoded: Uint8Array): string | null {
  const head = Buffer.from(encoded.buffer, encoded.byteOffset, Math.min(encoded.length, 1024)).toString("latin1");
  if (accepted.some(({ at, bytes }) => head.startsWith(bytes, at))) return null;
  const known = refused.find(({ pattern }) => pattern.test(head));
  return known ? `it is ${known.what}, not ${acceptedFormats}` : `its content is not ${acceptedFormats}`;
}
