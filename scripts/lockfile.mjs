// `node scripts/lockfile.mjs`: adds the missing optional packages of other platforms to package-lock.json. Run it after
// `npm install` has changed the file. npm leaves out the optional packages that the registry does not have (for example
// a mirror for one platform), and then `npm ci` refuses the file on every machine.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const path = join(fileURLToPath(new URL("..", import.meta.url)), "package-lock.json");

/** Optional dependencies of the packages in the file that have no entry of their own. */
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

/** The entry by which npm skips a package of another platform without a request to the registry. */
function entryOf({ name, version, dev }) {
  const [, os, cpu, libc] = /-(darwin|linux|win32|android|freebsd)-([a-z0-9]+)(?:-(musl|gnu))?$/.exec(name) ?? [];
  if (os === undefined)
    throw new Error(`${name}: the name does not tell its platform; add its entry to package-lock.json by hand`);
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
