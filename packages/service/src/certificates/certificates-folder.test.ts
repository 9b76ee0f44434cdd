import assert from "node:assert/strict";
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { UserError } from "@lockstep/errors";
import { hostsOf, roleOf, roles } from "../tls/role.js";
import { readTlsFolder } from "../tls/tls-folder.js";
import { dayMs } from "../tls/tls-identity.js";
import {
  type CertificatesMade,
  type CertificatesOptions,
  defaultHosts,
  initCertificates,
} from "./certificates-folder.js";
import { describeCertificates } from "./describe-certificates.js";

describe("the certificates' folder", () => {
  let dir = "";
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "lockstep-certs-"));
  });
  after(() => rm(dir, { recursive: true }));
  const init = (name: string, options: Partial<CertificatesOptions> = {}) =>
    initCertificates({ folder: join(dir, name), days: 365, renew: false, nowMs: Date.now(), ...options });
  const madeOf = ({ certificates }: CertificatesMade) =>
    certificates.flatMap(({ role, reason }) => (reason === null ? [] : [role]));
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
    await assert.rejects(
      init("keyless", { renew: true }),
      /keyless\/ca\/ca.key: is missing, and is needed to sign the certificate for coordinator/,
    );
  });

  it("may trust another CA besides its own, as cat writes it, and is shown with both", async () => {
    await init("former");
    await init("next");
    const both = (await text("former", "worker", "ca.crt")) + (await text("next", "worker", "ca.crt"));
    await writeFile(join(dir, "former", "worker", "ca.crt"), both);
    assert.deepEqual(madeOf(await init("former")), []);
    assert.deepEqual(madeOf(await init("former", { renew: true })), roles);
    assert.equal(await text("former", "worker", "ca.crt"), both);
    readTlsFolder({ folder: join(dir, "former", "worker"), role: "worker" }, Date.now());
    const shown = await describeCertificates(join(dir, "former", "worker"), Date.now());
    assert.deepEqual(
      shown.map(({ path }) => basename(path)),
      ["ca.crt", "ca.crt", "tls.crt"],
    );
  });

  it("refuses a CA that cannot sign: each in one line", async () => {
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs8", format: "pem" });
    await init("bad");
    await init("good");
    const [crt, key] = [await text("bad", "ca", "ca.crt"), await text("bad", "ca", "ca.key")];
    const faults: readonly (readonly [name: string, content: string, words: RegExp])[] = [
      ["ca.key", await text("good", "ca", "ca.key"), /bad\/ca\/ca.key: is not the key of .*bad\/ca\/ca.crt/],
      ["ca.key", "garbage", /ca.key: is no private key in PEM/],
      ["ca.key", String(rsa), /ca.key: is a key of the kind rsa; must be an EC P-256 key/],
      ["ca.crt", "garbage", /ca.crt: is no certificate in PEM/],
      ["ca.crt", `${crt}${crt}`, /ca.crt: holds 2 certificates/],
      ["ca.crt", await text("bad", "worker", "tls.crt"), /ca.crt: is no certificate of a CA/],
    ];
    for (const renew of [false, true]) {
      for (const [name, content, words] of faults) {
        await writeFile(join(dir, "bad", "ca", name), content);
        await assert.rejects(
          init("bad", { renew }),
          (error) => error instanceof UserError && words.test(error.message) && !error.message.includes("\n"),
        );
        await writeFile(join(dir, "bad", "ca", "ca.crt"), crt);
        await writeFile(join(dir, "bad", "ca", "ca.key"), key);
      }
    }
    assert.deepEqual(madeOf(await init("bad")), []);
  });

  it("names the CA when that is about to end, and does not make again what ends with it; then refuses", async () => {
    await init("ending");
    const endMs = Date.now() + 3650 * dayMs;
    const lateMs = endMs - 3 * dayMs;
    const late = await init("ending", { nowMs: lateMs });
    assert.deepEqual(madeOf(late), roles);
    assert.match(late.warning ?? "", /ending\/ca\/ca.crt: the CA and all its certificates expire on .*make a new CA/);
    const again = await init("ending", { nowMs: lateMs + 2.5 * dayMs });
    assert.deepEqual([madeOf(again), again.warning], [[], late.warning]);
    await assert.rejects(init("ending", { nowMs: endMs + dayMs }), /ending\/ca\/ca.crt: expired on/);
    assert.equal((await init("young")).warning, null);
  });

  it("keeps certificates of a short life for two thirds of it", async () => {
    await init("short", { days: 1 });
    assert.deepEqual(madeOf(await init("short", { days: 1 })), []);
    assert.deepEqual(madeOf(await init("short", { days: 1, nowMs: Date.now() + 0.6 * dayMs })), []);
    assert.deepEqual(madeOf(await init("short", { days: 1, nowMs: Date.now() + 0.7 * dayMs })), roles);
  });

  it("has one CA, however many make it at once, and goes on with the key of one that was killed", async () => {
    const made = await Promise.all(Array.from({ length: 5 }, () => init("raced")));
    assert.deepEqual(
      made.map(madeOf).filter((roles) => roles.length > 0),
      [roles],
    );
    const authority = new X509Certificate(await text("raced", "ca", "ca.crt"));
    for (const role of roles) assert.ok((await certificateOf("raced", role)).verify(authority.publicKey));
    const key = await text("raced", "ca", "ca.key");
    await mkdir(join(dir, "killed", "ca"), { recursive: true });
    await writeFile(join(dir, "killed", "ca", "ca.key"), key);
    assert.deepEqual(madeOf(await init("killed")), roles);
    assert.equal(await text("killed", "ca", "ca.key"), key);
  });

  it("is judged again under the lock, and not locked while it is sound", async () => {
    const events: string[] = [];
    const lock = async (folder: string) => {
      events.push(`locked ${basename(folder)}`);
      if (events.length === 1) await init("locked"); // as another process would
      return { release: async () => void events.push("released") };
    };
    assert.deepEqual(madeOf(await init("locked", { lock })), []);
    assert.deepEqual(events, ["locked ca", "released"]);
    await init("locked", { lock });
    assert.equal(events.length, 2);
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
    const infos = await describeCertificates(join(dir, "shown"), Date.now() + 25 * dayMs);
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
