// Tests who may call what: the table, the judgement, and a coordinator on the network that asks for certificates and a token.
import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import {
  ControlClient,
  ControlService,
  CoordinatorClient,
  CoordinatorService,
  fromServiceError,
  joinTokenHeader,
  PROTOCOL_VERSION,
  TelemetryClient,
  TelemetryService,
  WireError,
} from "@lockstep/protocol";
import {
  type Connection,
  checkHealth,
  connect,
  findJoinToken,
  initCertificates,
  type Role,
  roles,
} from "@lockstep/service";
import { judgeCaller } from "./method-guard.js";
import { methodRoles } from "./method-roles.js";
import { prepareFolder, tinyRun } from "./testing/prepared-folder.js";
import { start } from "./testing/running-coordinator.js";

test("every method that the coordinator serves stands in the table, and no other", () => {
  const served = [CoordinatorService, TelemetryService, ControlService].flatMap((service) =>
    Object.values(service).map(({ path }) => path),
  );
  const health = ["/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"];
  assert.deepEqual([...methodRoles.keys()].toSorted(), [...served, ...health].toSorted());
});

test("a role may call what the table gives it, and nothing else", () => {
  const mayCall = (role: Role | null, method: string) =>
    judgeCaller({ method, role, token: null }, { hasRoles: true, joinToken: null }) === null;
  for (const [method, allowed] of [
    ["/lockstep.v1.Coordinator/SubmitSum", ["worker"]],
    ["/lockstep.v1.Telemetry/Subscribe", ["exporter", "operator"]],
    ["/lockstep.v1.Control/Stop", ["operator"]],
    ["/grpc.health.v1.Health/Check", roles],
    ["/lockstep.v1.Coordinator/Unheard", []],
  ] as const) {
    assert.deepEqual(
      roles.filter((role) => mayCall(role, method)),
      allowed,
    );
    assert.equal(mayCall(null, method), false);
  }
});

test("without certificates no role is asked for, and a token still is", () => {
  const method = "/lockstep.v1.Coordinator/Join";
  const joinToken = { matches: (offered: string) => offered === "right" };
  const judge = (token: string | null) =>
    judgeCaller({ method, role: null, token }, { hasRoles: false, joinToken })?.code;
  assert.deepEqual([judge("right"), judge("wrong"), judge(null)], [undefined, "join-token", "join-token"]);
});

test("a coordinator with certificates lets each role do its part alone, and says what it refused", async (t) => {
  const { out, remove } = await prepareFolder(tinyRun());
  t.after(remove);
  const certs = join(out, "certs");
  await initCertificates({ folder: certs, days: 1, renew: false, nowMs: Date.now() });
  const lines: string[] = [];
  const log = { info: () => {}, warn: (_: object, message: string) => void lines.push(message) };
  const tls = join(certs, "coordinator");
  const { address, summary, stop: end } = await start(out, { listen: "127.0.0.1:0", tls, log });
  t.after(() => end("the test is over"));
  const as = (role: Role): Connection => connect({ address, tls: { folder: join(certs, role), role }, log });
  const token = findJoinToken({ tlsFolder: join(certs, "worker") })?.current() ?? "";

  const getRun = (role: Role, sent: string | null) => {
    const { target, credentials, options } = as(role);
    const client = new CoordinatorClient(target, credentials, options);
    const metadata = new Metadata();
    if (sent !== null) metadata.set(joinTokenHeader, sent);
    return called((done) => client.getRun({ protocolVersion: PROTOCOL_VERSION }, metadata, done)).finally(() =>
      client.close(),
    );
  };
  const submit = (role: Role) => {
    const { target, credentials, options } = as(role);
    const client = new CoordinatorClient(target, credentials, options);
    return called((done) => {
      const call = client.submitSum(done);
      call.on("error", () => {}); // the callback hears of it
      call.write({ part: { $case: "chunk", value: { offsetBytes: 0, data: Buffer.alloc(1024 * 1024), crc32c: 0 } } });
    }).finally(() => client.close());
  };
  const subscribe = (role: Role) => {
    const { target, credentials, options } = as(role);
    const client = new TelemetryClient(target, credentials, options);
    return called((done) => {
      const call = client.subscribe({});
      call.on("error", (error: ServiceError) => done(error, null));
      call.once("data", (event) => {
        done(null, event);
        call.cancel();
      });
    }).finally(() => client.close());
  };
  const stop = (role: Role) => {
    const { target, credentials, options } = as(role);
    const client = new ControlClient(target, credentials, options);
    return called((done) => client.stop({ reason: "enough" }, done)).finally(() => client.close());
  };

  await refused(submit("exporter"), { code: "role", status: status.PERMISSION_DENIED });
  await refused(getRun("exporter", token), { code: "role", status: status.PERMISSION_DENIED });
  await refused(getRun("worker", null), { code: "join-token", status: status.UNAUTHENTICATED });
  await refused(getRun("worker", `${token}x`), { code: "join-token", status: status.UNAUTHENTICATED });
  await refused(subscribe("worker"), { code: "role", status: status.PERMISSION_DENIED });
  await refused(stop("exporter"), { code: "role", status: status.PERMISSION_DENIED });
  await refused(stop("worker"), { code: "role", status: status.PERMISSION_DENIED });
  const refusals = lines.filter((line) => line.startsWith("refused"));
  assert.equal(refusals.length, 7);
  assert.equal(
    refusals[0],
    "refused a call: a certificate for the role exporter may not call /lockstep.v1.Coordinator/SubmitSum: worker may",
  );
  assert.equal(refusals[3], "refused a call: the join token is not the coordinator's");

  await getRun("worker", token);
  await subscribe("exporter");
  await subscribe("operator");
  for (const role of roles) {
    assert.equal(await checkHealth({ address, tls: { folder: join(certs, role) }, timeoutMs: 5_000, log }), "SERVING");
  }
  await stop("operator");
  assert.equal((await summary).reason, "enough");
});

test("a coordinator without a token warns of it, and one with a token that is too short does not start", async (t) => {
  const { out, remove } = await prepareFolder(tinyRun());
  t.after(remove);
  const certs = join(out, "certs");
  await initCertificates({ folder: certs, days: 1, renew: false, nowMs: Date.now() });
  await writeFile(join(certs, "coordinator", "join-token"), "short");
  const options = { listen: "127.0.0.1:0", tls: join(certs, "coordinator") };
  await assert.rejects(start(out, options), /join token .*join-token: must hold one line of at least 22/);

  await rm(join(certs, "coordinator", "join-token"));
  const lines: string[] = [];
  const log = { info: () => {}, warn: (_: object, message: string) => void lines.push(message) };
  const { summary, stop } = await start(out, { ...options, log });
  stop("enough");
  await summary;
  assert.match(lines.join("\n"), /no join token: whoever has a worker's certificate may join/);
});

function called<T>(start: (done: (error: ServiceError | null, answer: T) => void) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, answer) => (error === null ? resolve(answer) : reject(error)));
  });
}

async function refused(call: Promise<unknown>, expected: { code: string; status: status }): Promise<void> {
  await assert.rejects(call, (error: ServiceError) => {
    const known = fromServiceError(error);
    assert.ok(known instanceof WireError, String(error));
    assert.deepEqual({ code: known.code, status: error.code }, expected);
    return true;
  });
}
