import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { UserError } from "@lockstep/errors";
import { formatLogLine } from "./log-line.js";
import { createLogger, parseLogLevel } from "./logger.js";
import { runSource } from "./testing/child-process.js";

function createScreen(isTTY = false): { readonly isTTY: boolean; readonly text: string[]; write(text: string): void } {
  const text: string[] = [];
  return { isTTY, text, write: (line) => void text.push(line) };
}

describe("createLogger", () => {
  let dir = "";
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "lockstep-logger-"));
  });
  after(() => rm(dir, { recursive: true }));

  it("shows warnings to people and keeps information in the file", async () => {
    const stderr = createScreen();
    const file = join(dir, "logs/worker-1.log");
    const log = createLogger({ name: "worker-1", file, stderr });
    log.debug("nobody hears this");
    log.info({ step: 3 }, "lease done");
    log.warn({ slot: 1, reason: "too late" }, "lease lost");

    assert.equal(stderr.text.length, 1);
    assert.match(stderr.text[0] ?? "", /^\d\d:\d\d:\d\d warn {2}worker-1: lease lost slot=1 reason="too late"\n$/);
    const records = (await readFile(file, "utf8"))
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      records.map(({ level, name, pid, msg, step }) => ({ level, name, pid, msg, step })),
      [
        { level: 30, name: "worker-1", pid: process.pid, msg: "lease done", step: 3 },
        { level: 40, name: "worker-1", pid: process.pid, msg: "lease lost", step: undefined },
      ],
    );
  });

  it("puts into the file what stderr shows, where that is more", async () => {
    const file = join(dir, "debug.log");
    const log = createLogger({ name: "x", level: "debug", file, stderr: createScreen() });
    log.debug("seen twice");
    assert.match(await readFile(file, "utf8"), /"msg":"seen twice"/);
  });

  it("can be silent on stderr", () => {
    const stderr = createScreen();
    createLogger({ name: "x", level: "silent", stderr }).fatal("nothing");
    assert.deepEqual(stderr.text, []);
  });

  it("colours the level on a terminal, unless NO_COLOR is set", () => {
    const colourful = createScreen(true);
    createLogger({ name: "x", stderr: colourful, env: {} }).warn("hot");
    assert(colourful.text[0]?.includes("\u001b[33mwarn \u001b[0m"));

    const plain = createScreen(true);
    createLogger({ name: "x", stderr: plain, env: { NO_COLOR: "1" } }).warn("hot");
    assert(!plain.text[0]?.includes("\u001b"));
  });

  it("has every line in the file when the process is killed right after", async () => {
    const file = join(dir, "killed.log");
    const child = runSource(
      `const { createLogger } = await import(process.argv[1]);
       const log = createLogger({ name: "x", level: "silent", file: ${JSON.stringify(file)} });
       for (let i = 0; i < 100; i++) log.info({ i }, "line");
       process.kill(process.pid, "SIGKILL");`,
      { channel: false },
    );
    assert.equal((await child.ended()).signal, "SIGKILL");
    assert.equal((await readFile(file, "utf8")).trimEnd().split("\n").length, 100);
  });

  it("reports once that the file takes no more lines, and goes on", {
    skip: process.platform === "linux" ? false : "needs /dev/full",
  }, () => {
    const written: string[] = [];
    const logger = createLogger({ name: "x", file: "/dev/full", stderr: { write: (text) => written.push(text) } });
    logger.info("first");
    logger.info("second");
    assert.equal(written.length, 1);
    assert.match(written[0] ?? "", /^warning: log file \/dev\/full: lines are lost: ENOSPC/);
  });

  it("refuses a file that cannot be opened as a user's mistake", () => {
    assert.throws(() => createLogger({ name: "x", file: dir }), UserError);
  });
});

describe("parseLogLevel", () => {
  it("knows pino's levels and silent", () => {
    assert.equal(parseLogLevel("silent"), "silent");
    assert.equal(parseLogLevel("debug"), "debug");
  });

  it("lists the levels when it is given another word", () => {
    assert.throws(
      () => parseLogLevel("loud"),
      /--log-level "loud": must be one of trace, debug, info, warn, error, fatal, silent/,
    );
    assert.throws(() => parseLogLevel("WARN"), UserError);
  });
});

describe("formatLogLine", () => {
  const record = { level: 30, time: new Date(2024, 0, 2, 12, 1, 3).getTime(), pid: 1, name: "coordinator" };
  const format = (fields: object) => formatLogLine(JSON.stringify({ ...record, ...fields }), { color: false });

  it("shows local time, level, name, message and fields", () => {
    assert.equal(
      format({ msg: "checkpoint written", step: 100, path: "runs/x", note: "a b", list: [1, 2] }),
      '12:01:03 info  coordinator: checkpoint written step=100 path=runs/x note="a b" list=[1,2]\n',
    );
  });

  it("keeps an error on the line, its stack off it", () => {
    const line = format({
      level: 50,
      msg: "lost",
      err: { type: "Error", message: "boom at once", stack: "Error: boom\n  at x" },
    });
    assert.equal(line, '12:01:03 error coordinator: lost error="boom at once"\n');
  });

  it("escapes what would control the terminal, in every field", () => {
    const evil = "\u001b[2J";
    assert.equal(
      format({ msg: `refused ${evil}\u009b`, host: `a${evil}`, note: `b c${evil}`, err: { message: `d${evil}` } }),
      '12:01:03 info  coordinator: refused \\u{1b}[2J\\u{9b} host=a\\u{1b}[2J note="b c\\u001b[2J" error=d\\u{1b}[2J\n',
    );
  });

  it("adds the stack of a fatal error", () => {
    const line = format({ level: 60, msg: "bug", err: { message: "boom", stack: "Error: boom\n  at x" } });
    assert.equal(line, "12:01:03 fatal coordinator: bug error=boom\nError: boom\n  at x\n");
  });

  it("keeps a message of several lines on one line", () => {
    assert.equal(format({ msg: "a\n  b" }), "12:01:03 info  coordinator: a b\n");
  });
});
