// Copies the files that a container image needs from the built repository: of each package that the command depends on,
// the files that run. Usage: `node deploy/docker/stage-app.mjs /app`. It imports nothing from npm.
import { cpSync, existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The packages to start from. The command loads the second one by its name at run time, so it is not a dependency. */
const entries = ["@lockstep/cli", "@lockstep/tfjs-backend-torch"];

/** The files and folders of a package that are copied, if they exist. */
const parts = ["package.json", "bin", "dist", "schema", "starter"];

/** Without the first, training is slower; without the second, the torch backend is missing. */
const addons = [
  "packages/numerics/build/lockstep_numerics.node",
  "packages/tfjs-backend-torch/build/lockstep_torch.node",
];

const isNeeded = (path) =>
  !/(\.test\.js|\.d\.ts|\.map|\.tsbuildinfo)$/.test(path) && !["testing", "testdata"].includes(basename(path));

const [target] = process.argv.slice(2);
if (target === undefined) throw new Error("usage: node deploy/docker/stage-app.mjs FOLDER");
for (const folder of foldersOf(entries)) {
  for (const part of parts) {
    const from = join(root, folder, part);
    if (existsSync(from)) cpSync(from, join(target, folder, part), { recursive: true, filter: isNeeded });
  }
}
for (const addon of addons) cpSync(join(root, addon), join(target, addon)); // throws if the addon was not built

/** Returns the folders of the named packages and of their dependencies. */
function foldersOf(names) {
  const found = new Set();
  const visit = (name) => {
    const folder = join("packages", name.slice("@lockstep/".length));
    if (found.has(folder)) return;
    found.add(folder);
    const { dependencies = {} } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
    for (const dependency of Object.keys(dependencies)) if (dependency.startsWith("@lockstep/")) visit(dependency);
  };
  for (const name of names) visit(name);
  return found;
}
