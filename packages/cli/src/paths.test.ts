// Every path that a user can give to any command, in every way in which it cannot be used, is refused in one line.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { WalkedCase } from "./testing/walk-paths.js";

const nobody = 65534;
const root = mkdtempSync(join(tmpdir(), "lockstep-paths-"));
after(() => {
  chmodSync(join(root, "read-only"), 0o755); // the folder would keep its files when this user is not root
  rmSync(root, { recursive: true });
});

test("no command takes a path that it cannot use: exit code 2 and one line that names the flag and the path", () => {
  const isRoot = process.getuid?.() === 0;
  if (isRoot) chownSync(root, nobody, nobody);
  const asNobody = isRoot ? ["setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"] : [];
  const script = fileURLToPath(new URL("testing/walk-paths.js", import.meta.url));
  const [program = "", ...args] = [...asNobody, process.execPath, script, root];
  const { output, status } = spawnSync(program, args, {
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    env: { PATH: process.env["PATH"], HOME: root, XDG_CACHE_HOME: join(root, "cache") },
    encoding: "utf8",
    cwd: root,
    maxBuffer: 2 ** 26,
  });
  assert.equal(status, 0, output[2] ?? "");
  const cases = (output[3] ?? "")
    .trim()
    .split("\n")
    .map((line): WalkedCase => JSON.parse(line));
  const faulty = cases.filter(({ flag, path, message, code, isUserError }) => {
    const isOneLine = message !== null && !message.includes("\n") && !/\bat .*:\d+/.test(message);
    const namesFlag = flag === null || message?.includes(flag);
    return !(isUserError && code === 2 && isOneLine && namesFlag && message?.includes(path));
  });
  const text = ({ command, flag, path, fault, message, code }: WalkedCase): string =>
    `${command} ${flag ?? ""} ${path} (${fault}): exit code ${code}: ${message}`;
  assert.equal(faulty.length, 0, faulty.map(text).join("\n"));
  assert.ok(cases.length > 300, String(cases.length));
});
