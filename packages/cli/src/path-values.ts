// `pathText` makes the schema of a flag whose value is a path. It records whether the command reads or writes the path, so that
// check-paths.ts can refuse a path that cannot be used before the work begins.
import { Argument, type Command } from "commander";
import { z } from "zod";
import { sampling, text } from "./settings/values.js";

export type PathUse =
  /** Must be readable and of this kind. Must exist, unless `mayBeAbsent`: then the command itself reports what is missing. */
  | { readonly access: "read"; readonly kind: "file" | "folder" | "any"; readonly mayBeAbsent?: boolean }
  /** A file that the command writes. See output-file.ts. */
  | { readonly access: "write"; readonly kind: "file" }
  /** A file that the command creates or appends to. */
  | { readonly access: "append"; readonly kind: "file" }
  /** A folder that the command creates if it is missing. */
  | { readonly access: "write"; readonly kind: "folder" };

interface PathValue {
  readonly use: PathUse;
  /** @returns the path in the flag's text; null if the text names something else, such as `synthetic` */
  readonly pathIn: (text: string) => string | null;
}

const pathValues = z.registry<PathValue>();

/** @param pathIn finds the path in the text; by default the whole text is the path */
export function pathText(use: PathUse, pathIn: PathValue["pathIn"] = (path) => path) {
  return isPath(text.clone(), use, pathIn);
}

/** Marks a schema whose text contains a path. */
export function isPath<Schema extends z.ZodType>(schema: Schema, use: PathUse, pathIn: PathValue["pathIn"]): Schema {
  pathValues.add(schema, { use, pathIn });
  return schema;
}

const pathArguments = new WeakMap<Argument, PathValue>();

/** Adds a positional argument that is a path: `<out>`. */
export function addPathArgument(
  command: Command,
  usage: string,
  description: string,
  { pathIn = (text) => text, ...use }: PathUse & Partial<Pick<PathValue, "pathIn">>,
): Command {
  const argument = new Argument(usage, description);
  pathArguments.set(argument, { use, pathIn });
  return command.addArgument(argument);
}

/** Adds the argument of a command that reads a run's folder. */
export function addRunArgument(command: Command, usage = "<out>", description = "the run's folder"): Command {
  return addPathArgument(command, usage, description, { access: "read", kind: "folder", mayBeAbsent: true });
}

export function pathValueOfArgument(argument: Argument): PathValue | null {
  return pathArguments.get(argument) ?? null;
}

/** @returns null for a flag whose value is not a path */
export function pathValueOf(schema: z.ZodType): PathValue | null {
  const isWrapped =
    schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault;
  if (isWrapped) return pathValueOf(schema.unwrap() as z.ZodType);
  return pathValues.get(schema) ?? null;
}

export const fileToRead = pathText({ access: "read", kind: "file" });
export const folderToRead = pathText({ access: "read", kind: "folder" });
export const fileToWrite = pathText({ access: "write", kind: "file" });
export const folderToWrite = pathText({ access: "write", kind: "folder" });

/** The data set package is not imported here: `lockstep health` loads every flag, and runs every few seconds. */
export const dataPath = pathText({ access: "read", kind: "any" }, (text) =>
  /^synthetic(:|$)/.test(text) ? null : text,
);
/** A built-in recipe and a package are names, not paths. The recipe package resolves them, and reports a missing file. */
export const recipeFile = {
  access: "read",
  kind: "file",
  pathIn: (text: string) => (/^\.{0,2}\/|\.[cm]?[jt]s$/.test(text) ? text : null),
} as const;
export const recipePath = pathText(recipeFile, recipeFile.pathIn);
export const checkpointPath = pathText({ access: "read", kind: "folder" }, (text) =>
  text === "best" || text === "last" ? null : text,
);
/** A kind of sampling, or a CSV file of weights. */
export const samplingOrFile = isPath(sampling, { access: "read", kind: "file" }, (text) => {
  const { data } = sampling.safeParse(text);
  return data?.kind === "file" ? data.path : null;
});
