import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { UserError } from "@lockstep/errors";
import type { Sharp } from "sharp";
import { imageBomb, pngChunk } from "../testing/image-bomb.js";
import { datasetDecoderVersion, decodeImage, imageProblem } from "./decode-image.js";
import { decodeProblem } from "./decode-problem.js";

/** An image whose left half is red and whose right half is blue. */
async function halves(width: number, height: number): Promise<Sharp> {
  const { default: sharp } = await import("sharp");
  const pixels = Buffer.alloc(width * height * 3);
  for (let i = 0; i < width * height; i++) pixels[3 * i + (i % width < width / 2 ? 0 : 2)] = 250;
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

function at(pixels: Uint8Array, size: number, x: number, y: number): number[] {
  const place = 3 * (y * size + x);
  return Array.from(pixels.subarray(place, place + 3));
}

function assertNear(actual: number[], expected: number[], tolerance = 12): void {
  assert.ok(
    actual.length === expected.length && actual.every((value, i) => Math.abs(value - (expected[i] ?? 0)) <= tolerance),
    `${actual} is not near ${expected}`,
  );
}

/** The same PNG with the first pixel's colour declared transparent (a tRNS chunk after the IHDR chunk). */
function withColourKey(png: Buffer): Buffer {
  const endOfHeader = 8 + 25;
  const transparency = pngChunk("tRNS", Buffer.of(0, 0, 0, 37, 0, 74));
  return Buffer.concat([png.subarray(0, endOfHeader), transparency, png.subarray(endOfHeader)]);
}

const [red, blue] = [
  [250, 0, 0],
  [0, 0, 250],
];

describe("decoding", () => {
  test("a wide image is cropped around its centre, and gives the same bytes each time", async () => {
    const encoded = await (await halves(256, 64)).jpeg({ quality: 95 }).toBuffer();
    const pixels = await decodeImage(encoded, 16, "wide.jpg");
    assert.equal(pixels.length, 16 * 16 * 3);
    assertNear(at(pixels, 16, 1, 8), red);
    assertNear(at(pixels, 16, 14, 8), blue);
    assert.deepEqual(await decodeImage(encoded, 16, "wide.jpg"), pixels);
  });

  test("a small image is enlarged", async () => {
    const pixels = await decodeImage(await (await halves(8, 8)).png().toBuffer(), 32, "small.png");
    assertNear(at(pixels, 32, 2, 16), red);
    assertNear(at(pixels, 32, 29, 16), blue);
  });

  test("images with transparency, other colour spaces or 16 bits become 8-bit RGB", async () => {
    const forms: [string, Promise<Buffer>][] = [
      ["alpha", (await halves(32, 32)).ensureAlpha(0.5).png().toBuffer()],
      ["16 bits", (await halves(32, 32)).toColourspace("rgb16").png().toBuffer()],
      ["palette", (await halves(32, 32)).png({ palette: true }).toBuffer()],
      ["webp", (await halves(32, 32)).webp({ lossless: true }).toBuffer()],
    ];
    for (const [name, encoded] of forms) {
      const pixels = await decodeImage(await encoded, 16, name);
      assertNear(at(pixels, 16, 2, 8), red);
      assertNear(at(pixels, 16, 13, 8), blue);
    }
    const cmyk = await decodeImage(await (await halves(32, 32)).toColourspace("cmyk").jpeg().toBuffer(), 16, "cmyk");
    const [r = 0, , b = 0] = at(cmyk, 16, 2, 8);
    assert.ok(r > b + 100, `cmyk red is ${at(cmyk, 16, 2, 8)}`);
    const grey = await decodeImage(await (await halves(32, 32)).greyscale().jpeg().toBuffer(), 16, "grey");
    const pixel = at(grey, 16, 2, 8);
    assertNear(pixel, [pixel[0] ?? 0, pixel[0] ?? 0, pixel[0] ?? 0], 0);
  });

  describe("an alpha channel is dropped, and the colours under it are kept, at each size", () => {
    const size = 32;
    /** Colours that differ from pixel to pixel, under an alpha of 0, 1, 128 and 255 in turn. */
    const image = async (): Promise<Sharp> => {
      const { default: sharp } = await import("sharp");
      const alpha = Uint8Array.of(0, 1, 128, 255);
      const pixels = Uint8Array.from({ length: size * size * 4 }, (_, i) =>
        i % 4 === 3 ? (alpha[Math.floor(i / 12) % 4] ?? 0) : (37 * i) & 0xff,
      );
      return sharp(pixels, { raw: { width: size, height: size, channels: 4 } });
    };
    const cases: [string, () => Promise<Uint8Array>][] = [
      ["PNG", async () => (await image()).png().toBuffer()],
      ["grey PNG", async () => (await image()).toColourspace("b-w").png().toBuffer()],
      ["PNG of 16 bits", async () => (await image()).toColourspace("rgb16").png().toBuffer()],
      ["PNG with a palette", async () => (await image()).png({ palette: true }).toBuffer()],
      [
        "PNG with one transparent colour",
        async () => withColourKey(await (await image()).removeAlpha().png().toBuffer()),
      ],
      ["WebP", async () => (await image()).webp({ lossless: true, exact: true }).toBuffer()],
      ["lossy WebP", async () => (await image()).webp({ quality: 80 }).toBuffer()],
      ["AVIF", async () => (await image()).avif({ quality: 60, effort: 0 }).toBuffer()],
      ["GIF", async () => (await image()).gif().toBuffer()],
      ["TIFF", async () => (await image()).tiff({ compression: "deflate" }).toBuffer()],
    ];
    for (const [name, encode] of cases) {
      test(name, async () => {
        const { default: sharp } = await import("sharp");
        const encoded = await encode();
        const stored = sharp(encoded).toColourspace("srgb").raw({ depth: "uchar" });
        const { data, info } = await stored.toBuffer({ resolveWithObject: true });
        assert.equal(info.channels, 4);
        const raw = { width: size, height: size, channels: 3 } as const;
        const colours = await sharp(
          data.filter((_, i) => i % 4 !== 3),
          { raw },
        )
          .png()
          .toBuffer();
        for (const imageSize of [size, size / 2, 20, 2 * size]) {
          const expected = await decodeImage(colours, imageSize, "colours");
          assert.deepEqual(await decodeImage(encoded, imageSize, name), expected, `at ${imageSize}`);
        }
      });
    }
  });

  test("a photo that was taken lying on its side is turned upright", async () => {
    const encoded = await (await halves(64, 64)).withMetadata({ orientation: 6 }).jpeg({ quality: 95 }).toBuffer();
    const pixels = await decodeImage(encoded, 16, "turned.jpg");
    assertNear(at(pixels, 16, 8, 1), red);
    assertNear(at(pixels, 16, 8, 14), blue);
  });

  test("a damaged image is refused by name with a message of one line", async () => {
    const encoded = await (await halves(64, 64)).jpeg().toBuffer();
    const damaged = Buffer.from(encoded);
    damaged.fill(0xff, encoded.length - 60, encoded.length - 20);
    for (const broken of [damaged, encoded.subarray(0, encoded.length - 10), Buffer.alloc(0), Buffer.from("GIF89a")]) {
      await assert.rejects(decodeImage(broken, 16, "train/9.jpg"), (error: unknown) => {
        assert.ok(error instanceof UserError, String(error));
        assert.match(error.message, /^image "train\/9.jpg" cannot be decoded \(.+\); replace it/);
        return true;
      });
    }
  });

  test("the first frame of an animation is used", async () => {
    const { default: sharp } = await import("sharp");
    const frames = [
      await (await halves(32, 32)).png().toBuffer(),
      await (await halves(32, 32)).flop().png().toBuffer(),
    ];
    const animation = sharp(frames, { join: { animated: true } });
    for (const encoded of [
      await animation.clone().gif().toBuffer(),
      await animation.clone().webp({ lossless: true }).toBuffer(),
    ]) {
      assert.equal((await sharp(encoded).metadata()).pages, 2);
      const pixels = await decodeImage(encoded, 16, "animated");
      assertNear(at(pixels, 16, 2, 8), red);
      assertNear(at(pixels, 16, 13, 8), blue);
    }
  });

  test("grey of 16 bits becomes RGB with three equal channels", async () => {
    const encoded = await (await halves(32, 32)).toColourspace("grey16").png().toBuffer();
    const { default: sharp } = await import("sharp");
    assert.equal((await sharp(encoded).metadata()).depth, "ushort");
    const [r = 0, g, b] = at(await decodeImage(encoded, 16, "grey16"), 16, 2, 8);
    assert.ok(r > 20 && r < 230 && r === g && r === b, `${[r, g, b]}`);
  });

  test("a file of a format that is not accepted is refused, even if a library could draw it", async () => {
    const cases: [string, RegExp][] = [
      [
        '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
        /it is an SVG drawing, not JPEG, PNG/,
      ],
      ["%PDF-1.7\n", /its content is that of a .pdf file \(application\/pdf\), not JPEG, PNG/],
      ["<!DOCTYPE html><html><body>404</body></html>", /it is a web page/],
      ["P6 1 1 255\nabc", /its content is not JPEG, PNG, WebP, GIF, TIFF or AVIF/],
      ["version https://git-lfs.github.com/spec/v1\n", /it is a Git LFS pointer/],
    ];
    for (const [text, reason] of cases) {
      await assert.rejects(decodeImage(Buffer.from(text), 16, "x.jpg"), (error: unknown) => {
        return error instanceof UserError && reason.test(error.message);
      });
      assert.match((await imageProblem(Buffer.from(text), "x.jpg")) ?? "", reason);
    }
  });

  test("a small file that claims 50,000 x 50,000 pixels is refused before it is decoded", async () => {
    const bomb = imageBomb(50_000);
    assert.ok(bomb.length < 100_000);
    await assert.rejects(
      decodeImage(bomb, 16, "bomb.png"),
      /image "bomb.png" cannot be decoded \(Input image exceeds pixel limit\)/,
    );
    assert.match((await imageProblem(bomb, "x.jpg")) ?? "", /exceeds pixel limit/);
  });

  test("imageProblem checks the whole image, including what a crop leaves out", async () => {
    const tall = await (await halves(64, 640)).png().toBuffer();
    assert.equal(await imageProblem(tall, "x.jpg"), null);
    const damaged = tall.subarray(0, tall.length - 40);
    assert.match((await imageProblem(damaged, "x.jpg")) ?? "", /^cannot be decoded \(/);
  });

  test("imageProblem refuses an image that is too narrow to be enlarged to a square", async () => {
    const { default: sharp } = await import("sharp");
    const strip = (width: number, height: number) =>
      sharp({ create: { width, height, channels: 3, background: "red" } })
        .png()
        .toBuffer();
    assert.equal(await imageProblem(await strip(2, 2000), "x.jpg"), null);
    assert.equal((await decodeImage(await strip(2, 2000), 64, "strip.png")).length, 64 * 64 * 3);
    assert.match(
      (await imageProblem(await strip(2001, 2), "x.jpg")) ?? "",
      /^cannot be cropped to a square \(it has 2001x2 pixels\)/,
    );
  });

  test("a lack of memory stops the work and does not count as a problem of the image; a limit of the decoder does", () => {
    const memoryErrors = [
      "VipsJpeg: Insufficient memory (case 4)",
      "vips_tracked: out of memory -- size == 363MB",
      "pngload_buffer: libspng read error: out of memory",
      "std::bad_alloc",
      "Failed to allocate memory for tile (363 elements)",
    ];
    for (const reason of memoryErrors) {
      assert.throws(
        () => decodeProblem(new Error(reason), "x.jpg"),
        /^UserError: image "x.jpg" was not decoded: memory ran short \(.*\); free some memory and start again/,
      );
    }
    const imageErrors = [
      "heif: Memory allocation error: Security limit exceeded: Allocating 9 GB exceeds the limit",
      "tiff2vips: Memory allocation of 900000000 bytes is beyond the 268435456 byte limit",
      "Input image exceeds pixel limit",
      "VipsJpeg: premature end of JPEG image",
    ];
    for (const reason of imageErrors)
      assert.equal(decodeProblem(new Error(reason), "x.jpg"), `cannot be decoded (${reason})`);
  });

  describe("a file that is cut short is reported with the bytes that it has, and with those that it needs if its format states them", () => {
    const encodings: [name: string, encode: (image: Sharp) => Sharp, statesLength: boolean][] = [
      ["JPEG", (image) => image.jpeg(), false],
      ["progressive JPEG", (image) => image.jpeg({ progressive: true }), false],
      ["PNG", (image) => image.png(), true],
      ["interlaced PNG", (image) => image.png({ progressive: true }), true],
      ["WebP", (image) => image.webp(), true],
      ["GIF", (image) => image.gif(), false],
      ["TIFF", (image) => image.tiff({ compression: "none" }), true],
      ["BigTIFF", (image) => image.tiff({ bigtiff: true, compression: "lzw" }), true],
      ["AVIF", (image) => image.avif({ effort: 0 }), true],
    ];
    for (const [name, encode, statesLength] of encodings) {
      test(name, async () => {
        const whole = await encode(await halves(224, 224)).toBuffer();
        assert.equal(await imageProblem(whole, "x"), null);
        for (const share of [0.9, 0.5, 0.3]) {
          const cut = whole.subarray(0, Math.floor(share * whole.length));
          const has = cut.length.toLocaleString("en-US");
          const expected = statesLength
            ? new RegExp(`^cannot be decoded \\(the file is cut short: it has ${has} of at least [\\d,]+ bytes\\)$`)
            : new RegExp(`^cannot be decoded \\(the file is cut short: it ends after ${has} bytes\\)$`);
          assert.match((await imageProblem(cut, "x")) ?? "", expected);
          await assert.rejects(decodeImage(cut, 16, "x"), /the file is cut short/);
        }
      });
    }

    test("TIFF whose directory comes before its pixels, as Pillow writes it", async () => {
      const pixels = Buffer.alloc(30 * 30, 77);
      const header = Buffer.from("49492a0008000000", "hex");
      const entries = [
        ...[
          [256, 30],
          [257, 30],
          [258, 8],
          [259, 1],
          [262, 1],
          [273, 8 + 2 + 9 * 12 + 4],
          [277, 1],
          [278, 30],
          [279, 900],
        ],
      ].map(([tag = 0, value = 0]) => {
        const entry = Buffer.alloc(12);
        entry.writeUInt16LE(tag, 0);
        entry.writeUInt16LE(4, 2);
        entry.writeUInt32LE(1, 4);
        entry.writeUInt32LE(value, 8);
        return entry;
      });
      const whole = Buffer.concat([header, Buffer.of(9, 0), ...entries, Buffer.alloc(4), pixels]);
      assert.equal(await imageProblem(whole, "x"), null);
      assert.equal(
        await imageProblem(whole.subarray(0, 1000), "x"),
        "cannot be decoded (the file is cut short: it has 1,000 of at least 1,022 bytes)",
      );
    });
  });

  test("a warning of a decoder is reported in plain words", () => {
    const reason = (text: string): string => decodeProblem(new Error(text), "x.jpg");
    assert.equal(
      reason("Warning treated as error due to failOn setting\nICC profile is odd\nICC profile is odd"),
      "cannot be decoded (its decoder warns: ICC profile is odd)",
    );
    assert.equal(reason("Input buffer has corrupt header: "), "cannot be decoded (its header is damaged)");
    assert.equal(
      reason("Input buffer contains unsupported image format"),
      "cannot be decoded (its decoder does not recognise it)",
    );
  });

  test("the decoder version names sharp and libvips", async () => {
    assert.match(await datasetDecoderVersion(), /^pipeline \d+, sharp \d+\.\d+\.\d+, vips \d+\.\d+\.\d+/);
  });
});
