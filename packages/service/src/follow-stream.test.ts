import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import type { ClientReadableStream } from "@grpc/grpc-js";
import { followStream } from "./follow-stream.js";

/** Of a client's stream what followStream uses. */
class FakeStream extends EventEmitter {
  isCancelled = false;

  cancel(): void {
    this.isCancelled = true;
    this.emit("error", new Error("1 CANCELLED"));
  }
}

function followed(script: (stream: FakeStream, index: number) => void, onMessage = (_: string): void => {}) {
  const stop = new AbortController();
  const streams: FakeStream[] = [];
  const [messages, lost, waits]: [string[], string[], number[]] = [[], [], []];
  const done = followStream<string>(
    () => {
      const stream = new FakeStream();
      streams.push(stream);
      setImmediate(() => script(stream, streams.length - 1));
      return stream as unknown as ClientReadableStream<string>;
    },
    {
      onMessage(message) {
        onMessage(message);
        messages.push(message);
      },
      onLost: (reason) => void lost.push(reason),
    },
    {
      signal: stop.signal,
      backoff(failures) {
        waits.push(failures);
        return 1;
      },
    },
  );
  return { stop, streams, messages, lost, waits, done };
}

test("a stream that ends is opened again, and the wait grows until a message comes", async () => {
  const follow = followed((stream, index) => {
    if (index < 2) stream.emit("error", new Error("14 UNAVAILABLE"));
    else if (index === 2) {
      stream.emit("data", "hello");
      stream.emit("end");
    } else follow.stop.abort(new Error("enough"));
  });
  await follow.done;
  assert.deepEqual(follow.messages, ["hello"]);
  assert.deepEqual(follow.waits.slice(0, 3), [1, 2, 1]);
  assert.deepEqual(follow.lost.slice(0, 3), ["14 UNAVAILABLE", "14 UNAVAILABLE", "the server closed the stream"]);
  assert.equal(follow.streams.at(-1)?.isCancelled, true);
});

test("a message that the follower refuses ends the stream, and counts as a failure", async () => {
  const follow = followed(
    (stream, index) => {
      if (index === 2) follow.stop.abort(new Error("enough"));
      else for (const message of ["odd", "after"]) stream.emit("data", message);
    },
    () => {
      throw new Error("not understood");
    },
  );
  await follow.done;
  assert.deepEqual(follow.messages, []);
  assert.deepEqual(follow.lost.slice(0, 2), ["not understood", "not understood"]);
  assert.deepEqual(follow.waits.slice(0, 2), [1, 2]);
  assert.equal(follow.streams[0]?.isCancelled, true);
});
