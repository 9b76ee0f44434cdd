// Owns the images that podman gets where no image registry can be reached: Debian by debootstrap, with this machine's Node, and
// with Debian's Prometheus, under the very names that the Dockerfile and the compose file ask for. Grafana's has no stand-in.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { runEngine } from "./engine.mjs";

const names = {
  debian: "docker.io/library/debian:bookworm-slim",
  node: "docker.io/library/node:20-bookworm-slim",
  prometheus: "docker.io/prom/prometheus:v3.5.0",
};

/** Those that are there stay as they are. @throws where they cannot be made */
export function makeStandIns(engine, say) {
  const isMissing = (name) => runEngine(engine, ["image", "exists", name]).status !== 0;
  if (isMissing(names.debian) || isMissing(names.node)) makeBases(engine, say);
  if (isMissing(names.prometheus)) makePrometheus(engine, say);
}

function makeBases(engine, say) {
  const folder = mkdtempSync(join(tmpdir(), "lockstep-compose-"));
  const base = join(folder, "debian");
  try {
    say("making Debian's image: debootstrap");
    must(spawnSync("debootstrap", ["--variant=minbase", "--include=ca-certificates", "bookworm", base], quiet));
    // Debootstrap names the mirror that it took; Debian's security updates lie beside it.
    const sources = join(base, "etc/apt/sources.list");
    const [, mirror] = /^deb (\S+) /m.exec(readFileSync(sources, "utf8")) ?? [];
    writeFileSync(sources, `deb ${mirror} bookworm main\ndeb ${mirror}-security bookworm-security main\n`);
    // As Debian's own image has it: what was installed leaves no archive behind.
    writeFileSync(
      join(base, "etc/apt/apt.conf.d/docker-clean"),
      'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };\n',
    );
    importImage(engine, base, names.debian, []);
    say("making Node's image");
    addNode(base);
    importImage(engine, base, names.node, ['CMD ["node"]']);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function makePrometheus(engine, say) {
  say("making Prometheus' image");
  const container = "lockstep-prometheus-stand-in";
  const install = "apt-get update -q && apt-get install -y -q --no-install-recommends prometheus";
  const prepare = `${install} && rm -rf /var/lib/apt/lists/* && install -d -o nobody -g nogroup /prometheus`;
  const changes = ["USER nobody", 'ENTRYPOINT ["/usr/bin/prometheus"]'].flatMap((change) => ["--change", change]);
  runEngine(engine, ["rm", "--force", container]);
  try {
    must(runEngine(engine, ["run", "--name", container, "--network=host", names.debian, "sh", "-c", prepare]));
    must(runEngine(engine, ["commit", ...changes, container, names.prometheus]));
  } finally {
    runEngine(engine, ["rm", "--force", container]);
  }
}

/**
 * npm inside a build speaks to the registry that this machine is set up for: by volumes, which no layer keeps.
 * @returns flags of `podman build`
 */
export function buildFlags(folder) {
  mkdirSync(folder, { recursive: true });
  const npmrc = join(folder, "npmrc");
  const files = ["/etc/npmrc", "/usr/etc/npmrc", "/usr/local/etc/npmrc", join(homedir(), ".npmrc")];
  const lines = files.filter((file) => existsSync(file)).map((file) => readFileSync(file, "utf8").trim());
  const extra = process.env.NODE_EXTRA_CA_CERTS;
  if (extra && !lines.join("\n").includes("cafile=")) lines.push(`cafile=${extra}`);
  writeFileSync(npmrc, `${lines.join("\n")}\n`, { mode: 0o600 });
  const volumes = ["/etc/ssl/certs", ...(extra ? [extra] : [])].filter((path) => existsSync(path));
  return [
    ...["--network", "host", "--format", "docker"], // OCI's own format knows no HEALTHCHECK
    ...["--volume", `${npmrc}:/usr/local/etc/npmrc:ro`],
    ...[...new Set(volumes)].flatMap((path) => ["--volume", `${path}:${path}:ro`]),
  ];
}

function addNode(base) {
  const local = join(base, "usr/local");
  cpSync(process.execPath, join(local, "bin/node"));
  const npm = ["/usr/lib/node_modules/npm", "/usr/local/lib/node_modules/npm", "/usr/share/nodejs/npm"].find(
    existsSync,
  );
  if (npm === undefined) throw new Error("npm's own folder was not found on this machine");
  cpSync(npm, join(local, "lib/node_modules/npm"), { recursive: true, dereference: true });
  for (const name of ["npm", "npx"])
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(local, "bin", name));
}

function importImage(engine, base, name, changes) {
  const archive = `${base}.tar`;
  must(spawnSync("tar", ["-C", base, "-cf", archive, "."], quiet));
  must(runEngine(engine, ["import", ...changes.flatMap((change) => ["--change", change]), archive, name]));
  rmSync(archive);
}

const quiet = { encoding: "utf8", maxBuffer: 1 << 28 };

function must({ status, stdout, stderr, error }) {
  if (status !== 0) throw new Error(error?.message ?? `${stdout}${stderr}`.trim().split("\n").slice(-5).join("\n"));
}
