// `setting` declares one setting. Its flag, its key in a file, its environment variable, its help, its JSON Schema and its place
// in the run spec follow from the declaration. `settings/declared/` holds all declarations.
import { UserError } from "@lockstep/errors";
import { z } from "zod";
import { formOf, isSwitch, jsonForm, textForm } from "./text-form.js";

export interface Setting<Schema extends z.ZodType = z.ZodType> {
  /** The value's name in the help: `pixels` in `--image-size <pixels>`. Not used for a switch. */
  readonly unit: string;
  readonly help: string;
  /** Checks the JSON value, and holds the default. Without a default, the setting is required unless the schema is optional(). */
  readonly schema: Schema;
  /** The default in the help, if the schema has none or its value is not clear to a reader. */
  readonly defaultText?: string;
  /** Path of the value in the run spec: `optimizer.learningRate`. Absent for a launch option. */
  readonly spec?: string;
  /** Converts the value to the spec's field, whose present value is `former`. Null: planRun sets the field. Absent: not converted. */
  readonly toSpec?: ((value: never, former: unknown) => unknown) | null;
  /** Converts the spec's field, or the given value, to the value that `--dry-run` shows. Absent: not converted. */
  readonly shown?: (leaf: unknown) => unknown;
  /** Only the launcher gives it, to the processes that it starts. */
  readonly internal?: true;
}

/** Settings by name: `imageSize`. */
export type Settings = Readonly<Record<string, Setting>>;

/** The values that a command gets. */
export type Values<Group extends Settings> = { readonly [Name in keyof Group]: z.output<Group[Name]["schema"]> };

/** The values that were given, without defaults. */
export type Given<Group extends Settings> = { readonly [Name in keyof Group]?: Values<Group>[Name] | undefined };

/** The values as JSON, for another process. */
export type Inputs<Group extends Settings> = {
  readonly [Name in keyof Group]?: z.input<Group[Name]["schema"]> | undefined;
};

type More = Omit<Setting, "unit" | "help" | "schema">;

export function setting<Schema extends z.ZodType>(unit: string, help: string, schema: Schema, more: More = {}) {
  const declared: Setting<Schema> = { unit, help, schema, ...more };
  return declared;
}

/** The setting for a command that requires it. */
export function required<Schema extends z.ZodType>({ unit, help, schema }: Setting<z.ZodOptional<Schema>>) {
  return setting(unit, help, schema.unwrap());
}

/** The setting for a command with another default. */
export function withDefault<Schema extends z.ZodType>(
  { unit, help, schema }: Setting<z.ZodOptional<Schema> | z.ZodDefault<Schema>>,
  value: z.input<Schema>,
) {
  return setting(unit, help, schema.unwrap().prefault(value));
}

/** The setting for a command that resolves the default itself. */
export function withoutDefault<Schema extends z.ZodType>(
  { unit, help, schema }: Setting<z.ZodDefault<Schema> | z.ZodPrefault<Schema>>,
  defaultText: string,
) {
  return setting(unit, help, schema.unwrap().optional(), { defaultText });
}

/** The key in a file: `image-size`. */
export function keyOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The environment variable: `LOCKSTEP_IMAGE_SIZE`. */
export function variableOf(name: string): string {
  return `LOCKSTEP_${keyOf(name).replaceAll("-", "_").toUpperCase()}`;
}

/** The flag: `--image-size`, or `--no-augmentation` for a switch that is on by default. */
export function flagOf(name: string, setting: Setting): string {
  return `--${defaultOf(setting) === true ? "no-" : ""}${keyOf(name)}`;
}

/** The flag in commander's syntax: `--image-size <pixels>`. */
export function usageOf(name: string, setting: Setting): string {
  const form = formOf(setting.schema);
  if (!isSwitch(form)) return `${flagOf(name, setting)} <${setting.unit}>`;
  const words = form instanceof z.ZodLiteral ? [...form.values].filter((word) => typeof word === "string") : [];
  return words.length === 0 ? flagOf(name, setting) : `${flagOf(name, setting)} [${words.join("|")}]`;
}

/** The help with the default. */
export function helpOf(setting: Setting): string {
  const byDefault = defaultOf(setting);
  const shown = setting.defaultText ?? (typeof byDefault === "boolean" ? "" : textForm(byDefault ?? ""));
  return shown === "" ? setting.help : `${setting.help} (default: ${shown})`;
}

/** The default as JSON; undefined if there is none. */
export function defaultOf({ schema }: Setting): unknown {
  return schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault ? schema.def.defaultValue : undefined;
}

/**
 * @param given text, or a JSON value
 * @param where the origin and the value, with which the error message begins
 * @throws UserError that tells which values are allowed
 */
export function readValue({ schema }: Setting, given: unknown, where: string): unknown {
  const result = schema.safeParse(jsonForm(schema, given));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const ofItem = formOf(schema) instanceof z.ZodArray && issue?.path.length ? "each item of the list " : "";
  throw new UserError(`${where}: ${ofItem}${issue?.message ?? "is not valid"}`);
}
