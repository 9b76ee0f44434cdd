// Chooses the kernels with `kernels`: the native addon if it is built, otherwise TypeScript, which gives the same bits but is
// slower; a process warning reports it. It is the only file of the package that imports Node's modules. Each worker thread loads
// the addon again.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { UserError } from "@lockstep/errors";
import type { Kernels } from "./kernels.js";
import { referenceKernels } from "./reference-kernels.js";
import { numericsVersion } from "./version.js";

export interface NativeStatus {
  /** Whether the native kernels are in use. */
  readonly available: boolean;
  /** Why they are not in use, for people. */
  readonly reason?: string;
  /** The addon's numericsVersion and compiler. */
  readonly version?: string;
}

interface Addon extends Kernels {
  readonly version: string;
  readonly compiler: string;
}

interface Loaded {
  readonly kernels: Kernels;
  readonly status: NativeStatus;
}

let loaded: Loaded | undefined;

/** The kernels in use. The first call loads the addon. */
export function kernels(): Kernels {
  loaded ??= load();
  return loaded.kernels;
}

/** Whether the native kernels are in use, and if not, why. The first call loads the addon. */
export function nativeStatus(): NativeStatus {
  loaded ??= load();
  return loaded.status;
}

/**
 * Loads the addon now.
 * @param options.required true to throw when the addon is not in use
 * @throws UserError if it is required and not in use
 */
export function loadNative({ required = false }: { required?: boolean } = {}): NativeStatus {
  const status = nativeStatus();
  if (required && !status.available) throw new UserError(`native numerics: ${status.reason}`);
  return status;
}

function load(): Loaded {
  const { LOCKSTEP_NATIVE } = process.env;
  if (LOCKSTEP_NATIVE === "off") return inTypeScript("turned off by LOCKSTEP_NATIVE=off");
  const path = fileURLToPath(new URL("../build/lockstep_numerics.node", import.meta.url));
  const missing = existsSync(path) ? undefined : "not built (npm run build:native)";
  const result = missing ? inTypeScript(missing) : loadAddon(path);
  if (!result.status.available) {
    process.emitWarning(`the numerics addon is not in use, and TypeScript is slower: ${result.status.reason}`, {
      code: "LOCKSTEP_NUMERICS_NATIVE",
    });
  }
  return result;
}

function loadAddon(path: string): Loaded {
  let addon: Addon;
  try {
    // The addon's exports are the list in kernels.ts: native-equality.test.ts compares the two.
    addon = createRequire(import.meta.url)(path) as Addon;
  } catch (error) {
    return inTypeScript(`${path} does not load: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (addon.version !== numericsVersion) {
    return inTypeScript(
      `built for numerics version ${addon.version}, this is ${numericsVersion} (npm run build:native)`,
    );
  }
  return { kernels: addon, status: { available: true, version: `${addon.version} ${addon.compiler}` } };
}

function inTypeScript(reason: string): Loaded {
  return { kernels: referenceKernels, status: { available: false, reason } };
}
