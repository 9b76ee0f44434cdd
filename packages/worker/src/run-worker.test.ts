import assert from "node:assert/strict";
import { truncateSync } from "node:fs";
import { afterEach, beforeEach, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { UserError } from "@lockstep/errors";
import { WireError } from "@lockstep/protocol";
import { faultsVariable } from "./faults.js";
import type { FakeSession } from "./testing/fake-coordinator.js";
import { createTestBed, numMicroBatches, type TestBed } from "./testing/tiny-run.js";

const wholeStep = { firstMicroBatch: 0, count: numMicroBatches, numMicroBatches };
const oneMicroBatch = { firstMicroBatch: 1, count: 1, numMicroBatches };

/** Resolves to the first report that is not a heartbeat. */
const nextReport = (session: FakeSession) => session.reports.nextThat(({ $case }) => $case !== "heartbeat");

describe("a worker", { timeout: 120_000 }, () => {
  let bed: TestBed;
  beforeEach(async () => {
    bed = await createTestBed();
  });
  afterEach(() => bed.close());

  it("waits for a coordinator that starts later, logs that once, and leaves when the run is over", async () => {
    const { coordinator, logged, waitForLog } = bed;
    const worker = bed.startWorker({ slot: 3 });
    await waitForLog("waiting for the coordinator");
    await coordinator.start();
    const session = await coordinator.sessions.next();
    coordinator.lease(session, wholeStep);
    await coordinator.submissions.next();
    session.send({ $case: "finish", value: { completed: true, reason: "all epochs are done", mayGoOn: false } });
    const { kind, completed, mayGoOn, reason, slot } = await worker.outcome;
    const expected = { kind: "finished", completed: true, mayGoOn: false, reason: "all epochs are done", slot: 3 };
    assert.deepEqual({ kind, completed, mayGoOn, reason, slot }, expected);
    await session.closed;
    assert.equal(logged.filter((line) => line.includes("waiting for the coordinator")).length, 1);
    const [join] = coordinator.joins;
    assert.equal(join?.wantedSlot, 3);
    assert.match(join.pixelsSha256, /^[0-9a-f]{64}$/);
    assert.equal(JSON.parse(join.numericsJson).backend, "cpu");
    assert.equal(join.layoutSha256, bed.run.layout.sha256);
  });

  it("joins a restarted coordinator as the same instance in the same slot, and drops its old leases", async () => {
    const { coordinator } = bed;
    process.env[faultsVariable] = JSON.stringify([{ fault: "delay", slot: 2, step: 0, phase: "upload", ms: 60_000 }]);
    bed.startWorker({ slot: 2 });
    delete process.env[faultsVariable];
    await coordinator.start();
    coordinator.lease(await coordinator.sessions.next(), wholeStep);
    await coordinator.fetched.next();
    await coordinator.stop();
    const successor = bed.successor();
    await successor.start();
    const session = await successor.sessions.next();
    const lease = successor.lease(session, oneMicroBatch);
    const { header } = await successor.submissions.next();
    assert.equal(header.leaseId, lease.leaseId);
    assert.equal(header.coordinatorGeneration, 2);
    assert.equal(coordinator.submissions.numWaiting, 0);
    assert.equal(successor.numFetches, 0, "the same weights are not fetched again");
    assert.deepEqual(
      [...coordinator.joins, ...successor.joins].map(({ wantedSlot }) => wantedSlot),
      [2, 2],
    );
    assert.equal(successor.joins[0]?.instanceId, coordinator.joins[0]?.instanceId);
    await successor.stop();
  });

  it("ends with an error when the restarted coordinator has another run", async () => {
    const { coordinator } = bed;
    const worker = bed.startWorker();
    await coordinator.start();
    await coordinator.sessions.next();
    await coordinator.stop();
    const successor = bed.successor({ seed: 8 });
    await successor.start();
    await assert.rejects(
      worker.outcome,
      (error) => error instanceof UserError && /seed was 7, is 8/.test(error.message),
    );
    await successor.stop();
  });

  it("ends with the coordinator's message when it is refused", async () => {
    const { coordinator } = bed;
    coordinator.refusal = new WireError("numerics", 'backend: the run has "torch", the worker "cpu"');
    await coordinator.start();
    await assert.rejects(bed.startWorker().outcome, (error) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /refused this worker: backend: the run has "torch", the worker "cpu"/);
      return true;
    });
    assert.equal(coordinator.joins.length, 1);
  });

  it("waits when its coordinator is stopped, and works for the coordinator that resumes the run", async () => {
    const { coordinator } = bed;
    bed.startWorker({ slot: 2 });
    await coordinator.start();
    const session = await coordinator.sessions.next();
    session.send({ $case: "finish", value: { completed: false, reason: "SIGTERM", mayGoOn: true } });
    await bed.waitForLog("waiting for a coordinator that resumes the run");
    await coordinator.stop();
    const successor = bed.successor();
    await successor.start();
    successor.lease(await successor.sessions.next(), oneMicroBatch);
    await successor.submissions.next();
    assert.deepEqual(
      successor.joins.map(({ wantedSlot, instanceId }) => [wantedSlot, instanceId]),
      [[2, coordinator.joins[0]?.instanceId]],
    );
    await successor.stop();
  });

  it("leaves when its coordinator is stopped, if a launcher has started both", async () => {
    const { coordinator } = bed;
    const worker = bed.startWorker({ endsWithCoordinator: true });
    await coordinator.start();
    const session = await coordinator.sessions.next();
    session.send({ $case: "finish", value: { completed: false, reason: "SIGTERM", mayGoOn: true } });
    const { mayGoOn, reason } = await worker.outcome;
    assert.deepEqual({ mayGoOn, reason }, { mayGoOn: true, reason: "the coordinator stopped: SIGTERM" });
  });

  it("waits while a coordinator that is stopping refuses it", async () => {
    const { coordinator } = bed;
    coordinator.refusal = new WireError("run-stopping", "the coordinator is stopping: SIGTERM");
    bed.startWorker();
    await coordinator.start();
    await bed.waitForLog("waiting for the coordinator");
    coordinator.refusal = null;
    await coordinator.sessions.next();
  });

  for (const when of ["asks for the run", "joins"] as const) {
    it(`leaves when the coordinator answers that the run is over as the worker ${when}`, async () => {
      const { coordinator } = bed;
      const over = new WireError("run-over", "the run is over");
      if (when === "joins") coordinator.refusal = over;
      else coordinator.runRefusal = over;
      await coordinator.start();
      const { kind, mayGoOn, reason, slot } = await bed.startWorker().outcome;
      const expected = { kind: "left", mayGoOn: false, reason: "the run is over", slot: null };
      assert.deepEqual({ kind, mayGoOn, reason, slot }, expected);
    });
  }

  it("gives up when no coordinator answers within the connect timeout", async () => {
    await assert.rejects(bed.startWorker({ connectTimeoutMs: 200 }).outcome, (error) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /no coordinator answered at unix:\S+ in 0\.2 s \(--connect-timeout\)/);
      return true;
    });
  });

  it("refuses to join with another data set than the run's", async () => {
    await bed.coordinator.start();
    const { outcome } = bed.startWorker({ dataOptions: { data: "synthetic:40" } });
    await assert.rejects(outcome, (error) => {
      assert.ok(error instanceof UserError);
      assert.match(
        error.message,
        /data synthetic:40: fingerprint [0-9a-f]{64} .* but the run's data set has [0-9a-f]{64}/,
      );
      return true;
    });
    assert.equal(bed.coordinator.joins.length, 0);
  });

  it("refuses to join a run whose recipe has other code than its own", async () => {
    const sha256 = "0".repeat(64);
    const coordinator = bed.successor({ recipe: { ...bed.run.spec.recipe, name: "mine", sha256 } });
    await coordinator.start();
    await assert.rejects(
      bed.startWorker().outcome,
      /the run's recipe mine is not built in; give the path of the same file on this machine/,
    );
    const recipe = fileURLToPath(new URL("../../../examples/pets-csv/pets.js", import.meta.url));
    const refused = bed.startWorker({ recipe }).outcome;
    await assert.rejects(refused, (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.match(
        error.message,
        new RegExp(`SHA-256 [0-9a-f]{64}, the code of the run's recipe mine has ${sha256}; copy`),
      );
      return true;
    });
    assert.equal(coordinator.joins.length, 0);
    await coordinator.stop();
  });

  it("drops a revoked lease and computes the next", async () => {
    const { coordinator } = bed;
    process.env[faultsVariable] = JSON.stringify([{ fault: "delay", slot: 0, step: 0, phase: "lease", ms: 60_000 }]);
    bed.startWorker();
    delete process.env[faultsVariable];
    await coordinator.start();
    const session = await coordinator.sessions.next();
    const { leaseId } = coordinator.lease(session, wholeStep);
    session.send({ $case: "leaseRevoked", value: { leaseId, reason: "slot 1 was faster" } });
    const next = coordinator.lease(session, oneMicroBatch);
    const { header } = await coordinator.submissions.next();
    assert.equal(header.leaseId, next.leaseId);
  });

  it("fetches damaged weights again", async () => {
    const { coordinator } = bed;
    coordinator.damagedFetches = 2;
    bed.startWorker();
    await coordinator.start();
    coordinator.lease(await coordinator.sessions.next(), oneMicroBatch);
    await coordinator.submissions.next();
    assert.equal(coordinator.numFetches, 3);
  });

  it("reports a lease as failed that does not fit the plan, or whose images cannot be read", async () => {
    const { coordinator, waitForLog } = bed;
    bed.startWorker();
    await coordinator.start();
    const session = await coordinator.sessions.next();
    const unfit = coordinator.lease(session, { ...oneMicroBatch, numMicroBatches: 9 });
    assert.deepEqual(await nextReport(session), {
      $case: "leaseFailed",
      value: { leaseId: unfit.leaseId, reason: "the pass has 5 micro-batches, not 9" },
    });
    const { path } = JSON.parse(await waitForLog("opened the image cache"));
    truncateSync(path, 64);
    const unreadable = coordinator.lease(session, wholeStep);
    const report = await nextReport(session);
    assert.ok(report.$case === "leaseFailed");
    assert.equal(report.value.leaseId, unreadable.leaseId);
    assert.match(report.value.reason, /^loading images: .*gave 0 bytes$/);
  });

  it("reports that it is draining when it is stopped, finishes its lease and leaves", async () => {
    const { coordinator } = bed;
    const worker = bed.startWorker();
    await coordinator.start();
    const session = await coordinator.sessions.next();
    coordinator.lease(session, wholeStep);
    await coordinator.fetched.next();
    worker.stop("SIGTERM");
    assert.deepEqual(await nextReport(session), { $case: "draining", value: { reason: "SIGTERM" } });
    const { header } = await coordinator.submissions.next();
    assert.equal(header.count, numMicroBatches);
    const { kind, microBatches } = await worker.outcome;
    assert.deepEqual({ kind, microBatches }, { kind: "left", microBatches: numMicroBatches });
    await session.closed;
  });

  it("leaves when it is stopped before a coordinator answers", async () => {
    const worker = bed.startWorker();
    await bed.waitForLog("waiting for the coordinator");
    worker.stop("SIGINT");
    assert.deepEqual(await worker.outcome, {
      ...{ kind: "left", completed: false, mayGoOn: true, reason: "SIGINT" },
      ...{ slot: null, microBatches: 0 },
    });
  });

  it("ends with an error when a compute thread crashes, and reports the lease as failed first", async () => {
    const { coordinator } = bed;
    process.env[faultsVariable] = JSON.stringify([{ fault: "crash", slot: 0, step: 0, phase: "compute" }]);
    const worker = bed.startWorker();
    delete process.env[faultsVariable];
    await coordinator.start();
    const session = await coordinator.sessions.next();
    const lease = coordinator.lease(session, wholeStep);
    const report = await session.reports.nextThat(({ $case }) => $case === "leaseFailed");
    assert.ok(report.$case === "leaseFailed" && report.value.leaseId === lease.leaseId);
    await assert.rejects(worker.outcome, /compute thread 0 crashed/);
  });
});
