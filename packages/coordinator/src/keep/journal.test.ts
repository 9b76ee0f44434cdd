import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Journal } from "./journal.js";

test("each record is a line that a reader sees at once, and a torn last line is cut off", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "lockstep-journal-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "metrics.jsonl");
  const journal = new Journal(path);
  journal.append({ step: 1, loss: Number.NaN });
  assert.equal(readFileSync(path, "utf8"), '{"step":1,"loss":null}\n');
  journal.close();
  journal.close();
  writeFileSync(path, '{"step":1}\n{"step":2}\n{"st');
  const next = new Journal(path);
  next.append({ step: 2 });
  next.close();
  assert.equal(readFileSync(path, "utf8"), '{"step":1}\n{"step":2}\n{"step":2}\n');
  writeFileSync(path, "torn");
  new Journal(path).close();
  assert.equal(readFileSync(path, "utf8"), "");
});
