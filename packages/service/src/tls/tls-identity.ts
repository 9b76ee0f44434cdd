// Keeps a process' own certificate up to date with `TlsIdentity`: it reads the files again and again, so that new connections use new
// files without a restart. grpc-js has such a watcher too (FileWatcherCertificateProvider), but it returns a key and a certificate that
// do not belong together, and drops the credentials while a file is being replaced.
import type { experimental } from "@grpc/grpc-js";
import { describeError, type Log } from "@lockstep/errors";
import { readTlsFolder, type TlsMaterial, type TlsRequirement } from "./tls-folder.js";

export const dayMs = 24 * 60 * 60 * 1000;
const nearExpiryMs = 14 * dayMs;
const refreshMs = 10_000;

/** In the last 14 days of a certificate, or the last third of a short validity, a warning is logged, and `certs init` renews it. */
export function isNearExpiry(
  { notBeforeMs, notAfterMs }: { readonly notBeforeMs: number; readonly notAfterMs: number },
  nowMs: number,
): boolean {
  return notAfterMs - nowMs < Math.min(nearExpiryMs, (notAfterMs - notBeforeMs) / 3);
}

export interface TlsOptions extends TlsRequirement {
  /** How often the files are read. Default 10 s. */
  readonly refreshMs?: number | undefined;
  /** Unix time. Default Date.now. */
  readonly nowMs?: (() => number) | undefined;
}

export class TlsIdentity implements experimental.CertificateProvider {
  readonly #options: TlsOptions & { readonly log: Log };
  readonly #nowMs: () => number;
  readonly #caListeners = new Set<experimental.CaCertificateUpdateListener>();
  readonly #identityListeners = new Set<experimental.IdentityCertificateUpdateListener>();
  #material: TlsMaterial;
  #timer: NodeJS.Timeout | null = null;
  /** Why the present files are not used; null while they are. */
  #fault: string | null = null;
  #warnedMs = Number.NEGATIVE_INFINITY;

  /** @throws UserError for a folder that cannot be used */
  constructor(options: TlsOptions & { readonly log: Log }) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? Date.now;
    this.#material = readTlsFolder(options, this.#nowMs());
    this.#warnOfExpiry();
  }

  get folder(): string {
    return this.#options.folder;
  }

  get material(): TlsMaterial {
    return this.#material;
  }

  /** Broken files change nothing: what was read before stays in use, with a warning. */
  refresh(): void {
    const { folder, log } = this.#options;
    try {
      const material = readTlsFolder(this.#options, this.#nowMs());
      this.#fault = null;
      if (!isSame(material, this.#material)) {
        this.#material = material;
        this.#warnedMs = Number.NEGATIVE_INFINITY;
        log.info(
          { folder, validUntil: isoDate(material.notAfterMs) },
          "new TLS files: used from the next connection on",
        );
        for (const listener of this.#caListeners) listener({ caCertificate: material.ca });
        for (const listener of this.#identityListeners) listener(identityOf(material));
      }
    } catch (error) {
      const fault = describeError(error);
      if (fault !== this.#fault)
        log.warn({ folder, reason: fault }, "the TLS files cannot be used; those read before are");
      this.#fault = fault;
    }
    this.#warnOfExpiry();
  }

  // A new listener gets the present material later than in this call: grpc-js is not ready for it while it adds the listener.
  addCaCertificateListener(listener: experimental.CaCertificateUpdateListener): void {
    this.#caListeners.add(listener);
    process.nextTick(() => listener({ caCertificate: this.#material.ca }));
    this.#watch();
  }

  addIdentityCertificateListener(listener: experimental.IdentityCertificateUpdateListener): void {
    this.#identityListeners.add(listener);
    process.nextTick(() => listener(identityOf(this.#material)));
    this.#watch();
  }

  removeCaCertificateListener(listener: experimental.CaCertificateUpdateListener): void {
    this.#caListeners.delete(listener);
    this.#unwatch();
  }

  removeIdentityCertificateListener(listener: experimental.IdentityCertificateUpdateListener): void {
    this.#identityListeners.delete(listener);
    this.#unwatch();
  }

  #watch(): void {
    this.#timer ??= setInterval(() => this.refresh(), this.#options.refreshMs ?? refreshMs).unref();
  }

  #unwatch(): void {
    if (this.#timer === null || this.#caListeners.size + this.#identityListeners.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Once a day. */
  #warnOfExpiry(): void {
    const nowMs = this.#nowMs();
    const leftMs = this.#material.notAfterMs - nowMs;
    if (!isNearExpiry(this.#material, nowMs) || nowMs - this.#warnedMs < dayMs) return;
    this.#warnedMs = nowMs;
    const { folder, log } = this.#options;
    const words = leftMs > 0 ? `expires in ${Math.floor(leftMs / dayMs)} days` : "has expired";
    log.warn({ folder, validUntil: isoDate(this.#material.notAfterMs) }, `the TLS certificate ${words}: renew it`);
  }
}

function identityOf({ certificate, key }: TlsMaterial): experimental.IdentityCertificateUpdate {
  return { certificate, privateKey: key };
}

function isSame(a: TlsMaterial, b: TlsMaterial): boolean {
  return a.ca.equals(b.ca) && a.certificate.equals(b.certificate) && a.key.equals(b.key);
}

function isoDate(ms: number): string {
  return new Date(ms).toISOString();
}
