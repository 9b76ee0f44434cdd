import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "@lockstep/errors";
import { acquireLock, readLockHolder } from "./lock-file.js";
import { identifyProcess, livenessOf, thisProcess } from "./process-identity.js";
import { runChild } from "./testing/child-process.js";
import { failCalls } from "./testing/failing-calls.js";
import { temporaryFolder } from "./testing/temporary-folder.js";

const deadPid = 2 ** 22 + 1;
const inContainer = { pidSpace: "c0ffee00c0ffee00", host: "pod-1" };
const quick = { renewMs: 50, staleMs: 500 };

const textOf = (changes: object) =>
  `${JSON.stringify({ ...thisProcess(), host: "here", token: "abc0", renewals: "0000000000", ...changes })}\n`;

/** Writes a lock as another process would leave it. @returns its path */
async function plant(context: TestContext, changes: object): Promise<string> {
  const path = join(await temporaryFolder(context), "lock");
  await writeFile(path, textOf(changes));
  return path;
}

test("acquireLock creates the folder and writes the holder's identity; release removes the lock", async (context) => {
  const out = join(await temporaryFolder(context), "a", "b");
  const lock = await acquireLock(join(out, "lock"));
  assert.equal(lock.tookOverFrom, null);
  assert.deepEqual(await readdir(out), ["lock"]);
  const { token, host, renewals, ...holder } = JSON.parse(await readFile(lock.path, "utf8"));
  assert.deepEqual(holder, thisProcess());
  assert.match(token, /^[0-9a-f]{16}$/);
  await lock.release();
  await lock.release();
  assert.deepEqual(await readdir(out), []);
});

test("a lock is refused while its holder runs, and is taken over at once when the holder was killed", async (context) => {
  const path = join(await temporaryFolder(context), "lock");
  const child = runChild(`
    await files.acquireLock(${JSON.stringify(path)});
    console.log("locked");
    setInterval(() => {}, 1_000_000);`);
  assert.equal(await child.line(), "locked");
  await assert.rejects(
    acquireLock(path),
    (error) => error instanceof UserError && error.message.includes(`in use by process ${child.pid} (`),
  );
  await child.kill();
  const onWait = context.mock.fn();
  const lock = await acquireLock(path, { onWait });
  assert.equal(lock.tookOverFrom?.pid, child.pid);
  assert.equal(onWait.mock.callCount(), 0);
  assert.deepEqual(await readdir(join(path, "..")), ["lock"]);
  await lock.release();
});

test("a process cannot take a lock twice; after release it can", async (context) => {
  const path = join(await temporaryFolder(context), "lock");
  const first = await acquireLock(path);
  await assert.rejects(acquireLock(path), UserError);
  await first.release();
  await (await acquireLock(path)).release();
});

test("a lock whose pid belongs to a newer process is taken over", async (context) => {
  const lock = await acquireLock(await plant(context, { startTicks: "1" }));
  assert.deepEqual(lock.tookOverFrom, { ...thisProcess(), startTicks: "1" });
  await lock.release();
});

test("a lock of another container is refused while it is renewed, although no process here has its pid", async (context) => {
  const holder = { ...inContainer, pid: deadPid };
  const path = await plant(context, holder);
  let renewals = 0;
  const renewing = setInterval(() => {
    writeFileSync(path, textOf({ ...holder, renewals: String(++renewals).padStart(10, "0") }));
  }, 50);
  context.after(() => clearInterval(renewing));
  await assert.rejects(acquireLock(path, { times: quick }), (error) => {
    assert.ok(error instanceof UserError);
    assert.match(error.message, new RegExp(`in use by process ${deadPid} on host pod-1 \\(`));
    return true;
  });
});

test("a holder renews its lock until it releases the lock", async (context) => {
  const path = join(await temporaryFolder(context), "lock");
  const lock = await acquireLock(path, { times: quick });
  const first = JSON.parse(await readFile(path, "utf8"));
  for (let now = first; now.renewals === first.renewals; now = JSON.parse(await readFile(path, "utf8"))) {
    assert.deepEqual({ ...now, renewals: "" }, { ...first, renewals: "" });
    await delay(10);
  }
  await lock.release();
  await delay(120);
  assert.deepEqual(await readdir(join(path, "..")), []);
});

test("a lock of another container is taken over when nobody renews it, whatever this clock shows", async (context) => {
  const path = await plant(context, { ...inContainer, pid: process.pid });
  const waits: string[] = [];
  context.mock.method(Date, "now", () => 0);
  const started = performance.now();
  const lock = await acquireLock(path, { times: quick, onWait: (message) => waits.push(message) });
  assert.ok(performance.now() - started > 400, "it was taken over before it was stale");
  assert.equal(lock.tookOverFrom?.pid, process.pid);
  assert.match(waits.join(), /^waiting up to 1 s to see whether the lock of process \d+ on host pod-1 is still in use/);
  await lock.release();
});

test("an old lock of another boot is taken over after one and a half renewal periods", async (context) => {
  const path = await plant(context, inContainer);
  await utimes(path, 1, 1);
  const times = { renewMs: 50, staleMs: 600_000 };
  await (await acquireLock(path, { times })).release();
});

test("waiting for a lock of another container ends when the signal is aborted", async (context) => {
  const path = await plant(context, inContainer);
  await assert.rejects(acquireLock(path, { signal: AbortSignal.timeout(50) }), { name: "AbortError" });
});

test("onLost is called once when another process has taken the lock over", async (context) => {
  const path = join(await temporaryFolder(context), "lock");
  const losses: Error[] = [];
  await acquireLock(path, { times: quick, onLost: (error) => losses.push(error) });
  writeFileSync(path, textOf({ token: "abc1" }));
  while (losses.length === 0) await delay(5);
  await delay(120);
  assert.equal(losses.length, 1);
  assert.match(losses.join(), /lock: another process has taken the lock over/);
});

test("acquireLock removes the temporary files of dead processes and keeps those of live ones", async (context) => {
  const path = await plant(context, { pid: deadPid });
  const out = join(path, "..");
  const name = ({ pid, startTicks, pidSpace }: ReturnType<typeof thisProcess>) =>
    `.tmp-run.json-${pid}-${startTicks}-${pidSpace}-0123456789abcdef`;
  const [dead, live] = [name({ ...thisProcess(), pid: deadPid }), name(thisProcess())];
  for (const file of [dead, live, ".tmp-mine", "run.json"]) await writeFile(join(out, file), "{}");
  await (await acquireLock(path)).release();
  assert.deepEqual((await readdir(out)).sort(), [".tmp-mine", live, "run.json"].sort());
});

test("a file that is not a lock is reported and kept", async (context) => {
  const path = await plant(context, {});
  for (const text of ["{", "hello", '{"pid":1}']) {
    await writeFile(path, text);
    await assert.rejects(
      acquireLock(path),
      /lock: is not a lock file of Lockstep; delete it if no process is using the folder/,
    );
  }
});

test("an unfinished lock of a killed process is taken over", async (context) => {
  const path = await plant(context, {});
  for (const text of ["", "\0\0\0", textOf({}).slice(0, 30)]) {
    await writeFile(path, text);
    const lock = await acquireLock(path, { times: quick });
    assert.equal(lock.tookOverFrom, null);
    await lock.release();
  }
});

test("when many callers find a dead holder at once, exactly one takes the lock", async (context) => {
  for (let round = 0; round < 20; round++) {
    const path = await plant(context, { pid: deadPid });
    const results = await Promise.allSettled(Array.from({ length: 16 }, () => acquireLock(path)));
    const winners = results.filter((result) => result.status === "fulfilled");
    assert.equal(winners.length, 1);
    assert.equal(winners[0]?.value.tookOverFrom?.pid, deadPid);
    assert.ok((await readdir(join(path, ".."))).includes("lock"));
    await winners[0]?.value.release();
  }
});

test("when many callers find an abandoned lock of another container, exactly one takes it", async (context) => {
  const path = await plant(context, inContainer);
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => acquireLock(path, { times: quick })));
  const winners = results.filter((result) => result.status === "fulfilled");
  assert.equal(winners.length, 1, JSON.stringify(results));
  await winners[0]?.value.release();
});

test("a lock is taken over when the processes that were taking it over have died too", async (context) => {
  const path = await plant(context, { pid: deadPid });
  await writeFile(`${path}.claim-abc0`, textOf({ pid: deadPid, token: "abc1" }));
  await writeFile(`${path}.claim-abc1`, textOf({ pid: deadPid, token: "abc2" }));
  const lock = await acquireLock(path);
  assert.equal(lock.tookOverFrom?.pid, deadPid);
  assert.deepEqual(await readdir(join(path, "..")), ["lock"]);
  await lock.release();
});

test("a lock is refused while another live process is taking it over", async (context) => {
  const path = await plant(context, { pid: deadPid });
  await writeFile(`${path}.claim-abc0`, textOf({ token: "abc1" }));
  await assert.rejects(acquireLock(path), new RegExp(`in use by process ${process.pid}`));
});

test("when several processes start at once, exactly one takes the lock", async (context) => {
  const path = await plant(context, { pid: deadPid });
  const children = Array.from({ length: 4 }, () =>
    runChild(`
      const result = await files.acquireLock(${JSON.stringify(path)}).then(() => "locked", (error) => error.message);
      console.log(result);
      setInterval(() => {}, 1_000_000);`),
  );
  const results = await Promise.all(children.map((child) => child.line()));
  await Promise.all(children.map((child) => child.kill()));
  assert.equal(results.filter((result) => result === "locked").length, 1, results.join("\n"));
});

test("release leaves a lock alone that belongs to another process by now", async (context) => {
  const path = join(await temporaryFolder(context), "lock");
  const lock = await acquireLock(path);
  await writeFile(path, textOf({ token: "abc1" }));
  await lock.release();
  assert.deepEqual(await readdir(join(path, "..")), ["lock"]);
});

test("locks work on a file system without hard links", async (context) => {
  failCalls(context, "link", { code: "ENOTSUP" });
  const path = await plant(context, { pid: deadPid });
  const lock = await acquireLock(path);
  await assert.rejects(acquireLock(path), /in use by/);
  await lock.release();
});

test("readLockHolder reads the holder without taking the lock", async (context) => {
  const holder = { pid: process.pid, host: "pod-1" };
  for (const [changes, expected] of [
    [{ host: "pod-1" }, holder],
    [{ startTicks: "1" }, null],
    [{ ...inContainer }, holder],
  ] as const) {
    assert.deepEqual(await readLockHolder(await plant(context, changes)), expected);
  }
  const path = await plant(context, inContainer);
  await utimes(path, 1, 1);
  assert.equal(await readLockHolder(path), null);
  assert.equal(await readLockHolder(`${path}-absent`), null);
});

test("livenessOf reports this process as alive and an ended one as dead", async () => {
  assert.equal(livenessOf(thisProcess()), "alive");
  const child = runChild("console.log(JSON.stringify(files.thisProcess())); setInterval(() => {}, 1_000_000);");
  const identity = JSON.parse(await child.line());
  assert.deepEqual(identifyProcess(identity.pid), identity);
  assert.equal(livenessOf(identity), "alive");
  await child.kill();
  assert.equal(livenessOf(identity), "dead");
});

test("livenessOf reports a process of another pid space as unknown", () => {
  for (const pid of [process.pid, deadPid]) {
    assert.equal(livenessOf({ ...thisProcess(), pid, pidSpace: inContainer.pidSpace }), "unknown");
    assert.equal(livenessOf({ pid, startTicks: null, pidSpace: null }), "unknown");
  }
});
