// The exporter against a coordinator that says what the test tells it, over a real unix socket.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { status as grpcStatus, Metadata, type ServerWritableStream } from "@grpc/grpc-js";
import { UserError } from "@lockstep/errors";
import { Event, type SubscribeRequest, TelemetryService } from "@lockstep/protocol";
import { createHealth, type Listener, listen } from "@lockstep/service";
import { runExporter } from "./run-exporter.js";

type Body = NonNullable<Event["event"]>;
type Subscriber = ServerWritableStream<SubscribeRequest, Event>;

let folder = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "lockstep-exporter-"));
});
after(() => rm(folder, { recursive: true, force: true }));

const quiet = { info: () => {}, warn: () => {} };
const runSpecJson = `{"recipe":{"name":"fairface"},"epochs":1}`;

function event(body: Body): Event {
  return Event.fromPartial({ coordinatorGeneration: 1, timeMs: 1000, event: body });
}

const snapshot = [
  event({ $case: "runStarted", value: { runSpecJson, step: 3, totalSteps: 9 } as never }), // fromPartial fills it up
  event({ $case: "runStatus", value: { state: "training", step: 3, totals: { steps: 3 } } as never }),
];

/** A coordinator that answers a subscriber by `onSubscribe`. */
function coordinator(address: string, onSubscribe: (call: Subscriber) => void): Promise<Listener> {
  const implementation = { subscribe: onSubscribe, getStatus: () => {} };
  return listen({
    address,
    services: [{ definition: TelemetryService, implementation }],
    health: createHealth(),
    log: quiet,
  });
}

interface Running {
  readonly warnings: string[];
  metrics(): Promise<string>;
  health(): Promise<{ coordinatorSeen: boolean; reason: string | null }>;
  /** Waits for a line. */
  line(pattern: RegExp): Promise<void>;
  stop(): Promise<void>;
}

async function startExporter(address: string): Promise<Running> {
  const stopper = new AbortController();
  const warnings: string[] = [];
  let ended: Promise<void> = Promise.resolve();
  const at = await new Promise<string>((resolve, reject) => {
    ended = runExporter({
      coordinator: address,
      listen: "127.0.0.1:0",
      log: { info: () => {}, warn: (_: object, message: string) => void warnings.push(message) },
      signal: stopper.signal,
      onListening: resolve,
    });
    ended.catch(reject);
  });
  const metrics = async (): Promise<string> => (await fetch(`http://${at}/metrics`)).text();
  return {
    warnings,
    metrics,
    health: async () => (await fetch(`http://${at}/healthz`)).json() as ReturnType<Running["health"]>,
    async line(pattern) {
      const giveUpMs = performance.now() + 20_000;
      for (;;) {
        const text = await metrics();
        if (pattern.test(text)) return;
        assert.ok(performance.now() < giveUpMs, `no ${pattern} in\n${text}`);
        await pause(20);
      }
    },
    async stop() {
      stopper.abort(new Error("the test is over"));
      await ended;
    },
  };
}

test("it serves before there is a coordinator, follows its events when it comes, and again after its restart", async () => {
  const address = `unix:${join(folder, "a.sock")}`;
  const exporter = await startExporter(address);
  try {
    await exporter.line(/^lockstep_up 0$/m);
    const absent = await exporter.health();
    assert.equal(absent.coordinatorSeen, false);
    assert.ok(absent.reason);
    assert.doesNotMatch(await exporter.metrics(), /^lockstep_steps_total /m);

    const first = await coordinator(address, (call) => snapshot.forEach((told) => void call.write(told)));
    await exporter.line(/^lockstep_run_state\{state="training"\} 1$/m);
    assert.match(await exporter.metrics(), /^lockstep_up 1$/m);
    assert.deepEqual(await exporter.health(), { coordinatorSeen: true, reason: null });

    await first.close({ graceMs: 0 });
    await exporter.line(/^lockstep_up 0$/m);
    const down = await exporter.metrics();
    assert.match(down, /^lockstep_steps_total 3$/m);
    assert.doesNotMatch(down, /^lockstep_run_state/m);

    const second = await coordinator(address, (call) => snapshot.forEach((told) => void call.write(told)));
    await exporter.line(/^lockstep_up 1$/m);
    await exporter.stop();
    await second.close({ graceMs: 0 });
  } finally {
    await exporter.stop();
  }
});

test("of a coordinator that is not there it logs the reason once, with the address, at every attempt the same", async () => {
  const address = `unix:${join(folder, "nobody.sock")}`;
  const exporter = await startExporter(address);
  try {
    await exporter.line(/^lockstep_exporter_subscriptions_total [5-9]$/m);
    const reason = `connect ENOENT ${join(folder, "nobody.sock")}`;
    assert.deepEqual(exporter.warnings, [`no events from the coordinator at ${address}: ${reason}; trying again`]);
    assert.equal((await exporter.health()).reason, reason);
  } finally {
    await exporter.stop();
  }
});

test("why it gets no events is logged once, and reported by /healthz", async () => {
  const address = `unix:${join(folder, "b.sock")}`;
  let asked = 0;
  const refusing = await coordinator(address, (call) => {
    asked++;
    const details = "role exporter may not subscribe";
    call.emit("error", { code: grpcStatus.PERMISSION_DENIED, details, metadata: new Metadata() });
  });
  const exporter = await startExporter(address);
  try {
    await exporter.line(/^lockstep_exporter_subscriptions_total [3-9]$/m);
    assert.ok(asked >= 2);
    assert.equal(exporter.warnings.length, 1);
    assert.match(exporter.warnings[0] ?? "", /PERMISSION_DENIED: role exporter may not subscribe; trying again/);
    assert.match((await exporter.health()).reason ?? "", /role exporter may not subscribe/);
  } finally {
    await exporter.stop();
    await refusing.close({ graceMs: 0 });
  }
});

test("a run spec of another release is reported, and tried again after growing waits", async () => {
  const address = `unix:${join(folder, "c.sock")}`;
  let asked = 0;
  const newer = await coordinator(address, (call) => {
    asked++;
    call.write(event({ $case: "runStarted", value: { runSpecJson: `{"formatVersion":9}` } as never })); // as above
  });
  const exporter = await startExporter(address);
  try {
    await exporter.line(/^lockstep_exporter_subscriptions_total 3$/m);
    assert.match(
      exporter.warnings.join("\n"),
      /^no events from the coordinator at unix:\S+: the coordinator's run spec is not under/,
    );
    assert.equal(exporter.warnings.length, 1);
    await exporter.line(/^lockstep_up 0$/m);
    assert.ok(asked < 10, `asked ${asked} times`);
  } finally {
    await exporter.stop();
    await newer.close({ graceMs: 0 });
  }
});

test("plain text to a coordinator on another machine is refused before anything is served", async () => {
  const signal = new AbortController().signal;
  const onListening = (): void => assert.fail("it serves");
  const options = { coordinator: "192.0.2.1:50051", listen: "127.0.0.1:0", log: quiet, signal, onListening };
  await assert.rejects(runExporter(options), UserError);
});
