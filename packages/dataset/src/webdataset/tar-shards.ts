// Reads tar shards in the WebDataset form (tarShards). A shard holds N.jpg and N.json for each sample: members whose
// paths are equal up to the first dot of the file name belong to the same sample. The values of the JSON object are the
// labels.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "@lockstep/errors";
import { z } from "zod";
import type { DatasetSource, UnusableImage } from "../dataset.js";
import { sizeProblem } from "../decode/image-limits.js";
import { checkColumns } from "../forms/data-columns.js";
import type { PartFile } from "../forms/data-form.js";
import type { FormOptions } from "../forms/form-options.js";
import { partOfValue } from "../forms/part-name.js";
import { type RawLabels, readLabels } from "../labels/label-reader.js";
import { nameClasses } from "../labels/numbered-classes.js";
import { type PackedList, type PackedSample, packedImages } from "../shards/packed-images.js";
import { shardIndex } from "../shards/shard-index.js";
import { type TarMember, tarIndex, tarMember } from "./tar-index.js";

/**
 * Splits a member's name into the sample's key and the field in lower case: `a/7.seg.PNG` is the field `seg.png` of the
 * sample `a/7`.
 */
function splitName(name: string): { key: string; field: string } {
  const slash = name.lastIndexOf("/") + 1;
  const dot = name.indexOf(".", slash);
  return dot < 0 ? { key: name, field: "" } : { key: name.slice(0, dot), field: name.slice(dot + 1).toLowerCase() };
}

const imageField = /(^|\.)(jpe?g|jpe|png|webp|gif|bmp|tiff?|avif|heic)$/;

export function tarShards(folder: string, files: readonly PartFile[], options: FormOptions): DatasetSource {
  return packedImages(async () => {
    const shards = await indexShards(folder, files, options);
    if (!shards.some(({ members }) => members.some(({ kind }) => kind === "json"))) {
      throw new UserError(
        `${folder}: its ${files.length} tar shards hold no JSON; labels are read from a member N.json beside each N.jpg`,
      );
    }
    const lists = shards.map((shard) => readShard(shard, options));
    return {
      samples: lists.flatMap(({ samples }) => samples),
      unusable: lists.flatMap(({ unusable }) => unusable),
      unlabelled: lists.flatMap(({ unlabelled }) => unlabelled),
    };
  }, options.log);
}

interface IndexedShard extends PartFile {
  readonly path: string;
  readonly members: readonly TarMember[];
}

async function indexShards(
  folder: string,
  files: readonly PartFile[],
  { columns, cacheDir, log, onProgress, signal }: FormOptions,
): Promise<IndexedShard[]> {
  const { file: image } = columns;
  const isImage = (name: string): boolean => {
    const { field } = splitName(name);
    return image.given ? field === image.name.toLowerCase() : imageField.test(field);
  };
  const sizes = await Promise.all(files.map(async ({ file }) => (await stat(join(folder, file))).size));
  const totalBytes = sizes.reduce((sum, size) => sum + size, 0);
  let [images, bytesBefore] = [0, 0];
  const shards: IndexedShard[] = [];
  for (const [index, { file, origin }] of files.entries()) {
    const path = join(folder, file);
    const members = await shardIndex({
      ...{ path, cacheDir, log, schema: z.array(tarMember) },
      kind: `webdataset ${image.given ? image.name.toLowerCase() : "any image"}`,
      read: () =>
        tarIndex({
          ...{ path, isImage, signal },
          onImage(bytesRead) {
            images += 1;
            // The number of images is only known at the end. Until then it is estimated from the bytes that have been
            // read.
            const total = Math.max(images, Math.round((images * totalBytes) / (bytesBefore + bytesRead)));
            if (images % 256 === 0) onProgress?.({ stage: "indexing", done: images, total });
          },
        }),
    });
    bytesBefore += sizes[index] ?? 0;
    shards.push({ path, file, origin, members });
  }
  const total = shards.flatMap(({ members }) => members).filter(({ kind }) => kind === "image").length;
  onProgress?.({ stage: "indexing", done: total, total });
  return shards;
}

function readShard(shard: IndexedShard, { columns, repairs }: FormOptions): PackedList {
  const { path, file, origin } = shard;
  const samples: PackedSample[] = [];
  const unusable: UnusableImage[] = [];
  const unlabelled: string[] = [];
  for (const [key, members] of bySample(shard)) {
    const json = members.find((member) => member.kind === "json");
    const [image, second] = members.filter((member) => member.kind !== "json");
    if (image !== undefined && second !== undefined) {
      throw new UserError(
        `shard ${path}: sample "${key}" has two images, "${image.name}" and "${second.name}"; ` +
          `delete one, or name the ending of the image to use (--columns file=${splitName(image.name).field})`,
      );
    }
    if (json === undefined) {
      if (image !== undefined) unlabelled.push(`${file}/${image.name}`);
      continue;
    }
    const namedAt = `${path}, ${json.name}`;
    const raw = parseJson(namedAt, json.text);
    const { labels: schema, split } = columns;
    const needed = [...schema.fields.map(({ column }) => column), ...(split.given ? [split.name] : [])];
    checkColumns(namedAt, Object.keys(raw), needed);
    const labels = readLabels(namedAt, schema, nameClasses(namedAt, schema, raw, {}), repairs);
    const part = Object.hasOwn(raw, split.name) ? partOfValue(namedAt, split.name, raw[split.name]) : origin;
    const name = `${file}/${image?.name ?? key}`;
    const imageProblem = problemOf(image);
    if (image?.kind === "image" && imageProblem === null) {
      const { offset, size, sha256: contentSha256 } = image;
      samples.push({ name, namedAt, origin: part, labels, contentSha256, path, offset, size });
      continue;
    }
    unusable.push({ name, namedAt, problem: `${imageProblem} in ${path}` });
  }
  return { samples, unusable, unlabelled };
}

/** Returns null if the image can be used, otherwise what is wrong. */
function problemOf(image: TarMember | undefined): string | null {
  if (image === undefined) return "is missing";
  return image.kind === "image" ? sizeProblem(image.size) : "is a link, not a file";
}

function bySample({ path, members }: IndexedShard): Map<string, TarMember[]> {
  const samples = new Map<string, TarMember[]>();
  for (const member of members) {
    const { key, field } = splitName(member.name);
    if (member.kind === "json" && field !== "json") continue; // e.g. N.seg.json does not hold the labels of a sample
    const sample = samples.get(key) ?? [];
    if (member.kind === "json" && sample.some(({ kind }) => kind === "json")) {
      throw new UserError(`shard ${path}: "${member.name}" appears twice; delete one`);
    }
    sample.push(member);
    samples.set(key, sample);
  }
  return samples;
}

function parseJson(where: string, text: string): RawLabels {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // The error is thrown below.
  }
  throw new UserError(`${where}: is not a JSON object; it must be one like {"race": "White", …}`);
}
