// Checks a Parquet page before hyparquet decodes it (checkHeader, checkLevels, checkIndexes). With negative lengths, or
// with runs that are longer than the page, hyparquet's loops do not end. A damaged file must lead to an error, not to
// an endless loop.
import type { PageHeader } from "hyparquet";

/** Largest size of a page (1 GiB). Real pages are smaller. */
const maxPageBytes = 2 ** 30;

export interface PageFacts {
  readonly header: PageHeader;
  /** Rows of the row group that have not been read. A page with one value per row cannot hold more. */
  readonly rowsLeft: number;
  /** Maximum definition level of the column; 0 if no value may be absent. */
  readonly maxDefinitionLevel: number;
}

/** @throws Error if the header is damaged */
export function checkHeader({ header, rowsLeft }: Omit<PageFacts, "maxDefinitionLevel">): void {
  const { compressed_page_size, uncompressed_page_size, data_page_header: v1, data_page_header_v2: v2 } = header;
  check(
    inRange(compressed_page_size, maxPageBytes) && inRange(uncompressed_page_size, maxPageBytes),
    "its size is wrong",
  );
  if (header.type === "DATA_PAGE") check(inRange(v1?.num_values, rowsLeft), "it has more values than there are rows");
  if (header.type !== "DATA_PAGE_V2") return;
  const { definition_levels_byte_length: definition, repetition_levels_byte_length: repetition = 0 } = v2 ?? {};
  check(inRange(v2?.num_values, rowsLeft) && inRange(v2?.num_rows, rowsLeft), "it has more values than there are rows");
  check(inRange(v2?.num_nulls, v2?.num_values ?? 0), "it has more nulls than values");
  check(repetition === 0 && inRange(definition, compressed_page_size), "the length of its levels is wrong");
}

/**
 * Checks the levels of a page and returns the bytes after them.
 * @param body bytes after the header; for version 1 they are decompressed
 * @throws Error if the levels are damaged
 */
export function checkLevels({ header, maxDefinitionLevel }: Omit<PageFacts, "rowsLeft">, body: Uint8Array): Uint8Array {
  const { data_page_header: v1, data_page_header_v2: v2 } = header;
  const numValues = v1?.num_values ?? v2?.num_values ?? 0;
  if (v2) {
    const levels = body.subarray(0, v2.definition_levels_byte_length);
    if (levels.length > 0) checkRuns(levels, bitWidth(maxDefinitionLevel), numValues);
    return body.subarray(levels.length);
  }
  if (maxDefinitionLevel === 0) return body;
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const length = body.length < 4 ? -1 : view.getUint32(0, true);
  check(inRange(length, body.length - 4), "the length of its levels is wrong");
  checkRuns(body.subarray(4, 4 + length), bitWidth(maxDefinitionLevel), numValues);
  return body.subarray(4 + length);
}

/**
 * Checks the indexes of a page whose values refer to a dictionary.
 * @param values the width of an index in bits (one byte), then runs
 * @throws Error if the indexes are damaged
 */
export function checkIndexes(values: Uint8Array, numValues: number): void {
  const [width = 0] = values;
  check(width <= 32, "its indexes are wider than 32 bits");
  if (width > 0) checkRuns(values.subarray(1), width, numValues);
}

/** Checks RLE and bit-packed runs, see Encodings.md of the Parquet format, "RLE/Bit-Packing Hybrid". */
function checkRuns(bytes: Uint8Array, width: number, numValues: number): void {
  let [at, seen] = [0, 0];
  while (seen < numValues && at < bytes.length) {
    let [run, shift] = [0, 0];
    for (;;) {
      const byte = bytes[at++];
      check(byte !== undefined && shift <= 28, "a run's length is wrong");
      run += ((byte ?? 0) & 0x7f) * 2 ** shift;
      if ((byte ?? 0) < 0x80) break;
      shift += 7;
    }
    const isPacked = run % 2 === 1;
    const count = isPacked ? ((run - 1) / 2) * 8 : run / 2;
    check(count > 0 && count < numValues - seen + (isPacked ? 8 : 1), "a run is longer than the page");
    at += isPacked ? (count / 8) * width : Math.ceil(width / 8);
    seen += count;
  }
}

function bitWidth(value: number): number {
  return 32 - Math.clz32(value);
}

function inRange(value: number | undefined, greatest: number): boolean {
  return value !== undefined && Number.isInteger(value) && value >= 0 && value <= greatest;
}

function check(isRight: boolean, otherwise: string): void {
  if (!isRight) throw new Error(otherwise);
}
