// torchPackages, missingPackages and aptInstall: the packages of Debian and similar systems that set-up may install:
// libtorch, and the libraries that make it fast.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";

export const torchPackages = ["libtorch-dev", "libdnnl-dev", "libopenblas0-openmp"];

export const isDebianLike = () => existsSync("/etc/debian_version") && has("apt-get");

/** Returns the packages that are not installed. */
export function missingPackages(packages) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own format language
  const { stdout } = spawnSync("dpkg-query", ["-W", "-f", "${Package} ${db:Status-Status}\n", ...packages], {
    encoding: "utf8",
  });
  const installed = new Set(
    (stdout ?? "")
      .split("\n")
      .filter((line) => line.endsWith(" installed"))
      .map((line) => line.split(" ")[0]),
  );
  return packages.filter((name) => !installed.has(name));
}

/** @returns {{ installed: boolean, reason?: string }} */
export function aptInstall(packages, print) {
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && !has("sudo")) return { installed: false, reason: "not root, and no sudo" };
  // Without a terminal, sudo must fail instead of asking for a password.
  const sudo = isRoot ? [] : ["sudo", ...(process.stdin.isTTY ? [] : ["-n"]), "DEBIAN_FRONTEND=noninteractive"];
  const run = (...args) => {
    const [command, ...rest] = [...sudo, ...args];
    print(`running: ${[command, ...rest].join(" ")}`);
    const { status, stdout, stderr } = spawnSync(command, rest, {
      encoding: "utf8",
      stdio: ["inherit", "pipe", "pipe"],
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      maxBuffer: 1 << 28,
    });
    return status === 0 ? null : (`${stdout ?? ""}\n${stderr ?? ""}`.trim().split("\n").at(-1) ?? "");
  };
  // The update fails if one of the sources is unreachable; the installation may work even then.
  const updateFailure = run("apt-get", "update", "-q");
  const failure = run("apt-get", "install", "-y", "-q", "--no-install-recommends", ...packages);
  if (failure === null) return { installed: true };
  return { installed: false, reason: `apt-get install failed: ${failure || updateFailure}` };
}

function has(command) {
  return spawnSync(command, ["--version"], { stdio: "ignore" }).error === undefined;
}
