// Reads one column of a Parquet file page by page (columnPages). The row groups of files with images may have
// gigabytes. hyparquet's own readers read a column chunk as a whole, or need an offset index that pyarrow does not
// write by default. This code keeps only one page and the chunk's dictionary in memory; hyparquet decodes the page.
import { type FileHandle, open } from "node:fs/promises";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { UserError } from "@lockstep/errors";
import { type ColumnMetaData, type DecodedArray, type PageHeader, parquetSchema } from "hyparquet";
import { parquetHeader, readPage } from "hyparquet/src/column.js";
import { convert, DEFAULT_PARSERS } from "hyparquet/src/convert.js";
import { decompressPage } from "hyparquet/src/datapage.js";
import { getMaxDefinitionLevel, getMaxRepetitionLevel, getTreePath } from "hyparquet/src/schema.js";
import { compressors as portable } from "hyparquet-compressors";
import { checkHeader, checkIndexes, checkLevels } from "./page-check.js";
import type { ParquetFile } from "./parquet-file.js";

type ColumnDecoder = Parameters<typeof readPage>[2];

/** Node's own decompressors are faster than those of hyparquet-compressors. */
const compressors: typeof portable = {
  ...portable,
  GZIP: (input, length) => gunzipSync(input, { maxOutputLength: Math.max(length, 1) }),
  BROTLI: (input, length) => brotliDecompressSync(input, { maxOutputLength: Math.max(length, 1) }),
};

/** Pages usually have about this size, so one read gets most pages together with their header. */
const windowBytes = 1 << 20;

export interface ColumnPage {
  readonly firstRow: number;
  /** By row; null for a row without a value. Bytes are valid until the next page is requested. */
  readonly values: readonly unknown[];
}

export interface ColumnChoice {
  /** Path of a leaf column, e.g. ["image", "bytes"]. */
  readonly columnPath: readonly string[];
  /** Whether text is returned as the bytes that it is stored in. */
  readonly asBytes: boolean;
}

/** @throws UserError if the file is damaged or the column holds lists or structures */
export async function* columnPages(parquet: ParquetFile, column: ColumnChoice): AsyncGenerator<ColumnPage> {
  const { path, metadata } = parquet;
  const pathInSchema = [...column.columnPath];
  const name = pathInSchema.join(".");
  const schemaPath = getTreePath(parquetSchema(metadata), pathInSchema);
  const leaf = schemaPath.at(-1);
  if (leaf === undefined || leaf.children.length > 0 || getMaxRepetitionLevel(schemaPath) > 0) {
    throw new UserError(`shard ${path}: column "${name}" holds lists or structures; it must hold one value per row`);
  }
  const { converted_type, logical_type, ...bare } = leaf.element;
  const element = column.asBytes ? bare : leaf.element;
  const file = await open(path, "r");
  try {
    let firstRow = 0;
    for (const group of metadata.row_groups) {
      const chunk = group.columns.find(({ meta_data }) => meta_data?.path_in_schema.join(".") === name)?.meta_data;
      if (chunk === undefined) throw new UserError(`shard ${path}: a row group has no column "${name}"`);
      const decoder = {
        ...{ pathInSchema, element, schemaPath, type: chunk.type, codec: chunk.codec },
        ...{ parsers: DEFAULT_PARSERS, compressors, utf8: !column.asBytes },
      };
      const groupEnd = firstRow + Number(group.num_rows);
      for await (const values of chunkPages({ file, path, chunk, decoder, rows: groupEnd - firstRow })) {
        yield { firstRow, values };
        firstRow += values.length;
      }
      if (firstRow !== groupEnd) {
        throw new UserError(
          `shard ${path}: column "${name}" ends at row ${firstRow}, not ${groupEnd}; download it again`,
        );
      }
    }
  } finally {
    await file.close();
  }
}

interface ChunkOptions {
  readonly file: FileHandle;
  readonly path: string;
  readonly chunk: ColumnMetaData;
  readonly decoder: ColumnDecoder;
  readonly rows: number;
}

async function* chunkPages({ file, path, chunk, decoder, rows }: ChunkOptions): AsyncGenerator<unknown[]> {
  let position = Number(chunk.dictionary_page_offset || chunk.data_page_offset);
  const end = position + Number(chunk.total_compressed_size);
  let dictionary: DecodedArray | undefined;
  let rowsLeft = rows;
  while (position < end && rowsLeft > 0) {
    try {
      const { header, body, bytes } = await readOnePage(file, position, end);
      checkHeader({ header, rowsLeft });
      if (header.type === "DICTIONARY_PAGE") {
        const { data } = readPage(readerOf(body), header, decoder, undefined, undefined, 0);
        if (data) dictionary = convert(data, decoder);
      } else if (header.type !== "INDEX_PAGE") {
        const values = decodePage(header, body, decoder, dictionary);
        rowsLeft -= values.length;
        yield values;
      }
      position += bytes;
    } catch (error) {
      throw new UserError(
        `shard ${path}: no page can be read at byte ${position} (${(error as Error).message}); the file is cut short or damaged: download it again`,
      );
    }
  }
}

function decodePage(
  header: PageHeader,
  body: Uint8Array,
  decoder: ColumnDecoder,
  dictionary: DecodedArray | undefined,
): unknown[] {
  const maxDefinitionLevel = getMaxDefinitionLevel(decoder.schemaPath);
  const { data_page_header: v1, data_page_header_v2: v2, uncompressed_page_size } = header;
  const encoding = v1?.encoding ?? v2?.encoding;
  // In version 2 only the bytes after the levels are compressed; in version 1 the whole body is.
  const levelsBytes = v2?.definition_levels_byte_length ?? 0;
  const isCompressed = v2?.is_compressed ?? true;
  const rest = body.subarray(levelsBytes);
  const plain = isCompressed
    ? decompressPage(rest, uncompressed_page_size - levelsBytes, decoder.codec, decoder.compressors)
    : rest;
  const whole = levelsBytes === 0 ? plain : Buffer.concat([body.subarray(0, levelsBytes), plain]);
  const values = checkLevels({ header, maxDefinitionLevel }, whole);
  if (encoding === "RLE_DICTIONARY" || encoding === "PLAIN_DICTIONARY") {
    if (dictionary === undefined) throw new Error("it refers to a dictionary that does not exist");
    checkIndexes(values, v1?.num_values ?? v2?.num_values ?? 0);
  }
  const decompressed = { ...header, compressed_page_size: whole.length, uncompressed_page_size: whole.length };
  const { data = [] } = readPage(
    readerOf(whole),
    v2 ? { ...decompressed, data_page_header_v2: { ...v2, is_compressed: false } } : decompressed,
    { ...decoder, codec: "UNCOMPRESSED" },
    ...([dictionary, undefined, 0] as const),
  );
  return Array.from(data as ArrayLike<unknown>, unwrapped);
}

async function readOnePage(file: FileHandle, position: number, end: number) {
  if (!(position >= 4)) throw new Error("a column cannot begin there");
  const first = await readBytes(file, position, Math.min(windowBytes, end - position));
  const reader = readerOf(first);
  const header = parquetHeader(reader);
  const bytes = reader.offset + header.compressed_page_size;
  if (!(header.compressed_page_size >= 0) || position + bytes > end) throw new Error("it ends past its column");
  const rest = await readBytes(file, position + first.length, Math.max(bytes - first.length, 0));
  const whole = rest.length > 0 ? Buffer.concat([first, rest]) : first;
  if (whole.length < bytes) throw new Error("the file ends there");
  return { header, body: whole.subarray(reader.offset, bytes), bytes };
}

/** Reads up to `size` bytes; fewer if the file ends. */
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

function readerOf(bytes: Uint8Array) {
  return { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
}

/** hyparquet wraps a value once for each optional structure around it. */
function unwrapped(wrapped: unknown): unknown {
  let value = wrapped;
  while (Array.isArray(value)) value = value[0];
  return value ?? null;
}
