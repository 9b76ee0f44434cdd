import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { UserError } from "@lockstep/errors";
import { hostsOf, roleOf, roles } from "../tls/role.js";
import { readTlsFolder } from "../tls/tls-folder.js";
import { dayMs } from "../tls/tls-identity.js";
import {
  type CertificatesOptions,
  defaultHosts,
  describeCertificates,
  initCertificates,
  type MadeCertificate,
} from "./certificates-folder.js";

describe("the certificates' folder", () => {
  let dir = "";
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "lockstep-certs-"));
  });
  after(() => rm(dir, { recursive: true }));
  const init = (name: string, options: Partial<CertificatesOptions> = {}) =>
    initCertificates({ folder: join(dir, name), days: 365, renew: false, nowMs: Date.now(), ...options });
  const madeOf = (made: readonly MadeCertificate[]) =>
    made.flatMap(({ role, reason }) => (reason === null ? [] : [role]));
  const text = (name: string, ...path: string[]) => readFile(join(dir, name, ...path), "utf8");
  const certificateOf = async (name: string, role: string) => new X509Certificate(await text(name, role, "tls.crt"));

  it("has a CA and, for each role, what its processes take", async () => {
    assert.deepEqual(madeOf(await init("new")), roles);
    const authority = new X509Certificate(await text("new", "ca", "ca.crt"));
    assert.equal(authority.ca, true);
    for (const role of roles) {
      const { notAfterMs } = readTlsFolder({ folder: join(dir, "new", role), role }, Date.now());
      assert.ok(Math.abs(notAfterMs - (Date.now() + 365 * dayMs)) < dayMs);
      const certificate = await certificateOf("new", role);
      assert.equal(roleOf(certificate.subjectAltName), role);
      assert.deepEqual(hostsOf(certificate.subjectAltName), role === "coordinator" ? defaultHosts : []);
      assert.ok(certificate.verify(authority.publicKey));
      assert.equal(await text("new", role, "ca.crt"), await text("new", "ca", "ca.crt"));
      assert.equal((await stat(join(dir, "new", role, "tls.key"))).mode & 0o777, 0o600);
      assert.equal((await stat(join(dir, "new", role))).mode & 0o777, 0o700);
    }
    const withToken = ["coordinator", "worker"];
    for (const role of roles) {
      assert.equal((await readdir(join(dir, "new", role))).includes("join-token"), withToken.includes(role));
    }
    assert.equal(await text("new", "coordinator", "join-token"), await text("new", "worker", "join-token"));
    assert.equal((await stat(join(dir, "new", "ca", "ca.key"))).mode & 0o777, 0o600);
  });

  it("is kept as it is when it is sound", async () => {
    await init("kept");
    const before = await snapshot(join(dir, "kept"));
    assert.deepEqual(madeOf(await init("kept")), []);
    assert.deepEqual(madeOf(await init("kept", { hosts: ["127.0.0.1", "LOCALHOST", "coordinator"] })), []);
    assert.deepEqual(await snapshot(join(dir, "kept")), before);
  });

  it("is mended where it is not: what is missing, damaged, of another CA, about to expire, for other hosts", async () => {
    await init("mended", { days: 20 });
    await rm(join(dir, "mended", "exporter"), { recursive: true });
    await writeFile(join(dir, "mended", "worker", "tls.key"), "damaged");
    await init("foreign");
    await writeFile(join(dir, "mended", "operator", "tls.crt"), await text("foreign", "operator", "tls.crt"));
    await writeFile(join(dir, "mended", "operator", "tls.key"), await text("foreign", "operator", "tls.key"));
    assert.deepEqual(madeOf(await init("mended")), ["worker", "exporter", "operator"]);
    assert.deepEqual(madeOf(await init("mended", { hosts: ["::1", "trainer"] })), ["coordinator"]);
    assert.deepEqual(hostsOf((await certificateOf("mended", "coordinator")).subjectAltName), ["::1", "trainer"]);
    const later = Date.now() + 352 * dayMs;
    assert.deepEqual(madeOf(await init("mended", { nowMs: later })), roles);
    assert.deepEqual(hostsOf((await certificateOf("mended", "coordinator")).subjectAltName), ["::1", "trainer"]);
  });

  it("is renewed by the same CA, with the same hosts and token", async () => {
    await init("renewed", { hosts: ["trainer"] });
    const former = await certificateOf("renewed", "worker");
    const [ca, token] = [await text("renewed", "ca", "ca.crt"), await text("renewed", "worker", "join-token")];
    assert.deepEqual(madeOf(await init("renewed", { renew: true, days: 30 })), roles);
    assert.notEqual((await certificateOf("renewed", "worker")).serialNumber, former.serialNumber);
    assert.deepEqual(hostsOf((await certificateOf("renewed", "coordinator")).subjectAltName), ["trainer"]);
    assert.deepEqual(
      [await text("renewed", "ca", "ca.crt"), await text("renewed", "worker", "join-token")],
      [ca, token],
    );
  });

  it("needs no CA's key while all is sound, and says so when it does", async () => {
    await init("keyless");
    await rm(join(dir, "keyless", "ca", "ca.key"));
    assert.deepEqual(madeOf(await init("keyless")), []);
    await assert.rejects(init("keyless", { renew: true }), /keyless\/ca\/ca.key: is missing, and the certificate for/);
  });

  it("is never made where something else lies, nor in the place of a lost CA", async () => {
    await mkdir(join(dir, "photos"));
    await writeFile(join(dir, "photos", "holiday.jpg"), "mine");
    await assert.rejects(
      init("photos"),
      (error) => error instanceof UserError && /holds holiday.jpg/.test(error.message),
    );
    assert.deepEqual(await readdir(join(dir, "photos")), ["holiday.jpg"]);
    await init("lost");
    await rm(join(dir, "lost", "ca"), { recursive: true });
    await assert.rejects(init("lost"), /put its CA back/);
    await assert.rejects(init("photos/holiday.jpg"), UserError);
  });

  it("may hold a volume for each role, empty as yet; one that holds something is not written over", async () => {
    for (const role of ["ca", ...roles]) await mkdir(join(dir, "volumes", role, "lost+found"), { recursive: true });
    assert.deepEqual(madeOf(await init("volumes")), roles);
    await mkdir(join(dir, "other", "worker"), { recursive: true });
    await writeFile(join(dir, "other", "worker", "tls.key"), "mine");
    await assert.rejects(init("other"), /other: holds worker, and no ca\/ca.crt/);
    assert.equal(await text("other", "worker", "tls.key"), "mine");
  });

  it("is described, with what expires soon", async () => {
    await init("shown", { days: 30 });
    const infos = await describeCertificates(join(dir, "shown"), Date.now() + 20 * dayMs);
    assert.deepEqual(
      infos.map(({ role, isNearExpiry }) => [role, isNearExpiry]),
      [[null, false], ...roles.map((role) => [role, true])],
    );
    const [ca, own] = await describeCertificates(join(dir, "shown", "worker"), Date.now());
    assert.deepEqual([ca?.subject, own?.subject, own?.role], ["CN=Lockstep CA", "CN=lockstep worker", "worker"]);
    await assert.rejects(describeCertificates(dir, Date.now()), /holds no certificate/);
  });
});

async function snapshot(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(paths.sort().map(async (path) => `${path} ${await readFile(path, "utf8")}`));
}
