import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SharedBufferPool } from "./shared-buffers.js";

const never = new AbortController().signal;

describe("a pool of shared buffers", () => {
  it("gives a returned buffer to the call that has waited longest", async () => {
    const pool = new SharedBufferPool({ bytes: 8, limit: 1 });
    const first = await pool.take(never);
    const order: string[] = [];
    const second = pool.take(never).then((buffer) => {
      order.push("second");
      pool.give(buffer);
    });
    const third = pool.take(never).then((buffer) => {
      order.push("third");
      return buffer;
    });
    pool.give(first);
    await second;
    assert.equal(await third, first);
    assert.deepEqual(order, ["second", "third"]);
    assert.equal(pool.numTaken, 1);
  });

  it("removes a waiting call whose signal is aborted", async () => {
    const pool = new SharedBufferPool({ bytes: 8, limit: 1 });
    const held = await pool.take(never);
    const controller = new AbortController();
    const waiting = pool.take(controller.signal);
    controller.abort(new Error("revoked"));
    await assert.rejects(waiting, /revoked/);
    pool.give(held);
    assert.equal(pool.numTaken, 0);
    assert.equal(await pool.take(never), held);
  });

  it("refuses a buffer that is given back twice", async () => {
    const pool = new SharedBufferPool({ bytes: 8, limit: Number.POSITIVE_INFINITY });
    const buffer = await pool.take(never);
    pool.give(buffer);
    assert.throws(() => pool.give(buffer), /it is not taken/);
  });
});
