import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { UserError } from "@lockstep/errors";
import { formatAddress, parseAddress, staysOnMachine } from "./address.js";
import { maxSocketPathBytes } from "./socket-path.js";

describe("parseAddress", () => {
  for (const [text, expected] of [
    ["127.0.0.1:0", { kind: "tcp", host: "127.0.0.1", port: 0 }],
    ["coordinator:7000", { kind: "tcp", host: "coordinator", port: 7000 }],
    ["[::1]:65535", { kind: "tcp", host: "::1", port: 65_535 }],
    ["unix:/run/c.sock", { kind: "unix", path: "/run/c.sock" }],
    ["unix:///run/c.sock", { kind: "unix", path: "/run/c.sock" }],
  ] as const) {
    it(`reads ${text}, and formatAddress writes it back`, () => {
      assert.deepEqual(parseAddress(text), expected);
      assert.deepEqual(parseAddress(formatAddress(parseAddress(text))), expected);
    });
  }

  it("makes a relative socket path absolute, as the working folder may change", () => {
    assert.deepEqual(parseAddress("unix:c.sock"), { kind: "unix", path: join(process.cwd(), "c.sock") });
  });

  for (const text of [
    "",
    "localhost",
    "localhost:",
    ":80",
    "a:b:1",
    "host:65536",
    "[host]:1",
    "http://host:1",
    "unix:",
  ]) {
    it(`refuses ${JSON.stringify(text)} as a user's mistake`, () => {
      assert.throws(() => parseAddress(text), UserError);
    });
  }

  it("refuses a socket path that the system would cut, counted in bytes", () => {
    const longest = maxSocketPathBytes - 1;
    assert.throws(
      () => parseAddress(`unix:/${"d".repeat(longest + 1)}`),
      new RegExp(`has ${maxSocketPathBytes + 1} bytes, the system allows ${maxSocketPathBytes}`),
    );
    assert.equal(parseAddress(`unix:/${"d".repeat(longest)}`).kind, "unix");
    assert.throws(() => parseAddress(`unix:/${"\u00fc".repeat(Math.ceil((longest + 1) / 2))}`), UserError);
  });
});

describe("staysOnMachine", () => {
  for (const [address, expected] of [
    ["unix:/c.sock", true],
    ["127.0.0.1:1", true],
    ["127.8.8.8:1", true],
    ["localhost:1", true],
    ["[::1]:1", true],
    ["0.0.0.0:1", false],
    ["[::]:1", false],
    ["10.0.0.1:1", false],
    ["127.0.0.1.example.org:1", false],
  ] as const) {
    it(`says ${expected} of ${address}`, () => {
      assert.equal(staysOnMachine(parseAddress(address)), expected);
    });
  }
});
