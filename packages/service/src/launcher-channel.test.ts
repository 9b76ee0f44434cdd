import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import { launcherChannel, sendStop } from "./launcher-channel.js";
import { runSource } from "./testing/child-process.js";

const source = `
  const { createShutdown, createLogger, launcherChannel } = await import(process.argv[1]);
  const launcher = launcherChannel();
  const shutdown = createShutdown({ log: createLogger({ name: "child", level: "silent" }), launcher });
  const alive = setInterval(() => {}, 1_000_000);
  shutdown.signal.addEventListener("abort", () => {
    console.log("stopping: " + shutdown.signal.reason.message);
    clearInterval(alive);
  });
  console.log(launcher === null ? "alone" : "launched");`;

describe("launcherChannel", () => {
  it("receives the launcher's request to stop, with its reason", async () => {
    const child = runSource(source, { channel: true });
    assert.equal(await child.line(), "launched");
    assert.equal(sendStop(child.process, "the run is over"), true);
    assert.equal(await child.line(), "stopping: the run is over");
    assert.deepEqual(await child.ended(), { code: 0, signal: null });
    assert.equal(sendStop(child.process, "again"), false);
  });

  it("stops when the launcher closes the channel", async () => {
    const child = runSource(source, { channel: true });
    assert.equal(await child.line(), "launched");
    child.process.disconnect();
    assert.equal(await child.line(), "stopping: the launcher has gone");
    assert.deepEqual(await child.ended(), { code: 0, signal: null });
  });

  it("stops when the launcher is killed: no process is orphaned", async () => {
    const launcher = runSource(
      `import { spawn } from "node:child_process";
       const child = spawn(process.execPath, ["--input-type=module", "-e", ${JSON.stringify(source)}, process.argv[1]],
         { stdio: ["ignore", "inherit", "inherit", "ipc"] });
       console.log(child.pid);`,
      { channel: false },
    );
    const pid = Number(await launcher.line());
    assert(pid > 0);
    assert.equal(await launcher.line(), "launched");
    launcher.process.kill("SIGKILL");
    assert.equal((await launcher.ended()).signal, "SIGKILL");
    assert.equal(await launcher.line(), "stopping: the launcher has gone");
  });

  it("lets a process end whose work is done", async () => {
    const child = runSource(`const { launcherChannel } = await import(process.argv[1]); launcherChannel();`, {
      channel: true,
    });
    assert.deepEqual(await child.ended(), { code: 0, signal: null });
  });

  it("calls a listener that is added late", async () => {
    const child = runSource(
      `const { launcherChannel } = await import(process.argv[1]);
       const launcher = launcherChannel();
       const alive = setInterval(() => {}, 1_000_000);
       process.once("message", () => setImmediate(() => launcher.onStop((reason) => { console.log(reason); clearInterval(alive); })));
       console.log("ready");`,
      { channel: true },
    );
    assert.equal(await child.line(), "ready");
    sendStop(child.process, "early");
    assert.equal(await child.line(), "early");
  });

  it("throws for a message of another form", async () => {
    const child = runSource(
      `const { launcherChannel } = await import(process.argv[1]);
       launcherChannel();
       process.on("uncaughtException", (error) => { console.log(error.name); process.exit(1); });
       setInterval(() => {}, 1_000_000);
       console.log("ready");`,
      { channel: true },
    );
    assert.equal(await child.line(), "ready");
    child.process.send({ type: "dance" });
    assert.match(await child.line(), /ZodError/);
    assert.equal((await child.ended()).code, 1);
  });

  it("is null in a process that was started by hand", async () => {
    const child = runSource(source, { channel: false });
    assert.equal(await child.line(), "alone");
    child.process.kill("SIGTERM");
    await once(child.process, "exit");
    if (process.send === undefined) assert.equal(launcherChannel(), null);
  });
});
