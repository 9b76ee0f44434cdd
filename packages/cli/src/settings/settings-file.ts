// Owns reading a YAML file of settings: keys are the flags' without dashes in front, values are typed or as a flag has
// them. Every complaint names the file, the line and the key.
import { readFile } from "node:fs/promises";
import { UserError } from "@lockstep/errors";
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { formOf, switchValues, type ValueForm } from "../flag-values.js";
import { flags } from "../flags.js";
import { nearestSetting } from "./nearest-setting.js";
import { fileSettings, type Setting } from "./setting.js";

export interface FileValue {
  /** As commander would hand it over. */
  readonly value: string | boolean;
  /** For people: `run.yaml:3`. */
  readonly place: string;
}

/** By key. @throws UserError for a file that cannot be read, a key that is unknown, a value of another type */
export async function readSettingsFile(path: string): Promise<ReadonlyMap<string, FileValue>> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new UserError(`${path}: ${error.code === "ENOENT" ? "not there" : "cannot be read"} (--config)`, {
      cause: error,
    });
  });
  return settingsIn(text, path);
}

export function settingsIn(text: string, path: string): ReadonlyMap<string, FileValue> {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const placeOf = (offset: number): string => `${path}:${lineCounter.linePos(offset).line}`;
  const [fault] = [...document.errors, ...document.warnings];
  if (fault !== undefined) throw new UserError(`${placeOf(fault.pos[0])}: ${fault.message}`);
  const { contents } = document;
  if (contents === null || (isScalar(contents) && contents.value === null)) return new Map();
  if (!isMap<Node, Node | null>(contents)) {
    throw new UserError(`${path}: must be a list of settings, each \`key: value\` (image-size: 64)`);
  }
  return new Map(
    contents.items.map(({ key, value }): [string, FileValue] => {
      const place = placeOf(key.range?.[0] ?? 0);
      const setting = settingNamed(isScalar(key) ? String(key.value) : String(key), place);
      const [name] = setting.flags;
      const form: ValueForm = name === undefined ? { type: "string" } : formOf(flags[name].schema);
      return [setting.key, { value: valueIn(value, form, document, `${place}: ${setting.key}`), place }];
    }),
  );
}

function settingNamed(key: string, place: string): Setting {
  const setting = fileSettings.find((known) => known.key === key);
  if (setting !== undefined) return setting;
  const nearest = nearestSetting(
    key,
    fileSettings.map((known) => known.key),
  );
  const hint = nearest === null ? "`lockstep config schema` lists all" : `did you mean ${nearest}?`;
  throw new UserError(`${place}: ${key}: no such setting; ${hint}`);
}

const formNames = {
  string: "text",
  number: "a number",
  integer: "a whole number",
  array: "a list",
  object: "pairs",
} as const satisfies Record<Exclude<ValueForm["type"], "boolean">, string>;

function valueIn(node: Node | null, form: ValueForm, document: Document, where: string): string | boolean {
  const value = isAlias(node) ? (node.resolve(document) ?? null) : node;
  if (value === null || (isScalar(value) && value.value === null)) {
    throw new UserError(`${where}: has no value; leave the line away for the default`);
  }
  if (isScalar(value)) {
    // The text form of a list or a number is what its flag takes; a switch has none.
    if (typeof value.value === "string" && (form.type !== "boolean" || form.words?.includes(value.value))) {
      return value.value;
    }
    if (typeof value.value === "number" && (form.type === "number" || form.type === "integer")) {
      return String(value.value);
    }
    if (typeof value.value === "boolean" && form.type === "boolean") return value.value;
  }
  if (isSeq<Node | null>(value) && form.type === "array") {
    return value.items.map((item) => partIn(item, form.items, document, `${where}: each of the list`)).join(",");
  }
  if (isMap<Node, Node | null>(value) && form.type === "object") {
    return value.items
      .map(({ key, value: part }) => {
        const name = String(key);
        const partForm = form.properties?.[name] ?? form.additionalProperties;
        if (partForm === true) return `${name}=${jsonIn(name, part, document, `${where}.${name}`)}`;
        if (partForm !== false) return `${name}=${partIn(part, partForm, document, `${where}.${name}`)}`;
        throw new UserError(`${where}.${name}: must be one of ${Object.keys(form.properties ?? {}).join(", ")}`);
      })
      .join(",");
  }
  const found = isScalar(value) ? String(value.source ?? value.value) : isSeq(value) ? "a list" : "pairs";
  const hint = form.type === "string" && isScalar(value) ? ` (write "${found}")` : "";
  throw new UserError(
    `${where}: must be ${form.type === "boolean" ? switchValues(form) : formNames[form.type]}, is ${found}${hint}`,
  );
}

/** As the flag takes it, which says anything that JSON can. */
function jsonIn(name: string, node: Node | null, document: Document, where: string): string {
  if (!/^[A-Za-z][\w.]*$/.test(name)) throw new UserError(`${where}: must be a name of letters and digits`);
  return JSON.stringify(node?.toJS(document) ?? null, (_, value: unknown) => {
    if (typeof value !== "number" || Number.isFinite(value)) return value;
    throw new UserError(`${where}: must be a finite number, is ${value}`);
  });
}

/** Parts are joined by commas: one of them cannot have any. */
function partIn(node: Node | null, form: ValueForm, document: Document, where: string): string {
  const text = String(valueIn(node, form, document, where));
  if (text.includes(",")) throw new UserError(`${where}: must not have a comma, is ${text}`);
  return text;
}
