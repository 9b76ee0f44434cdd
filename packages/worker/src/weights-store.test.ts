import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SharedBufferPool } from "./shared-buffers.js";
import { WeightsStore } from "./weights-store.js";

const never = new AbortController().signal;

function createStore() {
  const pool = new SharedBufferPool({ bytes: 4, limit: Number.POSITIVE_INFINITY });
  const fetched: string[] = [];
  const fetchOf = (digest: string) => async () => {
    fetched.push(digest);
  };
  return { pool, store: new WeightsStore(pool), fetched, fetchOf };
}

describe("the weights store", () => {
  it("fetches once for all leases of a step, whether they ask at the same time or later", async () => {
    const { store, fetched, fetchOf } = createStore();
    const [a, b] = await Promise.all([
      store.acquire("w0", fetchOf("w0"), never),
      store.acquire("w0", fetchOf("w0"), never),
    ]);
    a.release();
    b.release();
    const c = await store.acquire("w0", fetchOf("w0"), never);
    assert.deepEqual(fetched, ["w0"]);
    assert.equal(a.version, c.version);
    assert.equal(a.buffer, c.buffer);
  });

  it("keeps old weights while a lease holds them, and frees their buffer then", async () => {
    const { pool, store, fetchOf } = createStore();
    const old = await store.acquire("w0", fetchOf("w0"), never);
    const newer = await store.acquire("w1", fetchOf("w1"), never);
    assert.notEqual(newer.buffer, old.buffer);
    assert.notEqual(newer.version, old.version);
    assert.equal(pool.numTaken, 2);
    old.release();
    old.release();
    assert.equal(pool.numTaken, 1);
    newer.release();
    assert.equal(pool.numTaken, 1, "the newest weights are kept for later leases");
  });

  it("rejects all waiting calls when a fetch fails, and fetches again for the next call", async () => {
    const { pool, store, fetched, fetchOf } = createStore();
    const broken = () => Promise.reject(new Error("connection lost"));
    const waiting = [store.acquire("w0", broken, never), store.acquire("w0", broken, never)];
    for (const outcome of await Promise.allSettled(waiting)) assert.equal(outcome.status, "rejected");
    assert.equal(pool.numTaken, 0);
    const held = await store.acquire("w0", fetchOf("w0"), never);
    held.release();
    assert.deepEqual(fetched, ["w0"]);
  });

  it("continues a fetch for the other leases when one lease is revoked", async () => {
    const { store } = createStore();
    let finish = () => {};
    const slow = () =>
      new Promise<void>((resolve) => {
        finish = resolve;
      });
    const controller = new AbortController();
    const revoked = store.acquire("w0", slow, controller.signal);
    const kept = store.acquire("w0", slow, never);
    controller.abort(new Error("revoked"));
    await Promise.resolve();
    finish();
    await assert.rejects(revoked, /revoked/);
    (await kept).release();
  });
});
