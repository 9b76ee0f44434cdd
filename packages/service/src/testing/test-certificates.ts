// Makes certificates for tests with `TestCertificates`: TLS folders of any role, date and CA, right or wrong.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAuthority, issueCertificate, type KeyedCertificate, type Validity } from "../certificates/authority.js";
import type { Role } from "../tls/role.js";
import { tlsFiles } from "../tls/tls-folder.js";
import { dayMs } from "../tls/tls-identity.js";

/** Days from now. */
export function validity(fromDays: number, toDays: number): Validity {
  const nowMs = Date.now();
  return { notBeforeMs: nowMs + fromDays * dayMs, notAfterMs: nowMs + toDays * dayMs };
}

export interface TlsFolderOptions {
  readonly role: Role;
  readonly by: KeyedCertificate;
  /** What ca.crt holds. Default: the one that signs. */
  readonly trusts?: readonly KeyedCertificate[];
  /** Default: a year, from yesterday. */
  readonly validity?: Validity;
}

export class TestCertificates {
  readonly path: string;
  readonly #others = new Map<string, KeyedCertificate>();

  private constructor(path: string) {
    this.path = path;
  }

  static async create(): Promise<TestCertificates> {
    return new TestCertificates(await mkdtemp(join(tmpdir(), "lockstep-tls-")));
  }

  /** One for each name. */
  async authority(name = "first"): Promise<KeyedCertificate> {
    const authority = this.#others.get(name) ?? (await createAuthority(`test ${name}`, validity(-1, 3650)));
    this.#others.set(name, authority);
    return authority;
  }

  /** Writes the folder, over one that is there. */
  async write(name: string, options: TlsFolderOptions): Promise<string> {
    const { role, by, trusts = [by] } = options;
    const hosts = role === "coordinator" ? ["localhost", "127.0.0.1"] : [];
    const issued = await issueCertificate(by, { role, hosts, ...(options.validity ?? validity(-1, 365)) });
    const folder = join(this.path, name);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, tlsFiles.ca), trusts.map(({ certificate }) => certificate).join(""));
    await writeFile(join(folder, tlsFiles.key), issued.key);
    await writeFile(join(folder, tlsFiles.certificate), issued.certificate);
    return folder;
  }

  remove(): Promise<void> {
    return rm(this.path, { recursive: true });
  }
}
