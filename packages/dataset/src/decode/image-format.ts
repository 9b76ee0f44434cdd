// Recognises the format of an image by its content (imageFormat); the file's name does not matter. Formats outside the
// list below are refused, even if the decoder's library can open them (SVG, PDF, and formats of its later versions):
// such files contain programs and references to other files, and their pixels differ between versions of the library.
//
// The list of accepted formats is our own because it decides which bytes reach the decoder. The file-type library only
// names the formats that are refused.
import { fileTypeFromBuffer } from "file-type";

export interface ImageFormat {
  readonly name: "jpeg" | "png" | "webp" | "gif" | "tiff" | "avif";
  /** Ending of a file name, without the dot. */
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

/** Text files that people mistake for images. The file-type library recognises only binary files. */
const texts: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  { what: "an SVG drawing", pattern: /<svg[\s>]/i },
  { what: "a web page", pattern: /<!doctype html|<html[\s>]/i },
  { what: "a Git LFS pointer", pattern: /^version https:\/\/git-lfs/ },
];

const acceptedNames = "JPEG, PNG, WebP, GIF, TIFF or AVIF";
const headBytes = 4100; // the file-type library reads at most this many bytes

/** Returns the image's format if it is accepted, otherwise what is wrong (a sentence). */
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

/**
 * The first box of the file lists its brands. `avif` is an image and `avis` an image sequence. `mif1` is only the
 * container format: the file is taken for AVIF unless it has a brand of HEIF.
 */
function isAvif(head: string): boolean {
  if (!head.startsWith("ftyp", 4)) return false;
  const boxBytes = Buffer.from(head.slice(0, 4), "latin1").readUInt32BE();
  const brands: readonly string[] = head.slice(8, boxBytes).match(/.{4}/gs) ?? [];
  if (brands.some((brand) => brand === "avif" || brand === "avis")) return true;
  return brands.includes("mif1") && !brands.some((brand) => /^he[iv]/.test(brand));
}
