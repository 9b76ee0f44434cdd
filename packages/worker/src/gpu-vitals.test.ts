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

/** A script that replaces nvidia-smi and writes its arguments into a file. */
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

async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 10_000;
  while (!condition()) {
    assert.ok(performance.now() < deadlineMs, "waited too long");
    await pause(10);
  }
}

test("a line is parsed to utilisation between 0 and 1 and memory in bytes", () => {
  assert.deepEqual(parseGpuLine("0, 37, 1024, 81559"), {
    index: 0,
    utilization: 0.37,
    memoryUsedBytes: 1024 * 1024 * 1024,
    memoryTotalBytes: 81559 * 1024 * 1024,
  });
  assert.equal(parseGpuLine("3, [N/A], 1, 2").utilization, undefined);
});

for (const line of ["", "0, 37, 1024", "0, 101, 1, 2", "0, -1, 1, 2", "0, 37 %, 1, 2", "No devices were found"]) {
  test(`the line ${JSON.stringify(line)} is refused`, () => {
    assert.throws(() => parseGpuLine(line), /cannot parse the line/);
  });
}

test("the newest sample of each GPU is returned while nvidia-smi runs", async () => {
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
  [
    "odd",
    "echo '0, 50, 20, 100'; echo 'Unable to determine the device handle'; exec sleep 60",
    /cannot parse the line/,
  ],
  ["short", "echo '0, 50, 20, 100'; exit 9", /ended \(exit code 9\)/],
] as const) {
  test(`old samples are removed and one warning is logged when nvidia-smi fails: ${name}`, async () => {
    const log = recordingLog();
    const watch = watchGpus({ log, command: await fakeNvidiaSmi(name, script) });
    await until(() => log.warnings.length > 0);
    assert.match(log.warnings.join("\n"), warning);
    assert.equal(log.warnings.length, 1);
    assert.deepEqual(watch.current(), []);
    watch.stop();
  });
}

test("one warning is logged on a machine without nvidia-smi", async () => {
  const log = recordingLog();
  const watch = watchGpus({ log, command: join(folder, "absent") });
  await until(() => log.warnings.length > 0);
  assert.match(log.warnings[0] ?? "", /cannot be run/);
  watch.stop();
});

test("one warning is logged when no file descriptor is left, and the worker goes on", async () => {
  const program = `
    import { openSync, writeSync } from "node:fs";
    import { watchGpus } from ${JSON.stringify(new URL("gpu-vitals.js", import.meta.url).href)};
    try { for (;;) openSync("/dev/null"); } catch {}
    const watch = watchGpus({ log: { warn: (_, message) => writeSync(1, message + "\\n") }, command: "sleep" });
    setImmediate(() => { watch.stop(); writeSync(1, watch.current().length + " GPUs\\n"); });
  `;
  // It gets a process group of its own: a signal to a process that was never started may reach the whole group.
  const child = spawn(
    "sh",
    ["-c", 'ulimit -n 256 && exec "$@"', "sh", process.execPath, "--input-type=module", "-e", program],
    {
      detached: true,
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const [output, [code, signal]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  assert.deepEqual([code, signal], [0, null]);
  assert.match(
    output,
    /^GPU utilisation and memory are not reported any more: sleep cannot be run: .*EMFILE.*\n0 GPUs\n$/,
  );
});

for (const [visible, idArgs] of [
  ["1,3", " --id=1,3"],
  ["", ""],
  [undefined, ""],
] as const) {
  test(`CUDA_VISIBLE_DEVICES ${JSON.stringify(visible)} queries ${idArgs === "" ? "all GPUs" : "these GPUs"}`, async () => {
    const name = `visible-${visible ?? "undefined"}`;
    const command = await fakeNvidiaSmi(name, "echo '0, 50, 20, 100'; exec sleep 60");
    const watch = watchGpus({ log: recordingLog(), command, visible });
    try {
      await until(() => watch.current().length === 1);
      assert.equal(
        await readFile(`${command}.called`, "utf8"),
        `--query-gpu=index,utilization.gpu,memory.used,memory.total --format=csv,noheader,nounits --loop-ms=2000${idArgs}\n`,
      );
    } finally {
      watch.stop();
    }
  });
}
