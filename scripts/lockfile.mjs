// Owns that package-lock.json names the optional packages of every platform. npm leaves out those that a registry does
// not carry (a mirror for one platform), and `npm ci` then refuses the file, here and everywhere. Run it after
// `npm install` has changed the file: `node scripts/lockfile.mjs`.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const path = join(fileURLToPath(new URL("..", import.meta.url)), "package-lock.json");

/** Optional dependencies that the file promises and does not describe. */
export function missingEntries(lock) {
  return Object.values(lock.packages).flatMap((entry) =>
    Object.entries(entry.optionalDependencies ?? {})
      .filter(([name]) => lock.packages[`node_modules/${name}`] === undefined)
      .map(([name, version]) => ({ name, version, dev: entry.dev === true })),
  );
}

export function readLock() {
  return JSON.parse(readFileSync(path, "utf8"));
}

/** What npm needs in order to pass over a package of another platform without asking for it. */
function entryOf({ name, version, dev }) {
  const [, os, cpu, libc] = /-(darwin|linux|win32|android|freebsd)-([a-z0-9]+)(?:-(musl|gnu))?$/.exec(name) ?? [];
  if (os === undefined) throw new Error(`${name}: which platform is it for? describe it in package-lock.json by hand`);
  const architecture = { aarch64: "arm64", armv7: "arm" }[cpu] ?? cpu;
  return {
    version,
    cpu: [architecture],
    ...(dev ? { dev } : {}),
    ...(libc ? { libc: [libc === "musl" ? "musl" : "glibc"] } : {}),
    optional: true,
    os: [os],
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const lock = readLock();
  const missing = missingEntries(lock);
  for (const entry of missing) lock.packages[`node_modules/${entry.name}`] = entryOf(entry);
  const inOrder = Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1));
  lock.packages = Object.fromEntries(inOrder);
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`package-lock.json: added ${missing.map(({ name }) => name).join(", ") || "nothing"}`);
}
