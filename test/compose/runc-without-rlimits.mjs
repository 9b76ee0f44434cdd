// Owns calling runc where the kernel lets nobody raise a resource limit: podman asks for more open files than there may be,
// and runc would refuse to start anything. Everything else of a container is as podman asked for it.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

const args = process.argv.slice(2);
if (args.includes("create") || args.includes("run")) {
  rewrite(join(optionOf("-b", "--bundle") ?? ".", "config.json"), (spec) => spec.process);
} else if (args.includes("exec")) {
  const file = optionOf("-p", "--process");
  if (file !== undefined) rewrite(file, (spec) => spec);
}
const { status, signal } = spawnSync("runc", args, { stdio: "inherit" });
process.exitCode = signal === null ? (status ?? 1) : 1;

function rewrite(file, processOf) {
  const spec = JSON.parse(readFileSync(file, "utf8"));
  delete processOf(spec).rlimits;
  writeFileSync(file, JSON.stringify(spec));
}

function optionOf(...names) {
  const at = args.findIndex((argument) => names.includes(argument.split("=")[0]));
  if (at === -1) return undefined;
  return args[at].includes("=") ? args[at].slice(args[at].indexOf("=") + 1) : args[at + 1];
}
