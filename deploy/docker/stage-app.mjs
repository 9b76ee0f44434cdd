// Owns which files of the built repository a container image gets: of every package that the command needs, what runs.
// `node deploy/docker/stage-app.mjs /app`. Imports nothing from npm.
import { cpSync, existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The second is found by its name at run time, where it is installed. */
const entries = ["@lockstep/cli", "@lockstep/tfjs-backend-torch"];

/** Of a package's folder; those that it has. */
const parts = ["package.json", "bin", "dist", "schema", "starter"];

/** Without them it would train, slower or not at all. */
const addons = [
  "packages/numerics/build/lockstep_numerics.node",
  "packages/tfjs-backend-torch/build/lockstep_torch.node",
];

const runs = (path) =>
  !/(\.test\.js|\.d\.ts|\.map|\.tsbuildinfo)$/.test(path) && !["testing", "testdata"].includes(basename(path));

const [target] = process.argv.slice(2);
if (target === undefined) throw new Error("usage: node deploy/docker/stage-app.mjs FOLDER");
for (const folder of foldersOf(entries)) {
  for (const part of parts) {
    const from = join(root, folder, part);
    if (existsSync(from)) cpSync(from, join(target, folder, part), { recursive: true, filter: runs });
  }
}
for (const addon of addons) cpSync(join(root, addon), join(target, addon)); // throws where it was not built

/** With those that they depend on. */
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
