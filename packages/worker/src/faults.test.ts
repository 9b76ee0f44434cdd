import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { UserError } from "@lockstep/errors";
import { FaultInjector, parseFaults } from "./faults.js";

const never = new AbortController().signal;
const point = { slot: 1, step: 3, phase: "upload", pass: "train", generation: 1 } as const;

describe("injected faults", () => {
  it("are absent unless the variable is set", () => {
    assert.deepEqual(parseFaults(undefined), []);
    assert.deepEqual(parseFaults(""), []);
  });

  it("are injected once, at their point and at no other", async () => {
    const injected: string[] = [];
    const faults = parseFaults('[{"fault":"kill","slot":1,"step":3,"phase":"upload"}]');
    const injector = new FaultInjector(faults, {
      kill: () => injected.push("kill"),
      crash: () => injected.push("crash"),
    });
    for (const other of [
      { slot: 0 },
      { step: 2 },
      { phase: "compute" },
      { pass: "validate" },
      { generation: 2 },
    ] as const) {
      await injector.waitForFaultPoint({ ...point, ...other }, never);
    }
    assert.deepEqual(injected, []);
    await injector.waitForFaultPoint(point, never);
    await injector.waitForFaultPoint(point, never);
    assert.deepEqual(injected, ["kill"]);
  });

  it("of kind delay end when the lease is dropped", async () => {
    const faults = parseFaults('[{"fault":"delay","slot":1,"step":3,"phase":"upload","ms":60000}]');
    const injector = new FaultInjector(faults, { kill: () => {}, crash: () => {} });
    const controller = new AbortController();
    const delayed = injector.waitForFaultPoint(point, controller.signal);
    controller.abort(new Error("revoked"));
    await assert.rejects(delayed, /revoked/);
  });

  it("are refused with a UserError when they are written wrongly", () => {
    for (const [text, complaint] of [
      ["{", /not JSON/],
      ["{}", /must be a JSON array/],
      ['[{"fault":"kill","slot":1,"step":3,"phase":"sleep"}]', /phase must be one of lease, compute, upload/],
      ['[{"fault":"kill","slot":1,"step":3,"phase":"lease","when":1}]', /unknown field when/],
      ['[{"fault":"delay","slot":1,"step":3,"phase":"lease"}]', /delay requires ms/],
      ['[{"fault":"melt","slot":1,"step":3,"phase":"lease"}]', /fault must be kill, crash or delay/],
    ] as const) {
      assert.throws(
        () => parseFaults(text),
        (error) => error instanceof UserError && complaint.test(error.message),
      );
    }
  });
});
