// Defines what a setting is (setting()): one declaration from which its flag, its key in a file, its variable in the
// environment, its help, its JSON Schema and its place in the run spec follow. `settings/declared/` holds all of them.
import { UserError } from "@lockstep/errors";
import { z } from "zod";
import { formOf, isSwitch, jsonForm, textForm } from "./text-form.js";

export interface Setting<Schema extends z.ZodType = z.ZodType> {
  /** What the value is called in the help: `pixels` in `--image-size <pixels>`; of no use for a switch. */
  readonly unit: string;
  readonly help: string;
  /** Checks the value as JSON, and has its default. Without a default, optional() or not says whether it is needed. */
  readonly schema: Schema;
  /** For people, where the schema has no default or a value would not tell it. */
  readonly defaultText?: string;
  /** Where it stands in the run spec: `optimizer.learningRate`. Absent: it is a launch option. */
  readonly spec?: string;
  /** What stands there for a value; null: planRun finds it out. Absent: the value. @param former what stands there now */
  readonly toSpec?: ((value: never, former: unknown) => unknown) | null;
  /** For people: the value for what stands there, or was given. Absent: the same. */
  readonly shown?: (leaf: unknown) => unknown;
  /** The launcher alone gives it to the processes that it starts. */
  readonly internal?: true;
}

/** By name: `imageSize`. */
export type Settings = Readonly<Record<string, Setting>>;

/** As a command gets them. */
export type Values<Group extends Settings> = { readonly [Name in keyof Group]: z.output<Group[Name]["schema"]> };

/** What was given, without defaults. */
export type Given<Group extends Settings> = { readonly [Name in keyof Group]?: Values<Group>[Name] | undefined };

/** As JSON, for another process. */
export type Inputs<Group extends Settings> = {
  readonly [Name in keyof Group]?: z.input<Group[Name]["schema"]> | undefined;
};

type More = Omit<Setting, "unit" | "help" | "schema">;

export function setting<Schema extends z.ZodType>(unit: string, help: string, schema: Schema, more: More = {}) {
  const declared: Setting<Schema> = { unit, help, schema, ...more };
  return declared;
}

/** For a command that cannot do without it. */
export function required<Schema extends z.ZodType>({ unit, help, schema }: Setting<z.ZodOptional<Schema>>) {
  return setting(unit, help, schema.unwrap());
}

/** For a command that has another default. */
export function withDefault<Schema extends z.ZodType>(
  { unit, help, schema }: Setting<z.ZodOptional<Schema> | z.ZodDefault<Schema>>,
  value: z.input<Schema>,
) {
  return setting(unit, help, schema.unwrap().prefault(value));
}

/** For a command that finds out its default itself. */
export function withoutDefault<Schema extends z.ZodType>(
  { unit, help, schema }: Setting<z.ZodDefault<Schema> | z.ZodPrefault<Schema>>,
  defaultText: string,
) {
  return setting(unit, help, schema.unwrap().optional(), { defaultText });
}

/** In a file: `image-size`. */
export function keyOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** In the environment: `LOCKSTEP_IMAGE_SIZE`. */
export function variableOf(name: string): string {
  return `LOCKSTEP_${keyOf(name).replaceAll("-", "_").toUpperCase()}`;
}

/** As it is typed: `--image-size`, or `--no-augmentation` where a switch is on by default. */
export function flagOf(name: string, setting: Setting): string {
  return `--${defaultOf(setting) === true ? "no-" : ""}${keyOf(name)}`;
}

/** As commander reads it: `--image-size <pixels>`. */
export function usageOf(name: string, setting: Setting): string {
  const form = formOf(setting.schema);
  if (!isSwitch(form)) return `${flagOf(name, setting)} <${setting.unit}>`;
  const words = form instanceof z.ZodLiteral ? [...form.values].filter((word) => typeof word === "string") : [];
  return words.length === 0 ? flagOf(name, setting) : `${flagOf(name, setting)} [${words.join("|")}]`;
}

/** With its default. */
export function helpOf(setting: Setting): string {
  const byDefault = defaultOf(setting);
  const shown = setting.defaultText ?? (typeof byDefault === "boolean" ? "" : textForm(byDefault ?? ""));
  return shown === "" ? setting.help : `${setting.help} (default: ${shown})`;
}

/** As JSON; undefined where there is none. */
export function defaultOf({ schema }: Setting): unknown {
  return schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault ? schema.def.defaultValue : undefined;
}

/**
 * @param given text, or a JSON value
 * @param where by what it was given, with the value: the complaint begins with it
 * @throws UserError with what is allowed
 */
export function readValue({ schema }: Setting, given: unknown, where: string): unknown {
  const result = schema.safeParse(jsonForm(schema, given));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const ofItem = formOf(schema) instanceof z.ZodArray && issue?.path.length ? "each of the list " : "";
  throw new UserError(`${where}: ${ofItem}${issue?.message ?? "is not understood"}`);
}
