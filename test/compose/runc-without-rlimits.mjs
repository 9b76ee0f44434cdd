// Owns calling runc where the kernel lets nobody raise a resource limit: podman asks for more open files than there may be,
// and runc would refuse to start anything. Everything else of the container is as podman asked for it.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

const args = process.argv.slice(2);
if (args.includes("create") || args.includes("run")) {
  const config = join(bundle(), "config.json");
  const spec = JSON.parse(readFileSync(config, "utf8"));
  delete spec.process.rlimits;
  writeFileSync(config, JSON.stringify(spec));
}
const { status, signal } = spawnSync("runc", args, { stdio: "inherit" });
process.exitCode = signal === null ? (status ?? 1) : 1;

function bundle() {
  const at = args.findIndex((argument) => /^(-b|--bundle)(=|$)/.test(argument));
  if (at === -1) return process.cwd();
  return args[at].includes("=") ? args[at].slice(args[at].indexOf("=") + 1) : args[at + 1];
}
