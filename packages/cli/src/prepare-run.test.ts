// A preparation that fails or is killed leaves nothing that stands in the way of the same command.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { CheckpointStore } from "@lockstep/checkpoint";
import { exitCode, exitCodeOf, MachineFault, UserError } from "@lockstep/errors";
import type { Resume } from "./claim-folder.js";
import { type PreparedRun, prepareRun } from "./prepare-run.js";
import { readRunDescription, runFiles } from "./run-folder.js";
import { tinyPreparation } from "./testing/tiny-preparation.js";

let root: string;
before(async () => {
  root = await mkdtemp(join(tmpdir(), "lockstep-prepare-"));
});
after(() => rm(root, { recursive: true }));

const prepare = (out: string, resume: Resume = "auto", onLocked?: () => Promise<void>): Promise<PreparedRun> =>
  prepareRun(tinyPreparation({ out, resume, cacheDir: join(root, "cache"), onLocked }));

/** The same command again makes a whole run, of nothing but known files. */
async function assertPrepares(out: string, resume: Resume): Promise<void> {
  const { lock, description } = await prepare(out, resume);
  await lock.release();
  assert.deepEqual(await readRunDescription(out), description);
  const { checkpoint } = await new CheckpointStore(join(out, runFiles.checkpoints)).newestValid();
  assert.equal(checkpoint?.step, 0);
  const visible = (await readdir(out)).filter((name) => !name.startsWith(".tmp-"));
  assert.deepEqual(visible.sort(), ["checkpoints", "launch.json", "run.json"]);
}

async function failureOf(work: Promise<unknown>): Promise<Error> {
  const error: unknown = await work.then(() => assert.fail("it succeeded")).catch((reason: unknown) => reason);
  assert.ok(error instanceof Error);
  return error;
}

describe("after kill -9 at any moment of the preparation", () => {
  test("the same command prepares the run, and somebody else's file is still refused", async () => {
    const [out, states] = [join(root, "killed"), join(root, "states")];
    await mkdir(states);
    const script = (name: string): string => fileURLToPath(new URL(`testing/${name}`, import.meta.url));
    const { status, stderr } = spawnSync(process.execPath, [script("record-states.js")], {
      encoding: "utf8",
      env: {
        ...process.env,
        ...{ OUT: out, STATES: states, CACHE: join(root, "cache") },
        NODE_OPTIONS: `--import ${script("file-hooks.js")}`, // in its threads too
      },
    });
    assert.equal(status, 0, stderr);
    const names = (await readdir(states)).sort();
    const has = async (name: string, entry: string) => (await readdir(join(states, name))).includes(entry);
    const [locked, begun] = [
      await filter(names, (name) => has(name, "lock")),
      await filter(names, (name) => has(name, "checkpoints")),
    ];
    assert.ok(names.length > 10 && locked.length > 5 && begun.length > 3, names.join());
    assert.ok((await filter(names, (name) => has(name, "run.json"))).length > 0);
    const seen = new Set<string>();
    for (const name of names) {
      const at = join(states, name);
      const kind = (await readdir(at, { recursive: true }))
        .map((path) => path.replaceAll(/[0-9a-f]{16}/g, "x"))
        .sort()
        .join();
      if (seen.has(kind)) continue;
      seen.add(kind);
      const isRun = await has(name, "run.json");
      const strange = join(root, `strange-${name}`);
      await cp(at, strange, { recursive: true });
      await writeFile(join(strange, "thesis.txt"), "somebody's");
      if (!isRun) assert.match((await failureOf(prepare(strange))).message, /not empty \(thesis\.txt\)/);
      await assertPrepares(at, isRun || name.endsWith("1") ? "auto" : false);
    }
  });
});

async function filter(names: readonly string[], keep: (name: string) => Promise<boolean>): Promise<string[]> {
  const kept = await Promise.all(names.map(keep));
  return names.filter((_, index) => kept[index]);
}

describe("a disk that fails", () => {
  const codes = ["ENOSPC", "EDQUOT", "EROFS", "EACCES", "EIO"];
  const calls = ["mkdir", "open", "rename", "writeFile", "link"] as const;

  /** Lets the n-th change of the folder fail. @returns whether there was one */
  async function withFailure(out: string, code: string, n: number, work: () => Promise<void>): Promise<boolean> {
    const [originals, target] = [{ ...fs.promises }, fs.promises as unknown as Record<string, unknown>];
    let count = 0;
    for (const call of calls) {
      const original = originals[call] as (...args: unknown[]) => Promise<unknown>;
      target[call] = async (path: unknown, ...rest: unknown[]) => {
        const isChange = call !== "open" || /^w/.test(String(rest[0]));
        if (String(path).startsWith(out) && isChange && ++count === n) {
          throw Object.assign(new Error(`${code}: made by the test, ${call}`), { code, syscall: call, path });
        }
        return original(path, ...rest);
      };
    }
    syncBuiltinESMExports();
    try {
      await work();
    } finally {
      Object.assign(fs.promises, originals);
      syncBuiltinESMExports();
    }
    return count >= n;
  }

  test("at any write, in any way: one line, nothing left, and the same command works when it is mended", async () => {
    let failures = 0;
    for (let n = 1; ; n++) {
      const code = codes[n % codes.length] ?? "";
      const out = join(root, `fails-${n}`);
      let failure: Error | null = null;
      const wasReached = await withFailure(out, code, n, async () => {
        failure = await prepare(out, "auto").then(
          async ({ lock }) => lock.release().then(() => null),
          (error: Error) => error,
        );
      });
      if (!wasReached) break;
      failures += 1;
      assert.ok((failure as unknown) instanceof UserError, String((failure as Error | null)?.stack));
      const { message } = failure as unknown as Error;
      assert.match(message, new RegExp(`^--out ${out}: [^\\n]+$`));
      const isMistake = code === "EROFS" || code === "EACCES";
      assert.equal(exitCodeOf(failure), isMistake ? exitCode.userError : exitCode.failure, message);
      if ((await readRunDescription(out)) === null) assert.deepEqual(await readdir(out).catch(() => []), [], message);
      await assertPrepares(out, (await readRunDescription(out)) !== null || n % 2 === 0 ? "auto" : false);
    }
    assert.ok(failures > 5, String(failures));
  });

  test("because it is full, wherever that shows: once there is room, the same command works", async (context) => {
    const disk = join(root, "disk");
    await mkdir(disk);
    if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=256k", "lockstep-test", disk]).status !== 0) {
      context.diagnostic("no file system can be mounted here: the tests above stand for it");
      return;
    }
    try {
      const out = join(disk, "run");
      const filler = join(disk, "filler");
      let [failed, lines] = [0, new Set<string>()];
      for (let freePages = 0; freePages < 40; freePages++) {
        await rm(filler, { force: true });
        const { bavail, bsize } = await fs.promises.statfs(disk);
        await writeFile(filler, new Uint8Array(Math.max(0, bavail - freePages) * bsize));
        const error = await prepare(out, "auto", async () => {
          await mkdir(join(out, runFiles.logs));
          await writeFile(join(out, runFiles.logs, "launcher.log"), "started\n");
        }).then(
          async ({ lock }) => lock.release().then(() => null),
          (reason: unknown) => reason,
        );
        await rm(filler);
        if (error === null) break;
        failed += 1;
        assert.ok(error instanceof MachineFault, error instanceof Error ? error.stack : String(error));
        lines = lines.add(error.message);
        assert.equal(exitCodeOf(error), exitCode.failure);
        assert.deepEqual(await readdir(out).catch(() => []), []);
      }
      assert.ok(failed > 3, String(failed));
      for (const line of lines) assert.match(line, /^--out .*run: [^\n]*: the disk is full$/);
      await rm(out, { recursive: true });
      await assertPrepares(out, "auto");
    } finally {
      spawnSync("umount", [disk]);
    }
  });
});

test("a bug keeps the logs, and the folder is taken over all the same", async () => {
  const out = join(root, "bug");
  const onLocked = async () => {
    await mkdir(join(out, runFiles.logs));
    await writeFile(join(out, runFiles.logs, "launcher.log"), "started\n");
    throw new TypeError("a bug");
  };
  assert.match((await failureOf(prepare(out, false, onLocked))).message, /^a bug$/);
  assert.deepEqual((await readdir(out)).sort(), [".preparing", "logs"]);
  const { lock } = await prepare(out, false);
  await lock.release();
});

test("a folder inside the data is refused, and nothing is left in it", async () => {
  const data = join(root, "data");
  await mkdir(data);
  const out = join(data, "runs", "first");
  const error = await failureOf(
    prepareRun(tinyPreparation({ out, resume: false, cacheDir: join(root, "cache"), data })),
  );
  assert.match(error.message, /^--out .*: lies inside the data \(.*\), where Lockstep writes nothing/);
  assert.deepEqual(await readdir(data), []);
});
