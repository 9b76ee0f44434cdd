// Makes PNGs by hand for tests: imageBomb has few bytes and claims any number of pixels; pngChunk is one part of a PNG.
import { crc32, deflateSync } from "node:zlib";

/** A grey PNG of side x side pixels, of which only the first rows are there. */
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

/** With its length and its check sum. */
export function pngChunk(name: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, "latin1"), content]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
