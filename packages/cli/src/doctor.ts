// `examine` makes the findings of `lockstep doctor`: each tells what this machine has, and what to do if something is wrong.
import { execFile } from "node:child_process";
import { readFile, statfs } from "node:fs/promises";
import { arch, availableParallelism, cpus, freemem, platform, totalmem } from "node:os";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { datasetDecoderVersion, defaultCacheDir } from "@lockstep/dataset";
import { describeError, UserError } from "@lockstep/errors";
import { nativeStatus, numericsVersion } from "@lockstep/numerics";
import { type DeviceChoice, describeEngines, type Engine, loadEngine } from "@lockstep/recipe";
import { cudaLibrariesText } from "./cuda-libraries.js";

export interface Finding {
  readonly name: string;
  /** fail: training cannot work. warn: training works, but slower or with too few resources. */
  readonly state: "ok" | "warn" | "fail";
  readonly detail: string;
}

const gib = 2 ** 30;
const minimumNodeMajor = 20;

export async function examine(device: DeviceChoice): Promise<Finding[]> {
  return [
    nodeVersion(),
    processor(),
    await instructionSet(),
    await gpu(),
    memory(),
    await disk("working folder", process.cwd()),
    await cacheFolder(),
    await decoder(),
    numericsAddon(),
    ...(await engines()),
    await computing(device),
  ];
}

function nodeVersion(): Finding {
  const { node, v8 } = process.versions;
  const isOld = Number(node.split(".")[0]) < minimumNodeMajor;
  return {
    name: "node",
    state: isOld ? "fail" : "ok",
    detail: isOld
      ? `${node}: Lockstep needs ${minimumNodeMajor} or newer`
      : `${node}, V8 ${v8}, ${platform()} ${arch()}`,
  };
}

function processor(): Finding {
  const [first] = cpus();
  return {
    name: "threads",
    state: "ok",
    detail: `${availableParallelism()} usable (${first?.model.trim() ?? "unknown processor"})`,
  };
}

/** Equal bits need equal instruction sets, so the instruction set is part of the numerics fingerprint. */
async function instructionSet(): Promise<Finding> {
  const text = await readFile("/proc/cpuinfo", "utf8").catch(() => "");
  const flags = new Set(/^(?:flags|Features)\s*:(.*)$/m.exec(text)?.[1]?.trim().split(/\s+/) ?? []);
  const known = ["avx512f", "avx512_bf16", "amx_bf16", "avx2", "fma", "asimd", "sve"].filter((name) => flags.has(name));
  return {
    name: "instruction set",
    state: "ok",
    detail: known.join(", ") || "unknown: this system does not report it",
  };
}

async function gpu(): Promise<Finding> {
  const query = ["--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"];
  try {
    const { stdout } = await promisify(execFile)("nvidia-smi", query, { timeout: 10_000 });
    return { name: "gpu", state: "ok", detail: stdout.trim().split("\n").join("; ") || "none" };
  } catch {
    return { name: "gpu", state: "ok", detail: "none (no nvidia-smi)" };
  }
}

function memory(): Finding {
  const [free, total] = [freemem() / gib, totalmem() / gib];
  return {
    name: "memory",
    state: free < 0.5 ? "warn" : "ok",
    detail: `${free.toFixed(1)} GiB free of ${total.toFixed(1)} GiB${free < 0.5 ? ": a worker needs about 0.5 GiB" : ""}`,
  };
}

async function disk(name: string, path: string): Promise<Finding> {
  const { stats, place } = await statfsOfNearest(path);
  const free = (Number(stats.bavail) * Number(stats.bsize)) / gib;
  return {
    name,
    state: free < 1 ? "warn" : "ok",
    detail: `${free.toFixed(1)} GiB free at ${place}${free < 1 ? ": checkpoints and caches may not fit" : ""}`,
  };
}

async function cacheFolder(): Promise<Finding> {
  const name = "cache folder";
  try {
    return await disk(name, defaultCacheDir());
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { name, state: "warn", detail: error.message };
  }
}

/** The folder may not exist yet: the nearest existing folder above it is on the same file system. */
async function statfsOfNearest(path: string): Promise<{ stats: Awaited<ReturnType<typeof statfs>>; place: string }> {
  try {
    return { stats: await statfs(path), place: path };
  } catch (error) {
    if (dirname(path) === path) throw error;
    return statfsOfNearest(dirname(path));
  }
}

async function decoder(): Promise<Finding> {
  try {
    return { name: "image decoder", state: "ok", detail: await datasetDecoderVersion() };
  } catch (error) {
    return { name: "image decoder", state: "fail", detail: `${describeError(error)}: run npm run setup` };
  }
}

function numericsAddon(): Finding {
  const { available, reason, version } = nativeStatus();
  return available
    ? { name: "numerics", state: "ok", detail: `native, ${version}` }
    : { name: "numerics", state: "warn", detail: `${numericsVersion} in TypeScript, equal bits but slower: ${reason}` };
}

async function engines(): Promise<Finding[]> {
  const found = await describeEngines();
  return found.map(({ backend, available, detail }) => ({
    name: `backend ${backend}`,
    // Only one backend is needed, and the slowest is always available.
    state: available || backend === "tensorflow" ? "ok" : "warn",
    detail: available ? detail : `not available: ${detail}`,
  }));
}

/** Loads the engine that `--backend auto` chooses for the device, and computes a known result with it. */
async function computing(device: DeviceChoice): Promise<Finding> {
  const warnings: string[] = [];
  const log = { info: () => {}, warn: (_: object, message: string) => void warnings.push(message) };
  let engine: Engine | null = null;
  try {
    engine = await loadEngine({ backend: "auto", device, log });
    const sum = await squareSum(engine);
    const numerics = Object.entries(engine.numerics).map(([name, value]) =>
      name === "cudaLibraries" ? cudaLibrariesText(String(value)) : `${name} ${value}`,
    );
    if (sum !== 54) return { name: "computing", state: "fail", detail: `${engine.backend} computed ${sum}, not 54` };
    return { name: "computing", state: warnings.length > 0 ? "warn" : "ok", detail: numerics.join(", ") };
  } catch (error) {
    return { name: "computing", state: "fail", detail: describeError(error) };
  } finally {
    engine?.dispose();
  }
}

/** @returns the sum of the elements of [[1, 2], [3, 4]]², which is 54 */
async function squareSum({ tf }: Engine): Promise<number> {
  const matrix = tf.tensor2d([1, 2, 3, 4], [2, 2]);
  const square = tf.matMul(matrix, matrix);
  const values = await square.data<"float32">();
  tf.dispose([matrix, square]);
  return values.reduce((sum, value) => sum + value, 0);
}
