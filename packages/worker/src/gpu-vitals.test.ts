import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { parseGpuLine, watchGpus } from "./gpu-vitals.js";

let folder = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "lockstep-gpu-"));
});
after(() => rm(folder, { recursive: true, force: true }));

/** A script in nvidia-smi's place, which also notes how it was called. */
async function fakeNvidiaSmi(name: string, script: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `#!/bin/sh\necho "$@" > "${path}.called"\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

function recordingLog() {
  const warnings: string[] = [];
  return { warnings, warn: (_: object, message: string) => void warnings.push(message) };
}

async function until(isSo: () => boolean): Promise<void> {
  const giveUpMs = performance.now() + 10_000;
  while (!isSo()) {
    assert.ok(performance.now() < giveUpMs, "waited too long");
    await pause(10);
  }
}

test("a line gives utilisation as a share and memory in bytes", () => {
  assert.deepEqual(parseGpuLine("0, 37, 1024, 81559"), {
    index: 0,
    utilization: 0.37,
    memoryUsedBytes: 1024 * 1024 * 1024,
    memoryTotalBytes: 81559 * 1024 * 1024,
  });
  assert.equal(parseGpuLine("3, [N/A], 1, 2").utilization, undefined);
});

for (const line of ["", "0, 37, 1024", "0, 101, 1, 2", "0, -1, 1, 2", "0, 37 %, 1, 2", "No devices were found"]) {
  test(`the line ${JSON.stringify(line)} is not guessed at`, () => {
    assert.throws(() => parseGpuLine(line), /is not understood/);
  });
}

test("the newest sample of each GPU is told, as long as nvidia-smi runs", async () => {
  const command = await fakeNvidiaSmi("steady", "echo '1, 5, 10, 100'; echo '0, 50, 20, 100'; exec sleep 60");
  const log = recordingLog();
  const watch = watchGpus({ log, command, visible: "0,1" });
  try {
    await until(() => watch.current().length === 2);
    assert.deepEqual(
      watch.current().map(({ index, utilization }) => [index, utilization]),
      [
        [0, 0.5],
        [1, 0.05],
      ],
    );
    assert.deepEqual(log.warnings, []);
  } finally {
    watch.stop();
  }
  assert.deepEqual(watch.current(), []);
});

for (const [name, script, warning] of [
  ["odd", "echo '0, 50, 20, 100'; echo 'Unable to determine the device handle'; exec sleep 60", /is not understood/],
  ["short", "echo '0, 50, 20, 100'; exit 9", /ended \(exit code 9\)/],
] as const) {
  test(`no old figures stay, and one warning is written: ${name}`, async () => {
    const log = recordingLog();
    const watch = watchGpus({ log, command: await fakeNvidiaSmi(name, script) });
    await until(() => log.warnings.length > 0);
    assert.match(log.warnings.join("\n"), warning);
    assert.equal(log.warnings.length, 1);
    assert.deepEqual(watch.current(), []);
    watch.stop();
  });
}

test("a machine without nvidia-smi gets one warning", async () => {
  const log = recordingLog();
  const watch = watchGpus({ log, command: join(folder, "absent") });
  await until(() => log.warnings.length > 0);
  assert.match(log.warnings[0] ?? "", /cannot be run/);
  watch.stop();
});

test("a machine without file descriptors to spare gets one warning, and the worker goes on", async () => {
  const program = `
    import { openSync, writeSync } from "node:fs";
    import { watchGpus } from ${JSON.stringify(new URL("gpu-vitals.js", import.meta.url).href)};
    try { for (;;) openSync("/dev/null"); } catch {}
    const watch = watchGpus({ log: { warn: (_, message) => writeSync(1, message + "\\n") }, command: "sleep" });
    setImmediate(() => { watch.stop(); writeSync(1, watch.current().length + " GPUs\\n"); });
  `;
  // Of its own process group: a signal to a process that never was may reach all of it.
  const child = spawn(
    "sh",
    ["-c", 'ulimit -n 256 && exec "$@"', "sh", process.execPath, "--input-type=module", "-e", program],
    {
      detached: true,
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const [said, [code, signal]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  assert.deepEqual([code, signal], [0, null]);
  assert.match(said, /^no figures of the GPU from here on: sleep cannot be run: .*EMFILE.*\n0 GPUs\n$/);
});

for (const [visible, which] of [
  ["1,3", " --id=1,3"],
  ["", ""],
  [undefined, ""],
] as const) {
  test(`CUDA_VISIBLE_DEVICES ${JSON.stringify(visible)} asks for ${which === "" ? "every GPU" : "these GPUs"}`, async () => {
    const name = `visible-${visible ?? "undefined"}`;
    const command = await fakeNvidiaSmi(name, "echo '0, 50, 20, 100'; exec sleep 60");
    const watch = watchGpus({ log: recordingLog(), command, visible });
    try {
      await until(() => watch.current().length === 1);
      assert.equal(
        await readFile(`${command}.called`, "utf8"),
        `--query-gpu=index,utilization.gpu,memory.used,memory.total --format=csv,noheader,nounits --loop-ms=2000${which}\n`,
      );
    } finally {
      watch.stop();
    }
  });
}
