// Plays testdata/*.txt. UPDATE_TRANSCRIPTS=1 writes the core's current effects into the files; review the difference.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { playTranscript } from "./transcript-player.js";

const folder = new URL("../../src/core/testdata/", import.meta.url);

for (const name of readdirSync(folder).filter((file) => file.endsWith(".txt"))) {
  test(`the core has the effects of the transcript ${name}`, () => {
    const file = new URL(name, folder);
    const written = readFileSync(file, "utf8");
    const played = playTranscript(written);
    if (process.env["UPDATE_TRANSCRIPTS"] === "1") writeFileSync(file, played);
    else assert.equal(played, written);
    assert.match(played, /^> /m);
  });
}
