// `npm run check`: what no test shows. Format and lint, generated code that has drifted from its .proto, import rules,
// and package registries named by host.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { findViolations } from "./import-rules.mjs";
import { missingEntries, readLock } from "./lockfile.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const generated = "packages/protocol/src/gen";

/** Each returns its complaints. */
const checks = [
  { name: "format and lint", run: () => tool("biome", ["ci", "--colors=off", "--error-on-warnings", "."]) },
  { name: "proto lint", run: () => tool("buf", ["lint"]) },
  { name: "generated code", run: generatedDrift },
  { name: "import rules", run: () => findViolations(root) },
  { name: "lock file", run: lockFile },
  { name: "registry hosts", run: registryHosts },
];

for (const { name, run } of checks) {
  const complaints = run();
  console.log(`${complaints.length === 0 ? "ok  " : "FAIL"}  ${name}`);
  for (const complaint of complaints) console.log(complaint);
  if (complaints.length > 0) process.exitCode = 1;
}

function tool(name, args) {
  const { status, stdout, stderr, error } = spawnSync(join(root, "node_modules", ".bin", name), args, {
    cwd: root,
    encoding: "utf8",
  });
  return status === 0 ? [] : [error?.message ?? `${stdout}${stderr}`];
}

function generatedDrift() {
  const folder = mkdtempSync(join(tmpdir(), "lockstep-generated-"));
  try {
    const complaints = tool("buf", ["generate", "--output", folder]);
    if (complaints.length > 0) return complaints;
    const [committed, fresh] = [contentsOf(join(root, generated)), contentsOf(join(folder, generated))];
    const names = [...new Set([...committed.keys(), ...fresh.keys()])].sort();
    return names
      .filter((name) => committed.get(name) !== fresh.get(name))
      .map((name) => `${generated}/${name}: is not what proto/ gives: run npm run generate and commit it`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function contentsOf(folder) {
  const files = readdirSync(folder, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile());
  return new Map(
    files.map((entry) => {
      const path = join(entry.parentPath ?? entry.path, entry.name);
      return [path.slice(folder.length + 1), readFileSync(path, "utf8")];
    }),
  );
}

function lockFile() {
  const missing = missingEntries(readLock()).map(({ name }) => name);
  return missing.length === 0 ? [] : [`package-lock.json lacks ${missing.join(", ")}: run node scripts/lockfile.mjs`];
}

/** Which registry is used is the machine's business (its npm configuration), never the repository's. */
function registryHosts() {
  const hosts = /registry\.(npmjs|yarnpkg|npmmirror)\.|pypi\.org|pythonhosted\.org|"resolved": "https?:/;
  const { stdout } = spawnSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" });
  return stdout
    .split("\0")
    .filter((file) => /\.(json|md|mjs|js|ts|ya?ml|txt|sh)$|(^|\/)(Dockerfile|run|\.npmrc)/.test(file))
    .filter((file) => hosts.test(readFileSync(join(root, file), "utf8")))
    .map((file) => `${file}: names a package registry's host: leave it to the machine's configuration`);
}
