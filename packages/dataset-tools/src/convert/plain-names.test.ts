import assert from "node:assert/strict";
import { test } from "node:test";
import { plainStems } from "./plain-names.js";

test("stems have only plain characters and are unique within a part without regard to letter case", () => {
  const names = ["a/x.jpg", "b/X.png", "x-2.jpg", "c/x.jpg", "é é.jpg", ".jpg"];
  const stems = plainStems(names.map((name) => ({ part: "train", name })));
  assert.deepEqual(stems, ["x", "X-2", "x-2-2", "x-3", "_", "image"]);
  assert.deepEqual(plainStems([{ part: "train", name: "x" } as const, { part: "val", name: "x" } as const]), [
    "x",
    "x",
  ]);
});

test("a hundred thousand images with the same name get stems within five seconds", () => {
  const images = Array.from(
    { length: 100_000 },
    (_, index) => ({ part: "train", name: `${index}/image.jpg` }) as const,
  );
  const startMs = performance.now();
  const stems = plainStems(images);
  assert.ok(performance.now() - startMs < 5000);
  assert.equal(new Set(stems).size, images.length);
  assert.equal(stems.at(-1), "image-100000");
});
