// Recognises the form of the data at a path (dataForm). If the data may have two forms, it is refused; nothing is
// guessed.
import type { Dirent } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { UserError } from "@lockstep/errors";
import { reasonOf } from "../content-index.js";
import { NearNames, nearNameHint } from "../files/near-name.js";
import { partNamed, partsOfFiles } from "./part-name.js";

/** A file of the data set, and the part of the official split that its rows belong to. */
export interface PartFile {
  /** Relative to the folder. */
  readonly file: string;
  readonly origin: number;
}

export type DataForm =
  /** The published layout: fairface_label_train.csv, fairface_label_val.csv, and the images they name. */
  | { readonly kind: "fairface"; readonly folder: string }
  /** The user's own label files; the images' paths are relative to the folder. */
  | { readonly kind: "csv"; readonly folder: string; readonly files: readonly PartFile[] }
  /** Images inside Parquet tables, as on the Hugging Face hub. */
  | { readonly kind: "parquet"; readonly folder: string; readonly files: readonly PartFile[] }
  /** N.jpg beside N.json in tar archives. */
  | { readonly kind: "webdataset"; readonly folder: string; readonly files: readonly PartFile[] };

export const acceptedForms =
  "a folder with fairface_label_train.csv, a .csv file or a folder with labels.csv or train.csv, " +
  ".parquet files, or .tar shards";

const publishedLabels = "fairface_label_train.csv";
/** Parquet files may be in `data/`, in `CONFIG/` or in `CONFIG/train/`. */
const maxDepth = 2;
/** Parquet files are searched to this depth, so that files below maxDepth are reported and not overlooked. */
const searchDepth = 5;

/** @throws UserError if no form is recognised; the message says what was found and what is accepted */
export async function dataForm(path: string): Promise<DataForm> {
  const stats = await stat(path).catch(async (error: unknown) => {
    const near = nearNameHint(await new NearNames().find(dirname(path), basename(path)));
    throw new UserError(
      `data ${path} ${reasonOf(error)}${near}; accepted are ${acceptedForms}, or "synthetic" (--data)`,
    );
  });
  return stats.isDirectory() ? formOfFolder(path) : formOfFile(path);
}

function formOfFile(path: string): DataForm {
  const [folder, file] = [dirname(path), basename(path)];
  const files = withParts(folder, [file]);
  if (/\.csv$/i.test(file)) return { kind: "csv", folder, files };
  if (/\.parquet$/i.test(file)) return { kind: "parquet", folder, files };
  if (/\.tar$/i.test(file)) return { kind: "webdataset", folder, files };
  const packed = /\.(tar\.\w+|tgz|zip)$/i.test(file) ? "is a packed archive: unpack it first" : "is not a folder";
  throw new UserError(`data ${path} ${packed}; accepted are ${acceptedForms} (--data)`);
}

async function formOfFolder(folder: string): Promise<DataForm> {
  const names = await readdir(folder);
  if (names.includes(publishedLabels)) return { kind: "fairface", folder };
  const tables = labelFilesAmong(folder, names);
  const shards = names.filter((name) => /\.tar$/i.test(name)).sort();
  const hasOtherForm = tables.length > 0 || shards.length > 0;
  const parquet = await parquetFiles(folder, hasOtherForm ? maxDepth : searchDepth);
  const found = [tables, parquet, shards].filter((files) => files.length > 0);
  if (found.length > 1) {
    const firsts = found.map((files) => `"${files[0]}"`).join(" and ");
    throw new UserError(`data folder ${folder}: holds several forms of data, ${firsts}; name the file to use (--data)`);
  }
  if (tables.length > 0) return { kind: "csv", folder, files: withParts(folder, tables) };
  refuseDeep(folder, parquet);
  if (parquet.length > 0) return { kind: "parquet", folder, files: withParts(folder, oneConfig(folder, parquet)) };
  if (shards.length > 0) return { kind: "webdataset", folder, files: withParts(folder, shards) };
  const some = names.slice(0, 5).map((name) => `"${name}"`);
  throw new UserError(
    `data folder ${folder}: its form is not recognised, found ${some.join(", ") || "nothing"}${names.length > 5 ? ", …" : ""}; ` +
      `accepted are ${acceptedForms} (--data)`,
  );
}

function withParts(folder: string, files: readonly string[]): PartFile[] {
  const parts = partsOfFiles(folder, files);
  return files.map((file, index) => ({ file, origin: parts[index] as number })); // there is one part for each file
}

/** Returns train.csv, val.csv and test.csv, or labels.csv. */
function labelFilesAmong(folder: string, names: readonly string[]): string[] {
  const byPart = names.filter((name) => /\.csv$/i.test(name) && partNamed(name.slice(0, -4)) !== null).sort();
  const whole = names.filter((name) => name.toLowerCase() === "labels.csv");
  const twice = byPart.find(
    (name, index) =>
      byPart.findIndex((other) => partNamed(other.slice(0, -4)) === partNamed(name.slice(0, -4))) < index,
  );
  const clash = twice ?? (byPart.length > 0 ? whole[0] : undefined);
  if (clash !== undefined) {
    const files = [...byPart, ...whole].map((name) => `"${name}"`).join(", ");
    throw new UserError(`data folder ${folder}: ${files} name the same images twice; name the file to use (--data)`);
  }
  return [...byPart, ...whole];
}

/**
 * Returns the relative paths of *.parquet in this folder and in folders below it. Links are followed; hidden folders
 * are left out.
 */
async function parquetFiles(
  folder: string,
  depthLeft: number,
  under = "",
  above: readonly string[] = [],
): Promise<string[]> {
  const here = await realpath(join(folder, under));
  if (above.includes(here)) return []; // a link to a folder above: its files are already listed
  const entries = await readdir(here, { withFileTypes: true }).catch((error: unknown) => {
    throw new UserError(`data folder ${folder}: folder "${under}" ${reasonOf(error)} (--data)`);
  });
  const isFolder = await Promise.all(entries.map((entry) => leadsToFolder(here, entry)));
  const found: string[] = [];
  for (const [index, { name }] of entries.entries()) {
    const path = join(under, name);
    if (name.startsWith(".")) continue;
    if (!isFolder[index]) found.push(...(/\.parquet$/i.test(name) ? [path] : []));
    else if (depthLeft > 0) found.push(...(await parquetFiles(folder, depthLeft - 1, path, [...above, here])));
  }
  return found.sort();
}

async function leadsToFolder(parent: string, entry: Dirent): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  const stats = await stat(join(parent, entry.name)).catch((error: NodeJS.ErrnoException) => {
    // A link without a target is reported when the file is read.
    if (error.code === "ENOENT" || error.code === "ELOOP") return null;
    throw new UserError(`data: link ${join(parent, entry.name)} ${reasonOf(error)} (--data)`);
  });
  return stats?.isDirectory() ?? false;
}

function refuseDeep(folder: string, files: readonly string[]): void {
  const deep = files.find((file) => file.split("/").length - 1 > maxDepth);
  if (deep === undefined) return;
  throw new UserError(
    `data folder ${folder}: "${deep}" is more than ${maxDepth} folders deep; name the folder to use, ` +
      `e.g. --data ${join(folder, dirname(deep))}`,
  );
}

/** Hugging Face's configs (`0.25/train-…`, `1.25/train-…`) are separate data sets and are never mixed. */
function oneConfig(folder: string, files: readonly string[]): readonly string[] {
  const configOf = (file: string): string =>
    file
      .split("/")
      .slice(0, -1)
      .filter((step) => step !== "data" && partNamed(step) === null)
      .join("/");
  const configs = [...new Set(files.map(configOf))];
  if (configs.length <= 1) return files;
  const listed = configs.map((config) => `"${config || "."}"`).join(", ");
  const example = join(folder, configs.find((config) => config !== "") ?? "");
  throw new UserError(`data folder ${folder}: holds several data sets, ${listed}; name one, e.g. --data ${example}`);
}
