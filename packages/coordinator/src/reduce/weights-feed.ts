// Encodes the weights of the current step for the workers: `WeightsFeed`. The messages are encoded once for all
// workers.
import {
  contributionHeader,
  encodeTensorChunks,
  FetchWeightsResponse,
  type TensorLayout,
  WireError,
} from "@lockstep/protocol";

export interface WeightsVersion {
  readonly step: number;
  /** XXH3-128 (hex). */
  readonly digest: string;
}

export class WeightsFeed {
  readonly #layout: TensorLayout;
  #version: WeightsVersion | null = null;
  #bytes: Uint8Array = new Uint8Array();
  #messages: readonly Buffer[] | null = null;

  constructor(layout: TensorLayout) {
    this.#layout = layout;
  }

  get version(): WeightsVersion | null {
    return this.#version;
  }

  /** Until the next publish() no weights can be fetched, because they are about to change. */
  withdraw(): void {
    this.#version = null;
    this.#bytes = new Uint8Array();
    this.#messages = null;
  }

  /** The bytes must not change before withdraw() or the next publish(). */
  publish(version: WeightsVersion, bytes: Uint8Array): void {
    this.#version = version;
    this.#bytes = bytes;
    this.#messages = null;
  }

  /**
   * Serialized FetchWeightsResponse messages: a header, then chunks. They are copies, so a change of the weights does
   * not change them.
   * @throws WireError `stale-lease` if the version is not the current one
   */
  messages(requested: WeightsVersion): readonly Buffer[] {
    const current = this.#version;
    if (current === null || current.step !== requested.step || current.digest !== requested.digest) {
      const available = current === null ? "none" : `step ${current.step}, ${current.digest}`;
      throw new WireError(
        "stale-lease",
        `the weights of step ${requested.step}, ${requested.digest} are not available; available: ${available}`,
      );
    }
    this.#messages ??= this.#encode();
    return this.#messages;
  }

  #encode(): Buffer[] {
    const header = serialize({ part: { $case: "header", value: contributionHeader(this.#layout) } });
    const chunks = [...encodeTensorChunks(this.#bytes)].map((value) => serialize({ part: { $case: "chunk", value } }));
    return [header, ...chunks];
  }
}

/** The generated serializer would make one more copy. */
function serialize(message: FetchWeightsResponse): Buffer {
  const bytes = FetchWeightsResponse.encode(message).finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
