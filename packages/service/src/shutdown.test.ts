import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { describe, it } from "node:test";
import type { LauncherChannel } from "./launcher-channel.js";
import { createShutdown, type Shutdown, type ShutdownHost, StopRequested } from "./shutdown.js";
import { runSource } from "./testing/child-process.js";
import { createRecordingLog } from "./testing/recording-log.js";

class FakeHost extends EventEmitter implements ShutdownHost {
  ignoresHangUp = false;
  time = 1_000;
  readonly exits: number[] = [];
  exit(code: number): void {
    this.exits.push(code);
  }
  nowMs(): number {
    return this.time;
  }
}

function start(): { host: FakeHost; shutdown: Shutdown; reasons: string[] } {
  const host = new FakeHost();
  const reasons: string[] = [];
  const shutdown = createShutdown({ log: createRecordingLog(), host, onFirst: (reason) => void reasons.push(reason) });
  return { host, shutdown, reasons };
}

describe("createShutdown", () => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"]) {
    it(`aborts on the first ${signal} with its name as the reason, and goes on`, () => {
      const { host, shutdown, reasons } = start();
      assert.equal(shutdown.signal.aborted, false);
      host.emit(signal);
      assert(shutdown.signal.reason instanceof StopRequested);
      assert.equal(shutdown.signal.reason.message, signal);
      assert.deepEqual(reasons, [signal]);
      assert.deepEqual(host.exits, []);
    });
  }

  it("exits with 130 on the second signal", () => {
    const { host, reasons } = start();
    host.emit("SIGINT");
    host.time += 301;
    host.emit("SIGTERM");
    assert.deepEqual(host.exits, [130]);
    assert.deepEqual(reasons, ["SIGINT"]);
  });

  it("takes two signals at once for one key press, as a package runner forwards Ctrl-C", () => {
    const { host } = start();
    host.emit("SIGINT");
    host.time += 300;
    host.emit("SIGINT");
    assert.deepEqual(host.exits, []);
  });

  it("does not count SIGHUP as a second signal: a terminal that closes may send it twice, and after Ctrl-C", () => {
    for (const first of ["SIGHUP", "SIGINT"]) {
      const { host, reasons } = start();
      host.emit(first);
      host.time += 10_000;
      host.emit("SIGHUP");
      assert.deepEqual([host.exits, reasons], [[], [first]]);
    }
  });

  it("goes on at SIGHUP where the process was started to outlive its terminal", () => {
    const { host, shutdown } = start();
    host.ignoresHangUp = true;
    host.emit("SIGHUP");
    assert.equal(shutdown.signal.aborted, false);
    host.emit("SIGTERM");
    assert.equal(shutdown.signal.aborted, true);
  });

  it("does not count a request from within as a signal: one Ctrl-C after it does not cut the stop short", () => {
    const { host, shutdown, reasons } = start();
    shutdown.request("max steps");
    host.time += 10_000;
    host.emit("SIGINT");
    assert.deepEqual(host.exits, []);
    assert.deepEqual(reasons, ["max steps"]);
    assert.equal(shutdown.signal.reason.message, "max steps");
  });

  it("leaves the signals of the terminal to the launcher, where there is one, and stops when the launcher asks", () => {
    const host = new FakeHost();
    const launcher = new EventEmitter();
    const channel: LauncherChannel = {
      onStop: (listener) => void launcher.on("stop", listener),
      onGone: (listener) => void launcher.on("gone", listener),
    };
    const shutdown = createShutdown({ log: createRecordingLog(), host, launcher: channel });
    for (const signal of ["SIGINT", "SIGINT", "SIGQUIT", "SIGHUP"]) {
      host.emit(signal);
      host.time += 10_000;
    }
    assert.equal(shutdown.signal.aborted, false);
    assert.deepEqual(host.exits, []);
    launcher.emit("stop", "the run is over");
    assert.equal(shutdown.signal.reason.message, "the run is over");
  });

  it("removes its listeners when it is disposed", () => {
    const { host, shutdown } = start();
    shutdown.dispose();
    assert.deepEqual(host.eventNames(), []);
  });
});

describe("a process with a shutdown", () => {
  const source = `
    const { createShutdown, createLogger } = await import(process.argv[1]);
    const shutdown = createShutdown({ log: createLogger({ name: "child", level: "silent" }) });
    const alive = setInterval(() => {}, 1_000_000);
    shutdown.signal.addEventListener("abort", () => {
      console.log("stopping: " + shutdown.signal.reason.message);
      if (process.argv[2] !== "stubborn") clearInterval(alive);
    });
    console.log("ready");`;

  it("ends by itself after the first signal", async () => {
    const child = runSource(source, { channel: false });
    assert.equal(await child.line(), "ready");
    child.process.kill("SIGTERM");
    assert.equal(await child.line(), "stopping: SIGTERM");
    assert.deepEqual(await child.ended(), { code: 0, signal: null });
  });

  it("leaves at once with 130 when it is told again, though its work goes on", async () => {
    const child = runSource(source.replace('process.argv[2] !== "stubborn"', "false"), { channel: false });
    assert.equal(await child.line(), "ready");
    child.process.kill("SIGINT");
    assert.equal(await child.line(), "stopping: SIGINT");
    const pressing = setInterval(() => child.process.kill("SIGINT"), 20);
    const ended = await child.ended();
    clearInterval(pressing);
    assert.deepEqual(ended, { code: 130, signal: null });
  });
});
