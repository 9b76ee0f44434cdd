// Makes PNGs for tests from single chunks (pngChunk), among them a small file that claims a large number of pixels
// (imageBomb).
import { crc32, deflateSync } from "node:zlib";

/** Returns a grey PNG that claims side x side pixels and holds only the first 100 rows. */
export function imageBomb(side: number): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([8, 0, 0, 0, 0], 8); // 8 bits, grey
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    pngChunk("IHDR", header),
    pngChunk("IDAT", deflateSync(Buffer.alloc(100 * (side + 1)))),
    pngChunk("IEND", Buffer.alloc(0)),
  ]);
}

/** Returns a chunk of a PNG with its length and its checksum. */
export function pngChunk(name: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, "latin1"), content]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
