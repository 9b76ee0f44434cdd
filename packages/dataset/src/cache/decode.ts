// Owns turning encoded bytes into pixels with sharp, which is loaded when the first image is decoded and not before: a
// process that only plans needs no image code.
import { UserError } from "@lockstep/errors";
import type { Sharp } from "sharp";
import { maxAspectRatio, maxImagePixels } from "../image-limits.js";
import { quoted } from "../labels/quoted.js";
import { formatProblem } from "./image-format.js";

type SharpModule = typeof import("sharp")["default"];
let loading: Promise<SharpModule> | undefined;

/** Raised by every change of decodeImage that changes pixels. 2: the alpha channel is dropped before the resize, not after it. */
const pipelineVersion = 2;

/** For the numerics fingerprint and the image cache's key: who decodes and resizes, at which version. */
export async function datasetDecoderVersion(): Promise<string> {
  const { versions } = await sharpModule();
  // A prebuilt sharp names the libraries that it carries; one built against the system's libvips names vips alone.
  const parts = ["sharp", "vips", "mozjpeg", "png", "webp", "resize"].filter((name) => name in versions);
  return [`pipeline ${pipelineVersion}`, ...parts.map((name) => `${name} ${Reflect.get(versions, name)}`)].join(", ");
}

/**
 * imageSize x imageSize x 3 bytes, RGB, row-major: turned upright, transparency dropped, centre-cropped to a square, resized
 * with shrink-on-load, sRGB. Of several frames or pages the first is taken. `name` is for the message.
 * @throws UserError where the image is damaged; one warning of its decoder is enough
 */
export async function decodeImage(encoded: Uint8Array, imageSize: number, name: string): Promise<Uint8Array> {
  try {
    const { data, info } = await (await withoutAlpha(await opened(encoded)))
      .resize(imageSize, imageSize, { fit: "cover", position: "centre" })
      .toColourspace("srgb")
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    if (info.width !== imageSize || info.height !== imageSize || info.channels !== 3) {
      throw new Error(`decoded to ${info.width}x${info.height}x${info.channels}`);
    }
    return data;
  } catch (error) {
    throw new UserError(
      `image ${quoted(name)} ${decodeProblem(error, name)}; replace it, delete its row from the label file, or leave such images ` +
        "out (--on-bad-image skip)",
    );
  }
}

/**
 * Null where decodeImage takes the image at any size, else what is wrong (reads on from `image "x" ...`). All pixels are
 * decoded: what a smaller size or a crop would not have looked at counts too. Throws where the machine could not tell.
 */
export async function imageProblem(encoded: Uint8Array, name: string): Promise<string | null> {
  try {
    const whole = (await opened(encoded)).extractChannel(0).raw({ depth: "uchar" }); // one channel: a third of the memory
    const { info } = await whole.toBuffer({ resolveWithObject: true });
    const [shorter, longer] = [Math.min(info.width, info.height), Math.max(info.width, info.height)];
    if (longer <= maxAspectRatio * shorter) return null;
    return `cannot be cropped to a square (it has ${info.width}x${info.height} pixels)`;
  } catch (error) {
    return decodeProblem(error, name);
  }
}

async function opened(encoded: Uint8Array): Promise<Sharp> {
  const sharp = await sharpModule();
  const problem = formatProblem(encoded);
  if (problem !== null) throw new Error(problem);
  return sharp(encoded, { failOn: "warning", autoOrient: true, limitInputPixels: maxImagePixels });
}

/**
 * Drops an alpha channel and keeps the colours under it as they are stored, as Pillow's `convert("RGB")`, torchvision and
 * TensorFlow do. Dropped after a resize, the colours would depend on the size: sharp multiplies them with alpha only where it
 * resizes. Such an image is decoded at its full size.
 */
async function withoutAlpha(image: Sharp): Promise<Sharp> {
  if (!(await image.metadata()).hasAlpha) return image;
  const colours = image.removeAlpha().toColourspace("srgb").raw({ depth: "uchar" });
  const { data, info } = await colours.toBuffer({ resolveWithObject: true });
  const sharp = await sharpModule();
  return sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } });
}

/** As libvips, its decoders and the C++ library word it. */
const shortOfMemory =
  /(out of|insufficient|not enough|no) memory|bad_alloc|malloc|(cannot|unable to|could not|failed to|can't) allocate|memory allocation|ENOMEM/i;
/** A decoder's own limit is not the machine's: the image claims too much. */
const limitOfDecoder = /security limit|beyond the|exceeds/i;

/** Reads on from `image "x" ...`. Throws where it is no image's problem: another time the image may well be decoded. */
export function decodeProblem(error: unknown, name: string): string {
  if (error instanceof UserError) throw error;
  const reason = (error instanceof Error ? error.message : String(error))
    .replaceAll(/[\s\p{Cc}]+/gu, " ")
    .trim()
    .slice(0, 300);
  if (!shortOfMemory.test(reason) || limitOfDecoder.test(reason)) return `cannot be decoded (${reason})`;
  throw new UserError(
    `image ${quoted(name)} was not decoded, as memory ran short (${reason}); free some memory and start again, ` +
      "or delete its row from the label file",
  );
}

/** For drawing and encoding images of our own. */
export function sharpModule(): Promise<SharpModule> {
  loading ??= loadSharp();
  return loading;
}

async function loadSharp(): Promise<SharpModule> {
  const { default: sharp } = await import("sharp").catch((error: unknown) => {
    const reason = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    throw new UserError(
      `images cannot be decoded, as sharp does not load (${reason}); install it again (npm run setup)`,
    );
  });
  sharp.concurrency(1); // one thread an image: several images are in flight instead
  sharp.cache(false); // no image is decoded twice
  return sharp;
}
