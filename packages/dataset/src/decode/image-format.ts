// Recognises which kind of image a file is by its content (imageFormat); its name does not matter. What the decoder's library
// could open besides (SVG, PDF, and whatever its next version adds) is refused: such files hold programs and references, and
// are drawn with other pixels from version to version.
//
// The accepted kinds are a list of our own, as it decides what reaches the decoder. The file-type library only names the rest.
import { fileTypeFromBuffer } from "file-type";

export interface ImageFormat {
  readonly name: "jpeg" | "png" | "webp" | "gif" | "tiff" | "avif";
  /** Of a file's name, without the dot. */
  readonly ending: string;
}

const accepted: readonly (ImageFormat & { readonly isStartOf: (head: string) => boolean })[] = [
  { name: "jpeg", ending: "jpg", isStartOf: (head) => head.startsWith("\xff\xd8\xff") },
  { name: "png", ending: "png", isStartOf: (head) => head.startsWith("\x89PNG\r\n\x1a\n") },
  { name: "webp", ending: "webp", isStartOf: (head) => /^RIFF.{4}WEBP/s.test(head) },
  { name: "gif", ending: "gif", isStartOf: (head) => /^GIF8[79]a/.test(head) },
  { name: "tiff", ending: "tif", isStartOf: (head) => /^(II[*+]\0|MM\0[*+])/.test(head) }, // + is BigTIFF
  { name: "avif", ending: "avif", isStartOf: isAvif },
];

/** Text that people mistake for images: file-type recognises binary content only. */
const texts: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  { what: "an SVG drawing", pattern: /<svg[\s>]/i },
  { what: "a web page", pattern: /<!doctype html|<html[\s>]/i },
  { what: "a Git LFS pointer", pattern: /^version https:\/\/git-lfs/ },
];

const acceptedNames = "JPEG, PNG, WebP, GIF, TIFF or AVIF";
const headBytes = 4100; // file-type reads no more to recognise a file

/** The image's kind where it is accepted, else what is wrong (a sentence). */
export async function imageFormat(encoded: Uint8Array): Promise<ImageFormat | { readonly problem: string }> {
  const start = encoded.subarray(0, headBytes);
  const head = Buffer.from(start.buffer, start.byteOffset, start.length).toString("latin1");
  const format = accepted.find(({ isStartOf }) => isStartOf(head));
  // A camera's raw photo may be a TIFF whose first image is a small preview.
  if (format !== undefined && format.name !== "tiff") return format;
  const found = await fileTypeFromBuffer(start);
  if (format !== undefined && (found === undefined || found.ext === "tif")) return format;
  const text = texts.find(({ pattern }) => pattern.test(head));
  if (text !== undefined) return { problem: `it is ${text.what}, not ${acceptedNames}` };
  return {
    problem:
      found === undefined
        ? `its content is not ${acceptedNames}`
        : `its content is that of a .${found.ext} file (${found.mime}), not ${acceptedNames}`,
  };
}

/** The file's first box lists its brands. `avis` is a sequence. `mif1` alone names a container, in which the decoder looks for AVIF. */
function isAvif(head: string): boolean {
  if (!head.startsWith("ftyp", 4)) return false;
  const boxBytes = Buffer.from(head.slice(0, 4), "latin1").readUInt32BE();
  const brands: readonly string[] = head.slice(8, boxBytes).match(/.{4}/gs) ?? [];
  if (brands.some((brand) => brand === "avif" || brand === "avis")) return true;
  return brands.includes("mif1") && !brands.some((brand) => /^he[iv]/.test(brand));
}
