// Tests what a coordinator refuses: joins, uploads, fetches, second streams and folders.
import assert from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { UserError } from "@lockstep/errors";
import { WireError, type WireErrorCode } from "@lockstep/protocol";
import { clientOf, FakeWorker, join as joinAs } from "../testing/fake-worker.js";
import { prepareFolder, tinyRun } from "../testing/prepared-folder.js";
import { deferred, start, undisturbed } from "../testing/running-coordinator.js";

const tiny = tinyRun();
const reference = undisturbed(tiny);

test("a join that differs from the run is refused with the code of the difference", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  const { address, summary, stop } = await start(out);
  const first = await FakeWorker.join(address, tiny, { onLease: () => false, claim: { wantedSlot: 2 } });
  const client = clientOf(address);
  const refusals: [WireErrorCode, Parameters<typeof joinAs>[2], RegExp][] = [
    ["protocol-version", { protocolVersion: 999 }, /protocol version 999/],
    ["run-spec", { runSpecSha256: "0" }, /run spec is 0/],
    ["dataset-fingerprint", { datasetFingerprint: "f2" }, /f2, the run's is f1/],
    ["layout", { layoutSha256: "0" }, /layout is 0/],
    [
      "numerics",
      { numericsJson: `{"backend":"other","threads":1}` },
      /backend: the run has "made-up", the worker has "other"/,
    ],
    ["pixels", { pixelsSha256: "p2" }, /p2, the run's are p1/],
    ["slot-taken", { wantedSlot: 2 }, /slot 2/],
    ["bad-request", { instanceId: "" }, /instance_id/],
    ["bad-request", { host: "h".repeat(257) }, /host of 257 characters/],
    ["bad-request", { numericsJson: "{" }, /not JSON/],
  ];
  for (const [code, changes, message] of refusals) {
    await assert.rejects(joinAs(client, tiny, changes), (error) => {
      assert.ok(error instanceof WireError, `${code}: ${error}`);
      assert.equal(error.code, code);
      assert.match(error.message, message);
      return true;
    });
  }
  stop("enough");
  await summary;
  client.close();
  first.close();
});

test("a damaged upload is refused, and its lease is computed again when the worker gives it up", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  const { address, summary } = await start(out);
  let damaged = 0;
  const worker: FakeWorker = await FakeWorker.join(address, tiny, {
    onLease: (lease) => {
      if (damaged === 1 && worker.refusals.length === 1) damaged = 2;
      return lease.leaseId > 0;
    },
    tamper: (requests, lease) => {
      const [head, chunk] = requests;
      if (lease.leaseId !== 1 || head === undefined || chunk?.part?.$case !== "chunk") return requests;
      damaged = 1;
      const data = Buffer.from(chunk.part.value.data);
      data[0] = (data[0] ?? 0) ^ 1;
      setImmediate(function waitForRefusal() {
        if (worker.refusals.length === 0) setImmediate(waitForRefusal);
        else worker.report({ $case: "leaseFailed", value: { leaseId: 1, reason: "upload refused" } });
      });
      return [head, { part: { $case: "chunk", value: { ...chunk.part.value, data } } }];
    },
  });
  const result = await summary;
  worker.close();
  assert.deepEqual(
    worker.refusals.map((error) => (error instanceof WireError ? error.code : error)),
    ["bad-chunk"],
  );
  assert.equal(result.leasesRedone, 1);
  assert.equal(result.weightsSha256, (await reference).weightsSha256);
});

test("weights of another generation, step or digest are refused", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  const { address, summary, stop } = await start(out);
  const refused: string[] = [];
  const done = deferred<void>();
  const worker: FakeWorker = await FakeWorker.join(address, tiny, {
    onLease: async (lease, self) => {
      for (const changes of [{ coordinatorGeneration: 9 }, { step: 5 }, { weightsDigest: "0" }]) {
        await self.fetchWeights(lease, changes).catch((error) => refused.push(error.metadata.get("lockstep-error")[0]));
      }
      done.resolve();
      return false;
    },
  });
  await done.promise;
  assert.deepEqual(refused, ["stale-generation", "stale-lease", "stale-lease"]);
  stop("enough");
  await summary;
  worker.close();
});

test("a second stream of a session is refused, and the first stream stays open", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  const { address, summary } = await start(out);
  const codes: unknown[] = [];
  const worker = await FakeWorker.join(address, tiny, {
    onLease: async ({ step }, { client, joined }) => {
      if (step !== 1) return true;
      const second = client.attend();
      second.write({ report: { $case: "opened", value: { sessionId: joined.sessionId } } });
      const [error] = await once(second, "error");
      codes.push(error.metadata.get("lockstep-error")[0]);
      return true;
    },
  });
  const result = await summary;
  worker.close();
  assert.deepEqual(codes, ["unknown-session"]);
  assert.deepEqual([result.completed, result.leasesRedone], [true, 0]);
  assert.equal(result.weightsSha256, (await reference).weightsSha256);
});

test("a folder that is not a prepared run is a UserError", async (t) => {
  const { out, remove } = await prepareFolder(tiny);
  t.after(remove);
  await assert.rejects(
    start(join(out, "nowhere")).then(({ summary }) => summary),
    UserError,
  );
});
