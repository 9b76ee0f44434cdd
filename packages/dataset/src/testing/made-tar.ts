// Writes tar archives for tests from a list of members (writeTar).
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { buffer } from "node:stream/consumers";
import { type Header, pack } from "tar-stream";

export type Member = readonly [name: string, content: string | Uint8Array, type?: Header["type"]];

export async function writeTar(path: string, members: readonly Member[]): Promise<Buffer> {
  const archive = pack();
  for (const [name, content, type = "file"] of members) {
    if (type === "file") archive.entry({ name }, Buffer.from(content));
    else archive.entry({ name, type, linkname: String(content) });
  }
  archive.finalize();
  const bytes = await buffer(archive as unknown as NodeJS.ReadableStream); // a streamx stream
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
  return bytes;
}

export const someLabels = JSON.stringify({ gender: "Male", race: "White", age: "3-9" });
