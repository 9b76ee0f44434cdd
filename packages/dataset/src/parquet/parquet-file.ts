// Reads the footer of a Parquet file (openParquet), finds the column of the images (imageColumnOf), and finds the class
// names that the metadata gives for integer labels (classNamesOf). It reads no rows.
import { UserError } from "@lockstep/errors";
import { asyncBufferFromFile, type FileMetaData, parquetMetadataAsync, parquetSchema } from "hyparquet";
import { z } from "zod";
import { reasonOf } from "../content-index.js";
import type { ColumnChoice } from "../forms/data-columns.js";
import type { ClassNames } from "../labels/numbered-classes.js";

export interface ParquetFile {
  readonly path: string;
  readonly metadata: FileMetaData;
  readonly numRows: number;
  /** Top-level columns. */
  readonly columns: readonly string[];
}

export interface ImageColumn {
  readonly name: string;
  /** Path of the column with the encoded bytes. */
  readonly bytesPath: readonly string[];
  /** Path of the column with the images' names, or null if the file has none. */
  readonly namePath: readonly string[] | null;
}

/**
 * The fields of a footer that Lockstep uses. hyparquet does not check them, so a damaged footer must be detected here.
 */
const footer = z.object({
  num_rows: z.bigint(),
  schema: z.array(z.object({ name: z.string(), num_children: z.number().int().min(0).optional() })).min(1),
  key_value_metadata: z.array(z.object({ key: z.string(), value: z.string().optional() })).optional(),
  row_groups: z.array(
    z.object({
      num_rows: z.bigint().min(0n),
      columns: z.array(
        z.object({
          meta_data: z.object({
            path_in_schema: z.array(z.string()),
            codec: z.string(),
            data_page_offset: z.bigint().min(4n),
            dictionary_page_offset: z.bigint().min(0n).optional(),
            total_compressed_size: z.bigint().min(0n),
          }),
        }),
      ),
    }),
  ),
});

/** @throws UserError if the file is not a Parquet file or its footer is damaged */
export async function openParquet(path: string): Promise<ParquetFile> {
  try {
    const file = await asyncBufferFromFile(path);
    const metadata = await parquetMetadataAsync(file);
    const columns = parquetSchema(metadata).children.map(({ element }) => element.name);
    footer.parse(metadata);
    const [numRows, inGroups] = [
      Number(metadata.num_rows),
      metadata.row_groups.map(({ num_rows }) => Number(num_rows)),
    ];
    if (inGroups.reduce((sum, rows) => sum + rows, 0) !== numRows) {
      throw new Error(`it states ${numRows} rows, but its row groups have ${inGroups.join("+")}`);
    }
    return { path, metadata, numRows, columns };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall !== undefined) {
      throw new UserError(`shard ${path} ${reasonOf(error)} (--data)`);
    }
    const reason =
      error instanceof z.ZodError ? `${error.issues[0]?.path.join(".")} is wrong` : (error as Error).message;
    throw new UserError(
      `shard ${path}: has no readable Parquet footer (${reason}); it is cut short or not a Parquet file: download it again`,
    );
  }
}

/**
 * Finds the column of the images: the one that the user named, else the column `image`, else the only column of bytes.
 * @throws UserError if there is no such column, or if several columns could be meant
 */
export function imageColumnOf({ path, metadata, columns }: ParquetFile, choice: ColumnChoice): ImageColumn {
  const candidates = parquetSchema(metadata).children.flatMap(({ element, children }): ImageColumn[] => {
    const { name } = element;
    const has = (child: string): boolean =>
      children.some(({ element: inner }) => inner.name === child && inner.type === "BYTE_ARRAY");
    if (has("bytes")) return [{ name, bytesPath: [name, "bytes"], namePath: has("path") ? [name, "path"] : null }];
    const isBinary = element.type === "BYTE_ARRAY" && !element.converted_type && !element.logical_type;
    return isBinary ? [{ name, bytesPath: [name], namePath: null }] : [];
  });
  const wanted = choice.given ? choice.name : "image";
  const named = candidates.find(({ name }) => name === wanted);
  const only = !choice.given && candidates.length === 1 ? candidates[0] : undefined;
  const chosen = named ?? only;
  if (chosen !== undefined) return chosen;
  const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(", ");
  if (columns.includes(wanted)) {
    throw new UserError(
      `shard ${path}: column "${wanted}" holds no image bytes; columns that do: ${quoted(candidates.map(({ name }) => name)) || "none"} (--columns file=…)`,
    );
  }
  throw new UserError(
    `shard ${path}: no column "${wanted}" of images, found ${quoted(columns)}; name the column of the images (--columns file=…)`,
  );
}

const hubFeature = z.object({ _type: z.literal("ClassLabel"), names: z.array(z.string()) });
const hubMetadata = z.object({ info: z.object({ features: z.record(z.string(), z.unknown()) }) });

/**
 * Returns the class names of the columns that Hugging Face's metadata declares as ClassLabel.
 * @throws UserError if that metadata cannot be read
 */
export function classNamesOf({ path, metadata }: ParquetFile): ClassNames {
  const text = metadata.key_value_metadata?.find(({ key }) => key === "huggingface")?.value;
  if (text === undefined) return {};
  let parsed: z.infer<typeof hubMetadata>;
  try {
    parsed = hubMetadata.parse(JSON.parse(text));
  } catch {
    throw new UserError(
      `shard ${path}: its "huggingface" metadata does not have the format of the hub; write the file again with the datasets library`,
    );
  }
  return Object.fromEntries(
    Object.entries(parsed.info.features).flatMap(([column, feature]) => {
      const { success, data } = hubFeature.safeParse(feature);
      return success ? [[column, data.names]] : [];
    }),
  );
}
