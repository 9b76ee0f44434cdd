// Decodes an image's bytes into the pixels that training uses (decodeImage), or checks whether that is possible
// (imageProblem).
import { UserError } from "@lockstep/errors";
import type { Sharp } from "sharp";
import { quoted } from "../labels/quoted.js";
import { decodeProblem } from "./decode-problem.js";
import { imageFormat } from "./image-format.js";
import { maxAspectRatio, maxImagePixels } from "./image-limits.js";
import { sharpModule } from "./sharp-module.js";

/**
 * Increase it with every change of decodeImage that changes pixels. Version 2 drops the alpha channel before the
 * resize, not after it.
 */
const pipelineVersion = 2;

/**
 * Names the libraries that decode and resize, with their versions; part of the numerics fingerprint and of the image
 * cache's key.
 */
export async function datasetDecoderVersion(): Promise<string> {
  const { versions } = await sharpModule();
  // A prebuilt sharp names the libraries that it contains. One that was built against the system's libvips names only
  // vips.
  const parts = ["sharp", "vips", "mozjpeg", "png", "webp", "resize"].filter((name) => name in versions);
  return [`pipeline ${pipelineVersion}`, ...parts.map((name) => `${name} ${Reflect.get(versions, name)}`)].join(", ");
}

/**
 * Returns imageSize x imageSize x 3 bytes, RGB, row-major. The image is turned upright, its alpha channel is dropped,
 * it is converted to sRGB, cropped to a square at its centre, and resized with shrink-on-load. If the image has several
 * frames or pages, the first is used.
 * @param imageSize pixels per side
 * @param name name of the image for the error message
 * @throws UserError if the image is damaged; one warning of its decoder is enough
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
 * Returns null if decodeImage accepts the image at every size, otherwise what is wrong (a text that follows `image "x"
 * ` in a message). It decodes all pixels, including those that a smaller size or a crop does not need.
 * @throws UserError if the machine ran out of memory, so that the image could not be checked
 */
export async function imageProblem(encoded: Uint8Array, name: string): Promise<string | null> {
  try {
    const { image } = await opened(encoded);
    const whole = image.extractChannel(0).raw({ depth: "uchar" }); // one channel needs a third of the memory
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

/**
 * libvips recognises an AVIF file only if its first brand is `avif`. An image sequence has the first brand `avis`; with
 * the brand replaced, libvips decodes the first image of the sequence.
 */
function withMajorBrandAvif(encoded: Uint8Array): Uint8Array {
  const copy = Buffer.from(encoded);
  copy.write("avif", 8, "latin1");
  return copy;
}

/**
 * Drops the alpha channel and keeps the colours under it as they are stored. Pillow's `convert("RGB")`, torchvision and
 * TensorFlow do the same. The channel is dropped before the resize because sharp multiplies colours by alpha only when
 * it resizes: dropped afterwards, the colours would depend on the image size. So an image with alpha is decoded at its
 * full size.
 */
async function withoutAlpha({ image, mayHaveAlpha }: OpenedImage): Promise<Sharp> {
  if (!mayHaveAlpha || !(await image.metadata()).hasAlpha) return image;
  const colours = image.removeAlpha().toColourspace("srgb").raw({ depth: "uchar" });
  const { data, info } = await colours.toBuffer({ resolveWithObject: true });
  const sharp = await sharpModule();
  return sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } });
}
