import assert from "node:assert/strict";
import fs from "node:fs";
import { appendFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { UserError } from "@lockstep/errors";
import { z } from "zod";
import { readJson } from "./json-file.js";
import { JsonLinesWriter, readJsonLines } from "./json-lines.js";
import { temporaryFolder } from "./testing/temporary-folder.js";

const schema = z.strictObject({ step: z.number() });

async function allOf(path: string) {
  const records: { step: number }[] = [];
  for await (const record of readJsonLines(path, schema)) records.push(record);
  return records;
}

function refusal(pattern: RegExp) {
  return (error: unknown): true => {
    assert.ok(error instanceof UserError, String(error));
    assert.match(error.message, pattern);
    assert.doesNotMatch(error.message, /\n/);
    return true;
  };
}

async function pathOf(context: TestContext) {
  return join(await temporaryFolder(context), "a.json");
}

test("readJson checks the file by its schema, and returns null when the file is absent", async (context) => {
  const path = await pathOf(context);
  assert.equal(await readJson(path, schema), null);
  await writeFile(path, '{"step": 3}');
  assert.deepEqual(await readJson(path, schema), { step: 3 });
});

test("readJson reports a broken file in one line that names the file and the fault", async (context) => {
  const path = await pathOf(context);
  await writeFile(path, '{"step":\n\u001b[31m');
  await assert.rejects(readJson(path, schema), refusal(/a\.json: is not JSON: .+/));
  await writeFile(path, '{"step": "3"}');
  await assert.rejects(
    readJson(path, schema, "prepare the run anew"),
    refusal(/a\.json: step: .*expected number.*; prepare the run anew$/),
  );
  await writeFile(path, "3");
  await assert.rejects(readJson(path, schema), refusal(/a\.json: Invalid input: expected object/));
  await mkdir(join(path, "..", "folder"));
  await assert.rejects(readJson(join(path, "..", "folder"), schema), refusal(/folder: cannot be read: EISDIR/));
});

test("readJsonLines leaves out an unfinished last line", async (context) => {
  const path = await pathOf(context);
  assert.deepEqual(await allOf(path), []);
  await writeFile(path, '{"step":1}\n{"step":2}\n{"st');
  assert.deepEqual(await allOf(path), [{ step: 1 }, { step: 2 }]);
});

test("readJsonLines reports a line that is not JSON by file and line number", async (context) => {
  const path = await pathOf(context);
  await writeFile(path, '{"step":1}\ngarbage\n{"step":2}\n');
  await assert.rejects(allOf(path), refusal(/a\.json:2: is not JSON: /));
  await writeFile(path, '{"step":1}\n{"step":2}\n{"stop":3}\n');
  await assert.rejects(allOf(path), refusal(/a\.json:3: step: /));
});

test("readJsonLines splits lines at line feeds only, not at U+2028", async (context) => {
  const path = await pathOf(context);
  await writeFile(path, '{"step":1,"\u2028\r":0}\n');
  const loose = readJsonLines(path, z.looseObject({ step: z.number() }));
  await assert.rejects(loose.next(), refusal(/a\.json:1: is not JSON: /)); // JSON does not allow a raw carriage return
  await writeFile(path, '{"step":1,"\u2028":0}\n');
  assert.equal((await readJsonLines(path, z.looseObject({ step: z.number() })).next()).value?.step, 1);
});

test("sync asks the operating system to write the lines to the disk, and does nothing once the file is closed", async (context) => {
  const synced: number[] = [];
  const real = fs.fsync;
  context.mock.method(fs, "fsync", (file: number, done: fs.NoParamCallback) => {
    synced.push(fs.fstatSync(file).size);
    real(file, done);
  });
  syncBuiltinESMExports();
  context.after(() => {
    context.mock.restoreAll();
    syncBuiltinESMExports();
  });
  const writer = new JsonLinesWriter(await pathOf(context));
  writer.append({ step: 1 });
  await writer.sync();
  assert.deepEqual(synced, ['{"step":1}\n'.length]);
  writer.close();
  await writer.sync();
  assert.equal(synced.length, 1);
});

test("append writes a whole line, and the next writer removes an unfinished line", async (context) => {
  const path = await pathOf(context);
  const first = new JsonLinesWriter(path);
  first.append({ step: 1, loss: Number.NaN });
  assert.equal(await readFile(path, "utf8"), '{"step":1,"loss":null}\n');
  first.close();
  first.close();
  for (const torn of ['{"step":2', "x".repeat(200_000)]) {
    await appendFile(path, torn);
    const next = new JsonLinesWriter(path);
    next.append({ step: 2 });
    next.close();
    assert.equal(await readFile(path, "utf8"), '{"step":1,"loss":null}\n{"step":2}\n');
    await writeFile(path, '{"step":1,"loss":null}\n');
  }
  await writeFile(path, "torn from the start");
  new JsonLinesWriter(path).close();
  assert.equal(await readFile(path, "utf8"), "");
});
