// Tests which callers may call which methods: the table, the check, and a coordinator that requires certificates and a
// token.
import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type ServiceError, status } from "@grpc/grpc-js";
import { ControlService, CoordinatorService, fromServiceError, TelemetryService, WireError } from "@lockstep/protocol";
import { checkHealth, findJoinToken, healthDefinition, initCertificates, type Role, roles } from "@lockstep/service";
import { prepareFolder, tinyRun } from "../testing/prepared-folder.js";
import { start } from "../testing/running-coordinator.js";
import { type CallerOptions, TestCaller } from "../testing/test-caller.js";
import { checkCaller } from "./method-guard.js";
import { methodRoles } from "./method-roles.js";

// A second copy of the table. [roles that may call it, whether a token is required with certificates, and without them]
const expected: Readonly<Record<string, readonly [readonly Role[], boolean, boolean]>> = {
  "/lockstep.v1.Coordinator/GetRun": [["worker"], true, true],
  "/lockstep.v1.Coordinator/Join": [["worker"], true, true],
  "/lockstep.v1.Coordinator/Attend": [["worker"], false, false],
  "/lockstep.v1.Coordinator/FetchWeights": [["worker"], false, false],
  "/lockstep.v1.Coordinator/SubmitSum": [["worker"], false, false],
  "/lockstep.v1.Telemetry/Subscribe": [["exporter", "operator"], false, true],
  "/lockstep.v1.Telemetry/GetStatus": [["exporter", "operator"], false, true],
  "/lockstep.v1.Control/Stop": [["operator"], false, true],
  "/grpc.health.v1.Health/Check": [roles, false, false],
  "/grpc.health.v1.Health/Watch": [roles, false, false],
  "/grpc.health.v1.Health/List": [roles, false, false],
};

test("the table has exactly the methods that the coordinator serves", () => {
  const served = [CoordinatorService, TelemetryService, ControlService, healthDefinition].flatMap((service) =>
    Object.values(service).map(({ path }: { readonly path: string }) => path),
  );
  assert.deepEqual([...methodRoles.keys()].toSorted(), served.toSorted());
  assert.deepEqual(Object.keys(expected).toSorted(), served.toSorted());
});

test("a role may call only its methods of the table, and no role may call an unknown method", () => {
  for (const [method, [allowed]] of [
    ...Object.entries(expected),
    ["/lockstep.v1.Coordinator/Unknown", [[]]] as const,
  ]) {
    const mayCall = (role: Role | null) =>
      checkCaller({ method, role, token: null }, { hasRoles: true, joinToken: null }) === null;
    const callers = roles.filter(mayCall);
    assert.deepEqual(callers, allowed, method);
    assert.equal(mayCall(null), false, method);
  }
});

test("the token is required to join, and without certificates by each method that needs no session", () => {
  const joinToken = { matches: (offered: string) => offered === "right" };
  for (const [method, [[role = null], besideCertificate, withoutOne]] of Object.entries(expected)) {
    for (const [hasRoles, isAsked] of [
      [true, besideCertificate],
      [false, withoutOne],
    ] as const) {
      const codeOf = (token: string | null) =>
        checkCaller({ method, role: hasRoles ? role : null, token }, { hasRoles, joinToken })?.code;
      const refusal = isAsked ? "join-token" : undefined;
      assert.deepEqual([codeOf("right"), codeOf("wrong"), codeOf(null)], [undefined, refusal, refusal], method);
    }
  }
  const unknown = { method: "/lockstep.v1.Coordinator/Unknown", role: null, token: null };
  assert.equal(checkCaller(unknown, { hasRoles: false, joinToken })?.code, "join-token");
});

test("a coordinator with certificates allows each role only its methods, and logs what it refused", async (t) => {
  const { out, remove } = await prepareFolder(tinyRun());
  t.after(remove);
  const certs = join(out, "certs");
  await initCertificates({ folder: certs, days: 1, renew: false, nowMs: Date.now() });
  const lines: string[] = [];
  const log = { info: () => {}, warn: (_: object, message: string) => void lines.push(message) };
  const {
    address,
    summary,
    stop: end,
  } = await start(out, {
    ...{ listen: "127.0.0.1:0", tls: join(certs, "coordinator"), log },
  });
  t.after(() => end("the test is over"));
  const as = (role: Role, sent: string | null = null) =>
    caller(t, { address, tls: { folder: join(certs, role), role }, token: sent });
  const token = findJoinToken({ tlsFolder: join(certs, "worker") })?.current() ?? "";

  const refusedRole = { code: "role", status: status.PERMISSION_DENIED };
  const refusedToken = { code: "join-token", status: status.UNAUTHENTICATED };
  await refused(as("exporter").submitSum(), refusedRole);
  await refused(as("exporter", token).getRun(), refusedRole);
  await refused(as("worker").getRun(), refusedToken);
  await refused(as("worker", `${token}x`).getRun(), refusedToken);
  await refused(as("worker").subscribe(), refusedRole);
  await refused(as("exporter").stop("enough"), refusedRole);
  await refused(as("worker").stop("enough"), refusedRole);
  const refusals = lines.filter((line) => line.startsWith("refused"));
  assert.equal(refusals.length, 7);
  assert.equal(
    refusals[0],
    "refused a call: a certificate for the role exporter may not call /lockstep.v1.Coordinator/SubmitSum: allowed is worker",
  );
  assert.equal(refusals[3], "refused a call: the join token is not the coordinator's");

  await as("worker", token).getRun();
  await as("exporter").subscribe();
  await as("operator").subscribe();
  for (const role of roles) {
    assert.equal(await checkHealth({ address, tls: { folder: join(certs, role) }, timeoutMs: 5_000, log }), "SERVING");
  }
  await as("operator").stop("enough");
  assert.equal((await summary).reason, "enough");
});

test("without certificates, callers without the token can neither join, watch nor stop the run", async (t) => {
  const { out, remove } = await prepareFolder(tinyRun());
  t.after(remove);
  const [joinTokenFile, token] = [join(out, "token"), "a-token-of-this-test-alone"];
  await writeFile(joinTokenFile, token);
  const lines: string[] = [];
  const log = { info: () => {}, warn: (_: object, message: string) => void lines.push(message) };
  const { address, summary, stop: end } = await start(out, { listen: "127.0.0.1:0", joinTokenFile, log });
  t.after(() => end("the test is over"));

  for (const sent of [null, `${token}x`]) {
    const outsider = caller(t, { address, token: sent });
    for (const call of [
      () => outsider.getRun(),
      () => outsider.getStatus(),
      () => outsider.subscribe(),
      () => outsider.stop("by an outsider"),
    ]) {
      await refused(call(), { code: "join-token", status: status.UNAUTHENTICATED });
    }
    // SubmitSum requires a session, which only a caller with the token gets.
    await refused(outsider.submitSum(), { code: "bad-request", status: status.INVALID_ARGUMENT });
    assert.equal(await checkHealth({ address, timeoutMs: 5_000, log }), "SERVING");
  }
  // Four refusals of each kind are one line each, so that a caller cannot fill the log.
  assert.deepEqual(
    lines.filter((line) => line.startsWith("refused")),
    [
      "refused a call: no join token was sent; give it by --join-token-file",
      "refused a call: the join token is not the coordinator's",
    ],
  );
  const member = caller(t, { address, token });
  await member.getRun();
  await member.getStatus();
  await member.subscribe();
  await member.stop("enough");
  assert.equal((await summary).reason, "enough");
});

test("a coordinator without a token logs a warning, and one with a short token does not start", async (t) => {
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
  assert.match(lines.join("\n"), /no join token: every holder of a worker's certificate may join/);
});

function caller(t: TestContext, options: CallerOptions): TestCaller {
  const made = new TestCaller(options);
  t.after(() => made.close());
  return made;
}

async function refused(call: Promise<unknown>, wanted: { code: string; status: status }): Promise<void> {
  await assert.rejects(call, (error: ServiceError) => {
    const known = fromServiceError(error);
    assert.ok(known instanceof WireError, String(error));
    assert.deepEqual({ code: known.code, status: error.code }, wanted);
    return true;
  });
}
