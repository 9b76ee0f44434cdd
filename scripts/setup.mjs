// `npm run setup`: everything between an empty clone and a working `lockstep`. Idempotent; a second run looks at stamps
// and does nothing. `npm test`, `npm run demo` and `npm run bench` call setup() first. Imports nothing from npm.
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
/** Written where the OS package could not be installed, so that not each `npm test` asks apt again. */
const refusalFile = join(stateFolder, "no-libtorch.txt");
const minimumNodeMajor = 20;

const say = (line) => process.stderr.write(`setup: ${line}\n`);

/** A line that tells the user what to do, instead of a stack. */
class SetupError extends Error {}

/**
 * Sets the clone up; ends the process with 1 and a line that says why when it cannot be.
 * @param {{ retry?: boolean }} options retry: try to install libtorch even where that has failed before
 * @returns {Promise<{ hasTorch: boolean }>}
 */
export async function setup({ retry = false } = {}) {
  const startMs = performance.now();
  try {
    checkNode();
    const release = await acquireSetupLock(join(stateFolder, "lock"), say);
    try {
      installDependencies();
      const libtorch = obtainLibtorch(retry);
      if (!buildNative({ libtorch, say })) throw new SetupError("the native parts are not built (see above)");
      buildTypeScript();
      say(`ready in ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
      return { hasTorch: libtorch !== null };
    } finally {
      release();
    }
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    process.exit(1);
  }
}

function checkNode() {
  const version = process.versions.node;
  if (Number(version.split(".")[0]) < minimumNodeMajor) {
    throw new SetupError(`Node ${version}: Lockstep needs Node ${minimumNodeMajor} or newer`);
  }
  say(`Node ${version}`);
}

function installDependencies() {
  const stampFile = join(root, "node_modules", ".lockstep-stamp");
  const stamp = dependenciesSha256();
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) {
    say("npm packages: up to date");
    return;
  }
  say("npm packages: running npm ci");
  const npm = process.env.npm_execpath;
  const [command, ...args] = npm?.endsWith(".js") ? [process.execPath, npm] : ["npm"];
  const { status, stdout, stderr, error } = spawnSync(command, [...args, "ci", "--no-audit", "--no-fund"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new SetupError(`npm ci failed:\n${error?.message ?? `${stdout}${stderr}`.trim()}`);
  writeFileSync(stampFile, stamp);
  say("npm packages: installed");
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
    const { installed, reason } = aptInstall(missing, say);
    if (installed) {
      rmSync(refusalFile, { force: true });
      say(`installed ${missing.join(", ")}`);
      return found(look());
    }
    mkdirSync(stateFolder, { recursive: true });
    writeFileSync(refusalFile, `${reason}\n`);
    say(`could not install ${missing.join(", ")}: ${reason}`);
  }
  if (before.libtorch && missing.length > 0) {
    say(`WARNING: without ${missing.join(" and ")} libtorch computes slower: apt-get install ${missing.join(" ")}`);
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
  for (const note of notes) say(note);
  if (libtorch) {
    say(
      `libtorch ${libtorch.version} (${libtorch.source === "os" ? "the OS package" : libtorch.source}, ${libtorch.prefix})`,
    );
    return libtorch;
  }
  const missingTools = missingBuildTools();
  for (const line of missingTools) say(line);
  say("WARNING: no libtorch: Lockstep will train with the cpu backend, thousands of times slower. To get it, one of:");
  say(`  Debian, Ubuntu:  apt-get install ${torchPackages.join(" ")}   (as root), then: npm run setup`);
  say("  with Python:     pip install torch   (for a python3 that stands on PATH), then: npm run setup");
  say("  anything else:   unpack a libtorch (cxx11 ABI) and run: LIBTORCH=/path/to/libtorch npm run setup");
  return null;
}

function buildTypeScript() {
  const startMs = performance.now();
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const { status, stdout, stderr } = spawnSync(process.execPath, [tsc, "-b"], { cwd: root, encoding: "utf8" });
  if (status !== 0) throw new SetupError(`TypeScript does not compile:\n${stdout}${stderr}`);
  say(`TypeScript: compiled in ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await setup({ retry: true });
