import assert from "node:assert/strict";
import { test } from "node:test";
import type { CoreEvent } from "../core/event.js";
import type { CoreState, OpenLease } from "../core/state.js";
import { BrokenUploads } from "./broken-uploads.js";

function brokenUploads() {
  const lease = { leaseId: 7, sessionId: "s" } as OpenLease; // no other field is read
  const state = { phase: { kind: "passing", pass: { leases: [lease] } } } as unknown as CoreState;
  const events: CoreEvent[] = [];
  const clock = { ms: 0 };
  const dispatch = (event: CoreEvent) => {
    events.push(event);
    return [];
  };
  const uploads = new BrokenUploads({ state, dispatch }, { patienceMs: 3000, nowMs: () => clock.ms });
  return { uploads, lease, events, clock };
}

test("the lease of a broken upload fails when the worker does not send it again", () => {
  const { uploads, lease, events, clock } = brokenUploads();
  uploads.markBroken(lease, "cut off");
  clock.ms = 2999;
  uploads.failExpired();
  assert.deepEqual(events, []);
  clock.ms = 3000;
  uploads.failExpired();
  uploads.failExpired();
  assert.deepEqual(events, [{ type: "lease-failed", sessionId: "s", leaseId: 7, reason: "cut off" }]);
});

test("the lease of a broken upload stays open while the worker sends its sum again, even if that is slow", () => {
  const { uploads, lease, events, clock } = brokenUploads();
  uploads.markBroken(lease, "cut off");
  clock.ms = 1000;
  uploads.markResumed(lease);
  clock.ms = 60_000;
  uploads.failExpired();
  assert.deepEqual(events, []);
});
