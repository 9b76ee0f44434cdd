// acquireSetupLock: lets only one set-up run in this clone at a time, by a lock file that names the process that holds
// it. The lock of a process that has ended is taken over.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Waits for the lock.
 * @param print called once with a line if another process holds the lock
 * @returns the function that releases the lock
 */
export async function acquireSetupLock(file, print) {
  mkdirSync(dirname(file), { recursive: true });
  const content = JSON.stringify({ pid: process.pid, startTime: startTimeOf(process.pid) });
  let reported = false;
  for (;;) {
    try {
      writeFileSync(file, content, { flag: "wx" });
      const release = () => rmSync(file, { force: true });
      process.once("exit", release);
      return () => {
        process.removeListener("exit", release);
        release();
      };
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    const found = readLock(file);
    if (found !== null && !isAlive(found)) {
      removeStaleLock(file, found);
      continue;
    }
    if (!reported && found !== null) print(`waiting for another set-up in this clone (process ${found.owner.pid})`);
    reported = true;
    await sleep(200);
  }
}

function readLock(file) {
  try {
    const text = readFileSync(file, "utf8");
    return { text, owner: JSON.parse(text) };
  } catch {
    return null; // it was released, or is being written
  }
}

function isAlive({ owner }) {
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if (error.code === "ESRCH") return false;
  }
  return owner.startTime === startTimeOf(owner.pid);
}

/** Moves the lock of an ended process aside. If it has become the lock of another process meanwhile, moves it back. */
function removeStaleLock(file, stale) {
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
    if (readFileSync(aside, "utf8") === stale.text) rmSync(aside);
    else renameSync(aside, file);
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
}

/**
 * Start of the process in ticks since boot, which distinguishes processes with the same reused pid; null if not Linux.
 */
function startTimeOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}
