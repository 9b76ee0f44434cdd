import assert from "node:assert/strict";
import { test } from "node:test";
import type { Snapshot, WrittenCheckpoint } from "@lockstep/checkpoint";
import { CheckpointWriter } from "./checkpoint-writer.js";

/** A store whose writes end when the test calls `finish`. */
function slowStore() {
  const started: number[] = [];
  const open: ((error?: Error) => void)[] = [];
  const write = ({ position }: Snapshot): Promise<WrittenCheckpoint> => {
    started.push(position.step);
    return new Promise((resolve, reject) => {
      // The writer only passes the report on; the step identifies it.
      const written = { step: position.step } as WrittenCheckpoint;
      open.push((error) => (error === undefined ? resolve(written) : reject(error)));
    });
  };
  return { store: { write }, started, finish: (error?: Error) => open.shift()?.(error) };
}

function snapshot(step: number, validation: Record<string, number> | null = null): Snapshot {
  return { position: { step }, validation } as unknown as Snapshot; // the writer reads no other fields
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("one snapshot is written at a time; the newest that waits replaces the others, except validated ones", async () => {
  const { store, started, finish } = slowStore();
  const written: number[] = [];
  const writer = new CheckpointWriter(store, {
    written: ({ step }) => written.push(step),
    failed: (error) => assert.fail(String(error)),
  });
  for (const [step, validation] of [
    [1, null],
    [2, null],
    [3, { loss: 1 }],
    [4, null],
    [5, null],
  ] as const) {
    writer.submit(snapshot(step, validation));
  }
  const idle = writer.idle();
  for (let turns = 0; turns < 3; turns++) {
    assert.equal(started.length, turns + 1);
    finish();
    await turn();
  }
  await idle;
  assert.deepEqual(started, [1, 3, 5]);
  assert.deepEqual(written, [1, 3, 5]);
});

test("a failed write is reported, and the next snapshot is written", async () => {
  const { store, started, finish } = slowStore();
  const failures: unknown[] = [];
  const writer = new CheckpointWriter(store, { written: () => {}, failed: (error) => failures.push(error) });
  writer.submit(snapshot(1));
  finish(new Error("disk full"));
  await writer.idle();
  writer.submit(snapshot(2));
  finish();
  await writer.idle();
  assert.deepEqual(started, [1, 2]);
  assert.match(String(failures[0]), /disk full/);
});

test("snapshots that wait are written although the write before them failed", async () => {
  const { store, started, finish } = slowStore();
  const failures: unknown[] = [];
  const written: number[] = [];
  const writer = new CheckpointWriter(store, {
    written: ({ step }) => written.push(step),
    failed: (error) => failures.push(error),
  });
  writer.submit(snapshot(1));
  writer.submit(snapshot(2, { loss: 1 }));
  writer.submit(snapshot(3));
  const idle = writer.idle();
  finish(new Error("disk full"));
  await turn();
  finish();
  await turn();
  finish();
  await idle;
  assert.deepEqual([started, written, failures.length], [[1, 2, 3], [2, 3], 1]);
});

test("a snapshot that the failure callback submits is written", async () => {
  const { store, started, finish } = slowStore();
  const written: number[] = [];
  const writer = new CheckpointWriter(store, {
    written: ({ step }) => written.push(step),
    failed: () => writer.submit(snapshot(2)),
  });
  writer.submit(snapshot(1));
  const idle = writer.idle();
  finish(new Error("disk full"));
  await turn();
  assert.deepEqual(started, [1, 2]);
  finish();
  await idle;
  assert.deepEqual(written, [2]);
});
