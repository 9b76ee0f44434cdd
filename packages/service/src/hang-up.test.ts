import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ignoresHangUp } from "./hang-up.js";

const none = { startedBy: "/usr/bin/node", parentStatus: "Name:\tbash\nSigIgn:\t0000000000384004\n", stdinInfo: null };

describe("ignoresHangUp", () => {
  it("is false for an ordinary start, and where nothing can be read", () => {
    assert.equal(ignoresHangUp(none), false);
    assert.equal(ignoresHangUp({ startedBy: undefined, parentStatus: null, stdinInfo: null }), false);
  });

  it("is true after nohup, by what the shell notes in the environment", () => {
    assert.equal(ignoresHangUp({ ...none, startedBy: "/usr/bin/nohup" }), true);
    assert.equal(ignoresHangUp({ ...none, startedBy: "nohup" }), true);
    assert.equal(ignoresHangUp({ ...none, startedBy: "/home/me/not-nohup" }), false);
  });

  it("is true where the parent ignores SIGHUP", () => {
    assert.equal(ignoresHangUp({ ...none, parentStatus: "SigIgn:\t0000000000384005\n" }), true);
  });

  it("is true where stdin can only be written to, as nohup leaves it in place of a terminal", () => {
    assert.equal(ignoresHangUp({ ...none, stdinInfo: "pos:\t0\nflags:\t02100001\n" }), true);
    assert.equal(ignoresHangUp({ ...none, stdinInfo: "pos:\t0\nflags:\t02100000\n" }), false);
    assert.equal(ignoresHangUp({ ...none, stdinInfo: "pos:\t0\nflags:\t02100002\n" }), false);
  });
});

describe("ignoresHangUp in a real process", { skip: process.platform === "linux" ? false : "reads /proc" }, () => {
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "lockstep-hang-up-"));
    const module = new URL("./hang-up.js", import.meta.url).href;
    await writeFile(
      join(folder, "start.mjs"),
      `import { ignoresHangUp } from "${module}"; console.log("ignored: " + ignoresHangUp());`,
    );
  });
  after(() => rm(folder, { recursive: true }));

  // `script` gives the command a terminal, as a person's shell has one.
  for (const [command, expected] of [
    ["START", false],
    ["bash -c 'nohup START < /dev/null | cat'", true],
    [`sh -c 'trap "" HUP; START; exit'`, true],
    ["script -qec 'nohup START | cat' /dev/null", true],
    ["script -qec 'setsid -w START' /dev/null", false],
  ] as const) {
    it(`is ${expected} of: ${command}`, async () => {
      const shell = command.replace("START", `"${process.execPath}" ${join(folder, "start.mjs")}`);
      const env = { PATH: process.env["PATH"], SHELL: "/bin/sh" };
      const child = spawn("/bin/sh", ["-c", shell], { env, stdio: ["ignore", "pipe", "inherit"] });
      let output = "";
      child.stdout.on("data", (bytes) => {
        output += bytes;
      });
      await once(child, "close");
      assert.match(output, new RegExp(`ignored: ${expected}`));
    });
  }
});
