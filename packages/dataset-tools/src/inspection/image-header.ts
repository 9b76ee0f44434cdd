// Reads the header of an encoded image without decoding the image (readHeader).
import { decodeProblem, type ImageFormat, imageFormat, quoted, sharpModule } from "@lockstep/dataset";
import { UserError } from "@lockstep/errors";

export interface ImageHeader {
  readonly format: ImageFormat["name"];
  /** In pixels as stored, i.e. before the image is turned upright. */
  readonly width: number;
  readonly height: number;
  /** E.g. `srgb`, `b-w`, `srgb with alpha`. */
  readonly colours: string;
}

/**
 * @param name name of the image for the error message
 * @throws UserError if the bytes do not begin with the header of an accepted image format
 */
export async function readHeader(encoded: Uint8Array, name: string): Promise<ImageHeader> {
  const sharp = await sharpModule();
  try {
    const format = await imageFormat(encoded);
    if ("problem" in format) throw new Error(format.problem);
    const { width, height, space, hasAlpha } = await sharp(encoded).metadata();
    return { format: format.name, width, height, colours: hasAlpha ? `${space} with alpha` : space };
  } catch (error) {
    throw new UserError(`image ${quoted(name)} ${decodeProblem(error, name, encoded)}; replace it, or delete its row`);
  }
}
