// Finds a file whose name is nearly the same as the name of a missing file (NearNames): the names differ only in letter
// case, Unicode form, blanks or ending.
import { readdir } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { quoted } from "../labels/quoted.js";
import { isImageName } from "./images-without-row.js";

const folds: readonly { readonly what: string; readonly fold: (name: string) => string }[] = [
  { what: "its Unicode form", fold: (name) => name.normalize("NFC") },
  { what: "letter case", fold: (name) => name.toLowerCase() },
  { what: "letter case and its Unicode form", fold: (name) => name.normalize("NFC").toLowerCase() },
  { what: "blanks", fold: (name) => plain(name) },
  { what: "its ending", fold: (name) => (isImageName(name) ? plain(basename(name, extname(name))) : name) },
];

function plain(name: string): string {
  return name.normalize("NFC").toLowerCase().replaceAll(/\s+/g, "");
}

export interface NearName {
  /** Relative to the folder. */
  readonly file: string;
  /** What differs, e.g. `letter case`. */
  readonly what: string;
}

/** Returns a text that follows `is missing` in a message; empty if `near` is null. */
export function nearNameHint(near: NearName | null): string {
  return near === null ? "" : ` (there is ${quoted(near.file)}, whose name differs in ${near.what})`;
}

/**
 * Finds files with nearly the same names. Each folder is read once, because a label file may name thousands of missing
 * images.
 */
export class NearNames {
  readonly #folders = new Map<string, Promise<FolderNames>>();

  /**
   * Returns the existing file or folder whose name is nearly that of `file`, and what differs; null if there is none.
   */
  async find(folder: string, file: string): Promise<NearName | null> {
    const parent = dirname(file);
    const here = await this.#namesOf(join(folder, parent));
    if (here !== null) {
      const near = here.near(basename(file));
      return near === null ? null : { file: join(parent, near.name), what: near.what };
    }
    const above = parent === "." || parent === "/" ? null : await this.find(folder, parent);
    if (above === null) return null;
    const inside = await this.#namesOf(join(folder, above.file));
    return inside?.has(basename(file)) ? { ...above, file: join(above.file, basename(file)) } : null;
  }

  async #namesOf(path: string): Promise<FolderNames | null> {
    const known = this.#folders.get(path) ?? readdir(path).then((names) => new FolderNames(names));
    this.#folders.set(path, known);
    return known.catch(() => null); // absent, or not readable
  }
}

class FolderNames {
  readonly #names: ReadonlySet<string>;
  /** For each fold: the first name by its folded form. */
  readonly #byFold: readonly ReadonlyMap<string, string>[];

  constructor(names: readonly string[]) {
    // Reversed, so that the first of several names with the same folded form stays in the map.
    const inOrder = names.toSorted().toReversed();
    this.#names = new Set(names);
    this.#byFold = folds.map(({ fold }) => new Map(inOrder.map((name) => [fold(name), name])));
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  near(name: string): { readonly name: string; readonly what: string } | null {
    for (const [index, { what, fold }] of folds.entries()) {
      const near = this.#byFold[index]?.get(fold(name));
      if (near !== undefined && near !== name) return { name: near, what };
    }
    return null;
  }
}
