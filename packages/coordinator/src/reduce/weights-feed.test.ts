import assert from "node:assert/strict";
import { test } from "node:test";
import { float32Bytes } from "@lockstep/protocol";
import { tinyRun } from "../testing/prepared-folder.js";
import { WeightsFeed } from "./weights-feed.js";

test("after withdraw() no weights can be fetched until the next publish()", () => {
  const { layout } = tinyRun();
  const weights = new Float32Array(layout.numElements);
  const feed = new WeightsFeed(layout);
  feed.publish({ step: 0, digest: "a" }, float32Bytes(weights));
  assert.equal(feed.messages({ step: 0, digest: "a" }).length, 2);
  feed.withdraw();
  assert.throws(() => feed.messages({ step: 0, digest: "a" }), { name: "WireError", code: "stale-lease" });
  feed.publish({ step: 1, digest: "b" }, float32Bytes(weights));
  assert.throws(() => feed.messages({ step: 0, digest: "a" }), { name: "WireError", code: "stale-lease" });
  assert.equal(feed.messages({ step: 1, digest: "b" }).length, 2);
});
