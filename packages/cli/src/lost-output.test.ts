import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { describe, it } from "node:test";

const [output, service] = [new URL("./lost-output.js", import.meta.url).href, import.meta.resolve("@lockstep/service")];

/** A process that writes to stdout for ever, until SIGTERM where it handles a stop. */
function start(handlesStop: boolean, stdout: "pipe" | number, stderr: "pipe" | number = "pipe") {
  const source = `
    import { handleLostOutput } from "${output}";
    import { createShutdown } from "${service}";
    handleLostOutput(process);
    const writing = setInterval(() => { process.stdout.write("line\\n"); process.stderr.write("note\\n"); }, 5);
    if (${handlesStop}) {
      const log = { info() {}, warn() {} };
      createShutdown({ log }).signal.addEventListener("abort", () => { clearInterval(writing); process.exitCode = 7; });
    }`;
  return spawn(process.execPath, ["--input-type=module", "-e", source], { stdio: ["ignore", stdout, stderr] });
}

describe("handleLostOutput", () => {
  it("ends a command whose reader has left, without an error", async () => {
    const child = start(false, "pipe");
    await once(child.stdout ?? assert.fail(), "data");
    child.stdout?.destroy();
    let errors = "";
    child.stderr?.on("data", (bytes) => {
      errors += bytes;
    });
    assert.deepEqual(await once(child, "close"), [0, null]);
    assert.match(errors, /^(note\n)*$/);
  });

  it("lets a command that has work to put in order go on without output, until it is stopped", async () => {
    const child = start(true, "pipe");
    await once(child.stdout ?? assert.fail(), "data");
    child.stdout?.destroy();
    const notes = child.stderr ?? assert.fail();
    for (let count = 0; count < 10; count++) await once(notes, "data");
    notes.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(child.exitCode, null);
    child.kill("SIGTERM");
    assert.deepEqual(await once(child, "close"), [7, null]);
  });

  it("reports a full disk behind stdout in one line, and ignores one behind stderr", {
    skip: process.platform === "linux" ? false : "needs /dev/full",
  }, async () => {
    const full = openSync("/dev/full", "w");
    const child = start(true, full, "pipe");
    const notes = child.stderr ?? assert.fail();
    let text = "";
    notes.on("data", (bytes) => {
      text += bytes;
    });
    while (!text.includes("note")) await once(notes, "data");
    child.kill("SIGTERM");
    await once(child, "close");
    assert.match(text, /^lockstep: cannot write to standard output: ENOSPC: no space left on device, write$/m);
    assert.equal(text.split("standard output").length, 2);

    const unheard = start(true, "pipe", full);
    await once(unheard.stdout ?? assert.fail(), "data");
    unheard.stdout?.resume();
    unheard.kill("SIGTERM");
    assert.deepEqual(await once(unheard, "close"), [7, null]);
  });
});
