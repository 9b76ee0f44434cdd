import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { createHealth } from "./health.js";
import { listenForHealth } from "./listen.js";
import { maxKinds, RefusalLog } from "./refusal-log.js";

const message = "refused a connection: it uses plain text";

function recorded() {
  const lines: string[] = [];
  const say = (fields: object, text: string) => void lines.push(`${text} ${JSON.stringify(fields)}`);
  return { lines, log: new RefusalLog({ info: say, warn: say }), take: () => lines.splice(0) };
}

test("the first of a kind is logged at once, the following ones as a number once a minute", (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const { log, take } = recorded();
  for (let times = 0; times < 1000; times++) log.note({ level: "warn", peer: "10.0.0.1", message });
  log.note({ level: "warn", peer: "10.0.0.2", message });
  assert.deepEqual(take(), [`${message} {"peer":"10.0.0.1"}`, `${message} {"peer":"10.0.0.2"}`]);
  t.mock.timers.tick(60_000);
  assert.deepEqual(take(), [`within a minute, again: ${message} {"peer":"10.0.0.1","times":999}`]);
});

test("a kind that has not come again for a minute is forgotten, and logged as a first one when it comes", (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const { log, take } = recorded();
  for (let minute = 0; minute < 2; minute++) {
    log.note({ level: "info", peer: "10.0.0.1", message });
    assert.equal(take().length, 1);
    t.mock.timers.tick(60_000);
    assert.deepEqual(take(), []);
  }
});

test("many peers are listed up to a bound", (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const { log, take } = recorded();
  for (let peer = 0; peer < maxKinds + 50; peer++) log.note({ level: "warn", peer: `2001:db8::${peer}`, message });
  assert.equal(take().length, maxKinds);
  t.mock.timers.tick(60_000);
  assert.deepEqual(take(), [`within a minute, more connections were refused than are listed one by one {"times":50}`]);
});

test("a peer that sends another protocol to the port for probes again and again causes one line", async () => {
  const lines: string[] = [];
  const say = (fields: object, text: string) => void lines.push(`${text} ${JSON.stringify(fields)}`);
  const port = await listenForHealth({ address: "127.0.0.1:0", health: createHealth(), log: { info: say, warn: say } });
  try {
    const [host = "", number = ""] = port.address.split(":");
    for (let times = 0; times < 20; times++) {
      const socket = connect(Number(number), host).on("error", () => {});
      socket.end("GET / HTTP/1.1\r\n\r\n").resume();
      await once(socket, "close", { signal: AbortSignal.timeout(5_000) });
    }
  } finally {
    await port.close({ graceMs: 0 });
  }
  assert.equal(lines.length, 1, lines.join("\n"));
  assert.match(lines[0] ?? "", /^refused a connection: its first bytes are not HTTP\/2; .*"peer":"127.0.0.1"/);
});
