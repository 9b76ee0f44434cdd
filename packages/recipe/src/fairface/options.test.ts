import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "@lockstep/errors";
import { checkImageSize, resolveFairfaceOptions } from "./options.js";

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof UserError, String(error));
    return error.message;
  }
  return assert.fail("nothing was thrown");
}

test("without options the network is the default network", () => {
  assert.deepEqual(resolveFairfaceOptions({}), {
    widths: [32, 64, 128, 256],
    denseUnits: 512,
    dropout: 0.5,
    taskWeights: { gender: 1, race: 1, age: 1 },
    classWeights: "inverse-frequency",
    augmentation: {
      flip: 0.5,
      rotationDegrees: 10,
      cropArea: [0.8, 1],
      brightness: 0.2,
      contrast: 0.2,
      saturation: 0,
    },
  });
});

test("options of a group that are not given have their defaults, and null turns augmentation off", () => {
  const options = resolveFairfaceOptions({ taskWeights: { age: 2 }, augmentation: { rotationDegrees: 0 } });
  assert.deepEqual(options.taskWeights, { gender: 1, race: 1, age: 2 });
  assert.equal(options.augmentation?.flip, 0.5);
  assert.equal(resolveFairfaceOptions({ augmentation: null }).augmentation, null);
});

test("resolved options resolve to themselves", () => {
  const resolved = resolveFairfaceOptions({ widths: [8], dropout: 0 });
  assert.deepEqual(resolveFairfaceOptions(resolved), resolved);
});

test("the message about a wrong option names the option and its value", () => {
  assert.match(
    messageOf(() => resolveFairfaceOptions({ dropout: 1 })),
    /^fairface recipe: dropout 1: /,
  );
  assert.match(
    messageOf(() => resolveFairfaceOptions({ widths: [8, 0] })),
    /widths\.1 0: /,
  );
  assert.match(
    messageOf(() => resolveFairfaceOptions({ augmentation: { cropArea: [0.9, 0.5] } })),
    /cropArea \[0\.9,0\.5\]: /,
  );
  assert.match(
    messageOf(() => resolveFairfaceOptions({ taskWeights: { gender: 0, race: 0, age: 0 } })),
    /above 0/,
  );
  assert.match(
    messageOf(() => resolveFairfaceOptions({ depth: 3 })),
    /depth/,
  );
});

test("an image size that the blocks cannot halve is refused, with the nearest sizes that fit", () => {
  const options = resolveFairfaceOptions({});
  checkImageSize(64, options);
  checkImageSize(224, options);
  assert.equal(
    messageOf(() => checkImageSize(100, options)),
    "image size 100: must be a multiple of 16, because 4 blocks halve it (--image-size 96 or 112)",
  );
  assert.match(
    messageOf(() => checkImageSize(8, options)),
    /--image-size 16\)$/,
  );
});
