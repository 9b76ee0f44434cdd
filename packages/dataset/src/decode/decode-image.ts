// Decodes an image's bytes into the pixels that training sees (decodeImage), or finds out whether that can be done
// (imageProblem).
import { UserError } from "@lockstep/errors";
import type { Sharp } from "sharp";
import { quoted } from "../labels/quoted.js";
import { decodeProblem } from "./decode-problem.js";
import { imageFormat } from "./image-format.js";
import { maxAspectRatio, maxImagePixels } from "./image-limits.js";
import { sharpModule } from "./sharp-module.js";

/** Raised by every change of decodeImage that changes pixels. 2: the alpha channel is dropped before the resize, not after it. */
const pipelineVersion = 2;

/** For the numerics fingerprint and the image cache's key: the libraries that decode and resize, with their versions. */
export async function datasetDecoderVersion(): Promise<string> {
  const { versions } = await sharpModule();
  // A prebuilt sharp names the libraries that it contains. One that was built against the system's libvips names only vips.
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
      `image ${quoted(name)} ${decodeProblem(error, name, encoded)}; replace it, delete its row from the label file, or leave ` +
        "such images out (--on-bad-image skip)",
    );
  }
}

/**
 * Null where decodeImage accepts the image at any size, else what is wrong (it follows `image "x" `). It decodes all pixels:
 * also those that a smaller size or a crop would not have read.
 * @throws UserError where this machine could not decide
 */
export async function imageProblem(encoded: Uint8Array, name: string): Promise<string | null> {
  try {
    const { image } = await opened(encoded);
    const whole = image.extractChannel(0).raw({ depth: "uchar" }); // one channel takes a third of the memory
    const { info } = await whole.toBuffer({ resolveWithObject: true });
    const [shorter, longer] = [Math.min(info.width, info.height), Math.max(info.width, info.height)];
    if (longer <= maxAspectRatio * shorter) return null;
    return `cannot be cropped to a square (it has ${info.width}x${info.height} pixels)`;
  } catch (error) {
    return decodeProblem(error, name, encoded);
  }
}

interface OpenedImage {
  readonly image: Sharp;
  readonly mayHaveAlpha: boolean;
}

async function opened(encoded: Uint8Array): Promise<OpenedImage> {
  const sharp = await sharpModule();
  const format = await imageFormat(encoded);
  if ("problem" in format) throw new Error(format.problem);
  const image = sharp(format.name === "avif" ? withMajorBrandAvif(encoded) : encoded, {
    failOn: "warning",
    autoOrient: true,
    limitInputPixels: maxImagePixels,
  });
  return { image, mayHaveAlpha: format.name !== "jpeg" };
}

/** libvips recognises an AVIF by its first brand alone. That of a sequence is `avis`, and its first image is decoded as any other. */
function withMajorBrandAvif(encoded: Uint8Array): Uint8Array {
  const copy = Buffer.from(encoded);
  copy.write("avif", 8, "latin1");
  return copy;
}

/**
 * Drops an alpha channel and keeps the colours under it as they are stored, as Pillow's `convert("RGB")`, torchvision and
 * TensorFlow do. Dropped after a resize, the colours would depend on the size: sharp multiplies them with alpha only where it
 * resizes. Such an image is decoded at its full size.
 */
async function withoutAlpha({ image, mayHaveAlpha }: OpenedImage): Promise<Sharp> {
  if (!mayHaveAlpha || !(await image.metadata()).hasAlpha) return image;
  const colours = image.removeAlpha().toColourspace("srgb").raw({ depth: "uchar" });
  const { data, info } = await colours.toBuffer({ resolveWithObject: true });
  const sharp = await sharpModule();
  return sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } });
}
