// Owns that only one set-up runs in this clone at a time: a lock file that names its owner. A lock whose owner has died
// is taken over.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

/** Waits for the lock; say: told once when somebody else has it. Returns what gives it back. */
export async function acquireSetupLock(file, say) {
  mkdirSync(dirname(file), { recursive: true });
  const content = JSON.stringify({ pid: process.pid, startTime: startTimeOf(process.pid) });
  let told = false;
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
      takeAway(file, found);
      continue;
    }
    if (!told && found !== null) say(`waiting for another set-up in this clone (process ${found.owner.pid})`);
    told = true;
    await sleep(200);
  }
}

function readLock(file) {
  try {
    const text = readFileSync(file, "utf8");
    return { text, owner: JSON.parse(text) };
  } catch {
    return null; // gone, or being written in this moment
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

/** Moves the dead owner's lock aside; should it be a new owner's by now, puts it back. */
function takeAway(file, dead) {
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
    if (readFileSync(aside, "utf8") === dead.text) rmSync(aside);
    else renameSync(aside, file);
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
}

/** Ticks since boot at which the process started, so that a reused pid is not taken for the owner; null off Linux. */
function startTimeOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}
