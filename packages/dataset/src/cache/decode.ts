// Owns turning encoded bytes into pixels with sharp, which is loaded when the first image is decoded and not before: a
// process that only plans needs no image code.
import { UserError } from "@lockstep/errors";

type SharpModule = typeof import("sharp")["default"];
let loading: Promise<SharpModule> | undefined;

/** Changes with every change of decodeImage that changes pixels. */
const pipelineVersion = 1;

/** For the numerics fingerprint and the image cache's key: who decodes and resizes, at which version. */
export async function datasetDecoderVersion(): Promise<string> {
  const { versions } = await sharpModule();
  // A prebuilt sharp names the libraries that it carries; one built against the system's libvips names vips alone.
  const parts = ["sharp", "vips", "mozjpeg", "png", "webp", "resize"].filter((name) => name in versions);
  return [`pipeline ${pipelineVersion}`, ...parts.map((name) => `${name} ${Reflect.get(versions, name)}`)].join(", ");
}

/**
 * imageSize x imageSize x 3 bytes, RGB, row-major: turned upright, centre-cropped to a square, resized with shrink-on-load,
 * sRGB, alpha dropped. Throws UserError where the image is damaged, be it by a single warning of its decoder.
 * `name` is for the complaint.
 */
export async function decodeImage(encoded: Uint8Array, imageSize: number, name: string): Promise<Uint8Array> {
  const sharp = await sharpModule();
  try {
    const { data, info } = await sharp(encoded, { failOn: "warning", autoOrient: true })
      .resize(imageSize, imageSize, { fit: "cover", position: "centre" })
      .removeAlpha()
      .toColourspace("srgb")
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    if (info.width !== imageSize || info.height !== imageSize || info.channels !== 3) {
      throw new Error(`decoded to ${info.width}x${info.height}x${info.channels}`);
    }
    return data;
  } catch (error) {
    const reason = error instanceof Error ? error.message.trim().replaceAll(/\s*\n\s*/g, "; ") : String(error);
    throw new UserError(
      `image "${name}" cannot be decoded (${reason}); replace it, or delete its row from the label file`,
    );
  }
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
