// `npm run check`: checks what the tests do not: format and lint, whether the generated code agrees with proto/, import
// rules, whether the API reports agree with the code, the lock file, and names of package registries' hosts.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { apiDrift } from "./api-reports.mjs";
import { findViolations } from "./import-rules.mjs";
import { missingEntries, readLock } from "./lockfile.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const generated = "packages/protocol/src/gen";

/** Each check returns its problems, as texts. */
const checks = [
  { name: "format and lint", run: () => tool("biome", ["ci", "--colors=off", "--error-on-warnings", "."]) },
  { name: "proto lint", run: () => tool("buf", ["lint"]) },
  { name: "generated code", run: generatedDrift },
  { name: "import rules", run: () => findViolations(root) },
  { name: "API reports", run: apiDrift },
  { name: "lock file", run: lockFile },
  { name: "registry hosts", run: registryHosts },
];

for (const { name, run } of checks) {
  const problems = run();
  console.log(`${problems.length === 0 ? "ok  " : "FAIL"}  ${name}`);
  for (const problem of problems) console.log(problem);
  if (problems.length > 0) process.exitCode = 1;
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
    const problems = tool("buf", ["generate", "--output", folder]);
    if (problems.length > 0) return problems;
    const [committed, fresh] = [contentsOf(join(root, generated)), contentsOf(join(folder, generated))];
    const names = [...new Set([...committed.keys(), ...fresh.keys()])].sort();
    return names
      .filter((name) => committed.get(name) !== fresh.get(name))
      .map(
        (name) =>
          `${generated}/${name}: differs from the code that is generated from proto/: run npm run generate and commit the file`,
      );
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
  return missing.length === 0
    ? []
    : [`package-lock.json has no entries for ${missing.join(", ")}: run node scripts/lockfile.mjs`];
}

/** The machine's npm configuration decides which registry is used, so the repository must not name one. */
function registryHosts() {
  const hosts = /registry\.(npmjs|yarnpkg|npmmirror)\.|pypi\.org|pythonhosted\.org|"resolved": "https?:/;
  const { stdout } = spawnSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" });
  return stdout
    .split("\0")
    .filter((file) => /\.(json|md|mjs|js|ts|ya?ml|txt|sh)$|(^|\/)(Dockerfile|run|\.npmrc)/.test(file))
    .filter((file) => hosts.test(readFileSync(join(root, file), "utf8")))
    .map(
      (file) =>
        `${file}: names the host of a package registry: remove it, because the machine's configuration decides on the registry`,
    );
}
