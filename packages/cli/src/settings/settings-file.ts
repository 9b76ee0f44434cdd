// `readSettingsFile` reads a YAML file of settings: a key is the flag's name without leading dashes, a value is typed or the
// flag's text. JSON is YAML too: a launcher gives its processes their settings with `--config -` (`settingsJson`).
// Every error message names the file, the line and the key.
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { UserError } from "@lockstep/errors";
import { isMap, isScalar, LineCounter, type Node, type Pair, parseDocument } from "yaml";
import { fileSettings } from "./all-settings.js";
import { nearestSetting } from "./nearest-setting.js";
import { type Inputs, keyOf, readValue, type Settings } from "./setting.js";

export interface FileValue {
  /** A JSON value that the setting's schema accepts. */
  readonly value: unknown;
  /** For people: `run.yaml:3`. */
  readonly place: string;
}

/** @returns the values by setting name. @throws UserError if the file cannot be read, a key is unknown or a value is not allowed */
export async function readSettingsFile(path: string): Promise<ReadonlyMap<string, FileValue>> {
  if (path === "-") return settingsIn(await text(process.stdin), "stdin");
  const content = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new UserError(`${path}: ${error.code === "ENOENT" ? "does not exist" : "cannot be read"} (--config)`, {
      cause: error,
    });
  });
  return settingsIn(content, path);
}

/** @returns the text that `--config -` of a command with these settings reads */
export function settingsJson<Group extends Settings>(values: Inputs<Group>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(values).map(([name, value]) => [keyOf(name), value])));
}

export function settingsIn(content: string, path: string): ReadonlyMap<string, FileValue> {
  const lineCounter = new LineCounter();
  const document = parseDocument(content, { lineCounter, prettyErrors: false });
  const placeOf = (offset: number): string => `${path}:${lineCounter.linePos(offset).line}`;
  const [fault] = [...document.errors, ...document.warnings];
  if (fault !== undefined) throw new UserError(`${placeOf(fault.pos[0])}: ${fault.message}`);
  const { contents } = document;
  if (contents === null || (isScalar(contents) && contents.value === null)) return new Map();
  if (!isMap<Node, Node | null>(contents)) {
    throw new UserError(`${path}: must be a list of settings, each \`key: value\` (image-size: 64)`);
  }
  return new Map(
    contents.items.map(({ key, value: node }: Pair<Node, Node | null>): [string, FileValue] => {
      const place = placeOf(key.range?.[0] ?? 0);
      const keyText = isScalar(key) ? String(key.value) : String(key);
      const [name, setting] = settingNamed(keyText, place);
      const value: unknown = node?.toJS(document) ?? null;
      if (value === null) throw new UserError(`${place}: ${keyText}: has no value; remove the line to use the default`);
      const source = content
        .slice(...(node?.range ?? [0, 0]))
        .trim()
        .replace(/\s+/g, " ");
      readValue(setting, value, `${place}: ${keyText}: ${source}`);
      return [name, { value, place }];
    }),
  );
}

const byKey = new Map(Object.entries(fileSettings).map((entry) => [keyOf(entry[0]), entry]));

function settingNamed(key: string, place: string) {
  const found = byKey.get(key);
  if (found !== undefined) return found;
  const nearest = nearestSetting(key, [...byKey.keys()]);
  const hint = nearest === null ? "`lockstep config schema` lists all settings" : `did you mean ${nearest}?`;
  throw new UserError(`${place}: ${key}: no such setting; ${hint}`);
}
