// tensorflowEngine: the engine of Google's native tfjs backend. It uses the package that the user has installed, and
// prefers its GPU build. The package is never a dependency, because its npm install downloads libtensorflow.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { isMainThread } from "node:worker_threads";
import { describeError, UserError } from "@lockstep/errors";
import type { Tf } from "../recipe.js";
import type { EngineCandidate, RegisteredBackend } from "./engine.js";

const packages = ["@tensorflow/tfjs-node-gpu", "@tensorflow/tfjs-node"] as const;
const absent = `neither ${packages.join(" nor ")} is installed (npm install ${packages[1]})`;
const require = createRequire(import.meta.url);

/** libtensorflow reads these from the process' environment when it loads. */
const singleThread = { TF_NUM_INTRAOP_THREADS: "1", TF_NUM_INTEROP_THREADS: "1", OMP_NUM_THREADS: "1" };

/**
 * Limits libtensorflow to one thread if that is possible, and returns the number of native threads that it will use. A
 * worker thread cannot set the variables of the process, as its process.env is a copy: there they must have been set
 * before.
 */
function pinThreads(): number {
  if (isMainThread) Object.assign(process.env, singleThread);
  const pinned = Object.entries(singleThread).every(([variable, value]) => process.env[variable] === value);
  return pinned ? 1 : availableParallelism();
}

/** The part of tfjs-node's CommonJS exports that is used here. */
interface TfjsNode {
  /** Versions by package. */
  readonly version?: Readonly<Record<string, string>>;
}

export const tensorflowEngine: EngineCandidate = {
  backend: "tensorflow",
  async describe(device) {
    const found = installedPackage();
    if (found === null) return { backend: "tensorflow", available: false, detail: absent };
    // libtensorflow chooses its device itself. A program cannot detect that it fell back to the processor.
    if (device !== "auto" && !(device === "cpu" && found === packages[1])) {
      return { backend: "tensorflow", available: false, detail: `${found} chooses its device itself` };
    }
    return { backend: "tensorflow", available: true, detail: `${found} is installed, not loaded` };
  },
  async register(tf) {
    const name = installedPackage();
    if (name === null) throw new UserError(`backend tensorflow: ${absent}, or choose --backend torch`);
    const nativeThreads = pinThreads();
    const module = await loadPackage(name);
    return registered(tf, name, module.version ?? {}, nativeThreads);
  },
};

function installedPackage(): string | null {
  return packages.find((name) => resolves(`${name}/package.json`)) ?? null;
}

function resolves(specifier: string): boolean {
  try {
    require.resolve(specifier);
    return true;
  } catch {
    return false;
  }
}

async function loadPackage(name: string): Promise<TfjsNode> {
  try {
    const module = (await import(name)) as TfjsNode & { default?: TfjsNode };
    return module.default ?? module;
  } catch (error) {
    throw new UserError(`backend tensorflow: ${name} does not load: ${describeError(error)} (npm rebuild ${name})`, {
      cause: error,
    });
  }
}

/** tfjs-node has a tfjs-core of its own, which shares engine and kernels with ours only if the versions are equal. */
function registered(
  tf: Tf,
  name: string,
  versions: Readonly<Record<string, string>>,
  nativeThreads: number,
): RegisteredBackend {
  const theirs = versions["tfjs-core"] ?? "unknown";
  if (theirs !== tf.version_core) {
    throw new UserError(
      `backend tensorflow: ${name} requires tfjs-core ${theirs}, Lockstep uses ${tf.version_core} (npm install ${name}@${tf.version_core})`,
    );
  }
  if (!tf.findBackendFactory("tensorflow")) {
    throw new UserError(
      `backend tensorflow: ${name} registered with another copy of tfjs-core (npm dedupe @tensorflow/tfjs-core)`,
    );
  }
  return {
    device: name.endsWith("-gpu") ? "tensorflow (GPU build)" : "tensorflow (CPU)",
    numerics: {
      tensorflowPackage: name,
      tfjsNode: versions["tfjs-node"] ?? theirs,
      instructionSet: processorFlags(),
      nativeThreads,
    },
  };
}

/** The instruction sets by which libtensorflow chooses its code, which decides on the bits. */
function processorFlags(): string {
  const wanted = ["avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "avx2", "fma"];
  try {
    const flags = new Set(/^flags\s*:\s*(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1]?.split(" "));
    return [process.arch, ...wanted.filter((flag) => flags.has(flag))].join(" ");
  } catch {
    return process.arch; // Not Linux: only the architecture is known.
  }
}
