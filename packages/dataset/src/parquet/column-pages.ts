// Owns reading one column of a Parquet file page by page. Row groups of image files hold up to gigabytes: hyparquet's own
// readers take a column chunk whole, or need an offset index that pyarrow does not write by default. Here a page (and the
// chunk's dictionary) is all that is held at a time; its decoding is hyparquet's.
import { type FileHandle, open } from "node:fs/promises";
import { UserError } from "@lockstep/errors";
import { type ColumnMetaData, type DecodedArray, parquetSchema } from "hyparquet";
import { parquetHeader, readPage } from "hyparquet/src/column.js";
import { convert, DEFAULT_PARSERS } from "hyparquet/src/convert.js";
import { getMaxRepetitionLevel, getTreePath } from "hyparquet/src/schema.js";
import { compressors } from "hyparquet-compressors";
import type { ParquetFile } from "./parquet-file.js";

type ColumnDecoder = Parameters<typeof readPage>[2];

/** Pages are about so big: one read for most, header included. */
const windowBytes = 1 << 20;

export interface ColumnPage {
  readonly firstRow: number;
  /** By row; null where there is none. Valid until the next page is asked for. */
  readonly values: readonly (Uint8Array | null)[];
}

/** @param columnPath of a leaf of bytes, e.g. ["image", "bytes"]. @throws UserError where the file is damaged */
export async function* columnPages(parquet: ParquetFile, columnPath: readonly string[]): AsyncGenerator<ColumnPage> {
  const { path, metadata } = parquet;
  const schemaPath = getTreePath(parquetSchema(metadata), [...columnPath]);
  const leaf = schemaPath.at(-1)?.element;
  if (leaf === undefined) throw new Error(`${path}: no column ${columnPath.join(".")}`);
  if (getMaxRepetitionLevel(schemaPath) > 0) {
    throw new UserError(`shard ${path}: column "${columnPath.join(".")}" holds lists; one image a row is read`);
  }
  const { converted_type, logical_type, ...element } = leaf; // text too is read as bytes
  const file = await open(path, "r");
  try {
    let firstRow = 0;
    for (const group of metadata.row_groups) {
      const chunk = group.columns.find(
        ({ meta_data }) => meta_data?.path_in_schema.join("\n") === columnPath.join("\n"),
      );
      if (chunk?.meta_data === undefined)
        throw new UserError(`shard ${path}: a row group has no column "${columnPath[0]}"`);
      const decoder = {
        ...{ pathInSchema: [...columnPath], element, schemaPath, parsers: DEFAULT_PARSERS, compressors, utf8: false },
        ...{ type: chunk.meta_data.type, codec: chunk.meta_data.codec },
      };
      const groupEnd = firstRow + Number(group.num_rows);
      for await (const values of chunkPages(file, path, chunk.meta_data, decoder)) {
        yield { firstRow, values };
        firstRow += values.length;
      }
      if (firstRow !== groupEnd) {
        throw new UserError(
          `shard ${path}: column "${columnPath[0]}" ends at row ${firstRow}, not ${groupEnd}; fetch it again`,
        );
      }
    }
  } finally {
    await file.close();
  }
}

async function* chunkPages(file: FileHandle, path: string, chunk: ColumnMetaData, decoder: ColumnDecoder) {
  const { data_page_offset, dictionary_page_offset, total_compressed_size } = chunk;
  let position = Number(dictionary_page_offset || data_page_offset);
  const end = position + Number(total_compressed_size);
  let dictionary: DecodedArray | undefined;
  while (position < end) {
    const page = await readOnePage(file, path, position, end);
    position += page.bytes;
    try {
      if (page.header.type === "DICTIONARY_PAGE") {
        const { data } = readPage(page.reader, page.header, decoder, undefined, undefined, 0);
        if (data) dictionary = convert(data, decoder);
      } else if (page.header.type !== "INDEX_PAGE") {
        yield rowsOf(readPage(page.reader, page.header, decoder, dictionary, undefined, 0).data ?? []);
      }
    } catch (error) {
      throw new UserError(
        `shard ${path}: a page before byte ${position} cannot be decoded (${(error as Error).message}); fetch it again`,
      );
    }
  }
}

async function readOnePage(file: FileHandle, path: string, position: number, end: number) {
  const cutShort = (reason: string): UserError =>
    new UserError(
      `shard ${path}: no page can be read at byte ${position} (${reason}); it is cut short or damaged: fetch it again`,
    );
  const first = await readBytes(file, position, Math.min(windowBytes, end - position));
  const reader = { view: new DataView(first.buffer, first.byteOffset, first.byteLength), offset: 0 };
  let header: ReturnType<typeof parquetHeader>;
  try {
    header = parquetHeader(reader);
  } catch (error) {
    throw cutShort((error as Error).message);
  }
  const bytes = reader.offset + header.compressed_page_size;
  if (!(header.compressed_page_size >= 0) || position + bytes > end)
    throw cutShort("its size is past the column's end");
  if (bytes > first.length) {
    const rest = await readBytes(file, position + first.length, bytes - first.length);
    const whole = Buffer.concat([first, rest]);
    reader.view = new DataView(whole.buffer, whole.byteOffset, whole.byteLength);
  }
  if (reader.view.byteLength < bytes) throw cutShort("the file ends there");
  return { header, reader, bytes };
}

/** Fewer where the file ends. */
async function readBytes(file: FileHandle, position: number, size: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(size);
  let done = 0;
  while (done < size) {
    const { bytesRead } = await file.read(bytes, done, size - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return bytes.subarray(0, done);
}

/** hyparquet wraps a value once for each optional struct around it. */
function rowsOf(data: DecodedArray): (Uint8Array | null)[] {
  return Array.from(data as ArrayLike<unknown>, (wrapped) => {
    let value = wrapped;
    while (Array.isArray(value)) value = value[0];
    if (value instanceof Uint8Array) return value;
    if (value === null || value === undefined) return null;
    throw new Error(`a value is no bytes but ${typeof value}`);
  });
}
