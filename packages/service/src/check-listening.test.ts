import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { UserError } from "@lockstep/errors";
import { checkListening } from "./check-listening.js";
import { maxSocketPathBytes } from "./socket-path.js";

describe("checkListening", () => {
  let dir = "";
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "lockstep-check-"));
  });
  after(() => rm(dir, { recursive: true }));

  it("accepts a free socket path and leaves nothing there", async () => {
    await checkListening({ address: `unix:${join(dir, "c.sock")}` });
    assert.deepEqual(await readdir(dir), []);
  });

  it("accepts a socket that is in use: its process may be about to end", async () => {
    const server = createServer().listen(join(dir, "used.sock"));
    await once(server, "listening");
    await checkListening({ address: `unix:${join(dir, "used.sock")}` });
    server.close();
  });

  it("refuses a folder that is missing, and one with too long a path", async () => {
    const long = join(dir, "d".repeat(maxSocketPathBytes - dir.length - "//c.sock".length));
    await mkdir(long);
    for (const folder of [join(dir, "nowhere"), long]) {
      await assert.rejects(checkListening({ address: `unix:${join(folder, "c.sock")}` }), UserError);
    }
  });
});
