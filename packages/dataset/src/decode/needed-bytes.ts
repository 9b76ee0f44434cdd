// Computes the least number of bytes that an image file must have according to its own headers (neededBytes).

/** Returns 0 if the file does not state a length: JPEG and GIF state none, and a damaged header may state none. */
export function neededBytes(encoded: Uint8Array): number {
  const bytes = new DataView(encoded.buffer, encoded.byteOffset, encoded.length);
  if (startsWith(bytes, 0, "\x89PNG")) return endOfChunks(bytes);
  if (startsWith(bytes, 0, "RIFF")) return 8 + unsigned(bytes, 4, 4, true);
  if (startsWith(bytes, 4, "ftyp")) return endOfBoxes(bytes);
  if (startsWith(bytes, 0, "II") || startsWith(bytes, 0, "MM")) return endOfDirectory(bytes);
  return 0;
}

/**
 * A PNG has 8 bytes of signature, then chunks. Each chunk has length, name, content and checksum. The last chunk is
 * IEND.
 */
function endOfChunks(bytes: DataView): number {
  let at = 8;
  while (at + 8 <= bytes.byteLength) {
    const isLast = startsWith(bytes, at + 4, "IEND");
    at += 12 + unsigned(bytes, at, 4);
    if (isLast) return at;
  }
  return at + 12;
}

/**
 * An AVIF file consists of boxes. Each box has length, name and content. Length 0 means that the box extends to the end
 * of the file; length 1 means that the next eight bytes after the name hold the length.
 */
function endOfBoxes(bytes: DataView): number {
  let at = 0;
  while (at + 8 <= bytes.byteLength) {
    const short = unsigned(bytes, at, 4);
    const length = short === 1 ? unsigned(bytes, at + 8, 8) : short;
    if (length < 8) return at;
    at += length;
  }
  return at;
}

const tag = { stripOffsets: 273, stripBytes: 279, tileOffsets: 324, tileBytes: 325 };
/** Bytes of a value, indexed by its TIFF type: 1 BYTE, 2 ASCII, 3 SHORT, 4 LONG, 5 RATIONAL, ... 16 LONG8. */
const valueBytes = [1, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 1, 1, 8, 8, 8];

/**
 * The header of a TIFF holds the offset of a directory. The directory's entries hold the offsets of their values and of
 * the image's strips.
 */
function endOfDirectory(bytes: DataView): number {
  const littleEndian = startsWith(bytes, 0, "II");
  const read = (at: number, size: number): number => unsigned(bytes, at, size, littleEndian);
  const isBig = read(2, 2) === 43;
  const [word, countBytes, entryBytes] = isBig ? [8, 8, 20] : [4, 2, 12];
  const directory = read(isBig ? 8 : 4, word);
  const count = read(directory, countBytes);
  let end = directory + countBytes + count * entryBytes + word;
  if (end > bytes.byteLength) return end;
  const values = new Map<number, { at: number; size: number; count: number }>();
  for (let at = directory + countBytes; at < end - word; at += entryBytes) {
    const [size, count] = [valueBytes[read(at + 2, 2)] ?? 1, read(at + 4, word)];
    const place = size * count <= word ? at + 4 + word : read(at + 4 + word, word);
    values.set(read(at, 2), { at: place, size, count });
  }
  for (const { at, size, count } of values.values()) end = Math.max(end, at + size * count);
  if (end > bytes.byteLength) return end;
  const places = values.get(tag.stripOffsets) ?? values.get(tag.tileOffsets);
  const lengths = values.get(tag.stripBytes) ?? values.get(tag.tileBytes);
  if (places === undefined || lengths === undefined) return end;
  for (let index = 0; index < places.count; index++) {
    const at = read(places.at + index * places.size, places.size);
    end = Math.max(end, at + read(lengths.at + index * lengths.size, lengths.size));
  }
  return end;
}

function startsWith(bytes: DataView, at: number, text: string): boolean {
  if (at + text.length > bytes.byteLength) return false;
  return Array.from(text).every((letter, index) => bytes.getUint8(at + index) === letter.charCodeAt(0));
}

/** Reads an unsigned integer of `size` bytes; 0 if it is not inside the file. */
function unsigned(bytes: DataView, at: number, size: number, littleEndian = false): number {
  if (at + size > bytes.byteLength) return 0;
  if (size === 8) return Number(bytes.getBigUint64(at, littleEndian));
  if (size === 4) return bytes.getUint32(at, littleEndian);
  return size === 2 ? bytes.getUint16(at, littleEndian) : bytes.getUint8(at);
}
