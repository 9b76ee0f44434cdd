import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { sizeText } from "../memory-limit.js";
import { diskNeeds, memoryNeeds, problemsOf, sum, warningsOf } from "./needs.js";

const mib = 2 ** 20;
const plenty = { needs: [], fileSystems: [] };

test("memory is the sum over all processes: threads share a worker, workers share the libraries", () => {
  const worker = { workerBytes: 400 * mib, threadBytes: 100 * mib, sharedBytes: 150 * mib };
  const needed = (workers: number, threads: number): number =>
    sum(memoryNeeds({ weightsBytes: 0, workers, threads, worker }).needs);
  assert.equal(needed(2, 1) - needed(1, 1), 250 * mib);
  assert.equal(needed(1, 3) - needed(1, 1), 200 * mib);
  const unknown = memoryNeeds({ weightsBytes: 0, workers: 2, threads: 1, worker: null });
  assert.deepEqual(
    unknown.needs.map(({ what }) => what),
    ["launcher", "coordinator"],
  );
});

test("a need above the machine's memory is a problem, above the free memory a warning", () => {
  const memory = (mibs: number) => ({
    needs: [{ what: "1 worker", bytes: mibs * mib }],
    totalBytes: 1000 * mib,
    freeBytes: 500 * mib,
  });
  assert.deepEqual([problemsOf(memory(400), plenty), warningsOf(memory(400))], [[], []]);
  assert.deepEqual(problemsOf(memory(600), plenty), []);
  assert.deepEqual(warningsOf(memory(600)), ["memory: about 600.0 MiB needed, 500.0 MiB free just now"]);
  assert.match(
    problemsOf(memory(2000), plenty)[0] ?? "",
    /^memory: about 2\.0 GiB needed, this machine has 1000\.0 MiB/,
  );
  assert.deepEqual(warningsOf(memory(2000)), []);
});

test("needs on one file system are added, and a missing folder counts for the file system that it will be on", async () => {
  const place = join(tmpdir(), "not", "there", "yet");
  const needs = [
    { what: "images", bytes: 3 * mib, place },
    { what: "checkpoints", bytes: 4 * mib, place: tmpdir() },
  ];
  const { fileSystems } = await diskNeeds(needs);
  assert.equal(fileSystems.length, 1);
  assert.equal(fileSystems[0]?.neededBytes, 7 * mib);
  assert.equal(fileSystems[0]?.place, tmpdir());
  const memory = memoryNeeds({ weightsBytes: 0, workers: 1, threads: 1, worker: null });
  const full = { needs, fileSystems: [{ place, neededBytes: 7 * mib, freeBytes: 6 * mib }] };
  assert.match(problemsOf(memory, full)[0] ?? "", /^disk: about 7\.0 MiB needed at .*yet, 6\.0 MiB free/);
  assert.equal(sizeText(1536 * mib), "1.5 GiB");
});
