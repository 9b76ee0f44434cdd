// Plays testdata/*.txt. UPDATE_TRANSCRIPTS=1 writes what the exporter shows now into the files, to be read and judged.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { playTranscript } from "./testing/play-transcript.js";

const folder = fileURLToPath(new URL("../src/testdata/", import.meta.url));

for (const file of readdirSync(folder).sort()) {
  test(`the transcript ${file} is what the exporter shows`, () => {
    const expected = readFileSync(`${folder}${file}`, "utf8");
    const played = playTranscript(expected);
    if (process.env["UPDATE_TRANSCRIPTS"] === "1") writeFileSync(`${folder}${file}`, played);
    else assert.equal(played, expected);
    assert.match(played, /^> /m);
  });
}
