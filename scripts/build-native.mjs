// buildNative: builds the native addons by CMake with the headers of node-api-headers and node-addon-api. The build
// folder has a stamp of every input (sources, flags, headers, libtorch); an addon whose stamp is unchanged is not built
// again.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { findLibtorch } from "./libtorch.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The addons in build order. An addon with needsTorch is built only if libtorch is found. */
const addons = [
  {
    name: "lockstep_numerics",
    source: "packages/numerics/native",
    build: "packages/numerics/build",
    needsTorch: false,
  },
  {
    name: "lockstep_torch",
    source: "packages/tfjs-backend-torch/binding",
    build: "packages/tfjs-backend-torch/build",
    needsTorch: true,
  },
];

/**
 * Builds the addons that are not up to date.
 * @param {{ libtorch: import("./libtorch.mjs").Libtorch | null, print: (line: string) => void }} options
 * @returns {boolean} false if the build of an addon failed
 */
export function buildNative({ libtorch, print }) {
  let complete = true;
  for (const addon of addons) {
    if (addon.needsTorch && !libtorch) continue;
    complete = buildAddon(addon, addon.needsTorch ? libtorch : null, print) && complete;
  }
  return complete;
}

/** One line for each missing tool that a build requires. */
export function missingBuildTools() {
  const works = (command) => spawnSync(command, ["--version"], { stdio: "ignore" }).status === 0;
  const missing = [];
  if (!works("cmake")) missing.push("cmake is not on PATH: install it (Debian: apt-get install cmake make)");
  if (!["c++", "g++", "clang++", process.env.CXX].some((command) => command && works(command))) {
    missing.push("no C++ compiler on PATH (c++, g++, clang++ or CXX): install one (Debian: apt-get install g++)");
  }
  return missing;
}

function buildAddon({ name, source, build }, libtorch, print) {
  const buildFolder = join(root, build);
  const product = join(buildFolder, `${name}.node`);
  const stampFile = join(buildFolder, "stamp.txt");
  const flags = [
    `-DNODE_API_HEADERS_DIR=${join(root, "node_modules/node-api-headers/include")}`,
    `-DNODE_ADDON_API_DIR=${join(root, "node_modules/node-addon-api")}`,
    ...(libtorch ? [`-DCMAKE_PREFIX_PATH=${libtorch.prefix}`] : []),
  ];
  const stamp = inputsSha256(join(root, source), [
    ...flags,
    libtorch?.identity ?? "",
    process.env.CXX ?? "",
    process.env.CXXFLAGS ?? "",
  ]);
  if (existsSync(product) && existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) {
    print(`${name}: up to date`);
    return true;
  }
  const missing = missingBuildTools();
  if (missing.length > 0) {
    for (const line of missing) print(`${name}: ${line}`);
    return false;
  }
  const startMs = performance.now();
  rmSync(stampFile, { force: true });
  // The cache would keep the paths of the libtorch or compiler that it was made for.
  rmSync(join(buildFolder, "CMakeCache.txt"), { force: true });
  mkdirSync(buildFolder, { recursive: true });
  const jobs = String(availableParallelism());
  const logFile = join(buildFolder, "build.log");
  const steps = [
    ["-S", join(root, source), "-B", buildFolder, ...generator(buildFolder), ...flags],
    ["--build", buildFolder, "--parallel", jobs],
  ];
  let log = "";
  for (const args of steps) {
    const { status, stdout, stderr } = spawnSync("cmake", args, { encoding: "utf8", maxBuffer: 1 << 28 });
    log += `cmake ${args.join(" ")}\n${stdout}${stderr}\n`;
    writeFileSync(logFile, log);
    if (status !== 0) {
      print(
        `${name}: the build failed (the log is ${relative(root, logFile)}); its errors:\n${errorLines(stdout + stderr)}`,
      );
      return false;
    }
  }
  writeFileSync(stampFile, stamp);
  print(`${name}: built in ${((performance.now() - startMs) / 1000).toFixed(0)} s`);
  return true;
}

/** Ninja if it is installed, unless the folder was configured with Make before. */
function generator(buildFolder) {
  if (existsSync(join(buildFolder, "Makefile"))) return [];
  return spawnSync("ninja", ["--version"], { stdio: "ignore" }).status === 0 ? ["-G", "Ninja"] : [];
}

function errorLines(output) {
  const lines = output.split("\n").filter((line) => line.trim() !== "");
  const firstError = lines.findIndex((line) => /\berror\b/i.test(line));
  return lines
    .slice(
      Math.max(0, firstError === -1 ? lines.length - 15 : firstError),
      (firstError === -1 ? lines.length : firstError) + 15,
    )
    .join("\n");
}

function inputsSha256(sourceFolder, settings) {
  const hash = createHash("sha256");
  for (const setting of settings) hash.update(`${setting}\0`);
  for (const name of ["node-api-headers", "node-addon-api"]) {
    hash.update(`${JSON.parse(readFileSync(join(root, "node_modules", name, "package.json"), "utf8")).version}\0`);
  }
  for (const file of filesUnder(sourceFolder))
    hash.update(`${relative(sourceFolder, file)}\0`).update(readFileSync(file));
  return hash.digest("hex");
}

function filesUnder(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { libtorch, notes } = findLibtorch();
  const print = (line) => process.stderr.write(`${line}\n`);
  for (const note of notes) print(note);
  print(
    libtorch
      ? `libtorch ${libtorch.version} (${libtorch.source}, ${libtorch.prefix})`
      : "no libtorch: run `npm run setup`",
  );
  if (!buildNative({ libtorch, print })) process.exitCode = 1;
}
