// `pathText` is the schema of a flag whose value is a path: it records whether the command reads or writes there, so that
// check-paths.ts can refuse every path that cannot be used before the work begins.
import { Argument, type Command } from "commander";
import { z } from "zod";
import { sampling, text } from "./settings/values.js";

export type PathUse =
  /** Must be of that kind and readable, and must exist, unless the command itself explains best what is missing. */
  | { readonly access: "read"; readonly kind: "file" | "folder" | "any"; readonly mayBeAbsent?: boolean }
  /** A file that the command makes. See output-file.ts. */
  | { readonly access: "write"; readonly kind: "file" }
  /** A file that the command makes, or appends to. */
  | { readonly access: "append"; readonly kind: "file" }
  /** A folder that is made where it is missing. */
  | { readonly access: "write"; readonly kind: "folder" };

interface PathValue {
  readonly use: PathUse;
  /** The path in the flag's text. Null where the text names something else, as `synthetic` does. */
  readonly pathIn: (text: string) => string | null;
}

const pathValues = z.registry<PathValue>();

/** A text that is a path. */
export function pathText(use: PathUse, pathIn: PathValue["pathIn"] = (path) => path) {
  return isPath(text.clone(), use, pathIn);
}

/** Marks a schema that reads a path from its text. */
export function isPath<Schema extends z.ZodType>(schema: Schema, use: PathUse, pathIn: PathValue["pathIn"]): Schema {
  pathValues.add(schema, { use, pathIn });
  return schema;
}

const pathArguments = new WeakMap<Argument, PathValue>();

/** Adds an argument that stands without a flag and is a path: `<out>`. */
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

/** Of a command that reads a run's folder. */
export function addRunArgument(command: Command, usage = "<out>", description = "the run's folder"): Command {
  return addPathArgument(command, usage, description, { access: "read", kind: "folder", mayBeAbsent: true });
}

export function pathValueOfArgument(argument: Argument): PathValue | null {
  return pathArguments.get(argument) ?? null;
}

/** Null for a flag whose value is no path. */
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

/** Not by the data set package: `lockstep health` loads every flag, and runs every few seconds. */
export const dataPath = pathText({ access: "read", kind: "any" }, (text) =>
  /^synthetic(:|$)/.test(text) ? null : text,
);
/** A built-in recipe and a package are names. The recipe package resolves them, and complains of a file that is missing. */
export const recipeFile = {
  access: "read",
  kind: "file",
  pathIn: (text: string) => (/^\.{0,2}\/|\.[cm]?[jt]s$/.test(text) ? text : null),
} as const;
export const recipePath = pathText(recipeFile, recipeFile.pathIn);
export const checkpointPath = pathText({ access: "read", kind: "folder" }, (text) =>
  text === "best" || text === "last" ? null : text,
);
/** A kind of sampling, or a file of weights. */
export const samplingOrFile = isPath(sampling, { access: "read", kind: "file" }, (text) => {
  const { data } = sampling.safeParse(text);
  return data?.kind === "file" ? data.path : null;
});
