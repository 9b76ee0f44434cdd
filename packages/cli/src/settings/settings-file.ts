// Reads a YAML file of settings (readSettingsFile): keys are the flags' without dashes in front, values are typed or as a
// flag has them. JSON is YAML, too: `--config -` is how a launcher gives its processes their settings (settingsJson).
// Every complaint names the file, the line and the key.
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { UserError } from "@lockstep/errors";
import { isMap, isScalar, LineCounter, type Node, type Pair, parseDocument } from "yaml";
import { fileSettings } from "./all-settings.js";
import { nearestSetting } from "./nearest-setting.js";
import { type Inputs, keyOf, readValue, type Settings } from "./setting.js";

export interface FileValue {
  /** As JSON; its setting's schema takes it. */
  readonly value: unknown;
  /** For people: `run.yaml:3`. */
  readonly place: string;
}

/** By name. @throws UserError for a file that cannot be read, a key that is unknown, a value that is not allowed */
export async function readSettingsFile(path: string): Promise<ReadonlyMap<string, FileValue>> {
  if (path === "-") return settingsIn(await text(process.stdin), "stdin");
  const content = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new UserError(`${path}: ${error.code === "ENOENT" ? "not there" : "cannot be read"} (--config)`, {
      cause: error,
    });
  });
  return settingsIn(content, path);
}

/** What `--config -` of a command with these settings takes. */
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
      const said = isScalar(key) ? String(key.value) : String(key);
      const [name, setting] = settingNamed(said, place);
      const value: unknown = node?.toJS(document) ?? null;
      if (value === null) throw new UserError(`${place}: ${said}: has no value; leave the line away for the default`);
      const source = content
        .slice(...(node?.range ?? [0, 0]))
        .trim()
        .replace(/\s+/g, " ");
      readValue(setting, value, `${place}: ${said}: ${source}`);
      return [name, { value, place }];
    }),
  );
}

const byKey = new Map(Object.entries(fileSettings).map((entry) => [keyOf(entry[0]), entry]));

function settingNamed(key: string, place: string) {
  const found = byKey.get(key);
  if (found !== undefined) return found;
  const nearest = nearestSetting(key, [...byKey.keys()]);
  const hint = nearest === null ? "`lockstep config schema` lists all" : `did you mean ${nearest}?`;
  throw new UserError(`${place}: ${key}: no such setting; ${hint}`);
}
