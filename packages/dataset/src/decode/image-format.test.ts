import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import sharp from "sharp";
import { decodeImage } from "./decode-image.js";
import { imageFormat } from "./image-format.js";

const image = sharp({ create: { width: 8, height: 8, channels: 3, background: "red" } });
const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");

describe("the format of an image file", () => {
  test("is recognised for every accepted format, and the decoder decodes the image", async () => {
    const avif = await image.clone().avif({ effort: 0 }).toBuffer();
    const avis = Buffer.from(avif);
    avis.write("avis", 8, "latin1"); // the major brand of an image sequence
    const mif1 = Buffer.from(avif);
    mif1.write("mif1", 8, "latin1");
    const cases: [string, Uint8Array][] = [
      ["jpeg", await image.clone().jpeg().toBuffer()],
      ["png", await image.clone().png().toBuffer()],
      ["webp", await image.clone().webp().toBuffer()],
      ["webp", await image.clone().webp({ lossless: true }).toBuffer()],
      ["gif", await image.clone().gif().toBuffer()],
      ["tiff", await image.clone().tiff().toBuffer()],
      ["tiff", await image.clone().tiff({ bigtiff: true }).toBuffer()],
      ...[avif, avis, mif1].map((encoded): [string, Uint8Array] => ["avif", encoded]),
    ];
    for (const [name, encoded] of cases) {
      const format = await imageFormat(encoded);
      assert.ok("name" in format && format.name === name, `${name}: ${JSON.stringify(format)}`);
      assert.equal((await decodeImage(encoded, 8, name)).length, 8 * 8 * 3);
    }
    for (const head of ["II*\0", "MM\0*", "II+\0\x08\0\0\0", "MM\0+\0\x08\0\0"]) {
      assert.deepEqual(await imageFormat(bytes(head)), { ...(await imageFormat(bytes("II*\0"))) });
    }
  });

  test("may be an AVIF sequence, which is decoded to its first image", async () => {
    // Pillow 13 has written this file, because sharp writes no sequences. It has two images of 64x64: red, then blue.
    const sequence = await readFile(new URL("../../src/decode/testdata/sequence.avif", import.meta.url));
    assert.equal(sequence.toString("latin1", 8, 12), "avis");
    const [red = 0, green = 255, blue = 255] = await decodeImage(sequence, 1, "sequence.avif");
    assert.ok(red > 240 && green < 10 && blue < 10, `${[red, green, blue]}`);
  });

  test("is named in the message if it is not accepted", async () => {
    const brands = (...names: string[]): string =>
      `\0\0\0${String.fromCharCode(8 + 4 * names.length)}ftyp${names.join("")}`;
    const cases: [string, RegExp][] = [
      [brands("heic", "\0\0\0\0", "mif1", "heic"), /a \.heic file \(image\/heic\)/],
      [brands("mif1", "\0\0\0\0", "mif1", "heic"), /a \.heic file \(image\/heif\)/],
      [brands("isom", "\0\0\x02\0", "isom", "mp41"), /a \.mp4 file/],
      ["\0\0\0\x0cJXL \r\n\x87\n", /a \.jxl file/],
      ["\xff\x0a\0\0\0\0\0\0\0\0\0\0", /a \.jxl file/],
      ["\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 \0\0\0\0jp2 ", /a \.jp2 file/],
      ["BM6\0\0\0\0\0\0\0\x36\0\0\0", /a \.bmp file/],
      ["8BPS\0\x01\0\0\0\0\0\0", /a \.psd file/],
      ["\0\0\x01\0\x01\0\x10\x10\0\0", /a \.ico file/],
      ["II*\0\x10\0\0\0CR\x02\0", /a \.cr2 file/],
      ["%PDF-1.7\n", /a \.pdf file/],
      ["\x1f\x8b\x08\0\0\0\0\0\0\x03", /a \.gz file/],
    ];
    for (const [head, expected] of cases) {
      const format = await imageFormat(bytes(head.padEnd(64, "\0")));
      assert.match("problem" in format ? format.problem : JSON.stringify(format), expected);
      assert.match("problem" in format ? format.problem : "", /, not JPEG, PNG, WebP, GIF, TIFF or AVIF$/);
    }
  });
});
