// Owns reading what an encoded image says of itself, without decoding it.
import { sharpModule } from "@lockstep/dataset";
import { UserError } from "@lockstep/errors";

export interface ImageHeader {
  /** jpeg, png, webp, ... */
  readonly format: string;
  /** Pixels, as stored: before it is turned upright. */
  readonly width: number;
  readonly height: number;
  /** E.g. `srgb`, `b-w`, `srgb with alpha`. */
  readonly colours: string;
}

/** Throws UserError where the bytes do not begin as an image. `name` is for the complaint. */
export async function readHeader(encoded: Uint8Array, name: string): Promise<ImageHeader> {
  const sharp = await sharpModule();
  try {
    const { format, width, height, space, hasAlpha } = await sharp(encoded).metadata();
    return { format, width, height, colours: hasAlpha ? `${space} with alpha` : space };
  } catch (error) {
    const reason = error instanceof Error ? error.message.trim().replaceAll(/\s*\n\s*/g, "; ") : String(error);
    throw new UserError(`image "${name}" is no image that can be read (${reason}); replace it, or delete its row`);
  }
}
