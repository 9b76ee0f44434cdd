import "reflect-metadata";
import assert from "node:assert/strict";
import { KeyObject, webcrypto } from "node:crypto";
import { appendFile, copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { UserError } from "@lockstep/errors";
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";
import { createRecordingLog } from "../testing/recording-log.js";
import { TestCertificates, validity } from "../testing/test-certificates.js";
import { roleUri } from "./role.js";
import { dayMs, TlsIdentity } from "./tls-identity.js";

const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

describe("TlsIdentity", () => {
  let certificates: TestCertificates;
  before(async () => {
    certificates = await TestCertificates.create();
  });
  after(() => certificates.remove());
  const worker = async (name: string, lifetime = validity(-1, 365)) =>
    certificates.write(name, { role: "worker", by: await certificates.authority(), validity: lifetime });
  const open = (folder: string, log = createRecordingLog(), nowMs = Date.now) =>
    new TlsIdentity({ folder, role: "worker", log, nowMs });
  const refuses = (folder: string, words: RegExp) =>
    assert.throws(
      () => open(folder),
      (error) => error instanceof UserError && words.test(error.message),
    );

  it("refuses a folder that lacks a file, naming it", async () => {
    for (const name of ["ca.crt", "tls.crt", "tls.key"]) {
      const folder = await worker("lacking");
      await rm(join(folder, name));
      refuses(folder, new RegExp(`lacking/${name}: is missing`));
    }
  });

  it("refuses a file that cannot be read", async () => {
    const folder = await worker("nested");
    await rm(join(folder, "tls.key"));
    await mkdir(join(folder, "tls.key"));
    refuses(folder, /nested\/tls.key: cannot be read: EISDIR/);
  });

  it("refuses files that are no PEM", async () => {
    const folder = await worker("garbled");
    await writeFile(join(folder, "tls.key"), "not a key");
    refuses(folder, /tls.key: is no private key in PEM/);
    await writeFile(join(folder, "tls.crt"), "not a certificate");
    refuses(folder, /tls.crt: is no certificate in PEM/);
  });

  it("refuses a list of certificates of which one cannot be read, whichever it is", async () => {
    const folder = await worker("listed");
    for (const name of ["ca.crt", "tls.crt"]) {
      const sound = await readFile(join(folder, name), "utf8");
      await writeFile(join(folder, name), `${sound}${broken}`);
      refuses(folder, new RegExp(`listed/${name}: its certificate 2 cannot be read`));
      await writeFile(join(folder, name), `${sound.trimEnd()}${sound}`); // two lines became one
      refuses(folder, new RegExp(`listed/${name}: .*must begin and end on lines of its own`));
      await writeFile(join(folder, name), `said by openssl\n${sound}between\n${sound}`);
      assert.equal(open(folder).folder, folder);
      await writeFile(join(folder, name), sound);
    }
  });

  it("keeps what it has when a list becomes broken while it runs", async () => {
    const log = createRecordingLog();
    const folder = await worker("breaking");
    const identity = open(folder, log);
    const former = identity.material;
    await appendFile(join(folder, "tls.crt"), broken);
    identity.refresh();
    assert.equal(identity.material, former);
    assert.deepEqual(log.lines, ["warn the TLS files cannot be used; those read before are"]);
  });

  it("refuses what can be parsed and OpenSSL does not take: a key that is too short", async () => {
    const folder = await worker("weak");
    const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
    const size = { modulusLength: 512, publicExponent: new Uint8Array([1, 0, 1]) };
    const keys = await webcrypto.subtle.generateKey({ ...algorithm, ...size }, true, ["sign", "verify"]);
    const certificate = await X509CertificateGenerator.createSelfSigned({
      name: "CN=weak",
      signingAlgorithm: algorithm,
      keys,
      extensions: [new SubjectAlternativeNameExtension([{ type: "url", value: roleUri("worker") }])],
    });
    await writeFile(join(folder, "tls.crt"), certificate.toString("pem"));
    await writeFile(join(folder, "tls.key"), KeyObject.from(keys.privateKey).export({ type: "pkcs8", format: "pem" }));
    refuses(folder, /weak: OpenSSL cannot use its ca.crt, tls.crt, tls.key \(--tls\)/);
  });

  it("refuses a key that does not fit the certificate", async () => {
    const [folder, other] = [await worker("one"), await worker("two")];
    await copyFile(join(other, "tls.key"), join(folder, "tls.key"));
    refuses(folder, /one\/tls.key: is not the key of .*one\/tls.crt/);
  });

  it("refuses a certificate of another role, an expired one, and one that is not valid yet", async () => {
    const by = await certificates.authority();
    refuses(
      await certificates.write("exporter", { role: "exporter", by }),
      /is for the role exporter, this process needs worker/,
    );
    refuses(await worker("expired", validity(-10, -1)), /expired\/tls.crt: expired on .*--renew/);
    refuses(await worker("early", validity(1, 10)), /early\/tls.crt: is not valid before/);
  });

  it("warns of a certificate that expires soon, once a day", async () => {
    const log = createRecordingLog();
    let nowMs = Date.now();
    const identity = open(await worker("soon", validity(-300, 3.5)), log, () => nowMs);
    identity.refresh();
    nowMs += dayMs;
    identity.refresh();
    nowMs += 3 * dayMs;
    identity.refresh();
    assert.deepEqual(
      log.lines.filter((line) => line.includes("renew it")),
      [3, 2]
        .map((days) => `warn the TLS certificate expires in ${days} days: renew it`)
        .concat(["warn the TLS certificate has expired: renew it"]),
    );
  });

  it("takes new files over, and keeps those it has while new ones are broken, saying so once", async () => {
    const log = createRecordingLog();
    const folder = await worker("rotating");
    const identity = open(folder, log);
    const former = identity.material.certificate;
    const key = identity.material.key;
    await worker("rotating");
    const renewed = await worker("elsewhere");
    await writeFile(join(folder, "tls.key"), key); // of the former certificate
    identity.refresh();
    identity.refresh();
    assert.equal(identity.material.certificate, former);
    for (const name of ["tls.crt", "tls.key"]) await copyFile(join(renewed, name), join(folder, name));
    identity.refresh();
    assert.notDeepEqual(identity.material.certificate, former);
    assert.deepEqual(log.lines, [
      "warn the TLS files cannot be used; those read before are",
      "info new TLS files: used from the next connection on",
    ]);
  });
});
