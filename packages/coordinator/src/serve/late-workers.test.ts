// Tests the answers to workers that connect after the run's end.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { checkHealth, createHealth } from "@lockstep/service";
import { clientOf, join as joinAs } from "../testing/fake-worker.js";
import { prepareFolder, tinyRun } from "../testing/prepared-folder.js";
import { quiet } from "../testing/running-coordinator.js";
import { answerLateWorkers, type LateWorkersOptions } from "./late-workers.js";

const tiny = tinyRun();

async function answering(changes: Partial<LateWorkersOptions> = {}) {
  const { out, remove } = await prepareFolder(tiny);
  const address = `unix:${join(out, "s")}`;
  const health = createHealth();
  // As the coordinator left it: a service that is not served any more.
  health.setServing("lockstep.v1.Telemetry", false);
  health.remove("lockstep.v1.Telemetry");
  const numNotified = answerLateWorkers({
    ...{ listen: address, reason: "the run reached its end", numWorkers: 2, lingerMs: 60_000 },
    ...{ health, log: quiet, signal: new AbortController().signal, ...changes },
  });
  return { address, numNotified, remove };
}

test("it serves until the expected workers were refused with run-over", async (t) => {
  const { address, numNotified, remove } = await answering();
  t.after(remove);
  const client = clientOf(address);
  t.after(() => client.close());
  await new Promise<void>((resolve, reject) =>
    client.waitForReady(Date.now() + 10_000, (error) => (error === undefined ? resolve() : reject(error))),
  );
  const runOver = { code: "run-over", message: "the run is over: the run reached its end" };
  await assert.rejects(joinAs(client, tiny), runOver);
  assert.equal(await checkHealth({ address, timeoutMs: 5000, log: quiet }), "SERVING");
  await assert.rejects(joinAs(client, tiny), runOver);
  assert.equal(await numNotified, 2);
});

test("it ends after lingerMs, at a signal, and at once when no worker is missing", async (t) => {
  const late = await answering({ lingerMs: 20 });
  t.after(late.remove);
  assert.equal(await late.numNotified, 0);
  const stop = new AbortController();
  const stopped = await answering({ signal: stop.signal });
  t.after(stopped.remove);
  setImmediate(() => stop.abort());
  assert.equal(await stopped.numNotified, 0);
  const none = await answering({ numWorkers: 0 });
  t.after(none.remove);
  assert.equal(await none.numNotified, 0);
});
