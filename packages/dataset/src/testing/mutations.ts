// Damages bytes for property tests (mutations): it flips, removes, inserts, repeats and replaces bytes at random
// places.
import fc from "fast-check";

/**
 * Returns a damaged copy. Places are shares of the length, so that one mutation can be applied to bytes of any length.
 */
type Mutation = (bytes: Uint8Array) => Uint8Array;

const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

/**
 * Generates functions that apply one to four mutations one after the other.
 * @param words bytes that may be inserted at any place
 * @param donors bytes whose end may replace the end of the input
 */
export function mutations(words: readonly Uint8Array[], donors: readonly Uint8Array[]): fc.Arbitrary<Mutation> {
  const flip = fc.tuple(share, fc.integer({ min: 1, max: 255 })).map(([at, mask]): Mutation => {
    return (bytes) => bytes.map((byte, index) => (index === Math.floor(at * bytes.length) ? byte ^ mask : byte));
  });
  const truncate = share.map(
    (at): Mutation =>
      (bytes) =>
        bytes.slice(0, Math.floor(at * bytes.length)),
  );
  const remove = fc.tuple(share, share).map(([at, size]): Mutation => {
    return (bytes) => replaceAt(bytes, at, Math.ceil(size * size * bytes.length), new Uint8Array());
  });
  const insert = fc.tuple(share, fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(...words)));
  const put = insert.map(
    ([at, word]): Mutation =>
      (bytes) =>
        replaceAt(bytes, at, 0, word),
  );
  const overwrite = insert.map(
    ([at, word]): Mutation =>
      (bytes) =>
        replaceAt(bytes, at, word.length, word),
  );
  const repeat = fc.tuple(share, share, fc.integer({ min: 1, max: 4 })).map(([at, size, times]): Mutation => {
    return (bytes) => {
      const from = Math.floor(at * bytes.length);
      const part = bytes.subarray(from, from + Math.ceil(size * size * bytes.length));
      return replaceAt(bytes, at, 0, Buffer.concat(Array.from({ length: times }, () => part)));
    };
  });
  const splice = fc.tuple(share, share, fc.constantFrom(...donors)).map(([at, from, donor]): Mutation => {
    return (bytes) =>
      Buffer.concat([
        bytes.subarray(0, Math.floor(at * bytes.length)),
        donor.subarray(Math.floor(from * donor.length)),
      ]);
  });
  const one = fc.oneof(flip, truncate, remove, put, overwrite, repeat, splice);
  return fc.array(one, { minLength: 1, maxLength: 4 }).map((chosen): Mutation => {
    return (bytes) => chosen.reduce((damaged, mutate) => mutate(damaged), bytes);
  });
}

function replaceAt(bytes: Uint8Array, at: number, removed: number, put: Uint8Array): Uint8Array {
  const from = Math.floor(at * bytes.length);
  return Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(from + removed)]);
}
