import assert from "node:assert/strict";
import { test } from "node:test";
import type { handleUnaryCall } from "@grpc/grpc-js";
import type { StopRequest, StopResponse } from "@lockstep/protocol";
import { controlService } from "./observer-services.js";

test("the reason of a stop is shortened to 256 characters, and has a default", () => {
  const reasons: string[] = [];
  const { implementation } = controlService({ onStop: (reason) => reasons.push(reason) });
  const stop = implementation["stop"] as handleUnaryCall<StopRequest, StopResponse>; // the definition's one method
  for (const reason of ["", "enough", "r".repeat(256), "r".repeat(1_000_000)]) {
    stop({ request: { reason } } as Parameters<typeof stop>[0], () => {});
  }
  assert.deepEqual(reasons, ["asked to stop", "enough", "r".repeat(256), `${"r".repeat(255)}…`]);
});
