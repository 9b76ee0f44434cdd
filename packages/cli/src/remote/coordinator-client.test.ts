// Tests of commands that call a coordinator that does not answer. test/cluster tests one that answers.
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { UserError } from "@lockstep/errors";
import { type TelemetryServer, TelemetryService } from "@lockstep/protocol";
import { type Listener, listen } from "@lockstep/service";
import { RemoteCoordinator } from "./coordinator-client.js";

const log = { info: () => {}, warn: () => {} };

describe("a coordinator that takes the call and says nothing", () => {
  // As a suspended process: the system takes the connection.
  let suspended: Server;
  let silent: Listener;
  const sockets: Socket[] = [];
  before(async () => {
    suspended = createServer((socket) => void sockets.push(socket)).listen(0, "127.0.0.1");
    await once(suspended, "listening");
    const implementation: Pick<TelemetryServer, "subscribe"> = { subscribe: () => {} };
    silent = await listen({
      address: "127.0.0.1:0",
      services: [{ definition: { subscribe: TelemetryService.subscribe }, implementation }],
      log,
    });
  });
  after(async () => {
    for (const socket of sockets) socket.destroy();
    suspended.close();
    await silent.close({ graceMs: 0 });
  });

  const hear = async (address: string, signal: AbortSignal) => {
    const coordinator = new RemoteCoordinator({ address, log, answerTimeoutMs: 200, signal });
    try {
      for await (const event of coordinator.events()) return event;
      return null;
    } finally {
      coordinator.close();
    }
  };
  const addressOf = {
    suspended: () => `127.0.0.1:${(suspended.address() as AddressInfo).port}`,
    silent: () => silent.address,
  };

  for (const kind of ["suspended", "silent"] as const) {
    it(`is given up, when it is ${kind}`, async () => {
      await assert.rejects(
        hear(addressOf[kind](), new AbortController().signal),
        (error) => error instanceof UserError && /^--coordinator .*: does not answer in 0.2 s;/.test(error.message),
      );
    });
  }

  it("is no longer asked, nor knocked at, when the person leaves", async () => {
    const signal = AbortSignal.timeout(50);
    const coordinator = new RemoteCoordinator({ address: addressOf.suspended(), log, signal });
    const startMs = performance.now();
    await assert.rejects(coordinator.status(), UserError);
    assert.ok(performance.now() - startMs < 2_000);
    coordinator.close();
  });

  it("is left without a word when the person leaves first", async () => {
    assert.equal(await hear(addressOf.silent(), AbortSignal.timeout(50)), null);
  });
});
