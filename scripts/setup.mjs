// `npm run setup`: makes a new clone ready: installs the dependencies, builds the native addons and compiles. A second
// run compares stamps and does nothing. `npm test`, `npm run demo` and `npm run bench` call setup() first. Invariant:
// this file imports no npm package.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { buildNative, missingBuildTools } from "./build-native.mjs";
import { findLibtorch } from "./libtorch.mjs";
import { aptInstall, isDebianLike, missingPackages, torchPackages } from "./os-packages.mjs";
import { acquireSetupLock } from "./setup-lock.mjs";

/** The clone's folder, with a slash at its end. */
export const root = fileURLToPath(new URL("..", import.meta.url));

const stateFolder = join(root, ".cache", "setup");
/** Written when the OS package could not be installed, so that later runs of `npm test` do not try apt again. */
const refusalFile = join(stateFolder, "no-libtorch.txt");
const minimumNodeMajor = 20;

const print = (line) => process.stderr.write(`setup: ${line}\n`);

/** An error whose message is printed without a stack trace. */
class SetupError extends Error {}

/**
 * Sets up the clone. If that fails, prints the reason and ends the process with exit code 1.
 * @param {{ retry?: boolean }} options retry: try to install libtorch even if that has failed before
 * @returns {Promise<{ hasTorch: boolean }>}
 */
export async function setup({ retry = false } = {}) {
  const startMs = performance.now();
  try {
    checkNode();
    const release = await acquireSetupLock(join(stateFolder, "lock"), print);
    try {
      installDependencies();
      const libtorch = obtainLibtorch(retry);
      if (!buildNative({ libtorch, print })) throw new SetupError("the native addons could not be built (see above)");
      buildTypeScript();
      print(`ready in ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
      return { hasTorch: libtorch !== null };
    } finally {
      release();
    }
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    print(error.message);
    process.exit(1);
  }
}

function checkNode() {
  const version = process.versions.node;
  if (Number(version.split(".")[0]) < minimumNodeMajor) {
    throw new SetupError(`Node ${version} is too old: Lockstep requires Node ${minimumNodeMajor} or later`);
  }
  print(`Node ${version}`);
}

function installDependencies() {
  const stampFile = join(root, "node_modules", ".lockstep-stamp");
  const stamp = dependenciesSha256();
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) {
    print("npm packages: up to date");
    return;
  }
  print("npm packages: running npm ci");
  const npm = process.env.npm_execpath;
  const [command, ...args] = npm?.endsWith(".js") ? [process.execPath, npm] : ["npm"];
  const { status, stdout, stderr, error } = spawnSync(command, [...args, "ci", "--no-audit", "--no-fund"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new SetupError(`npm ci failed:\n${error?.message ?? `${stdout}${stderr}`.trim()}`);
  writeFileSync(stampFile, stamp);
  print("npm packages: installed");
}

function dependenciesSha256() {
  const manifests = readdirSync(join(root, "packages")).map((name) => join("packages", name, "package.json"));
  const hash = createHash("sha256").update(process.versions.modules);
  for (const file of ["package-lock.json", "package.json", ...manifests.sort()]) {
    if (existsSync(join(root, file))) hash.update(`${file}\0`).update(readFileSync(join(root, file)));
  }
  return hash.digest("hex");
}

/** @returns {import("./libtorch.mjs").Libtorch | null} */
function obtainLibtorch(retry) {
  const before = look();
  if (before.libtorch && before.libtorch.source !== "os") return found(before);
  const missing = isDebianLike() ? missingPackages(torchPackages) : [];
  if (missing.length > 0 && (retry || !existsSync(refusalFile))) {
    const { installed, reason } = aptInstall(missing, print);
    if (installed) {
      rmSync(refusalFile, { force: true });
      print(`installed ${missing.join(", ")}`);
      return found(look());
    }
    mkdirSync(stateFolder, { recursive: true });
    writeFileSync(refusalFile, `${reason}\n`);
    print(`could not install ${missing.join(", ")}: ${reason}`);
  }
  if (before.libtorch && missing.length > 0) {
    print(`WARNING: without ${missing.join(" and ")} libtorch computes slower: apt-get install ${missing.join(" ")}`);
  }
  return found(before);
}

function look() {
  try {
    return findLibtorch();
  } catch (error) {
    throw new SetupError(error.message);
  }
}

function found({ libtorch, notes }) {
  for (const note of notes) print(note);
  if (libtorch) {
    print(
      `libtorch ${libtorch.version} (${libtorch.source === "os" ? "the OS package" : libtorch.source}, ${libtorch.prefix})`,
    );
    return libtorch;
  }
  const missingTools = missingBuildTools();
  for (const line of missingTools) print(line);
  print(
    "WARNING: no libtorch: Lockstep will train with the cpu backend, thousands of times slower. To install it, use one of:",
  );
  print(`  Debian, Ubuntu:  apt-get install ${torchPackages.join(" ")}   (as root), then: npm run setup`);
  print("  with Python:     pip install torch   (for a python3 on PATH), then: npm run setup");
  print("  anything else:   unpack a libtorch (cxx11 ABI) and run: LIBTORCH=/path/to/libtorch npm run setup");
  return null;
}

function buildTypeScript() {
  const startMs = performance.now();
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const { status, stdout, stderr } = spawnSync(process.execPath, [tsc, "-b"], { cwd: root, encoding: "utf8" });
  if (status !== 0) throw new SetupError(`TypeScript does not compile:\n${stdout}${stderr}`);
  print(`TypeScript: compiled in ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await setup({ retry: true });
