// findLibtorch: searches for libtorch in LIBTORCH, then in a torch of pip that a python3 on PATH can import, then in
// the OS package. It only reads files; it imports and downloads nothing.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";

/**
 * @typedef {object} Libtorch
 * @property {"LIBTORCH" | "pip" | "os"} source
 * @property {string} prefix   the value for CMAKE_PREFIX_PATH
 * @property {string} version  for example 1.13.1
 * @property {string} identity changes if the library changes
 */

/**
 * @returns {{ libtorch: Libtorch | null, notes: string[] }} notes: one line for each torch that was found but not used
 * @throws Error if LIBTORCH is set but contains no libtorch
 */
export function findLibtorch(env = process.env) {
  const notes = [];
  if (env.LIBTORCH) {
    const libtorch = inspect("LIBTORCH", env.LIBTORCH, [env.LIBTORCH]);
    if (libtorch) return { libtorch, notes };
    throw new Error(
      `LIBTORCH=${env.LIBTORCH}: no include/ATen/ATen.h and lib/libtorch there; unset it, or set it to an unpacked libtorch`,
    );
  }
  for (const python of pythonsOnPath(env.PATH ?? "")) {
    const package_ = torchPackageOf(python);
    if (!package_) continue;
    if (package_.includes("dist-packages")) {
      notes.push(`${python} has the torch of the OS: the OS package libtorch-dev is used`);
      continue;
    }
    const libtorch = inspect("pip", join(package_, "share", "cmake"), [package_]);
    if (libtorch) return { libtorch, notes };
    notes.push(`${python} has a torch at ${package_} without headers or libraries: it is not used`);
  }
  return { libtorch: inspect("os", "/usr", ["/usr", "/usr/local"]), notes };
}

/** The different python3 programs on PATH, in the order of PATH. */
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

/** The folder of the torch package that this python would import; null if there is none. */
function torchPackageOf(python) {
  const program = "import importlib.util as u; s = u.find_spec('torch'); print(s.origin if s and s.origin else '')";
  try {
    const origin = execFileSync(python, ["-c", program], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    return origin.trim() === "" ? null : dirname(origin.trim());
  } catch {
    return null; // the file is a shim, and its interpreter is not installed
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

/** Since torch 2.11, torch/version.h has no numbers but includes the other header. */
const versionHeaders = ["torch/headeronly/version.h", "torch/csrc/api/include/torch/version.h"];

/** @returns {string | null} for example 2.11.0 */
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
