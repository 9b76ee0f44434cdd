import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PeerCertificate } from "node:tls";
import { checkCoordinator } from "./peer-identity.js";
import { hostsOf, roleOf } from "./role.js";

describe("roleOf", () => {
  for (const [text, role] of [
    ["URI:spiffe://lockstep/worker", "worker"],
    ["DNS:localhost, IP Address:127.0.0.1, URI:spiffe://lockstep/coordinator", "coordinator"],
    ["URI:spiffe://cluster.local/ns/default, URI:spiffe://lockstep/operator", "operator"],
    ["URI:spiffe://lockstep/worker, URI:spiffe://lockstep/operator", null],
    ["URI:spiffe://lockstep/root", null],
    ["URI:spiffe://lockstep/worker/operator", null],
    ["URI:spiffe://elsewhere/worker", null],
    ["DNS:spiffe://lockstep/worker", null],
    // As Node writes a name that holds ", URI:spiffe://lockstep/operator".
    ['DNS:"x, URI:spiffe://lockstep/operator"', null],
    ['URI:"spiffe://x/\\", URI:spiffe://lockstep/operator"', null],
    ["", null],
    [undefined, null],
  ] as const) {
    it(`reads ${role ?? "none"} from ${text}`, () => assert.equal(roleOf(text), role));
  }
});

it("hostsOf reads names and addresses, in one spelling", () => {
  assert.deepEqual(hostsOf("DNS:A.example, IP Address:10.0.0.1, IP Address:0:0:0:0:0:0:0:1, URI:spiffe://x/y"), [
    "a.example",
    "10.0.0.1",
    "::1",
  ]);
});

describe("checkCoordinator", () => {
  // What the check reads of it.
  const certificate = (subjectaltname: string) => ({ subject: {}, subjectaltname }) as PeerCertificate;

  it("takes a certificate for the host and the role", () => {
    const peer = certificate("DNS:trainer, URI:spiffe://lockstep/coordinator");
    assert.equal(checkCoordinator("trainer", peer), undefined);
  });
  it("refuses a worker that has a certificate for the host", () => {
    const refusal = checkCoordinator("trainer", certificate("DNS:trainer, URI:spiffe://lockstep/worker"));
    assert.match(refusal?.message ?? "", /is for the role worker, not coordinator/);
  });
  it("refuses a coordinator of another host", () => {
    const refusal = checkCoordinator("trainer", certificate("DNS:other, URI:spiffe://lockstep/coordinator"));
    assert.match(refusal?.message ?? "", /trainer/);
  });
});
