// Turns the bytes of a label file into text (labelText): UTF-8, or UTF-16 with a byte order mark. If the file is not
// text, the error message names its type.
import { UserError } from "@lockstep/errors";

/**
 * Largest size of a label file. A row has about 40 bytes, so three million images fit; more would not fit into memory.
 */
export const maxLabelFileBytes = 2 ** 27;

/**
 * @param labelFile name of the file, for messages
 * @throws UserError if the bytes are not text
 */
export function labelText(labelFile: string, bytes: Uint8Array): string {
  const fail = (what: string): never => {
    throw new UserError(`${labelFile}: ${what}; export it as CSV text in UTF-8`);
  };
  const otherType = signatures.find(({ starts }) => starts.every((byte, index) => bytes[index] === byte));
  if (otherType) fail(`is ${otherType.what}, not a label file`);
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : bytes[0] === 0xfe && bytes[1] === 0xff ? "utf-16be" : "utf-8";
  if (encoding === "utf-8") {
    const nul = bytes.indexOf(0);
    if (nul >= 0) fail(`holds a NUL at byte ${nul}: it is damaged, or UTF-16 without a byte order mark`);
  }
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes); // removes the byte order mark
  } catch {
    return fail(`is not ${encoding.toUpperCase()} text`);
  }
}

const signatures: readonly { readonly what: string; readonly starts: readonly number[] }[] = [
  { what: "a spreadsheet or a ZIP archive", starts: [0x50, 0x4b, 0x03, 0x04] },
  { what: "an old spreadsheet", starts: [0xd0, 0xcf, 0x11, 0xe0] },
  { what: "gzip-compressed", starts: [0x1f, 0x8b] },
  { what: "a Parquet file", starts: [0x50, 0x41, 0x52, 0x31] },
  { what: "a PDF", starts: [0x25, 0x50, 0x44, 0x46] },
  { what: "a JPEG image", starts: [0xff, 0xd8, 0xff] },
  { what: "a PNG image", starts: [0x89, 0x50, 0x4e, 0x47] },
];
