// Lists the members of a tar archive with their offsets (tarIndex). It reads the archive once, hashes the images and
// keeps the text of the JSON members.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { UserError } from "@lockstep/errors";
import { type Extract, extract, type Header } from "tar-stream";
import { z } from "zod";

export const tarMember = z.discriminatedUnion("kind", [
  /** The image is the bytes [offset, offset + size) of the archive. */
  z.strictObject({
    kind: z.literal("image"),
    name: z.string(),
    offset: z.number(),
    size: z.number(),
    sha256: z.string(),
  }),
  z.strictObject({ kind: z.literal("json"), name: z.string(), text: z.string() }),
  z.strictObject({ kind: z.literal("link"), name: z.string() }),
]);
export type TarMember = z.infer<typeof tarMember>;

export interface TarIndexOptions {
  readonly path: string;
  /** Whether a member of that name is an image. */
  readonly isImage: (name: string) => boolean;
  readonly signal?: AbortSignal | undefined;
  /** Called after each image with the number of bytes of the archive that have been read. */
  readonly onImage?: (bytesRead: number) => void;
}

const maxJsonBytes = 1 << 20;
const blockBytes = 512;
/**
 * Largest number of zero bytes at the end. Archives are padded to their blocking factor, 10 KiB by default. An
 * interrupted download may leave a file that holds only zeros from some byte to its end.
 */
const maxPaddingBytes = 1 << 20;

/**
 * Returns the members that are images or JSON, in the order of the archive.
 * @throws UserError if the file is not a tar archive, or is cut short or damaged
 */
export async function tarIndex(options: TarIndexOptions): Promise<TarMember[]> {
  const { path, signal } = options;
  const shardBytes = await checkEnd(path);
  const archive = extract();
  const members: TarMember[] = [];
  const progress = { readTo: 0, size: 0 };
  // `archive` is a streamx stream. It behaves like a stream of Node but has other types.
  const feeding = pipeline(
    createReadStream(path, { highWaterMark: 1 << 20 }),
    archive as unknown as NodeJS.WritableStream,
    signal ? { signal } : {},
  );
  const [collected, fed] = await Promise.allSettled([collect(archive, members, progress, options), feeding]);
  signal?.throwIfAborted();
  const failed = [collected, fed].find(({ status }) => status === "rejected");
  if (failed?.status !== "rejected") {
    const padding = shardBytes - progress.readTo - progress.size;
    if (padding <= maxPaddingBytes) return members;
    throw new UserError(
      `shard ${path}: holds only zeros from byte ${progress.readTo + progress.size} on (${padding} bytes); it is cut short: download it again`,
    );
  }
  if (failed.reason instanceof UserError) throw failed.reason;
  throw new UserError(
    `shard ${path}: cannot be read past byte ${progress.readTo} (${(failed.reason as Error).message}); ` +
      `it is cut short, damaged, or not an uncompressed tar archive: download it again`,
  );
}

async function collect(
  archive: Extract,
  members: TarMember[],
  progress: { readTo: number; size: number },
  { path, isImage, onImage }: TarIndexOptions,
): Promise<void> {
  for await (const entry of archive) {
    const { name, type, size } = entry.header;
    // Since version 3.1 tar-stream gives the offset of an entry's bytes. Its types do not have the field.
    const { byteOffset: offset } = entry.header as Header & { readonly byteOffset: number };
    Object.assign(progress, { readTo: offset, size });
    const kind =
      isHidden(name) || type === "directory" ? null : isImage(name) ? "image" : /\.json$/i.test(name) ? "json" : null;
    if (kind === "image" && (type === "symlink" || type === "link")) {
      members.push({ kind: "link", name });
    } else if (kind === "image") {
      const hash = createHash("sha256");
      for await (const chunk of entry as AsyncIterable<Uint8Array>) hash.update(chunk);
      members.push({ kind, name, offset, size, sha256: hash.digest("hex") });
      onImage?.(offset + size);
      continue;
    } else if (kind === "json") {
      members.push({ kind, name, text: await jsonText(path, name, size, entry as AsyncIterable<Uint8Array>) });
      continue;
    }
    entry.resume();
  }
}

async function jsonText(path: string, name: string, size: number, entry: AsyncIterable<Uint8Array>): Promise<string> {
  if (size > maxJsonBytes) {
    throw new UserError(`shard ${path}: "${name}" has ${size} bytes of JSON; labels take at most ${maxJsonBytes}`);
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of entry) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

/** Hidden files are written by file managers and are never samples. */
function isHidden(name: string): boolean {
  return (name.split("/").at(-1) ?? "").startsWith(".");
}

/**
 * Checks that the archive ends with two blocks of zeros: an archive that is cut between two members only lacks this end
 * mark. Returns the size of the archive in bytes.
 */
async function checkEnd(path: string): Promise<number> {
  const { size } = await stat(path);
  const file = await open(path, "r");
  try {
    const end = Buffer.alloc(2 * blockBytes, 1);
    if (size >= end.length) await file.read(end, 0, end.length, size - end.length);
    if (size % blockBytes === 0 && end.every((byte) => byte === 0)) return size;
  } finally {
    await file.close();
  }
  throw new UserError(
    `shard ${path}: ends at byte ${size} without the end mark of a tar archive; it is cut short or not an uncompressed tar archive: download it again`,
  );
}
