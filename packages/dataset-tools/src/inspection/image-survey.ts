// Surveys the encoded images of a data set (surveyImages): formats, colours, sizes. It reads headers and decodes no
// image.
import { availableParallelism } from "node:os";
import { type EncodedDataset, mapBounded, type Progress } from "@lockstep/dataset";
import { type ImageHeader, readHeader } from "./image-header.js";

export interface Spread {
  readonly least: number;
  readonly median: number;
  readonly greatest: number;
}

export interface ImageSurvey {
  /** Number of images by format (jpeg, png, ...), the most frequent first. */
  readonly formats: Readonly<Record<string, number>>;
  /** Number of images by colour space (srgb, b-w, cmyk, ...) and whether there is an alpha channel. */
  readonly colours: Readonly<Record<string, number>>;
  /** In pixels; null if no header could be read. */
  readonly width: Spread | null;
  /** In pixels; null if no header could be read. */
  readonly height: Spread | null;
  /** Bytes of the encoded images; null if no header could be read. */
  readonly bytes: Spread | null;
  readonly unreadable: readonly UnreadableImage[];
}

export interface UnreadableImage {
  readonly name: string;
  /** The complete message, with the image's name. */
  readonly problem: string;
}

type ReadHeader = ImageHeader & { readonly bytes: number };

export async function surveyImages(options: {
  readonly dataset: EncodedDataset;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}): Promise<ImageSurvey> {
  const { dataset, signal, onProgress } = options;
  const total = dataset.labels.numSamples;
  const headers = await mapBounded({
    items: Array.from({ length: total }, (_, sample) => sample),
    limit: availableParallelism() + 2, // some wait for the disk
    signal,
    onDone: (done) => {
      if (done % 64 === 0 || done === total) onProgress?.({ stage: "inspecting", done, total });
    },
    work: async (sample): Promise<ReadHeader | UnreadableImage> => {
      const name = dataset.imageName(sample);
      try {
        const encoded = await dataset.readEncoded(sample);
        return { ...(await readHeader(encoded, name)), bytes: encoded.length };
      } catch (error) {
        return { name, problem: error instanceof Error ? error.message : String(error) };
      }
    },
  });
  const read = headers.flatMap((header) => ("problem" in header ? [] : [header]));
  return {
    formats: frequencies(read.map(({ format }) => format)),
    colours: frequencies(read.map(({ colours }) => colours)),
    width: spread(read.map(({ width }) => width)),
    height: spread(read.map(({ height }) => height)),
    bytes: spread(read.map(({ bytes }) => bytes)),
    unreadable: headers.flatMap((header) => ("problem" in header ? [header] : [])),
  };
}

function frequencies(values: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
}

function spread(values: readonly number[]): Spread | null {
  const sorted = values.toSorted((a, b) => a - b);
  const [least, median, greatest] = [sorted[0], sorted[Math.floor((sorted.length - 1) / 2)], sorted.at(-1)];
  return least === undefined || median === undefined || greatest === undefined ? null : { least, median, greatest };
}
