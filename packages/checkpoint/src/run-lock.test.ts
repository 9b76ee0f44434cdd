import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { UserError } from "@lockstep/errors";
import { isAlive, thisProcess } from "./process-identity.js";
import { acquireRunLock } from "./run-lock.js";
import { runSource } from "./testing/child-process.js";
import { useTemporaryFolder } from "./testing/temporary-folder.js";

const holdLock = (out: string) =>
  runSource(`
    const lock = await index.acquireRunLock(${JSON.stringify(out)});
    console.log("locked");
    setInterval(() => {}, 1_000_000);`);

describe("acquireRunLock", () => {
  const freshPath = useTemporaryFolder();

  it("makes the folder, writes who owns it, and leaves only the lock", async () => {
    const out = freshPath();
    const lock = await acquireRunLock(out);
    assert.equal(lock.tookOverFrom, null);
    assert.deepEqual(await readdir(out), ["lock"]);
    const { token, ...owner } = JSON.parse(await readFile(lock.path, "utf8"));
    assert.deepEqual(owner, thisProcess());
    assert.match(token, /^[0-9a-f]{16}$/);
    await lock.release();
    await lock.release();
    assert.deepEqual(await readdir(out), []);
  });

  it("is refused while another process lives, naming its pid, and taken over once that was killed", async () => {
    const out = freshPath();
    const child = holdLock(out);
    assert.equal(await child.line(), "locked");
    const { pid } = child.process;
    await assert.rejects(
      acquireRunLock(out),
      (error) => error instanceof UserError && error.message.includes(`in use by process ${pid}`),
    );
    child.process.kill("SIGKILL");
    await child.ended();
    const lock = await acquireRunLock(out);
    assert.equal(lock.tookOverFrom?.pid, pid);
    assert.deepEqual(await readdir(out), ["lock"]);
    await lock.release();
  });

  it("is refused to the process that holds it already, and free after its release", async () => {
    const out = freshPath();
    const first = await acquireRunLock(out);
    await assert.rejects(acquireRunLock(out), UserError);
    await first.release();
    await (await acquireRunLock(out)).release();
  });

  const plant = async (changes: object) => {
    const out = freshPath();
    await mkdir(out);
    await writeFile(join(out, "lock"), JSON.stringify({ ...thisProcess(), token: "abc0", ...changes }));
    return out;
  };

  it("tells a process from a later one that was given the same pid", async (t) => {
    if (thisProcess().startTicks === null) return t.skip("no /proc: start times are not known here");
    const lock = await acquireRunLock(await plant({ startTicks: "1" }));
    assert.deepEqual(lock.tookOverFrom, { ...thisProcess(), startTicks: "1" });
  });

  it("knows that no process outlives a boot of the machine", async (t) => {
    if (thisProcess().bootId === null) return t.skip("no /proc: boots are not known here");
    const lock = await acquireRunLock(await plant({ bootId: "00000000-0000-0000-0000-000000000000" }));
    assert.notEqual(lock.tookOverFrom, null);
  });

  it("believes the pid alone where nothing more is known", async () => {
    await assert.rejects(acquireRunLock(await plant({ bootId: null, startTicks: null })), UserError);
  });

  it("removes what killed processes were writing in the folder, not what live ones are", async () => {
    const out = await plant({ pid: 2 ** 22 + 1 });
    for (const name of [
      `.tmp-run.json-${2 ** 22 + 1}-0`,
      `.tmp-run.json-${process.pid}-99999`,
      ".tmp-mine",
      "run.json",
    ]) {
      await writeFile(join(out, name), "{}");
    }
    await (await acquireRunLock(out)).release();
    assert.deepEqual((await readdir(out)).toSorted(), [".tmp-mine", `.tmp-run.json-${process.pid}-99999`, "run.json"]);
  });

  it("does not guess about a lock that it cannot read", async () => {
    const out = await plant({});
    await writeFile(join(out, "lock"), "{");
    await assert.rejects(acquireRunLock(out), /delete it if no run is using the folder/);
  });

  it("goes to one alone when many find a dead owner at once", async () => {
    for (let round = 0; round < 20; round++) {
      const out = await plant({ pid: 2 ** 22 + 1 });
      const results = await Promise.allSettled(Array.from({ length: 16 }, () => acquireRunLock(out)));
      const winners = results.filter((result) => result.status === "fulfilled");
      assert.equal(winners.length, 1);
      assert.equal(winners[0]?.value.tookOverFrom?.pid, 2 ** 22 + 1);
      assert((await readdir(out)).includes("lock"));
    }
  });

  it("is passed on when whoever was taking it over died too", async () => {
    const dead = { pid: 2 ** 22 + 1 };
    const out = await plant(dead);
    const claim = (token: string) => JSON.stringify({ ...thisProcess(), ...dead, token });
    await writeFile(join(out, "lock.claim-abc0"), claim("abc1"));
    await writeFile(join(out, "lock.claim-abc1"), claim("abc2"));
    const lock = await acquireRunLock(out);
    assert.equal(lock.tookOverFrom?.pid, dead.pid);
    assert.deepEqual(await readdir(out), ["lock"]);
  });

  it("waits for nobody: it is refused while another process is taking it over", async () => {
    const out = await plant({ pid: 2 ** 22 + 1 });
    await writeFile(join(out, "lock.claim-abc0"), JSON.stringify({ ...thisProcess(), token: "abc1" }));
    await assert.rejects(acquireRunLock(out), new RegExp(`in use by process ${process.pid}`));
  });

  it("goes to one process alone when several start at once", async () => {
    const out = await plant({ pid: 2 ** 22 + 1 });
    const children = Array.from({ length: 4 }, () =>
      runSource(`
        const result = await index.acquireRunLock(${JSON.stringify(out)}).then(() => "locked", (error) => error.message);
        console.log(result);
        setInterval(() => {}, 1_000_000);`),
    );
    const results = await Promise.all(children.map((child) => child.line()));
    for (const child of children) child.process.kill("SIGKILL");
    await Promise.all(children.map((child) => child.ended()));
    assert.equal(results.filter((result) => result === "locked").length, 1, results.join("\n"));
  });

  it("does not release a lock that has become somebody else's", async () => {
    const out = freshPath();
    const lock = await acquireRunLock(out);
    await writeFile(lock.path, JSON.stringify({ ...thisProcess(), token: "abc1" }));
    await lock.release();
    assert.deepEqual(await readdir(out), ["lock"]);
  });

  it("has room for a second role under a name of its own", async () => {
    const out = freshPath();
    const locks = [await acquireRunLock(out), await acquireRunLock(out, { name: "coordinator.lock" })];
    assert.deepEqual((await readdir(out)).toSorted(), ["coordinator.lock", "lock"]);
    for (const lock of locks) await lock.release();
  });
});

describe("isAlive", () => {
  it("says yes of this process and no of one that has ended", async () => {
    assert.equal(isAlive(thisProcess()), true);
    const child = runSource("console.log(JSON.stringify(index.thisProcess()));");
    const identity = JSON.parse(await child.line());
    await child.ended();
    assert.equal(isAlive(identity), false);
  });
});
