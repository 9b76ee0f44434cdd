// Encodes the weights of the current step for the workers: `WeightsFeed`. The messages are encoded once and shared by all.
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

  /** No weights may be fetched until the next publish(): they are about to change. */
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
   * Serialized FetchWeightsResponse messages: a header, then chunks. They are copies: whoever is sending them when the
   * weights change goes on with the old ones.
   * @throws WireError `stale-lease` for another version than the current one
   */
  messages(asked: WeightsVersion): readonly Buffer[] {
    const current = this.#version;
    if (current === null || current.step !== asked.step || current.digest !== asked.digest) {
      const have = current === null ? "none" : `step ${current.step}, ${current.digest}`;
      throw new WireError(
        "stale-lease",
        `the weights of step ${asked.step}, ${asked.digest} are gone: there are ${have}`,
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

/** Without the copy that the generated serializer makes. */
function serialize(message: FetchWeightsResponse): Buffer {
  const bytes = FetchWeightsResponse.encode(message).finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
