// Owns how Google's native tfjs backend is found: an optional peer, with its GPU build preferred. Its npm install
// downloads libtensorflow, so it is never a dependency.
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
 * Native threads that libtensorflow will use. A worker thread's process.env is a copy of its parent's, which it cannot
 * write through: there it has to have been set before.
 */
function pinThreads(): number {
  if (isMainThread) Object.assign(process.env, singleThread);
  const pinned = Object.entries(singleThread).every(([variable, value]) => process.env[variable] === value);
  return pinned ? 1 : availableParallelism();
}

/** What is used of tfjs-node's exports, which are CommonJS. */
interface TfjsNode {
  /** By package. */
  readonly version?: Readonly<Record<string, string>>;
}

export const tensorflowEngine: EngineCandidate = {
  backend: "tensorflow",
  async describe(device) {
    const found = installedPackage();
    if (found === null) return { backend: "tensorflow", available: false, detail: absent };
    // libtensorflow takes what it finds, and falls back without a word that a program could read.
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

/** It brings a tfjs-core of its own, which shares engine and kernels with ours only while the versions are equal. */
function registered(
  tf: Tf,
  name: string,
  versions: Readonly<Record<string, string>>,
  nativeThreads: number,
): RegisteredBackend {
  const theirs = versions["tfjs-core"] ?? "unknown";
  if (theirs !== tf.version_core) {
    throw new UserError(
      `backend tensorflow: ${name} brings tfjs-core ${theirs}, Lockstep uses ${tf.version_core} (npm install ${name}@${tf.version_core})`,
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

/** libtensorflow picks its code by these. */
function processorFlags(): string {
  const wanted = ["avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "avx2", "fma"];
  try {
    const flags = new Set(/^flags\s*:\s*(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1]?.split(" "));
    return [process.arch, ...wanted.filter((flag) => flags.has(flag))].join(" ");
  } catch {
    return process.arch; // Not Linux: the architecture is all that is known.
  }
}
