// findLibtorch: looks for libtorch in LIBTORCH, else in a pip-installed torch that a python3 on PATH can import, else in the OS
// package. It reads files only; nothing is imported or downloaded.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";

/**
 * @typedef {object} Libtorch
 * @property {"LIBTORCH" | "pip" | "os"} source
 * @property {string} prefix   what CMAKE_PREFIX_PATH gets
 * @property {string} version  e.g. 1.13.1
 * @property {string} identity changes when the library does
 */

/** @returns {{ libtorch: Libtorch | null, notes: string[] }} notes: what was looked at and passed over, one line each. */
export function findLibtorch(env = process.env) {
  const notes = [];
  if (env.LIBTORCH) {
    const libtorch = inspect("LIBTORCH", env.LIBTORCH, [env.LIBTORCH]);
    if (libtorch) return { libtorch, notes };
    throw new Error(
      `LIBTORCH=${env.LIBTORCH}: no include/ATen/ATen.h and lib/libtorch there; unset it or name an unpacked libtorch`,
    );
  }
  for (const python of pythonsOnPath(env.PATH ?? "")) {
    const package_ = torchPackageOf(python);
    if (!package_) continue;
    if (package_.includes("dist-packages")) {
      notes.push(`${python} has the OS package's torch: the OS package libtorch-dev is meant`);
      continue;
    }
    const libtorch = inspect("pip", join(package_, "share", "cmake"), [package_]);
    if (libtorch) return { libtorch, notes };
    notes.push(`${python} has a torch at ${package_} without headers or libraries: passed over`);
  }
  return { libtorch: inspect("os", "/usr", ["/usr", "/usr/local"]), notes };
}

/** Every distinct python3 of PATH, in its order. */
function pythonsOnPath(path) {
  const found = new Map();
  for (const folder of path.split(delimiter).filter(Boolean)) {
    const candidate = join(folder, "python3");
    if (!existsSync(candidate)) continue;
    const target = realpathSync(candidate);
    if (!found.has(target)) found.set(target, candidate);
  }
  return [...found.values()];
}

/** The folder of the torch package that this python would import, or null. */
function torchPackageOf(python) {
  const program = "import importlib.util as u; s = u.find_spec('torch'); print(s.origin if s and s.origin else '')";
  try {
    const origin = execFileSync(python, ["-c", program], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    return origin.trim() === "" ? null : dirname(origin.trim());
  } catch {
    return null; // a shim without an interpreter behind it
  }
}

/** @returns {Libtorch | null} */
function inspect(source, prefix, roots) {
  for (const root of roots) {
    const library = libraryFolders(root)
      .flatMap((folder) => ["libtorch.so", "libtorch.dylib"].map((name) => join(folder, name)))
      .find(existsSync);
    if (!library || !existsSync(join(root, "include", "ATen", "ATen.h"))) continue;
    const version = versionUnder(join(root, "include")) ?? "unknown";
    const { size, mtimeMs } = statSync(library);
    return { source, prefix, version, identity: `${source} ${library} ${version} ${size} ${mtimeMs}` };
  }
  return null;
}

function libraryFolders(root) {
  const lib = join(root, "lib");
  if (!existsSync(lib)) return [];
  const multiarch = readdirSync(lib).filter((name) => /^[a-z0-9_]+-linux-gnu/.test(name));
  return [lib, ...multiarch.map((name) => join(lib, name))];
}

/** Since torch 2.11 torch/version.h only includes the header that holds the numbers. */
const versionHeaders = ["torch/headeronly/version.h", "torch/csrc/api/include/torch/version.h"];

/** @returns {string | null} e.g. 2.11.0 */
function versionUnder(include) {
  for (const header of versionHeaders.map((name) => join(include, name)).filter(existsSync)) {
    const text = readFileSync(header, "utf8");
    const parts = ["MAJOR", "MINOR", "PATCH"].map(
      (name) => new RegExp(`#define TORCH_VERSION_${name} (\\d+)`).exec(text)?.[1],
    );
    if (parts.every((part) => part !== undefined)) return parts.join(".");
  }
  return null;
}
