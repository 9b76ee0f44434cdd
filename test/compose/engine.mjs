// Owns which container engine the real run uses: Docker with Compose v2 where its daemon answers, else podman as root
// with podman-compose, in a store of its own, so that nothing of the machine's own containers is touched.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** The images stay here from one run to the next. */
const folder = join(root, ".cache", "compose");

/** What podman needs here, by Debian's package. */
const debianPackages = {
  podman: ["/usr/bin/podman"],
  runc: ["/usr/sbin/runc", "/usr/bin/runc"],
  netavark: ["/usr/lib/podman/netavark"],
  "aardvark-dns": ["/usr/lib/podman/aardvark-dns"],
  iptables: ["/usr/sbin/iptables"],
  "podman-compose": ["/usr/bin/podman-compose"],
  debootstrap: ["/usr/sbin/debootstrap"],
};

/**
 * @typedef {object} Engine
 * @property {"docker" | "podman"} name
 * @property {string[]} compose how Compose is called
 * @property {Record<string, string>} env
 */

/** @returns {{ engine: Engine } | { skip: string }} */
export function findEngine() {
  if (succeeds("docker", ["info"]) && succeeds("docker", ["compose", "version"])) {
    return { engine: { name: "docker", compose: ["docker", "compose"], env: {} } };
  }
  const why = "no Docker daemon with Compose v2 answers, and podman cannot stand in";
  if (process.platform !== "linux" || process.getuid?.() !== 0) return { skip: `${why}: it needs Linux and root` };
  const missing = Object.entries(debianPackages)
    .filter(([, paths]) => !paths.some((path) => existsSync(path)))
    .map(([name]) => name);
  if (missing.length > 0) return { skip: `${why}: apt-get install ${missing.join(" ")}` };
  const engine = podman();
  const { status, stderr } = runEngine(engine, ["info"]);
  return status === 0 ? { engine } : { skip: `${why}: podman info says: ${stderr.trim().split("\n").at(-1)}` };
}

/** @param {string[]} args of docker or podman */
export function runEngine({ name, env }, args, options = {}) {
  return spawnSync(name, args, {
    encoding: "utf8",
    maxBuffer: 1 << 28,
    ...options,
    env: { ...process.env, ...env, ...options.env },
  });
}

function podman() {
  mkdirSync(folder, { recursive: true });
  const runtime = join(folder, "runc");
  const wrapper = fileURLToPath(new URL("runc-without-rlimits.mjs", import.meta.url));
  writeFileSync(runtime, `#!/bin/sh\nexec '${process.execPath}' '${wrapper}' "$@"\n`);
  chmodSync(runtime, 0o755);
  const containers = join(folder, "containers.conf");
  writeFileSync(
    containers,
    [
      "[engine]",
      'runtime = "wrapped"',
      'cgroup_manager = "cgroupfs"', // systemd need not be there
      'events_logger = "file"',
      `tmp_dir = "${join(folder, "tmp")}"`,
      "[engine.runtimes]",
      `wrapped = ["${runtime}"]`,
      "[network]",
      'network_backend = "netavark"',
      `network_config_dir = "${join(folder, "networks")}"`,
      "",
    ].join("\n"),
  );
  const storage = join(folder, "storage.conf");
  writeFileSync(
    storage,
    `[storage]\ndriver = "overlay"\ngraphroot = "${join(folder, "store")}"\nrunroot = "${join(folder, "run")}"\n`,
  );
  return {
    name: "podman",
    compose: ["podman-compose"],
    env: { CONTAINERS_CONF: containers, CONTAINERS_STORAGE_CONF: storage },
  };
}

function succeeds(command, args) {
  return spawnSync(command, args, { stdio: "ignore", timeout: 20_000 }).status === 0;
}
