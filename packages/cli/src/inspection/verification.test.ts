import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonOf, type Verification, verificationText } from "./verification.js";

const sound: Verification = {
  ...{ data: "faces", fingerprint: "0123456789abcdef", images: 60 },
  ...{ problems: [], repeated: [], unlabelled: [] },
};
const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `spare/${index}.jpg`);
const verdict = "faces: 60 images, fingerprint 0123456789ab: sound\n";

test("thousands of images that the labels do not name are one note with their number and five of them; JSON lists all", () => {
  const found = { ...sound, unlabelled: names(21_500) };
  const five = "spare/0.jpg, spare/1.jpg, spare/2.jpg, spare/3.jpg, spare/4.jpg";
  assert.equal(
    verificationText(found),
    `note: 21500 images are not named by the labels and are left out: ${five}, … (all are in --json)\n${verdict}`,
  );
  assert.equal(jsonOf(found).notes.length, 21_500);
  assert.equal(jsonOf(found).notes.at(-1), 'image "spare/21499.jpg" is not named by the labels and is left out');
});

test("a few such images are all named, and the note is absent if there are none", () => {
  assert.equal(
    verificationText({ ...sound, unlabelled: names(1) }),
    `note: 1 image is not named by the labels and is left out: spare/0.jpg\n${verdict}`,
  );
  assert.match(verificationText({ ...sound, unlabelled: names(5) }), /^note: 5 images .*spare\/4.jpg$/m);
  assert.equal(verificationText(sound), verdict);
});

test("every problem and every repeated image has a line of its own", () => {
  const problems = names(30).map((name) => `image "${name}" is empty`);
  const repeated = names(8).map((name) => `the same image twice: ${name} = copy.jpg`);
  const lines = verificationText({ ...sound, problems, repeated })
    .trimEnd()
    .split("\n");
  assert.deepEqual(lines.slice(0, 38), [...problems, ...repeated.map((line) => `note: ${line}`)]);
  assert.match(lines.at(-1) ?? "", /: 30 problems$/);
});
